"""corsac.wsgi: the table of behaviours, and what only WSGI has."""

import copy
import gc
import io
import logging
import resource
import sys
import threading
from pathlib import Path
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

import behaviours
from behaviours import APP, EVIL, FOREIGN, GRANTED, POLICY, PREFLIGHT, PUBLIC, Boom, Row
from corsac import Policy, PolicyCell, PolicyError
from corsac.wsgi import CorsMiddleware


def environ_of(row: Row, path: str = "/") -> dict:
    """The environ as servers make it: lines of one name are joined by a comma."""
    environ = {"REQUEST_METHOD": row.method, "PATH_INFO": path}
    setup_testing_defaults(environ)
    environ["HTTP_HOST"] = "own.example"
    for name, value in row.asked:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


class Response:
    """What a server makes of an application, by the rules of PEP 3333."""

    def __init__(self, app, environ):
        self.status, self.headers, self.body, self.error = None, [], b"", None
        self.sent = False
        self.starts = 0

        def write(part):
            self.sent = self.sent or bool(self.headers or self.status)
            self.body += part

        def start_response(status, headers, exc_info=None):
            assert type(status) is str and type(headers) is list
            assert all(type(pair) is tuple and len(pair) == 2 for pair in headers)
            assert all(type(text) is str for pair in headers for text in pair)
            if exc_info:
                if self.sent:
                    raise exc_info[1]
            else:
                assert self.status is None, "the response has begun"
            self.starts += 1
            self.status, self.headers = int(status.split()[0]), headers
            return write

        self.iterable = None
        try:
            self.iterable = app(environ, start_response)
            for part in self.iterable:
                assert self.status is not None, "a part before start_response"
                assert type(part) is bytes
                self.sent = True
                self.body += part
        except Boom as error:
            self.error = error
        finally:
            if hasattr(self.iterable, "close"):
                self.iterable.close()

    def all(self, name):
        return [value for other, value in self.headers if other.lower() == name.lower()]


class Application:
    """A WSGI application that does what a row says, and keeps what it gave away to look at it later."""

    def __init__(self, steps, held="list"):
        self.steps, self.reached, self.closed = steps, 0, 0
        self.given = []

    def __call__(self, environ, start_response):
        self.reached += 1
        headers, parts = [], []
        for step in self.steps:
            if step[0] == "headers":
                headers = [*step[1]]
            elif step[0] == "start":
                self.given.append((headers, copy.copy(headers), environ, copy.copy(environ)))
                start_response(f"{step[1]} Whatever", headers)
            elif step[0] == "body":
                parts.append(b"" if environ["REQUEST_METHOD"] == "HEAD" else step[1])
            else:
                raise Boom
        return parts

    def unchanged(self):
        return all(a == b and c == d for a, b, c, d in self.given)


class Lazy(Application):
    """The same as a generator, which begins its response when the first part is asked for."""

    def __call__(self, environ, start_response):
        self.reached += 1
        headers = []
        try:
            for step in self.steps:
                if step[0] == "headers":
                    headers = [*step[1]]
                elif step[0] == "start":
                    self.given.append((headers, copy.copy(headers), environ, copy.copy(environ)))
                    start_response(f"{step[1]} Whatever", headers)
                elif step[0] == "body":
                    yield b"" if environ["REQUEST_METHOD"] == "HEAD" else step[1]
                else:
                    raise Boom
        finally:
            self.closed += 1


class Writing(Application):
    """The same through write(), the old way."""

    def __call__(self, environ, start_response):
        self.reached += 1
        headers = []
        for step in self.steps:
            if step[0] == "headers":
                headers = [*step[1]]
            elif step[0] == "start":
                self.given.append((headers, copy.copy(headers), environ, copy.copy(environ)))
                write = start_response(f"{step[1]} Whatever", headers)
            elif step[0] == "body":
                write(b"" if environ["REQUEST_METHOD"] == "HEAD" else step[1])
            else:
                raise Boom
        return []


