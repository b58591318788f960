"""ASGI: `app = CorsMiddleware(app, policy)` around any application, under any server.

    from corsac import Policy
    from corsac.asgi import CorsMiddleware

    app = FastAPI()
    ...
    app = CorsMiddleware(app, Policy(allow_origins=["https://app.example.com"]))

Outermost it also covers the 500 of an exception that nothing handled, which frameworks send outside of
the middleware that is added to them.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from corsac._choice import (
    NOBODY,
    Chooser,
    PolicyChoice,
    PolicyKeywords,
    choice_of,
    chooser,
    sole,
    with_slashes_encoded,
)
from corsac._native import AsgiRequests, Policy
from corsac._report import Observer, Reporter, logger

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["CorsMiddleware"]

# Those of asgiref, Starlette and others, so that everybody's applications fit.
_Scope: TypeAlias = MutableMapping[str, Any]
_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]


class CorsMiddleware:
    """Answers CORS for an ASGI application by a policy.

    It answers preflights itself; for all other requests it lets the application respond, and edits the
    headers of whatever final response comes, errors and streams too. CORS headers that the application
    sets are replaced by those of the policy, as the policy says. Neither the application's messages nor
    its lists of headers are changed: what is sent are copies.

    If the application raises before its response has started, the middleware sends a 500 with the
    headers of the decision, so that the page sees that status, and raises the exception again for the
    server to log. Added to a framework (Starlette's add_middleware), which is then around it and tells so
    in the scope, it leaves the exception to the framework's own handlers; their response goes out without
    the headers of the decision. Wrap the application to have them there too.

    Scopes that are not HTTP pass through untouched.

    Args:
        app: The application.
        policy: A Policy; a PolicyCell, such as a PolicyFile, to replace it while the application runs;
            a mapping of path prefixes to them; or a function that takes the scope and returns one.
            None in place of one leaves a request alone.
        refuse_websockets: Whether WebSocket handshakes are refused unless the policy allows the
            origin with credentials: Policy.allows_origin. A handshake without Origin is refused too, as is
            one of the server's own pages unless own_origins of the policy names them.
        report_only: Whether decisions are only reported: everything passes untouched, and what would be
            refused is logged by the logger "corsac" at the level WARNING.
        observe: Is called with the reason, the name of the rule and the escaped origin of every decision
            on an HTTP request. What it raises is logged.
        **keywords: Those of Policy, in place of a policy. Those of Starlette's CORSMiddleware are among
            them, but for allow_origin_regex.

    Raises:
        PolicyError: With every problem of the keywords.
        TypeError: If an argument has another type, or a keyword does not exist.
        ValueError: If a prefix is one that no path has.
    """

    __slots__ = ("_by_prefix", "_choose", "_enter", "_fastapi", "_refuse_websockets", "_reporter", "_request_by", "app")

    def __init__(
        self,
        app: _App,
        policy: PolicyChoice[_Scope] | None = None,
        *,
        refuse_websockets: bool = False,
        report_only: bool = False,
        observe: Observer | None = None,
        **keywords: Unpack[PolicyKeywords],
    ) -> None:
        if not callable(app):
            raise TypeError(f"app must be an ASGI application, not {type(app).__name__}")
        choice = choice_of(policy, keywords)
        reporter = Reporter(report_only, observe)
        self.app = app
        self._fastapi = _fastapi_in(app)
        self._by_prefix = isinstance(choice, Mapping)
        self._choose: Chooser[_Scope] = chooser(choice)
        if isinstance(choice, Mapping) and self._fastapi is not None:
            _check_prefixes(choice, self._fastapi.root_path)
        self._reporter = reporter
        self._refuse_websockets = bool(refuse_websockets)

        def report(policy: Policy, scope: _Scope) -> None:
            reporter.report(policy.evaluate(scope["method"], scope.get("headers", ())))

        only = sole(choice)
        # Loggers keep what isEnabledFor says, and forget it when something changes. Looking there first makes refusals
        # faster by a tenth; a logger without is asked each time.
        answered = getattr(logger, "_cache", None)
        requests = AsgiRequests(
            only,
            report,
            logger.isEnabledFor,
            reporter.level,
            answered if type(answered) is dict else None,
            observe is not None,
        )
        self._request_by = requests.request_by
        # Gives two messages if they are the response, otherwise what the application gets as its send.
        self._enter: Callable[[_Scope, _Send], tuple[_Message, _Message] | _Send]
        if report_only:
            self._enter = self._only_report
        elif only is not None:
            self._enter = requests.request
        else:
            self._enter = self._choose_and_enter

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Serves one scope, as ASGI has it.

        Args:
            scope: What is asked.
            receive: Gives the next message of the client.
            send: Takes the next message for the client.

        Returns:
            Nothing, when the application is done.
        """
        # Variables, and a look at the class, since calls of attributes and isinstance are slower.
        enter = self._enter
        answer: Any = enter(scope, send)
        if answer.__class__ is tuple:
            start, body = answer
            await send(start)
            await send(body)
            return
        if self._refuse_websockets and scope["type"] == "websocket" and self._refuses(scope):
            return await _refuse(scope, receive, send)
        app = self.app
        # What is wrapped may tell so in the same scope, later.
        inside = "app" in scope or "litestar_app" in scope
        try:
            await app(scope, receive, answer)
        except Exception:
            if answer is not send and not inside and not _started(answer):
                # Whoever cannot take it any more is not worth losing the exception.
                with contextlib.suppress(Exception):
                    await _fail(answer)
            raise

    def _choose_and_enter(self, scope: _Scope, send: _Send) -> tuple[_Message, _Message] | _Send:
        if scope["type"] != "http":
            return send
        policy = self._policy_of(scope)
        return send if policy is None else self._request_by(policy, scope, send)

    def _policy_of(self, scope: _Scope) -> Policy | None:
        root = scope.get("root_path")
        if self._fastapi is not None:
            root = self._fastapi.root_path or root
        policy = self._choose(_whole(root, scope["path"]) if root else scope["path"], scope)
        raw: bytes | None = scope.get("raw_path")
        if raw and b"%" in raw and self._by_prefix:
            # BlackSheep sees one segment in "a%2Fb", most others see two.
            other = with_slashes_encoded(raw.decode("latin-1"))
            if other is not None and self._choose(_whole(root or "", other), scope) is not policy:
                return NOBODY
        return policy

    def _only_report(self, scope: _Scope, send: _Send) -> _Send:
        if scope["type"] == "http":
            policy = self._policy_of(scope)
            if policy is not None:
                self._reporter.report(policy.evaluate(scope["method"], scope["headers"]))
        return send

    def _refuses(self, scope: _Scope) -> bool:
        policy = self._policy_of(scope)
        if policy is None:
            return False
        origins = [value for name, value in scope["headers"] if name.lower() == b"origin"]
        if policy.allows_origin(origins[0] if len(origins) == 1 else None):
            return False
        self._reporter.report_handshake(policy.evaluate("GET", scope["headers"]).origin)
        return not self._reporter.report_only


def _whole(root: str, path: str) -> str:
    """The whole path of a request. Some servers leave out what the application is mounted at, and frameworks
    serve the same with and without it.
    """
    root = root.rstrip("/")
    # As the choice reads it.
    path = "/" + path.lstrip("/")
    return path if f"{path}/".startswith(f"{root}/") else root + path


def _check_prefixes(prefixes: Iterable[str], root: str) -> None:
    """Raises ValueError for a prefix that decides nothing, since all paths are below the root."""
    root = root.rstrip("/") + "/"
    for prefix in prefixes:
        key = prefix.rstrip("/") + "/"
        if not key.startswith(root) and not root.startswith(key):
            instead = root + prefix.lstrip("/")
            raise ValueError(f"no path is below {prefix!r} of policy, since root_path is part of it: write {instead!r}")


def _fastapi_in(app: Any) -> Any:
    """The FastAPI application behind other middleware, which puts its own root_path into the scope; None if there
    is none.
    """
    fastapi = getattr(sys.modules.get("fastapi"), "FastAPI", None)
    if fastapi is None:
        return None
    # Not for ever: a mock has whatever it is asked for.
    for _ in range(100):
        if isinstance(app, fastapi):
            return app
        app = getattr(app, "app", None)
    return None


def _started(send: Any) -> bool:
    """Whether a final response went through what the application got as its send."""
    return bool(send.__self__[-1])


async def _fail(send: _Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"21")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": b"Internal Server Error"})


async def _refuse(scope: _Scope, receive: _Receive, send: _Send) -> None:
    """Answers a handshake 403; without the extension for it, that is what closing before accepting gives."""
    await receive()  # the handshake itself
    if "websocket.http.response" in (scope.get("extensions") or ()):
        headers = [(b"content-length", b"0")]
        await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close", "code": 1008})
