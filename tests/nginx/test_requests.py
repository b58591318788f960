"""Real requests to nginx with the module, one claim for each way in which nginx makes a response."""
import subprocess

import pytest

from serve import FOREIGN, Application, Connection, Nginx, free_port, preflight, request

APP = "https://app.example.com"
OTHER = "https://www.example.org"
STRANGER = "https://evil.example.net"

POLICIES = """
    corsac_policy api {
        allow_origins      https://app.example.com https://*.example.org;
        allow_methods      PUT DELETE;
        allow_headers      content-type authorization;
        expose_headers     etag x-total-count;
        allow_credentials  on;
        max_age            10m;
    }
    corsac_policy open { allow_origins *; timing_allow_origin *; }
    corsac_policy strict { allow_origins https://app.example.com; refused_requests forbid; }
    corsac_policy keep { allow_origins https://app.example.com; foreign_headers keep; }
    corsac_policy echo { allow_origins https://app.example.com; allow_methods *; allow_headers *; allow_credentials on; }
    corsac_policy named {
        preflight_status 200;
        rule { name partners; allow_origins https://app.example.com; allow_credentials on; }
        rule { name everyone; allow_origins *; }
    }
"""

SERVER = """
        corsac api;
        root FOLDER/html;

        location /plain { return 200 "plain\\n"; }
        location /open { corsac open; return 200 "open\\n"; }
        location /strict { corsac strict; proxy_pass http://application; }
        location /keep { corsac keep; proxy_pass http://application; }
        location /echo { corsac echo; return 200 "echo\\n"; }
        location /named { corsac named; return 200 "named\\n"; }
        location /off { corsac off; proxy_pass http://application; }
        location /pass { corsac_preflight pass; proxy_pass http://application; }
        location /report { corsac_report on; add_header X-Reason $corsac_reason always; proxy_pass http://application; }

        location /basic { auth_basic "closed"; auth_basic_user_file FOLDER/nobody; proxy_pass http://application; }
        location /auth { auth_request /check; proxy_pass http://application; }
        location = /check { internal; return 401; }
        location /deny { deny all; proxy_pass http://application; }
        location /limit { limit_req zone=one; proxy_pass http://application; }
        location /return { return 302 /landed; }
        location /if { if ($http_x_key = "") { return 403; } proxy_pass http://application; }
        location /rewrite { rewrite ^/rewrite/(.*)$ /$1 last; }
        location /missing { error_page 404 @fallback; }
        location @fallback { corsac off; return 404 "nothing here\\n"; }
        location /broken { error_page 502 /50x.html; proxy_pass http://127.0.0.1:1; }
        location = /50x.html { corsac off; internal; return 200 "sorry\\n"; }
        location /accel { proxy_pass http://application; }
        location /private/ { internal; corsac off; alias FOLDER/html/; }
        location /app { proxy_pass http://application; }
        location /cached { proxy_pass http://application; proxy_cache store; proxy_cache_valid 1m; proxy_ignore_headers Cache-Control;
                           add_header X-Cache $upstream_cache_status always; }
        location /small { client_max_body_size 10; proxy_pass http://application; }
        location /page.shtml { ssi on; ssi_types *; }
        location /page-off.shtml { corsac off; ssi on; ssi_types *; }
        location /part { return 200 "part"; }
        location /gzip { gzip on; gzip_vary on; gzip_min_length 1; gzip_types text/plain; default_type text/plain; alias FOLDER/html/; }
        location /sub { sub_filter_types *; sub_filter one two; alias FOLDER/html/; }
        location /try { try_files $uri-nothing /file.txt; }
        location /try-named { try_files /nothing @app; }
        location /later { corsac off; try_files /nothing @app; }
        location @app { corsac open; proxy_pass http://application; }
        location /socket { proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
                           proxy_set_header Connection upgrade; add_header X-Kind $corsac_kind always; }
        location /added { add_header Access-Control-Allow-Origin * always; add_header Vary "Accept, Origin" always; return 200 "added\\n"; }
        location /added-answer { add_header Access-Control-Allow-Headers x-secret always; corsac named; return 200 "added\\n"; }
        location /added-keep { add_header Access-Control-Allow-Headers x-secret always; corsac keep; return 200 "added\\n"; }
        location /twice { add_header Vary Accept-Language always; proxy_pass http://application; }
        location /hidden { proxy_set_header Origin ""; proxy_pass http://application; }
        location /variable { corsac $chosen; add_header X-Policy $corsac_policy always; proxy_pass http://application; }
        location /log { add_header X-Decision $corsac_decision always; add_header X-Origin $corsac_origin always;
                        add_header X-All "$corsac_policy $corsac_kind $corsac_allowed $corsac_reason" always; return 200; }
        location /spdy { if ($corsac_allowed = 0) { return 418; } return 200 "seen\\n"; }
"""


