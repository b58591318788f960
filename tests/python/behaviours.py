"""What applications do, and what must reach the browser: one table that every adapter reproduces.

An adapter's test builds an application of its own framework for each row, puts the middleware in
front of it with the row's policy, sends the row's request, and compares what arrives. A row says what the
application does in words that every framework knows; `only` names the interfaces that can do it.

    respond     what the application does, in order: a list of steps
                  ("headers", [...])    sets headers, a list of (name, value); how it is held: `held`
                  ("start", status)     begins the response
                  ("body", b"...")      one part of the body; several are streamed
                  ("raise",)            raises Boom, at this point
    asked       the request: method, path, headers
    status      the status that arrives
    headers     lines that arrive, names in lower case: exactly these values, in this order; [] is none
    body        the body that arrives; None if it is not compared
    raises      whether Boom leaves the application, for the server to log
"""

from dataclasses import dataclass, field
from typing import Any

APP = "https://app.example.com"
EVIL = "https://evil.example"
POLICY = {"allow_origins": [APP], "allow_methods": ["PUT"], "allow_headers": ["x-token"],
              "expose_headers": ["etag"], "allow_credentials": True, "max_age": 600}
PUBLIC = {"allow_origins": "*", "expose_headers": ["etag"]}
FORBIDDING = {**POLICY, "refused_requests": "forbid"}
KEEPING = {**POLICY, "foreign_headers": "keep"}
TIMING = {**POLICY, "timing_allow_origin": True}

# What an allowed actual request gets, and what nobody else does.
GRANTED = {"access-control-allow-origin": [APP], "access-control-allow-credentials": ["true"],
           "access-control-expose-headers": ["etag"], "vary": ["Origin"]}
NOTHING = {"access-control-allow-origin": [], "access-control-allow-credentials": [], "access-control-expose-headers": [],
           "access-control-allow-methods": [], "access-control-allow-headers": [], "access-control-max-age": [],
           "access-control-allow-private-network": []}
REFUSED = {**NOTHING, "vary": ["Origin"]}

# What an application should leave to its policy.
FOREIGN = [
    ("Access-Control-Allow-Origin", "*"), ("access-control-allow-origin", "https://other.example"),
    ("Access-Control-Allow-Credentials", "true"), ("ACCESS-CONTROL-ALLOW-METHODS", "TRACE"),
    ("Access-Control-Allow-Headers", "x-other"), ("Access-Control-Max-Age", "5"),
    ("Access-Control-Expose-Headers", "x-other"), ("Access-Control-Allow-Private-Network", "true"),
]


class Boom(Exception):
    """What an application raises."""


@dataclass(frozen=True)
class Row:
    name: str
    respond: list[Any]
    status: int = 200
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: bytes | None = b"ok"
    method: str = "GET"
    asked: tuple[tuple[str, str], ...] = (("Origin", APP),)
    policy: dict[str, Any] = field(default_factory=lambda: POLICY)
    raises: bool = False
    # Whether the application is reached at all.
    reached: bool = True
    # How many times the middleware is installed.
    installed: int = 1
    # How the application holds its headers: list, tuple, generator; and pairs that are lists.
    held: str = "list"
    # Interfaces that can do it: asgi, wsgi, flask, django, aiohttp; empty for all.
    only: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def ok(*headers: tuple[str, str], status: int = 200) -> list[Any]:
    return [("headers", [("Content-Type", "text/plain"), *headers]), ("start", status), ("body", b"ok")]


PREFLIGHT = (("Origin", APP), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "x-token"))
ANSWERED = {"access-control-allow-origin": [APP], "access-control-allow-credentials": ["true"],
            "access-control-allow-methods": ["GET,HEAD,POST,PUT"], "access-control-allow-headers": ["x-token"],
            "access-control-max-age": ["600"], "vary": ["Origin"]}

