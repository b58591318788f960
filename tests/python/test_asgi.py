"""corsac.asgi: the table of behaviours, and what only ASGI has."""

import asyncio
import copy
import gc
import json
import logging
import random
import sys
import threading
import time
import weakref

import pytest
import trio

import behaviours
from behaviours import APP, EVIL, FOREIGN, POLICY, PREFLIGHT, PUBLIC, Boom, Row
from corsac import Policy, PolicyCell, PolicyError, PolicyFile
from corsac._choice import chooser
from corsac.asgi import CorsMiddleware

START = "http.response.start"
BODY = "http.response.body"


def scope_of(row_or_headers, method="GET", path="/", **more):
    if isinstance(row_or_headers, Row):
        method, headers = row_or_headers.method, row_or_headers.asked
    else:
        headers = row_or_headers
    pairs = [(b"host", b"own.example"), *((name.lower().encode(), value.encode()) for name, value in headers)]
    return {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": pairs, "client": None, "server": None, **more}


HELD = {
    "list": lambda pairs: list(pairs),
    "tuple": lambda pairs: tuple(pairs),
    "generator": lambda pairs: (pair for pair in pairs),
    "lists": lambda pairs: [list(pair) for pair in pairs],
}


class Application:
    """Does what a row says, and looks whether its own objects were changed meanwhile."""

    def __init__(self, respond, held="list"):
        self.respond, self.held, self.reached = respond, held, 0

    async def __call__(self, scope, receive, send):
        self.reached += 1
        headers = None
        parts = [step for step in self.respond if step[0] == "body"]
        for step in self.respond:
            if step[0] == "raise":
                raise Boom
            if step[0] == "headers":
                headers = [(name.encode(), value.encode()) for name, value in step[1]]
                continue
            if step[0] == "start":
                message = {"type": START, "status": step[1]}
                if headers is not None:
                    message["headers"] = HELD[self.held](headers)
            else:
                message = {"type": BODY, "body": step[1], "more_body": step is not parts[-1]}
            before = None if self.held == "generator" and "headers" in message else copy.deepcopy(message)
            own = message.get("headers")
            await send(message)
            assert before is None or (message == before and message.get("headers") is own)
        if not parts:
            await send({"type": BODY})


async def receive():
    return {"type": "http.request", "body": b"", "more_body": False}


class Client:
    """Takes messages, and asserts what ASGI demands of them."""

    def __init__(self):
        self.messages = []

    async def send(self, message):
        assert type(message) is dict
        if message["type"] == START:
            assert type(message["status"]) is int
            for pair in message.get("headers", ()):
                name, value = pair
                assert type(name) is bytes and type(value) is bytes
        self.messages.append(message)

    @property
    def status(self):
        (start,) = (message for message in self.messages if message["type"] == START)
        return start["status"]

    @property
    def headers(self):
        (start,) = (message for message in self.messages if message["type"] == START)
        return [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.messages if message["type"] == BODY)

    def lines(self, wanted):
        return [value for name, value in self.headers if name.lower() == wanted]


def serve(app, scope, receive=receive):
    client = Client()
    asyncio.run(app(scope, receive, client.send))
    return client


@pytest.mark.parametrize("run", [asyncio.run, lambda coroutine: trio.run(lambda: coroutine)], ids=["asyncio", "trio"])
@pytest.mark.parametrize("row", behaviours.rows("asgi"), ids=str)
def test_every_behaviour(row, run):
    application = Application(row.respond, row.held)
    app = application
    for _ in range(row.installed):
        app = CorsMiddleware(app, Policy(row.policy))
    client = Client()
    scope = scope_of(row)
    before = copy.deepcopy(scope)

    async def main():
        await app(scope, receive, client.send)

    if row.raises:
        with pytest.raises(Boom):
            run(main())
    else:
        run(main())
    body = b"" if row.method == "HEAD" else client.body  # a server leaves it out
    behaviours.check(row, client.status, client.headers, body)
    assert application.reached == (1 if row.reached else 0)
    assert scope == before, "the scope is the server's"


def test_the_decision_is_that_of_evaluate():
    """Random requests and responses, beside a naive reading of the edits of Policy.evaluate."""
    chance = random.Random(5)
    policies = [Policy(POLICY), Policy(PUBLIC), Policy(behaviours.KEEPING), Policy(behaviours.TIMING), Policy(behaviours.FORBIDDING),
                Policy(allow_origins="*", allow_methods="*", allow_headers="*", timing_allow_origin="*"),
                Policy(allow_origins=["https://*.example.com"], allow_methods="*", allow_headers="*", allow_credentials=True),
                Policy(rules=[POLICY, {"allow_origins": "*"}]), Policy(allow_origins=[APP], own_origins=["http://own.example"])]
    names = ["Vary", "vary", "Access-Control-Allow-Origin", "ACCESS-CONTROL-ALLOW-METHODS", "access-control-max-age", "ETag",
             "Timing-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Allow-Credentials", "x-y", "Date"]
    values = ["*", "Origin", "accept, origin", "Accept ,", "", "x", APP]
    asked = {"origin": [APP, EVIL, "null", "", "http://own.example", "https://a.example.com", APP.upper(), "a\u00e9"],
             "access-control-request-method": ["PUT", "GET", "", "DELETE", "p t", "X" * 65],
             "access-control-request-headers": ["x-token", "x-other", "", "x-token, x-a", "a,b", "(", " ", "a," * 300],
             "host": ["own.example", "x"], "sec-fetch-site": ["same-origin", "cross-site"]}
    seen = set()
    for _ in range(4000):
        policy = chance.choice(policies)
        method = chance.choice(["GET", "POST", "OPTIONS", "OPTIONS", "OPTIONS", "options"])
        headers = [(name, chance.choice(choices)) for name, choices in asked.items()
                   for _ in range(chance.choice([0, 1, 1, 1, 2]))]
        chance.shuffle(headers)
        response = [(chance.choice(names), chance.choice(values)) for _ in range(chance.randrange(5))]
        decision = policy.evaluate(method, headers)
        seen.add((decision.kind, decision.reason, decision.action))
        scope = scope_of([], method=method)
        scope["headers"] = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        if chance.random() < 0.3:
            scope["headers"] = chance.choice(list(HELD.values()))(scope["headers"])
        client = serve(CorsMiddleware(Application(behaviours.ok(*response)), policy), scope)
        if decision.action == "respond":
            expected = applied(decision.headers, [])
            if decision.status != 204:
                expected.append(("content-length", "0"))
            assert (client.status, client.body) == (decision.status, b"")
        else:
            expected = applied(decision.headers, [("Content-Type", "text/plain"), *response])
            assert (client.status, client.body) == (200, b"ok")
        assert sorted((name.lower(), value) for name, value in client.headers) == sorted((name.lower(), value) for name, value in expected)
    assert len({reason for _, reason, _ in seen}) == 11


def applied(edits, headers):
    for op, name, value in edits:
        if op == "vary":
            lines = [line for other, line in headers if other.lower() == "vary"]
            elements = [element.strip() for line in lines for element in line.split(",")]
            if "*" in elements or value.lower() in (element.lower() for element in elements):
                continue
            op, value = "set", ", ".join([*filter(None, elements), value])
        if op != "add":
            headers = [header for header in headers if header[0].lower() != name.lower()]
        if op != "remove":
            headers.append((name, value))
    return headers


# Messages


def test_what_is_sent_is_nobody_elses():
    app = CorsMiddleware(Application(behaviours.ok()), Policy(POLICY))
    for scope in (scope_of(PREFLIGHT, "OPTIONS"), scope_of([("Origin", APP)])):
        first = serve(app, scope)
        told = copy.deepcopy(first.messages)
        for message in first.messages:
            message.get("headers", []).clear()
            message.clear()
        assert serve(app, scope).messages == told


def test_messages_in_between_pass_as_they_are():
    early = {"type": "http.response.early_hint", "links": [b"</a>; rel=preload"]}
    informational = {"type": START, "status": 103, "headers": [(b"access-control-allow-origin", b"*")]}
    trailers = {"type": "http.response.trailers", "headers": [(b"access-control-allow-origin", b"*")], "more_trailers": False}
    push = {"type": "http.response.push", "path": "/x", "headers": []}
    body = {"type": BODY, "body": b"ok"}

    async def application(scope, receive, send):
        for message in (early, informational, push):
            await send(message)
        await send({"type": START, "status": 200, "headers": [(b"access-control-allow-origin", b"*")], "trailers": True})
        await send(body)
        await send(trailers)

    messages = serve(CorsMiddleware(application, Policy(POLICY)), scope_of([("Origin", APP)])).messages
    for index, message in ((0, early), (1, informational), (2, push), (4, body), (5, trailers)):
        assert messages[index] is message
    assert messages[3]["trailers"] is True
    assert [value for name, value in messages[3]["headers"] if name == b"access-control-allow-origin"] == [APP.encode()]


def test_an_exception_after_an_informational_response_is_still_a_500():
    async def application(scope, receive, send):
        await send({"type": START, "status": 103, "headers": []})
        raise Boom

    client = Client()
    with pytest.raises(Boom):
        asyncio.run(CorsMiddleware(application, Policy(POLICY))(scope_of([("Origin", APP)]), receive, client.send))
    assert [message.get("status") for message in client.messages] == [103, 500, None]


def test_a_message_that_is_sent_twice_is_edited_twice_from_its_own():
    message = {"type": START, "status": 200, "headers": [(b"vary", b"accept")]}

    async def application(scope, receive, send):
        await send(message)

    app = CorsMiddleware(application, Policy(POLICY))
    first, second = (serve(app, scope_of([("Origin", APP)])).headers for _ in range(2))
    assert first == second
    assert message == {"type": START, "status": 200, "headers": [(b"vary", b"accept")]}


class Text(str):
    pass


@pytest.mark.parametrize("name", ["access-control-allow-origin", b"Access-Control-Allow-Origin", bytearray(b"access-control-allow-origin"),
                                  memoryview(b"ACCESS-CONTROL-ALLOW-ORIGIN"), Text("Access-Control-Allow-Origin")])
def test_a_foreign_header_goes_in_whatever_form_servers_might_take_it(name):
    sent = []

    async def application(scope, receive, send):
        await send({"type": START, "status": 200, "headers": [(name, b"*"), (b"x", b"y")]})

    async def send(message):
        sent.append(message)

    asyncio.run(CorsMiddleware(application, Policy(POLICY))(scope_of([("Origin", EVIL)]), receive, send))
    assert sent[0]["headers"] == [(b"x", b"y"), (b"vary", b"Origin")]


@pytest.mark.parametrize("headers", [[5], [()], [(b"x",)], [(5, b"x")], [(10**12, b"x")], [(None, None)], ["ab"]])
def test_headers_that_make_no_sense_are_the_servers_to_refuse(headers):
    sent = []

    async def application(scope, receive, send):
        await send({"type": START, "status": 200, "headers": headers})

    async def send(message):
        sent.append(message)

    asyncio.run(CorsMiddleware(application, Policy(POLICY))(scope_of([("Origin", EVIL)]), receive, send))
    assert sent[0]["headers"] == [*headers, (b"vary", b"Origin")]


@pytest.mark.parametrize("status", [None, "200", 200.0, True, 10**30])
def test_a_status_that_makes_no_sense_is_the_servers_to_refuse(status):
    sent = []

    async def application(scope, receive, send):
        await send({"type": "".join(["http.response", ".start"]), "status": status, "headers": []})

    async def send(message):
        sent.append(message)

    asyncio.run(CorsMiddleware(application, Policy(POLICY))(scope_of([("Origin", EVIL)]), receive, send))
    assert sent[0]["status"] is status
    assert sent[0]["headers"] == ([] if status is True else [(b"vary", b"Origin")])


def test_messages_that_are_no_dict_pass_as_they_are():
    sent = []

    async def application(scope, receive, send):
        for message in (None, 5, "x", {}, {"type": None}, {5: 6}):
            await send(message)

    async def send(message):
        sent.append(message)

    asyncio.run(CorsMiddleware(application, Policy(POLICY))(scope_of([("Origin", EVIL)]), receive, send))
    assert sent == [None, 5, "x", {}, {"type": None}, {5: 6}]


def test_the_request_may_have_its_headers_in_any_form():
    lines = [("ORIGIN", APP), ("Access-Control-Request-Method", "PUT")]
    as_bytes = [(name.encode(), value.encode()) for name, value in lines]
    app = CorsMiddleware(Application(behaviours.ok()), Policy(POLICY))
    blank = [(b"access-control-request-headers", b"")] * 20
    assert serve(app, {**scope_of([], "OPTIONS"), "headers": [*as_bytes, *blank]}).status == 204
    for headers in (as_bytes, tuple(as_bytes), [list(pair) for pair in as_bytes], iter(as_bytes), lines, [as_bytes[0], lines[1]]):
        assert serve(app, {**scope_of([], "OPTIONS"), "headers": headers}).status == 204


def test_headers_that_can_be_read_once_are_there_for_the_application():
    seen = []

    async def application(scope, receive, send):
        seen.extend(scope["headers"])

    headers = [(b"x", b"y"), (b"origin", APP.encode())]
    serve(CorsMiddleware(application, Policy(POLICY)), {**scope_of([]), "headers": iter(headers)})
    assert seen == headers


@pytest.mark.parametrize(("broken", "message"), [
    ({"headers": [(b"origin", 5)]}, "the value of Origin must be str or bytes, not int"),
    ({"headers": [5]}, "a header must be a pair of name and value, not 5"),
    ({"headers": 5}, "'int' object is not iterable"),
    ({"headers": [(b"origin", b"x"), (b"access-control-request-method", b"PUT")], "method": 5}, "the method of a scope must be str or bytes, not int"),
])
def test_a_scope_that_makes_no_sense_is_a_type_error(broken, message):
    with pytest.raises(TypeError, match=message):
        serve(CorsMiddleware(Application(behaviours.ok()), Policy(POLICY)), {**scope_of([]), **broken})


def test_what_stands_in_for_send_survives_what_is_done_to_it():
    sent = []

    async def application(scope, receive, send):
        send.__self__.clear()
        with pytest.raises(IndexError):
            send({"type": START, "status": 200, "headers": []})
        send.__self__.extend([print, 5, 5, 5])
        with pytest.raises(TypeError):
            send({"type": START, "status": 200, "headers": []})

    serve(CorsMiddleware(application, Policy(POLICY)), scope_of([("Origin", APP)]))


# Other scopes


@pytest.mark.parametrize("kind", ["lifespan", "websocket", "something-new"])
def test_other_scopes_pass_untouched(kind):
    seen = []

    async def application(*arguments):
        seen.append(arguments)

    arguments = ({"type": kind, "path": "/", "headers": [(b"origin", EVIL.encode())]}, receive, Client().send)
    for middleware in (CorsMiddleware(application, Policy(POLICY)), CorsMiddleware(application, {"/": Policy(POLICY)}),
                       CorsMiddleware(application, Policy(POLICY), report_only=True)):
        asyncio.run(middleware(*arguments))
        assert all(left is right for left, right in zip(seen.pop(), arguments, strict=True))


def test_an_exception_of_another_scope_is_its_own():
    client = Client()
    with pytest.raises(Boom):
        asyncio.run(CorsMiddleware(Application([("raise",)]), Policy(POLICY))({"type": "lifespan"}, receive, client.send))
    assert client.messages == []


def handshake(*origins, **more):
    headers = [(b"host", b"own.example"), *((b"origin", origin.encode()) for origin in origins)]
    return {"type": "websocket", "path": "/", "headers": headers, **more}


def connect(app, scope):
    messages = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        messages.append(message)

    asyncio.run(app(scope, receive, send))
    return messages


async def accepting(scope, receive, send):
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})