def application(method, target, headers):
    """An application that sets CORS headers itself, as careless ones do."""
    foreign = [(name, "*" if name.endswith("Origin") else "x-foreign") for name in FOREIGN]
    lines = [("Vary", "Accept-Encoding"), ("vary", "Cookie"), ("ETag", '"v1"'), ("Content-Type", "text/plain"), *foreign]
    if target.startswith("/accel"):
        return 200, [("X-Accel-Redirect", "/private/file.txt")], b""
    if target.startswith("/socket"):
        return 101, [("Upgrade", "test"), ("Connection", "upgrade"), ("Access-Control-Allow-Origin", "*")], b""
    if "/star" in target:
        lines[0] = ("Vary", "Accept, *")
    if "/status/" in target:
        return int(target.rsplit("/", 1)[1]), lines, b"status"
    if headers.get("If-None-Match") == '"v1"':
        return 304, lines, b""
    return 200, lines, f"{method} {target} {headers.get('Origin')}".encode()


@pytest.fixture(scope="module")
def upstream():
    with Application(application) as server:
        yield server


@pytest.fixture(scope="module")
def nginx(build, upstream, certificate):
    plain, secure, moved = free_port(), free_port(), free_port()
    http2 = "listen 127.0.0.1:{0} ssl http2;" if build.version < (1, 25, 1) else "listen 127.0.0.1:{0} ssl; http2 on;"
    http3 = "listen 127.0.0.1:{0} quic;" if build.http3 else ""
    with Nginx(build, f"""
    {POLICIES}
    map $http_x_policy $chosen {{ default $http_x_policy; "" api; }}
    limit_req_zone $binary_remote_addr zone=one:1m rate=1r/m;
    proxy_cache_path FOLDER/cache keys_zone=store:1m;
    upstream application {{ server 127.0.0.1:{upstream.port}; }}
    large_client_header_buffers 4 80k;
    server {{
        listen 127.0.0.1:{plain};
        {SERVER}
    }}
    server {{
        {http2.format(secure)}
        {http3.format(secure)}
        ssl_certificate {certificate}/cert.pem;
        ssl_certificate_key {certificate}/key.pem;
        {SERVER}
    }}
    server {{
        listen 127.0.0.1:{moved};
        corsac api;
        return 301 https://example.com$request_uri;
    }}
    """, port=plain) as server:
        server.secure, server.moved = secure, moved
        (server.folder / "html/file.txt").write_text("one file\n" * 100)
        (server.folder / "html/page.shtml").write_text('<!--#include virtual="/part" -->+<!--#include virtual="/app/x" -->')
        (server.folder / "html/page-off.shtml").write_text('<!--#include virtual="/strict/x" -->')
        (server.folder / "nobody").write_text("")
        yield server


# --- Preflights, which no other directive gets to see ------------------------------------------------------

PREFLIGHT = {
    "allow-origin": APP, "allow-credentials": "true", "allow-methods": "GET,HEAD,POST,PUT,DELETE",
    "allow-headers": "content-type,authorization", "max-age": "600",
}


