"""What the WSGI examples have in common: the command line, gunicorn, and a line of JSON for every request."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication

from corsac import Policy, PolicyError

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def options() -> tuple[Policy, int]:
    """The policy and the port of the command line; the process ends if the policy is bad."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--policy", metavar="FILE", required=True)
    arguments.add_argument("--port", type=int, default=0)
    given = arguments.parse_args()
    try:
        return Policy.from_file(given.policy), given.port
    except PolicyError as error:
        for problem in error.problems:
            place = f"{given.policy}:{problem.line}:{problem.column}"
            print(f"{place}: {problem.code}: {problem.path}: {problem.message}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(error, file=sys.stderr)  # which names the file
        sys.exit(2)


def telling(app: Application, policy: Policy) -> Application:
    """An application that also prints what the policy says of every request."""

    def told(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def header(name: str) -> str | None:
            value: str | None = environ.get(f"HTTP_{name}")
            return value

        names = ("ORIGIN", "ACCESS_CONTROL_REQUEST_METHOD", "ACCESS_CONTROL_REQUEST_HEADERS", "HOST", "SEC_FETCH_SITE")
        facts = {name.replace("_", "-"): value for name in names if (value := header(name)) is not None}
        decision = policy.evaluate(environ["REQUEST_METHOD"], facts)
        query = environ.get("QUERY_STRING")
        line = {
            "method": environ["REQUEST_METHOD"],
            "target": environ["PATH_INFO"] + (f"?{query}" if query else ""),
            "kind": decision.kind,
            "action": decision.action,
            "allowed": decision.allowed,
            "reason": decision.reason,
            "origin": header("ORIGIN"),
            "request_method": header("ACCESS_CONTROL_REQUEST_METHOD"),
            "request_headers": header("ACCESS_CONTROL_REQUEST_HEADERS"),
            "cookie": header("COOKIE"),
        }
        # One write a line, so that threads and processes share the pipe.
        os.write(1, json.dumps(line).encode() + b"\n")
        return app(environ, start_response)

    return told


def serve(app: Application, port: int) -> None:
    """Serves an application with gunicorn until SIGTERM."""

    def ready(arbiter: Any) -> None:
        host, bound = arbiter.LISTENERS[0].sock.getsockname()[:2]
        print(f"listening http://{host}:{bound}", flush=True)

    class Server(BaseApplication):
        def load_config(self) -> None:
            settings = {
                "bind": f"127.0.0.1:{port}",
                "worker_class": "gthread",
                "threads": 8,
                "graceful_timeout": 1,
                # It answers 400 to methods in lower case otherwise, such as the "patch" of a script.
                "permit_unconventional_http_method": True,
                "loglevel": "warning",
                "when_ready": ready,
            }
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return app

    Server().run()
