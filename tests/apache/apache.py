"""An Apache of its own, with the module, for a test: a private ServerRoot, a free port, and an application behind it."""
import base64
import contextlib
import http.server
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
MODULE = TARGET / "release/mod_corsac.so"
MODULES = Path("/usr/lib/apache2/modules")
APACHE = "/usr/sbin/apache2"

ORIGIN = "https://app.example.com"
OTHER = "https://evil.example.net"
POLICY = {
    "allow_origins": [ORIGIN, "https://www.example.com"],
    "allow_methods": ["PUT"],
    "allow_headers": ["content-type"],
    "expose_headers": ["etag"],
    "allow_credentials": True,
    "max_age": 600,
}
POLICIES = {
    "api": POLICY,
    "public": {"allow_origins": "*"},
    "strict": {"allow_origins": [ORIGIN], "refused_requests": "forbid"},
    "keep": {"allow_origins": [ORIGIN], "foreign_headers": "keep"},
    "ok": {"allow_origins": [ORIGIN], "preflight_status": 200},
}

START_SECONDS = 60  # valgrind is slow

# A request's own account of its decision, as users would log it.
NOTES = ("POLICY", "KIND", "ALLOWED", "REASON", "ORIGIN")
LOG_FORMAT = r"%m %U%q %>s " + " ".join(rf"\"%{{CORSAC_{note}}}n\"" for note in NOTES)


class Response:
    def __init__(self, status, lines, body):
        self.status, self.lines, self.body = status, lines, body

    def all(self, name):
        return [value for key, value in self.lines if key.lower() == name.lower()]

    def __getitem__(self, name):
        """The one value of a header; several lines are a failed claim."""
        values = self.all(name)
        assert len(values) < 2, (name, values)
        return values[0] if values else None

    @property
    def cors(self):
        """What CORS is about, in lower case: {name: value}."""
        names = {key.lower() for key, _ in self.lines}
        return {name: self[name] for name in names if name.startswith("access-control-") or name == "vary"}

    def vary(self):
        return [token.strip().lower() for token in (self["Vary"] or "").split(",") if token.strip()]


GRANTED = {
    "access-control-allow-origin": ORIGIN,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "etag",
}


def is_granted(response):
    """The response has the headers of POLICY for ORIGIN, each once, and Vary names Origin."""
    cors = response.cors
    assert "origin" in response.vary(), cors
    cors.pop("vary")
    assert cors == GRANTED, cors
    return True


def is_refused(response):
    """The response grants nothing, and says that it depends on Origin."""
    cors = response.cors
    assert "origin" in response.vary(), cors
    cors.pop("vary")
    assert cors == {}, cors
    return True


