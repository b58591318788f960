"""corsac.django: the table of behaviours, synchronous and asynchronous, settings and system checks."""

import asyncio
import io
import json
import threading

import django
import pytest
from django.conf import settings

if not settings.configured:
    settings.configure(
        ROOT_URLCONF="test_django",
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="not one",
        INSTALLED_APPS=["corsac.django"],
        LOGGING_CONFIG=None,
        USE_I18N=False,
    )
    django.setup()

from asgiref.sync import iscoroutinefunction
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.test import override_settings
from django.urls import path, re_path

import behaviours
import corsac.django
from behaviours import APP, EVIL, FOREIGN, GRANTED, POLICY, PREFLIGHT, PUBLIC, REFUSED, Boom, Row
from corsac import Policy, PolicyCell, PolicyError
from test_wsgi import Response, environ_of

ORIGIN = ("Origin", APP)
OURS = "corsac.django.CorsMiddleware"


class State:
    """What the views do, and what they saw."""

    row: Row
    reached: int
    given: list
    threads: list


state = State()


def respond(request):
    state.reached += 1
    headers, status, parts = [], 200, []
    for step in state.row.respond:
        if step[0] == "headers":
            headers = [*step[1]]
        elif step[0] == "start":
            status = step[1]
        elif step[0] == "body":
            parts.append(step[1])
        else:
            raise Boom
    if request.method == "HEAD":
        parts = []

    async def stream():
        for part in parts:
            yield part

    if len(parts) > 1:
        response = StreamingHttpResponse(stream() if hasattr(request, "scope") else parts, status=status)
    else:
        response = HttpResponse(b"".join(parts), status=status)
    for name, value in headers:
        if name == "Set-Cookie":
            key, _, cookie = value.partition("=")
            response.cookies[key] = cookie
        elif name in response.headers and name != "Content-Type":
            # Django has one line a header.
            response.headers[name] = f"{response.headers[name]},{value}"
        else:
            response.headers[name] = value
    state.given.append((response, dict(response.headers)))
    return response


def view(request):
    return respond(request)


async def async_view(request):
    state.threads.append(threading.get_ident())
    return respond(request)


SHARED = HttpResponse("shared", headers={"Vary": "Accept"})


def other(request, name=None):
    if name == "stream":
        return StreamingHttpResponse(iter([b"one", b"two"]))
    if name == "file":
        return FileResponse(io.BytesIO(b"file"), filename="a.txt")
    if name == "shared":
        return SHARED
    if name == "template":
        from django.template import engines

        return TemplateResponse(request, engines["django"].from_string("{{ a }}"), {"a": "rendered"})
    return HttpResponse("ok")


def broken(request):
    raise Boom


urlpatterns = [
    path("", view),
    path("async", async_view),
    path("slash/", other),
    path("broken", broken),
    path("other/<name>", other),
    re_path(r"^api/", other),
    re_path(r"^off/", other),
]


def sync_ask(environ):
    return Response(WSGIHandler(), environ)


def ask(url="/", *asked, method="GET"):
    return sync_ask(environ_of(Row("", [], method=method, asked=asked), url))


class Answer:
    """What an ASGI application sends."""

    def __init__(self, app, row, url):
        self.status, self.headers, self.body, self.threads = None, [], b"", []
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": row.method, "path": url,
            "query_string": b"", "scheme": "http", "server": ("own.example", 80),
            "headers": [(b"host", b"own.example"), *((n.lower().encode(), v.encode()) for n, v in row.asked)],
        }  # fmt: skip

        async def main():
            self.threads.append(threading.get_ident())
            sent = asyncio.Event()
            asked = []

            async def receive():
                if asked:
                    await sent.wait()
                    return {"type": "http.disconnect"}
                asked.append(True)
                return {"type": "http.request"}

            async def send(message):
                if message["type"] == "http.response.start":
                    assert self.status is None
                    self.status = message["status"]
                    self.headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in message["headers"]]
                else:
                    self.body += message.get("body", b"")
                    if not message.get("more_body"):
                        sent.set()

            await app(scope, receive, send)

        asyncio.run(main())

    def all(self, name):
        return [value for other, value in self.headers if other.lower() == name.lower()]


def prepare(row):
    state.row, state.reached, state.given, state.threads = row, 0, [], []


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("row", behaviours.rows("django"), ids=str)
def test_behaviour(row, interface):
    prepare(row)
    with override_settings(MIDDLEWARE=[OURS] * row.installed, CORSAC=row.policy):
        if interface == "wsgi":
            response = sync_ask(environ_of(row))
        else:
            response = Answer(ASGIHandler(), row, "/async")
    # Django writes a blank in front of the value of Set-Cookie.
    headers = [(name, value.strip()) for name, value in response.headers]
    behaviours.check(row, response.status, headers, response.body)
    assert state.reached == row.reached
    for given, headers in state.given:
        assert dict(given.headers) == headers