@pytest.mark.parametrize(("origins", "allowed"), [((APP,), True), ((EVIL,), False), ((), False), (("",), False), (("null",), False),
                                                  ((APP, APP), False), (("https://own.example",), False), (("http://mine.example",), True)])
def test_handshakes_of_origins_that_are_not_allowed_can_be_refused(origins, allowed):
    policy = Policy({**POLICY, "own_origins": ["http://mine.example"]})
    app = CorsMiddleware(accepting, policy, refuse_websockets=True)
    expected = [{"type": "websocket.accept"}] if allowed else [{"type": "websocket.close", "code": 1008}]
    assert connect(app, handshake(*origins)) == expected
    messages = connect(app, handshake(*origins, extensions={"websocket.http.response": {}}))
    assert [message["type"] for message in messages] == (
        ["websocket.accept"] if allowed else ["websocket.http.response.start", "websocket.http.response.body"])
    assert allowed or messages[0]["status"] == 403
    assert connect(CorsMiddleware(accepting, policy), handshake(*origins)) == [{"type": "websocket.accept"}]


def test_a_handshake_needs_credentials_to_be_allowed():
    for policy in (Policy(PUBLIC), Policy(allow_origins=[APP])):
        assert connect(CorsMiddleware(accepting, policy, refuse_websockets=True), handshake(APP))[0]["type"] == "websocket.close"


