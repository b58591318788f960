"""A policy for each path: no way to write a path gets what another one serves under the wrong policy.

Whatever a framework makes of a path, what it serves below /admin is never granted to those who may read all else.
"""

import asyncio
from unittest.mock import AsyncMock
from urllib.parse import unquote

import flask
import pytest
import quart
from aiohttp import web
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path as django_path
from fastapi import FastAPI
from litestar import Litestar, get
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import corsac.aiohttp
import test_django  # configures Django
from behaviours import APP, Row
from corsac import Policy
from corsac._choice import NOBODY, chooser
from corsac.asgi import CorsMiddleware
from corsac.flask import Corsac
from corsac.wsgi import CorsMiddleware as WsgiMiddleware
from test_asgi import Client, scope_of
from test_wsgi import Response, environ_of

STRANGER = "https://stranger.example"
PUBLIC, ADMIN = Policy(allow_origins=[APP, STRANGER]), Policy(allow_origins=[APP])
POLICIES = {"/": PUBLIC, "/admin": ADMIN}
SECRET = b"secret"
# Where /admin/x is asked for, or seems to be, as a browser may send it.
SPELLINGS = [
    "/admin/x", "//admin/x", "///admin//x", "/admin//x", "/%61dmin/x", "/admin%2Fx", "/.%2Fadmin/x", "/%2F.%2Fadmin/x",
    "/public/..%2Fadmin/x", "/public%2F..%2Fadmin/x", "/public/x/..%2f..%2fadmin/x", "/public//..%2Fadmin/x",
    "/public%5C..%5Cadmin/x", "/admin/..%2Fadmin/x", "/ADMIN/x", "/admin;a/x", "/admin/x/", "/admin/x%3F", "/admin%00/x",
    "http://own.example/admin/x", "/root/admin/x", "//root/admin/x", "/root//admin/x", "/root/..%2Fadmin/x", "/root%2Fadmin/x",
    "/adm%E9n/x", "/%C0%AEadmin/x",
]  # fmt: skip


async def asgi(app, target, origin, root=""):
    client, asked = Client(), False

    async def receive():
        nonlocal asked
        if asked:
            await asyncio.Event().wait()
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = scope_of([("Origin", origin)], path=unquote(target), raw_path=target.encode(), root_path=root, server=("own.example", 80))
    await app(scope, receive, client.send)
    return client.body, client.lines("access-control-allow-origin")


def served_by_asgi(app, root=""):
    return lambda target, origin: asyncio.run(asgi(app, target, origin, root))


def served_by_wsgi(app):
    def ask(target, origin):
        # A server shows a byte a character.
        environ = environ_of(Row("", [], asked=(("Origin", origin),)), unquote(target, "latin-1"))
        response = Response(app, environ)
        return response.body, response.all("Access-Control-Allow-Origin")

    return ask


async def endpoint(request):
    return PlainTextResponse(SECRET)