def test_nothing_changes_threads():
    prepare(Row("", behaviours.ok(), asked=(ORIGIN,)))
    with override_settings(MIDDLEWARE=[OURS], CORSAC=POLICY):
        handler = ASGIHandler()
        assert iscoroutinefunction(corsac.django.CorsMiddleware(async_view))
        assert not iscoroutinefunction(corsac.django.CorsMiddleware(view))
        for _ in range(2):
            answer = Answer(handler, state.row, "/async")
            assert answer.all("Access-Control-Allow-Origin") == [APP]
            assert state.threads.pop() == answer.threads[0]


# Responses


@pytest.mark.parametrize(
    ("url", "status", "body"),
    [
        ("/other/stream", 200, b"onetwo"),
        ("/other/file", 200, b"file"),
        ("/other/template", 200, b"rendered"),
        ("/slash", 301, b""),
        ("/nowhere", 404, None),
        ("/broken", 500, None),
    ],
)
def test_every_response_of_django_is_granted(url, status, body):
    templates = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
    middleware = [OURS, "django.middleware.common.CommonMiddleware"]
    with override_settings(MIDDLEWARE=middleware, CORSAC=POLICY, TEMPLATES=templates):
        response = ask(url, ORIGIN)
        assert response.status == status
        assert body is None or response.body == body
        for name, values in GRANTED.items():
            assert response.all(name) == values
        assert ask(url, ("Origin", EVIL)).all("Access-Control-Allow-Origin") == []


def test_a_failed_csrf_check_is_granted():
    with override_settings(MIDDLEWARE=[OURS, "django.middleware.csrf.CsrfViewMiddleware"], CORSAC=POLICY):
        response = ask("/other/x", ORIGIN, method="POST")
        assert response.status == 403
        assert response.all("Access-Control-Allow-Origin") == [APP]


def test_a_response_that_views_share_is_never_changed():
    before = dict(SHARED.headers)
    with override_settings(MIDDLEWARE=[OURS], CORSAC={**POLICY, "foreign_headers": "keep"}):
        first = ask("/other/shared", ORIGIN)
        assert first.all("Access-Control-Allow-Origin") == [APP]
        assert first.all("Vary") == ["Accept, Origin"]
        second = ask("/other/shared", ("Origin", EVIL))
        # With one object for all, the origin of the first would be told to the second.
        assert second.all("Access-Control-Allow-Origin") == []
        assert second.body == b"shared"
    assert dict(SHARED.headers) == before


def test_answers_to_preflights_share_nothing():
    from django.test import RequestFactory

    with override_settings(CORSAC=POLICY):
        middleware = corsac.django.CorsMiddleware(other)
        request = RequestFactory().options("/", HTTP_ORIGIN=APP, HTTP_ACCESS_CONTROL_REQUEST_METHOD="PUT")
        closed = []
        for _ in range(2):
            response = middleware(request)
            assert (response.status_code, response.content, response.cookies) == (204, b"", {})
            assert response.reason_phrase == "No Content"
            assert "X-Mine" not in response
            response["X-Mine"] = "1"
            response.set_cookie("mine", "1")
            response._resource_closers.append(lambda: closed.append(True))
            response.content = b"changed"
            response.close()
        assert closed == [True, True]


def test_a_file_is_closed_with_its_response():
    closed = []

    class File(io.BytesIO):
        def close(self):
            closed.append(True)
            super().close()

    def serve(request):
        return FileResponse(File(b"x"))

    with override_settings(CORSAC=POLICY):
        from django.test import RequestFactory

        response = corsac.django.CorsMiddleware(serve)(RequestFactory().get("/", HTTP_ORIGIN=APP))
        assert response["Access-Control-Allow-Origin"] == APP
        assert type(response) is FileResponse
        assert closed == []
        response.close()
        assert closed == [True]


def test_two_origins_are_refused_under_both_interfaces():
    row = Row("", behaviours.ok(), asked=(ORIGIN, ORIGIN), headers=REFUSED)
    prepare(row)
    with override_settings(MIDDLEWARE=[OURS], CORSAC=POLICY):
        for response in (sync_ask(environ_of(row)), Answer(ASGIHandler(), row, "/async")):
            behaviours.check(row, response.status, response.headers, None)