@pytest.mark.parametrize("target", [
    "/plain", "/app", "/basic", "/auth", "/deny", "/limit", "/return", "/if", "/rewrite/app", "/missing", "/broken", "/accel",
    "/cached", "/small", "/page.shtml", "/gzip/file.txt", "/sub/file.txt", "/try", "/try-named", "/socket", "/added", "/nothing",
    "/hidden", "/twice",
])
def test_a_preflight_is_answered_before_everything_else(nginx, upstream, target):
    before = len(upstream.seen)
    for _ in range(2):  # limit_req would refuse the second
        response = nginx.preflight(target)
        assert (response.status, response.body) == (204, b"")
        assert response.cors == PREFLIGHT
        assert response.vary == ["origin"] if target not in ("/added", "/twice") else "origin" in response.vary
        assert response.one("Content-Length") is None and response.one("Content-Type") is None
        assert response.one("Transfer-Encoding") is None
    assert len(upstream.seen) == before


@pytest.mark.parametrize(("change", "status", "headers"), [
    ({"origin": STRANGER}, 403, {}),
    ({"origin": "null"}, 403, {}),
    ({"method": "PATCH"}, 204, PREFLIGHT),
    ({"headers": "x-unknown"}, 204, PREFLIGHT),
    ({"method": "PUT,DELETE"}, 403, {}),
    ({"headers": "a b"}, 403, {}),
    ({"headers": "x" * 9000}, 403, {}),
    ({"headers": None}, 204, PREFLIGHT),
])
def test_a_refused_preflight(nginx, change, status, headers):
    response = nginx.preflight("/basic", **change)
    assert (response.status, response.cors, response.vary) == (status, headers, ["origin"])
    assert response.body == b"" and response.one("Content-Length") == (None if status == 204 else "0")


def test_a_preflight_answered_200_has_content_length_0(nginx):
    response = nginx.preflight("/named", method="GET", headers=None)
    assert (response.status, response.one("Content-Length"), response.body) == (200, "0", b"")
    assert response.one("Content-Type") is None


def test_echoed_lists_vary_by_what_was_asked(nginx):
    response = nginx.preflight("/echo", method="PURGE", headers="X-One", extra=[("Access-Control-Request-Headers", "x-two")])
    assert response.all("Access-Control-Allow-Methods") == ["GET,HEAD,POST", "PURGE"]
    assert response.all("Access-Control-Allow-Headers") == ["X-One", "x-two"]
    assert response.one("Vary") == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def test_an_options_request_that_is_no_preflight_reaches_the_application(nginx, upstream):
    for lines in ([("Origin", APP)], [("Access-Control-Request-Method", "PUT")], []):
        response = nginx.request("OPTIONS", "/app", lines)
        assert response.status == 200 and response.body.startswith(b"OPTIONS /app")
        assert response.cors.get("allow-origin") == (APP if lines[:1] == [("Origin", APP)] else None)


def test_the_body_of_a_preflight_is_discarded_and_the_connection_stays(nginx):
    lines = [("Origin", APP), ("Access-Control-Request-Method", "PUT"), ("Content-Length", "5")]
    with Connection(nginx.port) as connection:
        connection.send(connection.text("OPTIONS", "/basic", lines, b"12345"),
                        connection.text("OPTIONS", "/app", lines, b"67890"),
                        connection.text("GET", "/plain", [("Origin", APP)]))
        assert connection.receive("OPTIONS").status == 204
        assert connection.receive("OPTIONS").status == 204
        last = connection.receive()
        assert (last.status, last.body, last.one("Access-Control-Allow-Origin")) == (200, b"plain\n", APP)


def test_a_chunked_body_of_a_preflight_is_discarded(nginx):
    lines = [("Origin", APP), ("Access-Control-Request-Method", "PUT"), ("Transfer-Encoding", "chunked")]
    with Connection(nginx.port) as connection:
        connection.send(connection.text("OPTIONS", "/deny", lines), b"3\r\nabc\r\n")
        assert connection.receive("OPTIONS").status == 204
        connection.send(b"0\r\n\r\n", connection.text("GET", "/plain"))
        assert connection.receive().body == b"plain\n"


