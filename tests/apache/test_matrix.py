"""What Apache's own modules do to a response, and that the policy has the last word: real requests, over sockets and HTTP/2."""
import gzip
import re
import socket

import pytest
from apache import (MODULES, ORIGIN, OTHER, POLICY, Apache, is_granted, is_preflight_answer, is_refused)

REQUIRED = "auth_basic authn_file authz_user rewrite headers setenvif proxy proxy_http proxy_wstunnel cache cache_socache socache_shmcb " \
    "deflate filter include cgid env http2 allowmethods substitute negotiation"

CONFIGURATION = r"""
Protocols h2c http/1.1
EnableMMAP Off
Corsac api

LogFormat "\"%r\" %>s %{CORSAC_POLICY}n %{CORSAC_KIND}n %{CORSAC_REASON}n %{CORSAC_ORIGIN}n" cors
CustomLog {root}/refused.log cors "expr=%{note:CORSAC_ALLOWED} == '0'"
Redirect 301 /moved http://elsewhere.example/
Alias /errors/ "{root}/htdocs/off/"
ScriptAlias /cgi/ "{root}/cgi/"
<Directory "{root}/cgi">
Require all granted
</Directory>
<IfModule cgid_module>
ScriptSock "{root}/cgid.sock"
</IfModule>

<Location "/off">
Corsac off
</Location>
<Location "/private">
AuthType Basic
AuthName private
AuthUserFile "{root}/users"
Require valid-user
</Location>
<Location "/denied">
Require all denied
</Location>
<Location "/get-only">
AllowMethods GET
</Location>
<Location "/here/moved">
Redirect 302 http://elsewhere.example/
</Location>
<Location "/gone">
Redirect gone
</Location>
<Location "/rewritten">
RewriteEngine on
RewriteRule .* - [F]
</Location>
<Location "/pages">
ErrorDocument 404 /off/page.html
ErrorDocument 403 /off/missing.html
</Location>
<Location "/pages/denied">
Require all denied
</Location>
<Location "/off-then-page">
Corsac off
ErrorDocument 404 /page.html
</Location>
<Location "/off-then-strict">
Corsac off
ErrorDocument 404 /strict/a.txt
</Location>
<Location "/header">
Header always set Access-Control-Allow-Origin "*"
Header set Access-Control-Allow-Methods "TRACE"
Header always append Vary X-Always
Header append Vary X-Normal
</Location>
<Location "/late">
Header onsuccess edit* Access-Control-Allow-Origin ^.*$ "https://evil.example.net"
</Location>
<Location "/star">
Header always set Vary "*"
</Location>
ScriptAlias /limited/cgi/ "{root}/cgi/"
<Location "/limited">
LimitRequestBody 10
</Location>
<Location "/pass">
CorsacPreflight pass
</Location>
<Location "/report">
CorsacReport on
Header always set Access-Control-Allow-Origin "https://old.example"
</Location>
<Location "/public">
Corsac public
</Location>
<Location "/strict">
Corsac strict
</Location>
<Location "/keep">
Corsac keep
</Location>
<Location "/ok">
Corsac ok
</Location>
<Location "/conditional">
<If "%{QUERY_STRING} == 'off'">
Corsac off
</If>
</Location>
<Directory "{root}/htdocs/ssi">
Options +Includes
SetOutputFilter INCLUDES
</Directory>
<Directory "{root}/htdocs/allowed">
AllowOverride FileInfo
Corsac off
</Directory>
<Directory "{root}/htdocs/limited-override">
AllowOverride AuthConfig
</Directory>
<Location "/zip">
SetOutputFilter DEFLATE
</Location>
<Location "/substituted">
SetOutputFilter SUBSTITUTE
Substitute s/hello/bonjour/
</Location>
<Directory "{root}/htdocs/index">
DirectoryIndex page.html
</Directory>
<Directory "{root}/htdocs/rewrite">
RewriteEngine on
RewriteRule ^inside$ /off/page.html
</Directory>
<Directory "{root}/htdocs/rewrite-off">
Corsac off
RewriteEngine on
RewriteRule ^inside$ /strict/app/x
</Directory>
ProxyPass /ws {upstream}/ws upgrade=websocket
ProxyPass /app {upstream}
ProxyPass /strict/app {upstream}
ProxyPass /keep/app {upstream}
ProxyPass /public/app {upstream}
ProxyPass /pass/app {upstream}
ProxyPass /ok/app {upstream}
ProxyPass /report/app {upstream}
ProxyPass /limited/app {upstream}
ProxyPass /dead http://127.0.0.1:1/
"""