def is_preflight_answer(response, status=204):
    assert response.status == status, (response.status, response.body)
    cors = response.cors
    assert cors == {
        "vary": "Origin",
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,HEAD,POST,PUT",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
    }, cors
    assert response.body == b""
    assert response["Content-Length"] == (None if status == 204 else "0")
    return True


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Application:
    """What stands behind a proxying Apache: it sets CORS headers of its own, as careless ones do."""

    LINES = [
        ("Content-Type", "application/json"), ("ETag", '"v1"'), ("X-Total-Count", "42"), ("X-Secret", "hidden"),
        ("Vary", "Accept-Encoding"), ("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", "TRACE"),
    ]

    def __init__(self, name="apache"):
        self.requests = []  # "METHOD target"
        application = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def __getattr__(self, attribute):
                if attribute.startswith("do_"):
                    return self.respond
                raise AttributeError(attribute)

            def respond(self):
                application.requests.append(f"{self.command} {self.path}")
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path, lines = self.path.split("?")[0], list(application.LINES)
                if path.startswith("/ws"):
                    return self.switch()
                if "/lines/" in path:
                    lines = json.loads(base64.urlsafe_b64decode(path.split("/lines/")[1]))
                    lines = [(name, value) for name, value in lines] + [("Content-Length", "0")]
                    self.send_response_only(200)
                    for line in lines:
                        self.send_header(*line)
                    return self.end_headers()
                if path.startswith("/hints"):
                    self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nAccess-Control-Allow-Origin: *\r\n\r\n")
                lines.append(("Cache-Control", "max-age=60" if path.startswith("/cached") else "no-store"))
                if path.startswith("/two-varies"):
                    lines += [("Vary", "X-A, accept-encoding"), ("Access-Control-Allow-Origin", "null")]
                status = re.match(r"/status/([2-5]\d\d)\b", path)
                status = int(status[1]) if status else 200
                if path.startswith("/redirect"):
                    status = 302
                    lines.append(("Location", "/landed"))
                parts = [] if status in (204, 205, 302, 304) else [b'{"ok":true,', b'"server":', f'"{name}"}}'.encode()]
                chunked = path.startswith("/stream")
                if chunked:
                    lines.append(("Transfer-Encoding", "chunked"))
                elif status not in (204, 304):
                    lines.append(("Content-Length", str(sum(map(len, parts)))))
                self.send_response(status)
                for line in lines:
                    self.send_header(*line)
                self.end_headers()
                if self.command == "HEAD":
                    return None
                for part in parts:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
                    self.wfile.flush()
                if chunked:
                    self.wfile.write(b"0\r\n\r\n")
                return None

            def switch(self):
                """Speaks another protocol from here on: it sends back what it gets."""
                self.send_response(101)
                for line in [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Access-Control-Allow-Origin", "*")]:
                    self.send_header(*line)
                self.end_headers()
                while data := self.rfile.read1(100):
                    self.wfile.write(data)
                self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                pass  # a client that hangs up is no event

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


BASE_MODULES = "authz_core authn_core authz_host mime log_config dir alias"

BASE = r"""
ServerRoot "{root}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile "{root}/pid"
DefaultRuntimeDir "{root}"
Mutex file:{root} default
ErrorLog "{root}/error.log"
LogLevel warn
{modules}
{user}
<IfModule mpm_event_module>
ServerLimit 2
StartServers 1
ThreadsPerChild 16
MaxRequestWorkers 32
</IfModule>
<IfModule mpm_worker_module>
ServerLimit 2
StartServers 1
ThreadsPerChild 16
MaxRequestWorkers 32
</IfModule>
<IfModule mpm_prefork_module>
StartServers 4
MaxRequestWorkers 16
</IfModule>
TypesConfig /etc/mime.types
DocumentRoot "{root}/htdocs"
<Directory "{root}/htdocs">
Require all granted
</Directory>
LogFormat "{format}" corsac
CustomLog "{root}/access.log" corsac
"""


class Apache:
    """A running Apache. `files` are written below the ServerRoot; `{root}`, `{port}` and `{upstream}` in texts are filled in."""

    def __init__(self, configuration, modules="", files=(), policies=POLICIES, mpm="event", single=False, wrapper=(),
                 module=MODULE, application=None, environment=None, port=None, with_module=True,
                 log_format=LOG_FORMAT):
        self.root = Path(tempfile.mkdtemp(prefix="corsac-apache-"))
        self.root.chmod(0o755)
        self.port = port or free_port()
        self.application = application
        self.process = None
        self.single, self.wrapper, self.environment = single, list(wrapper), environment
        (self.root / "htdocs").mkdir()
        (self.root / "policies").mkdir()
        (self.root / "own").mkdir()  # what the server's own user may write to
        if os.getuid() == 0:
            user = pwd.getpwnam("www-data")
            os.chown(self.root / "own", user.pw_uid, user.pw_gid)
        names = [f"mpm_{mpm}", *dict.fromkeys(f"{BASE_MODULES} {modules}".split())]
        if mpm == "prefork":
            names = ["cgi" if name == "cgid" else name for name in names]
        # What is not there as a file is built in.
        lines = [f'LoadModule {name}_module "{MODULES}/mod_{name}.so"' for name in names if (MODULES / f"mod_{name}.so").exists()]
        if with_module:
            lines.append(f'LoadModule corsac_module "{module}"')
        lines.append("IncludeOptional policies.conf")
        self.base = BASE.format(root=self.root, port=self.port, modules="\n".join(lines), format=log_format,
                                user="User www-data\nGroup www-data" if os.getuid() == 0 else "")
        if with_module:
            self.write_policies(policies)
        for name, content in dict(files).items():
            self.write(name, content)
        self.write("httpd.conf", self.base + self.fill(configuration))

    def fill(self, text):
        filled = text.replace("{root}", str(self.root)).replace("{port}", str(self.port))
        return filled.replace("{upstream}", f"http://127.0.0.1:{self.application.port}" if self.application else "")

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else self.fill(content).encode())
        path.chmod(0o755 if path.suffix == ".cgi" else 0o644)
        return path

    def write_policies(self, policies):
        for name, document in policies.items():
            text = document if isinstance(document, str) else json.dumps(document)
            (self.root / "policies" / f"{name}.json").write_text(text, "utf-8")
        self.write("policies.conf", "".join(f"CorsacPolicyFile {name} policies/{name}.json\n" for name in policies))

    @property
    def command(self):
        return [*self.wrapper, APACHE, "-d", str(self.root), "-f", str(self.root / "httpd.conf")]

    def test(self):
        """What `apachectl configtest` says: exit code and text."""
        done = subprocess.run([*self.command, "-t"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        return done.returncode, done.stdout

    def start(self):
        self.output = (self.root / "output").open("wb")
        self.process = subprocess.Popen([*self.command, "-X" if self.single else "-DFOREGROUND"], stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=subprocess.STDOUT, start_new_session=True,
                                        env={**os.environ, **(self.environment or {})})
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Apache did not start: {(self.root / 'output').read_text()}{self.errors()}")
            # The port is open before the configuration has been read for the second time: an answer counts.
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.settimeout(START_SECONDS)
                connection.sendall(b"OPTIONS * HTTP/1.0\r\n\r\n")
                if connection.recv(1):
                    return self
            time.sleep(0.02)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.process:
            self.end()
        shutil.rmtree(self.root, ignore_errors=True)

    def end(self):
        """Ends it as an administrator does; what does not end is killed with its children. Gives the exit code."""
        self.process.terminate()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            code = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.output.close()
        self.process = None
        return code

    def errors(self):
        log = self.root / "error.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def log(self, count):
        """The log's last `count` lines, once they are there: [method target status policy kind allowed reason origin]."""
        path = self.root / "access.log"
        for _ in range(500):
            lines = path.read_text().splitlines() if path.exists() else []
            if len(lines) >= count:
                break
            time.sleep(0.01)
        return [[field.strip('"') for field in re.findall(r'"(?:[^"\\]|\\.)*"|\S+', line)] for line in lines[-count:]]

    # --- Requests ---

    def send(self, data):
        """Sends bytes and gives every byte that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            connection.sendall(data)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while part := connection.recv(65536):
                    received += part
        return received

    def request(self, method, target, headers=(), body=b"", host="localhost"):
        """One request with exactly these header lines: a dictionary, or pairs."""
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        if host is not None:
            pairs.insert(0, ("Host", host))
        if body:
            pairs.append(("Content-Length", str(len(body))))
        head = "".join(f"{name}: {value}\r\n" for name, value in [*pairs, ("Connection", "close")])
        return parse(self.send(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body), method)

    def get(self, target, origin=ORIGIN, headers=(), method="GET", body=b""):
        pairs = list(dict(headers).items())
        return self.request(method, target, [("Origin", origin), *pairs] if origin is not None else pairs, body)

    def preflight(self, target, origin=ORIGIN, method="PUT", names="content-type", headers=()):
        return self.request("OPTIONS", target, [("Origin", origin), ("Access-Control-Request-Method", method),
                                                *([("Access-Control-Request-Headers", names)] if names else []), *headers])

    def curl(self, target, *arguments):
        """One request by curl over HTTP/2."""
        done = subprocess.run(["curl", "-si", "--max-time", "20", "--http2-prior-knowledge", *arguments,
                               f"http://127.0.0.1:{self.port}{target}"], stdout=subprocess.PIPE, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/2 "), done.stdout
        return parse(head.replace(b"HTTP/2 ", b"HTTP/1.1 ", 1) + b"\r\n\r\n" + body, "HEAD")


def parse(data, method):
    """The final response in what came over a socket; `interim` are the heads before it."""
    interim = []
    while True:
        head, separator, rest = data.partition(b"\r\n\r\n")
        assert separator, f"no response: {data!r}"
        start, *lines = head.decode("latin-1").split("\r\n")
        status = int(start.split(" ")[1])
        pairs = [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in lines]
        if not 100 <= status < 200 or status == 101:
            break
        interim.append(Response(status, pairs, b""))
        data = rest
    response = Response(status, pairs, rest)
    response.interim = interim
    if response["Transfer-Encoding"] == "chunked":
        body, left = b"", rest
        while left:
            size, _, left = left.partition(b"\r\n")
            size = int(size, 16)
            if not size:
                break
            body, left = body + left[:size], left[size + 2:]
        response.body = body
    return response
