"""Every vector of tests/vectors, whose README describes the format, on the Python package."""

import copy
import importlib.util
import json
import pickle
from pathlib import Path

import pytest

from corsac import Policy, PolicyError, S3Error

ROOT = Path(__file__).resolve().parents[3]

FOREIGN = [
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Max-Age",
    "Access-Control-Expose-Headers",
    "Access-Control-Allow-Private-Network",
]


def generated(value):
    """A string, a string that is repeated, or several of them one after the other."""
    if isinstance(value, dict):
        return value["repeat"] * value["times"]
    if isinstance(value, list):
        return "".join(map(generated, value))
    return value


def header_lines(entries):
    """Lines of (name, value); an entry may be the same line several times."""
    lines = []
    for entry in entries:
        line, times = (entry["lines"], entry["times"]) if isinstance(entry, dict) else (entry, 1)
        lines += [(line[0], generated(line[1]))] * times
    return lines


def cases():
    for file in sorted((ROOT / "tests/vectors").glob("*.json")):
        content = json.loads(file.read_text("utf-8"))
        for case in content["cases"]:
            skip = case.get("skip", {}).get("python")
            marks = [pytest.mark.skip(reason=f"{case['name']}: {skip}")] if skip else []
            policies = content.get("policies", {})
            yield pytest.param(case, policies, id=f"{file.stem}/{case['name']}", marks=marks)


CASES = list(cases())


def as_bytes(lines):
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]


def as_lists(lines):
    headers = {}
    for name, value in lines:
        headers.setdefault(name, []).append(value)
    return headers


def shapes_of_headers(lines):
    """The same header lines in every form that evaluate takes."""
    yield lines
    yield as_bytes(lines)
    yield (tuple(line) for line in lines)
    yield [list(line) for line in as_bytes(lines)]
    names = [name.lower() for name, _ in lines]
    if len(set(names)) == len({name for name, _ in lines}):
        # Lines of one name stay in order in a mapping; those of different names need none.
        yield as_lists(lines)
        yield {name: tuple(values) for name, values in as_lists(as_bytes(lines)).items()}
    if len(set(names)) == len(names):
        yield dict(lines)
        yield dict(as_bytes(lines))


def has_none(value):
    """Whether a key is null, which as None means absent in Python."""
    if isinstance(value, dict):
        return None in value.values() or any(map(has_none, value.values()))
    return isinstance(value, list) and any(map(has_none, value))


def builds(case, policies):
    """Every way to build the policy of a case: (builder, whether lines and columns are told)."""
    if "s3" in case:
        text, options = generated(case["text"]), case["s3"]
        yield lambda: Policy.from_s3(text, **options), True
        yield lambda: Policy.from_s3(text.encode(), options["dialect"], options["strict"]), True
        return
    if "text" in case:
        text = generated(case["text"])
        yield lambda: Policy.from_json(text), True
        yield lambda: Policy.from_json(text.encode("utf-8", "surrogatepass")), True
        return
    document = case.get("document", case.get("policy"))
    if isinstance(document, str) and "policy" in case:
        document = policies[document]
    yield lambda: Policy.from_json(json.dumps(document, separators=(",", ":"))), True
    yield lambda: Policy.from_json(json.dumps(document, separators=(",", ":"), ensure_ascii=False)), True
    if isinstance(document, dict) and not has_none(document):
        yield lambda: Policy(document), False
        yield lambda: Policy(**document), False


def compare_problems(expected, seen, has_places, exact_places):
    assert [problem["code"] for problem in expected] == [problem.code for problem in seen]
    for wanted, problem in zip(expected, seen):
        keys = {"path", "value", "suggestion"}
        if exact_places:
            keys |= {"line", "column"}
        elif not has_places:
            assert (problem.line, problem.column) == (None, None)
        for key in keys & wanted.keys():
            assert getattr(problem, key) == wanted[key], f"{problem.code}: {key}"
        assert problem.message and problem.message.isprintable()


def check_decision(policy, request, expected, line):
    lines = header_lines(request["headers"])
    removed = expected["remove"]
    if isinstance(removed, str):
        removed = {"all": FOREIGN, "none": []}[removed]
    headers = [(op, name, generated(value)) for op, name, value in expected["headers"]]
    headers += [("remove", name, "") for name in removed]
    for method in (request["method"], request["method"].encode("latin-1")):
        for shape in shapes_of_headers(lines):
            decision = policy.evaluate(method, shape)
            for key in ("kind", "action", "status", "allowed", "reason", "rule", "rule_name"):
                assert getattr(decision, key) == expected[key], (key, type(shape))
            assert list(decision.headers) == headers
            if line is not None:
                assert str(decision) == line
            # Decided by now, so that nothing of another request is left in it.
            assert policy.evaluate(method, lines) == decision
            assert str(policy.evaluate(method, lines)) == str(decision)


