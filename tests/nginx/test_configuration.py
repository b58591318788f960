"""`nginx -t` with bad and doubtful configurations: everything that is wrong is told, with its place and its repair."""
import json
import os
import re
from pathlib import Path

import pytest

from serve import check

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def told(build, tmp_path):
    """A function from a text in the http block to success and lines such as `[emerg] ... in N`, N counted from the text's first."""
    def run(http):
        ok, lines = check(build, http, tmp_path)
        first = (tmp_path / "nginx.conf").read_text().split(http)[0].count("\n")
        seen = []
        for line in lines:
            if match := re.search(r"(\[(?:emerg|warn|alert|crit)\]) \d+#\d+: (.*)", line):
                text = match[2].replace(f"{tmp_path}/", "")
                seen.append(match[1] + " " + re.sub(r"nginx\.conf:(\d+)", lambda place: f"{int(place[1]) - first}", text))
        return ok, seen
    return run


def test_every_problem_of_every_policy_is_told_at_once_with_its_line(told):
    ok, lines = told("""corsac_policy api {
    allow_origins https://app.example.com/;
    allow_origins https://ok.example
                  http://x.example;
    allow_methods PUT TRACE;
    max_age 2d;
    allow_credentials on;
    preflight_status 201;
    expect_allow https://nobody.example;
}
corsac_policy second {
    rule { allow_origins https://a.example; }
    rule {
        name empty;
    }
    rule {
        max_age 1;
        allow_origins *;
        allow_credentials on;
    }
}
""")
    assert not ok
    assert [re.sub(r": [^:]*, (write|remove|name)", r": \1", line) for line in lines]  # each has a repair
    places = [(line.split('"')[1], line.split(": ")[2], int(line.rsplit(" ", 1)[1])) for line in lines]
    assert places == [
        ("api", "allow_origins[0]", 2), ("api", "allow_origins[2]", 4), ("api", "allow_methods[1]", 5), ("api", "max_age", 6),
        ("api", "preflight_status", 8),
        ("second", "rules[1]", 13), ("second", "rules[2].allow_origins[0]", 18),
    ]
    assert lines[0] == ('[emerg] corsac: policy "api": allow_origins[0]: "https://app.example.com/" ends with a slash, which no origin '
                        'has, write "https://app.example.com" in 2')


def test_a_failed_expectation_is_told(told):
    ok, lines = told("corsac_policy api { allow_origins https://a.example;\n expect_allow https://a.example https://b.example;\n"
                     " expect_refuse https://a.example; }")
    assert not ok and len(lines) == 2
    assert "expect.allow[1]" in lines[0] and lines[0].endswith(" in 2")
    assert "expect.refuse[0]" in lines[1] and lines[1].endswith(" in 3")


def test_warnings_are_told_and_stop_nothing(told):
    ok, lines = told("corsac_policy api {\n allow_origins http://a.example;\n allow_methods put;\n allow_headers content-type;\n}\n")
    assert ok and len(lines) == 2 and all(line.startswith("[warn] ") for line in lines)
    assert "allow_origins[0]" in lines[0] and lines[0].endswith(" in 2")
    assert "allow_methods[0]" in lines[1] and lines[1].endswith(" in 3")


def test_warnings_that_are_acknowledged_are_not_told(told):
    text = "corsac_policy api {{ allow_origins http://a.example; {} }}\n"
    assert len(told(text.format(""))[1]) == 1
    assert told(text.format("acknowledge insecure-origin;")) == (True, [])
    assert told(text.format("acknowledge insecure-orgin;"))[0] is False