def test_a_refused_handshake_is_logged_and_only_that_with_report_only(caplog):
    caplog.set_level(logging.INFO, "corsac")
    policies = {"/": Policy(POLICY), "/open": None}
    assert connect(CorsMiddleware(accepting, policies, refuse_websockets=True), handshake(EVIL + "\n"))[0]["type"] == "websocket.close"
    app = CorsMiddleware(accepting, policies, refuse_websockets=True, report_only=True)
    assert connect(app, handshake())[0]["type"] == "websocket.accept"
    assert connect(app, {**handshake(EVIL), "path": "/open"})[0]["type"] == "websocket.accept"
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f'websocket refused origin="{EVIL}\\x0a"'), ("WARNING", "websocket refused origin=-")]


# Exceptions and cancellation


class Suspended:
    """Something to wait for, once."""

    def __init__(self, value=None):
        self.value = value

    def __await__(self):
        yield self
        return self.value


def drive(app, scope, sent):
    """The middleware as a coroutine that stops at every await of the application and the server."""

    async def receive():
        return await Suspended({"type": "http.request"})

    async def send(message):
        await Suspended()
        sent.append(message["type"])

    return app(scope, receive, send)


async def waiting(scope, receive, send):
    await receive()
    await send({"type": START, "status": 200, "headers": []})
    await Suspended()
    await send({"type": BODY, "body": b"ok"})


