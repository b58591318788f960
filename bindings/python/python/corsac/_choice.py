"""Which policy decides a request: one for all of them, or one for each path, or what a function says.

Every adapter of this package takes the same `policy` argument and reads it here.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar, cast
from urllib.parse import unquote

from corsac._documents import Expectations, RuleDocument, _Dangers, _List, _Names
from corsac._native import Policy, PolicyCell

__all__ = [
    "NOBODY", "Chooser", "PolicyChoice", "PolicyKeywords", "choice_of", "chooser", "policy_from_keywords", "sole",
    "with_slashes_encoded",
]  # fmt: skip

_Request = TypeVar("_Request")

PolicyChoice: TypeAlias = (
    Policy
    | PolicyCell
    | Mapping[str, Policy | PolicyCell | None]
    | Callable[[_Request], Policy | PolicyCell | None]
)
"""Who decides:

- a Policy, for every request;
- a PolicyCell, such as a PolicyFile: the policy that it holds when the request comes;
- a mapping of path prefixes to them: "/api" covers "/api" and "/api/...", never "/apix"; the longest
  prefix wins; "/" covers everything. The path is the whole path of the request, with what the
  application is mounted at, without the query, as the server decoded it, and with one slash for several,
  since most applications read it so. Where applications disagree on what a path is (one with "." or ".."
  in it, in another case, or with an encoded slash) and it had another policy, nobody is allowed to read;
- a function of the native request (ASGI: the scope, WSGI: the environ, Django: the HttpRequest,
  aiohttp: the Request) that returns one of them.