BAD = {
    "corsac_policy api { alow_origins *; }":
        ['unknown directive "alow_origins" in 1', 'corsac: a policy has no "alow_origins": write "allow_origins" in 1'],
    "corsac_policy api { rules { } }": ['unknown directive "rules" in 1', 'corsac: a policy has no "rules": write "rule" in 1'],
    "corsac_policy api { listen 80; }": [
        '"listen" directive is not allowed here in 1',
        'corsac: a policy has no "listen": write directives such as "allow_origins", or end its block with "}" in 1'],
    "corsac_policy api { rule { preflight_status 200; } }": [
        '"preflight_status" directive is not allowed here in 1',
        'corsac: "preflight_status" is for the whole policy: write it outside of "rule" in 1'],
    "corsac_policy api { allow_origins *; rule { allow_origins *; } }":
        ['"rule" directive stands beside directives of a rule: write each of them inside a rule in 1'],
    "corsac_policy api { rule { allow_origins *; } max_age 5; }":
        ['"max_age" directive stands beside "rule": write it inside a rule in 1'],
    "corsac_policy api { rule x { } }": ['"rule" directive has no value: write a "name" inside of it in 1'],
    "corsac_policy api { allow_origins; }": ['"allow_origins" directive has no value: write one or more in 1'],
    "corsac_policy api { allow_origins *; max_age 5; max_age 6; }": ['"max_age" directive is duplicate: write it once in 1'],
    "corsac_policy api { max_age 5 6; }": ['"max_age" directive has one value: write it in 1'],
    "corsac_policy api { max_age soon; }":
        ['invalid value "soon" in "max_age" directive, write seconds from 0 to 86400, or a time such as "10m" in 1'],
    "corsac_policy api { preflight_status ok; }": ['invalid value "ok" in "preflight_status" directive, write 204 or 200 in 1'],
    "corsac_policy api { allow_credentials yes; }": ['invalid value "yes" in "allow_credentials" directive, write "on" or "off" in 1'],
    "corsac_policy api { allow_origins * }": ['unexpected "}" in 1'],
    "corsac_policy { allow_origins *; }":
        ['"corsac_policy" directive has one value: write a name for the policy in front of the "{" in 1'],
    "corsac_policy api;": ['directive "corsac_policy" has no opening "{" in 1'],
    "corsac_policy off { allow_origins *; }":
        ['corsac: a policy cannot be called "off", since "corsac off" is something else: write another name in 1'],
    "corsac_policy $x { allow_origins *; }":
        ['corsac: a policy cannot be called "$x", since "corsac $x" is something else: write another name in 1'],
    "corsac_policy api { allow_origins *; }\ncorsac_policy api { allow_origins *; }":
        ['corsac: there is a policy "api" already in 1: write another name in 2'],
    "server { corsac_policy api { allow_origins *; } }": ['"corsac_policy" directive is not allowed here: write it in the http block in 1'],
    "server { corsac_policy_file api x.json; }": ['"corsac_policy_file" directive is not allowed here: write it in the http block in 1'],
    "corsac_policy_file api;":
        ['"corsac_policy_file" directive has two values: write a name for the policy and the path of its document in 1'],
    "corsac_policy_file api none.json;": [
        'corsac: policy "api": open() "none.json" failed, write the path of a policy document (2: No such file or directory) in 1'],
    "corsac_policy_file api logs;": ['corsac: policy "api": "logs" is not a file, write the path of a policy document in 1'],
    "corsac_policy_file api fifo;": ['corsac: policy "api": "fifo" is not a file, write the path of a policy document in 1'],
    "corsac_policy_file api huge.json;":
        ['corsac: policy "api": "huge.json" has 268435457 bytes, a policy document has at most 268435456 in 1'],
    "corsac_policy api { allow_origins *; }\nserver { corsac apj;\nlocation / { corsac nothing; } }": [
        'corsac: there is no policy "apj", write "api" in "corsac" directive in 2',
        'corsac: there is no policy "nothing", write "corsac_policy nothing { ... }" or "corsac_policy_file nothing FILE;" in the http '
        'block for "corsac" directive in 3'],
    "corsac nothing;": [
        'corsac: there is no policy "nothing", write "corsac_policy nothing { ... }" or "corsac_policy_file nothing FILE;" in the http '
        'block for "corsac" directive in 1'],
    "server { location / { if ($arg_x) { corsac off; } } }": [
        '"corsac" directive is not allowed in "if", which is evaluated too late for preflights: choose the policy by a "map" and write '
        '"corsac $variable;" outside of the "if" in 1'],
    "server { if ($arg_x) { corsac off; } }": [
        '"corsac" directive is not allowed in "if", which is evaluated too late for preflights: choose the policy by a "map" and write '
        '"corsac $variable;" outside of the "if" in 1'],
    "server { location / { limit_except GET { corsac off; } } }":
        ['"corsac" directive is not allowed in "limit_except": write it in the location in 1'],
    "server { corsac off; corsac off; }": ['"corsac" directive is duplicate: write it once in 1'],
    "server { corsac; }": ['"corsac" directive has one value: write the name of a policy, a variable or "off" in 1'],
    "server { corsac a b; }": ['"corsac" directive has one value: write the name of a policy, a variable or "off" in 1'],
    'server { corsac ""; }': ['"corsac" directive has one value: write the name of a policy, a variable or "off" in 1'],
    "server { corsac_preflight maybe; }": ['"corsac_preflight" directive has another value: write "pass" or "answer" in 1'],
    "server { corsac_report; }": ['"corsac_report" directive has another value: write "on" or "off" in 1'],
    "server { corsac_report on; corsac_report on; }": ['"corsac_report" directive is duplicate: write it once in 1'],
    "server { location / { if ($arg_x) { corsac_report on; } } }":
        ['"corsac_report" directive is not allowed in "if" and "limit_except": write it in the location in 1'],
}