def test_a_client_that_hangs_up_ends_nothing(nginx):
    workers = nginx.workers()
    for part in (20, 60, 100):
        with Connection(nginx.port) as connection:
            text = connection.text("OPTIONS", "/app", [("Origin", APP), ("Access-Control-Request-Method", "PUT"),
                                                       ("Content-Length", "100")], b"x")
            connection.send(text[:part])
    with Connection(nginx.port) as connection:
        connection.send(text)
    assert nginx.get("/plain").status == 200
    assert nginx.workers() == workers


def test_a_preflight_that_is_passed_gets_its_headers_on_the_application_s_answer(nginx, upstream):
    before = len(upstream.seen)
    response = nginx.preflight("/pass")
    assert (response.status, response.body) == (200, b"OPTIONS /pass https://app.example.com")
    assert response.cors == PREFLIGHT and response.vary == ["accept-encoding", "cookie", "origin"]
    refused = nginx.preflight("/pass", origin=STRANGER)
    assert (refused.status, refused.cors) == (200, {})
    assert len(upstream.seen) == before + 2


# --- Actual requests ---------------------------------------------------------------------------------------

ACTUAL = {"allow-origin": APP, "allow-credentials": "true", "expose-headers": "etag,x-total-count"}


@pytest.mark.parametrize(("target", "status"), [
    ("/plain", 200), ("/app", 200), ("/app/status/500", 500), ("/app/status/301", 301), ("/app/status/204", 204), ("/basic", 401),
    ("/auth", 401), ("/deny", 403), ("/return", 302), ("/if", 403), ("/rewrite/app", 200), ("/missing", 404), ("/broken", 502),
    ("/accel", 200), ("/page.shtml", 200), ("/sub/file.txt", 200), ("/gzip/file.txt", 200), ("/try", 200), ("/try-named", 200),
    ("/nothing", 404), ("/hidden", 200), ("/file.txt", 200), ("/twice", 200),
])
def test_every_response_has_the_headers_once(nginx, target, status):
    for method in ("GET", "HEAD", "POST"):
        if method == "POST" and target in ("/page.shtml", "/sub/file.txt", "/gzip/file.txt", "/try", "/file.txt"):
            status = 405  # a file
        response = nginx.request(method, target, [("Origin", APP), ("Content-Length", "0")])
        assert (response.status, response.cors) == (status, ACTUAL)
        assert response.vary.count("origin") == 1
    refused = nginx.get(target, STRANGER)
    assert (refused.cors, refused.vary.count("origin")) == ({}, 1)
    without = nginx.get(target)
    assert (without.cors, without.vary.count("origin")) == ({}, 1)


def test_the_limit_of_requests_is_answered_with_headers(nginx):
    responses = [nginx.get("/limit", APP) for _ in range(3)]
    assert 503 in [response.status for response in responses]
    assert all(response.cors == ACTUAL for response in responses)


def test_a_body_that_is_too_large_is_answered_with_headers(nginx):
    response = nginx.request("POST", "/small", [("Origin", APP), ("Content-Length", "100")], body=b"x" * 100)
    assert (response.status, response.cors, response.vary) == (413, ACTUAL, ["origin"])


def test_a_response_from_the_cache_is_decided_for_each_origin(nginx, upstream):
    before = len(upstream.seen)
    for origin, cors in ((APP, ACTUAL), (OTHER, {**ACTUAL, "allow-origin": OTHER}), (STRANGER, {}), (None, {})):
        response = nginx.get("/cached", origin, [("Accept-Encoding", "x"), ("Cookie", "c")])
        assert (response.cors, response.vary) == (cors, ["accept-encoding", "cookie", "origin"])
    assert response.one("X-Cache") == "HIT"
    assert len(upstream.seen) == before + 1