@pytest.mark.parametrize("make", [Application, Lazy, Writing])
@pytest.mark.parametrize("row", behaviours.rows("wsgi"), ids=str)
def test_behaviour(row, make):
    app = inner = make(row.respond)
    for _ in range(row.installed):
        app = CorsMiddleware(app, Policy(row.policy))
    environ = environ_of(row)
    before = copy.copy(environ)
    response = Response(app, environ)
    behaviours.check(row, response.status, response.headers, response.body)
    assert isinstance(response.error, Boom) is row.raises
    assert inner.reached == row.reached
    assert inner.unchanged()
    assert environ == before


def get(app, *asked, path="/", method="GET"):
    return Response(app, environ_of(Row("", [], method=method, asked=asked), path))


ORIGIN = ("Origin", APP)


# Bodies


def test_a_body_is_passed_on_as_it_is():
    for body in ([b"a", b"b"], (b"a",), FileWrapper(io.BytesIO(b"file")), iter([b"a"])):

        def app(environ, start_response):
            start_response("200 OK", [])
            return body

        response = get(CorsMiddleware(app, Policy(POLICY)), ORIGIN)
        assert response.iterable is body
        assert response.all("Access-Control-Allow-Origin") == [APP]


def test_a_generator_is_closed_even_before_it_began():
    app = Lazy(behaviours.ok())
    response = get(CorsMiddleware(app, Policy(POLICY)), ORIGIN)
    assert app.closed == 1
    assert response.body == b"ok"

    closed = []

    class Body:
        def __iter__(self):
            raise AssertionError("nobody asked")

        def close(self):
            closed.append(True)

    CorsMiddleware(lambda environ, start: Body(), Policy(POLICY))(environ_of(Row("", [])), lambda *_: None).close()
    assert closed == [True]


def test_parts_arrive_one_by_one():
    produced = []

    def app(environ, start_response):
        start_response("200 OK", [])
        for part in (b"one", b"two"):
            produced.append(part)
            yield part

    body = iter(CorsMiddleware(app, Policy(POLICY))(environ_of(Row("", [])), lambda *_: None))
    assert produced == []
    assert next(body) == b"one"
    assert produced == [b"one"]


def test_write_is_the_servers_own():
    given = []

    def write(part):
        pass

    def app(environ, start_response):
        given.append(start_response("200 OK", []))
        return []

    CorsMiddleware(app, Policy(POLICY))(environ_of(Row("", [])), lambda *_: write)
    assert given == [write]


# Exceptions


def test_a_second_start_with_exc_info_has_its_headers():
    def app(environ, start_response):
        start_response("200 OK", [("X-First", "1")])
        try:
            raise Boom
        except Boom:
            start_response("500 Oops", [("X-Second", "1"), *FOREIGN], sys.exc_info())
        return [b"error"]

    response = get(CorsMiddleware(app, Policy(POLICY)), ORIGIN)
    assert (response.status, response.body) == (500, b"error")
    assert response.all("X-First") == []
    assert response.all("X-Second") == ["1"]
    behaviours.check(Row("", [], status=500, headers=GRANTED, body=None), 500, response.headers, None)


def test_exc_info_of_what_has_begun_is_raised_by_the_server():
    def app(environ, start_response):
        start_response("200 OK", [])(b"begun")
        try:
            raise Boom
        except Boom:
            start_response("500 Oops", [], sys.exc_info())
        return []

    response = get(CorsMiddleware(app, Policy(POLICY)), ORIGIN)
    assert (response.status, response.body) == (200, b"begun")
    assert isinstance(response.error, Boom)


@pytest.mark.parametrize("make", [Application, Lazy, Writing])
def test_an_exception_between_start_and_body_is_a_500(make):
    response = get(CorsMiddleware(make([("headers", [("X-A", "1")]), ("start", 200), ("raise",)]), Policy(POLICY)), ORIGIN)
    assert response.status == 500
    assert response.all("X-A") == []
    assert response.all("Access-Control-Allow-Origin") == [APP]
    assert isinstance(response.error, Boom)