@pytest.mark.parametrize("text", BAD)
def test_a_malformed_directive_is_told_with_its_repair(told, tmp_path, text):
    if "huge" in text:
        with (tmp_path / "huge.json").open("wb") as file:
            file.truncate((256 << 20) + 1)
    if "fifo" in text:
        os.mkfifo(tmp_path / "fifo")
    assert told(text) == (False, [f"[emerg] {line}" for line in BAD[text]])


def test_includes_work_inside_a_policy_and_are_named(told, tmp_path):
    (tmp_path / "origins.conf").write_text("allow_origins https://a.example\n    https://b.example/;\n")
    ok, lines = told("corsac_policy api { include origins.conf; }")
    assert not ok and lines[0].endswith('write "https://b.example" in origins.conf:2')


def test_a_missing_library_or_header_is_told_when_it_is_built(tmp_path):
    import subprocess
    script = ROOT / "bindings/nginx/config"
    for variable, missing in (("CORSAC_LIB", "libcorsac.a"), ("CORSAC_INC", "corsac.h")):
        done = subprocess.run(["sh", "-c", f'ngx_addon_dir={script.parent}; . "{script}"'], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, variable: f"{tmp_path}/none.a"})
        assert done.returncode == 1 and missing in done.stdout and variable in done.stdout


def test_the_readme_is_a_configuration(told, tmp_path):
    blocks = re.findall(r"```nginx\n(.*?)```", (ROOT / "bindings/nginx/README.md").read_text(), re.S)
    assert len(blocks) >= 4
    (tmp_path / "corsac").mkdir()
    (tmp_path / "corsac/public.json").write_text('{"allow_origins":"*"}')
    for block in blocks:
        text = re.sub(r"(?s)^load_module.*?http \{\n(.*)\}\n$", r"\1", block)
        if "corsac_policy" not in text:
            text = "corsac_policy api { allow_origins *; } corsac_policy public { allow_origins *; }\n" + text
        assert told("upstream application { server 127.0.0.1:1; }\n" + text) == (True, []), block


# --- Policy documents --------------------------------------------------------------------------------------


def generated(value):
    if isinstance(value, dict):
        return value["repeat"] * value["times"]
    if isinstance(value, list):
        return "".join(map(generated, value))
    return value


def documents(kind):
    """Every document of the vectors that is refused or accepted: (name, text, problems or warnings)."""
    for file in sorted((ROOT / "tests/vectors").glob("*.json")):
        for case in json.loads(file.read_text())["cases"]:
            if kind in case and not {"policy", "s3"} & case.keys():
                if "text" in case:
                    text = generated(case["text"])
                else:
                    text = json.dumps(case["document"], separators=(",", ":"))
                yield case["name"], text.encode("utf-8", "surrogatepass"), case[kind]


@pytest.mark.parametrize(("kind", "level"), [("problems", "emerg"), ("warnings", "warn")])
def test_what_the_vectors_say_of_documents_is_told_with_file_line_and_column(told, tmp_path, kind, level):
    cases = list(documents(kind))
    assert len(cases) > 30
    names = {}
    lines = []
    for number, (name, text, expected) in enumerate(cases):
        (tmp_path / f"{number}.json").write_bytes(text)
        names[f"c{number}"] = (name, expected)
        lines.append(f"corsac_policy_file c{number} {number}.json;")
    ok, seen = told("\n".join(lines))
    assert ok == (kind == "warnings")
    assert all(line.startswith(f"[{level}] ") for line in seen)
    by_policy = {name: [] for name in names}
    for line in seen:
        by_policy[line.split('"')[1]].append(line)
    for policy, (name, expected) in names.items():
        number = policy[1:]
        assert len(by_policy[policy]) == len(expected), (name, by_policy[policy])
        for line, problem in zip(by_policy[policy], expected):
            assert line.startswith(f'[{level}] corsac: policy "{policy}": {number}.json:'), line
            assert line.endswith(f" in {int(number) + 1}")
            if problem.get("path") and len(problem["path"]) < 200:
                assert f": {problem['path']}: " in line, (name, line)
            if "line" in problem:
                assert f" {number}.json:{problem['line']}:{problem['column']}: " in line, (name, line)
