"""System checks: every problem and warning of the policy, and where the middleware stands.

A check has the code of the problem or warning in its id, such as corsac.origin-with-path, by which
SILENCED_SYSTEM_CHECKS silences it.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from corsac._choice import chooser
from corsac._native import Policy, PolicyCell, Problem
from corsac._settings import SettingError, choice_from_settings

__all__ = ["check_middleware", "check_policy"]

_MIDDLEWARE = "corsac.django.CorsMiddleware"
_OTHER = "corsheaders.middleware.CorsMiddleware"


def check_policy(**_: Any) -> list[CheckMessage]:
    """Checks the policy of the settings.

    Returns:
        An Error for every problem of every document, and a Warning for every warning.
    """
    messages: list[CheckMessage] = []
    parts: dict[str, Any] = {}
    value = getattr(settings, "CORSAC", None)
    # Each document of a mapping of prefixes, so that the problems of all of them are told at once.
    if isinstance(value, dict) and len(value) > 1 and all(isinstance(key, str) and key[:1] == "/" for key in value):
        parts = {key: {key: part} for key, part in value.items()}
    for part in parts.values() or [value]:
        try:
            choice = choice_from_settings(lambda name: part if name == "CORSAC" else getattr(settings, name, None))
            if choice is None:
                continue
            chooser(choice)
        except SettingError as error:
            if error.problems:
                messages += _messages(Error, error.setting, error.problems)
            else:
                messages.append(Error(error.message, obj=error.setting, id="corsac.setting"))
            continue
        except (TypeError, ValueError) as error:
            messages.append(Error(str(error), obj="CORSAC", id="corsac.setting"))
            continue
        setting = "CORSAC" if part is not None else "CORSAC_POLICY_FILE"
        if isinstance(choice, (Policy, PolicyCell)):
            messages += _messages(Warning, setting, _warnings(choice))
        elif not callable(choice):
            for prefix, policy in choice.items():
                if policy is not None:
                    messages += _messages(Warning, f'{setting}["{prefix}"]', _warnings(policy))
    return messages


def check_middleware(**_: Any) -> list[CheckMessage]:
    """Checks that the middleware is installed, alone, and in front of all others.

    Returns:
        What is wrong.
    """
    middleware = list(getattr(settings, "MIDDLEWARE", None) or [])
    configured = any(getattr(settings, name, None) is not None for name in ("CORSAC", "CORSAC_POLICY_FILE"))
    if _MIDDLEWARE not in middleware:
        if not configured:
            return []
        hint = "Leave it so if corsac.wsgi or corsac.asgi stands around the application."
        message = f"there is a policy, and {_MIDDLEWARE} is not in it to apply it"
        return [Warning(message, hint=hint, obj="MIDDLEWARE", id="corsac.not-installed")]
    messages: list[CheckMessage] = []
    if not configured:
        message = f"{_MIDDLEWARE} has no policy, set CORSAC or CORSAC_POLICY_FILE"
        messages.append(Error(message, obj="MIDDLEWARE", id="corsac.not-configured"))
    before = middleware[: middleware.index(_MIDDLEWARE)]
    if before:
        messages.append(
            Warning(
                f"{_MIDDLEWARE} stands behind {', '.join(before)}: what they answer, such as redirects and files, has "
                "no CORS headers, and they see preflights",
                hint=f'Write "{_MIDDLEWARE}" first.',
                obj="MIDDLEWARE",
                id="corsac.not-first",
            )
        )
    if _OTHER in middleware:
        messages.append(
            Warning(
                f"{_OTHER} sets CORS headers too, of which the policy removes those that it does not set itself",
                hint="Remove it; python -m corsac.migrate django carries its settings over.",
                obj="MIDDLEWARE",
                id="corsac.django-cors-headers",
            )
        )
    return messages


def _warnings(policy: Policy | PolicyCell) -> Iterable[Problem]:
    return (policy.policy if isinstance(policy, PolicyCell) else policy).warnings


def _messages(level: Any, setting: str, problems: Iterable[Problem]) -> list[CheckMessage]:
    return [
        level(
            problem.message,
            hint=None if problem.suggestion is None else f"Write {problem.suggestion} in place of {problem.value}.",
            obj=f"{setting}: {problem.path}" if problem.path else setting,
            id=f"corsac.{problem.code}",
        )
        for problem in problems
    ]