def folder_of(tmp_path):
    for name in ("admin", "public"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_bytes(SECRET if name == "admin" else b"public")
    return tmp_path


def starlette(tmp_path):
    return served_by_asgi(CorsMiddleware(Starlette(routes=[Route("/admin/x", endpoint)]), POLICIES))


def starlette_static(tmp_path):
    files = StaticFiles(directory=folder_of(tmp_path))
    return served_by_asgi(CorsMiddleware(Starlette(routes=[Mount("/", files)]), POLICIES))


def starlette_below_a_root(tmp_path):
    app = CorsMiddleware(Starlette(routes=[Route("/admin/x", endpoint)]), {"/": PUBLIC, "/root/admin": ADMIN})
    return served_by_asgi(app, "/root")


def fastapi_with_a_root():
    app = FastAPI(root_path="/root")
    app.get("/admin/x")(lambda: PlainTextResponse(SECRET))
    return app


ROOTED = {"/": PUBLIC, "/root/admin": ADMIN}


def fastapi_around(tmp_path):
    return served_by_asgi(CorsMiddleware(fastapi_with_a_root(), ROOTED))


def fastapi_around_more(tmp_path):
    return served_by_asgi(CorsMiddleware(GZipMiddleware(fastapi_with_a_root()), ROOTED))


def fastapi_inside(tmp_path):
    app = fastapi_with_a_root()
    app.add_middleware(CorsMiddleware, policy=ROOTED)
    return served_by_asgi(app)


def quart_app(tmp_path):
    app = quart.Quart(__name__)
    app.get("/admin/x")(lambda: SECRET)
    return served_by_asgi(CorsMiddleware(app, POLICIES))


def litestar(tmp_path):
    @get("/admin/x", media_type="text/plain", sync_to_thread=False)
    def secret() -> str:
        return SECRET.decode()

    return served_by_asgi(CorsMiddleware(Litestar([secret], openapi_config=None, logging_config=None), POLICIES))


def flask_app(tmp_path):
    app = flask.Flask(__name__)
    app.get("/admin/x")(lambda: SECRET)
    Corsac(app, POLICIES)
    return served_by_wsgi(app)


def flask_static(tmp_path):
    app = flask.Flask(__name__, static_folder=folder_of(tmp_path), static_url_path="/")
    Corsac(app, POLICIES)
    return served_by_wsgi(app)


def flask_mounted(tmp_path):
    inner = flask.Flask(__name__)
    inner.get("/x")(lambda: SECRET)
    return served_by_wsgi(WsgiMiddleware(DispatcherMiddleware(flask.Flask("outer"), {"/admin": inner}), POLICIES))


urlpatterns = [django_path("admin/x", lambda request: HttpResponse(SECRET))]


def django_wsgi(tmp_path):
    return in_django(lambda: served_by_wsgi(WSGIHandler()), POLICIES, None)


def django_asgi(tmp_path):
    return in_django(lambda: served_by_asgi(ASGIHandler()), POLICIES, None)


def django_wsgi_below_a_root(tmp_path):
    return in_django(lambda: served_by_wsgi(WSGIHandler()), ROOTED, "/root")


def django_asgi_below_a_root(tmp_path):
    return in_django(lambda: served_by_asgi(ASGIHandler()), ROOTED, "/root")


def in_django(make, policies, script):
    def ask(target, origin):
        with override_settings(MIDDLEWARE=[test_django.OURS], CORSAC=policies, FORCE_SCRIPT_NAME=script, ROOT_URLCONF=__name__):
            return make()(target, origin)

    return ask


APPLICATIONS = [
    starlette, starlette_static, starlette_below_a_root, fastapi_around, fastapi_around_more, fastapi_inside, quart_app, litestar,
    flask_app, flask_static, flask_mounted, django_wsgi, django_asgi, django_wsgi_below_a_root, django_asgi_below_a_root,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # FastAPI would have the root path from the server
@pytest.mark.parametrize("make", APPLICATIONS, ids=lambda make: make.__name__)
def test_no_spelling_of_a_path_has_another_policy(make, tmp_path):
    ask = make(tmp_path)
    body, granted = ask("/admin/x", APP)
    assert (body, granted) == (SECRET, [APP]), "it is there, and those who may read it can"
    for spelling in SPELLINGS:
        body, granted = ask(spelling, STRANGER)
        assert not (body == SECRET and granted), spelling


@pytest.mark.filterwarnings("ignore")
def test_a_prefix_that_leaves_out_the_root_is_an_error():
    for good in ({"/": PUBLIC}, ROOTED, {"/root": PUBLIC}, {"/root/": PUBLIC}, PUBLIC, lambda scope: PUBLIC):
        CorsMiddleware(fastapi_with_a_root(), good)
    for bad in ("/admin", "/rootadmin", "/roo"):
        with pytest.raises(ValueError, match=f"write '/root{bad}'"):
            CorsMiddleware(fastapi_with_a_root(), {"/": PUBLIC, bad: ADMIN})
    CorsMiddleware(FastAPI(), POLICIES)


def test_an_application_may_be_a_mock():
    assert served_by_asgi(CorsMiddleware(AsyncMock(), POLICIES)) is not None


def test_no_spelling_of_a_path_has_another_policy_in_aiohttp(tmp_path):
    async def handler(request):
        return web.Response(body=SECRET)

    async def name(request):
        return web.Response(body=SECRET if request.match_info["name"] != "public" else b"public")

    async def main():
        app = web.Application()
        app.router.add_get("/admin/x", handler)
        app.router.add_static("/files", folder_of(tmp_path))
        # All that has one segment, which may have an encoded slash in it.
        app.router.add_get("/{name}", name)
        policies = {"/": ADMIN, "/public": PUBLIC, "/files": PUBLIC, "/files/admin": ADMIN}
        corsac.aiohttp.setup(app, policies)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            for spelling in [*SPELLINGS, *(f"/files{path}" for path in SPELLINGS), "/public%2Fx", "/public%2fadmin", "/files%2Fx"]:
                reader, writer = await asyncio.open_connection(*runner.addresses[0])
                writer.write(f"GET {spelling} HTTP/1.1\r\nHost: own.example\r\nOrigin: {STRANGER}\r\nConnection: close\r\n\r\n".encode())
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
                writer.close()
                assert not (body == SECRET and STRANGER.encode() in head), spelling
        finally:
            await runner.cleanup()

    asyncio.run(main())


@pytest.mark.parametrize("path", ["/public/../admin", "/public/..", "/./admin", "/public/.", "/..\\admin", "/public\\..\\admin", "http://own.example/admin"])
def test_nobody_is_allowed_where_a_path_can_be_read_in_two_ways(path):
    choose = chooser({"/": PUBLIC, "/admin": ADMIN, "/public": None})
    assert choose(path, None) is NOBODY
    for asked in ({"Origin": APP}, {"Origin": "null"}, {"Origin": "https://nobody.example"}):
        assert not NOBODY.evaluate("GET", asked).allowed


@pytest.mark.parametrize("prefix", ["/admin", "/Admin"])
@pytest.mark.parametrize("path", ["/ADMIN", "/Admin/x", "/admin", "/admin/X", "/aDMIN%2Fx"])
def test_nobody_is_allowed_where_only_the_case_differs(path, prefix):
    segment = path.split("/")[1]
    found = chooser({"/": PUBLIC, prefix: ADMIN})(path, None)
    assert found is (ADMIN if f"/{segment}" == prefix else PUBLIC if "%" in segment else NOBODY)


def test_prefixes_may_differ_by_case_alone():
    choose = chooser({"/a": PUBLIC, "/A": ADMIN, "/b": None})
    assert [choose(path, None) for path in ("/a/x", "/A/x", "/B/x")] == [PUBLIC, ADMIN, None]


def test_an_encoded_slash_may_separate_something_or_not():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": SECRET})

    ask = served_by_asgi(CorsMiddleware(app, {"/": ADMIN, "/public": PUBLIC}))
    for path, granted in (("/public%2Fx", []), ("/public%2fx", []), ("/public/x%2Fy", [STRANGER]), ("/public/%61", [STRANGER])):
        assert ask(path, STRANGER) == (SECRET, granted), path


@pytest.mark.parametrize("path", ["/.well-known/x", "/public/...", "/public/.x", "/public/x.", "/public/a..b", "/public/..x"])
def test_dots_in_names_are_names(path):
    assert chooser({"/": PUBLIC})(path, None) is PUBLIC


@pytest.mark.parametrize("prefix", ["/api/*", "/*", "/api//x", "//api", "/api/../x", "/.", "/api/./"])
def test_a_prefix_that_no_path_has_is_an_error(prefix):
    with pytest.raises(ValueError, match="prefix|no path"):
        chooser({prefix: PUBLIC})
