"""Measures the Python middleware beside the middleware that people use today.

    python.py [FILE]            prints the tables, and writes the figures as JSON to FILE
    python.py --serve SERVER    serves one application, without CORS and with each middleware

Net is the CPU time of a request less that of the same application without CORS, in nanoseconds, all in one process
and in turns; preflights, which never reach the application, count whole, but for the request object, which Django
makes before any middleware. Cases: a preflight allowed, b preflight
refused, c actual allowed, d actual refused, e without Origin, f preflight with 16 KiB of header names.
"""

import asyncio
import importlib.metadata
import io
import json
import logging
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import corsac

APP, EVIL = "https://app.example.com", "https://evil.test"
METHODS, HEADERS = ["GET", "PUT", "DELETE"], ["content-type", "x-token"]
POLICY = {"allow_origins": [APP], "allow_methods": METHODS, "allow_headers": HEADERS, "allow_credentials": True, "max_age": 600}
BASE = [("host", "api.example.com"), ("user-agent", "Mozilla/5.0"), ("accept", "*/*"), ("accept-language", "en"),
        ("accept-encoding", "gzip"), ("referer", APP + "/")]


def preflight(origin, headers="content-type,x-token"):
    return [*BASE, ("origin", origin), ("access-control-request-method", "PUT"), ("access-control-request-headers", headers)]


CASES = {
    "a": ("OPTIONS", preflight(APP)),
    "b": ("OPTIONS", preflight(EVIL)),
    "c": ("GET", [*BASE, ("origin", APP)]),
    "d": ("GET", [*BASE, ("origin", EVIL)]),
    "e": ("GET", BASE),
    "f": ("OPTIONS", preflight(APP, "a," * 8192)),
}
ROUNDS = 9


# Each surface: the peer's name, what it needs at least in each case (a ratio), and callables by contestant and case.


def asgi():
    from starlette.middleware.cors import CORSMiddleware

    from corsac.asgi import CorsMiddleware

    body = {"type": "http.response.body", "body": b"ok"}

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send(body)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        pass

    apps = {
        "bare": app,
        "peer": CORSMiddleware(app, allow_origins=[APP], allow_methods=METHODS, allow_headers=HEADERS, allow_credentials=True),
        "corsac": CorsMiddleware(app, corsac.Policy(POLICY)),
    }

    def call(app, method, headers):
        pairs = [(name.encode(), value.encode()) for name, value in headers]
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": "/",
                 "raw_path": b"/", "query_string": b"", "headers": pairs, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}

        def once():
            if app is None:
                return
            coroutine = app(dict(scope), receive, send)
            try:
                while True:
                    coroutine.send(None)
            except StopIteration:
                pass

        return once

    return "starlette", {"a": 4, "b": 4, "c": 5, "d": 5, "e": 5, "f": 150}, 2000, apps, call


