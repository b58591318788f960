"""Mistakes of servers and scripts, each with the server that makes it, the hint that names it, and the server mended."""
from dataclasses import dataclass, field

PAGE = "https://app.example.test"
ORIGIN, CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
METHODS, HEADERS = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"
EXPOSE, MAX_AGE = "Access-Control-Expose-Headers", "Access-Control-Max-Age"
VARY = ("Vary", "Origin")

GET = {"method": "GET"}
COOKIES = {"method": "GET", "credentials": "include"}
PUT = {"method": "PUT"}
JSON = {"method": "POST", "headers": [["Content-Type", "application/json"]]}
TOKEN = {"method": "GET", "headers": [["X-Token", "1"]]}


def allow(*lines, origin=PAGE, status=200):
    """A response that allows the page, with further lines."""
    return status, [(ORIGIN, origin), VARY, *lines]


ALLOWED = {"actual": allow()}


def asked(*lines, status=204, actual=None, origin=PAGE):
    """A server that answers preflights with these lines, and the request as well."""
    return {"preflight": (status, [(ORIGIN, origin), VARY, *lines]), "actual": actual or allow()}


@dataclass
class Mistake:
    """`{site}` and `{other}` in a header value stand for the two servers' origins, `{path}` for the path."""
    id: str
    code: str
    request: dict
    # None: a browser reads the response, and there is something to say all the same.
    fails_at: str | None
    wrong: dict
    right: dict
    page: str = PAGE
    reads: list = field(default_factory=list)
    # Where the script is to blame: what it should ask, and on which page.
    right_request: dict | None = None
    right_page: str | None = None
    # Further paths: what a redirect leads to.
    then: dict = field(default_factory=dict)


def origin(id, value, code, page=PAGE):
    """A server whose Access-Control-Allow-Origin is not what it should be."""
    wrong = {"actual": (200, [(ORIGIN, value), VARY])}
    return Mistake(id, code, GET, "response", wrong, {"actual": allow(origin=page)}, page=page)


def preflight(id, status, code, *lines, request=PUT):
    """A server that does not answer preflights."""
    right = asked((METHODS, "PUT"), (HEADERS, "content-type, x-token"))
    return Mistake(id, code, request, "preflight", {"preflight": (status, list(lines)), "actual": allow()}, right)


LIST = f"{PAGE} https://admin.example.test"
TWICE = (200, [(ORIGIN, "*"), (ORIGIN, PAGE), VARY])

