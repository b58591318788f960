"""The Python package: types, errors, files, threads, and the example server."""

import ast
import copy
import gc
import http.client
import inspect
import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections import ChainMap, OrderedDict, UserDict, deque
from email.message import Message
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import get_args

import pytest

import corsac
from conftest import PACKAGE
from corsac import Decision, Policy, PolicyError, Problem

ROOT = Path(__file__).resolve().parents[3]
APP = "https://app.example.com"


@pytest.fixture
def policy():
    return Policy(
        allow_origins=[APP, "https://*.example.net"],
        allow_methods=["PUT"],
        allow_headers=["x-token"],
        expose_headers=["etag"],
        max_age=600,
    )


def problems_of(build):
    with pytest.raises(PolicyError) as raised:
        build()
    return raised.value.problems


def codes_of(build):
    return [(problem.code, problem.path) for problem in problems_of(build)]


# Policies from documents and keywords


def test_a_document_and_keywords_make_equal_policies():
    document = {"allow_origins": [APP], "allow_credentials": True}
    assert Policy(document) == Policy(**document) == Policy.from_json(json.dumps(document))
    assert hash(Policy(document)) == hash(Policy(**document))
    assert Policy(document) != Policy(allow_origins=[APP])
    assert Policy(document) != document


@pytest.mark.parametrize(
    "make", [dict, OrderedDict, UserDict, MappingProxyType, lambda document: ChainMap({}, document)]
)
def test_a_document_is_any_mapping(make):
    assert Policy(make({"allow_origins": [APP]})).document() == '{"allow_origins":["https://app.example.com"]}'


@pytest.mark.parametrize("make", [list, tuple, deque, set, frozenset])
def test_a_list_is_any_sequence_or_set(make):
    assert Policy(allow_origins=make([APP])) == Policy(allow_origins=[APP])


def test_a_set_gives_the_same_document_in_every_process():
    names = {f"x-{number}" for number in range(50)}
    assert Policy(allow_origins="*", allow_headers=names) == Policy(allow_origins="*", allow_headers=sorted(names))


class Origin(str, Enum):
    APP = APP


def test_a_str_may_be_of_a_subclass():
    assert Policy(allow_origins=[Origin.APP]) == Policy(allow_origins=[APP])


def test_a_document_and_keywords_at_once_are_a_type_error():
    for document in ({}, {"allow_origins": [APP]}):
        with pytest.raises(TypeError, match="a document or keywords, not both"):
            Policy(document, max_age=5)


def test_none_means_absent():
    assert Policy(None, allow_origins=[APP], max_age=None) == Policy(allow_origins=[APP])
    assert Policy({"allow_origins": [APP], "max_age": None, "allow_headers": None}) == Policy(allow_origins=[APP])
    assert codes_of(lambda: Policy(None)) == [("missing-allow-origins", "")]
    assert codes_of(lambda: Policy(allow_origins=None)) == [("missing-allow-origins", "")]
    assert codes_of(Policy) == [("missing-allow-origins", "")]
    # In a list it is a value, as null is in JSON.
    assert codes_of(lambda: Policy(allow_origins=[APP, None])) == [("wrong-type", "allow_origins[1]")]


WHOLE_RULE = {
    "allow_origins": [APP, "null"], "allow_methods": ["PUT"], "allow_headers": ["content-type"],
    "expose_headers": ["etag"], "allow_credentials": False, "max_age": 5, "timing_allow_origin": True,
    "dangerously_allow": ["null-origin"], "name": "app", "description": "The application",
}
SETTINGS = {
    "preflight_status": 200, "refused_requests": "forbid", "own_origins": ["https://own.example"],
    "foreign_headers": "keep", "expect": {"allow": [APP], "refuse": ["https://evil.example"]},
    "acknowledge": ["duplicate"],
}


def test_every_key_of_the_language_is_a_keyword():
    one = WHOLE_RULE | SETTINGS
    assert Policy(**one) == Policy(one) == Policy.from_json(json.dumps(one))
    several = {"name": "all", "description": "x", "rules": [WHOLE_RULE, {"allow_origins": ["https://b.example"]}], **SETTINGS}
    policy = Policy(**several)
    assert policy == Policy(several) == Policy.from_json(json.dumps(several))
    assert list(json.loads(policy.document())) == [*several]
    assert Policy({"$schema": "policy.schema.json", **one}) == Policy.from_json(json.dumps({**one, "$schema": "policy.schema.json"}))


def test_a_document_has_tuples_sets_and_mappings_at_any_depth():
    plain = Policy(rules=[{"allow_origins": [APP], "allow_methods": ["PUT"]}], expect={"allow": [APP]})
    rules = (MappingProxyType({"allow_origins": {APP}, "allow_methods": ("PUT",)}),)
    assert Policy(rules=rules, expect=UserDict(allow=deque([APP]))) == plain