None in place of a policy, and a path that no prefix covers, mean that corsac leaves the request and
its response alone entirely.
"""

Chooser: TypeAlias = Callable[[str, _Request], Policy | None]
"""Takes the whole path and the native request; returns the policy that decides, None if none does."""


class PolicyKeywords(TypedDict, total=False):
    """The keywords that every adapter takes in place of a policy: those of Policy, and with them those
    of Starlette's CORSMiddleware. The last two are not supported and only accepted at their defaults.
    """

    allow_origins: _Names
    allow_methods: _Names | None
    allow_headers: _Names | None
    expose_headers: _Names | None
    allow_credentials: bool | None
    max_age: int | None
    timing_allow_origin: bool | Literal["*"] | None
    dangerously_allow: _Dangers | None
    name: str | None
    description: str | None
    rules: list[RuleDocument] | tuple[RuleDocument, ...] | None
    preflight_status: Literal[200, 204] | None
    refused_requests: Literal["forward", "forbid"] | None
    own_origins: _List | None
    foreign_headers: Literal["remove", "keep"] | None
    expect: Expectations | None
    acknowledge: _List | None
    allow_origin_regex: None
    allow_private_network: Literal[False]


# What a policy has no word for, whatever the value is; and what to write instead.
_REFUSED = {
    "allow_origin_regex": "a policy has no regular expressions: list the origins, with patterns such as "
    'allow_origins=["https://app.example.com", "https://*.example.com", "https://pr-*.preview.example.com"]; '
    "corsac.migrate.from_starlette suggests them",
    "allow_private_network": "browsers replaced Private Network Access by a question to the user: leave it out",
}


def policy_from_keywords(keywords: Mapping[str, object]) -> Policy:
    """The policy that keywords of an adapter describe.

    They are the keywords of Policy and mean the same: what is left out has the default of Policy, so
    that without max_age no Access-Control-Max-Age is sent.

    Args:
        keywords: The keyword arguments that the adapter does not know itself.

    Returns:
        The policy.

    Raises:
        PolicyError: With every problem of every value.
        TypeError: For a keyword that does not exist, allow_origin_regex and allow_private_network; the
            message says what to write instead.
    """
    known = dict(keywords)
    for name, instead in _REFUSED.items():
        if known.pop(name, None):
            raise TypeError(f"{name} is not supported: {instead}")
    return Policy(**cast(Any, known))


def choice_of(
    policy: "PolicyChoice[_Request] | None", keywords: Mapping[str, object]
) -> "PolicyChoice[_Request]":
    """The policy argument of an adapter, or the policy that its keywords describe.

    Args:
        policy: The argument; None if it was not given.
        keywords: The keyword arguments that the adapter does not know itself.

    Returns:
        What to give to chooser.

    Raises:
        PolicyError: With every problem of the keywords.
        TypeError: If both or neither are given, or a keyword does not exist.
    """
    if policy is None:
        if not keywords:
            raise TypeError("policy is missing: write policy=Policy(allow_origins=[...]), or its keywords themselves")
        return policy_from_keywords(keywords)
    if keywords:
        raise TypeError(f"a policy or its keywords, not both: {', '.join(keywords)}")
    return policy


def sole(policy: "PolicyChoice[_Request]") -> Policy | PolicyCell | None:
    """The one policy or cell that decides every request, for adapters that are faster with one.

    Args:
        policy: The choice.

    Returns:
        The policy or the cell; None if requests have different ones.
    """
    return policy if isinstance(policy, (Policy, PolicyCell)) else None


def chooser(policy: "PolicyChoice[_Request]") -> "Chooser[_Request]":
    """Reads the policy argument of an adapter once, and answers for every request.

    A cell is asked once a request, so that one decision never mixes two policies.

    Args:
        policy: The choice.

    Returns:
        A function of the whole path and the native request. It raises TypeError if the policy is a
        function and that returns something else, and what that function raises.

    Raises:
        TypeError: If policy is something else; the message says what to write.
        ValueError: If a prefix is one that no path has, or occurs twice.
    """
    if isinstance(policy, Policy):
        always = policy
        return lambda path, request: always
    if isinstance(policy, PolicyCell):
        cell = policy
        return lambda path, request: cell.policy
    if isinstance(policy, Mapping):
        return _by_prefix(policy)
    if isinstance(policy, type) or not callable(policy):
        raise TypeError(_message("policy", policy))
    if inspect.iscoroutinefunction(policy) or inspect.iscoroutinefunction(getattr(policy, "__call__", None)):
        raise TypeError("policy must be a plain function, not an async one: a policy is chosen without waiting")
    function = policy

    def by_request(path: str, request: _Request) -> Policy | None:
        return _policy_now(function(request), "what the policy function returns")

    return by_request


# Flask, Quart and Litestar serve "//admin" as "/admin", and so do file servers. "http://own.example/admin" leads to it
# in some and nowhere in others.
_SLASHES = re.compile("//+")
# Whether "/public/../admin" is below "/public" or "/admin" depends on what serves it: files, or a route that takes
# the rest of a path. Browsers resolve it before they ask, so that it comes only with an encoded slash.
_DOTS = re.compile(r"(?:^|[/\\])\.\.?(?:[/\\]|$)")
NOBODY = Policy(allow_origins=["https://nobody.invalid"])
"""Decides where a path can be read in two ways: whoever asks so has no business there."""


def _by_prefix(prefixes: Mapping[str, Policy | PolicyCell | None]) -> "Chooser[Any]":
    table: dict[str, Policy | PolicyCell | None] = {}
    for prefix, source in prefixes.items():
        if not isinstance(prefix, str):
            raise TypeError(f"the prefixes of policy must be str, not {type(prefix).__name__}: {prefix!r}")
        if not prefix.startswith("/"):
            hint = ": a document is Policy({...})" if prefix in PolicyKeywords.__annotations__ else ""
            raise ValueError(f'the prefixes of policy must begin with "/": {prefix!r}{hint}')
        if source is not None and not isinstance(source, (Policy, PolicyCell)):
            raise TypeError(_message(f"policy[{prefix!r}]", source))
        # "/api/" is "/api", and "/" is "".
        key = prefix.rstrip("/")
        if "*" in key:
            raise ValueError(f'the prefixes of policy have no wildcards: "/api" covers all below it, not {prefix!r}')
        if "//" in key or _DOTS.search(key):
            raise ValueError(f"no path is compared with {prefix!r} of policy: leave out empty segments and dots")
        if key in table:
            raise ValueError(f"the prefixes of policy have {prefix!r} twice")
        table[key] = source
    # Not more of a path is looked at than the longest prefix has, however many slashes it has.
    depth = max((key.count("/") for key in table), default=0)
    # Some applications take "/ADMIN" for "/admin": unless the prefixes themselves tell both apart.
    folded = {key.lower(): source for key, source in table.items()}
    folds, cased = len(folded) == len(table), folded.keys() != table.keys()

    def by_prefix(path: str, request: object) -> Policy | None:
        if "//" in path:
            if not path.startswith("/"):
                return NOBODY
            path = _SLASHES.sub("/", path)
        if ("/." in path or "\\" in path) and _DOTS.search(path):
            return NOBODY
        source = _longest(table, depth, path)
        if folds:
            lower = path.lower()
            if (cased or lower != path) and _longest(folded, depth, lower) is not source:
                return NOBODY
        return source.policy if isinstance(source, PolicyCell) else source

    return by_prefix


def _longest(
    table: Mapping[str, Policy | PolicyCell | None], depth: int, path: str
) -> Policy | PolicyCell | None:
    """What the longest prefix of a path has in a table whose prefixes have at most that many segments."""
    parts = path.split("/", depth + 1)
    for count in range(min(len(parts), depth + 1), 1, -1):
        prefix = "/".join(parts[:count])
        if prefix in table:
            return table[prefix]
    return table.get("")


_ENCODED_SLASH = re.compile("%2f", re.IGNORECASE)


def with_slashes_encoded(raw: str) -> str | None:
    """The path as it is for routes that see no slash in one that came encoded.

    Args:
        raw: The path as it came.

    Returns:
        The path, decoded but for such slashes; None if it has none: then there is one reading of it.
    """
    return unquote(_ENCODED_SLASH.sub("%252F", raw)) if _ENCODED_SLASH.search(raw) else None


def _policy_now(source: Policy | PolicyCell | None, what: str) -> Policy | None:
    if source is None or isinstance(source, Policy):
        return source
    if isinstance(source, PolicyCell):
        return source.policy
    raise TypeError(_message(what, source))


def _message(what: str, value: object) -> str:
    kind = value.__name__ if isinstance(value, type) else type(value).__name__
    expected = "Policy, PolicyCell or None" if what != "policy" else "Policy, PolicyCell, a mapping of prefixes or a function"
    message = f"{what} must be {expected}, not {'the class ' if isinstance(value, type) else ''}{kind}"
    if isinstance(value, (str, bytes)) or hasattr(value, "__fspath__"):
        message += ": PolicyFile(path) reads a file, Policy.from_json(text) a text"
    elif inspect.iscoroutine(value):
        value.close()
        message += ": a policy is chosen without waiting"
    return message
