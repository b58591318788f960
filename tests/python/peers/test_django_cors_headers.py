"""The tests of django-cors-headers, with corsac in its place, by way of its migration.

3.14.0 is the last source distribution that has the tests. Its settings and those of 4 differ in the default
of CORS_ALLOW_HEADERS and in CORS_REPLACE_HTTPS_REFERER, which 4 dropped.
"""

import contextlib
import sys
import unittest
from types import ModuleType

import pytest

import test_django  # which configures Django
from django.conf import settings
from django.dispatch import Signal
from django.http import HttpResponse
from django.test import SimpleTestCase
from django.test.utils import modify_settings, override_settings
from django.urls import path

import corsac.django
from corsac.migrate import from_django
from peers import Outcomes, Refusal, fetch, judge, load

VERSION = "3.14.0"
FILE = "tests/test_middleware.py"

NOBODY = "no setting allows anybody, for which no policy is needed: corsac leaves the response alone"
WILD = "everyone with credentials is refused: the migration lets everyone read without them"
REGEX = "a policy has no regular expressions; the migration suggests a pattern and never takes it silently"
CALLBACK = "receivers of a signal cannot be read from settings; a function of the request chooses a policy"
NO_PREFLIGHT = "without Origin, or with no requested method, OPTIONS is no preflight and reaches the application"
LISTED = "lists are joined by a comma alone, and have GET, HEAD and POST, which no server can refuse"
NOT_EXPOSABLE = "Origin is no header of a response, and what every script may read is no news"
NULL = "the origin null is every sandboxed frame of the world: it is allowed only where a policy says so"
FILES = "no page has the origin file://"
PATHS = "a regular expression for paths is told and not taken over: a mapping of prefixes limits a policy"
PRIVATE = "an attribute of its own that it puts on requests"
REFERER = "replacing Referer was dropped by django-cors-headers 4; Django has CSRF_TRUSTED_ORIGINS"
CONSTANT = "where everyone may read, the answer depends on nothing, and Vary is not needed"

REFUSALS = [
    Refusal(NOBODY, "resp['Vary'] == 'Origin'", "CorsMiddlewareTests.test_get_origin_vary_by_default"),
    Refusal(NOT_EXPOSABLE, "resp[ACCESS_CONTROL_EXPOSE_HEADERS] == 'accept, origin, content-type'"),
    Refusal(WILD, "resp[ACCESS_CONTROL_ALLOW_CREDENTIALS] == 'true'"),
    Refusal(WILD, "resp[ACCESS_CONTROL_ALLOW_ORIGIN] == 'http://example.com'", "CorsMiddlewareTests.test_allow_all_origins_get"),
    Refusal(WILD, "resp[ACCESS_CONTROL_ALLOW_ORIGIN] == 'http://example.com'", "CorsMiddlewareTests.test_allow_all_origins_options"),
    Refusal(WILD, "resp[ACCESS_CONTROL_ALLOW_ORIGIN] == 'http://example.com'", "CorsMiddlewareTests.test_non_200_headers_still_set"),
    Refusal(WILD, "resp[ACCESS_CONTROL_ALLOW_ORIGIN] == 'http://example.com'", "CorsMiddlewareTests.test_auth_view_options"),
    Refusal(CONSTANT, "resp['Vary'] == 'Origin'", "CorsMiddlewareTests.test_allow_all_origins_get"),
    Refusal(CONSTANT, "resp['Vary'] == 'Origin'", "CorsMiddlewareTests.test_allow_all_origins_options"),
    Refusal(NULL, "resp[ACCESS_CONTROL_ALLOW_ORIGIN] == 'null'"),
    Refusal(FILES, "resp[ACCESS_CONTROL_ALLOW_ORIGIN] == 'file://'"),
    Refusal(NO_PREFLIGHT, test="CorsMiddlewareTests.test_options_allowed_origin"),
    Refusal(NO_PREFLIGHT, test="CorsMiddlewareTests.test_options_no_max_age"),
    Refusal(NO_PREFLIGHT, "resp.status_code == 200", "CorsMiddlewareTests.test_options"),
    Refusal(NO_PREFLIGHT, "resp.status_code == 200", "CorsMiddlewareTests.test_options_empty_request_method"),
    Refusal(REGEX, test="CorsMiddlewareTests.test_options_adds_origin_when_domain_found_in_allowed_regexes"),
    Refusal(REGEX, test="CorsMiddlewareTests.test_options_adds_origin_when_domain_found_in_allowed_regexes_second"),
    Refusal(CALLBACK, test="CorsMiddlewareTests.test_signal_handler_that_returns_true"),
    Refusal(CALLBACK, test="CorsMiddlewareTests.test_signal_handler_allow_some_urls_to_everyone"),
    Refusal(CALLBACK, test="CorsMiddlewareTests.test_signal_called_once_during_normal_flow"),
    Refusal(PATHS, test="CorsMiddlewareTests.test_get_regex_doesnt_match"),
    Refusal(PRIVATE, test="CorsMiddlewareTests.test_cors_enabled_is_attached_and_bool"),
    Refusal(NOBODY, "resp.status_code == 200", "CorsMiddlewareTests.test_signal_handler_that_returns_false"),
    Refusal(REFERER, test="RefererReplacementCorsMiddlewareTests.test_get_replaces_referer_when_secure"),
]