MISTAKES = [
    # Access-Control-Allow-Origin, byte for byte.
    origin("trailing-slash", f"{PAGE}/", "origin-with-trailing-slash"),
    origin("path", f"{PAGE}/login", "origin-with-path"),
    origin("upper-case", "https://App.Example.Test", "origin-in-upper-case"),
    origin("default-port", f"{PAGE}:443", "origin-with-default-port"),
    origin("trailing-dot", f"{PAGE}.", "origin-differs-in-trailing-dot"),
    origin("unicode-host", "https://bücher.example".encode().decode("latin-1"), "origin-in-unicode",
           "https://xn--bcher-kva.example"),
    origin("http-for-https", "http://app.example.test", "origin-differs-in-scheme"),
    origin("another-port", f"{PAGE}:8443", "origin-differs-in-port"),
    origin("port-of-the-page-is-missing", "http://localhost", "origin-differs-in-port", "http://localhost:3000"),
    origin("www", "https://example.test", "origin-differs-in-www", "https://www.example.test"),
    origin("apex", "https://example.test", "origin-is-subdomain"),
    origin("subdomain", PAGE, "origin-is-apex", "https://example.test"),
    origin("localhost-for-127.0.0.1", "http://localhost:3000", "origin-differs-in-loopback-name", "http://127.0.0.1:3000"),
    origin("localhost-for-ipv6", "http://localhost:3000", "origin-differs-in-loopback-name", "http://[::1]:3000"),
    origin("no-scheme", "app.example.test", "origin-without-scheme"),
    origin("list", LIST, "allow-origin-is-a-list"),
    origin("list-with-commas", f"{PAGE}, https://admin.example.test", "allow-origin-is-a-list"),
    origin("comma-at-the-end", f"{PAGE},", "allow-origin-with-separator"),
    origin("template", "${ALLOWED_ORIGIN}", "template-not-expanded"),
    origin("undefined", "undefined", "template-not-expanded"),
    origin("null-for-nobody", "null", "allow-origin-null"),
    origin("wildcard-subdomain", "https://*.example.test", "wildcard-in-allow-origin"),
    origin("empty", "", "allow-origin-empty"),
    origin("another-site", "https://partner.test", "origin-not-allowed"),
    Mistake("none-at-all", "allow-origin-missing", GET, "response", {"actual": (200, [])}, ALLOWED),
    Mistake("two-layers", "allow-origin-twice", GET, "response", {"actual": TWICE}, ALLOWED),
    Mistake("two-layers-that-agree", "allow-origin-twice", GET, "response",
            {"actual": (200, [(ORIGIN, PAGE), (ORIGIN, PAGE), VARY])}, ALLOWED),
    # Credentials.
    Mistake("everyone-with-credentials", "any-origin-with-credentials", COOKIES, "response",
            {"actual": allow((CREDENTIALS, "true"), origin="*")}, {"actual": allow((CREDENTIALS, "true"))}),
    Mistake("credentials-in-capitals", "credentials-not-true", COOKIES, "response",
            {"actual": allow((CREDENTIALS, "True"))}, {"actual": allow((CREDENTIALS, "true"))}),
    Mistake("credentials-as-a-number", "credentials-not-true", COOKIES, "response",
            {"actual": allow((CREDENTIALS, "1"))}, {"actual": allow((CREDENTIALS, "true"))}),
    Mistake("credentials-missing", "credentials-not-allowed", COOKIES, "response",
            {"actual": allow()}, {"actual": allow((CREDENTIALS, "true"))}),
    Mistake("every-header-with-credentials", "wildcard-with-credentials", {**TOKEN, "credentials": "include"}, "preflight",
            asked((HEADERS, "*"), (CREDENTIALS, "true")),
            asked((HEADERS, "x-token"), (CREDENTIALS, "true"), actual=allow((CREDENTIALS, "true")))),
    Mistake("every-method-with-credentials", "wildcard-with-credentials", {**PUT, "credentials": "include"}, "preflight",
            asked((METHODS, "*"), (CREDENTIALS, "true")),
            asked((METHODS, "PUT"), (CREDENTIALS, "true"), actual=allow((CREDENTIALS, "true")))),
    # Preflights that nobody answers.
    preflight("no-route-404", 404, "preflight-without-route"),
    preflight("no-route-405", 405, "preflight-without-route", ("Allow", "GET, PUT")),
    preflight("no-route-501", 501, "preflight-without-route", request=JSON),
    preflight("no-route-with-cors-headers", 405, "preflight-without-route", (ORIGIN, PAGE), VARY),
    preflight("authentication", 401, "preflight-needs-authentication", ("WWW-Authenticate", "Bearer")),
    preflight("authentication-403", 403, "preflight-needs-authentication"),
    preflight("server-error-on-preflight", 500, "preflight-status"),
    preflight("slash-redirect", 301, "preflight-redirected-by-slash", ("Location", "{path}/")),
    preflight("https-redirect", 308, "preflight-redirected-to-https", ("Location", "https://127.0.0.1{path}")),
    preflight("host-redirect", 307, "preflight-redirected-to-host", ("Location", "http://www.localhost{path}")),
    preflight("login-redirect", 302, "preflight-redirected-to-login", ("Location", "/login?next={path}")),
    # What preflights allow.
    Mistake("json-surprise", "header-not-allowed", JSON, "preflight", asked((METHODS, "POST")),
            asked((METHODS, "POST"), (HEADERS, "content-type"))),
    Mistake("header-of-a-tracing-library", "header-not-allowed", {"method": "GET", "headers": [["traceparent", "00-1-2-01"]]},
            "preflight", asked((HEADERS, "x-token")), asked((HEADERS, "x-token, traceparent"))),
    Mistake("no-prefix-matching", "header-not-allowed", TOKEN, "preflight", asked((HEADERS, "X-*")), asked((HEADERS, "X-Token"))),
    Mistake("authorization-under-the-wildcard", "authorization-and-wildcard",
            {"method": "GET", "headers": [["Authorization", "Bearer 1"]]}, "preflight",
            asked((HEADERS, "*")), asked((HEADERS, "*, Authorization"))),
    Mistake("methods-missing", "allow-methods-missing", PUT, "preflight", asked(), asked((METHODS, "PUT"))),
    Mistake("method-not-listed", "method-not-allowed", PUT, "preflight", asked((METHODS, "GET, POST")), asked((METHODS, "PUT"))),
    Mistake("patch-in-lower-case", "method-in-other-case", {"method": "patch"}, "preflight", asked((METHODS, "PATCH")),
            asked((METHODS, "PATCH")), right_request={"method": "PATCH"}),
    Mistake("method-listed-in-lower-case", "method-in-other-case", PUT, "preflight", asked((METHODS, "put")),
            asked((METHODS, "PUT"))),
    Mistake("methods-by-spaces", "list-syntax", PUT, "preflight", asked((METHODS, "GET PUT")), asked((METHODS, "GET, PUT"))),
    Mistake("methods-by-semicolons", "list-syntax", PUT, "preflight", asked((METHODS, "GET; PUT")), asked((METHODS, "GET, PUT"))),
    Mistake("headers-as-json", "list-syntax", TOKEN, "preflight", asked((HEADERS, '["X-Token"]')), asked((HEADERS, "X-Token"))),
    Mistake("response-header-in-request", "response-header-in-request", {"method": "GET", "headers": [[ORIGIN, "*"]]},
            "preflight", {"preflight": allow(), "actual": allow()}, ALLOWED, right_request=GET),
    # CORS on some responses only.
    Mistake("error-without-cors", "error-without-cors", GET, "response",
            {"actual": (500, [("Server", "nginx")])}, {"actual": allow(("Server", "nginx"), status=500)}),
    Mistake("gateway-error-after-preflight", "error-without-cors", PUT, "response",
            asked((METHODS, "PUT"), actual=(502, [("Via", "1.1 proxy")])), asked((METHODS, "PUT"))),
    Mistake("preflight-only", "cors-on-preflight-only", PUT, "response",
            asked((METHODS, "PUT"), actual=(200, [])), asked((METHODS, "PUT"))),
    Mistake("stale-cache", "stale-cache", GET, "response", {"actual": (200, [("Age", "120")])}, ALLOWED),
    Mistake("stale-cache-of-another-page", "stale-cache", GET, "response",
            {"actual": (200, [(ORIGIN, "https://partner.test"), ("X-Cache", "Hit from edge")])}, ALLOWED),
    Mistake("not-modified", "not-modified-with-another-origin", GET, "response",
            {"actual": (304, [(ORIGIN, "https://partner.test")])}, {"actual": allow(status=304)}),
    # Redirects.
    Mistake("redirect-itself", "redirect-without-cors", GET, "response",
            {"actual": (302, [("Location", "{path}/end")])}, {"actual": allow(("Location", "{path}/end"), status=302)},
            then={"/end": ALLOWED}),
    Mistake("redirect-across-origins", "redirect-across-origins", GET, "response",
            {"actual": allow(("Location", "{other}{path}/end"), status=302)}, ALLOWED, then={"/end": ALLOWED}),
    # Pages without an origin.
    Mistake("null-page", "null-origin", GET, "response", {"actual": (200, [(ORIGIN, "http://localhost:3000"), VARY])},
            {"actual": allow(origin="http://localhost:3000")}, page="null", right_page="http://localhost:3000"),
    # Headers that script wants to read.
    Mistake("header-not-exposed", "header-not-exposed", GET, None, {"actual": allow(("X-Total", "42"))},
            {"actual": allow(("X-Total", "42"), (EXPOSE, "X-Total"))}, reads=["X-Total"]),
    Mistake("expose-everything-with-credentials", "wildcard-with-credentials", COOKIES, None,
            {"actual": allow(("X-Total", "42"), (CREDENTIALS, "true"), (EXPOSE, "*"))},
            {"actual": allow(("X-Total", "42"), (CREDENTIALS, "true"), (EXPOSE, "X-Total"))}, reads=["X-Total"]),
    Mistake("expose-by-spaces", "list-syntax", GET, None, {"actual": allow(("X-Total", "42"), (EXPOSE, "X-Total X-Page"))},
            {"actual": allow(("X-Total", "42"), (EXPOSE, "X-Total, X-Page"))}, reads=["X-Total"]),
    Mistake("expose-on-preflight", "expose-headers-on-preflight", PUT, None,
            asked((METHODS, "PUT"), (EXPOSE, "X-Total"), actual=allow(("X-Total", "42"))),
            asked((METHODS, "PUT"), actual=allow(("X-Total", "42"), (EXPOSE, "X-Total"))), reads=["X-Total"]),
    Mistake("header-absent", "header-absent", GET, None, {"actual": allow((EXPOSE, "X-Total"))},
            {"actual": allow(("X-Total", "42"), (EXPOSE, "X-Total"))}, reads=["X-Total"]),
    # What works today.
    Mistake("vary-missing", "vary-missing", GET, None, {"actual": (200, [(ORIGIN, PAGE)])}, ALLOWED),
    Mistake("no-max-age", "preflight-kept-for-5-seconds", PUT, None, asked((METHODS, "PUT")),
            asked((METHODS, "PUT"), (MAX_AGE, "7200"))),
    Mistake("max-age-with-unit", "max-age-syntax", PUT, None, asked((METHODS, "PUT"), (MAX_AGE, "600s")),
            asked((METHODS, "PUT"), (MAX_AGE, "600"))),
    Mistake("every-method-by-wildcard", "wildcard-is-not-kept", PUT, None, asked((METHODS, "*"), (MAX_AGE, "600")),
            asked((METHODS, "*, PUT"), (MAX_AGE, "600"))),
    Mistake("null-allowed", "null-origin-allowed", GET, None, {"actual": allow((CREDENTIALS, "true"), origin="null")},
            ALLOWED, page="null", right_page=PAGE),
    Mistake("max-age-on-the-response", "header-of-preflights", PUT, None,
            asked((METHODS, "PUT"), actual=allow((MAX_AGE, "600"))), asked((METHODS, "PUT"), (MAX_AGE, "600"))),
    Mistake("unauthorised-without-cookies", "sent-without-credentials", GET, None,
            {"actual": allow(status=401)}, {"actual": allow((CREDENTIALS, "true"))}, right_request=COOKIES),
]
