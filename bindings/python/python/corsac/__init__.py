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

try:
    from corsac._native import PUBLIC_SUFFIX_LIST, Decision, Policy, PolicyCell, PolicyError, Problem, S3Error, __version__
except ImportError as _error:
    # Python itself refuses it in some kinds of interpreters, before the module can say what helps.
    if "interpreter" not in str(_error) or "corsac cannot" in str(_error):
        raise
    raise ImportError(
        "corsac cannot be imported in a subinterpreter: import it in the main interpreter "
        "(mod_wsgi: WSGIApplicationGroup %{GLOBAL}; uWSGI: single-interpreter = true), or use processes",
        name=_error.name,
        path=_error.path,
    ) from _error

from corsac._documents import Expectations, PolicyDocument, RuleDocument
from corsac._explain import explain
from corsac._file import PolicyFile

__all__ = [
    "PUBLIC_SUFFIX_LIST",
    "Decision",
    "Expectations",
    "Policy",
    "PolicyCell",
    "PolicyDocument",
    "PolicyError",
    "PolicyFile",
    "Problem",
    "RuleDocument",
    "S3Error",
    "__version__",
    "explain",
]
