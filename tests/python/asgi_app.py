"""Serves the table of behaviours over HTTP: asgi_app.py SERVER PORT.

SERVER is one of SERVERS. The paths are /FRAMEWORK/INDEX for a row of the table by an application of
FRAMEWORKS, and the extras at the end.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bindings/python/python"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import behaviours
from corsac import Policy
from corsac.asgi import CorsMiddleware

SERVERS = ["uvicorn", "uvicorn-h11", "uvicorn-uvloop", "hypercorn", "hypercorn-trio", "granian"]
FRAMEWORKS = ["plain", "starlette", "fastapi", "quart", "litestar"]
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT"]


def parts_of(row):
    return [step[1] for step in row.respond if step[0] == "body"]


def headers_of(row):
    return [(name.encode(), value.encode()) for step in row.respond if step[0] == "headers" for name, value in step[1]]


def status_of(row):
    for step in row.respond:
        if step[0] == "start":
            return step[1]
    raise behaviours.Boom


async def plain(scope, receive, send):
    from test_asgi import Application

    row = behaviours.ROWS[int(scope["path"].strip("/"))]
    await Application(row.respond, row.held)(scope, receive, send)


async def streamed(parts):
    for part in parts:
        yield part


def of_starlette(application):
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse

    async def endpoint(request: Request):
        row = behaviours.ROWS[request.path_params["index"]]
        status, parts = status_of(row), parts_of(row)
        if len(parts) > 1:
            response = StreamingResponse(streamed(parts), status)
        else:
            response = Response(b"".join(parts), status)
        response.raw_headers = headers_of(row)
        return response

    application.add_route("/{index:int}", endpoint, methods=METHODS)
    return application


def starlette():
    from starlette.applications import Starlette

    return of_starlette(Starlette())


def fastapi():
    from fastapi import FastAPI

    return of_starlette(FastAPI())


def quart():
    from quart import Quart, Response

    app = Quart(__name__)

    @app.route("/<int:index>", methods=METHODS, provide_automatic_options=False)
    async def endpoint(index):
        row = behaviours.ROWS[index]
        status, parts = status_of(row), parts_of(row)
        response = Response(streamed(parts) if len(parts) > 1 else b"".join(parts), status)
        response.headers.clear()
        for name, value in headers_of(row):
            response.headers.add(name.decode(), value.decode().strip())
        return response

    return app


def litestar():
    from litestar import Litestar, route
    from litestar.response.base import ASGIResponse
    from litestar.response.streaming import ASGIStreamingResponse

    def answer(index: int) -> ASGIResponse:
        row = behaviours.ROWS[index]
        status, parts = status_of(row), parts_of(row)
        if len(parts) > 1:
            return ASGIStreamingResponse(iterator=streamed(parts), status_code=status, encoded_headers=headers_of(row))
        return ASGIResponse(body=b"".join(parts), status_code=status, encoded_headers=headers_of(row))

    @route("/{index:int}", http_method=METHODS, sync_to_thread=False)
    def endpoint(index: int) -> ASGIResponse:
        return answer(index)

    return Litestar([endpoint])


def table():
    """Applications by framework and row, the middleware outermost."""
    made = {}
    for name in FRAMEWORKS:
        if name == "quart" and "trio" in sys.argv[1]:
            continue  # which needs asyncio
        framework = plain if name == "plain" else globals()[name]()
        for index, row in enumerate(behaviours.ROWS):
            app = framework
            for _ in range(row.installed):
                app = CorsMiddleware(app, Policy(row.policy))
            made[f"/{name}/{index}"] = app
    return made


def extras():
    """Applications by first segment: Starlette with its own way to add middleware, mounts, background tasks."""
    from fastapi import BackgroundTasks, FastAPI
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Mount, Route, WebSocketRoute

    policy = Policy(behaviours.POLICY)
    seen, done = [], []

    @contextlib.asynccontextmanager
    async def lifespan(app):
        seen.append("started")
        yield {"from lifespan": "state"}
        seen.append("stopped")

    async def endpoint(request):
        return PlainTextResponse(f"{request.scope['root_path']} {seen} {getattr(request.state, 'from lifespan', '')}")

    def fails(request):
        raise behaviours.Boom

    added = Starlette(routes=[Route("/added/", endpoint), Route("/added/fails", fails)])
    added.add_middleware(CorsMiddleware, policy=policy)

    inner = CorsMiddleware(Starlette(routes=[Route("/", endpoint)]), policy)
    mounted = Starlette(routes=[Mount("/mounted/with", inner), Mount("/mounted/without", Starlette(routes=[Route("/", endpoint)]))])

    background = FastAPI()

    @background.get("/background/")
    async def answer(tasks: BackgroundTasks):
        tasks.add_task(done.append, "background")
        return done

    @background.get("/background/fails")
    async def answer_and_fail(tasks: BackgroundTasks):
        tasks.add_task(fails, None)
        return done

    async def echo(websocket):
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    sockets = Starlette(routes=[WebSocketRoute("/websocket", echo)])
    prefixed = CorsMiddleware(Starlette(routes=[Route("/prefixes/{path:path}", endpoint)]),
                              {"/prefixes": policy, "/prefixes/none": None, "/prefixes/public": Policy(behaviours.PUBLIC)})
    return {
        "added": added,
        "mounted": mounted,
        "background": CorsMiddleware(background, policy),
        "websocket": CorsMiddleware(sockets, policy, refuse_websockets=True),
        "prefixes": prefixed,
        "lifespan": CorsMiddleware(Starlette(routes=[Route("/lifespan", endpoint)], lifespan=lifespan), policy),
    }


class Root:
    """Sends each path to its application."""

    def __init__(self):
        self.table, self.extras = table(), extras()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return await self.extras["lifespan"](scope, receive, send)
        app = self.table.get(scope["path"])
        if app is not None:
            path = scope["path"][scope["path"].rindex("/"):]
            return await app({**scope, "path": path, "raw_path": path.encode(), "root_path": ""}, receive, send)
        return await self.extras[scope["path"].split("/")[1]](scope, receive, send)


def main(name, port):
    app = Root()
    if name.startswith("uvicorn"):
        import uvicorn

        options = {"uvicorn": ("httptools", "asyncio"), "uvicorn-h11": ("h11", "asyncio"), "uvicorn-uvloop": ("httptools", "uvloop")}
        http, loop = options[name]
        uvicorn.run(app, host="127.0.0.1", port=port, http=http, loop=loop, log_level="error", lifespan="on")
    elif name.startswith("hypercorn"):
        from hypercorn.config import Config

        config = Config()
        config.bind = [f"127.0.0.1:{port}"]
        config.graceful_timeout = 0.1
        if name == "hypercorn-trio":
            import trio
            from hypercorn.trio import serve

            trio.run(serve, app, config)
        else:
            from hypercorn.asyncio import serve

            asyncio.run(serve(app, config))
    else:
        from granian.server.embed import Server

        asyncio.run(Server(app, address="127.0.0.1", port=port, interface="asgi").serve())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
