"""CORS for any WSGI application: Flask, Django, Bottle, Pyramid, or one written by hand.

    from corsac import Policy
    from corsac.wsgi import CorsMiddleware

    policy = Policy(allow_origins=["https://app.example.com"], allow_methods=["PUT"])
    app = CorsMiddleware(app, policy)

Put it around everything else, so that the responses of other middleware have their headers too.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from corsac._choice import PolicyChoice, PolicyKeywords, choice_of, chooser
from corsac._native import Decision, Policy, wsgi_decide, wsgi_edit
from corsac._report import Observer, Reporter

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["CorsMiddleware"]

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]
_ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class CorsMiddleware:
    """A WSGI application that answers preflights, and applies a policy to the responses of another one.

    The headers that the application passes to start_response are never changed: the server gets a list of
    its own. Bodies are passed on as they are, with their close(), whether they are lists, generators,
    files, or given to write().

    An exception that leaves the application before it has begun its response is a bare 500 of the server
    otherwise, which a browser shows to no script. It becomes a 500 with the headers of the policy, and
    is raised once that was sent, for the server to log.

    Several Origin lines are refused as malformed: servers join them by a comma, which no origin has.

    Args:
        app: The application.
        policy: Who decides: a Policy, a PolicyCell, a mapping of path prefixes to them, or a function of the
            environ that returns one. A path is SCRIPT_NAME and PATH_INFO.
        report_only: Whether to evaluate and tell of decisions only, and to touch neither requests nor
            responses.
        observe: Is called with the reason, the name of the rule and the escaped origin of every decision.
        answer_exceptions: Whether exceptions become a 500 as told above. Turn it off where something
            outside, such as a debugger, wants the exception itself.
        **keywords: The keywords of a policy, in place of policy.

    Raises:
        PolicyError: With every problem of the keywords.
        TypeError: If an argument has a type that it cannot have, or both policy and keywords are given.
        ValueError: If a prefix is one that no path has.
    """

    def __init__(
        self,
        app: Application,
        policy: PolicyChoice[Environ] | None = None,
        *,
        report_only: bool = False,
        observe: Observer | None = None,
        answer_exceptions: bool = True,
        **keywords: "Unpack[PolicyKeywords]",
    ) -> None:
        if not callable(app):
            raise TypeError(f"app must be a WSGI application, not {type(app).__name__}")
        self.app = app
        choice = choice_of(policy, keywords)
        self._choose = chooser(choice)
        # The path costs more than the choice where there is none.
        self._always = choice if isinstance(choice, Policy) else None
        self._report = Reporter(report_only, observe)
        # Whether every decision is told, or all that is done.
        self._listened = observe is not None or report_only
        self._answer_exceptions = answer_exceptions

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request.

        Args:
            environ: The WSGI environment of the request. It is not changed.
            start_response: What begins the response.

        Returns:
            The body.
        """
        policy = self._always
        if policy is None:
            policy = self._choose(path_of(environ), environ)
        if policy is None:
            return self.app(environ, start_response)
        decision = wsgi_decide(policy, environ)
        if self._listened or not decision.allowed:
            self._report.report(decision)
            if self._report.report_only:
                return self.app(environ, start_response)
        if decision.action == "respond":
            return _respond(policy, decision, start_response)

        started = False

        def start(status: str, headers: Iterable[tuple[str, str]], exc_info: _ExcInfo | None = None) -> Any:
            nonlocal started
            started = True
            # An upgrade or another interim status is no response of the resource.
            edited = headers if status.startswith("1") else wsgi_edit(policy, decision, headers)
            if exc_info is None:
                return start_response(status, edited)
            try:
                return start_response(status, edited, exc_info)
            finally:
                exc_info = None  # no cycle through its traceback

        if not self._answer_exceptions:
            return self.app(environ, start)

        try:
            body = self.app(environ, start)
        except Exception as error:
            return _Failed(policy, decision, environ, start_response, error)
        if started:
            return body
        # An application that is a generator begins its response when the server asks for the first part.
        return _Late(body, policy, decision, environ, start_response)


def path_of(environ: Environ) -> str:
    """The whole path of a request: with what the application is mounted at, without the query.

    Args:
        environ: The WSGI environment.

    Returns:
        The path, in UTF-8, which a WSGI server shows a byte a character.
    """
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")


def _respond(policy: Policy, decision: Decision, start_response: StartResponse) -> list[bytes]:
    """Answers a request in place of the application."""
    headers = wsgi_edit(policy, decision, ())
    if decision.status != 204:
        headers.append(("Content-Length", "0"))
    start_response(f"{decision.status} {HTTPStatus(decision.status).phrase}", headers)
    return []


_FAILED = (("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "21"))


class _Failed:
    """The body of a response to an exception: one part, and then the exception, for the server to log."""

    def __init__(
        self, policy: Policy, decision: Decision, environ: Environ, start_response: StartResponse, error: Exception
    ) -> None:
        self._error: Exception | None = error
        self._body: list[bytes] = [b"" if environ.get("REQUEST_METHOD") == "HEAD" else b"Internal Server Error"]
        headers = wsgi_edit(policy, decision, _FAILED)
        try:
            # It raises the exception itself if the response has begun on the wire.
            start_response("500 Internal Server Error", headers, (type(error), error, error.__traceback__))
        finally:
            del error  # no cycle through its traceback

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._body:
            return self._body.pop()
        error, self._error = self._error, None
        if error is None:
            raise StopIteration
        raise error


class _Late:
    """The body of an application that had not begun its response when it returned."""

    def __init__(
        self,
        body: Iterable[bytes],
        policy: Policy,
        decision: Decision,
        environ: Environ,
        start_response: StartResponse,
    ) -> None:
        self._body = body
        self._parts: Iterator[bytes] | None = None
        self._request = policy, decision, environ, start_response

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)
        except StopIteration:
            raise
        except Exception as error:
            if isinstance(self._parts, _Failed):
                raise
            self._parts = _Failed(*self._request, error)
            return next(self._parts)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