def test_not_modified_and_partial_responses_have_the_headers(nginx):
    first = nginx.get("/file.txt", APP)
    again = nginx.get("/file.txt", APP, [("If-None-Match", first.one("ETag"))])
    assert (again.status, again.cors, again.vary) == (304, ACTUAL, ["origin"])
    part = nginx.get("/file.txt", APP, [("Range", "bytes=0-3")])
    assert (part.status, part.body, part.cors) == (206, b"one ", ACTUAL)
    assert nginx.get("/file.txt", APP, [("Range", "bytes=99999-")]).cors == ACTUAL
    upstream = nginx.get("/app", APP, [("If-None-Match", '"v1"')])
    assert (upstream.status, upstream.cors) == (304, ACTUAL)


def test_subrequests_have_no_say(nginx):
    page = nginx.get("/page.shtml", APP)
    assert (page.status, page.cors, page.vary) == (200, ACTUAL, ["origin"])
    assert page.body.startswith(b"part+GET /app/x")
    # The policy of the part would forbid the request.
    off = nginx.get("/page-off.shtml", STRANGER)
    assert (off.status, off.cors, off.vary) == (200, {}, []) and off.body.startswith(b"GET /strict/x")


def test_gzip_and_sub_filter_keep_the_headers(nginx):
    zipped = nginx.get("/gzip/file.txt", APP, [("Accept-Encoding", "gzip")])
    assert (zipped.one("Content-Encoding"), zipped.cors) == ("gzip", ACTUAL)
    assert sorted(zipped.vary) == ["accept-encoding", "origin"]
    assert nginx.get("/sub/file.txt", APP).body.startswith(b"two file")


def test_vary_becomes_one_line_and_a_star_absorbs(nginx):
    assert nginx.get("/app", APP).one("Vary") == "Accept-Encoding, Cookie, Origin"
    assert nginx.get("/twice", APP).one("Vary") == "Accept-Encoding, Cookie, Accept-Language, Origin"
    assert nginx.get("/added", APP).one("Vary") == "Accept, Origin"
    assert nginx.get("/app/star", APP).all("Vary") == ["Accept, *", "Cookie"]


def test_what_an_application_or_add_header_says_of_cors_is_removed(nginx):
    assert nginx.get("/app", STRANGER).cors == {}
    assert nginx.get("/added", STRANGER).cors == {}
    assert nginx.get("/added", APP).cors == ACTUAL
    for target in ("/added-answer", "/added-keep"):
        assert "allow-headers" not in nginx.preflight(target, method="GET", headers="x-secret").cors


def test_foreign_headers_are_kept_where_the_policy_says_so_and_sets_none(nginx):
    assert set(nginx.get("/keep", STRANGER).cors) == {name.lower().removeprefix("access-control-") for name in FOREIGN}
    assert nginx.get("/keep", APP).cors == {"allow-origin": APP}


def test_off_touches_nothing(nginx):
    response = nginx.get("/off", APP)
    assert response.one("Access-Control-Allow-Origin") == "*" and response.all("Vary") == ["Accept-Encoding", "Cookie"]
    assert nginx.preflight("/off").body.startswith(b"OPTIONS")


def test_report_decides_and_touches_nothing(nginx):
    response = nginx.get("/report", STRANGER)
    assert response.one("X-Reason") == "origin-not-allowed"
    assert response.one("Access-Control-Allow-Origin") == "*" and response.all("Vary") == ["Accept-Encoding", "Cookie"]
    passed = nginx.preflight("/report", STRANGER)
    assert passed.body.startswith(b"OPTIONS") and passed.one("X-Reason") == "origin-not-allowed"


def test_a_refused_request_may_be_forbidden_before_the_application_runs(nginx, upstream):
    before = len(upstream.seen)
    response = nginx.request("POST", "/strict", [("Origin", STRANGER), ("Content-Length", "3")], body=b"abc")
    assert (response.status, response.body, response.cors, response.vary) == (403, b"", {}, ["origin"])
    assert len(upstream.seen) == before
    assert nginx.get("/strict", APP).status == 200
    assert nginx.get("/strict").status == 200


