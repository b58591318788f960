"""The vectors of tests/vectors over HTTP: every policy at a location of its own, and foreign headers on every response."""
import base64
import itertools
import json
import re

import pytest
from apache import ROOT, Apache, Application, parse

FOREIGN = ["access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-methods",
           "access-control-allow-headers", "access-control-max-age", "access-control-expose-headers",
           "access-control-allow-private-network"]
FOREIGN_VALUE = "foreign"


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


class Case:
    def __init__(self, case, policies, location):
        self.case, self.location = case, location
        self.policy = policies[case["policy"]] if isinstance(case["policy"], str) else case["policy"]
        self.method = generated(case["request"]["method"])
        self.lines = header_lines(case["request"]["headers"])

    def values(self, name):
        return [value for key, value in self.lines if key.lower() == name]

    def cannot_be_sent(self):
        """Why Apache never shows this request to a module, or shows it differently; None if it does."""
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", self.method):
            return "the method is no token, Apache answers 400"
        if self.method in ("CONNECT", "TRACE"):
            return "the method is Apache's own"
        for name, value in self.lines:
            if name.startswith(":"):
                return "a line of HTTP/2 alone, which mod_http2 turns into Host"
            if re.search(r"[^\t\x20-\x7e\x80-\xff]", value):
                return "a control character, Apache answers 400"
            if value.strip(" \t") != value:
                return "white space around a value, which is gone after HTTP"
        hosts = self.values("host")
        if len(hosts) > 1 or any(not re.fullmatch(r"[A-Za-z0-9._-]+\.?(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?", host) for host in hosts):
            return "Apache answers 400 to this Host"
        if any(int(port[1]) not in range(1, 65536) for host in hosts if (port := re.search(r":(\d+)$", host))):
            return "Apache answers 400 to this Host"
        requested = self.values("access-control-request-headers")
        if len(requested) > 1 and (len(requested) > 8 or "" in requested):
            return "Apache joins lines, so their number and blank ones are not seen"
        return None

    def data(self, target):
        # HTTP/1.0 needs no Host.
        lines = "".join(f"{name}: {value}\r\n" for name, value in [*self.lines, ("Connection", "close")])
        return f"{self.method} {target} HTTP/1.{int(bool(self.values('host')))}\r\n{lines}\r\n".encode("latin-1")


def read_cases():
    locations, evaluated, applied = {}, [], []
    for file in sorted((ROOT / "tests/vectors").glob("*.json")):
        content = json.loads(file.read_text("utf-8"))
        for case in content["cases"]:
            if "s3" in case or ("decision" not in case and "applied" not in case):
                continue
            policies = content.get("policies", {})
            document = policies[case["policy"]] if isinstance(case["policy"], str) else case["policy"]
            location = locations.setdefault(json.dumps(document), f"p{len(locations)}")
            found = pytest.param(Case(case, policies, location), id=f"{file.stem}/{case['name']}")
            (evaluated if "decision" in case else applied).append(found)
    return locations, evaluated, applied


LOCATIONS, EVALUATED, APPLIED = read_cases()

CONFIGURATION = r"""
LimitRequestFieldSize 1000000
LimitRequestFields 0
HttpProtocolOptions Strict
TraceEnable off
KeepAlive Off
LogLevel corsac:debug
ErrorLogFormat "%M"
LogFormat "%q %>s %{CORSAC_KIND}n %{CORSAC_ALLOWED}n %{CORSAC_REASON}n" decision
CustomLog "{root}/decisions.log" decision
Header always set X-Forwarded-To-Application yes
<LocationMatch "^/p\d+/foreign$">
""" + "".join(f'Header always set {name} "{FOREIGN_VALUE}"\n' for name in FOREIGN) + r"""
</LocationMatch>
""" + "".join(f'<Location "/{name}">\nCorsac {name}\n</Location>\nProxyPass /{name}/lines {{upstream}}/lines\n' for name in LOCATIONS.values())


@pytest.fixture(scope="module")
def server():
    application = Application()
    policies = {name: document for document, name in LOCATIONS.items()}
    # One process with one thread at work: its log lines are in the order of the requests.
    with Apache(CONFIGURATION, "headers proxy proxy_http", policies=policies, application=application, single=True) as server:
        server.decisions, server.lines = (server.root / "decisions.log").open(), (server.root / "error.log").open()
        yield server
        server.decisions.close()
        server.lines.close()
    application.stop()


NUMBERS = itertools.count()


def decision_line(server, number):
    """The line of a request in the access log, which may be written a moment after the response."""
    for _ in range(20000):
        if (line := server.decisions.readline()).startswith(f"?{number} "):
            return line.split(" ", 1)[1].rstrip("\n")
    raise AssertionError("no line was logged")


@pytest.mark.parametrize("case", EVALUATED)
def test_evaluation(server, case):
    if reason := case.cannot_be_sent():
        pytest.skip(reason)
    expected = case.case["decision"]
    number = next(NUMBERS)
    server.lines.read()
    response = parse(server.send(case.data(f"/{case.location}/foreign?{number}")), case.method)

    assert (expected["action"] == "forward") == (response["X-Forwarded-To-Application"] == "yes"), response.status
    if expected["action"] == "respond":
        assert (response.status, response.body) == (expected["status"], b"")

    wanted = {}
    if expected["remove"] == "none" and expected["action"] == "forward":
        wanted = dict.fromkeys(FOREIGN, FOREIGN_VALUE)
    for op, name, value in expected["headers"]:
        name, value = name.lower(), generated(value)
        wanted[name] = value if op == "set" or name not in wanted else f"{wanted[name]}, {value}"
    seen = {name.lower(): value for name, value in response.lines
            if name.lower() in FOREIGN or name.lower() in ("vary", "timing-allow-origin")}
    echoed = "access-control-allow-methods"
    if response.all(echoed)[1:]:  # a line is added
        seen[echoed] = ", ".join(response.all(echoed))
    if "vary" in seen:
        assert len(response.all("vary")) == 1
        seen["vary"] = ", ".join(response["Vary"].split(","))  # Apache itself writes no space
    assert seen == wanted

    facts = {"status": response.status, "kind": expected["kind"], "allowed": int(expected["allowed"]), "reason": expected["reason"]}
    assert decision_line(server, number) == "{status} {kind} {allowed} {reason}".format(**facts)
    rules = re.findall(rf'policy "{case.location}": .*? rule=(\S+)', server.lines.read())
    assert rules == ["-" if expected["rule"] is None else str(expected["rule"])]


@pytest.mark.parametrize("case", APPLIED)
def test_applying(server, case):
    if reason := case.cannot_be_sent():
        pytest.skip(reason)
    lines = base64.urlsafe_b64encode(json.dumps(case.case["response"]).encode()).decode()
    response = parse(server.send(case.data(f"/{case.location}/lines/{lines}")), case.method)
    wanted = sorted([name.lower(), generated(value)] for name, value in case.case["applied"])
    names = {name for name, _ in wanted} | set(FOREIGN) | {"vary", "timing-allow-origin"}
    seen = sorted([name.lower(), value] for name, value in response.lines if name.lower() in names)
    assert joined(seen) == joined(wanted)


def joined(lines):
    """The lines of a name as one; Apache joins some, and those of Vary without a space, which means the same."""
    values = {}
    for name, value in lines:
        values.setdefault(name, []).append(value)
    return {name: re.sub(", *", ", ", ", ".join(parts)) for name, parts in values.items()}