def environ_of(method, headers):
    environ = {"REQUEST_METHOD": method, "PATH_INFO": "/", "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "api.example.com",
               "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
               "wsgi.errors": sys.stderr, "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False}
    environ.update({"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers})
    return environ


def django(origins=1):
    import django
    from django.conf import settings

    listed = [APP, *(f"https://{number}.other.example" for number in range(origins - 1))]
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], DEFAULT_CHARSET="utf-8", INSTALLED_APPS=["corsheaders"])
        django.setup()
    settings.CORSAC = {**POLICY, "allow_origins": listed}
    settings.CORS_ALLOWED_ORIGINS, settings.CORS_ALLOW_METHODS, settings.CORS_ALLOW_HEADERS = listed, METHODS, HEADERS
    settings.CORS_ALLOW_CREDENTIALS = True
    from corsheaders.middleware import CorsMiddleware as Peer
    from django.core.handlers.wsgi import WSGIRequest
    from django.http import HttpResponse

    from corsac.django import CorsMiddleware

    def view(request):
        return HttpResponse(b"ok", content_type="text/plain")

    apps = {"bare": view, "peer": Peer(view), "corsac": CorsMiddleware(view)}

    def call(app, method, headers):
        environ = environ_of(method, headers)

        def once():
            request = WSGIRequest({**environ, "wsgi.input": io.BytesIO()})
            if app is not None:
                app(request)

        return once

    ten = dict.fromkeys("abcde", 10)
    return "django-cors-headers", ten, 300, apps, call


def django_100():
    return django(100)


def flask():
    from flask import Flask, Response
    from flask_cors import CORS

    from corsac.flask import Corsac

    def made():
        app = Flask(__name__)
        app.add_url_rule("/", "index", lambda: Response(b"ok", content_type="text/plain"))
        return app

    peer, ours = made(), made()
    CORS(peer, origins=[APP], methods=METHODS, allow_headers=HEADERS, supports_credentials=True, max_age=600)
    Corsac(ours, corsac.Policy(POLICY))
    apps = {"bare": made().wsgi_app, "peer": peer.wsgi_app, "corsac": ours.wsgi_app}

    def call(app, method, headers):
        environ = environ_of(method, headers)

        def start_response(status, headers, exc_info=None):
            return None

        def once():
            if app is None:
                return
            iterable = app({**environ, "wsgi.input": io.BytesIO()}, start_response)
            for _ in iterable:
                pass
            close = getattr(iterable, "close", None)
            if close is not None:
                close()

        return once

    return "flask-cors", {}, 200, apps, call


def measure(call, times):
    started = time.process_time_ns()
    for _ in range(times):
        call()
    return (time.process_time_ns() - started) / times


def surface(name, make):
    peer, required, times, apps, call = make()
    print(f"{name} beside {peer} {importlib.metadata.version(peer)}, net nanoseconds (spread of {ROUNDS} rounds)")
    rows, short = {}, []
    apps = {**apps, "request": None}
    for case, (method, headers) in CASES.items():
        calls = {contestant: call(app, method, headers) for contestant, app in apps.items()}
        each = max(times // (10 if case == "f" else 1), 10)
        seen = {contestant: [] for contestant in calls}
        for _ in range(ROUNDS):
            for contestant, once in calls.items():
                seen[contestant].append(measure(once, each))
        bare = statistics.median(seen["bare" if case in "cde" else "request"])
        net = {contestant: max(statistics.median(seen[contestant]) - bare, 1) for contestant in ("peer", "corsac")}
        spread = {contestant: max(seen[contestant]) - min(seen[contestant]) for contestant in net}
        ratio = net["peer"] / net["corsac"]
        wanted = required.get(case)
        if wanted is not None and ratio < wanted:
            short.append(case)
        rows[case] = {"peer_ns": net["peer"], "corsac_ns": net["corsac"], "ratio": ratio, "required": wanted, "spread_ns": spread}
        print(f"  {case}  {net['peer']:11,.0f} ({spread['peer']:,.0f}){net['corsac']:11,.0f} ({spread['corsac']:,.0f})   1/{ratio:<7.1f}"
              f"{f'required 1/{wanted}' if wanted else ''}")
    print(f"  NOT within what is required: {', '.join(short)}" if short else "  every row is within what is required" if required else "")
    return {"peer": peer, "version": importlib.metadata.version(peer), "cases": rows, "short": short}


# Requests a second


CONTESTANTS = ["bare", "starlette", "corsac"]


def serve(server, port):
    """One application for each contestant, by the first segment of the path."""
    _, _, _, apps, _ = asgi()
    apps["starlette"] = apps.pop("peer")

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await apps[scope["path"][1:]](scope, receive, send)

    logging.disable(logging.CRITICAL)
    if server == "uvicorn":
        import uvicorn

        uvicorn.run(app, host="127.0.0.1", port=port, http="httptools", loop="uvloop", lifespan="off", log_level="critical", access_log=False)
    else:
        from granian.constants import Interfaces
        from granian.server.embed import Server

        asyncio.run(Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, log_enabled=False).serve())


def load(port, path, method, headers, seconds):
    """Requests a second on 16 connections, one at a time on each."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    request = f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()
    waiting = selectors.DefaultSelector()
    for _ in range(16):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting.register(connection, selectors.EVENT_READ)
        connection.sendall(request)
    answered, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in waiting.select(1):
            if not key.fileobj.recv(65536):
                raise ConnectionError("the server closed a connection")
            key.fileobj.sendall(request)
            answered += 1
    for key in list(waiting.get_map().values()):
        key.fileobj.close()
    return answered / seconds


def throughput(server):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, __file__, "--serve", server, str(port)])
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        seen = {}
        for _ in range(5):
            for case in "ac":
                method, headers = CASES[case]
                for contestant in CONTESTANTS:
                    if (case, contestant) != ("a", "bare"):
                        rate = load(port, f"/{contestant}", method, headers, 0.5)
                        seen.setdefault((case, contestant), []).append(rate)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    rates = {f"{case} {contestant}": statistics.median(rates) for (case, contestant), rates in seen.items()}
    print(f"{server} {importlib.metadata.version(server)}, requests a second: " + ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items()))
    return rates


def main(arguments):
    if arguments[:1] == ["--serve"]:
        return serve(arguments[1], int(arguments[2]))
    results = {"python": sys.version.split()[0]}
    for name, make in (("ASGI", asgi), ("Django", django), ("Django, 100 origins", django_100), ("Flask", flask)):
        results[name] = surface(name, make)
    for server in ("uvicorn", "granian"):
        results[server] = throughput(server)
    if arguments:
        Path(arguments[0]).write_text(json.dumps(results, indent=1))
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