FILES = {
    "htdocs/a.txt": "hello\n" * 50,
    "htdocs/page.html": "a page",
    "htdocs/off/page.html": "an error page",
    "htdocs/off/a.txt": "hello",
    "htdocs/zip/a.txt": "hello\n" * 500,
    "htdocs/header/a.txt": "hello",
    "htdocs/late/a.txt": "hello",
    "htdocs/star/a.txt": "hello",
    "htdocs/public/a.txt": "hello",
    "htdocs/strict/a.txt": "hello",
    "htdocs/report/a.txt": "hello",
    "htdocs/pass/a.txt": "hello",
    "htdocs/conditional/a.txt": "hello",
    "htdocs/get-only/a.txt": "hello",
    "htdocs/private/a.txt": "secret",
    "htdocs/substituted/a.txt": "hello",
    "htdocs/index/page.html": "an index",
    "htdocs/rewrite/x": "",
    "htdocs/rewrite-off/x": "",
    "htdocs/ssi/a.html": '<!--#include virtual="/off/page.html" -->, <!--#include virtual="/strict/a.txt" -->, <!--#include virtual="/denied" -->',
    "htdocs/allowed/on/.htaccess": "Corsac api\n",
    "htdocs/allowed/on/a.txt": "hello",
    "htdocs/allowed/off/.htaccess": "Corsac off\n",
    "htdocs/allowed/off/a.txt": "hello",
    "htdocs/allowed/inherited/a.txt": "hello",
    "htdocs/allowed/wrong/.htaccess": "Corsac apj\n",
    "htdocs/allowed/wrong/a.txt": "hello",
    "htdocs/allowed/file/.htaccess": "CorsacPolicyFile more /etc/passwd\n",
    "htdocs/allowed/file/a.txt": "hello",
    "htdocs/allowed/report/.htaccess": "Corsac api\nCorsacReport on\nCorsacPreflight pass\n",
    "htdocs/allowed/report/a.txt": "hello",
    "htdocs/limited-override/.htaccess": "Corsac off\n",
    "htdocs/limited-override/a.txt": "hello",
    "cgi/fails.cgi": "#!/bin/sh\nexit 1\n",
    "cgi/headers.cgi": "#!/bin/sh\nprintf 'Content-Type: text/plain\\nAccess-Control-Allow-Origin: *\\nVary: Cookie\\nStatus: 500 Oops\\n\\n%s' \"$REQUEST_METHOD\"\n",
    "cgi/switch.cgi": "#!/bin/sh\nprintf 'Status: 101 Switching Protocols\\nUpgrade: x\\nAccess-Control-Allow-Origin: *\\n\\n'\n",
    "cgi/reads.cgi": "#!/bin/sh\ncat >/dev/null\nprintf 'Content-Type: text/plain\\n\\nread'\n",
    "cgi/redirect.cgi": "#!/bin/sh\nprintf 'Location: /off/page.html\\n\\n'\n",
    # user:password, as htpasswd -nb writes it
    "users": "user:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n",
}


@pytest.fixture(scope="module", params=["event", "worker", "prefork"])
def server(request, application):
    with Apache(CONFIGURATION, REQUIRED, FILES, mpm=request.param, application=application) as server:
        yield server