@pytest.mark.parametrize("scope", [scope_of([("Origin", APP)]), scope_of(PREFLIGHT, "OPTIONS"), handshake(EVIL)], ids=["actual", "preflight", "handshake"])
@pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit, KeyboardInterrupt])
def test_it_can_be_cancelled_at_every_await(scope, error):
    app = CorsMiddleware(waiting, Policy(POLICY), refuse_websockets=True)
    sent = []
    coroutine = drive(app, scope, sent)
    awaits = 0
    try:
        while True:
            coroutine.send(None)
            awaits += 1
    except StopIteration:
        pass
    whole = list(sent)
    assert awaits >= 2
    for place in range(1, awaits + 1):
        sent = []
        coroutine = drive(app, scope, sent)
        for _ in range(place):
            coroutine.send(None)
        until = list(sent)
        if error is GeneratorExit:
            coroutine.close()
        else:
            with pytest.raises(error):
                coroutine.throw(error())
        assert sent == until == whole[: len(until)], "nothing is sent after it"
        assert coroutine.cr_frame is None


def test_a_task_is_cancelled_in_the_application():
    async def main():
        started = asyncio.Event()

        async def application(scope, receive, send):
            started.set()
            await asyncio.sleep(60)

        client = Client()
        task = asyncio.create_task(CorsMiddleware(application, Policy(POLICY))(scope_of([("Origin", APP)]), receive, client.send))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client.messages == []

    asyncio.run(main())


