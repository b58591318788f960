"""The types of policy documents, for type checkers: what a document holds is checked when a policy is built."""

from typing import Literal, TypeAlias, TypedDict

__all__ = ["Expectations", "PolicyDocument", "RuleDocument"]

_List: TypeAlias = list[str] | tuple[str, ...] | set[str] | frozenset[str]
_Names: TypeAlias = Literal["*"] | _List
_Danger: TypeAlias = Literal["insecure-origins"] | Literal["public-suffixes"] | Literal["null-origin"]
_Dangers: TypeAlias = list[_Danger] | tuple[_Danger, ...] | set[_Danger] | frozenset[_Danger]


class Expectations(TypedDict, total=False):
    """The value of `expect`: origins that a policy must allow and refuse, checked when it is built."""

    allow: _List | None
    refuse: _List | None


class _Origins(TypedDict):
    allow_origins: _Names


class RuleDocument(_Origins, total=False):
    """One element of `rules`."""

    allow_methods: _Names | None
    allow_headers: _Names | None
    expose_headers: _Names | None
    allow_credentials: bool | None
    max_age: int | None
    timing_allow_origin: bool | Literal["*"] | None
    dangerously_allow: _Dangers | None
    name: str | None
    description: str | None


_Schema = TypedDict("_Schema", {"$schema": str | None}, total=False)


class _Settings(_Schema, total=False):
    preflight_status: Literal[200, 204] | None
    refused_requests: Literal["forward", "forbid"] | None
    own_origins: _List | None
    foreign_headers: Literal["remove", "keep"] | None
    expect: Expectations | None
    acknowledge: _List | None


class _OneRule(RuleDocument, _Settings):
    """A document that is its one rule."""


class _Rules(TypedDict):
    rules: list[RuleDocument] | tuple[RuleDocument, ...]


class _SeveralRules(_Rules, _Settings, total=False):
    """A document with rules, the first of which matching an origin decides."""

    name: str | None
    description: str | None


PolicyDocument: TypeAlias = _OneRule | _SeveralRules
"""A policy document. None means absent."""