def test_the_types_of_documents_name_the_keys_of_the_language():
    rule = corsac.RuleDocument.__annotations__
    assert set(rule) == set(WHOLE_RULE)
    one, several = get_args(corsac.PolicyDocument)
    assert set(one.__annotations__) == {*WHOLE_RULE, *SETTINGS, "$schema"}
    assert set(several.__annotations__) == {"rules", "name", "description", *SETTINGS, "$schema"}
    assert set(corsac.Expectations.__annotations__) == set(SETTINGS["expect"])
    assert rule.keys() == corsac.RuleDocument.__required_keys__ | corsac.RuleDocument.__optional_keys__
    assert corsac.RuleDocument.__required_keys__ == {"allow_origins"}
    assert several.__required_keys__ == {"rules"}


def test_none_is_absent_at_any_depth_but_not_in_a_list():
    absent = {"rules": [{"allow_origins": [APP], "max_age": None}], "expect": {"allow": None, "refuse": []}}
    assert Policy(absent) == Policy(**absent, name=None) == Policy(rules=[{"allow_origins": [APP]}])
    assert codes_of(lambda: Policy(rules=[None])) == [("wrong-type", "rules[0]")]
    assert codes_of(lambda: Policy(allow_origins=[APP], expect={"allow": [None]})) == [("wrong-type", "expect.allow[0]")]


def test_a_problem_in_a_rule_has_its_path():
    rules = [{"allow_origins": [APP], "own_origins": []}, {"alow_origins": "*"}]
    assert codes_of(lambda: Policy(rules=rules, max_age=5, expect={"alow": []})) == [
        ("top-level-key-in-rule", "rules[0].own_origins"),
        ("missing-allow-origins", "rules[1]"),
        ("unknown-key", "rules[1].alow_origins"),
        ("key-beside-rules", "max_age"),
        ("unknown-key", "expect.alow"),
    ]
    assert codes_of(lambda: Policy(allow_origins=[APP], expect={"refuse": [APP]})) == [
        ("expectation-failed", "expect.refuse[0]")
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([APP], "document must be a mapping, not list"),
        (5, "document must be a mapping, not int"),
        ("{}", "document must be a mapping, not str: Policy.from_json reads text"),
        (b"{}", "document must be a mapping, not bytes: Policy.from_json reads text"),
        ({b"allow_origins": [APP]}, "keys of document must be str, not bytes: b'allow_origins'"),
        ({5: None}, "keys of document must be str, not int: 5"),
        ({"allow_origins": [b"x"]}, "allow_origins[0] must be str, not bytes"),
        ({"allow_origins": b"*"}, "allow_origins must be str, not bytes"),
        ({"allow_origins": [APP, bytearray()]}, "allow_origins[1] must be str, not bytearray"),
        ({"allow_origins": [memoryview(b"")]}, "allow_origins[0] must be str, not memoryview"),
        ({"allow_origins": [object()]}, "allow_origins[0] must be str, not object"),
        ({"allow_origins": object()}, "allow_origins must be a value of JSON, not object"),
        ({"allow_origins": (origin for origin in [APP])}, "allow_origins must be a value of JSON, not generator"),
        ({"max_age": 1j}, "max_age must be a value of JSON, not complex"),
        ({"max_age": float("nan")}, "max_age must be a value of JSON, not NaN"),
        ({"max_age": float("inf")}, "max_age must be a value of JSON, not inf"),
        ({"rules": [{"allow origins": [b"x"]}]}, 'rules[0]["allow origins"][0] must be str, not bytes'),
        ({"rules": [{5: 1}]}, "keys of rules[0] must be str, not int: 5"),
        ({"rules": [{}, object()]}, "rules[1] must be a mapping, not object"),
        ({"rules": [b"{}"]}, "rules[0] must be a mapping, not bytes"),
        ({"rules": object()}, "rules must be a value of JSON, not object"),
        ({"rules": ({"name": b"x"},)}, "rules[0].name must be str, not bytes"),
        ({"rules": [{"dangerously_allow": [object()]}]}, "rules[0].dangerously_allow[0] must be str, not object"),
        ({"expect": {"allow": [None, b"x"]}}, "expect.allow[1] must be str, not bytes"),
        ({"expect": {"refuse": object()}}, "expect.refuse must be a value of JSON, not object"),
        ({"own_origins": {b"x"}}, "own_origins[0] must be str, not bytes"),
        ({"max_age": 10**5000}, "max_age must be a value of JSON, not an int of 16610 bits"),
        ({"rules": [{"max_age": -(1 << 2048)}]}, "rules[0].max_age must be a value of JSON, not an int of 2049 bits"),
    ],
)
def test_what_json_cannot_say_is_a_type_error_that_names_the_path(document, message):
    with pytest.raises(TypeError, match="^" + re.escape(message) + "$"):
        Policy(document)


def test_a_list_that_holds_itself_is_a_type_error():
    origins = []
    origins.append(origins)
    with pytest.raises(TypeError, match="nested more than 32 levels deep"):
        Policy(allow_origins=origins)