# --- Preflights --------------------------------------------------------------------------------

PREFLIGHTED = ["/", "/a.txt", "/nothing", "/private/a.txt", "/denied", "/get-only/a.txt", "/rewritten",
               "/app/x", "/dead/x", "/cgi/fails.cgi", "/index/", "/zip/a.txt", "/header/a.txt", "/pages/denied",
               "/limited/app/x", "/rewrite/inside", "/allowed/on/a.txt", "/conditional/a.txt"]


@pytest.mark.parametrize("target", PREFLIGHTED)
def test_a_preflight_is_answered_before_authentication_and_every_handler(server, application, target):
    before = len(application.requests)
    assert is_preflight_answer(server.preflight(target))
    assert application.requests[before:] == []


def test_a_preflight_of_what_moved_is_redirected_with_the_headers(server):
    for target, status in (("/moved/x", 301), ("/here/moved", 302), ("/gone", 410)):
        response = server.preflight(target)
        assert response.status == status and response["Access-Control-Allow-Origin"] == ORIGIN


def test_a_refused_preflight_is_answered_403_and_tells_nothing(server):
    for target in ("/a.txt", "/private/a.txt", "/app/x"):
        response = server.preflight(target, OTHER)
        assert (response.status, response["Content-Length"], response.body) == (403, "0", b"")
        assert response.cors == {"vary": "Origin"}
        assert response["Content-Type"] is None


def test_preflight_status_200_has_an_empty_body(server):
    response = server.preflight("/ok/app/x", names=None, method="GET")
    assert (response.status, response["Content-Length"], response.body) == (200, "0", b"")
    assert response["Access-Control-Allow-Origin"] == ORIGIN


def test_a_refused_method_is_answered_with_the_true_lists(server):
    response = server.preflight("/app/x", method="DELETE")
    assert (response.status, response["Access-Control-Allow-Methods"]) == (204, "GET,HEAD,POST,PUT")


def test_options_that_is_no_preflight_reaches_the_application(server, application):
    before = len(application.requests)
    response = server.get("/app/x", method="OPTIONS")
    assert response.status == 200 and is_granted(response)
    response = server.request("OPTIONS", "/app/y", {"Access-Control-Request-Method": "PUT"})
    assert response.status == 200 and is_refused(response)
    assert application.requests[before:] == ["OPTIONS /x", "OPTIONS /y"]


def test_an_unanswered_preflight_passes_with_the_headers_of_the_policy(server, application):
    before = len(application.requests)
    response = server.preflight("/pass/app/x")
    assert application.requests[before:] == ["OPTIONS /x"]
    assert (response.status, response["Access-Control-Allow-Methods"]) == (200, "GET,HEAD,POST,PUT")
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    response = server.preflight("/pass/app/x", OTHER)
    assert response.status == 200 and is_refused(response)


def test_a_location_that_is_off_is_left_alone(server):
    response = server.preflight("/off/a.txt")
    assert response.status == 200 and response.cors == {}
    assert server.get("/off/a.txt").cors == {}


def test_a_preflight_with_a_body_leaves_the_connection_in_step(server):
    head = f"Host: localhost\r\nOrigin: {ORIGIN}\r\n"
    preflight = f"OPTIONS /private/a.txt HTTP/1.1\r\n{head}Access-Control-Request-Method: PUT\r\nContent-Length: 40\r\n\r\n"
    last = f"GET /a.txt HTTP/1.1\r\n{head}Connection: close\r\n\r\n"
    smuggled = "GET /denied HTTP/1.1\r\nHost: localhost\r\n\r\n".ljust(40)[:40]
    received = server.send((preflight + smuggled + preflight + smuggled + last).encode())
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"204", b"204", b"200"]


