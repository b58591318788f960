"""A defect of the library, forced: an alert, no CORS headers, 500 for OPTIONS, and the server lives."""
import os
import subprocess

import pytest
from apache import ROOT, TARGET, Apache, is_granted, is_preflight_answer

PANIC = "https://panic.example"

CONFIGURATION = """
Corsac api
<Location "/report">
CorsacReport on
</Location>
<Location "/header">
Header always set Access-Control-Allow-Origin "*"
Header always set Vary "Accept"
</Location>
<Location "/report/header">
Header always set Access-Control-Allow-Origin "*"
</Location>
"""


@pytest.fixture(scope="module")
def server():
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "corsac-ffi", "--features", "forced-panic",
                    "--example", "forced_panic"], cwd=ROOT, check=True, env={**os.environ, "CARGO_TARGET_DIR": str(TARGET)})
    module = TARGET / "release/examples/mod_corsac.so"
    subprocess.run(["sh", "bindings/apache/build.sh", TARGET / "release/examples/libforced_panic.a", module, "tests/apache/force_panic.c",
                    "-Wl,--wrap=corsac_policy_evaluate"], cwd=ROOT, check=True)
    with Apache(CONFIGURATION, "headers", files={"htdocs/a.txt": "hello", "htdocs/header/a.txt": "hello"}, module=module) as server:
        yield server


def alerts(server):
    return [line for line in server.errors().splitlines() if "[corsac:alert]" in line]


def test_a_panic_grants_nothing_and_the_server_lives(server):
    pid = server.process.pid
    assert is_granted(server.get("/a.txt"))
    before = len(alerts(server))
    for target, vary in (("/a.txt", None), ("/header/a.txt", "Accept"), ("/header/nothing", "Accept")):
        response = server.get(target, PANIC)
        assert response.status == (404 if target.endswith("nothing") else 200)
        assert response.cors == ({"vary": vary} if vary else {})
    assert server.log(1)[0][3:7] == ["api", "none", "0", "none"]
    found = alerts(server)[before:]
    assert len(found) == 3 and all('the policy "api" could not decide this request (panic)' in line for line in found)
    assert is_granted(server.get("/a.txt")) and is_preflight_answer(server.preflight("/a.txt"))
    assert server.process.pid == pid and server.process.poll() is None
    assert "exit signal" not in server.errors()


def test_a_panic_answers_options_500(server):
    before = len(alerts(server))
    for headers in ({"Access-Control-Request-Method": "PUT"}, {}):
        response = server.get("/header/a.txt", PANIC, headers, method="OPTIONS")
        assert (response.status, response.body, response.cors) == (500, b"", {})
    assert len(alerts(server)) == before + 2


def test_a_panic_where_nothing_is_enforced_touches_nothing(server):
    response = server.get("/report/header/x", PANIC, method="OPTIONS")
    assert response.status == 200 and response.cors == {"access-control-allow-origin": "*"}