@pytest.mark.parametrize("make", [Lazy, Writing])
def test_an_exception_in_the_middle_of_a_body_is_the_servers(make):
    steps = [("headers", []), ("start", 200), ("body", b"one"), ("raise",)]
    response = get(CorsMiddleware(make(steps), Policy(POLICY)), ORIGIN)
    assert (response.status, response.body, response.starts) == (200, b"one", 1)
    assert isinstance(response.error, Boom)


def test_a_500_to_head_has_no_body():
    response = get(CorsMiddleware(Application([("raise",)]), Policy(POLICY)), ORIGIN, method="HEAD")
    assert (response.status, response.body, response.all("Content-Length")) == (500, b"", ["21"])


def test_exceptions_can_be_let_out():
    app = CorsMiddleware(Application([("raise",)]), Policy(POLICY), answer_exceptions=False)
    response = get(app, ORIGIN)
    assert response.status is None
    assert isinstance(response.error, Boom)


def test_what_ends_the_process_is_no_500():
    def app(environ, start_response):
        raise SystemExit

    with pytest.raises(SystemExit):
        get(CorsMiddleware(app, Policy(POLICY)), ORIGIN)


# Requests that are served at once


def test_responses_that_share_a_list_of_headers_do_not_mix():
    shared = [("Content-Type", "text/plain"), ("Vary", "Accept")]
    before = copy.copy(shared)

    def app(environ, start_response):
        start_response("200 OK", shared)
        return [b"ok"]

    app = CorsMiddleware(app, Policy({**POLICY, "allow_origins": [APP, "https://b.example"], "foreign_headers": "keep"}))
    for origin, granted in ((APP, [APP]), ("https://b.example", ["https://b.example"]), (EVIL, []), (APP, [APP])):
        response = get(app, ("Origin", origin))
        assert response.all("Access-Control-Allow-Origin") == granted
        assert response.all("Vary") == ["Accept, Origin"]
    assert shared == before


def test_an_origin_that_the_application_changes_is_not_sent_back():
    def app(environ, start_response):
        environ["HTTP_ORIGIN"] = EVIL
        start_response("200 OK", [])
        environ["HTTP_ORIGIN"] = "https://b.example"
        return [b"ok"]

    assert get(CorsMiddleware(app, Policy(POLICY)), ORIGIN).all("Access-Control-Allow-Origin") == [APP]


# Statuses


def test_an_upgrade_is_left_alone():
    app = Application([("headers", [("Upgrade", "websocket"), *FOREIGN]), ("start", 101)])
    response = get(CorsMiddleware(app, Policy(POLICY)), ORIGIN)
    assert response.headers == [("Upgrade", "websocket"), *FOREIGN]


# Paths


def test_a_path_chooses_its_policy():
    policies = {"/api": Policy(POLICY), "/public": PolicyCell(Policy(PUBLIC)), "/api/off": None, "/münchen": Policy(PUBLIC)}
    app = CorsMiddleware(Application(behaviours.ok()), policies)

    def granted(path, script=""):
        environ = environ_of(Row("", []), path) | {"SCRIPT_NAME": script}
        return Response(app, environ).all("Access-Control-Allow-Origin")

    assert granted("/api") == granted("/api/x") == granted("/api/") == granted("/x", script="/api") == [APP]
    assert granted("/public/x") == ["*"]
    assert granted("/apix") == granted("/") == granted("/api/off") == granted("/api/off/x") == []
    # A WSGI server shows UTF-8 a byte a character.
    assert granted("/münchen".encode().decode("latin-1")) == ["*"]
    assert granted("/m\xfcnchen") == []


def test_a_path_without_policy_is_left_alone():
    inner = Application(behaviours.ok(*FOREIGN))
    app = CorsMiddleware(inner, {"/api": Policy(POLICY)})
    response = get(app, *PREFLIGHT, method="OPTIONS")
    assert inner.reached == 1
    assert response.headers == [("Content-Type", "text/plain"), *FOREIGN]
    assert response.headers is inner.given[0][0]