@pytest.mark.parametrize("scope", [scope_of([("Origin", APP)]), scope_of(PREFLIGHT, "OPTIONS")], ids=["actual", "preflight"])
@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("late", [False, True])
def test_an_exception_of_send_goes_to_whoever_sent(scope, failing, late):
    calls = []

    async def awaited():
        raise OSError("gone")

    def send(message):
        calls.append(message["type"])
        if len(calls) == failing:
            if late:
                return awaited()
            raise OSError("gone")
        return asyncio.sleep(0)

    app = CorsMiddleware(Application(behaviours.ok()), Policy(POLICY))
    with pytest.raises(OSError, match="gone"):
        asyncio.run(app(scope, receive, send))
    assert calls == [START, BODY][:failing], "nothing is sent after it"


def test_the_application_sees_an_exception_of_send():
    seen = []

    async def application(scope, receive, send):
        try:
            await send({"type": START, "status": 200, "headers": []})
        except OSError as error:
            seen.append(error)

    async def send(message):
        raise OSError("gone")

    asyncio.run(CorsMiddleware(application, Policy(POLICY))(scope_of([("Origin", APP)]), receive, send))
    assert len(seen) == 1


def test_an_exception_is_raised_again_even_if_nobody_takes_the_500():
    async def send(message):
        raise OSError("gone")

    with pytest.raises(Boom):
        asyncio.run(CorsMiddleware(Application([("raise",)]), Policy(POLICY))(scope_of([("Origin", APP)]), receive, send))


def test_an_exception_after_the_response_started_sends_nothing():
    client = Client()
    app = CorsMiddleware(Application([("start", 200), ("raise",)]), Policy(POLICY))
    with pytest.raises(Boom):
        asyncio.run(app(scope_of([("Origin", APP)]), receive, client.send))
    assert [message["type"] for message in client.messages] == [START]


# Which policy decides


def granted(app, path="/", origin=APP):
    return serve(app, scope_of([("Origin", origin)], path=path)).lines("access-control-allow-origin") == [origin]


def test_a_policy_for_each_prefix():
    other = "https://other.example"
    app = CorsMiddleware(Application(behaviours.ok()), {
        "/": Policy(POLICY), "/api": PolicyCell(Policy(allow_origins=[other])), "/api/inner/": Policy(POLICY), "/none": None})
    for path, origin in (("/", APP), ("/x", APP), ("/apix", APP), ("/api", other), ("/api/", other), ("/api/x", other),
                         ("/api/innerx", other), ("/api/inner", APP), ("/api/inner/x", APP), ("*", APP), ("", APP)):
        assert granted(app, path, origin), path
        assert not granted(app, path, ({APP, other} - {origin}).pop()), path
    client = serve(app, scope_of([("Origin", APP)], path="/none/x"))
    assert client.headers == [("Content-Type", "text/plain")], "left alone"
    assert serve(CorsMiddleware(Application(behaviours.ok()), {"/api": Policy(POLICY)}), scope_of([])).headers == [
        ("Content-Type", "text/plain")]


def test_a_long_path_costs_no_more_than_the_longest_prefix():
    app = CorsMiddleware(Application(behaviours.ok()), {"/a/b": Policy(POLICY)})
    assert granted(app, "/a/b" + "/" * 1_000_000)


def test_no_more_of_a_path_is_split_than_prefixes_have():
    class Path(str):
        def split(self, separator, most):
            assert most == 3
            return super().split(separator, most)

    choose = chooser({"/a/b": Policy(POLICY)})
    assert choose(Path("/a/b/c/d/e"), None) is not None


