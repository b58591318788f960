"""Sends the same requests to a C, a Python and a Node server that use one policy file, and compares the answers."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from servers import COMMANDS, Server  # noqa: E402

APP = "https://app.example.com"


def preflight(origin, method, names=None):
    lines = [("Origin", origin), ("Access-Control-Request-Method", method)]
    return "OPTIONS", lines + ([("Access-Control-Request-Headers", names)] if names is not None else [])


def actual(method, *origins, **more):
    return method, [("Origin", origin) for origin in origins] + [(name.replace("_", "-"), value) for name, value in more.items()]


# What is asked; the request: method and header lines, beside Host; the status and the reason it has to get.
REQUESTS = [
    ("GET without Origin", actual("GET"), 200, "not-cors"),
    ("GET from the app", actual("GET", APP), 200, "allowed"),
    ("GET from a preview", actual("GET", "https://pr-7.preview.example.com"), 200, "allowed"),
    ("GET from localhost, any port", actual("GET", "http://localhost:5173"), 200, "allowed"),
    ("GET from another site", actual("GET", "https://evil.test"), 200, "origin-not-allowed"),
    ("GET from a look-alike", actual("GET", "https://xpreview.example.com"), 200, "origin-not-allowed"),
    ("GET from the apex of the wildcard", actual("GET", "https://preview.example.com"), 200, "origin-not-allowed"),
    ("GET from http, not https", actual("GET", "http://app.example.com"), 200, "origin-not-allowed"),
    ("GET from a sandboxed frame", actual("GET", "null"), 200, "null-origin-not-allowed"),
    ("GET, a path in Origin", actual("GET", "https://evil.test/.preview.example.com"), 200, "malformed-origin"),
    ("GET, two lines of Origin", actual("GET", APP, "https://evil.test"), 200, "malformed-origin"),
    ("POST from the server's own page",
     actual("POST", "https://api.example.com", Sec_Fetch_Site="same-origin", Content_Length="0"), 200, "same-origin"),
    ("preflight of PUT", preflight(APP, "PUT", "content-type,x-token"), 204, "allowed"),
    ("preflight, names in capitals and spaced", preflight(APP, "PUT", "X-Token , Content-Type"), 204, "allowed"),
    ("preflight of PATCH", preflight(APP, "PATCH"), 204, "method-not-allowed"),
    ("preflight of another header", preflight(APP, "PUT", "content-type,x-evil"), 204, "header-not-allowed"),
    ("preflight of another site", preflight("https://evil.test", "PUT"), 403, "origin-not-allowed"),
    ("preflight, a method that is none", preflight(APP, "PUT, DELETE"), 403, "malformed-request-method"),
    ("preflight, 9 KiB of headers", preflight(APP, "PUT", "a," * 4608), 403, "request-headers-too-large"),
    ("OPTIONS, but no preflight", actual("OPTIONS", APP), 200, "allowed"),
    ("GET that fails with 500", actual("GET", APP), 500, "allowed"),
]


def shown(headers):
    """What a browser or a cache looks at, as a sorted list of lines."""
    # The application's body names its server, so only the length of an empty answer is of interest.
    return sorted(f"{name}: {value}" for name, value in ((name.lower(), value) for name, value in headers)
                  if name.startswith("access-control-") or name == "vary" or (name, value) == ("content-length", "0"))


def answer(server, about, method, lines):
    target = "/status/500" if "500" in about else "/"
    status, headers, _, log = server.exchange(method, target, [("Host", "api.example.com"), *lines])
    decision = (log["kind"], log["action"], log["allowed"], log["reason"])
    return status, decision, shown(headers)


def main():
    agreed = differed = 0
    with Server.all(HERE / "policy.json") as servers:
        print(f"one policy, {(HERE / 'policy.json').name}, three servers: " + ", ".join(
            f"{server.name} on port {server.port}" for server in servers) + "\n")
        width = max(len(row[0]) for row in REQUESTS) + 2
        column = 34
        print(f"{'':{width}}" + "".join(f"{server.name:{column}}" for server in servers) + "agree")
        for about, (method, lines), status, reason in REQUESTS:
            answers = [answer(server, about, method, lines) for server in servers]
            same = all(found == answers[0] for found in answers)
            right = all((found[0], found[1][3]) == (status, reason) for found in answers)
            agreed, differed = agreed + (same and right), differed + (not (same and right))
            cells = [f"{status} {reason}" for status, (_, _, _, reason), _ in answers]
            verdict = "yes" if same and right else "NO" if right else f"NO, expected {status} {reason}"
            print(f"{about:{width}}" + "".join(f"{cell:{column}}" for cell in cells) + verdict)
            for name, (_, decision, headers) in zip(COMMANDS, answers if not same else answers[:1]):
                owner = "" if same else f"{name}: {decision} "
                for line in headers or ["(no CORS header)"]:
                    print(f"{'':4}{owner}{line}")
    print(f"\n{agreed} of {agreed + differed} requests are answered alike, and rightly, by " + ", ".join(COMMANDS))
    print(f"{agreed} passed, {differed} failed, 0 skipped")
    return 1 if differed or not agreed else 0


if __name__ == "__main__":
    sys.exit(main())
