"""The three example servers, as they are built here, and a client that shows them exact header lines."""
import contextlib
import http.client
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = {
    "C": [str(ROOT / "tests/out/server")],
    "Python": [sys.executable, str(ROOT / "bindings/python/examples/server.py")],
    "Node": ["node", str(ROOT / "bindings/node/examples/server.cjs")],
}


class Server:
    """A running example server; `log` gives the JSON line of the request that was answered last."""

    def __init__(self, name, policy):
        self.name = name
        self.process = subprocess.Popen(
            [*COMMANDS[name], "--policy", str(policy), "--port", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        line = self.process.stdout.readline().strip()
        if not line.startswith("listening http://127.0.0.1:"):
            self.stop()
            sys.exit(f"the {name} server did not start: {line!r}")
        self.port = int(line.rsplit(":", 1)[1])

    @classmethod
    @contextlib.contextmanager
    def all(cls, policy):
        """The three servers, which end with the block, however far they got."""
        with contextlib.ExitStack() as stack:
            servers = []
            for name in COMMANDS:
                servers.append(cls(name, policy))
                stack.callback(servers[-1].stop)
            yield servers

    def exchange(self, method, target, headers):
        """Sends one request with exactly these header lines; returns status, header lines, body and log line."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders()
            response = connection.getresponse()
            body = response.read()
            return response.status, response.getheaders(), body, json.loads(self.process.stdout.readline())
        finally:
            connection.close()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