def test_two_origins_are_malformed_unless_everyone_is_answered_alike(nginx):
    twice = [("Origin", APP), ("origin", APP)]
    response = nginx.request("GET", "/log", twice)
    assert response.cors == {} and response.one("X-All") == "api actual 0 malformed-origin"
    assert response.one("X-Origin") == "several"
    constant = nginx.request("GET", "/open", twice)
    assert (constant.cors, constant.vary) == ({"allow-origin": "*"}, [])
    assert constant.one("Timing-Allow-Origin") == "*"


def test_the_first_location_with_a_policy_decides(nginx):
    assert nginx.get("/try-named", APP).cors == ACTUAL
    assert nginx.get("/later", APP).cors == {"allow-origin": "*"}
    assert nginx.preflight("/later", method="GET", headers=None).cors == {"allow-origin": "*", "allow-methods": "GET,HEAD,POST"}


def test_what_a_server_returns_before_a_location_is_known_has_the_headers(nginx):
    response = request(nginx.moved, "GET", "/", [("Origin", APP)])
    assert (response.status, response.cors, response.vary) == (301, ACTUAL, ["origin"])
    assert preflight(nginx.moved, "/").status == 301


def test_rules_decide_in_their_order(nginx):
    assert nginx.get("/named", APP).cors == {"allow-origin": APP, "allow-credentials": "true"}
    assert nginx.get("/named", STRANGER).cors == {"allow-origin": "*"}


def test_an_upgrade_is_left_alone(nginx):
    with Connection(nginx.port) as connection:
        connection.send(connection.text("GET", "/socket", [("Origin", APP), ("Upgrade", "test"), ("Connection", "Upgrade")]))
        text = b""
        while b"\r\n\r\n" not in text:
            text += connection.socket.recv(4096)
    assert text.startswith(b"HTTP/1.1 101 ")
    assert b"Access-Control-Allow-Origin: *\r\n" in text and b"Vary" not in text
    assert b"credentials" not in text.lower()


def test_a_malformed_request_grants_nothing_more_than_its_policy(nginx):
    with Connection(nginx.port) as connection:
        connection.send(b"GET /plain HTTP/1.1\r\nOrigin: https://evil.example.net\r\nHost: a b\r\n\r\n")
        response = connection.receive()
    assert (response.status, response.cors) == (400, {})
    with Connection(nginx.port) as connection:
        connection.send(b"\x16\x03\x01\r\n\r\n")
        assert connection.receive().status == 400


def test_binary_and_huge_origins_are_malformed(nginx):
    for origin in ("\x80\xff", "https://app.example.com\t.evil", "x" * 60000, "https://app.example.com, https://app.example.com", ""):
        response = nginx.get("/log", None, [("Origin", origin)])
        assert (response.status, response.cors) == (200, {})
        assert response.one("X-All") == "api actual 0 malformed-origin"
        assert (response.one("X-Origin") or "").isprintable() and len(response.one("X-Origin") or "") < 520


def test_same_origin_requests_are_allowed_without_headers(nginx):
    response = nginx.get("/log", "http://localhost:81", host="localhost:81")
    assert response.one("X-All") == "api actual 1 same-origin" and response.cors == {}
    absolute = nginx.request("GET", "http://one.example:81/log", [("Origin", "http://one.example:81")], host="other.example")
    assert absolute.one("X-All") == "api actual 1 same-origin"
    other = nginx.request("GET", "http://one.example:81/log", [("Origin", "http://other.example")], host="other.example")
    assert other.one("X-All") == "api actual 0 origin-not-allowed"


def test_variables_tell_the_decision(nginx):
    response = nginx.get("/log", APP)
    assert response.one("X-All") == "api actual 1 allowed"
    assert response.one("X-Origin") == APP
    assert response.one("X-Decision") == f'actual allowed allowed rule=0 origin="{APP}"'
    assert nginx.get("/log").one("X-All") == "api not-cors 1 not-cors"
    assert nginx.get("/log").one("X-Origin") is None
    assert nginx.get("/spdy", STRANGER).status == 418
    assert nginx.get("/spdy", APP).status == 200