def test_what_is_echoed_is_one_line():
    with override_settings(
        MIDDLEWARE=[OURS],
        CORSAC={"allow_origins": [APP], "allow_methods": "*", "allow_headers": "*", "allow_credentials": True},
    ):
        asked = (ORIGIN, ("Access-Control-Request-Method", "PURGE"), ("Access-Control-Request-Headers", "x-a,x-b"))
        response = ask("/", *asked, method="OPTIONS")
        assert response.all("Access-Control-Allow-Methods") == ["GET,HEAD,POST, PURGE"]
        assert response.all("Access-Control-Allow-Headers") == ["x-a,x-b"]


# Settings


def granted(url="/other/x", origin=APP):
    return ask(url, ("Origin", origin)).all("Access-Control-Allow-Origin")


def choose(request):
    return Policy(POLICY) if request.path.startswith("/api") else None


def test_a_setting_is_a_document_a_mapping_or_a_function(tmp_path):
    with override_settings(MIDDLEWARE=[OURS]):
        with override_settings(CORSAC=Policy(POLICY)):
            assert granted() == [APP]
        with override_settings(CORSAC=PolicyCell(Policy(PUBLIC))):
            assert granted() == ["*"]
        with override_settings(CORSAC={"/": POLICY, "/api": PUBLIC, "/off": None}):
            assert (granted(), granted("/api/x"), granted("/off/x")) == ([APP], ["*"], [])
        for function in (choose, "test_django.choose"):
            with override_settings(CORSAC=function):
                assert (granted(), granted("/api/x")) == ([], [APP])


def test_a_path_is_the_whole_path():
    with override_settings(MIDDLEWARE=[OURS], CORSAC={"/mounted/api": POLICY}):
        environ = environ_of(Row("", [], asked=(ORIGIN,)), "/api/x") | {"SCRIPT_NAME": "/mounted"}
        assert sync_ask(environ).all("Access-Control-Allow-Origin") == [APP]


def test_a_policy_file_can_be_read_again(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(POLICY))
    with override_settings(MIDDLEWARE=[OURS], CORSAC_POLICY_FILE=file):
        handler = WSGIHandler()

        def now():
            return Response(handler, environ_of(Row("", [], asked=(ORIGIN,)), "/other/x")).all("Access-Control-Allow-Origin")

        assert now() == [APP]
        file.write_text(json.dumps(PUBLIC))
        assert now() == [APP]
        corsac.django.reload()
        assert now() == ["*"]
        file.write_text('{"allow_origins": []}')
        with pytest.raises(PolicyError):
            corsac.django.reload()
        assert now() == ["*"]


def test_settings_that_a_test_overrides_are_seen():
    with override_settings(MIDDLEWARE=[OURS], CORSAC=POLICY):
        handler = WSGIHandler()

        def now():
            return Response(handler, environ_of(Row("", [], asked=(ORIGIN,)), "/other/x")).all("Access-Control-Allow-Origin")

        assert now() == [APP]
        with override_settings(CORSAC=PUBLIC):
            assert now() == ["*"]
        assert now() == [APP]


OBSERVED = []


def observe(*it):
    OBSERVED.append(it)


def test_report_only_touches_nothing():
    OBSERVED.clear()
    prepare(Row("", behaviours.ok(*FOREIGN)))
    with override_settings(
        MIDDLEWARE=[OURS], CORSAC=POLICY, CORSAC_REPORT_ONLY=True, CORSAC_OBSERVE="test_django.observe"
    ):
        response = ask("/", ("Origin", EVIL), *PREFLIGHT[1:], method="OPTIONS")
    assert state.reached == 1
    assert response.all("Vary") == []
    assert response.all("Access-Control-Allow-Credentials") == ["true"]
    assert OBSERVED == [("origin-not-allowed", None, EVIL)]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "^CORSAC: set it or CORSAC_POLICY_FILE, corsac.django has no policy"),
        ({"CORSAC": {"allow_origins": [APP + "/"], "max_age": -1}}, r"^CORSAC: allow_origins\[0\]: .*\nmax_age: "),
        ({"CORSAC": {"/a": POLICY, "/a/": POLICY}}, "^CORSAC: the prefixes of policy have '/a/' twice"),
        ({"CORSAC": POLICY, "CORSAC_OBSERVE": 5}, "^CORSAC: observe must be a function"),
        ({"CORSAC": POLICY, "CORSAC_OBSERVE": "nothing.at_all"}, "^CORSAC_OBSERVE: 'nothing.at_all' cannot be imported"),
        ({"CORSAC_POLICY_FILE": "/nowhere.json"}, "^CORSAC_POLICY_FILE: .*/nowhere.json"),
    ],
)
def test_settings_that_are_wrong_tell_everything(changed, message):
    with override_settings(**changed), pytest.raises(ImproperlyConfigured, match=message):
        corsac.django.CorsMiddleware(view)