def test_a_cell_is_asked_for_each_request_wherever_it_stands():
    first, second = Policy(POLICY), Policy(PUBLIC)
    for make in (lambda cell: cell, lambda cell: {"/": cell}, lambda cell: lambda request: cell):
        cell = PolicyCell(first)
        choose = chooser(make(cell))
        assert choose("/", None) is first
        cell.policy = second
        assert choose("/", None) is second


def test_a_function_of_the_scope_chooses():
    policies = {"one": Policy(POLICY), "two": PolicyCell(Policy(allow_origins=[EVIL])), "none": None, "wrong": 5}
    app = CorsMiddleware(Application(behaviours.ok()), lambda scope: policies[scope["query_string"].decode()])
    assert serve(app, scope_of([("Origin", APP)], query_string=b"one")).lines("access-control-allow-origin") == [APP]
    assert serve(app, scope_of([("Origin", EVIL)], query_string=b"two")).lines("access-control-allow-origin") == [EVIL]
    assert serve(app, scope_of([("Origin", APP)], query_string=b"none")).lines("vary") == []
    with pytest.raises(TypeError, match="what the policy function returns must be Policy, PolicyCell or None, not int"):
        serve(app, scope_of([], query_string=b"wrong"))


def test_a_cell_decides_each_request_by_its_policy_of_then():
    cell = PolicyCell(Policy(POLICY))
    app = CorsMiddleware(Application(behaviours.ok()), cell)
    assert granted(app)

    async def application(scope, receive, send):
        cell.policy = Policy(allow_origins=[EVIL])
        await Application(behaviours.ok())(scope, receive, send)

    client = serve(CorsMiddleware(application, cell), scope_of([("Origin", APP)]))
    assert client.lines("access-control-allow-credentials") == ["true"], "the decision was made before"
    assert not granted(app) and granted(app, origin=EVIL)


def test_a_policy_file_is_reloaded_and_keeps_the_old_one_if_it_is_bad(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(POLICY))
    file = PolicyFile(path)
    app = CorsMiddleware(Application(behaviours.ok()), file)
    assert granted(app) and file.path == str(path) and file.generation == 1
    path.write_text(json.dumps({"allow_origins": [EVIL + "/"]}))
    with pytest.raises(PolicyError, match="policy.json:1:"):
        file.reload()
    path.unlink()
    with pytest.raises(FileNotFoundError):
        file.reload()
    assert granted(app) and file.generation == 1
    path.write_text(json.dumps({"allow_origins": [EVIL]}))
    assert file.reload() is file.policy
    assert granted(app, origin=EVIL) and file.generation == 2
    assert repr(file).startswith("PolicyCell(") or "policy.json" in repr(file)


