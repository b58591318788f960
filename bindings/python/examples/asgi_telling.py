"""What the ASGI examples have in common: the command line, and a line of JSON for every request."""

import argparse
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from corsac import PolicyError, PolicyFile

Application = Callable[[Any, Any, Any], Awaitable[None]]


def options() -> tuple[PolicyFile, int]:
    """The policy and the port of the command line; the process ends if the policy is bad."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--policy", metavar="FILE", required=True)
    arguments.add_argument("--port", type=int, default=0)
    given = arguments.parse_args()
    try:
        return PolicyFile(given.policy), given.port
    except PolicyError as error:
        for problem in error.problems:
            place = f"{given.policy}:{problem.line}:{problem.column}"
            print(f"{place}: {problem.code}: {problem.path}: {problem.message}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(error, file=sys.stderr)  # which names the file
        sys.exit(2)


def telling(app: Application, policy: PolicyFile) -> Application:
    """An application that also prints what the policy says of every request."""

    async def told(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            tell(scope, policy)
        await app(scope, receive, send)

    return told


def tell(scope: Any, policy: PolicyFile) -> None:
    def lines(wanted: bytes) -> str | None:
        values = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted]
        return ", ".join(values) if values else None

    decision = policy.evaluate(scope["method"], scope["headers"])
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    line = {
        "method": scope["method"],
        "target": target.decode("latin-1"),
        "kind": decision.kind,
        "action": decision.action,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "origin": lines(b"origin"),
        "request_method": lines(b"access-control-request-method"),
        "request_headers": lines(b"access-control-request-headers"),
        "cookie": lines(b"cookie"),
    }
    # At once, and whole.
    os.write(1, json.dumps(line).encode() + b"\n")


def listen(port: int) -> socket.socket:
    """A socket on that port of this machine, or on a free one."""
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    print(f"listening http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    return listener