def test_a_client_that_hangs_up_does_no_harm(server):
    for data in (f"OPTIONS /a.txt HTTP/1.1\r\nHost: localhost\r\nOrigin: {ORIGIN}\r\n",
                 f"OPTIONS /a.txt HTTP/1.1\r\nHost: localhost\r\nOrigin: {ORIGIN}\r\nAccess-Control-Request-Method: PUT\r\nContent-Length: 99\r\n\r\nx"):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(data.encode())
    assert is_preflight_answer(server.preflight("/a.txt"))


# --- Every status ------------------------------------------------------------------------------

STATUSES = [("/a.txt", 200), ("/nothing", 404), ("/private/a.txt", 401), ("/denied", 403), ("/get-only/a.txt", 200),
            ("/moved/x", 301), ("/here/moved", 302), ("/gone", 410), ("/rewritten", 403), ("/dead/x", 503),
            ("/cgi/fails.cgi", 500), ("/cgi/headers.cgi", 500), ("/cgi/redirect.cgi", 200), ("/app/x", 200),
            ("/app/redirect", 302), ("/app/status/404", 404), ("/app/status/500", 500), ("/app/status/204", 204),
            ("/app/status/304", 304), ("/app/stream", 200), ("/app/two-varies", 200), ("/pages/nothing", 404),
            ("/pages/denied", 403), ("/index/", 200), ("/index", 301), ("/rewrite/inside", 200), ("/a.txt/more", 404),
            ("/%2e%2e/%2e%2e/x", 400), ("/%00", 404), ("/ssi/a.html", 200), ("/substituted/a.txt", 200),
            ("/late/a.txt", 200), ("/header/a.txt", 200), ("/header/nothing", 404)]


@pytest.mark.parametrize(("target", "status"), STATUSES)
def test_every_status_has_the_headers_of_the_policy_once(server, target, status):
    for method in ("GET", "HEAD"):
        response = server.get(target, method=method)
        assert response.status == status or (status == 404 and response.status == 403), response.status
        assert is_granted(response), (target, method)
        refused = server.get(target, OTHER, method=method)
        assert refused.status == response.status and is_refused(refused)
        without = server.get(target, None, method=method)
        assert without.status == response.status and is_refused(without)


def test_405_and_413_have_the_headers_of_the_policy(server):
    response = server.get("/get-only/a.txt", method="POST", body=b"x")
    assert response.status == 405 and is_granted(response)
    response = server.get("/limited/cgi/reads.cgi", method="POST", body=b"x" * 100)
    assert response.status == 413 and is_granted(response)
    chunked = server.send(f"POST /limited/cgi/reads.cgi HTTP/1.1\r\nHost: localhost\r\nOrigin: {ORIGIN}\r\nTransfer-Encoding: chunked\r\n"
                          f"Connection: close\r\n\r\n64\r\n{'x' * 100}\r\n0\r\n\r\n".encode())
    assert b" 413 " in chunked and chunked.count(b"Access-Control-Allow-Origin: " + ORIGIN.encode()) == 1


def test_304_206_and_416_have_the_headers_of_the_policy(server):
    tag = server.get("/a.txt")["ETag"]
    response = server.get("/a.txt", headers={"If-None-Match": tag})
    assert response.status == 304 and response.body == b"" and is_granted(response)
    response = server.get("/a.txt", headers={"If-None-Match": tag}, origin=OTHER)
    assert response.status == 304 and is_refused(response)
    response = server.get("/a.txt", headers={"Range": "bytes=0-4"})
    assert (response.status, response.body) == (206, b"hello") and is_granted(response)
    response = server.get("/a.txt", headers={"Range": "bytes=90000-"})
    assert response.status == 416 and is_granted(response)


