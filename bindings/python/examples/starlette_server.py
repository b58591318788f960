"""A Starlette application with a policy, under granian: python starlette_server.py --policy FILE [--port N].

It prints where it listens, then one line of JSON for every request.
"""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator

from asgi_telling import Application, options, telling
from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from corsac.asgi import CorsMiddleware

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
HEADERS = {
    "ETag": '"v1"',
    "X-Total-Count": "42",
    "X-Secret": "hidden",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding",
    # Two headers that an application should leave to its policy.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "TRACE",
}


async def anything(scope: Scope, receive: Receive, send: Send) -> None:
    response = Response('{"ok":true,"server":"starlette"}', 200, HEADERS, "application/json")
    await response(scope, receive, send)


async def answer(request: Request) -> Response:
    status = int(request.path_params["status"])
    if status == 404:
        raise HTTPException(404)
    if status == 500:
        raise RuntimeError("an exception that nobody handles")
    body = None if status in (204, 304) else '{"ok":true,"server":"starlette"}'
    return Response(body, status, HEADERS, "application/json")


async def moved(request: Request) -> Response:
    return RedirectResponse("/landed", 302)


async def stream(request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield '{"ok":true,'
        yield '"server":'
        yield '"starlette"}'

    return StreamingResponse(parts(), 200, HEADERS, "application/json")


app = Starlette(
    routes=[
        Route("/status/{status:int}", answer, methods=METHODS),
        Route("/redirect", moved, methods=METHODS),
        Route("/stream", stream, methods=METHODS),
        # A route would take methods in upper case only.
        Mount("/", anything),
    ]
)


async def announce(port: int) -> None:
    """Says where the server listens, once it does."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            await asyncio.sleep(0.02)
    writer.close()
    print(f"listening http://127.0.0.1:{port}", flush=True)


async def serve(served: Application, port: int) -> None:
    server = Server(served, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    announcing = asyncio.create_task(announce(port))
    await server.serve()
    announcing.cancel()


def main() -> None:
    policy, port = options()
    if port == 0:
        # granian does not tell which free port it took, so one is looked for first.
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    asyncio.run(serve(telling(CorsMiddleware(app, policy), policy), port))


if __name__ == "__main__":
    main()