def test_a_test_that_overrides_settings_wrongly_is_told_by_the_next_request():
    with override_settings(CORSAC=POLICY):
        middleware = corsac.django.CorsMiddleware(other)
        from django.test import RequestFactory

        request = RequestFactory().get("/", HTTP_ORIGIN=APP)
        with override_settings(CORSAC={"allow_origins": []}), pytest.raises(ImproperlyConfigured):
            middleware(request)
        assert middleware(request)["Access-Control-Allow-Origin"] == APP


# System checks


def checks(**changed):
    with override_settings(**{"MIDDLEWARE": [OURS], **changed}):
        return [message for message in run_checks() if message.id.startswith("corsac.")]


def told(messages):
    return [(message.id, message.obj, message.is_serious()) for message in messages]


def test_a_good_policy_has_no_messages():
    assert checks(CORSAC={**POLICY, "allow_headers": ["content-type"]}) == []
    assert checks(MIDDLEWARE=[]) == []


def test_every_problem_is_an_error_with_its_code():
    document = {"allow_origins": [APP + "/", "https://a.example", "http://b.example"], "allow_credentials": True, "max_age": -1}
    messages = checks(CORSAC=document)
    assert told(messages) == [
        ("corsac.origin-with-trailing-slash", "CORSAC: allow_origins[0]", True),
        ("corsac.insecure-origin-with-credentials", "CORSAC: allow_origins[2]", True),
        ("corsac.max-age-out-of-range", "CORSAC: max_age", True),
    ]
    assert messages[0].hint == f"Write {APP} in place of {APP}/."
    assert "CORSAC: allow_origins[0]: (corsac.origin-with-trailing-slash)" in str(messages[0])


def test_every_problem_of_every_prefix_is_told():
    messages = checks(CORSAC={"/a": {"allow_origins": []}, "/b": {"allow_origin": "*"}, "/c": PUBLIC, "/d": 5})
    assert told(messages) == [
        ("corsac.empty-allow-origins", 'CORSAC["/a"]: allow_origins', True),
        ("corsac.missing-allow-origins", 'CORSAC["/b"]', True),
        ("corsac.unknown-key", 'CORSAC["/b"]: allow_origin', True),
        ("corsac.setting", 'CORSAC["/d"]', True),
    ]


def test_every_warning_is_a_warning(tmp_path):
    document = {"allow_origins": ["http://a.example"], "allow_methods": ["GET"]}
    expected = [("insecure-origin", "allow_origins[0]"), ("safelisted-method", "allow_methods[0]")]
    assert told(checks(CORSAC=document)) == [(f"corsac.{code}", f"CORSAC: {place}", False) for code, place in expected]
    assert told(checks(CORSAC={"/a": document, "/b": PUBLIC})) == [
        (f"corsac.{code}", f'CORSAC["/a"]: {place}', False) for code, place in expected
    ]
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(document))
    assert told(checks(CORSAC_POLICY_FILE=file)) == [
        (f"corsac.{code}", f"CORSAC_POLICY_FILE: {place}", False) for code, place in expected
    ]


def test_a_message_can_be_silenced_by_its_id():
    document = {"allow_origins": ["http://a.example"]}
    with override_settings(SILENCED_SYSTEM_CHECKS=["corsac.insecure-origin"]):
        assert [message.is_silenced() for message in checks(CORSAC=document)] == [True]


def test_the_middleware_must_be_first_and_have_a_policy():
    common = "django.middleware.common.CommonMiddleware"
    white = "whitenoise.middleware.WhiteNoiseMiddleware"
    assert told(checks(MIDDLEWARE=[OURS, common], CORSAC=PUBLIC)) == []
    messages = checks(MIDDLEWARE=[common, white, OURS], CORSAC=PUBLIC)
    assert told(messages) == [("corsac.not-first", "MIDDLEWARE", False)]
    assert common in messages[0].msg and white in messages[0].msg
    assert told(checks()) == [("corsac.not-configured", "MIDDLEWARE", True)]
    assert told(checks(MIDDLEWARE=[], CORSAC=PUBLIC)) == [("corsac.not-installed", "MIDDLEWARE", False)]
    both = [OURS, "corsheaders.middleware.CorsMiddleware"]
    assert told(checks(MIDDLEWARE=both, CORSAC=PUBLIC)) == [("corsac.django-cors-headers", "MIDDLEWARE", False)]
