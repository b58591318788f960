"""Every vector of tests/vectors that HTTP can carry, sent to one nginx with one location for each policy."""
import json
import re
from pathlib import Path

import pytest

from serve import FOREIGN, Application, Connection, Nginx, free_port

ROOT = Path(__file__).resolve().parents[2]
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def generated(value):
    return value["repeat"] * value["times"] if isinstance(value, dict) else value


def header_lines(entries):
    lines = []
    for entry in entries:
        line, times = (entry["lines"], entry["times"]) if isinstance(entry, dict) else (entry, 1)
        lines += [(line[0], generated(line[1]))] * times
    return lines


def cases():
    for file in sorted((ROOT / "tests/vectors").glob("*.json")):
        content = json.loads(file.read_text("utf-8"))
        for case in content["cases"]:
            if "s3" not in case and ("decision" in case or "applied" in case):
                policy = case["policy"]
                if isinstance(policy, str):
                    policy = content["policies"][policy]
                yield f"{file.stem}/{case['name']}", policy, case


CASES = list(cases())
POLICIES = {}
for _, policy, _ in CASES:
    POLICIES.setdefault(json.dumps(policy), len(POLICIES))


def unsendable(method, lines):
    """Why nginx never shows a request to a module, or changes it before."""
    if not re.fullmatch(r"[A-Z_-]+", method):
        return "nginx takes no such method"
    if method in ("TRACE", "CONNECT"):
        return "nginx answers this method itself"
    for name, value in lines:
        if name != ":authority" and not TOKEN.fullmatch(name):
            return "no name of a header"
        if re.search("[\0\r\n]", value) or value != value.strip(" "):
            return "no value of a header, or another one on the wire"
    names = [name.lower() for name, _ in lines]
    if names.count(":authority") > 1:
        return "nginx refuses a second authority"
    return None


def location(number, policy):
    foreign = "\n".join(f'add_header {name} foreign always;' for name in FOREIGN)
    return f"""
        location /{number}/ {{
            corsac p{number};
            add_header X-All "$corsac_kind $corsac_allowed $corsac_reason" always;
            add_header X-Decision "$corsac_decision" always;
            {foreign}
            return 200 "application";
        }}
        location /applied/{number}/ {{
            corsac p{number};
            corsac_preflight pass;
            proxy_pass_request_headers off;
            proxy_pass http://application;
        }}"""


@pytest.fixture(scope="module")
def upstream():
    def answer(method, target, headers):
        case = CASES[int(target.rsplit("/", 1)[1])][2]
        return 200, header_lines(case["response"]), b"application"

    with Application(answer) as server:
        yield server


@pytest.fixture(scope="module")
def nginx(build, upstream, tmp_path_factory):
    folder = tmp_path_factory.mktemp("policies")
    for text, number in POLICIES.items():
        (folder / f"{number}.json").write_text(text)
    port = free_port()
    files = "\n".join(f"corsac_policy_file p{number} {folder}/{number}.json;" for number in POLICIES.values())
    with Nginx(build, f"""
        {files}
        upstream application {{ server 127.0.0.1:{upstream.port}; }}
        client_header_buffer_size 1m;
        underscores_in_headers on;
        ignore_invalid_headers off;
        server {{
            listen 127.0.0.1:{port};
            {"".join(location(number, policy) for policy, number in POLICIES.items())}
        }}""", port=port) as server:
        yield server


def send(nginx, method, target, lines):
    authority = [value for name, value in lines if name == ":authority"]
    lines = [line for line in lines if line[0] != ":authority"]
    names = [name.lower() for name, _ in lines]
    if authority:
        target = f"http://{authority[0]}{target}"
        if "host" not in names:
            lines.insert(0, ("Host", "localhost"))
    # A request without Host is one of HTTP/1.0.
    version = "1.1" if authority or "host" in names else "1.0"
    with Connection(nginx.port) as connection:
        connection.send(connection.text(method, target, lines, version=version, host=None))
        return connection.receive(method)


def check_decision(response, decision, line):
    allowed = int(decision["allowed"])
    assert response.one("X-All") == f"{decision['kind']} {allowed} {decision['reason']}"
    rule = re.search(r" rule=(\d+|-)", response.one("X-Decision"))[1]
    assert rule == ("-" if decision["rule"] is None else str(decision["rule"]))
    if line is not None:
        assert response.one("X-Decision") == line
    assert response.status == (decision["status"] or 200)

    removed = {"all": FOREIGN, "none": []}.get(decision["remove"], decision["remove"]) \
        if isinstance(decision["remove"], str) else decision["remove"]
    expected = {name.lower(): [] for name in [*FOREIGN, "Timing-Allow-Origin"]}
    vary = []
    for op, name, value in decision["headers"]:
        value = generated(value)
        if op == "vary":
            vary.append(value.lower())
        else:
            expected[name.lower()] = [*(expected[name.lower()] if op == "add" else []), value.strip()]
    if decision["action"] == "forward":
        for name in FOREIGN:
            if not expected[name.lower()] and name not in removed:
                expected[name.lower()] = ["foreign"]
        assert response.body in (b"application", b"")
    else:
        assert response.body == b""
        assert response.one("Content-Length") == (None if decision["status"] == 204 else "0")
    assert {name: response.all(name) for name in expected} == expected
    assert response.vary == vary
    assert len(response.all("Vary")) == (1 if vary else 0)


def check_applied(response, case):
    def ordered(lines):
        lines = [(name.lower(), value) for name, value in lines]
        vary = ", ".join(value for name, value in lines if name == "vary")
        rest = [line for line in lines if line[0] != "vary"]
        return sorted(rest + [("vary", vary)] * bool(vary), key=lambda line: line[0])

    own = {"server", "date", "connection", "content-length", "content-type", "transfer-encoding"}
    own -= {name.lower() for name, _ in header_lines(case["response"])}
    seen = [line for line in response.headers if line[0].lower() not in own]
    assert ordered(seen) == ordered(header_lines(case["applied"]))


@pytest.mark.parametrize("index", range(len(CASES)), ids=[name for name, _, _ in CASES])
def test_vector(nginx, index):
    _, policy, case = CASES[index]
    number = POLICIES[json.dumps(policy)]
    method = case["request"]["method"]
    lines = header_lines(case["request"]["headers"])
    if reason := unsendable(method, lines):
        pytest.skip(reason)
    if "decision" in case:
        response = send(nginx, method, f"/{number}/", lines)
        if response.status == 400 and any(name.lower() in ("host", ":authority") for name, _ in lines):
            pytest.skip("nginx refuses this host")
        if response.status == 400 and len(lines) >= 1000:
            pytest.skip("nginx refuses so many lines")
        check_decision(response, case["decision"], case.get("line"))
    if "applied" in case:
        check_applied(send(nginx, method, f"/applied/{number}/{index}", lines), case)


def test_most_vectors_can_be_sent():
    count = sum(unsendable(case["request"]["method"], header_lines(case["request"]["headers"])) is None for _, _, case in CASES)
    assert count > 400 and count > 0.9 * len(CASES), (count, len(CASES))
