"""Reads a policy from the settings of a framework: CORSAC, or CORSAC_POLICY_FILE."""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from corsac._choice import PolicyChoice
from corsac._file import PolicyFile
from corsac._native import Policy, PolicyCell, PolicyError, Problem

__all__ = ["SettingError", "choice_from_settings", "imported"]


class SettingError(ValueError):
    """A setting that no policy can be made of.

    Attributes:
        setting: The name of the setting, with the prefix of the path in it where there is one, such as
            'CORSAC["/api"]'.
        problems: The problems of the document, if it is one.
    """

    def __init__(self, setting: str, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting
        self.message = message
        self.problems = problems


def choice_from_settings(get: Callable[[str], Any]) -> PolicyChoice[Any] | None:
    """Who decides, by the settings of a framework.

    CORSAC is a policy document, a mapping of path prefixes to documents, a Policy, a PolicyCell, a function,
    or the dotted name of one of these; CORSAC_POLICY_FILE is the path of a policy document.

    Args:
        get: Gives the value of a setting; None if it is not set.

    Returns:
        What adapters take as their policy; None if neither is set.

    Raises:
        SettingError: With everything that is wrong with a document.
    """
    value, path = get("CORSAC"), get("CORSAC_POLICY_FILE")
    if path is not None:
        if value is not None:
            raise SettingError("CORSAC_POLICY_FILE", "set it or CORSAC, not both")
        if not isinstance(path, (str, os.PathLike)):
            raise SettingError("CORSAC_POLICY_FILE", f"it must be a path, not {type(path).__name__}")
        try:
            return PolicyFile(path)
        except PolicyError as error:
            raise SettingError("CORSAC_POLICY_FILE", str(error), error.problems) from error
        except OSError as error:
            raise SettingError("CORSAC_POLICY_FILE", str(error)) from error
    if value is None:
        return None
    if isinstance(value, str):
        value = imported("CORSAC", value)
    if isinstance(value, (Policy, PolicyCell)):
        return value
    if not isinstance(value, Mapping):
        if callable(value):
            function: Callable[[Any], Policy | PolicyCell | None] = value
            return function
        expected = "a policy document, a mapping of path prefixes to documents, a policy or a function"
        raise SettingError("CORSAC", f"it must be {expected}, not {type(value).__name__}")
    # No key of a document begins with a slash.
    if not any(isinstance(key, str) and key.startswith("/") for key in value):
        return _policy("CORSAC", value)
    prefixes: dict[str, Policy | PolicyCell | None] = {}
    for key, part in value.items():
        if not isinstance(key, str) or not key.startswith("/"):
            raise SettingError("CORSAC", f"it is a mapping of path prefixes, none of which is {key!r}")
        if part is None or isinstance(part, (Policy, PolicyCell)):
            prefixes[key] = part
        else:
            prefixes[key] = _policy(f'CORSAC["{key}"]', part)
    return prefixes


def imported(setting: str, name: str) -> Any:
    """What a dotted name stands for.

    Args:
        setting: The setting that has it.
        name: The name of a module and of something in it.

    Returns:
        It.

    Raises:
        SettingError: If there is no such thing.
    """
    module, _, attribute = name.rpartition(".")
    if not module:
        raise SettingError(setting, f"{name!r} is not the dotted name of something in a module")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SettingError(setting, f"{name!r} cannot be imported: {error}") from error


def _policy(setting: str, document: Any) -> Policy:
    try:
        return Policy(document)
    except PolicyError as error:
        raise SettingError(setting, str(error), error.problems) from error
    except TypeError as error:
        raise SettingError(setting, str(error)) from error
