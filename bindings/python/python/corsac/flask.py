"""CORS for Flask.

    from corsac.flask import Corsac

    app = Flask(__name__)
    Corsac(app, Policy(allow_origins=["https://app.example.com"]))

It stands around app.wsgi_app, so that the responses to errors, redirects and unknown paths have their
headers as well, and no view sees a preflight.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import MapAdapter, RequestRedirect

from corsac._choice import PolicyChoice, PolicyKeywords, choice_of, chooser
from corsac._native import Policy, PolicyCell
from corsac._report import Observer, logger
from corsac._settings import choice_from_settings
from corsac.wsgi import CorsMiddleware, path_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Corsac"]


class Corsac:
    """The Flask extension: a policy for an application, and others for some of its blueprints.

    Without policy and keywords, init_app looks at the configuration of the application: CORSAC is a policy
    document, or a mapping of path prefixes to documents; CORSAC_POLICY_FILE is the path of a document.

    A request belongs to the blueprint that its URL leads to, a preflight to the one that the request
    behind it leads to; a blueprint inside another has the policy of the outer one unless it has its own.
    Everything else, such as a path that leads nowhere, is decided by policy.

    Exceptions that Flask answers have the headers of the policy. Those that it is told to let out, as in
    debug mode and in tests, are let out.

    Args:
        app: The application; None to call init_app later, for one or several applications.
        policy: Who decides: a Policy, a PolicyCell, a mapping of path prefixes to them, or a function of the
            WSGI environ that returns one.
        blueprints: A mapping of blueprints, or their names, to a Policy or PolicyCell; None in place of one
            leaves a blueprint alone. One that the application does not have when the first request comes
            is logged.
        report_only: Whether to evaluate and tell of decisions only, and to touch neither requests nor
            responses.
        observe: Is called with the reason, the name of the rule and the escaped origin of every decision.
        **keywords: The keywords of a policy, in place of policy.

    Raises:
        PolicyError: With every problem of the keywords.
        SettingError: A ValueError, with every problem of the configuration.
        TypeError: If an argument has a type that it cannot have, both policy and keywords are given, or
            there is no policy at all.
        ValueError: If a prefix is one that no path has.
    """

    def __init__(
        self,
        app: Flask | None = None,
        policy: PolicyChoice[dict[str, Any]] | None = None,
        *,
        blueprints: Mapping[Blueprint | str, Policy | PolicyCell | None] | None = None,
        report_only: bool = False,
        observe: Observer | None = None,
        **keywords: "Unpack[PolicyKeywords]",
    ) -> None:
        self._choice = choice_of(policy, keywords) if policy is not None or keywords else None
        self._blueprints = dict(blueprints or {})
        for blueprint, own in self._blueprints.items():
            if not isinstance(blueprint, (Blueprint, str)):
                raise TypeError(f"the keys of blueprints must be Blueprint or str, not {type(blueprint).__name__}")
            if own is not None and not isinstance(own, (Policy, PolicyCell)):
                raise TypeError(f"the values of blueprints must be Policy or PolicyCell, not {type(own).__name__}")
        self._report_only = report_only
        self._observe = observe
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Puts the policy around an application.

        Args:
            app: The application. Its blueprints may be registered later.

        Raises:
            SettingError: A ValueError, with every problem of the configuration.
            TypeError: If there is no policy.
        """
        choice = self._choice
        if choice is None:
            choice = choice_from_settings(app.config.get)
        if choice is None:
            raise TypeError(
                "policy is missing: write Corsac(app, Policy(allow_origins=[...])), or set CORSAC or CORSAC_POLICY_FILE "
                "in the configuration of the application"
            )
        if self._blueprints:
            choice = _by_blueprint(app, chooser(choice), self._blueprints)
        app.wsgi_app = CorsMiddleware(  # type: ignore[method-assign]
            app.wsgi_app,
            choice,
            report_only=self._report_only,
            observe=self._observe,
            answer_exceptions=False,
        )
        app.extensions["corsac"] = self


def _by_blueprint(
    app: Flask,
    otherwise: Callable[[str, dict[str, Any]], Policy | None],
    blueprints: Mapping[Blueprint | str, Policy | PolicyCell | None],
) -> Callable[[dict[str, Any]], Policy | PolicyCell | None]:
    """Chooses by the blueprint that a request leads to."""
    table: dict[object, Policy | PolicyCell | None] = {key: policy for key, policy in blueprints.items()}
    # Known when the first request comes: then Flask takes no more of them.
    looked_for = False

    def choose(environ: dict[str, Any]) -> Policy | PolicyCell | None:
        nonlocal looked_for
        if not looked_for:
            looked_for = True
            for missing in table.keys() - app.blueprints.keys() - set(app.blueprints.values()):
                logger.warning("the application has no blueprint %r, whose policy decides nothing", missing)
        for name in _blueprint_names(app, environ):
            for blueprint in (name, app.blueprints.get(name)):
                if blueprint in table:
                    return table[blueprint]
        return otherwise(path_of(environ), environ)

    return choose


def _blueprint_names(app: Flask, environ: dict[str, Any]) -> Iterator[str]:
    """The names of the blueprints that the URL of a request leads to, the innermost first."""
    endpoint = _endpoint(app, environ)
    while "." in endpoint:
        endpoint = endpoint.rpartition(".")[0]
        yield endpoint


def _endpoint(app: Flask, environ: dict[str, Any]) -> str:
    """The endpoint that the URL of a request leads to; empty if it leads nowhere."""
    method = environ["REQUEST_METHOD"]
    if method == "OPTIONS" and "HTTP_ORIGIN" in environ:
        # What a preflight asks for may lead elsewhere than OPTIONS does.
        method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", method)
    try:
        adapter = app.create_url_adapter(app.request_class(environ, populate_request=False))
        if adapter is None:
            return ""
        try:
            return _match(adapter, method, None)
        except RequestRedirect as redirect:
            # Of a path without its slash at the end, to the same with it.
            path = urlsplit(redirect.new_url).path.removeprefix(adapter.script_name.rstrip("/"))
            return _match(adapter, method, path)
    except HTTPException:
        return ""


def _match(adapter: MapAdapter, method: str, path: str | None) -> str:
    try:
        return str(adapter.match(path, method=method)[0])
    except MethodNotAllowed as refused:
        # The response to it is still one of the blueprint that has the path.
        return str(adapter.match(path, method=sorted(refused.valid_methods or ["GET"])[0])[0])