@pytest.mark.parametrize(
    ("keywords", "code", "path", "value", "suggestion"),
    [
        ({"allow_origins": APP}, "wrong-type", "allow_origins", APP, f'["{APP}"]'),
        ({"max_age": True}, "wrong-type", "max_age", "true", None),
        ({"max_age": 600.0}, "wrong-type", "max_age", "600.0", "600"),
        ({"max_age": 1e300}, "wrong-type", "max_age", "1e+300", None),
        ({"max_age": "600"}, "wrong-type", "max_age", "600", "600"),
        ({"max_age": -1}, "max-age-out-of-range", "max_age", "-1", "0"),
        ({"max_age": 10**30}, "max-age-out-of-range", "max_age", str(10**30), "86400"),
        ({"max_age": {}}, "wrong-type", "max_age", "{}", None),
        ({"allow_credentials": 1}, "wrong-type", "allow_credentials", "1", None),
        ({"allow_credentials": "true"}, "wrong-type", "allow_credentials", "true", "true"),
        ({"max_ag": 5}, "unknown-key", "max_ag", "max_ag", "max_age"),
        ({"allow_origins": ["\ud800"]}, "invalid-string", "allow_origins[0]", '"\\ud800"', None),
        ({"rules": None, "max_age": 10**500}, "max-age-out-of-range", "max_age", str(10**500), "86400"),
        ({"allow_methods": ['"\\\n\x7f']}, "invalid-method", "allow_methods[0]", '"\\\n\x7f', None),
    ],
)
def test_a_wrong_value_is_a_problem_without_line_and_column(keywords, code, path, value, suggestion):
    document = {"allow_origins": [APP], **keywords}
    problem = problems_of(lambda: Policy(document))[0]
    assert (problem.code, problem.path, problem.value, problem.suggestion) == (code, path, value, suggestion)
    assert (problem.line, problem.column) == (None, None)


def test_a_pair_of_surrogates_is_the_character_as_in_json():
    assert codes_of(lambda: Policy(allow_origins=[APP], allow_headers=["\ud83d\ude00"])) == [
        ("invalid-header-name", "allow_headers[0]")
    ]


# Text and files


def test_text_is_str_or_bytes():
    text = '{"allow_origins":["https://app.example.com"]}'
    assert Policy.from_json(text) == Policy.from_json(text.encode())
    for wrong in (None, 5, {}, bytearray(b"{}"), memoryview(b"{}")):
        with pytest.raises(TypeError, match=f"text must be str or bytes, not {type(wrong).__name__}"):
            Policy.from_json(wrong)


def test_text_that_is_no_utf_8_is_a_problem_with_its_place():
    for text in (b'{\n"allow_origins": "\xff"}', '{\n"allow_origins": "\udcff"}'):
        (problem,) = problems_of(lambda: Policy.from_json(text))
        assert (problem.code, problem.line, problem.column) == ("not-utf-8", 2, 19)


def test_an_error_lists_every_problem_with_its_place():
    text = '{\n  "allow_origins": ["https://a.example/", "b.example"],\n  "max_age": 90000}'
    with pytest.raises(PolicyError) as raised:
        Policy.from_json(text)
    error = raised.value
    assert isinstance(error, ValueError)
    assert [(problem.path, problem.line, problem.column) for problem in error.problems] == [
        ("allow_origins[0]", 2, 21),
        ("allow_origins[1]", 2, 43),
        ("max_age", 3, 14),
    ]
    assert str(error) == "\n".join(map(str, error.problems))
    assert str(error).startswith("2:21: allow_origins[0]: ")
    assert error.problems[2].suggestion == "86400"
    assert error.unreported == 0


def test_more_than_a_thousand_problems_are_counted():
    with pytest.raises(PolicyError) as raised:
        Policy(allow_origins=["x"] * 1500)
    assert len(raised.value.problems) == 1000
    assert raised.value.unreported == 500
    assert str(raised.value).endswith("\n(and 500 more)")


@pytest.mark.parametrize("make", [str, Path])
def test_a_file_is_named_by_str_or_path(tmp_path, make):
    path = tmp_path / "policy.json"
    path.write_text('{"allow_origins": ["https://App.example.com"]}')
    policy = Policy.from_file(make(path))
    assert policy == Policy(allow_origins=[APP])
    assert policy.warnings[0].line == 1


