"""Starlette's own tests of its CORSMiddleware, with corsac in its place, by way of its migration."""

import functools
import warnings
from types import ModuleType

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient
import starlette.middleware.cors

from corsac.asgi import CorsMiddleware
from corsac.migrate import from_starlette
from peers import Outcomes, Refusal, fetch, judge, load

VERSION = "1.10.0"
FILE = "tests/middleware/test_cors.py"

NO_BODY = "the answer to a preflight has no body"
ONE_VARY = "an answer names in Vary what it depends on and nothing else, so that a cache keeps one for all"
LISTED = "lists are sent as they are configured, in lower case, and not what every browser allows anyway"
NO_ECHO = "a policy without credentials sends its lists as *, which never depend on the request"
REGEX = "a policy has no regular expressions; the migration suggests a pattern and never takes it silently"
WILD = "everyone with credentials is refused: the migration lets everyone read without them"
CONSTANT = "* is sent to requests without Origin as well: what a cache keeps of them must not break others"
PNA = "browsers replaced Private Network Access by a question to the user"
REFUSED_403 = "a refused preflight is answered 403, and says nothing of the policy"
CAUSE = "a refused method or header is answered as if allowed, for the console of the browser to name the cause"

REFUSALS = [
    Refusal(NO_BODY, "response.text == 'OK'"),
    Refusal(
        ONE_VARY,
        "response.headers['vary'] == 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
        "Access-Control-Request-Private-Network'",
    ),
    Refusal(ONE_VARY, "response.headers['vary'] == 'Origin'", "test_cors_allow_all"),
    Refusal(ONE_VARY, "response.headers['vary'] == 'Origin'", "test_cors_allow_all_except_credentials"),
    Refusal(ONE_VARY, "response.headers['vary'] == 'Origin'", "test_cors_allow_all_methods"),
    Refusal(ONE_VARY, "response.headers['vary'] == 'Accept-Encoding, Accept-Language, Origin'"),
    Refusal(ONE_VARY, "'Access-Control-Request-Method' in response.headers['vary'].split(', ')"),
    Refusal(
        LISTED,
        "response.headers['access-control-allow-headers'] == 'Accept, Accept-Language, Content-Language, "
        "Content-Type, X-Example'",
    ),
    Refusal(LISTED, "response.headers['access-control-expose-headers'] == 'X-Status'"),
    Refusal(NO_ECHO, "response.headers['access-control-allow-headers'] == 'X-Example'"),
    Refusal(WILD, "response.headers['access-control-allow-origin'] == 'https://example.org'", "test_cors_allow_all"),
    Refusal(WILD, "response.headers['access-control-allow-credentials'] == 'true'", "test_cors_allow_all"),
    Refusal(WILD, test="test_preflight_allows_request_origin_if_origins_wildcard_and_credentials_allowed"),
    Refusal(CONSTANT, "'access-control-allow-origin' not in response.headers", "test_cors_allow_all"),
    Refusal(CONSTANT, "'access-control-allow-origin' not in response.headers", "test_cors_allow_all_except_credentials"),
    Refusal(REGEX, test="test_cors_allow_origin_regex"),
    Refusal(REGEX, test="test_cors_allow_origin_regex_fullmatch"),
    Refusal(REFUSED_403, "response.status_code == 400", "test_cors_disallowed_preflight"),
    Refusal(REFUSED_403, "response.text == 'Disallowed CORS origin, method, headers'"),
    Refusal(CAUSE, "response.text == 'Disallowed CORS headers'"),
    Refusal(CAUSE, "response.status_code == 400", "test_cors_preflight_rejects_custom_method_with_wildcard"),
    Refusal(CAUSE, "response.text == 'Disallowed CORS method'"),
    Refusal(PNA, test="test_cors_private_network_access_allowed"),
    Refusal(PNA, test="test_cors_private_network_access_disallowed"),
]


def in_its_place(app, **arguments):
    """CORSMiddleware as a migration makes it."""
    migration = from_starlette(arguments)
    return app if migration.document is None else CorsMiddleware(app, migration.policy())


def loaded():
    text = fetch("starlette", VERSION, [FILE])[FILE]
    outcomes = Outcomes()
    types = ModuleType("tests.types")
    types.TestClientFactory = object
    original = starlette.middleware.cors.CORSMiddleware
    starlette.middleware.cors.CORSMiddleware = in_its_place
    try:
        module = load("starlette_test_cors", FILE, text, outcomes, {"tests": ModuleType("tests"), "tests.types": types})
    finally:
        starlette.middleware.cors.CORSMiddleware = original
    return outcomes, {name: value for name, value in vars(module).items() if name.startswith("test_")}


@pytest.fixture(scope="module")
def suite():
    return loaded()


NAMES = [
    "test_cors_allow_all",
    "test_cors_allow_all_except_credentials",
    "test_cors_allow_specific_origin",
    "test_cors_disallowed_preflight",
    "test_preflight_allows_request_origin_if_origins_wildcard_and_credentials_allowed",
    "test_cors_preflight_allow_all_methods",
    "test_cors_preflight_rejects_custom_method_with_wildcard",
    "test_cors_allow_all_methods",
    "test_cors_allow_origin_regex",
    "test_cors_allow_origin_regex_fullmatch",
    "test_cors_vary_header_defaults_to_origin",
    "test_cors_vary_header_is_set_for_non_credentialed_request",
    "test_cors_vary_header_is_properly_set_for_credentialed_request",
    "test_cors_vary_header_is_properly_set_when_allow_origins_is_not_wildcard",
    "test_cors_allowed_origin_does_not_leak_between_requests",
    "test_cors_private_network_access_allowed",
    "test_cors_private_network_access_disallowed",
    "test_cors_vary_origin_with_gzip",
]

used: set[Refusal] = set()
counts = {"held": 0, "refused": 0}


@pytest.mark.parametrize("name", NAMES)
def test_starlette(suite, name):
    outcomes, functions = suite
    outcomes.of_test.clear()
    functions[name](test_client_factory=functools.partial(TestClient, backend="asyncio"))
    assert outcomes.of_test, "it asserts nothing"
    assert judge(name, outcomes, REFUSALS, used) == []
    for outcome in outcomes.of_test.values():
        counts["held" if all(outcome.held) else "refused"] += 1


def test_it_is_the_whole_file_and_every_refusal_is_needed(suite):
    _, functions = suite
    assert list(functions) == NAMES
    assert [refusal for refusal in REFUSALS if refusal not in used] == []
    print(f"starlette: {counts['held']} assertions hold, {counts['refused']} are refused with a reason")
    assert counts["held"] > counts["refused"]
