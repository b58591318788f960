"""corsac.aiohttp: the table of behaviours over real connections, and what only aiohttp has."""

import asyncio
import contextlib

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

import behaviours
import corsac.aiohttp
from behaviours import APP, EVIL, GRANTED, POLICY, PREFLIGHT, PUBLIC, Boom
from corsac import Policy, PolicyCell, PolicyError

ORIGIN = ("Origin", APP)


@contextlib.asynccontextmanager
async def serving(app):
    async with TestClient(TestServer(app)) as client:
        yield client


async def ask(client, path="/", *asked, method="GET"):
    async with client.request(method, path, headers=list(asked), allow_redirects=False) as response:
        headers = [(name.decode(), value.decode()) for name, value in response.raw_headers]
        return response.status, headers, await response.read()


def values(headers, name):
    return [value for other, value in headers if other.lower() == name.lower()]


@pytest.mark.parametrize("row", behaviours.rows("aiohttp"), ids=str)
def test_behaviour(row):
    reached = []

    async def view(request):
        reached.append(request.method)
        headers, status, parts = [], 200, []
        for step in row.respond:
            if step[0] == "headers":
                headers = [*step[1]]
            elif step[0] == "start":
                status = step[1]
            elif step[0] == "body":
                parts.append(step[1])
            else:
                raise Boom
        if len(parts) > 1:
            response = web.StreamResponse(status=status)
            for name, value in headers:
                response.headers.add(name, value)
            await response.prepare(request)
            for part in parts:
                await response.write(part)
            return response
        response = web.Response(status=status, body=b"".join(parts))
        response.headers.popall("Content-Type", None)
        for name, value in headers:
            response.headers.add(name, value)
        return response

    async def main():
        app = web.Application()
        app.router.add_route("*", "/", view)
        for _ in range(row.installed):
            corsac.aiohttp.setup(app, Policy(row.policy))
        async with serving(app) as client:
            behaviours.check(row, *await ask(client, "/", *row.asked, method=row.method))

    asyncio.run(main())
    assert len(reached) == row.reached


def application():
    async def fine(request):
        return web.Response(text="ok")

    async def missing(request):
        raise web.HTTPNotFound(headers={"Access-Control-Allow-Origin": "*", "Vary": "Accept"})

    async def moved(request):
        raise web.HTTPFound("/landed")

    async def socket(request):
        response = web.WebSocketResponse()
        response.headers["Access-Control-Allow-Origin"] = "*"
        await response.prepare(request)
        await response.send_str("hello")
        await response.close()
        return response

    async def file(request):
        return web.FileResponse(__file__)

    app = web.Application()
    app.router.add_get("/", fine)
    app.router.add_get("/missing", missing)
    app.router.add_get("/moved", moved)
    app.router.add_get("/socket", socket)
    app.router.add_get("/file", file)
    return app


def run(app, check):
    async def main():
        async with serving(app) as client:
            return await check(client)

    return asyncio.run(main())


def test_what_is_raised_and_what_leads_nowhere_is_granted():
    app = application()
    corsac.aiohttp.setup(app, Policy(POLICY))

    async def check(client):
        for path, status in (("/missing", 404), ("/nowhere", 404), ("/moved", 302), ("/file", 200)):
            got, headers, _ = await ask(client, path, ORIGIN)
            assert got == status
            for name in ("access-control-allow-origin", "access-control-allow-credentials"):
                assert values(headers, name) == GRANTED[name], path
        _, headers, _ = await ask(client, "/missing", ORIGIN)
        assert values(headers, "Vary") == ["Accept, Origin"]
        # 405, and a preflight for a path that leads nowhere
        assert (await ask(client, "/", ORIGIN, method="DELETE"))[0] == 405
        assert (await ask(client, "/nowhere", *PREFLIGHT, method="OPTIONS"))[0] == 204

    run(app, check)


def test_the_handshake_of_a_websocket_is_left_alone():
    app = application()
    corsac.aiohttp.setup(app, Policy(POLICY))

    async def check(client):
        async with client.ws_connect("/socket", headers={"Origin": APP}) as socket:
            response = socket._response
            assert response.status == 101
            assert response.headers.getall("Access-Control-Allow-Origin") == ["*"]
            assert "Vary" not in response.headers
            message = await socket.receive()
            assert (message.type, message.data) == (WSMsgType.TEXT, "hello")

    run(app, check)


def test_an_application_below_has_the_policy_of_the_one_above():
    below, app = application(), application()
    corsac.aiohttp.setup(below, Policy(PUBLIC))
    app.add_subapp("/below", below)
    alone = web.Application()
    alone.add_subapp("/below", application())
    corsac.aiohttp.setup(alone, Policy(POLICY))

    async def own(client):
        # Above there is no policy: that of the one below decides.
        _, headers, _ = await ask(client, "/below/", ORIGIN)
        assert values(headers, "Access-Control-Allow-Origin") == ["*"]
        assert (await ask(client, "/below/x", *PREFLIGHT, method="OPTIONS"))[0] == 204
        _, headers, _ = await ask(client, "/", ORIGIN)
        assert values(headers, "Access-Control-Allow-Origin") == []

    async def inherited(client):
        for path in ("/below/", "/below/nowhere"):
            _, headers, _ = await ask(client, path, ORIGIN)
            assert values(headers, "Access-Control-Allow-Origin") == [APP]

    run(app, own)
    run(alone, inherited)