def test_a_policy_file_that_is_bad_makes_none(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text("{}")
    with pytest.raises(PolicyError):
        PolicyFile(path)
    with pytest.raises(FileNotFoundError):
        PolicyFile(str(tmp_path / "missing.json"))
    with pytest.raises(TypeError):
        PolicyFile(5)


def test_keywords_stand_in_for_a_policy():
    app = CorsMiddleware(Application(behaviours.ok()), allow_origins=[APP], allow_methods=["PUT"], allow_headers=["x-token"],
                         allow_credentials=True, expose_headers=["etag"], max_age=600, allow_origin_regex=None, allow_private_network=False)
    client = serve(app, scope_of(PREFLIGHT, "OPTIONS"))
    assert {name: [value] for name, value in client.headers} == behaviours.ANSWERED
    with pytest.raises(PolicyError) as raised:
        CorsMiddleware(Application([]), allow_origins=["*"], allow_credentials=True, max_age=-1)
    assert len(raised.value.problems) == 2


async def asynchronous(scope):
    return None


@pytest.mark.parametrize(("arguments", "keywords", "error", "message"), [
    ((), {}, TypeError, "policy is missing"),
    (("policy.json",), {}, TypeError, r"policy must be .*, not str: PolicyFile\(path\) reads a file"),
    ((b"{}",), {}, TypeError, "not bytes: PolicyFile"),
    ((5,), {}, TypeError, "policy must be Policy, PolicyCell, a mapping of prefixes or a function, not int"),
    ((Policy,), {}, TypeError, "not the class Policy"),
    ((asynchronous,), {}, TypeError, "a plain function, not an async one"),
    (({"api": None},), {}, ValueError, 'must begin with "/": \'api\''),
    (({"/a": None, "/a/": None},), {}, ValueError, "have '/a/' twice"),
    (({5: None},), {}, TypeError, "must be str, not int: 5"),
    (({"/": "policy.json"},), {}, TypeError, "policy\\['/'\\] must be Policy, PolicyCell or None, not str: PolicyFile"),
    (({"/": {"allow_origins": "*"}},), {}, TypeError, "must be Policy, PolicyCell or None, not dict"),
    (({"allow_origins": [APP]},), {}, ValueError, r"must begin with \"/\": 'allow_origins': .*Policy\(\{...\}\)"),
    ((Policy(PUBLIC),), {"max_age": 5}, TypeError, "a policy or its keywords, not both: max_age"),
    ((), {"allow_origin_regex": "https://.*"}, TypeError, "allow_origin_regex is not supported: a policy has no regular expressions"),
    ((), {"allow_origins": [APP], "allow_private_network": True}, TypeError, "allow_private_network is not supported"),
    ((Policy(PUBLIC),), {"observe": 5}, TypeError, "observe must be a function of reason, rule and origin, not int"),
    ((), {"alow_origins": [APP]}, PolicyError, "allow_origins"),
])
def test_wrong_arguments_say_what_to_write(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        CorsMiddleware(Application([]), *arguments, **keywords)


def test_the_application_must_be_one():
    with pytest.raises(TypeError, match="app must be an ASGI application, not Policy"):
        CorsMiddleware(Policy(PUBLIC), Policy(PUBLIC))


# What is told


def test_a_refused_request_is_logged_with_its_line(caplog):
    app = CorsMiddleware(Application(behaviours.ok()), Policy({**POLICY, "name": "app"}))
    requests = [scope_of([("Origin", EVIL + "\n\x1b[31m")]), scope_of([("Origin", APP)]), scope_of([]),
                scope_of([("Origin", EVIL), *PREFLIGHT[1:]], "OPTIONS")]
    for scope in requests:
        serve(app, scope)
    assert caplog.records == [], "not at the level WARNING"
    caplog.set_level(logging.INFO, "corsac")
    for scope in requests:
        serve(app, scope)
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        ("corsac", "INFO", f'actual refused malformed-origin rule=- origin="{EVIL}\\x0a\\x1b[31m"'),
        ("corsac", "INFO", f'preflight refused origin-not-allowed rule=- origin="{EVIL}" method="PUT" headers="x-token"')]


@pytest.mark.parametrize("policy", [Policy({**POLICY, "name": "app"}), PolicyCell(Policy({**POLICY, "name": "app"})),
                                    {"/": Policy({**POLICY, "name": "app"})}], ids=["policy", "cell", "prefixes"])
def test_every_decision_is_observed(policy):
    seen = []
    app = CorsMiddleware(Application(behaviours.ok()), policy, observe=lambda *arguments: seen.append(arguments))
    for scope in (scope_of([("Origin", APP)]), scope_of([("Origin", EVIL + '"')]), scope_of([]), scope_of(PREFLIGHT, "OPTIONS"),
                  scope_of([("Origin", APP), ("Origin", APP)]), scope_of([("Origin", "x" * 300)])):
        serve(app, scope)
    assert seen == [("allowed", "app", APP), ("malformed-origin", None, EVIL + "\\x22"), ("not-cors", None, None), ("allowed", "app", APP),
                    ("malformed-origin", None, "several"), ("malformed-origin", None, "x" * 128 + "...")]


def test_an_observer_that_fails_is_logged_and_changes_nothing(caplog):
    def observe(reason, rule, origin):
        raise Boom

    assert granted(CorsMiddleware(Application(behaviours.ok()), Policy(POLICY), observe=observe))
    assert [record.exc_info[0] for record in caplog.records] == [Boom]


def test_a_log_that_fails_changes_nothing():
    class Broken(logging.Filter):
        def filter(self, record):
            raise ZeroDivisionError

    logger, broken = logging.getLogger("corsac"), Broken()
    logger.setLevel(logging.INFO)
    logger.addFilter(broken)
    try:
        client = serve(CorsMiddleware(Application(behaviours.ok()), Policy(POLICY)), scope_of([("Origin", EVIL)]))
    finally:
        logger.removeFilter(broken)
        logger.setLevel(logging.NOTSET)
    assert client.status == 200


def test_nothing_is_touched_when_decisions_are_only_reported(caplog):
    seen, sends = [], []

    async def application(scope, receive, send):
        sends.append(send)
        await Application(behaviours.ok(*FOREIGN))(scope, receive, send)

    client = Client()
    own = client.send
    for policy in (Policy(behaviours.FORBIDDING), PolicyCell(Policy(behaviours.FORBIDDING)), {"/": Policy(behaviours.FORBIDDING)}):
        app = CorsMiddleware(application, policy, report_only=True, observe=lambda *arguments: seen.append(arguments))
        for scope in (scope_of([("Origin", EVIL)]), scope_of(PREFLIGHT, "OPTIONS")):
            asyncio.run(app(scope, receive, own))
            assert sends.pop() is own
    assert len(client.messages) == 12
    assert [reason for reason, _, _ in seen] == ["origin-not-allowed", "allowed"] * 3
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f'actual refused origin-not-allowed rule=- origin="{EVIL}"')] * 3


# Memory and threads


