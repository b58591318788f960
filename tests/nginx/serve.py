"""Runs nginx in a folder of its own, an application behind it, and clients that show exact header lines."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOREIGN = [
    "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers", "Access-Control-Max-Age", "Access-Control-Expose-Headers",
    "Access-Control-Allow-Private-Network",
]


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Response:
    status: int
    headers: list  # (name, value) in the order sent
    body: bytes = b""

    def all(self, name):
        """The values of all lines of a name."""
        return [value for other, value in self.headers if other.lower() == name.lower()]

    def one(self, name):
        """The value of the only line of a name; None if there is none."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} on several lines: {values}"
        return values[0] if values else None

    @property
    def cors(self):
        """All lines of CORS, by name in lower case; a name on several lines is a mistake here."""
        names = {name.lower() for name, _ in self.headers if name.lower().startswith("access-control-")}
        return {name.removeprefix("access-control-"): self.one(name) for name in sorted(names)}

    @property
    def vary(self):
        """What Vary names, in lower case and in order."""
        return [name.strip().lower() for line in self.all("vary") for name in line.split(",") if name.strip()]


class Unclosed:
    """What HTTPResponse reads from, which must not lose what is behind the response."""

    def __init__(self, file):
        self.file = file

    def makefile(self, *_):
        return self

    def close(self):
        pass

    def __getattr__(self, name):
        return getattr(self.file, name)


class Connection:
    """A connection that stays open between requests and sends what it is told, byte for byte."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.input = Unclosed(self.socket.makefile("rb"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.input.file.close()
        self.socket.close()

    @staticmethod
    def text(method, target, headers=(), body=b"", version="1.1", host="localhost"):
        """A request as it is sent."""
        lines = [f"{method} {target} HTTP/{version}"]
        if host is not None:
            lines.append(f"Host: {host}")
        lines += [f"{name}: {value}" for name, value in headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))

    def receive(self, method="GET"):
        response = HTTPResponse(self.input, method=method)
        response.begin()
        body = response.read()
        return Response(response.status, response.getheaders(), body)

    def request(self, method, target, headers=(), **how):
        self.send(self.text(method, target, headers, **how))
        return self.receive(method)


def request(port, method, target, headers=(), **how):
    with Connection(port) as connection:
        return connection.request(method, target, headers, **how)


def preflight(port, target, origin="https://app.example.com", method="PUT", headers="content-type", extra=()):
    lines = [("Origin", origin), ("Access-Control-Request-Method", method)]
    if headers is not None:
        lines.append(("Access-Control-Request-Headers", headers))
    return request(port, "OPTIONS", target, [*lines, *extra])


class Application:
    """An HTTP server behind nginx; `answer(method, target, headers)` gives status, header lines and body, or its parts.

    `seen` has the requests that arrived.
    """

    def __init__(self, answer):
        self.seen = []
        application = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return self.respond
                raise AttributeError(name)

            def respond(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                application.seen.append((self.command, self.path, self.headers.items()))
                status, headers, body = answer(self.command, self.path, self.headers)
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                if status == 101:
                    self.end_headers()
                    self.wfile.write(body)
                    self.close_connection = True
                    return
                empty = self.command == "HEAD" or status in (204, 205, 304)
                if isinstance(body, list):
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    for part in [] if empty else [*body, b""]:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                    return
                if status not in (204, 304):
                    self.send_header("Content-Length", str(0 if status == 205 else len(body)))
                self.end_headers()
                if not empty:
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def write(folder, http, build=None, main="", events="", load=True, server_names=""):
    """A configuration around a text that stands in the http block."""
    for name in ("logs", "temp", "html"):
        (folder / name).mkdir(exist_ok=True)
    user = "user root;" if os.getuid() == 0 else ""
    temporary = "\n".join(f"    {kind}_temp_path {folder}/temp/{kind};"
                          for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(f"""\
{build.load if build and load else ""}
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/logs/error.log info;
{main}
events {{ worker_connections 512; {events} }}
http {{
    access_log off;
{temporary}
{http}
}}
""")
    return folder / "nginx.conf"


def check(build, http, folder, main=""):
    """`nginx -t`: whether it succeeds, and the lines that it prints, without times."""
    conf = write(folder, http, build, main)
    done = subprocess.run([build.binary, "-t", "-p", folder, "-c", conf], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = [re.sub(r"^nginx: ", "", line) for line in done.stdout.splitlines()]
    return done.returncode == 0, lines


class Nginx:
    """nginx in the foreground, with all of its files in a temporary folder."""

    def __init__(self, build, http, main="", port=None, command=(), load=True, master=True, environment=None, wait=10):
        self.build = build
        self.folder = Path(tempfile.mkdtemp(prefix="corsac-nginx-"))
        self.port = port
        self.process = None
        try:
            if not master:
                main += "\nmaster_process off;"
            self.conf = write(self.folder, http.replace("FOLDER", str(self.folder)), build, main + "\ndaemon off;", load=load)
            self.process = subprocess.Popen(
                [*command, build.binary, "-p", self.folder, "-c", self.conf], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
            self.wait(wait)
        except BaseException:
            self.stop()
            raise

    def wait(self, seconds):
        until = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"nginx did not start:\n{self.process.stdout.read()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            if time.monotonic() > until:
                raise RuntimeError(f"nginx does not listen:\n{self.errors()}")
            time.sleep(0.02)

    def errors(self):
        """The error log."""
        log = self.folder / "logs/error.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def wait_for(self, text, seconds=10):
        until = time.monotonic() + seconds
        while text not in self.errors():
            assert time.monotonic() < until, f"{text!r} is not in the error log:\n{self.errors()[-3000:]}"
            time.sleep(0.02)

    def workers(self):
        """The process ids of the workers, of whom there is at least one once the server is up."""
        # The port is open a moment before the first of them is there.
        until = time.monotonic() + 10
        while True:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            if children or time.monotonic() > until:
                return list(map(int, children))
            time.sleep(0.01)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def request(self, method, target, headers=(), **how):
        return request(self.port, method, target, headers, **how)

    def preflight(self, target, *arguments, **keywords):
        return preflight(self.port, target, *arguments, **keywords)

    def get(self, target, origin=None, extra=(), **how):
        return self.request("GET", target, [*([("Origin", origin)] if origin else []), *extra], **how)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