def test_the_error_of_a_file_names_it(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text('{"allow_origins": [],\n"x": 1}')
    with pytest.raises(PolicyError) as raised:
        Policy.from_file(path)
    assert [line.split(": ")[0] for line in str(raised.value).splitlines()] == [f"{path}:1:19", f"{path}:2:1"]


def test_a_file_that_cannot_be_read_is_an_os_error_that_names_the_path(tmp_path):
    missing = tmp_path / "missing.json"
    with pytest.raises(FileNotFoundError) as raised:
        Policy.from_file(missing)
    assert raised.value.filename == str(missing)
    assert str(missing) in str(raised.value)
    with pytest.raises(IsADirectoryError) as raised:
        Policy.from_file(str(tmp_path))
    assert raised.value.filename == str(tmp_path)
    with pytest.raises((OSError, ValueError)):
        Policy.from_file("a\0b")
    for wrong in (None, 5, b"policy.json"):
        with pytest.raises(TypeError):
            Policy.from_file(wrong)


# Requests


def test_str_and_bytes_say_the_same(policy):
    lines = [("Origin", APP), ("Access-Control-Request-Method", "PUT"), ("Host", "a")]
    as_bytes = [(name.encode(), value.encode()) for name, value in lines]
    decisions = {
        policy.evaluate(method, headers)
        for method in ("OPTIONS", b"OPTIONS")
        for headers in (
            lines, as_bytes, tuple(lines), iter(lines), dict(lines), dict(as_bytes), UserDict(lines),
            dict(lines).items(), [list(line) for line in lines], [lines[0], as_bytes[1]],
            {"ORIGIN": [APP], "access-control-request-method": (b"PUT",)},
        )
    }
    assert len(decisions) == 1
    assert decisions.pop().kind == "preflight"


def test_a_mapping_may_have_several_items_of_a_name(policy):
    headers = Message()
    headers["Origin"] = APP
    assert policy.evaluate("GET", headers).reason == "allowed"
    headers["Origin"] = APP
    assert policy.evaluate("GET", headers).reason == "malformed-origin"


def test_a_list_of_values_is_several_lines(policy):
    assert policy.evaluate("GET", {"Origin": [APP]}).reason == "allowed"
    assert policy.evaluate("GET", {"Origin": [APP, APP]}).reason == "malformed-origin"
    assert policy.evaluate("GET", {"Origin": []}).reason == "not-cors"
    assert policy.evaluate("GET", {"Origin": ""}).reason == "malformed-origin"


def test_a_character_beyond_a_byte_never_matches(policy):
    # Each of these reads as an allowed text when only the low byte of a character is looked at.
    low_byte = "".join(chr(ord(c) + 0x100) for c in APP)
    for origin in (APP[:-1] + "\u016d", low_byte, APP + "\ud800", APP + "\u00e9", APP + "\U0001f600", "\u212apple://x"):
        assert policy.evaluate("GET", {"Origin": origin}).reason == "malformed-origin"
        assert not policy.allows_origin(origin, False)
    preflight = {"Origin": APP, "Access-Control-Request-Method": "PU\u0154"}
    assert policy.evaluate("OPTIONS", preflight).reason == "malformed-request-method"
    preflight["Access-Control-Request-Method"] = "PUT"
    for headers in ("x-to\u016ben", "x-\u212atoken", "x-token,\ud800"):
        preflight["Access-Control-Request-Headers"] = headers
        assert policy.evaluate("OPTIONS", preflight).reason == "malformed-request-headers"
    assert policy.evaluate("OPTION\u0153", preflight).kind == "actual"
    for name in ("Or\u0131gin", "Origin\ud800", "\u014frigin"):
        assert policy.evaluate("GET", {name: APP}).kind == "not-cors"
    refused = {"Origin": "https://own.example", "Host": "own.examp\u016ce"}
    assert policy.evaluate("POST", refused).reason == "origin-not-allowed"
    refused["Host"] = "own.example"
    assert policy.evaluate("POST", refused).reason == "same-origin"


def test_a_character_beyond_a_byte_counts_as_one():
    preflight = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    named, echoing = Policy(allow_origins=[APP]), Policy(allow_origins=[APP], allow_headers="*", allow_credentials=True)
    for policy, limit in ((named, 8192), (echoing, 1024)):
        for character, units in (("\u0165", 1), ("\u20ac", 1), ("\ud800", 1), ("\U0001f600", 2), ("\u00ff", 1)):
            for count, reason in ((limit, "malformed-request-headers"), (limit + units, "request-headers-too-large")):
                headers = preflight | {"Access-Control-Request-Headers": character * (count // units)}
                assert policy.evaluate("OPTIONS", headers).reason == reason, (character, count)
    # A line for a log tells the bytes.
    assert str(named.evaluate("GET", {"Origin": "\u0165\u00e9\udc00"})).endswith(r'origin="\xff\xe9\xff"')


def test_latin_1_counts_a_byte_a_character():
    policy = Policy(allow_origins=[APP], allow_headers="*")
    for count, reason in ((8192, "malformed-request-headers"), (8193, "request-headers-too-large")):
        for value in ("\u00e9" * count, b"\xe9" * count):
            headers = {"Origin": APP, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": value}
            assert policy.evaluate("OPTIONS", headers).reason == reason


@pytest.mark.parametrize(
    ("method", "headers", "message"),
    [
        (None, {}, "method must be str or bytes, not NoneType"),
        (bytearray(b"GET"), {}, "method must be str or bytes, not bytearray"),
        ("GET", None, "headers must be a mapping or an iterable of pairs, not NoneType"),
        ("GET", 5, "headers must be a mapping or an iterable of pairs, not int"),
        ("GET", "", "headers must be a mapping or an iterable of pairs, not str"),
        ("GET", b"", "headers must be a mapping or an iterable of pairs, not bytes"),
        ("GET", ["ab"], "a header must be a pair of name and value, not 'ab'"),
        ("GET", [("Origin",)], "a header must be a pair of name and value, not ('Origin',)"),
        ("GET", [("Origin", APP, 1)], f"a header must be a pair of name and value, not ('Origin', '{APP}', 1)"),
        ("GET", {5: APP}, "the name of a header must be str or bytes, not int"),
        ("GET", {"Origin": None}, "the value of Origin must be str or bytes, not NoneType"),
        ("GET", {"Origin": [5]}, "the value of Origin must be str or bytes, not int"),
        ("GET", [(b"host", 5)], "the value of Host must be str or bytes, not int"),
    ],
)
def test_a_wrong_type_is_a_type_error(policy, method, headers, message):
    with pytest.raises(TypeError, match="^" + re.escape(message) + "$"):
        policy.evaluate(method, headers)


def test_an_error_of_the_callers_iterator_comes_out(policy):
    def headers():
        yield "Origin", APP
        raise RuntimeError("disconnected")

    with pytest.raises(RuntimeError, match="disconnected"):
        policy.evaluate("GET", headers())


def test_values_of_other_headers_are_not_looked_at(policy):
    assert policy.evaluate("GET", {"Content-Length": 5, "Origin": APP}).allowed


def test_arguments_have_names(policy):
    assert policy.evaluate(method="GET", headers={}).reason == "not-cors"
    assert policy.allows_origin(origin=APP, credentials=False)


def test_allows_origin(policy):
    assert policy.allows_origin(APP, credentials=False) is True
    assert policy.allows_origin(APP.encode(), False) is True
    assert policy.allows_origin(APP) is False
    assert policy.allows_origin(None, False) is False
    assert Policy(allow_origins=[APP], allow_credentials=True).allows_origin(APP) is True
    assert Policy(allow_origins="*").allows_origin("", False) is False
    for wrong in (5, [APP], bytearray(APP.encode())):
        with pytest.raises(TypeError, match="origin must be str or bytes"):
            policy.allows_origin(wrong)
    with pytest.raises(TypeError):
        policy.allows_origin(APP, 1)


# Decisions


def test_a_decision_tells_what_to_do(policy):
    decision = policy.evaluate("OPTIONS", {"Origin": APP, "Access-Control-Request-Method": "PUT"})
    assert (decision.kind, decision.action, decision.status) == ("preflight", "respond", 204)
    assert (decision.allowed, decision.reason, decision.rule, decision.rule_name) == (True, "allowed", 0, None)
    assert decision.headers == (
        ("vary", "Vary", "Origin"),
        ("set", "Access-Control-Allow-Origin", APP),
        ("set", "Access-Control-Allow-Methods", "GET,HEAD,POST,PUT"),
        ("set", "Access-Control-Allow-Headers", "x-token"),
        ("set", "Access-Control-Max-Age", "600"),
    )
    assert repr(decision) == (
        "<Decision kind=preflight action=respond status=204 allowed=True reason=allowed rule=0 "
        f"headers={decision.headers!r}>"
    )


def test_constants_are_interned(policy):
    decision = policy.evaluate("GET", {"Origin": APP})
    for text in (decision.kind, decision.action, decision.reason, *(edit[0] for edit in decision.headers)):
        assert text is sys.intern(str(text))
    assert all(name is sys.intern(name) for _, name, _ in decision.headers)


def test_decisions_that_do_the_same_are_equal(policy):
    assert policy.evaluate("GET", {}) is policy.evaluate("POST", {"Host": "a"})
    evil = {"Origin": "https://evil.example"}
    assert policy.evaluate("GET", evil) == policy.evaluate("GET", {"Origin": "https://other.example"})
    assert policy.evaluate("GET", evil).headers is policy.evaluate("GET", {"Origin": "https://other.example"}).headers
    assert policy.evaluate("GET", evil) != policy.evaluate("GET", {"Origin": "x"})
    first, second = (policy.evaluate("GET", {"Origin": f"https://{name}.example.net"}) for name in "ab")
    assert first != second
    assert first == policy.evaluate(b"GET", {"Origin": b"https://a.example.net"})
    assert hash(first) == hash(policy.evaluate("POST", {"Origin": "https://a.example.net"}))


def test_decisions_of_rules_with_other_names_differ():
    one, other, same = (Policy(allow_origins=[APP], name=name) for name in ("one", "other", "one"))
    assert one.evaluate("GET", {"Origin": APP}) == same.evaluate("GET", {"Origin": APP})
    assert one.evaluate("GET", {"Origin": APP}) != other.evaluate("GET", {"Origin": APP})
    assert one.evaluate("GET", {}) == other.evaluate("GET", {})


def test_rules_and_statuses_do_not_mix():
    rules = [
        {"allow_origins": [APP], "name": "first", "allow_credentials": True, "timing_allow_origin": True},
        {"allow_origins": ["https://b.example"], "max_age": 5},
        {"allow_origins": ["https://c.example"], "name": "third", "allow_methods": ["PUT"]},
    ]
    kept, forbidden = Policy(rules=rules), Policy(rules=rules, refused_requests="forbid", preflight_status=200)
    preflight = {"Access-Control-Request-Method": "PUT"}
    for _ in range(2):
        for policy, refused, answered in ((kept, ("forward", 0), 204), (forbidden, ("respond", 403), 200)):
            for rule, (origin, name) in enumerate(((APP, "first"), ("https://b.example", None), ("https://c.example", "third"))):
                actual = policy.evaluate("GET", {"Origin": origin})
                assert (actual.rule, actual.rule_name, actual.status, actual.allowed) == (rule, name, 0, True)
                assert ("set", "Access-Control-Allow-Origin", origin) in actual.headers
                assert (("set", "Timing-Allow-Origin", origin) in actual.headers) is (rule == 0)
                asked = policy.evaluate("OPTIONS", {"Origin": origin, **preflight})
                assert (asked.rule, asked.rule_name, asked.status) == (rule, name, answered)
                assert asked.reason == ("allowed" if rule == 2 else "method-not-allowed")
            for origin, reason in (("https://evil.example", "origin-not-allowed"), ("x", "malformed-origin"), ("null", "null-origin-not-allowed")):
                decision = policy.evaluate("GET", {"Origin": origin})
                assert (decision.action, decision.status) == refused
                assert (decision.reason, decision.rule, decision.rule_name) == (reason, None, None)
                assert policy.evaluate("OPTIONS", {"Origin": origin, **preflight}).status == 403
            own = policy.evaluate("POST", {"Origin": "https://own.example", "Host": "own.example"})
            assert (own.reason, own.action, own.status) == ("same-origin", "forward", 0)
            assert policy.evaluate("GET", {}).status == 0


def test_a_decision_is_one_line_for_a_log():
    policy = Policy(allow_origins=[APP], name='a "b"')
    lines = [["Origin", APP], ["Access-Control-Request-Method", "PUT"]]
    decision = policy.evaluate("OPTIONS", lines)
    lines[0][1] = lines[1][1] = "changed"
    lines.clear()
    reference = weakref.ref(policy)
    del policy
    gc.collect()
    line = f'preflight refused method-not-allowed rule=0 name="a \\x22b\\x22" origin="{APP}" method="PUT" headers=""'
    assert str(decision) == f"{decision}" == line
    assert decision.rule_name == 'a "b"'
    assert reference() is not None  # the decision needs it
    del decision
    gc.collect()
    assert reference() is None
    policy = Policy(allow_origins=[APP])
    assert str(policy.evaluate("GET", {})) == "not-cors allowed not-cors rule=-"
    evil = policy.evaluate("GET", {"Origin": "https://evil.example/\n\u00e9" + "x" * 200})
    assert str(evil) == r'actual refused malformed-origin rule=- origin="https://evil.example/\x0a\xe9' + "x" * 105 + '"...'
    several = policy.evaluate("GET", {"Origin": [APP, APP]})
    assert str(several) == "actual refused malformed-origin rule=- origin=several"
    assert str(Policy(allow_origins="*").evaluate("GET", {"Origin": b"x"})) == 'actual allowed allowed rule=0 origin="x"'


def test_a_decision_keeps_nothing_that_could_change_or_refer_to_it(policy):
    class Text(str):
        pass

    value = Text("https://evil.example")
    value.decision = policy.evaluate("GET", {"Origin": value})
    assert str(value.decision).endswith('origin="https://evil.example"')
    reference = weakref.ref(value)
    del value
    assert reference() is None


def test_an_origin_of_a_subclass_of_str_is_not_kept(policy):
    value = policy.evaluate("GET", {"Origin": Origin.APP}).headers[1][2]
    assert type(value) is str and value == APP


def test_values_that_others_own_are_immutable(policy):
    decision = policy.evaluate("GET", {})
    problem = problems_of(lambda: Policy())[0]
    for value, name in ((policy, "warnings"), (policy, "warnings_unreported"), (decision, "allowed"), (decision, "headers"), (problem, "code")):
        with pytest.raises(AttributeError):
            setattr(value, name, None)
        with pytest.raises(AttributeError):
            delattr(value, name)
        with pytest.raises(AttributeError):
            value.something = 1
    with pytest.raises(TypeError):
        Decision()
    for final in (Policy, Decision, Problem):
        with pytest.raises(TypeError):
            type("Sub", (final,), {})


# Policies as values


def test_a_policy_copies_and_pickles(policy):
    assert copy.copy(policy) is policy
    assert copy.deepcopy({"policy": policy})["policy"] is policy
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(policy, protocol)) == policy
    decision = policy.evaluate("GET", {})
    assert copy.copy(decision) is decision and copy.deepcopy(decision) is decision


def test_an_error_pickles_with_its_problems():
    with pytest.raises(PolicyError) as raised:
        Policy(allow_origins=["x"], max_age=-1)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.problems, again.unreported) == (str(raised.value), raised.value.problems, 0)
    assert PolicyError("made by hand").problems == ()


def test_problems_are_values():
    (problem,) = problems_of(lambda: Policy(allow_origins=["https://a.example/"]))
    assert repr(problem) == (
        "Problem(code='origin-with-trailing-slash', path='allow_origins[0]', value='https://a.example/', "
        f"message={problem.message!r}, suggestion='https://a.example', line=None, column=None)"
    )
    again = eval(repr(problem))
    assert again == problem and hash(again) == hash(problem)
    assert str(problem) == f"allow_origins[0]: {problem.message}"
    assert str(Problem("c", "p", None, "m", line=1, column=2)) == "1:2: p: m"
    assert problem != Problem("c", "p", None, "m")
    match problem:
        case Problem("origin-with-trailing-slash", path):
            assert path == "allow_origins[0]"


def test_warnings_are_problems():
    policy = Policy(allow_origins=["https://APP.example.com", APP])
    assert [(warning.code, warning.path) for warning in policy.warnings] == [
        ("made-canonical", "allow_origins[0]"),
        ("duplicate", "allow_origins[1]"),
    ]
    assert all(warning.line is None for warning in policy.warnings)
    assert Policy(allow_origins=[APP]).warnings == ()
    assert policy.warnings_unreported == 0


def test_warnings_can_be_acknowledged():
    keywords = {"allow_origins": [APP], "allow_methods": ["GET"]}
    assert [warning.code for warning in Policy(**keywords).warnings] == ["safelisted-method"]
    assert Policy(**keywords, acknowledge=["safelisted-method"]).warnings == ()


def test_more_than_a_thousand_warnings_are_counted():
    policy = Policy(allow_origins=[APP] * 1501)
    assert (len(policy.warnings), policy.warnings_unreported) == (1000, 500)


def test_the_repr_of_a_policy_makes_it_again(policy):
    assert eval(repr(policy)) == policy
    assert len(repr(Policy(allow_origins=[f"https://{n}.example.com" for n in range(1000)]))) < 600


def test_a_policy_can_be_referenced_weakly():
    policy = Policy(allow_origins="*")
    reference = weakref.ref(policy)
    policy.evaluate("GET", {})
    del policy
    gc.collect()
    assert reference() is None


def test_evaluating_leaks_nothing(policy):
    headers = {"Origin": APP, "Host": "x", "Access-Control-Request-Method": "PUT\u00e9"}
    values = [*headers.values(), headers]
    before = [sys.getrefcount(value) for value in values]
    for _ in range(100):
        policy.evaluate("GET", headers)
        policy.evaluate("OPTIONS", headers)
        with pytest.raises(TypeError):
            policy.evaluate("GET", [*headers.items(), 5])
    assert [sys.getrefcount(value) for value in values] == before


def test_the_version_is_the_one_of_the_workspace():
    manifest = (ROOT / "Cargo.toml").read_text()
    assert corsac.__version__ == re.search(r'^version = "([^"]+)"', manifest, re.M)[1]


def test_every_public_name_has_a_docstring():
    for name in corsac.__all__:
        thing = getattr(corsac, name)
        assert thing.__doc__, name
        for member in vars(thing) if isinstance(thing, type) else ():
            value = getattr(thing, member)
            if not member.startswith("_") and callable(value):
                assert "Returns:" in value.__doc__, f"{name}.{member}"


def test_the_stubs_have_the_docstrings_of_the_module():
    stub = ast.parse((PACKAGE / "corsac/_native.pyi").read_text())
    told = 0
    for definition in ast.walk(stub):
        for node in (definition, *getattr(definition, "body", ())) if isinstance(definition, ast.ClassDef) else ():
            thing = getattr(corsac, definition.name, None)
            if thing is None or not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
                continue
            if node is not definition:
                thing = getattr(thing, node.name)
            if callable(thing):
                assert ast.get_docstring(node) == inspect.cleandoc(thing.__doc__), node.name
                told += 1
    assert told >= 9


# Threads and interpreters


def test_threads_share_a_policy():
    origins = [f"https://{number}.example.com" for number in range(200)]
    policy = Policy(allow_origins=origins, allow_credentials=True)
    wrong, start = [], threading.Barrier(8)

    def work(offset):
        start.wait()
        for turn in range(1000):
            origin = origins[(turn * 7 + offset) % 200]
            decision = policy.evaluate("GET", [(b"origin", origin.encode())])
            if decision.headers[1] != ("set", "Access-Control-Allow-Origin", origin):
                wrong.append(decision)
            if policy.evaluate("GET", {"Origin": origin + "x"}).allowed:
                wrong.append(origin)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_other_threads_run_while_a_large_policy_is_built():
    text = json.dumps({"allow_origins": [f"https://{number}.example.com" for number in range(300_000)]})
    built = threading.Event()
    turns = []

    def count():
        while not built.is_set():
            turns.append(None)
            built.wait(0.001)

    thread = threading.Thread(target=count)
    old = sys.getswitchinterval()
    sys.setswitchinterval(60)  # so that nothing but a release lets the other thread go on
    try:
        thread.start()
        before = len(turns)
        Policy.from_json(text)
        during = len(turns) - before
    finally:
        built.set()
        sys.setswitchinterval(old)
        thread.join()
    assert during > 2


def test_a_subinterpreter_is_refused_with_the_cure():
    code = f"import sys; sys.path.insert(0, {str(PACKAGE)!r})\ntry:\n    import corsac\nexcept ImportError as error:\n    print(error)"
    outer = f"""
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
interpreter = interpreters.create()
interpreters.run_string(interpreter, {code!r})
interpreters.destroy(interpreter)
import corsac
print(corsac.Policy(allow_origins="*").evaluate("GET", {{}}).reason)
"""
    output = run_python("-c", outer)
    assert "corsac cannot be imported in a subinterpreter" in output.splitlines()[0]
    assert "WSGIApplicationGroup %{GLOBAL}" in output.splitlines()[0]
    assert output.splitlines()[1] == "not-cors"


def environment():
    return {**os.environ, "PYTHONPATH": str(PACKAGE)}


def run_python(*arguments):
    command = [sys.executable, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment())
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_examples_of_the_package_are_true():
    assert "***Test Failed***" not in run_python(
        "-c", "import corsac, doctest, sys; sys.exit(doctest.testmod(corsac, optionflags=doctest.ELLIPSIS).failed)"
    )


# The example server

SERVER = ROOT / "bindings/python/examples/server.py"
POLICY = {
    "allow_origins": [APP], "allow_methods": ["PUT"], "allow_headers": ["x-token"],
    "expose_headers": ["etag"], "allow_credentials": True,
}


@pytest.fixture
def server(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(POLICY))
    command = [sys.executable, str(SERVER), "--policy", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            line = process.stdout.readline()
            yield int(re.fullmatch(r"listening http://127\.0\.0\.1:(\d+)\n", line)[1]), process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def test_the_example_server_applies_decisions_and_keeps_connections(server):
    port, process = server
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def ask(method, path, body=None, **headers):
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        body = response.read()
        headers = {}
        for name, value in response.getheaders():
            headers.setdefault(name.lower(), []).append(value)
        del headers["date"], headers["server"]
        return response.status, headers, body, json.loads(process.stdout.readline())

    application = {
        "content-type": ["application/json"], "etag": ['"v1"'], "x-total-count": ["42"], "x-secret": ["hidden"],
        "cache-control": ["no-store"], "content-length": ["29"], "vary": ["Accept-Encoding, Origin"],
    }
    granted = {"access-control-allow-origin": [APP], "access-control-allow-credentials": ["true"]}
    content = b'{"ok":true,"server":"python"}'

    status, headers, body, entry = ask("POST", "/x?y", body="posted", Origin=APP, Cookie="a=\u00e9")
    sock = connection.sock
    assert (status, body) == (200, content)
    assert headers == application | granted | {"access-control-expose-headers": ["etag"]}
    assert entry == {
        "method": "POST", "target": "/x?y", "kind": "actual", "action": "forward", "allowed": True,
        "reason": "allowed", "origin": APP, "request_method": None, "request_headers": None, "cookie": "a=\u00e9",
    }

    preflight = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "x-token"}
    status, headers, body, entry = ask("OPTIONS", "/", Origin=APP, **preflight)
    assert (status, body) == (204, b"")
    assert headers == granted | {
        "vary": ["Origin"],
        "access-control-allow-methods": ["GET,HEAD,POST,PUT"],
        "access-control-allow-headers": ["x-token"],
    }
    assert (entry["request_method"], entry["request_headers"]) == ("PUT", "x-token")

    status, headers, body, entry = ask("OPTIONS", "/", Origin="https://evil.example", **preflight)
    assert (status, headers, body) == (403, {"vary": ["Origin"], "content-length": ["0"]}, b"")
    assert entry["reason"] == "origin-not-allowed"

    status, headers, body, entry = ask("GET", "/status/404")
    assert (status, headers, body) == (404, application, content)
    status, headers, body, entry = ask("HEAD", "/", Origin="null")
    assert (status, headers, body) == (200, application, b"")
    status, headers, body, entry = ask("patch", "/status/204", Origin=APP)
    assert status == 204 and "content-length" not in headers
    status, headers, body, entry = ask("GET", "/status/205", Origin=APP)
    assert (status, body, headers["content-length"]) == (205, b"", ["0"])
    assert connection.sock is sock, "one connection took all of it"
    connection.close()


def test_the_example_server_shows_every_problem_of_its_policy(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text('{"allow_origins": ["https://a.example/"],\n "x": 1}')
    command = [sys.executable, str(SERVER), "--policy", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment())
    assert result.returncode == 2
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"{file}:1:20: origin-with-trailing-slash: allow_origins[0]: ")
    assert lines[1].startswith(f"{file}:2:2: unknown-key: x: ")
    assert len(lines) == 2


@pytest.mark.parametrize("length", ["-1", "abc", "", "1_0", "\u00b9", "9" * 5000, "+5", "5, 5"])
def test_the_example_server_refuses_a_length_that_makes_no_sense(server, length):
    port, _ = server
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode("latin-1"))
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_the_example_server_names_a_policy_file_that_it_cannot_read(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        command = [sys.executable, str(SERVER), "--policy", str(path)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment())
        assert result.returncode == 2
        assert str(path) in result.stderr and "Traceback" not in result.stderr


# The distribution


def test_the_distribution_has_the_licences_and_no_paths_of_a_machine():
    tomllib = pytest.importorskip("tomllib")  # from Python 3.11 on
    folder = ROOT / "bindings/python"
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["license-files"] == ["LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY.md"]
    for name in project["project"]["license-files"]:
        assert (folder / name).read_text() == (ROOT / name).read_text()
    assert project["tool"]["maturin"]["sbom"] == {"rust": False}