def test_a_function_chooses_by_the_environ():
    seen = []

    def choose(environ):
        seen.append(environ)
        return Policy(PUBLIC) if environ["HTTP_HOST"] == "own.example" else None

    environ = environ_of(Row("", []))
    response = Response(CorsMiddleware(Application(behaviours.ok()), choose), environ)
    assert seen == [environ]
    assert response.all("Access-Control-Allow-Origin") == ["*"]


def test_a_cell_is_asked_for_each_request():
    cell = PolicyCell(Policy(POLICY))
    app = CorsMiddleware(Application(behaviours.ok()), cell)
    assert get(app, ORIGIN).all("Access-Control-Allow-Origin") == [APP]
    cell.policy = Policy(PUBLIC)
    assert get(app, ORIGIN).all("Access-Control-Allow-Origin") == ["*"]


def test_keywords_make_a_policy():
    app = CorsMiddleware(Application(behaviours.ok()), allow_origins=[APP], allow_credentials=True)
    assert get(app, ORIGIN).all("Access-Control-Allow-Credentials") == ["true"]
    with pytest.raises(PolicyError) as raised:
        CorsMiddleware(Application([]), allow_origins=[APP + "/"], max_age=-1)
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda app: CorsMiddleware(app),
        lambda app: CorsMiddleware(app, Policy(POLICY), allow_origins="*"),
        lambda app: CorsMiddleware(app, "policy.json"),
        lambda app: CorsMiddleware(app, allow_origin_regex=".*", allow_origins="*"),
        lambda app: CorsMiddleware("app", Policy(POLICY)),
        lambda app: CorsMiddleware(app, Policy(POLICY), observe="x"),
    ],
)
def test_wrong_arguments_are_a_type_error(make):
    with pytest.raises(TypeError):
        make(Application([]))


# Reports


def test_report_only_touches_nothing_and_tells(caplog):
    seen = []
    inner = Application(behaviours.ok(*FOREIGN))
    app = CorsMiddleware(inner, Policy(POLICY), report_only=True, observe=lambda *it: seen.append(it))
    with caplog.at_level(logging.WARNING, "corsac"):
        refused = get(app, ("Origin", EVIL), ("Access-Control-Request-Method", "PUT"), method="OPTIONS")
        allowed = get(app, ORIGIN)
    assert inner.reached == 2
    assert refused.headers == allowed.headers == [("Content-Type", "text/plain"), *FOREIGN]
    assert refused.headers is inner.given[0][0]
    assert [reason for reason, _, _ in seen] == ["origin-not-allowed", "allowed"]
    assert len(caplog.records) == 1
    assert "origin-not-allowed" in caplog.text and EVIL in caplog.text


def test_an_observer_sees_every_decision_and_breaks_nothing():
    seen = []

    def observe(*it):
        seen.append(it)
        raise Boom

    app = CorsMiddleware(Application(behaviours.ok()), Policy({**POLICY, "name": "app"}), observe=observe)
    get(app, ORIGIN)
    get(app)
    get(app, *PREFLIGHT, method="OPTIONS")
    get(app, ("Origin", "x\r\ny"))
    assert seen[0] == ("allowed", "app", APP)
    assert seen[1] == ("not-cors", None, None)
    assert seen[2] == ("allowed", "app", APP)
    assert seen[3][0] == "malformed-origin" and "\n" not in seen[3][2]


# Facts


def test_joined_lines_are_refused():
    app = CorsMiddleware(Application(behaviours.ok()), Policy({**POLICY, "allow_methods": ["PUT", "DELETE"]}))
    seen = []
    watched = CorsMiddleware(app, Policy(POLICY), report_only=True, observe=lambda reason, *_: seen.append(reason))
    for comma in (",", ", "):
        # gunicorn and wsgiref join by the first, waitress by the second.
        environ = environ_of(Row("", [])) | {"HTTP_ORIGIN": f"{APP}{comma}{APP}"}
        assert Response(watched, environ).all("Access-Control-Allow-Origin") == []
        environ = environ_of(Row("", [], method="OPTIONS", asked=PREFLIGHT))
        environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"] = f"PUT{comma}DELETE"
        assert Response(watched, environ).status == 403
    assert seen == ["malformed-origin", "malformed-request-method"] * 2


