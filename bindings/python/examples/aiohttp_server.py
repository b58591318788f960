"""An aiohttp application with a policy: python aiohttp_server.py --policy FILE [--port N].

It prints where it listens, then one line of JSON for every request.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable

from aiohttp import web

import corsac.aiohttp
from corsac import Policy, PolicyError

HEADERS = {
    "Content-Type": "application/json",
    "ETag": '"v1"',
    "X-Total-Count": "42",
    "X-Secret": "hidden",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding",
    # Two headers that an application should leave to its policy.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "TRACE",
}
BODY = b'{"ok":true,"server":"aiohttp"}'


async def anything(request: web.Request) -> web.StreamResponse:
    return web.Response(body=BODY, headers=HEADERS)


async def answer(request: web.Request) -> web.StreamResponse:
    status = int(request.match_info["status"])
    if status == 404:
        raise web.HTTPNotFound
    if status == 500:
        raise RuntimeError("an exception that nobody handles")
    return web.Response(status=status, body=b"" if status in (204, 304) else BODY, headers=HEADERS)


async def moved(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/landed")


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    for part in (b'{"ok":true,', b'"server":', b'"aiohttp"}'):
        await response.write(part)
    return response


def telling(policy: Policy) -> Callable[..., Awaitable[web.StreamResponse]]:
    """A middleware that prints what the policy says of every request."""

    @web.middleware
    async def tell(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        def lines(name: str) -> str | None:
            values = request.headers.getall(name, None)
            return None if values is None else ", ".join(values)

        decision = policy.evaluate(request.method, request.raw_headers)
        line = {
            "method": request.method,
            "target": request.path_qs,
            "kind": decision.kind,
            "action": decision.action,
            "allowed": decision.allowed,
            "reason": decision.reason,
            "origin": lines("Origin"),
            "request_method": lines("Access-Control-Request-Method"),
            "request_headers": lines("Access-Control-Request-Headers"),
            "cookie": lines("Cookie"),
        }
        print(json.dumps(line), flush=True)
        return await handler(request)

    return tell


async def serve(policy: Policy, port: int) -> None:
    app = web.Application()
    app.router.add_route("*", "/status/{status:[2-5][0-9][0-9]}", answer)
    app.router.add_route("*", "/redirect", moved)
    app.router.add_route("*", "/stream", stream)
    app.router.add_route("*", "/{path:.*}", anything)
    corsac.aiohttp.setup(app, policy)
    app.middlewares.insert(0, telling(policy))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(f"listening http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    stopped = asyncio.Event()
    for stop in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(stop, stopped.set)
    await stopped.wait()
    await runner.cleanup()


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--policy", metavar="FILE", required=True)
    arguments.add_argument("--port", type=int, default=0)
    options = arguments.parse_args()
    try:
        policy = Policy.from_file(options.policy)
    except PolicyError as error:
        for problem in error.problems:
            place = f"{options.policy}:{problem.line}:{problem.column}"
            print(f"{place}: {problem.code}: {problem.path}: {problem.message}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(error, file=sys.stderr)  # which names the file
        sys.exit(2)
    asyncio.run(serve(policy, options.port))


if __name__ == "__main__":
    main()
