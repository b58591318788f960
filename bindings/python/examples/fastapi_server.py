"""A FastAPI application with a policy, under uvicorn: python fastapi_server.py --policy FILE [--port N].

It prints where it listens, then one line of JSON for every request. SIGHUP reads the policy again.
"""

import signal
import sys
from collections.abc import AsyncIterator

import uvicorn
from asgi_telling import listen, options, telling
from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from corsac import PolicyError
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

app = FastAPI()


@app.api_route("/status/{status}", methods=METHODS)
async def answer(status: int) -> Response:
    if status == 404:
        raise HTTPException(404)
    if status == 500:
        raise RuntimeError("an exception that nobody handles")
    body = None if status in (204, 304) else '{"ok":true,"server":"fastapi"}'
    return Response(body, status, HEADERS, "application/json")


@app.api_route("/redirect", methods=METHODS)
async def moved() -> Response:
    return RedirectResponse("/landed", 302)


@app.api_route("/stream", methods=METHODS)
async def stream() -> Response:
    async def parts() -> AsyncIterator[str]:
        yield '{"ok":true,'
        yield '"server":'
        yield '"fastapi"}'

    return StreamingResponse(parts(), 200, HEADERS, "application/json")


async def anything(scope: Scope, receive: Receive, send: Send) -> None:
    response = Response('{"ok":true,"server":"fastapi"}', 200, HEADERS, "application/json")
    await response(scope, receive, send)


# A route would take methods in upper case only.
app.mount("/", anything)


def main() -> None:
    policy, port = options()

    def reload(*_: object) -> None:
        try:
            policy.reload()
        except (PolicyError, OSError) as error:
            print(error, file=sys.stderr)  # and goes on with the policy that it has

    signal.signal(signal.SIGHUP, reload)
    served = telling(CorsMiddleware(app, policy), policy)
    # httptools, which is faster, takes no methods in lower case, such as the "patch" of a script.
    config = uvicorn.Config(served, http="h11", log_level="critical", access_log=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listen(port)])


if __name__ == "__main__":
    main()