class InItsPlace:
    """Its CorsMiddleware as a migration of the settings of the moment makes it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        migration = from_django(settings)
        with override_settings(CORSAC=migration.document or {"/": None}):
            return corsac.django.CorsMiddleware(self.get_response)(request)


def alone(get_response):
    """Its CorsPostCsrfMiddleware, which it has no more."""
    return get_response


def view(request):
    return HttpResponse("ok")


def nothing(request):
    return HttpResponse(status=404 if request.method == "OPTIONS" else 200)


def unauthorized(request):
    return HttpResponse(status=401)


urlpatterns = [
    path("", nothing),
    path("foo/", view),
    path("api/something/", view),
    path("test-401/", unauthorized),
    path("delete-is-enabled/", view),
]

MODULES = {
    "corsheaders": ModuleType("corsheaders"),
    "corsheaders.middleware": ModuleType("corsheaders.middleware"),
    "tests": ModuleType("tests"),
    "tests.utils": ModuleType("tests.utils"),
}
signal = Signal()


@contextlib.contextmanager
def handling(handler):
    signal.connect(handler)
    try:
        yield
    finally:
        signal.disconnect(handler)


vars(MODULES["corsheaders.middleware"]).update(
    {f"ACCESS_CONTROL_{name}": f"Access-Control-{name.replace('_', '-').title()}" for name in (
        "ALLOW_CREDENTIALS", "ALLOW_HEADERS", "ALLOW_METHODS", "ALLOW_ORIGIN", "EXPOSE_HEADERS", "MAX_AGE")},
    CorsMiddleware=InItsPlace, CorsPostCsrfMiddleware=alone,
)  # fmt: skip
vars(MODULES["tests.utils"]).update(
    append_middleware=lambda path: modify_settings(MIDDLEWARE={"append": path}),
    prepend_middleware=lambda path: modify_settings(MIDDLEWARE={"prepend": path}),
    temporary_check_request_hander=handling,
)


def loaded():
    text = fetch("django-cors-headers", VERSION, [FILE])[FILE]
    # There is no database, and no test needs one.
    assert "from django.test import TestCase\n" in text
    text = text.replace("from django.test import TestCase\n", "from django.test import SimpleTestCase as TestCase\n")
    outcomes = Outcomes()
    return outcomes, load("tests.test_middleware", FILE, text, outcomes, MODULES)


OUTCOMES, MODULE = loaded()
TESTS = {
    f"{group.__name__}.{name}": (group, name)
    for group in vars(MODULE).values()
    if isinstance(group, type) and issubclass(group, SimpleTestCase) and group is not SimpleTestCase
    for name in vars(group)
    if name.startswith("test_")
}
used: set[Refusal] = set()
counts = {"held": 0, "refused": 0}


@pytest.fixture
def modules(monkeypatch):
    for name, module in {**MODULES, "tests.test_middleware": MODULE}.items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize("test", TESTS)
def test_django_cors_headers(modules, test):
    group, name = TESTS[test]
    OUTCOMES.of_test.clear()
    base = {"ROOT_URLCONF": __name__, "MIDDLEWARE": ["corsheaders.middleware.CorsMiddleware"]}
    group.setUpClass()
    try:
        # Its own settings go before.
        own = getattr(group, "_overridden_settings", None) or {}
        with override_settings(**(base | own)):
            result = unittest.TestResult()
            group(name)(result)
    finally:
        group.doClassCleanups()
    assert [error for _, error in result.errors + result.failures] == []
    assert OUTCOMES.of_test, "it asserts nothing"
    assert judge(test, OUTCOMES, REFUSALS, used) == []
    for outcome in OUTCOMES.of_test.values():
        counts["held" if all(outcome.held) else "refused"] += 1


def test_it_is_the_whole_file_and_every_refusal_is_needed():
    assert len(TESTS) > 40 and test_django
    assert [refusal for refusal in REFUSALS if refusal not in used] == []
    print(f"django-cors-headers: {counts['held']} assertions hold, {counts['refused']} are refused with a reason")
    assert counts["held"] > counts["refused"]
