"""CORS for Django.

In the settings, in front of all other middleware:

    INSTALLED_APPS = ["corsac.django", ...]  # for the system checks
    MIDDLEWARE = ["corsac.django.CorsMiddleware", ...]
    CORSAC = {
        "allow_origins": ["https://app.example.com"],
        "allow_methods": ["PUT", "DELETE"],
        "allow_headers": ["content-type", "x-csrftoken"],
    }

| setting | value |
|--|--|
| CORSAC | a policy document; or a mapping of path prefixes ("/api") to documents; or a Policy, a PolicyCell, or a function of the HttpRequest that returns one; or the dotted name of one of these |
| CORSAC_POLICY_FILE | the path of a policy document, in place of CORSAC; see reload |
| CORSAC_REPORT_ONLY | True to evaluate and tell of decisions only, and to touch neither requests nor responses |
| CORSAC_OBSERVE | a function, or its dotted name: is called with the reason, the name of the rule and the escaped origin of every decision |

Django answers what views raise inside of this middleware, so that a response 500 has its headers. What is
raised outside of it, by other middleware in front of it or by handler500 itself, is answered without:
corsac.wsgi.CorsMiddleware or corsac.asgi.CorsMiddleware around the application of the project stands
outside of all, in place of this middleware.
"""

import weakref
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from typing import Any, TypeAlias, TypeVar, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, ResponseHeaders

from corsac._choice import Chooser, chooser
from corsac._file import PolicyFile
from corsac._native import Decision, Policy, django_edit, wsgi_decide
from corsac._report import Observer, Reporter
from corsac._settings import SettingError, choice_from_settings, imported

__all__ = ["CorsMiddleware", "reload"]

_GetResponse: TypeAlias = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

_Response = TypeVar("_Response", bound=HttpResponseBase)

_SETTINGS = ("CORSAC", "CORSAC_POLICY_FILE", "CORSAC_REPORT_ONLY", "CORSAC_OBSERVE")


class CorsMiddleware:
    """The Django middleware: answers preflights, and applies the policy of the settings to responses.

    It serves synchronous and asynchronous applications without changing threads. What a view returns is
    not changed: the response that goes out is a copy with headers of its own, and the same content.

    Args:
        get_response: What serves the request.

    Raises:
        ImproperlyConfigured: If no policy can be made of the settings; with every problem.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response
        self._waits = iscoroutinefunction(get_response)
        if self._waits:
            markcoroutinefunction(self)
        self._configure()
        # To make a response takes longer than all else.
        self._empty = HttpResponse()
        _middleware.add(self)

    def _configure(self) -> None:
        def get(name: str) -> Any:
            return getattr(settings, name, None)

        try:
            choice = choice_from_settings(get)
            if choice is None:
                raise ImproperlyConfigured("CORSAC: set it or CORSAC_POLICY_FILE, corsac.django has no policy")
            choose = chooser(choice)
            observe = get("CORSAC_OBSERVE")
            if isinstance(observe, str):
                observe = imported("CORSAC_OBSERVE", observe)
            report = Reporter(bool(get("CORSAC_REPORT_ONLY")), cast("Observer | None", observe))
        except SettingError as error:
            raise ImproperlyConfigured(str(error)) from error
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"CORSAC: {error}") from error
        self._choose: Chooser[HttpRequest] = choose
        self._report = report
        # Whether every decision is told, or all that is done.
        self._listened = report.observe is not None or report.report_only
        self._always = choice if isinstance(choice, Policy) else None
        self._file = choice if isinstance(choice, PolicyFile) else None

    def _forget(self) -> None:
        """Looks at the settings again when the next request comes."""
        self._always = None
        self._file = None

        def choose(path: str, request: HttpRequest) -> Policy | None:
            self._configure()
            return self._choose(path, request)

        self._choose = choose

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Serves one request.

        Args:
            request: The request. It is not changed.

        Returns:
            The response, or what gives it when awaited.
        """
        if self._waits:
            return self._wait(request)
        policy = self._always
        if policy is None:
            policy = self._choose(_path_of(request), request)
            if policy is None:
                return self.get_response(request)
        decision = wsgi_decide(policy, request.META)
        if (self._listened or not decision.allowed) and self._tell(decision):
            return self.get_response(request)
        if decision.action == "respond":
            return _answer(self._empty, policy, decision)
        return _edited(policy, decision, cast(HttpResponseBase, self.get_response(request)))

    async def _wait(self, request: HttpRequest) -> HttpResponseBase:
        """The same for an asynchronous application."""
        get_response = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", self.get_response)
        policy = self._always
        if policy is None:
            policy = self._choose(_path_of(request), request)
            if policy is None:
                return await get_response(request)
        decision = wsgi_decide(policy, request.META)
        if (self._listened or not decision.allowed) and self._tell(decision):
            return await get_response(request)
        if decision.action == "respond":
            return _answer(self._empty, policy, decision)
        return _edited(policy, decision, await get_response(request))

    def _tell(self, decision: Decision) -> bool:
        """Tells of a decision; True if nothing else is to be done."""
        self._report.report(decision)
        return self._report.report_only


def reload() -> None:
    """Reads the file of CORSAC_POLICY_FILE again, for the requests that come afterwards.

    It does so in this process: let each worker process call it, as on a signal.

    Raises:
        PolicyError: With every problem of the document. The policy stays the one that it was.
        OSError: If the file cannot be read. The policy stays the one that it was.
    """
    for middleware in list(_middleware):
        if middleware._file is not None:
            middleware._file.reload()


# Those that exist, for reload, and for tests that override settings.
_middleware: "weakref.WeakSet[CorsMiddleware]" = weakref.WeakSet()


def _settings_changed(*, setting: str, **_: object) -> None:
    if setting in _SETTINGS:
        for middleware in list(_middleware):
            middleware._forget()


setting_changed.connect(_settings_changed, dispatch_uid="corsac")


def _path_of(request: HttpRequest) -> str:
    """The whole path of a request. request.path lacks what FORCE_SCRIPT_NAME says where a server of ASGI left it
    out, and Django serves the same with and without it.
    """
    script: str = request.META.get("SCRIPT_NAME", "")
    return script + request.path_info


def _answer(empty: HttpResponse, policy: Policy, decision: Decision) -> HttpResponse:
    """The response to a request that the application does not see: a copy of an empty one, with all that changes."""
    response = _edited(policy, decision, empty)
    response.__dict__.update(status_code=decision.status, cookies=SimpleCookie(), _resource_closers=[])
    # It would name a type of nothing.
    del response.headers["Content-Type"]
    if decision.status != 204:
        response.headers["Content-Length"] = "0"
    return response


def _edited(policy: Policy, decision: Decision, response: _Response) -> _Response:
    """A response with the decision applied, which shares all but its headers with the one of the application.

    copy.copy would leave out what a response does not pickle, such as what closes its files; and to copy the
    headers one by one would check again what was checked when they were set.
    """
    headers = _new(ResponseHeaders)
    headers._store = django_edit(policy, decision, response.headers._store)
    copy = _new(type(response))
    attributes = response.__dict__.copy()
    attributes["headers"] = headers
    copy.__dict__ = attributes
    return copy


_new = object.__new__