def check_s3(policy, case):
    if "s3_xml" in case:
        assert policy.s3_xml() == case["s3_xml"]
    if not repr(policy).startswith("<"):
        assert eval(repr(policy), {"Policy": Policy}) == policy
    assert pickle.loads(pickle.dumps(policy)) == policy
    if "decision" not in case:
        return
    request = (case["request"]["method"], header_lines(case["request"]["headers"]))
    assert policy.s3_headers(*request) == [tuple(line) for line in case["s3_headers"]]
    error, expected = policy.s3_error(*request), case.get("s3_error")
    assert (error is None) is (expected is None)
    if error is not None:
        check_s3_error(error, expected)
        assert error.status == case["decision"]["status"]


def check_s3_error(error, expected, *, is_bucket=False):
    assert error.code == expected["code"]
    for same in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert same == error
        assert same.body(is_bucket=is_bucket, request_id="R1", host_id="H1") == expected["body"]


def load_example():
    spec = importlib.util.spec_from_file_location("server", ROOT / "bindings/python/examples/server.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLE = load_example()


def check_applied(policy, request, response, expected):
    """The example server applies decisions; its users copy it."""

    def ordered(lines):
        # A name may be merged into a line of Vary or stand on one of its own.
        lines = [(name.lower(), value) for name, value in lines]
        vary = ", ".join(value for name, value in lines if name == "vary")
        rest = [line for line in lines if line[0] != "vary"]
        return sorted(rest + [("vary", vary)] * bool(vary), key=lambda line: line[0])

    edits = policy.evaluate(request["method"], header_lines(request["headers"])).headers
    once = EXAMPLE.apply(edits, header_lines(response))
    assert ordered(once) == ordered(header_lines(expected))
    assert ordered(EXAMPLE.apply(edits, once)) == ordered(once)


@pytest.mark.parametrize(("case", "policies"), CASES)
def test_vector(case, policies):
    claims = 0
    for build, has_places in builds(case, policies):
        if "problems" in case:
            with pytest.raises(PolicyError) as raised:
                build()
            compare_problems(case["problems"], raised.value.problems, has_places, "text" in case)
            assert raised.value.s3_code == case.get("s3_error", {}).get("code")
            if "s3_error" in case:
                check_s3_error(raised.value.s3_error, case["s3_error"])
                assert raised.value.s3_error.status == 400
                assert pickle.loads(pickle.dumps(raised.value)).s3_error == raised.value.s3_error
            else:
                assert raised.value.s3_error is None
            claims += 1
            continue
        policy = build()
        if "warnings" in case:
            compare_problems(case["warnings"], policy.warnings, has_places, "text" in case)
            assert policy.warnings_unreported == 0
        if "canonical" in case:
            assert policy.document() == case["canonical"]
            again = Policy.from_s3(policy.document(), **case["s3"]) if "s3" in case else Policy.from_json(policy.document())
            assert again == policy
            claims += 1
        if "decision" in case:
            check_decision(policy, case["request"], case["decision"], case.get("line"))
            claims += 1
        if "s3" in case:
            check_s3(policy, case)
        for origin, credentials, expected in case.get("allows_origin", []):
            for value in {origin, origin and origin.encode("latin-1")}:
                assert policy.allows_origin(value, credentials) is expected, (value, credentials)
            claims += 1
        if "applied" in case:
            check_applied(policy, case["request"], case["response"], case["applied"])
            claims += 1
    assert claims, "a case claims something"


def test_names_of_vectors_are_unique():
    names = [parameters.values[0]["name"] for parameters in CASES]
    assert len(names) > 100
    assert len(set(names)) == len(names)


BUCKETS = json.loads((ROOT / "tests/vectors/s3/buckets.json").read_text())["cases"]


@pytest.mark.parametrize("case", BUCKETS, ids=lambda case: case["name"])
def test_what_s3_answers_about_a_bucket(case):
    make = getattr(S3Error, case["error"].replace("-", "_"))
    request = case.get("request")
    error = make(header_lines(request["headers"]), case["dialect"]) if request else make(dialect=case["dialect"])
    assert error.status == case["status"]
    check_s3_error(error, case, is_bucket=case["is_bucket"])


def test_any_other_error_of_s3():
    error = S3Error("NoSuchKey", 404, "The specified key does not exist.", "aws")
    body = error.body(request_id="R1", host_id="H1")
    assert "<Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><RequestId>R1" in body
    assert (error.code, error.status, error.dialect) == ("NoSuchKey", 404, "aws")
    for make in (lambda: S3Error("A", 400, "", "ceph"), lambda: S3Error.bad_digest("ceph")):
        with pytest.raises(PolicyError, match="ceph"):
            make()
