"""Why a browser lets a script read a response, or does not."""

import json
from collections.abc import Mapping
from typing import Any

from corsac import _native
from corsac._native import Policy


def explain(question: Mapping[str, Any], policy: Policy | None = None) -> dict[str, Any]:
    """Tells what browsers do with a script's request, why, and what to change.

        >>> from corsac import Policy, explain
        >>> policy = Policy(allow_origins=["https://example.com"])
        >>> explanation = explain({
        ...     "page_origin": "https://www.example.com",
        ...     "request": {"url": "https://api.example.com/items"},
        ... }, policy)
        >>> hint = explanation["hints"][0]
        >>> hint["code"], hint["path"], hint["suggestion"]
        ('origin-differs-in-www', 'allow_origins[0]', 'https://www.example.com')

    It changes no decision and is not for the path of requests. The shapes, and every hint, are in the guide to
    explanations, core/docs/explain.md.

    Args:
        question: page_origin and request; with them what was observed, server or server_hops, unless a policy answers.
        policy: The policy that answers.

    Returns:
        readable (in every profile), profiles (what comes of it by the standard, in Chromium and in Firefox, with every step and the consoles' words),
        decisions, exchanges, hints.

    Raises:
        ValueError: If the question makes no sense, with what to write instead.
    """
    explanation: dict[str, Any] = json.loads(_native.explain(json.dumps(question), policy))
    return explanation