def test_first_party_requests_are_known_by_host_and_fetch_site():
    app = CorsMiddleware(Application(behaviours.ok()), Policy({**POLICY, "refused_requests": "forbid"}))
    assert get(app, ("Origin", "http://own.example")).status == 200
    assert get(app, ("Origin", "http://other.example")).status == 403
    assert get(app, ("Origin", "http://other.example"), ("Sec-Fetch-Site", "same-origin")).status == 200
    assert get(app, ("Origin", "http://own.example"), ("Sec-Fetch-Site", "cross-site")).status == 403
    # Two lines say nothing.
    assert get(app, ("Origin", "http://other.example"), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "none")).status == 403


def test_what_is_echoed_is_echoed():
    policy = Policy(allow_origins=[APP], allow_methods="*", allow_headers="*", allow_credentials=True)
    app = CorsMiddleware(Application([]), policy)
    response = get(app, ORIGIN, ("Access-Control-Request-Method", "PURGE"), ("Access-Control-Request-Headers", "x-a,x-b"), method="OPTIONS")
    assert response.all("Access-Control-Allow-Methods") == ["GET,HEAD,POST", "PURGE"]
    assert response.all("Access-Control-Allow-Headers") == ["x-a,x-b"]
    assert response.all("Vary") == ["Origin, Access-Control-Request-Method, Access-Control-Request-Headers"]


def test_a_validator_on_both_sides_has_nothing_to_say():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Vary", "Accept")])
        return [b"ok"]

    wrapped = validator(CorsMiddleware(validator(app), Policy(POLICY)))
    environ = environ_of(Row("", [], asked=(ORIGIN,))) | {"SCRIPT_NAME": "", "QUERY_STRING": ""}
    started = []
    body = wrapped(environ, lambda status, headers, exc_info=None: started.append(headers) or (lambda part: None))
    assert b"".join(body) == b"ok"
    body.close()
    assert ("Access-Control-Allow-Origin", APP) in started[0]


def test_memory_stays_flat_over_50000_requests():
    app = CorsMiddleware(Application(behaviours.ok(("Vary", "Accept"), *FOREIGN)), {"/": PolicyCell(Policy(POLICY))})
    app.app.given = Forgetful()
    echoing = CorsMiddleware(app, allow_origins=[APP], allow_methods="*", allow_headers="*", allow_credentials=True)
    failing = CorsMiddleware(Application([("raise",)]), Policy(POLICY))
    rows = [(), (ORIGIN,), (("Origin", EVIL),), (("Origin", "x" * 500),), PREFLIGHT]
    environs = [environ_of(Row("", [], method="OPTIONS" if row is PREFLIGHT else "GET", asked=row)) for row in rows]

    def serve(count):
        for _ in range(count // 15):
            for environ in environs:
                for it in (app, echoing, failing):
                    body = it(environ, lambda status, headers, exc_info=None: None)
                    try:
                        list(body)
                    except Boom:
                        pass
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    before = serve(5000)
    assert serve(50000) - before < 1 << 20


class Forgetful(list):
    def append(self, _):
        pass


def test_threads_with_a_policy_that_is_swapped_see_one_policy_each():
    policies = [Policy(POLICY), Policy(PUBLIC)]
    cell = PolicyCell(policies[0])
    app = CorsMiddleware(Application(behaviours.ok()), cell)
    whole = {((APP,), ("true",)), (("*",), ())}
    seen = set()
    start = threading.Barrier(32)

    def ask(index):
        start.wait()
        for count in range(100):
            if index % 4 == 0:
                cell.policy = policies[count % 2]
            response = get(app, ORIGIN)
            seen.add(tuple(tuple(response.all(name)) for name in ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials")))

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(32)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert seen == whole