def test_of_two_policies_the_outer_one_decides():
    below, app = application(), web.Application()
    corsac.aiohttp.setup(below, Policy(PUBLIC))
    app.add_subapp("/below", below)
    corsac.aiohttp.setup(app, Policy(POLICY))

    async def check(client):
        _, headers, _ = await ask(client, "/below/", ORIGIN)
        assert values(headers, "Access-Control-Allow-Origin") == [APP]
        _, headers, _ = await ask(client, "/below/", ("Origin", EVIL))
        assert values(headers, "Access-Control-Allow-Origin") == []

    run(app, check)


def test_middleware_that_answers_is_covered():
    @web.middleware
    async def gate(request, handler):
        raise web.HTTPUnauthorized

    app = web.Application(middlewares=[gate])
    corsac.aiohttp.setup(app, Policy(POLICY))

    async def check(client):
        status, headers, _ = await ask(client, "/", ORIGIN)
        assert (status, values(headers, "Access-Control-Allow-Origin")) == (401, [APP])
        assert (await ask(client, "/", *PREFLIGHT, method="OPTIONS"))[0] == 204

    run(app, check)


def test_a_path_or_a_function_chooses():
    cell = PolicyCell(Policy(POLICY))
    by_path, by_request = application(), application()
    corsac.aiohttp.setup(by_path, {"/": cell, "/missing": None})
    seen = []
    corsac.aiohttp.setup(by_request, lambda request: seen.append(request) or Policy(PUBLIC))

    async def paths(client):
        _, headers, _ = await ask(client, "/", ORIGIN)
        assert values(headers, "Access-Control-Allow-Origin") == [APP]
        cell.policy = Policy(PUBLIC)
        _, headers, _ = await ask(client, "/", ORIGIN)
        assert values(headers, "Access-Control-Allow-Origin") == ["*"]
        _, headers, _ = await ask(client, "/missing", ORIGIN)
        assert values(headers, "Vary") == ["Accept"]

    async def function(client):
        _, headers, _ = await ask(client, "/", ORIGIN)
        assert values(headers, "Access-Control-Allow-Origin") == ["*"]
        assert isinstance(seen[0], web.Request)

    run(by_path, paths)
    run(by_request, function)


def test_report_only_touches_nothing():
    app = application()
    seen = []
    corsac.aiohttp.setup(app, Policy(POLICY), report_only=True, observe=lambda *it: seen.append(it))

    async def check(client):
        _, headers, _ = await ask(client, "/", ORIGIN)
        assert values(headers, "Vary") == values(headers, "Access-Control-Allow-Origin") == []
        assert (await ask(client, "/", ("Origin", EVIL), *PREFLIGHT[1:], method="OPTIONS"))[0] == 405

    run(app, check)
    assert [it[0] for it in seen] == ["allowed", "origin-not-allowed"]
    assert seen[1][2] == EVIL


def test_headers_that_a_response_was_made_of_stay_as_they_are():
    headers = {"Vary": "Accept", "Access-Control-Allow-Origin": "*"}

    async def view(request):
        return web.Response(headers=headers)

    app = web.Application()
    app.router.add_get("/", view)
    corsac.aiohttp.setup(app, Policy(POLICY))

    async def check(client):
        for _ in range(2):
            _, got, _ = await ask(client, "/", ORIGIN)
            assert values(got, "Vary") == ["Accept, Origin"]

    run(app, check)
    assert headers == {"Vary": "Accept", "Access-Control-Allow-Origin": "*"}


def test_keywords_and_wrong_arguments():
    app = application()
    corsac.aiohttp.setup(app, allow_origins=[APP])
    with pytest.raises(PolicyError):
        corsac.aiohttp.setup(application(), allow_origins=[APP + "/"])
    for wrong in ({}, {"policy": "policy.json"}, {"policy": Policy(POLICY), "allow_origins": "*"}):
        with pytest.raises(TypeError):
            corsac.aiohttp.setup(application(), **wrong)


def test_what_is_echoed_is_echoed():
    app = application()
    corsac.aiohttp.setup(app, Policy(allow_origins=[APP], allow_methods="*", allow_headers="*", allow_credentials=True))
    lines = [ORIGIN, ("Access-Control-Request-Method", "PURGE"), ("Access-Control-Request-Headers", "x-a"), ("Access-Control-Request-Headers", "x-b")]

    async def check(client):
        status, headers, _ = await ask(client, "/", *lines, method="OPTIONS")
        assert status == 204
        assert values(headers, "Access-Control-Allow-Methods") == ["GET,HEAD,POST", "PURGE"]
        assert values(headers, "Access-Control-Allow-Headers") == ["x-a", "x-b"]

    run(app, check)