def test_a_request_that_makes_no_sense_does_no_harm(server):
    for data in (b"GET\r\n\r\n", b"GET /a.txt HTTP/1.1\r\n\r\n", b"GET /a.txt HTTP/1.1\r\nHost: localhost\r\nOrigin\r\n\r\n",
                 b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 b"GET /a.txt HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a\x00b\r\n\r\n",
                 b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: https://app.example.com\r\nAccess-Control-Request-Method: PUT\r\n\r\n"):
        received = server.send(data)
        assert received.count(b"Access-Control-Allow-Origin") <= 1, received
        assert b"evil" not in received
    assert is_granted(server.get("/a.txt"))


# --- Other modules -----------------------------------------------------------------------------

def test_what_others_set_is_replaced_or_removed(server):
    for target in ("/header/a.txt", "/header/nothing", "/app/x", "/app/two-varies", "/late/a.txt"):
        assert is_granted(server.get(target))
        assert is_refused(server.get(target, OTHER))
        assert is_refused(server.get(target, None))


def test_vary_becomes_one_line(server):
    assert sorted(server.get("/header/a.txt").vary()) == ["origin", "x-always", "x-normal"]
    assert sorted(server.get("/app/two-varies").vary()) == ["accept-encoding", "origin", "x-a"]
    assert server.get("/star/a.txt")["Vary"] == "*"
    assert server.get("/star/nothing")["Vary"] == "*"


def test_foreign_headers_are_kept_where_the_policy_says_so(server):
    allowed = server.get("/keep/app/x")
    assert allowed["Access-Control-Allow-Origin"] == ORIGIN and allowed["Access-Control-Allow-Methods"] is None
    refused = server.get("/keep/app/x", OTHER)
    assert (refused["Access-Control-Allow-Origin"], refused["Access-Control-Allow-Methods"]) == ("*", "TRACE")


def test_a_constant_policy_has_no_vary(server):
    assert server.get("/public/a.txt").cors == {"access-control-allow-origin": "*"}
    assert server.get("/public/a.txt", None).cors == {"access-control-allow-origin": "*"}
    assert server.get("/public/app/x").vary() == ["accept-encoding"]


def test_forbidden_requests_do_not_reach_the_application(server, application):
    before = len(application.requests)
    response = server.get("/strict/app/x", OTHER, method="POST", body=b"x" * 1000)
    assert (response.status, response["Content-Length"], response.cors) == (403, "0", {"vary": "Origin"})
    assert application.requests[before:] == []
    assert server.get("/strict/app/x").status == 200
    assert server.get("/strict/app/x", None).status == 200
    assert server.get("/strict/a.txt", "http://localhost").status == 200  # its own pages
    assert application.requests[before:] == ["GET /x"] * 2


def test_an_internal_redirect_into_a_policy_is_decided_there(server, application):
    before = len(application.requests)
    assert server.get("/rewrite-off/inside", OTHER).status == 403
    assert server.preflight("/rewrite-off/inside", method="GET", names=None).status == 204
    assert application.requests[before:] == []
    assert server.get("/rewrite-off/inside")["Access-Control-Allow-Origin"] == ORIGIN


def test_the_bytes_of_a_forbidden_body_are_no_request(server):
    received = server.send(f"POST /strict/app/x HTTP/1.1\r\nHost: localhost\r\nOrigin: {OTHER}\r\nContent-Length: 44\r\n\r\n"
                           "GET /denied HTTP/1.1\r\nHost: localhost\r\n\r\nxxxGET /a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"403", b"200"]


def test_an_error_page_that_is_off_keeps_the_policy_of_the_request(server):
    response = server.get("/pages/nothing")
    assert (response.status, response.body) == (404, b"an error page") and is_granted(response)
    response = server.get("/off-then-page/nothing")
    assert (response.status, response.body) == (404, b"a page") and is_granted(response)
    response = server.get("/off-then-strict/nothing", OTHER)
    assert (response.status, response.body) == (404, b"hello") and is_refused(response)


def test_included_parts_have_no_say(server):
    for origin, is_right in ((ORIGIN, is_granted), (OTHER, is_refused)):
        response = server.get("/ssi/a.html", origin)
        assert response.body.startswith(b"an error page, hello, ") and is_right(response)


def test_compression_keeps_its_vary(server):
    response = server.get("/zip/a.txt", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(response.body).startswith(b"hello") and is_granted(response)
    assert sorted(response.vary()) == ["accept-encoding", "origin"]


def test_credentials_get_through_to_the_application(server):
    response = server.get("/private/a.txt", headers={"Authorization": "Basic dXNlcjpwYXNzd29yZA=="})
    assert (response.status, response.body) == (200, b"secret") and is_granted(response)


def test_a_websocket_is_left_alone(server):
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
        connection.sendall(f"GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: {ORIGIN}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(1000)
        head, _, echoed = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"Access-Control-Allow-Origin: *" in head and b"Vary" not in head
        connection.sendall(b"ping")
        while len(echoed) < 4:
            echoed += connection.recv(100)
        assert echoed == b"ping"


def test_a_switch_to_another_protocol_is_left_alone(server):
    response = server.get("/cgi/switch.cgi")
    assert response.status == 101 and response.cors == {"access-control-allow-origin": "*"}


def test_an_interim_response_is_left_alone(server):
    response = server.get("/app/hints")
    assert response.status == 200 and is_granted(response)
    assert [(interim.status, interim.all("Vary")) for interim in response.interim] == [(103, [])]


# --- Where directives stand --------------------------------------------------------------------

def test_htaccess_chooses_a_policy(server):
    assert is_granted(server.get("/allowed/on/a.txt"))
    assert is_preflight_answer(server.preflight("/allowed/on/a.txt"))
    assert is_granted(server.get("/allowed/on/nothing"))
    for folder in ("off", "inherited"):
        assert server.get(f"/allowed/{folder}/a.txt").cors == {}


def test_a_wrong_name_in_htaccess_is_a_logged_500(server):
    response = server.get("/allowed/wrong/a.txt")
    assert response.status == 500
    lines = [line for line in server.errors().splitlines() if "apj" in line]
    assert lines and 'no policy is named "apj": write Corsac api, keep, ok, public, strict or off' in lines[-1], lines
    assert "/allowed/wrong/.htaccess" in lines[-1]


def test_htaccess_reads_no_policy_and_needs_fileinfo(server):
    assert server.get("/allowed/file/a.txt").status == 500
    assert "CorsacPolicyFile not allowed here" in server.errors()
    assert server.get("/limited-override/a.txt").status == 500
    assert "Corsac not allowed here" in server.errors()


def test_a_condition_chooses_a_policy(server):
    assert is_granted(server.get("/conditional/a.txt?on"))
    assert server.get("/conditional/a.txt?off").cors == {}


def test_report_leaves_requests_and_responses_alone(server, application):
    before = len(application.requests)
    assert server.get("/report/a.txt").cors == {"access-control-allow-origin": "https://old.example"}
    response = server.preflight("/report/app/x", OTHER)
    assert application.requests[before:] == ["OPTIONS /x"]
    assert response["Access-Control-Allow-Methods"] == "TRACE" and response.vary() == ["accept-encoding"]
    assert server.log(2) == [
        ["GET", "/report/a.txt", "200", "api", "actual", "1", "allowed", ORIGIN],
        ["OPTIONS", "/report/app/x", "200", "api", "preflight", "0", "origin-not-allowed", OTHER],
    ]
    assert server.get("/allowed/report/a.txt").cors == {}


# --- Facts of the request ----------------------------------------------------------------------

def test_two_origins_are_refused_unless_the_policy_is_constant(server):
    for pair in ([ORIGIN, ORIGIN], [ORIGIN, OTHER], ["", ORIGIN], [ORIGIN, ""], ["", ""]):
        lines = [("Origin", origin) for origin in pair]
        assert is_refused(server.request("GET", "/a.txt", lines)), pair
        response = server.request("OPTIONS", "/a.txt", [*lines, ("Access-Control-Request-Method", "PUT")])
        assert response.status == 403 and is_refused(response), pair
        assert server.log(1)[0][4:7] == ["preflight", "0", "malformed-origin"]
        response = server.request("GET", "/public/a.txt", lines)
        assert response.cors == {"access-control-allow-origin": "*"}
    assert is_refused(server.request("GET", "/a.txt", [("Origin", f"{ORIGIN}, {ORIGIN}")]))


def test_two_requested_methods_are_refused(server):
    response = server.request("OPTIONS", "/a.txt", [("Origin", ORIGIN), *[("Access-Control-Request-Method", "PUT")] * 2])
    assert response.status == 403
    assert server.log(1)[0][6] == "malformed-request-method"


def test_requested_headers_on_two_lines_are_read_together(server):
    lines = [("Access-Control-Request-Headers", "content-type")]
    assert is_preflight_answer(server.preflight("/a.txt", headers=lines))
    server.preflight("/a.txt", headers=[("Access-Control-Request-Headers", "x-other")])
    assert server.log(1)[0][6] == "header-not-allowed"


def test_large_and_binary_headers_are_refused(server):
    server.preflight("/a.txt", names=",".join(["content-type"] * 500))
    assert server.log(1)[0][6] == "request-headers-too-large"
    assert is_refused(server.get("/a.txt", "https://app.example.com\xff"))
    assert server.log(1)[0][6:] == ["malformed-origin", r"https://app.example.com\\xff"]
    assert is_refused(server.get("/a.txt", 'https://"\\' + "x" * 1000))
    origin = server.log(1)[0][7]
    assert origin.startswith(r"https://\\x22\\x5cxxx") and origin.endswith("x...") and len(origin) < 160


def test_decisions_are_logged(server):
    server.get("/a.txt")
    server.get("/pages/nothing", OTHER)
    server.get("/a.txt", None)
    server.preflight("/private/a.txt")
    server.get("/off/a.txt")
    server.get("/moved/x")
    assert server.log(6) == [
        ["GET", "/a.txt", "200", "api", "actual", "1", "allowed", ORIGIN],
        ["GET", "/pages/nothing", "404", "api", "actual", "0", "origin-not-allowed", OTHER],
        ["GET", "/a.txt", "200", "api", "not-cors", "1", "not-cors", "-"],
        ["OPTIONS", "/private/a.txt", "204", "api", "preflight", "1", "allowed", ORIGIN],
        ["GET", "/off/a.txt", "200", "-", "-", "-", "-", "-"],
        ["GET", "/moved/x", "301", "api", "actual", "1", "allowed", ORIGIN],
    ]


def test_a_log_can_hold_refused_requests_alone(server):
    server.get("/a.txt")
    server.get("/a.txt?seen", OTHER)
    server.get("/off/a.txt", OTHER)
    server.get("/a.txt?last", OTHER)
    server.log(1)
    lines = [line for line in (server.root / "refused.log").read_text().splitlines() if "seen" in line or "last" in line]
    assert lines == [f'"GET /a.txt?{name} HTTP/1.1" 200 api actual origin-not-allowed {OTHER}' for name in ("seen", "last")]


# --- HTTP/2 ------------------------------------------------------------------------------------

@pytest.mark.parametrize(("target", "status"), [
    ("/a.txt", 200), ("/nothing", 404), ("/private/a.txt", 401), ("/denied", 403), ("/moved/x", 301), ("/dead/x", 503),
    ("/cgi/fails.cgi", 500), ("/app/x", 200), ("/app/two-varies", 200), ("/pages/nothing", 404), ("/header/a.txt", 200),
    ("/header/nothing", 404), ("/app/status/304", 304)])
def test_http2_has_the_same_headers(server, target, status):
    response = server.curl(target, "-H", f"Origin: {ORIGIN}")
    assert response.status == status and is_granted(response)
    response = server.curl(target, "-H", f"Origin: {OTHER}")
    assert response.status == status and is_refused(response)


def test_http2_answers_preflights(server):
    arguments = ["-X", "OPTIONS", "-H", "Access-Control-Request-Method: PUT", "-H", "Access-Control-Request-Headers: content-type"]
    assert is_preflight_answer(server.curl("/private/a.txt", "-H", f"Origin: {ORIGIN}", *arguments))
    response = server.curl("/private/a.txt", "-H", f"Origin: {OTHER}", *arguments)
    assert response.status == 403 and response.cors == {"vary": "Origin"}
    response = server.curl("/private/a.txt", "-H", f"Origin: {ORIGIN}", "-H", f"Origin: {ORIGIN}", *arguments)
    assert response.status == 403 and response.cors == {"vary": "Origin"}
    response = server.curl("/a.txt", "-H", f"Origin: http://127.0.0.1:{server.port}")
    assert response.status == 200 and is_refused(response)
    assert server.log(1)[0][6] == "same-origin"


# --- A cache -----------------------------------------------------------------------------------

CACHE = r"""
CacheEnable socache /
CacheSocache shmcb
CacheQuickHandler {quick}
CacheHeader on
CacheIgnoreHeaders None
AllowEncodedSlashes On
<Location "/api">
Corsac api
</Location>
<Location "/strict">
Corsac strict
</Location>
<Directory "{root}/htdocs/rewrite">
RewriteEngine on
RewriteRule ^inside$ /strict/cached
</Directory>
ProxyPass /api {upstream}
ProxyPass /strict {upstream}
"""


@pytest.mark.parametrize("quick", ["on", "off"])
def test_a_cached_response_is_decided_for_each_origin(application, quick):
    modules = "proxy proxy_http cache cache_socache socache_shmcb rewrite"
    with Apache(CACHE.replace("{quick}", quick), modules, {"htdocs/rewrite/x": ""}, application=application) as server:
        seen = []
        before = len(application.requests)
        for origin in (ORIGIN, OTHER, "https://www.example.com", None, ORIGIN):
            response = server.get("/api/cached", origin)
            seen.append(response["X-Cache"].split(" ")[0])
            assert "origin" in response.vary()
            assert response["Access-Control-Allow-Origin"] == (None if origin in (None, OTHER) else origin)
            assert response["Access-Control-Allow-Methods"] is None
        assert seen == ["MISS", "HIT", "HIT", "HIT", "HIT"]
        assert len(application.requests) == before + 1
        for hit in ("MISS" if quick == "on" else "HIT", "HIT"):  # asked first, the cache looks at the path as it came
            response = server.get("/%61pi/./cached")
            assert response["X-Cache"].startswith(hit) and response["Access-Control-Allow-Origin"] == ORIGIN
        assert is_preflight_answer(server.preflight("/api/cached"))

        assert server.get("/strict/cached").status == 200
        assert server.get("/strict/cached")["X-Cache"].startswith("HIT")
        response = server.get("/strict/cached", OTHER)
        assert (response.status, response.body, response["Content-Length"]) == (403, b"", "0")
        assert response.cors == {"vary": "Origin"} and response["X-Secret"] is None
        assert server.log(1)[0][2:7] == ["403", "strict", "actual", "0", "origin-not-allowed"]
        # However the path is written, which the cache takes for another one, and behind an internal redirect.
        for target in ("//strict/cached", "/x/..//strict/cached", "/strict%2fcached", "/x%2f../strict/cached", "/rewrite/inside"):
            server.get(target)
            assert server.get(target)["Access-Control-Allow-Origin"] == ORIGIN
            response = server.get(target, OTHER)
            assert (response.status, response.body, response.cors) == (403, b"", {"vary": "Origin"}), (target, response.lines)


def test_the_modules_of_this_matrix_are_there():
    missing = [name for name in REQUIRED.split() if not (MODULES / f"mod_{name}.so").exists()]
    assert missing == []
    assert POLICY["allow_origins"][0] == ORIGIN