def test_a_request_leaves_nothing_behind():
    app = CorsMiddleware(Application(behaviours.ok()), Policy(POLICY))
    origin = APP.encode()
    scopes = [scope_of([("Origin", APP)]), scope_of(PREFLIGHT, "OPTIONS"), scope_of([("Origin", EVIL)])]
    for scope in scopes:
        scope["headers"][1] = (b"origin", origin)

    async def send(message):
        pass

    async def main():
        for _ in range(50):
            for scope in scopes:
                await app(scope, receive, send)

    asyncio.run(main())
    watched = [origin, send, receive, app, *scopes, None, True, False]
    gc.collect()
    before = [sys.getrefcount(thing) for thing in watched[:-3]]
    asyncio.run(main())
    gc.collect()
    assert [sys.getrefcount(thing) for thing in watched[:-3]] == before


def test_a_send_in_a_cycle_is_collected():
    class Server:
        async def send(self, message):
            pass

    server = Server()

    async def application(scope, receive, send):
        scope["server object"].kept = send

    asyncio.run(CorsMiddleware(application, Policy(POLICY))({**scope_of([("Origin", APP)]), "server object": server}, receive, server.send))
    alive = weakref.ref(server)
    del server
    gc.collect()
    assert alive() is None


def test_a_middleware_ends():
    class App:
        async def __call__(self, scope, receive, send):
            pass

    app = App()
    alive = weakref.ref(app)
    middleware = CorsMiddleware(app, {"/": Policy(POLICY)}, report_only=True)
    del app, middleware
    gc.collect()
    assert alive() is None


def test_a_middleware_ends_that_its_observer_knows():
    class Metrics:
        def observe(self, reason, rule, origin):
            pass

    metrics = Metrics()
    metrics.middleware = CorsMiddleware(Application([]), Policy(POLICY), observe=metrics.observe)
    alive = weakref.ref(metrics)
    del metrics
    gc.collect()
    assert alive() is None


def test_a_middleware_ends_that_its_cell_knows():
    class Cell(PolicyCell):
        pass

    cell = Cell(Policy(POLICY))
    cell.middleware = CorsMiddleware(Application([]), cell)
    alive = weakref.ref(cell)
    del cell
    gc.collect()
    assert alive() is None


def test_servers_see_a_coroutine_function():
    import inspect

    app = CorsMiddleware(Application([]), Policy(POLICY))
    assert inspect.iscoroutinefunction(app.__call__)
    assert app.app.respond == []


def test_32_threads_use_one_middleware_while_its_policy_is_replaced():
    first = Policy(allow_origins=[APP], allow_credentials=True, expose_headers=["x-one"])
    second = Policy(allow_origins=["https://*.example.com"], expose_headers=["x-two"])
    expected = {(None, "x-two"), ("true", "x-one")}
    cell = PolicyCell(first)
    app = CorsMiddleware(Application(behaviours.ok(("Vary", "accept"))), cell)
    done, start = threading.Event(), threading.Barrier(33)
    seen = [set() for _ in range(32)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def work(index):
        async def main():
            while not done.is_set():
                client = Client()
                await app(scope_of([("Origin", APP)]), receive, client.send)
                headers = dict(client.headers)
                assert headers["access-control-allow-origin"] == APP and headers["vary"] == "accept, Origin"
                seen[index].add((headers.get("access-control-allow-credentials"), headers["access-control-expose-headers"]))

        start.wait()
        try:
            asyncio.run(main())
        except BaseException as error:
            seen[index].add(error)
            raise

    threads = [threading.Thread(target=work, args=(index,)) for index in range(32)]
    try:
        for thread in threads:
            thread.start()
        start.wait()
        turn, end = 0, time.monotonic() + 0.5
        while time.monotonic() < end or set().union(*map(set, seen)) != expected:
            turn += 1
            cell.policy = (second, first)[turn % 2]
            assert time.monotonic() < end + 60
    finally:
        done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert set().union(*seen) == expected


def test_an_exception_inside_of_a_framework_is_the_frameworks():
    for key in ("app", "litestar_app"):
        client = Client()
        with pytest.raises(Boom):
            asyncio.run(CorsMiddleware(Application([("raise",)]), Policy(POLICY))(scope_of([("Origin", APP)], **{key: object()}), receive, client.send))
        assert client.messages == []


def test_a_framework_that_is_wrapped_may_say_that_it_is_there():
    async def app(scope, receive, send):
        scope["app"] = scope["litestar_app"] = app
        raise Boom  # as from a handler of exceptions

    client = Client()
    with pytest.raises(Boom):
        asyncio.run(CorsMiddleware(app, Policy(POLICY))(scope_of([("Origin", APP)]), receive, client.send))
    assert client.status == 500
    assert client.lines("access-control-allow-origin") == [APP]
