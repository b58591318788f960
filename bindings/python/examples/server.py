"""An HTTP server that answers CORS by a policy: python server.py --policy FILE [--port N].

It prints where it listens, then one line of JSON for every request.
"""

import argparse
import json
import re
import signal
import sys
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from corsac import Decision, Policy, PolicyError

Headers = list[tuple[str, str]]


def apply(edits: Iterable[tuple[str, str, str]], headers: Headers) -> Headers:
    """The headers of a response after the edits of a decision."""
    for op, name, value in edits:
        if op == "vary":
            lines = [line for other, line in headers if other.lower() == "vary"]
            names = [element.strip() for line in lines for element in line.split(",")]
            if "*" in names or value.lower() in (element.lower() for element in names):
                continue
            op, value = "set", ", ".join([*filter(None, names), value])
        if op != "add":
            headers = [header for header in headers if header[0].lower() != name.lower()]
        if op != "remove":
            headers.append((name, value))
    return headers


def application(path: str) -> tuple[int, Headers, list[bytes]]:
    """A response that knows nothing of CORS, but for two headers that it should not have set."""
    status = re.match(r"/status/([2-5]\d\d)\b", path)
    parts = [b'{"ok":true,', b'"server":', b'"python"}']
    headers = [
        ("Content-Type", "application/json"),
        ("ETag", '"v1"'),
        ("X-Total-Count", "42"),
        ("X-Secret", "hidden"),
        ("Cache-Control", "no-store"),
        ("Vary", "Accept-Encoding"),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "TRACE"),
    ]
    if path.startswith("/redirect"):
        return 302, [*headers, ("Location", "/landed")], []
    return int(status[1]) if status else 200, headers, parts if path.startswith("/stream") else [b"".join(parts)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    disable_nagle_algorithm = True
    policy: Policy

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The handler of any method: do_GET, do_OPTIONS, ..."""
        if name.startswith("do_"):
            return self.respond
        raise AttributeError(name)

    def read_body(self) -> bool:
        """Reads the body, which nobody wants; False if its length makes no sense."""
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True  # the body is not read
            return True
        lengths = set(self.headers.get_all("Content-Length", ["0"]))
        length = lengths.pop()
        if lengths or not re.fullmatch(r"[0-9]{1,18}", length):
            return False
        left = int(length)
        while left > 0 and (chunk := self.rfile.read(min(left, 65536))):
            left -= len(chunk)
        return True

    def respond(self) -> None:
        if not self.read_body():
            self.send_error(400, "Bad Content-Length")
            return

        decision = self.policy.evaluate(self.command, self.headers.items())
        self.log(decision)
        if decision.action == "respond":
            status, body = decision.status, list[bytes]()
            headers = apply(decision.headers, [])
        else:
            status, headers, body = application(self.path)
            headers = apply(decision.headers, headers)
        if status in (204, 205, 304):
            body = []
        if status not in (204, 304):
            headers.append(("Content-Length", str(sum(map(len, body)))))

        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            for part in body:
                self.wfile.write(part)  # at once: nothing is buffered

    def log(self, decision: Decision) -> None:
        def lines(name: str) -> str | None:
            values = self.headers.get_all(name)
            return None if values is None else ", ".join(values)

        entry = {
            "method": self.command,
            "target": self.path,
            "kind": decision.kind,
            "action": decision.action,
            "allowed": decision.allowed,
            "reason": decision.reason,
            "origin": lines("Origin"),
            "request_method": lines("Access-Control-Request-Method"),
            "request_headers": lines("Access-Control-Request-Headers"),
            "cookie": lines("Cookie"),
        }
        sys.stdout.write(json.dumps(entry) + "\n")
        sys.stdout.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--policy", metavar="FILE", required=True)
    arguments.add_argument("--port", type=int, default=0)
    options = arguments.parse_args()
    try:
        Handler.policy = Policy.from_file(options.policy)
    except PolicyError as error:
        for problem in error.problems:
            place = f"{options.policy}:{problem.line}:{problem.column}"
            print(f"{place}: {problem.code}: {problem.path}: {problem.message}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(error, file=sys.stderr)  # which names the file
        sys.exit(2)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with ThreadingHTTPServer(("127.0.0.1", options.port), Handler) as server:
        print(f"listening http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
