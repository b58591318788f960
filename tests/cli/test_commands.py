"""What each command prints and how it ends, for people and for programs."""
import json
import subprocess

import pytest

from conftest import ENVIRONMENT, PROGRAM
from mistakes import ORIGIN, PAGE, allow

POLICY = {"allow_origins": [PAGE], "allow_methods": ["PUT"], "allow_headers": ["content-type"]}


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(POLICY))
    return path


def explain(corsac, policy, *words, page=PAGE):
    return corsac("explain", "--policy", policy, "--page", page, *words)


def test_check_tells_every_problem_with_its_place(corsac, tmp_path):
    good, bad, warned = tmp_path / "good.json", tmp_path / "bad.json", tmp_path / "warned.json"
    good.write_text(json.dumps(POLICY))
    bad.write_text('{"allow_origins": ["https://app.example.test/"],\n "max_age": -1}')
    warned.write_text('{"allow_origins": ["https://App.example.test"]}')
    ran = corsac("check", good)
    assert (ran.code, ran.out) == (0, f"{good}: no problems, no warnings\n")
    assert corsac("check", "--quiet", good).out == ""
    ran = corsac("check", good, bad)
    assert ran.code == 1
    assert f"{bad}:1:20: error[" in ran.out and "write instead: https://app.example.test\n" in ran.out and f"{bad}:2:" in ran.out
    assert corsac("check", warned).code == 0
    assert corsac("check", "--deny-warnings", warned).code == 1
    files = json.loads(corsac("check", "--json", good, bad, warned).out)["files"]
    assert [(len(file["problems"]), len(file["warnings"]), file["valid"]) for file in files] == [
        (0, 0, True), (2, 0, False), (0, 1, True)]
    assert corsac("check", "-", stdin=b"{}").code == 1
    assert corsac("check", tmp_path / "none.json").code == 2


def test_explain_tells_what_a_policy_does_to_a_request(corsac, policy):
    ran = explain(corsac, policy, "-X", "PUT", "-H", "Content-Type: application/json", "https://api.example.test/")
    assert ran.code == 0
    assert "readable by the standard, Chromium, Firefox" in ran.out
    ran = explain(corsac, policy, "-X", "DELETE", "-H", "X-Token: 1", "--credentials", "include", "https://api.example.test/")
    assert ran.code == 1
    for code, path in {"method-not-allowed": "allow_methods: DELETE", "header-not-allowed": "allow_headers: x-token",
                       "credentials-not-allowed": "allow_credentials: true"}.items():
        assert f"cause[{code}]: The policy does not allow" in ran.out or code == "credentials-not-allowed"
        assert f"in the policy, {path}" in ran.out
    assert "Chromium prints" in ran.out and "Firefox prints" in ran.out
    curl = "curl -X DELETE -H 'X-Token: 1' -b id=1 https://api.example.test/"
    assert explain(corsac, policy, "--curl", curl).out == ran.out


def test_a_page_may_be_given_by_its_address(corsac, policy):
    for page in (f"{PAGE}/", f"{PAGE}/shop?a=1#b", "https://APP.example.test:443"):
        assert explain(corsac, policy, "https://api.example.test/", page=page).code == 0, page


def test_evaluate_prints_a_decision_a_line(corsac, policy):
    lines = [{"method": "GET", "headers": [["Origin", PAGE]]}, {"method": "GET", "headers": [["Origin", "https://other.test"]]}]
    ran = corsac("evaluate", "--policy", policy, "-", stdin="\n\n".join(map(json.dumps, lines)).encode())
    assert ran.code == 0
    decisions = [json.loads(line) for line in ran.out.splitlines()]
    assert [decision["reason"] for decision in decisions] == ["allowed", "origin-not-allowed"]
    assert ["set", "Access-Control-Allow-Origin", PAGE] in decisions[0]["headers"]
    for bad in (b"{", b'{"method": "GET"}', b'{"method": "GET", "headers": [["a", "\xe2\x82\xac"]]}'):
        ran = corsac("evaluate", "--policy", policy, "-", stdin=b"\n" + bad)
        assert ran.code == 2 and "-:2: " in ran.err, ran.err


def test_all_help_has_examples_and_shells_get_completions(corsac):
    assert corsac().code == 2
    for command in ("check", "convert", "diff", "explain", "probe", "evaluate", "completions"):
        ran = corsac(command, "--help")
        assert ran.code == 0 and "Examples:\n  " in ran.out, command
    assert "Exit codes: " in corsac("--help").out
    assert corsac("--version").out.startswith("corsac ")
    for shell in ("bash", "zsh", "fish", "elvish", "powershell"):
        assert "probe" in subprocess.run([PROGRAM, "completions", shell], capture_output=True, check=True).stdout.decode()
    script = corsac("completions", "bash").out
    assert subprocess.run(["bash", "-n"], input=script.encode()).returncode == 0


def test_colours_are_for_terminals(site):
    site.answers["/colours"] = {"actual": allow()}
    command = [str(PROGRAM), "probe", "--no-extra", f"{site.origin}/colours", "--origin", PAGE]
    piped = subprocess.run(command, capture_output=True, env=ENVIRONMENT).stdout
    coloured = subprocess.run(command, capture_output=True, env={**ENVIRONMENT, "CLICOLOR_FORCE": "1"}).stdout
    plain = subprocess.run(command, capture_output=True, env={**ENVIRONMENT, "CLICOLOR_FORCE": "1", "NO_COLOR": "1"}).stdout
    assert b"\x1b" not in piped and b"\x1b[32m" in coloured and b"\x1b" not in plain


def test_a_reader_that_has_seen_enough_is_no_error(policy):
    command = f"'{PROGRAM}' explain --policy '{policy}' --page {PAGE} --verbose https://api.example.test/ | true; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_probe_sends_what_is_described(corsac, site):
    site.answers["/items"] = {"preflight": (204, [(ORIGIN, "*"), ("Access-Control-Allow-Methods", "PUT"),
                                                  ("Access-Control-Allow-Headers", "content-type")]), "actual": (200, [(ORIGIN, "*")])}
    del site.log[:]
    ran = corsac("probe", f"{site.origin}/items", "--origin", PAGE, "-X", "PUT", "-H", "Content-Type: application/json",
                 "--body", "{}", "--send", "--no-extra")
    assert ran.code == 0, ran.text
    [(_, _, preflight), (method, _, request)] = site.log
    headers = {name.lower(): value for name, value in request}
    asked = {name.lower(): value for name, value in preflight}
    assert (asked["access-control-request-method"], asked["access-control-request-headers"]) == ("PUT", "content-type")
    assert (method, headers["content-type"], headers["content-length"]) == ("PUT", "application/json", "2")
    assert headers["origin"] == asked["origin"] == PAGE
