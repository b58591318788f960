"""The browser's half of the CORS protocol, from the Fetch standard: what a browser sends for a script's request,
and whether the script may read what comes back. It is for explaining and for tests; no server needs it.

    >>> from corsac.browser import simulate
    >>> outcome = simulate({
    ...     "page_origin": "https://app.example.com",
    ...     "request": {"url": "https://api.example.com/items", "method": "PUT"},
    ...     "server": {"preflight": {"status": 404, "headers": []}},
    ... }, "firefox")
    >>> outcome["outcome"], outcome["failure"], outcome["preflights"][0]["request_method"]
    ('blocked', 'preflight-acao-missing', 'PUT')

The shapes of exchanges, sequences and outcomes are in the guide to explanations, core/docs/explain.md. A header's
value has one character for each byte.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from corsac import _native

__all__ = ["simulate", "simulate_sequence"]


def simulate(
    exchange: Mapping[str, Any], profile: Literal["standard", "chromium", "firefox"] = "standard"
) -> dict[str, Any]:
    """Plays one exchange in a browser with an empty preflight cache.

    Args:
        exchange: The page, the script's request, and what the server answers.
        profile: Whose behaviour is modelled: the standard's, or that of a browser where it differs.

    Returns:
        What came of it: outcome, failure, preflights, requests, status, exposed headers, console, steps.

    Raises:
        ValueError: If the exchange makes no sense, with what to write instead.
    """
    outcome: dict[str, Any] = json.loads(_native.simulate(json.dumps(exchange), profile))
    return outcome


def simulate_sequence(
    sequence: Mapping[str, Any], profile: Literal["standard", "chromium", "firefox"] = "standard"
) -> list[dict[str, Any]]:
    """Plays exchanges one after another in one browser, whose preflight cache they share.

    Args:
        sequence: {"steps": [{"at": milliseconds, "exchange": {...}}, ...]}.
        profile: Whose behaviour is modelled: the standard's, or that of a browser where it differs.

    Returns:
        What came of each.

    Raises:
        ValueError: If an exchange makes no sense, with its index.
    """
    outcomes: list[dict[str, Any]] = json.loads(_native.simulate_sequence(json.dumps(sequence), profile))
    return outcomes
