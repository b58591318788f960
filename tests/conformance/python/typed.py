"""Never run, but checked by mypy --strict: what the types of the package allow, and what they refuse."""

from http.client import HTTPMessage
from pathlib import Path
from typing import assert_type

from corsac import Decision, Expectations, Policy, PolicyCell, PolicyDocument, PolicyError, Problem, RuleDocument, __version__

APP = "https://app.example.com"

policy = Policy(
    allow_origins=[APP], allow_methods=("PUT",), allow_headers="*", expose_headers={"etag"},
    allow_credentials=None, max_age=600,
)
policy = Policy(None, allow_origins="*")
policy = Policy({"allow_origins": [APP], "max_age": 600})
policy = Policy.from_json(b"{}")
policy = Policy.from_file(Path("policy.json"))

policy = Policy(
    allow_origins=["null"], dangerously_allow=["null-origin"], timing_allow_origin="*", name="a", description=None,
    preflight_status=200, refused_requests="forbid", own_origins=(APP,), foreign_headers="keep",
    expect={"allow": [APP]}, acknowledge={"duplicate"},
)
policy = Policy(rules=[{"allow_origins": [APP], "allow_credentials": True}, {"allow_origins": "*"}], name="all")
rule: RuleDocument = {"allow_origins": "*", "max_age": None, "timing_allow_origin": True}
expectations: Expectations = {"refuse": ["https://evil.example"]}
document: PolicyDocument = {"$schema": "x", "rules": [rule], "expect": expectations, "preflight_status": 204}
policy = Policy(document)
document = {"allow_origins": [APP], "refused_requests": "forward"}
policy = Policy(rules=(rule,), expect=expectations)

Policy(rules=[{"allow_origins": "*", "max_ag": 5}])  # type: ignore[typeddict-unknown-key]
Policy(rules=[rule], max_age=5)  # type: ignore[call-overload]
Policy(rules=[rule], allow_origins="*")  # type: ignore[call-overload]
Policy(allow_origins="*", preflight_status=201)  # type: ignore[call-overload]
Policy(allow_origins="*", dangerously_allow=["null"])  # type: ignore[call-overload]
Policy(allow_origins="*", expect={"alow": [APP]})  # type: ignore[call-overload]
Policy(allow_origins="*", schema="x")  # type: ignore[call-overload]
rule = {"allow_origins": "*", "rules": []}  # type: ignore[typeddict-unknown-key]
rule = {"max_age": 5}  # type: ignore[typeddict-item]
Policy()  # type: ignore[call-overload]
Policy(allow_origin=[APP])  # type: ignore[call-overload]
Policy(allow_origins=APP)  # type: ignore[call-overload]
Policy({"allow_origins": [APP]}, max_age=600)  # type: ignore[call-overload]
Policy.from_json({})  # type: ignore[arg-type]


def headers_of_many_kinds(
    text: dict[str, str],
    lists: dict[str, list[str]],
    scope: list[tuple[bytes, bytes]],
    pairs: list[tuple[str, str]],
    message: HTTPMessage,
) -> None:
    policy.evaluate("GET", text)
    policy.evaluate("GET", lists)
    policy.evaluate(b"GET", scope)
    policy.evaluate("GET", pairs)
    policy.evaluate("GET", iter(pairs))
    policy.evaluate("GET", text.items())
    policy.evaluate("GET", message.items())
    policy.evaluate("GET", {b"host": b"api.example.com"})
    policy.evaluate("GET", 5)  # type: ignore[arg-type]
    policy.evaluate("GET", {"Origin": 5})  # type: ignore[arg-type]
    policy.evaluate(None, {})  # type: ignore[arg-type]


decision = policy.evaluate(method="GET", headers={})
assert_type(decision, Decision)
assert_type(decision.rule, int | None)
for op, name, value in decision.headers:
    if op == "set":
        print(name.lower(), value)
    if op == "delete":  # type: ignore[comparison-overlap]
        pass
if decision.kind == "other":  # type: ignore[comparison-overlap]
    pass
Decision().status = 5  # type: ignore[misc]

cell = PolicyCell(policy)
cell.policy = Policy.from_file("policy.json")
cell.policy = {"allow_origins": [APP]}  # type: ignore[assignment]
cell.generation = 5  # type: ignore[misc]
PolicyCell({"allow_origins": [APP]})  # type: ignore[arg-type]
assert_type(cell.policy, Policy)
assert_type(cell.generation, int)
assert_type(cell.evaluate("GET", {}), Decision)
assert_type(cell.allows_origin(APP, credentials=False), bool)

try:
    Policy.from_json("{}")
except PolicyError as error:
    assert_type(error.problems, tuple[Problem, ...])
    assert_type(error.problems[0].line, int | None)
assert_type(policy.warnings, tuple[Problem, ...])
assert_type(policy.warnings_unreported, int)
assert_type(str(decision), str)
assert_type(decision.rule_name, str | None)
assert_type(policy.allows_origin(None), bool)
assert_type(policy.document(), str)
assert_type(__version__, str)
policy.warnings = ()  # type: ignore[misc]
