"""Memory stays flat: CORSAC_REQUESTS requests, 50,000 if it is not set, through every native path."""

import os
import re
import subprocess
import sys

import pytest

from conftest import PACKAGE

REQUESTS = int(os.environ.get("CORSAC_REQUESTS", "50000"))

SETUP = """
import gc, sys, io
from corsac import Policy, PolicyCell
from corsac.asgi import CorsMiddleware
from corsac.wsgi import CorsMiddleware as WsgiMiddleware

document = {"allow_origins": ["https://app.example.com"], "allow_methods": ["PUT"], "allow_headers": "*", "allow_credentials": True,
            "expose_headers": ["etag"]}
origins = ["https://app.example.com", "https://evil.example", "null", "", "x" * 300]
asked = [("GET", {}), ("OPTIONS", {"access-control-request-method": "PUT", "access-control-request-headers": "x-a, x-b"})]

async def receive():
    return {"type": "http.request"}

async def send(message):
    pass

async def app(scope, receive, send):
    if scope["query_string"]:
        raise RuntimeError
    await send({"type": "http.response.start", "status": 200, "headers": [(b"vary", b"accept"), (b"access-control-allow-origin", b"*")]})
    await send({"type": "http.response.body", "body": b"ok"})

def drive(coroutine):
    try:
        while True:
            coroutine.send(None)
    except (StopIteration, RuntimeError):
        pass
"""

ASGI = """
cell = PolicyCell(Policy(document))
middleware = [CorsMiddleware(app, cell), CorsMiddleware(app, {"/": cell}, observe=lambda *arguments: None)]

def request(number):
    method, headers = asked[number % 2]
    # New objects, as a server has for each request.
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    pairs += [(b"origin", origins[number % 5].encode()), (b"host", b"%d.example" % number)]
    scope = {"type": "http", "method": method, "path": "/x/%d" % number, "headers": pairs, "query_string": b"x" if number % 7 == 0 else b""}
    drive(middleware[number % 3 // 2](scope, receive, send))
"""

WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Vary", "accept"), ("Access-Control-Allow-Origin", "*")])
    return [b"ok"]

middleware = WsgiMiddleware(application, Policy(document))

def request(number):
    method, headers = asked[number % 2]
    environ = {"REQUEST_METHOD": method, "PATH_INFO": "/x/%d" % number, "HTTP_ORIGIN": origins[number % 5], "HTTP_HOST": "%d.example" % number}
    environ.update({"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()})
    for _ in middleware(environ, lambda status, headers, exc_info=None: None):
        pass
"""

EVALUATE = """
policy = Policy(document)

def request(number):
    method, headers = asked[number % 2]
    decision = policy.evaluate(method, {**headers, "Origin": origins[number % 5] + "", "Host": "%d.example" % number})
    (decision.headers, decision.reason, decision.origin, decision.rule_name, str(decision))
"""

# Policies are built and replaced, and their answers used; 100 requests each.
SWAP = """
cell = PolicyCell(Policy(document))
middleware = CorsMiddleware(app, cell)

def request(number):
    if number % 100 == 0:
        cell.policy = Policy({**document, "allow_origins": ["https://app.example.com", "https://%d.example.com" % number] * 2})
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"origin", b"https://app.example.com")], "query_string": b""}
    drive(middleware(scope, receive, send))
"""

RUN = """
def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4

total = int(sys.argv[1])
for number in range(total // 5):
    request(number)
before = resident()
for number in range(total // 5, total):
    request(number)
print("grew by", resident() - before, "KiB of", before)
"""


@pytest.mark.parametrize("path", [ASGI, WSGI, EVALUATE, SWAP], ids=["asgi", "wsgi", "evaluate", "swap"])
def test_memory_stays_flat(path):
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("needs /proc")
    result = subprocess.run([sys.executable, "-c", SETUP + path + RUN, str(REQUESTS)], text=True, capture_output=True,
                            env={**os.environ, "PYTHONPATH": str(PACKAGE)})
    assert result.returncode == 0, result.stderr
    grown, before = map(int, re.fullmatch(r"grew by (-?\d+) KiB of (\d+)\n", result.stdout).groups())
    # A tenth of an object a request would be more.
    assert grown < 1024, result.stdout