ROWS = [
    # Requests
    Row("an allowed request is granted", ok(), headers={**GRANTED, "content-type": ["text/plain"]}),
    Row("a refused request learns nothing", ok(), asked=(("Origin", EVIL),), headers=REFUSED),
    Row("a request without Origin gets Vary", ok(), asked=(), headers=REFUSED),
    Row("everyone may read what is public", ok(), asked=(("Origin", EVIL),), policy=PUBLIC,
        headers={**NOTHING, "access-control-allow-origin": ["*"], "access-control-expose-headers": ["etag"], "vary": []}),
    Row("two origins are malformed", ok(), asked=(("Origin", APP), ("Origin", APP)), headers=REFUSED),
    Row("a refused request is forbidden where the policy says so", ok(), asked=(("Origin", EVIL),), policy=FORBIDDING,
        status=403, body=b"", reached=False, headers={**REFUSED, "content-length": ["0"], "content-type": []}),
    Row("an allowed preflight is answered", ok(), method="OPTIONS", asked=PREFLIGHT, status=204, body=b"", reached=False,
        headers={**ANSWERED, "access-control-expose-headers": [], "content-length": []}),
    Row("a preflight may be answered 200", ok(), method="OPTIONS", asked=PREFLIGHT, status=200, body=b"", reached=False,
        policy={**POLICY, "preflight_status": 200}, headers={**ANSWERED, "content-length": ["0"]}),
    Row("a refused preflight is answered 403", ok(), method="OPTIONS", asked=(("Origin", EVIL), *PREFLIGHT[1:]), status=403,
        body=b"", reached=False, headers={**REFUSED, "content-length": ["0"]}),
    Row("OPTIONS without a requested method reaches the application", ok(), method="OPTIONS", headers=GRANTED),
    Row("a request method that is blank makes a preflight", ok(), method="OPTIONS",
        asked=(("Origin", APP), ("Access-Control-Request-Method", "")), status=403, body=b"", reached=False, headers=REFUSED),
    Row("a method is compared with its case", ok(), method="options",
        asked=PREFLIGHT, headers=GRANTED, only=("asgi", "wsgi")),
    # Headers
    Row("the CORS headers of the application are removed", ok(*FOREIGN),
        headers={**GRANTED, "access-control-allow-methods": [], "access-control-allow-headers": [],
                 "access-control-max-age": [], "access-control-allow-private-network": []}),
    Row("the CORS headers of the application are removed from what is refused", ok(*FOREIGN), asked=(("Origin", EVIL),),
        headers=REFUSED),
    Row("the CORS headers of the application are removed without Origin", ok(*FOREIGN), asked=(), headers=REFUSED),
    Row("the CORS headers of the application are kept where nothing is granted", ok(("Access-Control-Allow-Origin", "*")),
        asked=(("Origin", EVIL),), policy=KEEPING, headers={"access-control-allow-origin": ["*"], "vary": ["Origin"]}),
    Row("the CORS headers of the application are replaced where something is granted", ok(*FOREIGN), policy=KEEPING,
        headers={**GRANTED, "access-control-allow-methods": []}),
    Row("Timing-Allow-Origin of the application is its own", ok(("Timing-Allow-Origin", "*")), headers={"timing-allow-origin": ["*"]}),
    Row("Timing-Allow-Origin of the policy replaces it", ok(("timing-allow-origin", "*")), policy=TIMING,
        headers={"timing-allow-origin": [APP]}),
    Row("Origin is merged into Vary", ok(("Vary", "Accept-Encoding")), headers={**GRANTED, "vary": ["Accept-Encoding, Origin"]}),
    Row("Vary over several lines is merged", ok(("Vary", "Accept-Encoding"), ("VARY", " cookie,, accept")),
        headers={**GRANTED, "vary": ["Accept-Encoding, cookie, accept, Origin"]}),
    Row("Origin is not added to Vary twice", ok(("vary", "accept, ORIGIN")), headers={"vary": ["accept, ORIGIN"]}),
    Row("a star in Vary has Origin in it", ok(("Vary", "*")), headers={**GRANTED, "vary": ["*"]}),
    Row("headers in upper case are the same headers", ok(("ACCESS-CONTROL-ALLOW-ORIGIN", "*"), ("VARY", "Accept")),
        headers={**GRANTED, "vary": ["Accept, Origin"]}),
    Row("headers with other names are left alone", ok(("X-Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Other", "1"), ("X-Vary", "a")),
        headers={**GRANTED, "x-access-control-allow-origin": ["*"], "access-control-allow-other": ["1"], "x-vary": ["a"]}),
    Row("several lines of another header stay", ok(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")),
        headers={**GRANTED, "set-cookie": ["a=1", "b=2"]}),
    Row("headers in a tuple", ok(("Vary", "Accept"), *FOREIGN), held="tuple", headers={**GRANTED, "vary": ["Accept, Origin"]}, only=("asgi",)),
    Row("headers in a generator", ok(("Vary", "Accept"), *FOREIGN), held="generator", headers={**GRANTED, "vary": ["Accept, Origin"]}, only=("asgi",)),
    Row("headers that are lists of two", ok(("Vary", "Accept"), *FOREIGN), held="lists", headers={**GRANTED, "vary": ["Accept, Origin"]}, only=("asgi",)),
    Row("no headers at all", [("start", 200), ("body", b"ok")], headers=GRANTED, only=("asgi", "wsgi")),
    # Responses
    Row("an error of the application is granted", ok(status=404), status=404, headers=GRANTED),
    Row("an error 500 that the application sends is granted", ok(status=500), status=500, headers=GRANTED),
    Row("a redirect is granted", ok(("Location", "/landed"), status=302), status=302, headers={**GRANTED, "location": ["/landed"]}),
    Row("a HEAD request is granted", ok(("Content-Length", "2")), method="HEAD", body=b"", headers={**GRANTED, "content-length": ["2"]}),
    Row("304 is granted", [("headers", [("ETag", '"v1"')]), ("start", 304), ("body", b"")], status=304, body=b"",
        headers={**GRANTED, "etag": ['"v1"']}),
    Row("206 is granted", ok(("Content-Range", "bytes 0-1/9"), status=206), status=206,
        headers={**GRANTED, "content-range": ["bytes 0-1/9"]}),
    Row("a response in parts arrives whole", [("headers", [("Content-Type", "text/plain")]), ("start", 200), ("body", b"one"),
        ("body", b"two"), ("body", b"three")], body=b"onetwothree", headers=GRANTED),
    Row("a response without a body", [("headers", []), ("start", 204)], status=204, body=b"", headers=GRANTED),
    # Exceptions
    Row("an exception before the response is a 500 that is granted", [("raise",)], status=500, body=None, raises=True, headers=GRANTED),
    Row("an exception after headers were set is a 500 that is granted", [("headers", [("X-Before", "1")]), ("raise",)], status=500,
        body=None, raises=True, headers={**GRANTED, "x-before": []}),
    Row("an exception to a stranger is a 500 that tells nothing", [("raise",)], asked=(("Origin", EVIL),), status=500, body=None,
        raises=True, headers=REFUSED),
    # Installed twice
    Row("installed twice it changes nothing twice", ok(("Vary", "Accept"), *FOREIGN), installed=2,
        headers={**GRANTED, "vary": ["Accept, Origin"]}),
    Row("installed twice it answers a preflight once", ok(), installed=2, method="OPTIONS", asked=PREFLIGHT, status=204, body=b"",
        reached=False, headers=ANSWERED),
    Row("installed twice an exception is one 500", [("raise",)], installed=2, status=500, body=None, raises=True, headers=GRANTED),
]


def rows(interface: str) -> list[Row]:
    """The rows that an interface can reproduce."""
    return [row for row in ROWS if not row.only or interface in row.only]


def check(row: Row, status: int, headers: list[tuple[str, str]], body: bytes | None) -> None:
    """Compares what arrived with the row; names of headers in any case."""
    assert status == row.status
    for name, values in row.headers.items():
        assert [value for other, value in headers if other.lower() == name] == values, name
    if row.body is not None and body is not None:
        assert body == row.body