# --- The policy that a variable names ----------------------------------------------------------------------


def test_a_variable_chooses_the_policy(nginx):
    assert nginx.get("/variable", APP).cors == ACTUAL
    assert nginx.get("/variable", APP, [("X-Policy", "open")]).cors == {"allow-origin": "*"}
    off = nginx.get("/variable", APP, [("X-Policy", "off")])
    assert off.one("Access-Control-Allow-Headers") == "x-foreign" and off.one("X-Policy") is None


def test_an_unknown_name_grants_nothing_and_is_logged_once(nginx):
    for _ in range(3):
        response = nginx.get("/variable", APP, [("X-Policy", "no\xffne")])
        assert (response.status, response.cors) == (200, {})
        assert nginx.preflight("/variable", extra=[("X-Policy", "no\xffne")]).cors == {}
    assert nginx.errors().count('corsac: there is no policy "no\\xffne"') == 1
    for number in range(100):
        nginx.get("/variable", APP, [("X-Policy", f"name{number}")])
    assert nginx.errors().count("corsac: there is no policy") == 64
    assert nginx.errors().count("further such names are not logged") == 1


# --- HTTP/2 and HTTP/3 -------------------------------------------------------------------------------------


def curl(*arguments):
    text = subprocess.run(["curl", "--silent", "--insecure", "--http2", "--include", "--max-time", "10", *arguments],
                          check=True, stdout=subprocess.PIPE).stdout.decode()
    head = text.split("\r\n\r\n")[0].split("\r\n")
    assert head[0].startswith("HTTP/2 ")
    return int(head[0].split()[1]), [tuple(line.split(": ", 1)) for line in head[1:]]


def lowered(cors):
    return sorted((f"access-control-{name}", value) for name, value in cors.items())


def test_http2_is_answered_alike(nginx):
    url = f"https://localhost:{nginx.secure}"

    def cors(headers):
        return sorted(line for line in headers if line[0].startswith("access-control-"))

    status, headers = curl(f"{url}/deny", "-X", "OPTIONS", "-H", f"Origin: {APP}", "-H", "Access-Control-Request-Method: PUT")
    assert (status, cors(headers)) == (204, lowered(PREFLIGHT))
    assert ("vary", "Origin") in headers
    status, headers = curl(f"{url}/app", "-H", f"Origin: {APP}")
    assert (status, cors(headers)) == (200, lowered(ACTUAL))
    status, headers = curl(f"{url}/app", "-H", f"Origin: {STRANGER}")
    assert (status, cors(headers)) == (200, [])
    # :authority tells what is same-origin, and replaces Host.
    status, headers = curl(f"{url}/log", "-H", f"Origin: https://localhost:{nginx.secure}")
    assert ("x-all", "api actual 1 same-origin") in headers


def test_http3_is_answered_alike(nginx):
    if not nginx.build.http3:
        pytest.skip("this nginx has no HTTP/3")
    from http3 import exchange

    asked = [("origin", APP), ("access-control-request-method", "PUT")]
    answers = exchange(nginx.secure, [
        ("OPTIONS", "/deny", asked), ("GET", "/app", [("origin", APP)]), ("GET", "/app", [("origin", STRANGER)]),
        ("GET", "/log", [("origin", f"https://localhost:{nginx.secure}")]), ("GET", "/missing", [("origin", APP)]),
    ])
    assert [(answer.status, answer.cors) for answer in answers] == [
        (204, PREFLIGHT), (200, ACTUAL), (200, {}), (200, {}), (404, ACTUAL)]
    assert answers[0].vary == ["origin"] and answers[1].vary == ["accept-encoding", "cookie", "origin"]
    assert answers[3].one("x-all") == "api actual 1 same-origin"


def test_nothing_is_logged_as_critical(nginx):
    """The last one: what all of the above left in the error log."""
    for line in nginx.errors().splitlines():
        assert "[alert]" not in line and "[crit]" not in line and "[emerg]" not in line
