"""Reads the configuration of django-cors-headers, flask-cors or Starlette's CORSMiddleware, and tells
what becomes of it: a policy document, what cannot be carried over, and what was unsafe in it.

    >>> from corsac.migrate import from_starlette
    >>> migration = from_starlette(allow_origins=["https://app.example.com"], allow_origin_regex=r"https://.*\\.example\\.com")
    >>> migration.document["allow_origins"]
    ['https://app.example.com']
    >>> [(finding.setting, finding.suggestion) for finding in migration.lost]
    [('allow_origin_regex', 'https://*.example.com')]

On the command line:

    python -m corsac.migrate django mysite.settings
    python -m corsac.migrate flask config.py
    python -m corsac.migrate starlette arguments.json

A regular expression is never carried over. Where it reads like a pattern of corsac, that is offered as a
suggestion; whether it says what was meant is for people to decide.
"""

import argparse
import importlib
import json
import re
import runpy
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from corsac._native import Policy, PolicyError, Problem

__all__ = ["Finding", "Migration", "from_django", "from_flask", "from_starlette"]

Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One thing in a configuration that somebody should look at.

    Attributes:
        setting: Where it is, such as "CORS_ALLOWED_ORIGIN_REGEXES[0]".
        value: What stands there, as Python writes it.
        message: One sentence: what it does, and why it is not carried over, or unsafe.
        suggestion: What might be written instead; None where there is nothing to suggest.
    """

    setting: str
    value: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """The finding as one line."""
        instead = f" (perhaps: {self.suggestion})" if self.suggestion is not None else ""
        return f"{self.setting} = {self.value}: {self.message}{instead}"


@dataclass(frozen=True)
class Migration:
    """What becomes of a configuration.

    Attributes:
        document: A policy document of which a policy can be built. None if nobody is left that may read
            responses: then no policy is needed.
        prefixes: For flask-cors with resources: a mapping of path prefixes to documents, or to None where
            nobody may read; document is None then. Empty otherwise.
        lost: What the documents do not say, although the configuration did.
        unsafe: What the configuration allowed and nobody should; it is not in the documents, unless its
            message says so.
    """

    document: Document | None
    prefixes: dict[str, Document | None] = field(default_factory=dict)
    lost: tuple[Finding, ...] = ()
    unsafe: tuple[Finding, ...] = ()

    def policy(self) -> Policy | dict[str, Policy | None]:
        """Builds what an adapter takes as its policy.

        Returns:
            The policy of the document, or a mapping of the prefixes to policies. The latter is empty if
            the configuration allows nobody: every request is left alone.

        Raises:
            PolicyError: If the document was changed to one that has problems.
        """
        if self.document is not None:
            return Policy(self.document)
        return {prefix: Policy(document) if document else None for prefix, document in self.prefixes.items()}


def from_django(settings: object) -> Migration:
    """Reads the settings of django-cors-headers, old names included.

    What receivers of its signal check_request_enabled allow cannot be seen in settings: give corsac a
    function of the request in place of a policy.

    Args:
        settings: A mapping, a settings module, or django.conf.settings. What a setting that is missing
            means is what django-cors-headers 4 takes it for.

    Returns:
        The migration.
    """
    given = _Given(settings, lambda name: name.startswith("CORS_"))
    builder = _Builder()
    builder.document["preflight_status"] = 200

    everyone = given.take("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL", default=False)
    origins_name, origins = given.named("CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST", default=())
    regexes_name, regexes = given.named("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST", default=())
    credentials = bool(given.take("CORS_ALLOW_CREDENTIALS", default=False))
    if everyone:
        builder.origins("CORS_ALLOW_ALL_ORIGINS", "*", credentials)
    else:
        builder.origins(origins_name, _strings(origins), credentials)
        for index, regex in enumerate(_patterns(regexes)):
            builder.regex(f"{regexes_name}[{index}]", regex, re.match, credentials)
    if credentials:
        builder.document["allow_credentials"] = True

    methods = _strings(given.take("CORS_ALLOW_METHODS", default=("DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT")))
    builder.names("allow_methods", "CORS_ALLOW_METHODS", [method for method in methods if method not in _SAFELISTED_METHODS])
    headers = ("accept", "authorization", "content-type", "user-agent", "x-csrftoken", "x-requested-with")
    builder.names("allow_headers", "CORS_ALLOW_HEADERS", _strings(given.take("CORS_ALLOW_HEADERS", default=headers)))
    builder.names("expose_headers", "CORS_EXPOSE_HEADERS", _strings(given.take("CORS_EXPOSE_HEADERS", default=())))
    # It sends no header for 0.
    builder.age("CORS_PREFLIGHT_MAX_AGE", given.take("CORS_PREFLIGHT_MAX_AGE", default=86400) or None)

    urls = given.take("CORS_URLS_REGEX", default="^.*$")
    if _source(urls) not in _EVERY_PATH:
        prefix = _prefix_of(_source(urls))
        builder.lose(
            "CORS_URLS_REGEX",
            urls,
            "the document covers every path, which allows more than the setting did; a mapping of path prefixes "
            "to policies limits it",
            None if prefix is None else f"CORSAC = {{{prefix!r}: {{...}}}}",
        )
    if given.take("CORS_ALLOW_PRIVATE_NETWORK", default=False):
        builder.lose("CORS_ALLOW_PRIVATE_NETWORK", True, _PRIVATE_NETWORK)
    if "CORS_REPLACE_HTTPS_REFERER" in given.values:
        value = given.take("CORS_REPLACE_HTTPS_REFERER", default=False)
        message = "django-cors-headers dropped it, list the origins in Django's CSRF_TRUSTED_ORIGINS"
        builder.lose("CORS_REPLACE_HTTPS_REFERER", value, message)
    for name, value in given.rest():
        newer = _DJANGO_OLD_NAMES.get(name)
        reason = f"{newer} goes before it" if newer else "django-cors-headers does not know this setting"
        builder.lose(name, value, f"{reason}, it did nothing")
    return builder.migration(_DJANGO_NAMES)


def from_flask(options: object = None, /, **keywords: object) -> Migration:
    """Reads the options of flask-cors.

    Args:
        options: A mapping of options, such as the keyword arguments of CORS, or the configuration of a
            Flask application or a module that has them as CORS_ORIGINS, CORS_RESOURCES and so on.
        **keywords: The keyword arguments of CORS; they go before options.

    Returns:
        The migration. With resources, its prefixes have a document for each resource that reads like a
        prefix.
    """
    settings = _Given(options, lambda name: name.startswith("CORS_") or name in _FLASK_OPTIONS)
    merged = {name.removeprefix("CORS_").lower(): value for name, value in settings.values.items()}
    # The names under which the options were given, for the findings.
    spelled = {name.removeprefix("CORS_").lower(): name for name in settings.values}
    merged.update(keywords)
    spelled.update({name: name for name in keywords})
    resources = merged.pop("resources", None)
    where = spelled.get("resources", "resources")
    if resources is None or isinstance(resources, (str, re.Pattern)) and _source(resources) in _EVERY_RESOURCE:
        builder = _flask_document(merged, spelled, "")
        if options is not None and "origins" not in merged:
            message = "it is not here, so that everyone may read, which the document says too: look for it in the code"
            builder.warn("CORS_ORIGINS", "*", message)
        return builder.migration(_FLASK_NAMES)

    if isinstance(resources, Mapping):
        pairs = [(key, dict(value)) for key, value in resources.items()]
    else:
        pairs = [(key, {}) for key in _patterns(resources)]
    # Which of several resources decides is their order: literal ones first, then the longest.
    pairs.sort(key=lambda pair: (_is_regex(pair[0]), -_source(pair[0]).count("/"), -len(_source(pair[0]))))
    prefixes: dict[str, Document | None] = {}
    lost: list[Finding] = []
    unsafe: list[Finding] = []
    for resource, own in pairs:
        source = _source(resource)
        place = f"{where}[{source!r}]"
        names = spelled | {name: f"{place}[{name!r}]" for name in own}
        migration = _flask_document(merged | own, names, place).migration(_FLASK_NAMES)
        prefix = "/" if source in _EVERY_RESOURCE else _prefix_of(source)
        if prefix is None or prefix in prefixes:
            message = (
                "a resource is a regular expression and this one is no prefix of paths, so that a shorter prefix "
                "decides for its paths, if there is one; a function of the request can choose by anything"
                if prefix is None
                else f"another resource has the prefix {prefix} already"
            )
            text = None if migration.document is None else json.dumps(migration.document)
            lost.append(Finding(place, repr(source), message, text))
        else:
            prefixes[prefix] = migration.document
            if prefix != "/":
                covers = f"{prefix} and everything below it"
                was = "every path that begins with what it matches" if _is_regex(resource) else "that one path"
                lost.append(Finding(place, repr(source), f"it meant {was}, the policy covers {covers}", prefix))
        lost += (finding for finding in migration.lost if finding not in lost)
        unsafe += (finding for finding in migration.unsafe if finding not in unsafe)
    return Migration(None, prefixes, tuple(lost), tuple(unsafe))


def from_starlette(options: object = None, /, **keywords: object) -> Migration:
    """Reads the arguments of CORSMiddleware of Starlette and FastAPI.

    Args:
        options: A mapping of the arguments.
        **keywords: The arguments themselves; they go before options. What is missing has Starlette's
            default.

    Returns:
        The migration.
    """
    values = _Given(options, lambda name: not name.startswith("_")).values | keywords
    given = _Given(values, lambda name: True)
    builder = _Builder()
    builder.document["preflight_status"] = 200
    credentials = bool(given.take("allow_credentials", default=False))
    builder.origins("allow_origins", _strings(given.take("allow_origins", default=())), credentials)
    regex = given.take("allow_origin_regex", default=None)
    if regex is not None:
        builder.regex("allow_origin_regex", regex, re.fullmatch, credentials)
    if credentials:
        builder.document["allow_credentials"] = True
    methods = _strings(given.take("allow_methods", default=("GET",)))
    if "*" in methods:
        methods = list(_STARLETTE_METHODS)
    builder.names("allow_methods", "allow_methods", [method for method in methods if method not in _SAFELISTED_METHODS])
    headers = _strings(given.take("allow_headers", default=()))
    # It allows what browsers safelist too, of which only this one is ever asked for: JSON has it.
    if "*" not in headers and "content-type" not in (str(header).lower() for header in headers):
        headers.append("content-type")
    builder.names("allow_headers", "allow_headers", headers)
    builder.names("expose_headers", "expose_headers", _strings(given.take("expose_headers", default=())))
    builder.age("max_age", given.take("max_age", default=600))
    if given.take("allow_private_network", default=False):
        builder.lose("allow_private_network", True, _PRIVATE_NETWORK)
    for name, value in given.rest():
        builder.lose(name, value, "CORSMiddleware has no such argument")
    return builder.migration({})


_SAFELISTED_METHODS = ("GET", "HEAD", "POST")
# What "*" stands for there, and only that.
_STARLETTE_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY")
_PRIVATE_NETWORK = "browsers replaced Private Network Access by a question to the user, which needs no header"
_EVERY_PATH = ("^.*$", "^.*", ".*", "", "^", "^/", "^/.*$", "^/.*", "/", "/.*")
# What flask-cors takes for every path: a resource matches the beginning of a path.
_EVERY_RESOURCE = ("*", "/*", "/.*", ".*", "^/.*$", "^.*$")
_FLASK_OPTIONS = (
    "origins", "methods", "allow_headers", "expose_headers", "supports_credentials", "max_age", "send_wildcard",
    "automatic_options", "vary_header", "resources", "intercept_exceptions", "always_send", "allow_private_network",
)  # fmt: skip
# The names of keys of a document, where a problem or a warning has only the path in the document.
_DJANGO_NAMES = {
    "allow_origins": "CORS_ALLOWED_ORIGINS",
    "allow_methods": "CORS_ALLOW_METHODS",
    "allow_headers": "CORS_ALLOW_HEADERS",
    "expose_headers": "CORS_EXPOSE_HEADERS",
    "allow_credentials": "CORS_ALLOW_CREDENTIALS",
    "max_age": "CORS_PREFLIGHT_MAX_AGE",
}
_DJANGO_OLD_NAMES = {
    "CORS_ORIGIN_ALLOW_ALL": "CORS_ALLOW_ALL_ORIGINS",
    "CORS_ORIGIN_WHITELIST": "CORS_ALLOWED_ORIGINS",
    "CORS_ORIGIN_REGEX_WHITELIST": "CORS_ALLOWED_ORIGIN_REGEXES",
}
_FLASK_NAMES = {"allow_origins": "origins", "allow_methods": "methods", "allow_credentials": "supports_credentials"}
# Problems and warnings that say that a configuration is unsafe, and not only that it is wrong.
_UNSAFE_CODES = frozenset(
    {
        "null-origin", "null-origin-with-credentials", "any-origin-with-credentials", "any-host-with-credentials",
        "insecure-origin-with-credentials", "public-suffix-with-credentials", "insecure-origin", "any-host",
        "public-suffix", "any-origin-of-scheme-with-credentials",
    }
)  # fmt: skip


def _flask_document(options: Mapping[str, object], spelled: Mapping[str, str], place: str) -> "_Builder":
    """Reads the options of one resource of flask-cors."""
    given = _Given(options, lambda name: True)
    builder = _Builder()
    builder.document["preflight_status"] = 200

    def name(option: str) -> str:
        return spelled.get(option, f"{place}[{option!r}]" if place else option)

    credentials = bool(given.take("supports_credentials", default=False))
    origins = list(_patterns(given.take("origins", default="*")))
    if any(_source(origin) in ("*", ".*") for origin in origins):
        builder.origins(name("origins"), "*", credentials)
    else:
        builder.origins(name("origins"), [origin for origin in origins if not _is_regex(origin)], credentials)
        for index, origin in enumerate(origins):
            if _is_regex(origin):
                builder.regex(f"{name('origins')}[{index}]", origin, _match_ignoring_case, credentials)
    if credentials:
        builder.document["allow_credentials"] = True

    methods = given.take("methods", default=("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))
    # It writes them in upper case.
    upper = [part.strip().upper() for method in _patterns(methods) for part in _source(method).split(",")]
    builder.names("allow_methods", name("methods"), [method for method in upper if method not in _SAFELISTED_METHODS])
    headers = list(_patterns(given.take("allow_headers", default="*")))
    if any(_source(header) in ("*", ".*") for header in headers):
        builder.document["allow_headers"] = "*"
    else:
        builder.names("allow_headers", name("allow_headers"), [header for header in headers if not _is_regex(header)])
        for index, header in enumerate(headers):
            if _is_regex(header):
                message = "a policy has no regular expressions, name the headers"
                builder.lose(f"{name('allow_headers')}[{index}]", header, message)
    exposed = given.take("expose_headers", default=None)
    parts = [] if exposed is None else [part.strip() for value in _patterns(exposed) for part in _source(value).split(",")]
    builder.names("expose_headers", name("expose_headers"), [part for part in parts if part])
    builder.age(name("max_age"), given.take("max_age", default=None))

    if not given.take("vary_header", default=True) and builder.document.get("allow_origins") != "*":
        message = "without Vary a cache may hand one origin the response for another; corsac always sends it"
        builder.warn(name("vary_header"), False, message)
    if not given.take("automatic_options", default=True):
        message = "preflights do not reach the application, corsac answers them"
        builder.lose(name("automatic_options"), False, message)
    if not given.take("intercept_exceptions", default=True):
        message = "corsac covers the responses to errors too, so that scripts see them"
        builder.lose(name("intercept_exceptions"), False, message)
    if given.take("allow_private_network", default=False):
        builder.lose(name("allow_private_network"), True, _PRIVATE_NETWORK)
    for option in ("send_wildcard", "always_send"):
        # corsac sends "*" wherever everyone may read, and an origin only to itself: no browser sees a difference.
        given.take(option, default=None)
    for option, value in given.rest():
        builder.lose(name(option), value, "flask-cors does not know this option, it did nothing")
    return builder


class _Given:
    """A configuration by name, from a mapping, a module or any object with attributes."""

    def __init__(self, source: object, wanted: Callable[[str], bool]) -> None:
        if source is None:
            source = {}
        if isinstance(source, Mapping):
            self.values = {name: value for name, value in source.items() if isinstance(name, str) and wanted(name)}
        else:
            self.values = {name: getattr(source, name) for name in dir(source) if wanted(name)}
        self._left = dict(self.values)

    def named(self, *names: str, default: object) -> tuple[str, Any]:
        """The first name that is given, and its value."""
        for name in names:
            if name in self._left:
                return name, self._left.pop(name)
        return names[0], default

    def take(self, *names: str, default: object) -> Any:
        return self.named(*names, default=default)[1]

    def rest(self) -> Iterator[tuple[str, object]]:
        """What nobody took."""
        return iter(self._left.items())


class _Builder:
    """Collects a document and the findings about it."""

    def __init__(self) -> None:
        self.document: Document = {}
        self._lost: list[Finding] = []
        self._unsafe: list[Finding] = []
        # Where the elements of a list of the document stood in the configuration.
        self._places: dict[str, list[str]] = {}

    def lose(self, setting: str, value: object, message: str, suggestion: str | None = None) -> None:
        self._lost.append(Finding(setting, _shown(value), message, suggestion))

    def warn(self, setting: str, value: object, message: str, suggestion: str | None = None) -> None:
        self._unsafe.append(Finding(setting, _shown(value), message, suggestion))

    def origins(self, setting: str, origins: str | Sequence[object], credentials: bool) -> None:
        if "*" not in origins:
            self.names("allow_origins", setting, origins)
            return
        self.document["allow_origins"] = "*"
        if credentials:
            self.warn(
                setting,
                "*" if isinstance(origins, str) else list(origins),
                "with credentials it let every site of the world act as the user; the document lets everyone read, "
                "without credentials: put a rule in front with the origins that need them",
                '{"rules": [{"allow_origins": ["https://app.example.com"], "allow_credentials": true}, {"allow_origins": "*"}]}',
            )

    def names(self, key: str, setting: str, names: Sequence[object]) -> None:
        if "*" in names:
            named = [name for name in dict.fromkeys(names) if name != "*"]
            self.document[key] = ["*", *named] if named else "*"
        elif names:
            self.document[key] = list(names)
            self._places[key] = [f"{setting}[{index}]" for index in range(len(names))]

    def age(self, setting: str, age: object) -> None:
        if isinstance(age, timedelta):
            age = int(age.total_seconds())
        if isinstance(age, str) and re.fullmatch(r"-?[0-9]{1,9}", age):
            age = int(age)
        if age is not None:
            self.document["max_age"] = age
            self._places["max_age"] = [setting]

    def regex(self, setting: str, regex: object, match: Callable[[str, str], object], credentials: bool) -> None:
        source = _source(regex)
        patterns = _patterns_of(source)
        # Of what no policy may have with credentials, such as any host, is told below that it was allowed.
        suggested = [pattern for pattern in patterns if _can_allow([pattern], credentials)]
        flags = regex.flags & (re.IGNORECASE | re.DOTALL | re.VERBOSE) if isinstance(regex, re.Pattern) else 0
        try:
            compiled = re.compile(source, flags)
        except re.error as error:
            self.lose(setting, source, f"it is no regular expression: {error}")
            return

        def allows(origin: str) -> bool:
            bound = re.compile(compiled.pattern, flags | re.IGNORECASE) if match is _match_ignoring_case else compiled
            return bool(bound.fullmatch(origin) if match is re.fullmatch else bound.match(origin))

        strangers = [origin for origin in _strangers(patterns, suggested) if allows(origin)]
        if strangers:
            message = f"it also allows {', '.join(strangers[:3])}"
            self.warn(setting, source, message, _joined(suggested))
        message = (
            "a policy has no regular expressions; look whether the suggestion says what was meant"
            if suggested
            else "a policy has no regular expressions, list the origins"
        )
        self.lose(setting, source, message, _joined(suggested))

    def migration(self, names: Mapping[str, str]) -> Migration:
        """What is left when everything is gone of which no policy can be built."""
        everyone = self.document.get("allow_origins") == "*"
        if everyone and self.document.get("allow_credentials"):
            # Told already, by origins().
            del self.document["allow_credentials"]
        while self.document.get("allow_origins"):
            try:
                policy = Policy(self.document)
            except PolicyError as error:
                self._remove(error.problems, names)
                continue
            for warning in policy.warnings:
                if warning.code in _UNSAFE_CODES:
                    message = f"{warning.message}; the document still has it"
                    self.warn(self._place(warning, names), warning.value or "", message, warning.suggestion)
            return Migration(self.document, {}, tuple(self._lost), tuple(self._unsafe))
        return Migration(None, {}, tuple(self._lost), tuple(self._unsafe))

    def _place(self, problem: Problem, names: Mapping[str, str]) -> str:
        key, index = _key_and_index(problem.path)
        places = self._places.get(key, [])
        if index < len(places):
            return places[index]
        return names.get(key, key)

    def _remove(self, problems: Iterable[Problem], names: Mapping[str, str]) -> None:
        gone: dict[str, set[int]] = {}
        for problem in problems:
            key, index = _key_and_index(problem.path)
            unsafe = problem.code in _UNSAFE_CODES
            (self.warn if unsafe else self.lose)(
                self._place(problem, names), problem.value or "", problem.message, problem.suggestion
            )
            gone.setdefault(key, set()).add(index)
        for key, indexes in gone.items():
            values = self.document.get(key)
            places = self._places.get(key, [])
            if isinstance(values, list) and _WHOLE not in indexes:
                self.document[key] = [value for index, value in enumerate(values) if index not in indexes]
                self._places[key] = [place for index, place in enumerate(places) if index not in indexes]
            if not self.document.get(key) or not isinstance(values, list) or _WHOLE in indexes:
                self.document.pop(key, None)


# Stands for a problem of a whole key.
_WHOLE = sys.maxsize


def _key_and_index(path: str) -> tuple[str, int]:
    found = re.match(r"([a-z_]*)(?:\[(\d+)\])?", path)
    assert found is not None  # it matches the empty text
    return found[1], int(found[2]) if found[2] else _WHOLE


def _shown(value: object) -> str:
    return repr(_source(value)) if isinstance(value, (str, re.Pattern)) else repr(value)


def _source(value: object) -> str:
    return str(value.pattern) if isinstance(value, re.Pattern) else str(value)


def _strings(values: object) -> list[object]:
    """A list of what should be a list; a single text is taken for a list of one."""
    return list(_patterns(values))


def _patterns(values: object) -> Iterator[object]:
    if isinstance(values, (str, re.Pattern)) or not isinstance(values, Iterable):
        yield values
    elif isinstance(values, (set, frozenset)):
        yield from sorted(values, key=_source)
    else:
        yield from values


def _is_regex(value: object) -> bool:
    """Whether flask-cors takes a value for a regular expression."""
    return isinstance(value, re.Pattern) or not frozenset("*\\]?$^[]()").isdisjoint(_source(value))


def _match_ignoring_case(pattern: str, text: str) -> object:
    return re.match(pattern, text, re.IGNORECASE)


def _joined(patterns: Sequence[str]) -> str | None:
    return ", ".join(patterns) if patterns else None


def _prefix_of(source: str) -> str | None:
    """The prefix that a regular expression for paths reads like, such as "/api" for "^/api/.*$"."""
    found = re.fullmatch(r"\^?((?:/[A-Za-z0-9_~-]+)+)(?:/\*|/\.\*\$?|/\$?|\.\*\$?|\*)?", source)
    return found[1] if found else None


# What stands for any text in an alternative of a regular expression: no character of an origin.
_ANY = "\0"
_ALTERNATIVES = 16


class _Unreadable(Exception):
    """A regular expression that reads like no pattern."""


def _patterns_of(source: str) -> list[str]:
    """The patterns that a regular expression for origins reads like; empty if it reads like none.

    A policy without credentials can be built of them.
    """
    try:
        texts, rest = _alternatives(source, 0)
        if rest != len(source):
            return []
    except _Unreadable:
        return []
    patterns = []
    for text in texts:
        pattern = _pattern(text.removesuffix("/"))
        if pattern is None:
            return []
        patterns.append(pattern)
    # "https://example.com(:\d+)?" has one with any port and one with none, which the former covers.
    patterns = [p for p in dict.fromkeys(patterns) if p.endswith(":*") or f"{p}:*" not in patterns]
    return patterns if _can_allow(patterns, credentials=False) else []


def _can_allow(patterns: list[str], credentials: bool) -> bool:
    try:
        Policy(allow_origins=patterns, allow_credentials=credentials)
    except PolicyError:
        return False
    return True


def _alternatives(source: str, at: int) -> tuple[list[str], int]:
    """The texts that a regular expression stands for from a place on, up to a bracket that closes it."""
    whole: list[str] = []
    texts = [""]
    while at < len(source):
        char = source[at]
        if char == ")":
            break
        if char == "|":
            whole += texts
            texts = [""]
            at += 1
            continue
        if char in "^$":
            at += 1
            continue
        pieces, at = _atom(source, at)
        pieces, at = _repeated(pieces, source, at)
        texts = [text + piece for text in texts for piece in pieces]
        if len(texts) + len(whole) > _ALTERNATIVES:
            raise _Unreadable
    return whole + texts, at


def _atom(source: str, at: int) -> tuple[list[str], int]:
    char = source[at]
    if char == "(":
        start = at + 1
        if source.startswith("?:", start):
            start += 2
        elif source.startswith("?", start):
            raise _Unreadable
        texts, at = _alternatives(source, start)
        if not source.startswith(")", at):
            raise _Unreadable
        return texts, at + 1
    if char == "[":
        end = source.find("]", at + 2)
        if end < 0:
            raise _Unreadable
        inside = source[at + 1 : end]
        return ["." if inside in (".", r"\.") else _ANY], end + 1
    if char == "\\":
        escaped = source[at + 1 : at + 2]
        if escaped in ("w", "d", "S"):
            return [_ANY], at + 2
        if escaped in (".", "-", "/", ":"):
            return [escaped], at + 2
        if escaped in ("Z", "A", "b"):
            return [""], at + 2
        raise _Unreadable
    if char == ".":
        # Before a quantifier it stands for any text, alone nearly always for a dot that nobody escaped.
        return [_ANY if source[at + 1 : at + 2] in ("*", "+", "{") else "."], at + 1
    if re.match(r"[A-Za-z0-9:/_-]", char):
        return [char.lower()], at + 1
    raise _Unreadable


def _repeated(pieces: list[str], source: str, at: int) -> tuple[list[str], int]:
    found = re.compile(r"(\*|\+|\?|\{\d*,?\d*\})\??").match(source, at)
    if not found:
        if pieces == [_ANY]:
            raise _Unreadable  # one character, where a pattern has any number
        return pieces, at
    quantifier = found[1]
    if quantifier == "?":
        return [*pieces, ""], found.end()
    optional = quantifier == "*" or quantifier.startswith(("{0", "{,"))
    if pieces == [_ANY]:
        return pieces, found.end()
    if pieces == [_ANY + "."]:
        return [pieces[0], ""] if optional else pieces, found.end()
    raise _Unreadable


def _pattern(text: str) -> str | None:
    """The pattern of corsac for one alternative; None if it has no such form."""
    found = re.fullmatch(r"([a-z][a-z0-9-]*)://([^:/]+)(:[0-9]+|:\0)?", text)
    if not found:
        return None
    scheme, host, port = found[1], found[2], found[3] or ""
    # "(.*\.)*example.com" and "\w+\.\w+\.example.com": any labels in front are one wildcard.
    host = re.sub(r"^(?:\0\.)+", "\0.", host)
    host = re.sub(r"\0+", "*", host)
    if host.count("*") > 1:
        return None
    return f"{scheme}://{host}{port.replace(_ANY, '*')}"


def _strangers(patterns: Sequence[str], suggested: Sequence[str]) -> list[str]:
    """Origins that a regular expression that reads like the patterns may allow, and what is suggested doesn't."""
    strangers = []
    for pattern in patterns:
        scheme, _, rest = pattern.partition("://")
        host, _, port = rest.partition(":")
        example = host.replace("*.", "a.", 1).replace("*", "a")
        port = "" if port in ("", "*") else f":{port}"
        strangers.append(f"{scheme}://{example}{port}")
        strangers.append(f"{scheme}://{example}{port}.evil.example")
        strangers.append(f"{scheme}://{example}.evil.example{port}")
        strangers.append(f"{scheme}://evil{example}{port}")
        # In place of each dot that stands in the pattern itself.
        fixed = host.removeprefix("*.")
        for index, char in enumerate(fixed):
            if char == ".":
                other = fixed[:index] + "x" + fixed[index + 1 :]
                strangers.append(f"{scheme}://{'a.' if host.startswith('*.') else ''}{other.replace('*', 'a')}{port}")
        if scheme == "https":
            strangers.append(f"http://{example}{port}")
    policy = Policy(allow_origins=list(suggested)) if suggested else None
    strangers += ["https://evil.example", "null"]
    return [s for s in dict.fromkeys(strangers) if policy is None or not policy.allows_origin(s, credentials=False)]


