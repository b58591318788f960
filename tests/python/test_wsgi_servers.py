"""corsac.wsgi under real servers: what arrives on the wire under gunicorn, waitress and wsgiref."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from behaviours import APP, EVIL, GRANTED, NOTHING, POLICY, PREFLIGHT
from conftest import PACKAGE
from corsac import Policy
from corsac.wsgi import CorsMiddleware

EXAMPLES = PACKAGE.parent / "examples"


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/boom":
        raise RuntimeError("an exception of the application")
    if path == "/write":
        write = start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
        write(b"wr")
        write(b"te")
        return []
    if path == "/lazy-boom":
        return lazily_failing()
    if path == "/stream":
        return streaming(start_response)
    status, headers = "200 OK", [("Content-Type", "text/plain"), ("Vary", "Accept"), ("Access-Control-Allow-Origin", "*")]
    if path == "/304":
        start_response("304 Not Modified", [("ETag", '"v1"')])
        return []
    start_response(status, [*headers, ("Content-Length", "2")])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else b"ok"]


def lazily_failing():
    raise RuntimeError("an exception before the first part")
    yield b""


def streaming(start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    for part in (b"one", b"two", b"three"):
        yield part


app = CorsMiddleware(application, Policy(POLICY))


@contextlib.contextmanager
def gunicorn():
    here = str(Path(__file__).parent)
    program = f"import sys; sys.path[:0] = [{here!r}, {str(EXAMPLES)!r}, {str(PACKAGE)!r}]\nfrom wsgi_serving import serve\n"
    program += "from test_wsgi_servers import app\nserve(app, 0)"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline()
        assert line.startswith("listening http://127.0.0.1:"), line + process.stderr.read()
        yield int(line.rsplit(":", 1)[1])
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=20)
    # The server got what the application raised, to log it.
    assert "RuntimeError: an exception of the application" in errors


@contextlib.contextmanager
def waitress():
    from waitress.server import create_server

    server = create_server(app, host="127.0.0.1", port=0, threads=2)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.effective_port
    finally:
        # In its own thread, which waits for its sockets.
        server.trigger.pull_trigger(server.close)
        thread.join(10)
        server.task_dispatcher.shutdown()
        assert not thread.is_alive()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def wsgiref():
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(10)


@pytest.fixture(scope="module", params=[gunicorn, waitress, wsgiref], ids=lambda server: server.__name__)
def port(request):
    with request.param() as port:
        yield port


def ask(port, path="/", *headers, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read()
    finally:
        connection.close()


def expect(headers, expected):
    for name, values in expected.items():
        assert [value for other, value in headers if other.lower() == name] == values, name


ORIGIN = ("Origin", APP)


def test_an_allowed_request(port):
    status, headers, body = ask(port, "/", ORIGIN)
    assert (status, body) == (200, b"ok")
    expect(headers, {**GRANTED, "vary": ["Accept, Origin"]})


def test_two_origin_lines_are_refused(port):
    status, headers, body = ask(port, "/", ORIGIN, ORIGIN)
    assert (status, body) == (200, b"ok")
    expect(headers, {**NOTHING, "vary": ["Accept, Origin"]})
    # Not even the first, nor the last, of two that differ.
    for pair in ((ORIGIN, ("Origin", EVIL)), (("Origin", EVIL), ORIGIN), (ORIGIN, ("Origin", ""))):
        status, headers, _ = ask(port, "/", *pair)
        expect(headers, NOTHING)
        assert ask(port, "/", *pair, *PREFLIGHT[1:], method="OPTIONS")[0] == 403


def test_two_requested_methods_are_refused(port):
    method = ("Access-Control-Request-Method", "PUT")
    assert ask(port, "/", ORIGIN, method, method="OPTIONS")[0] == 204
    status, headers, body = ask(port, "/", ORIGIN, method, method, method="OPTIONS")
    assert (status, body) == (403, b"")
    expect(headers, NOTHING)


def test_several_lines_of_requested_headers_are_one_list(port):
    asked = [ORIGIN, PREFLIGHT[1], ("Access-Control-Request-Headers", "x-token"), ("Access-Control-Request-Headers", "x-token")]
    assert ask(port, "/", *asked, method="OPTIONS")[0] == 204
    asked[-1] = ("Access-Control-Request-Headers", "x-evil")
    status, headers, _ = ask(port, "/", *asked, method="OPTIONS")
    # As a decision tells: answered as if allowed, without the header that is not.
    expect(headers, {"access-control-allow-headers": ["x-token"]})


def test_a_preflight_has_no_body_and_no_length(port, request):
    # wsgiref gives a length to whatever has no body, a 204 too.
    length = ["0"] if "wsgiref" in request.node.name else []
    status, headers, body = ask(port, "/boom", *PREFLIGHT, method="OPTIONS")
    assert (status, body) == (204, b"")
    expect(headers, {"content-length": length, "transfer-encoding": [], "access-control-allow-methods": ["GET,HEAD,POST,PUT"]})
    status, headers, body = ask(port, "/", ("Origin", EVIL), *PREFLIGHT[1:], method="OPTIONS")
    assert (status, body) == (403, b"")
    expect(headers, {**NOTHING, "content-length": ["0"]})


@pytest.mark.parametrize("path", ["/boom", "/lazy-boom"])
def test_an_exception_is_a_500_that_scripts_can_read(port, path):
    status, headers, body = ask(port, path, ORIGIN)
    assert (status, body) == (500, b"Internal Server Error")
    expect(headers, GRANTED)
    status, headers, _ = ask(port, path, ("Origin", EVIL))
    assert status == 500
    expect(headers, NOTHING)


def test_streams_files_and_empty_responses(port):
    status, headers, body = ask(port, "/stream", ORIGIN)
    assert (status, body) == (200, b"onetwothree")
    expect(headers, GRANTED)
    status, headers, body = ask(port, "/write", ORIGIN)
    assert (status, body) == (200, b"wrte")
    expect(headers, GRANTED)
    status, headers, body = ask(port, "/304", ORIGIN)
    assert (status, body) == (304, b"")
    expect(headers, GRANTED)
    status, headers, body = ask(port, "/", ORIGIN, method="HEAD")
    assert (status, body) == (200, b"")
    expect(headers, {**GRANTED, "vary": ["Accept, Origin"], "content-length": ["2"]})


def test_a_connection_serves_many_requests(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        for method, headers, status in [("GET", [ORIGIN], 200), ("OPTIONS", PREFLIGHT, 204), ("GET", [], 200)] * 3:
            connection.request(method, "/", headers=dict(headers))
            response = connection.getresponse()
            assert response.status == status
            response.read()
    finally:
        connection.close()


# A policy file that workers read again

RELOADING = """
import os, signal, sys
from gunicorn.app.base import BaseApplication
from corsac import PolicyError
from corsac import PolicyFile
from corsac.wsgi import CorsMiddleware

