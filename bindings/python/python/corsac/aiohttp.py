"""CORS for aiohttp servers.

    import corsac.aiohttp

    app = web.Application()
    corsac.aiohttp.setup(app, Policy(allow_origins=["https://app.example.com"]))

Everything that the application answers has its headers: streams, files, raised web.HTTPException, unknown
paths, and the 500 of an exception.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from corsac._choice import NOBODY, Chooser, PolicyChoice, PolicyKeywords, choice_of, chooser, with_slashes_encoded
from corsac._native import Decision, Policy
from corsac._report import Observer, Reporter

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["setup"]

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# The decision on a request. The outermost application that has one decides. Keys of requests may be str only
# in versions of aiohttp that know no other.
_DECISION: Any = web.RequestKey("corsac.decision", Decision) if hasattr(web, "RequestKey") else "corsac.decision"


def setup(
    app: web.Application,
    policy: PolicyChoice[web.Request] | None = None,
    *,
    report_only: bool = False,
    observe: Observer | None = None,
    **keywords: "Unpack[PolicyKeywords]",
) -> None:
    """Puts a policy around an application and the applications below it.

    Call it when all else is set up: it puts its middleware in front of those that are there, and is the
    last of the application to look at a response before it is sent; only the on_response_prepare of an
    application below it comes later, and should leave Vary and the CORS headers alone. The handshake of a WebSocket is left alone; ask
    Policy.allows_origin whether its origin is welcome.

    Args:
        app: The application, which must not run yet.
        policy: Who decides: a Policy, a PolicyCell, a mapping of path prefixes to them, or a function of the
            Request that returns one.
        report_only: Whether to evaluate and tell of decisions only, and to touch neither requests nor
            responses.
        observe: Is called with the reason, the name of the rule and the escaped origin of every decision.
        **keywords: The keywords of a policy, in place of policy.

    Raises:
        PolicyError: With every problem of the keywords.
        TypeError: If an argument has a type that it cannot have, or both policy and keywords are given.
        ValueError: If a prefix is one that no path has.
        RuntimeError: If the application runs already.
    """
    choice = choice_of(policy, keywords)
    choose = chooser(choice)
    if isinstance(choice, Mapping):
        choose = _in_both_readings(choose)
    reporter = Reporter(report_only, observe)

    @web.middleware
    async def middleware(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if _DECISION in request:
            return await handler(request)
        chosen = choose(request.path, request)
        if chosen is None:
            return await handler(request)
        decision = chosen.evaluate(request.method, request.raw_headers)
        if reporter.wants(decision.allowed):
            reporter.report(decision)
        if reporter.report_only:
            return await handler(request)
        request[_DECISION] = decision
        if decision.action == "respond":
            return web.Response(status=decision.status)
        return await handler(request)

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        decision: Decision | None = request.get(_DECISION)
        # An upgrade is no response of the resource.
        if decision is not None and response.status >= 200:
            _edit(decision, response)

    app.middlewares.insert(0, middleware)
    app.on_response_prepare.append(prepare)


def _in_both_readings(choose: Chooser[web.Request]) -> Chooser[web.Request]:
    """Chooses by paths in which an encoded slash separates nothing, as for routes, or folders, as for static
    files.
    """

    def by_both(path: str, request: web.Request) -> Policy | None:
        policy = choose(path, request)
        other = with_slashes_encoded(request.rel_url.raw_path)
        return policy if other is None or choose(other, request) is policy else NOBODY

    return by_both


def _edit(decision: Decision, response: web.StreamResponse) -> None:
    """Applies a decision to the headers of a response that is about to be sent."""
    headers = response.headers
    for op, name, value in decision.headers:
        if op == "set":
            headers[name] = value
        elif op == "add":
            headers.add(name, value)
        elif op == "remove":
            headers.popall(name, None)
        else:
            names = [element.strip() for line in headers.getall(name, ()) for element in line.split(",")]
            if "*" not in names and value.lower() not in (element.lower() for element in names):
                headers[name] = ", ".join([*filter(None, names), value])