# --- The command line ---------------------------------------------------------------------------------------


def _read(source: str) -> object:
    """The configuration in a JSON file, a Python file, a module or a class."""
    if source.endswith(".json"):
        return json.loads(Path(source).read_text(encoding="utf-8"))
    if source.endswith(".py"):
        return runpy.run_path(source)
    sys.path.insert(0, "")
    try:
        return importlib.import_module(source)
    except ModuleNotFoundError as error:
        # Flask has configurations that are classes.
        module, _, name = source.rpartition(".")
        if error.name != source:
            raise
        try:
            return getattr(importlib.import_module(module), name)
        except (AttributeError, ValueError):
            raise error from None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: prints the document, and the findings as comments of standard error.

    Args:
        arguments: The arguments; None for those of the process.

    Returns:
        The status of the process: 0, or 1 if somebody should look at something.
    """
    parser = argparse.ArgumentParser(
        prog="python -m corsac.migrate", description="Makes a policy document of the configuration of another library."
    )
    parser.add_argument("library", choices=("django", "flask", "starlette"))
    parser.add_argument("source", help="a module (mysite.settings), a class in one, a Python or JSON file; Python is executed")
    options = parser.parse_args(arguments)
    readers = {"django": from_django, "flask": from_flask, "starlette": from_starlette}
    try:
        migration = readers[options.library](_read(options.source))
    except (OSError, ImportError, ValueError) as error:
        parser.error(f"{options.source}: {error}")
    print(json.dumps(migration.prefixes or migration.document, indent=2))
    for title, findings in (("unsafe", migration.unsafe), ("lost", migration.lost)):
        for finding in findings:
            print(f"{title}: {finding}", file=sys.stderr)
    if migration.document is None and not migration.prefixes:
        print("nobody may read responses, which needs no policy", file=sys.stderr)
    return 1 if migration.lost or migration.unsafe else 0


if __name__ == "__main__":
    sys.exit(main())