policy = PolicyFile(sys.argv[1])

def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0"), ("X-Worker", str(os.getpid()))])
    return []

class Server(BaseApplication):
    def load_config(self):
        self.cfg.set("bind", "127.0.0.1:0")
        self.cfg.set("workers", 2)
        self.cfg.set("graceful_timeout", 1)
        self.cfg.set("loglevel", "error")
        self.cfg.set("when_ready", lambda arbiter: print(arbiter.LISTENERS[0].sock.getsockname()[1], flush=True))
        self.cfg.set("post_worker_init", listen)

    def load(self):
        return CorsMiddleware(app, policy)

def listen(worker):
    def reload(*_):
        try:
            policy.reload()
        except (PolicyError, OSError) as error:
            worker.log.error("the policy stays as it was: %s", error)
    signal.signal(signal.SIGHUP, reload)

Server().run()
"""


def test_workers_read_the_policy_again_on_a_signal(tmp_path):
    file = tmp_path / "policy.json"

    def write(document):
        # At once, as every program that replaces a file should: a worker may read it meanwhile.
        (tmp_path / "new.json").write_text(json.dumps(document))
        (tmp_path / "new.json").replace(file)

    def until(expected):
        """Waits until both workers answer so."""
        end, seen = time.monotonic() + 20, {}
        while time.monotonic() < end:
            _, headers, _ = ask(port, "/", ORIGIN)
            seen[dict(headers)["X-Worker"]] = dict(headers).get("Access-Control-Allow-Origin")
            if len(seen) == 2 and set(seen.values()) == {expected}:
                return [int(worker) for worker in seen]
        raise AssertionError(f"{seen}, and never {expected}")

    write(POLICY)
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(PACKAGE)!r})\n{RELOADING}", str(file)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        port = int(process.stdout.readline())
        workers = until(APP)
        write({"allow_origins": "*"})
        for worker in workers:
            os.kill(worker, signal.SIGHUP)
        assert sorted(until("*")) == sorted(workers)
        write({"allow_origins": []})
        for worker in workers:
            os.kill(worker, signal.SIGHUP)
        until("*")
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert errors.count("the policy stays as it was: ") == 2
    assert str(file) in errors
