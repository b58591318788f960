"""What adapters tell of decisions: refused ones to `logging`, every one to a hook."""

import contextlib
import logging
from collections.abc import Callable
from typing import TypeAlias

from corsac._native import Decision

__all__ = ["Observer", "Reporter", "logger"]

Observer: TypeAlias = Callable[[str, str | None, str | None], object]
"""Is called for every decision, for metrics, with its reason ("allowed", "origin-not-allowed", ...), the
name of the rule that decided, and the request's Origin, escaped and capped; None where there is none."""

logger = logging.getLogger("corsac")


class Reporter:
    """Tells of decisions. It costs nothing when nobody listens.

    A refused decision is logged with its one line, which is escaped and capped, by the logger
    "corsac" at the level INFO, or WARNING with report_only, where telling is all that happens.

    Args:
        report_only: Whether nothing becomes of decisions but a report: the adapter evaluates every
            request, and touches neither it nor its response.
        observe: Is called with the reason, the name of the rule and the escaped origin of every
            decision. What it raises is logged and goes no further.

    Attributes:
        level: The level at which refused decisions are logged.

    Raises:
        TypeError: If observe cannot be called.
    """

    __slots__ = ("level", "observe", "report_only")

    def __init__(self, report_only: bool = False, observe: Observer | None = None) -> None:
        if observe is not None and not callable(observe):
            raise TypeError(f"observe must be a function of reason, rule and origin, not {type(observe).__name__}")
        self.report_only = bool(report_only)
        self.observe = observe
        self.level = logging.WARNING if report_only else logging.INFO

    def wants(self, allowed: bool) -> bool:
        """Whether anybody wants to know of a decision.

        Args:
            allowed: Whether the decision allows the request.

        Returns:
            False if report would do nothing.
        """
        return self.observe is not None or (not allowed and logger.isEnabledFor(self.level))

    def report(self, decision: Decision) -> None:
        """Tells of a decision. Never raises an Exception.

        Args:
            decision: The decision. Its reason and line are only looked at if somebody listens.
        """
        try:
            if not decision.allowed and logger.isEnabledFor(self.level):
                logger.log(self.level, "%s", decision)
            if self.observe is not None:
                self.observe(decision.reason, decision.rule_name, decision.origin)
        except Exception:
            # It may be the log itself that fails.
            with contextlib.suppress(Exception):
                logger.exception("the report of a CORS decision failed")

    def report_handshake(self, origin: str | None) -> None:
        """Tells that a WebSocket handshake was refused, in the log only: no reason of a decision says so.

        Args:
            origin: The escaped Origin of the handshake; None without one.
        """
        with contextlib.suppress(Exception):
            logger.log(self.level, "websocket refused origin=%s", "-" if origin is None else f'"{origin}"')
