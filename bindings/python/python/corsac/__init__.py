"""One CORS policy, compiled once, answered identically everywhere.

    >>> from corsac import Policy
    >>> policy = Policy(allow_origins=["https://app.example.com"], allow_methods=["PUT"])
    >>> decision = policy.evaluate("GET", {"Origin": "https://app.example.com"})
    >>> decision.allowed, decision.action, decision.reason
    (True, 'forward', 'allowed')
    >>> decision.headers[:2]
    (('vary', 'Vary', 'Origin'), ('set', 'Access-Control-Allow-Origin', 'https://app.example.com'))

A configuration that is wrong raises PolicyError, which has every problem of it:

    >>> Policy(allow_origins=["https://app.example.com/"])
    Traceback (most recent call last):
    ...
    corsac.PolicyError: allow_origins[0]: ...
"""

from corsac._documents import Expectations, PolicyDocument, RuleDocument
from corsac._native import Decision, Policy, PolicyCell, PolicyError, Problem, __version__

__all__ = [
    "Decision",
    "Expectations",
    "Policy",
    "PolicyCell",
    "PolicyDocument",
    "PolicyError",
    "Problem",
    "RuleDocument",
    "__version__",
]
