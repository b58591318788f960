"""The engine of the package `corsac`, which has everything of this module."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from os import PathLike
from typing import Any, Final, Literal, Protocol, TypeAlias, final, overload

from typing_extensions import Self, disjoint_base

from corsac._documents import Expectations, RuleDocument, _Dangers, _List, _Names

__all__ = [
    "PUBLIC_SUFFIX_LIST",
    "AsgiRequests",
    "Decision",
    "Policy",
    "PolicyCell",
    "PolicyError",
    "Problem",
    "S3Error",
    "__version__",
    "django_edit",
    "explain",
    "simulate",
    "simulate_sequence",
    "wsgi_decide",
    "wsgi_edit",
]

_Text: TypeAlias = str | bytes
_Lines: TypeAlias = _Text | list[str] | list[bytes] | tuple[_Text, ...]
_Pair: TypeAlias = tuple[_Text, _Lines] | list[str] | list[bytes]

class _Items(Protocol):
    """A mapping of headers, whose items may have a name more than once."""

    def items(self) -> Iterable[tuple[_Text, _Lines]]: ...

_Headers: TypeAlias = _Items | Iterable[_Pair]
_Rules: TypeAlias = list[RuleDocument] | tuple[RuleDocument, ...]

__version__: Final[str]
PUBLIC_SUFFIX_LIST: Final[str]

@final
class Policy:
    """A compiled CORS policy: immutable, safe to share between threads.

    Building checks everything; afterwards nothing can fail.

        policy = Policy(
            allow_origins=["https://app.example.com", "https://*.example.com"],
            allow_methods=["PUT", "DELETE"],
            allow_headers=["content-type"],
            max_age=600,
        )

    Args:
        document: A mapping with the keys of a policy document, such as a part of a configuration.
        **keywords: The same keys as keyword arguments, in place of a document. None means absent,
            here and inside.
            allow_origins: Who may read responses: "*" for everyone, or a list of origins such as
                "https://app.example.com" and patterns such as "https://*.example.com". Required,
                unless there are rules.
            allow_methods: Methods beyond GET, HEAD and POST, or "*".
            allow_headers: Request headers beyond the safelisted ones, or "*" for every header.
            expose_headers: Response headers that scripts may read, or "*".
            allow_credentials: Whether cookies, TLS certificates and HTTP authentication may be sent.
            max_age: How long a browser may keep the answer to a preflight: 0 to 86400 seconds.
            timing_allow_origin: Who may see the timing of responses: True for those who may read
                them, "*" for everyone, False, the default, for nobody.
            dangerously_allow: What is refused otherwise: "insecure-origins", "public-suffixes",
                "null-origin".
            name: A name for decisions and logs.
            description: A text for people.
            rules: A list of mappings with the keys above, in place of them: the first rule that
                matches an origin decides alone. Only name and description may stand beside it.
            preflight_status: The status of an answered preflight: 204, the default, or 200.
            refused_requests: What becomes of a refused request that is no preflight: "forward", the
                default, or "forbid", which answers 403.
            own_origins: The server's own origins, where Host does not tell.
            foreign_headers: What becomes of CORS headers that the application sets: "remove", the
                default, or "keep".
            expect: A mapping of "allow" and "refuse" to lists of origins: a policy that does
                otherwise is not built.
            acknowledge: Codes of warnings that are known and not to be reported.

    Attributes:
        warnings: What is worth a look but stopped nothing: a tuple of at most 1,000 Problem, in order.
        warnings_unreported: How many further warnings were counted but are not listed.

    Raises:
        PolicyError: With every problem of every value.
        TypeError: If a value has a type that JSON does not know, at any depth, or both a document and
            keywords are given.
    """

    @overload
    def __new__(cls, document: Mapping[str, object], /) -> Policy: ...
    @overload
    def __new__(
        cls,
        document: None = None,
        /,
        *,
        allow_origins: _Names,
        allow_methods: _Names | None = None,
        allow_headers: _Names | None = None,
        expose_headers: _Names | None = None,
        allow_credentials: bool | None = None,
        max_age: int | None = None,
        timing_allow_origin: bool | Literal["*"] | None = None,
        dangerously_allow: _Dangers | None = None,
        name: str | None = None,
        description: str | None = None,
        rules: None = None,
        preflight_status: Literal[200, 204] | None = None,
        refused_requests: Literal["forward", "forbid"] | None = None,
        own_origins: _List | None = None,
        foreign_headers: Literal["remove", "keep"] | None = None,
        expect: Expectations | None = None,
        acknowledge: _List | None = None,
    ) -> Policy: ...
    @overload
    def __new__(
        cls,
        document: None = None,
        /,
        *,
        rules: _Rules,
        name: str | None = None,
        description: str | None = None,
        preflight_status: Literal[200, 204] | None = None,
        refused_requests: Literal["forward", "forbid"] | None = None,
        own_origins: _List | None = None,
        foreign_headers: Literal["remove", "keep"] | None = None,
        expect: Expectations | None = None,
        acknowledge: _List | None = None,
    ) -> Policy: ...
    @staticmethod
    def from_json(text: str | bytes, /) -> Policy:
        """Reads a policy document: one JSON object.

        Args:
            text: The document, as str, or as bytes in UTF-8.

        Returns:
            The policy.

        Raises:
            PolicyError: With every problem of the document, each with its line and column.
            TypeError: If text is neither str nor bytes.
        """
    @staticmethod
    def from_file(path: str | PathLike[str], /) -> Policy:
        """Reads a policy document from a file: one JSON object in UTF-8.

        Args:
            path: The path of the file, as str or os.PathLike.

        Returns:
            The policy.

        Raises:
            PolicyError: With every problem of the document; its text names the file.
            OSError: If the file cannot be read; it names the path.
            TypeError: If path is no path.
        """
    @staticmethod
    def from_s3(
        text: str | bytes, /, dialect: str = "zenko", strict: bool = False
    ) -> Policy:
        """Reads the CORS configuration of an S3 bucket: a CORSConfiguration in XML, or one of the JSON forms of AWS.

        Args:
            text: The configuration, as str, or as bytes in UTF-8.
            dialect: Whose S3 it is: "zenko" or "aws".
            strict: S3 to the byte. Without it the Vary that S3 forgets is sent, and the grammar of Origin
                is checked first.

        Returns:
            The policy, which answers every OPTIONS, as S3 does.

        Raises:
            PolicyError: With the first problem in the order of S3, and its s3_code.
            TypeError: If text is neither str nor bytes, or dialect or strict has another type.
        """
    def s3_xml(self) -> str | None:
        """The configuration of a policy of from_s3 as XML.

        Returns:
            The text; None for any other policy.
        """
    def s3_headers(self, method: str | bytes, headers: _Headers) -> list[tuple[str, str]]:
        """The CORS headers of the decision on a request as S3 spells and orders them, for servers that answer
        as S3 does to the byte. Others use evaluate.

        Args:
            method: The method of the request, as in evaluate.
            headers: All headers of the request, as in evaluate.

        Returns:
            Pairs of name and value; none where S3 sends none.

        Raises:
            TypeError: As evaluate.
        """
    def s3_error(self, method: str | bytes, headers: _Headers) -> S3Error | None:
        """The error in which S3 refuses a preflight, to be sent with the headers of the decision.

        Args:
            method: The method of the request, as in evaluate.
            headers: All headers of the request, as in evaluate.

        Returns:
            The error; None where S3 refuses nothing.

        Raises:
            TypeError: As evaluate.
        """
    def evaluate(self, method: str | bytes, headers: _Headers) -> Decision:
        """Decides one request. It takes time linear in the headers and never raises PolicyError.

        Args:
            method: The method of the request, as str or bytes.
            headers: All headers of the request: a mapping of names to values, or to lists of values
                where a header came in several lines; or an iterable of pairs of name and value, such
                as the headers of an ASGI scope. Names, in any case of letters, and values are str
                (a character a byte, latin-1) or bytes. Of HTTP/2, show :authority too.

        Returns:
            The decision.

        Raises:
            TypeError: If method, headers, the name of a header, or a value of one of the six headers that
                a decision depends on has another type. Values of other headers are not looked at.
        """
    def allows_origin(self, origin: str | bytes | None, credentials: bool = True) -> bool:
        """Whether an origin may read responses, for WebSocket handshakes and CSRF checks.

        An origin that is absent, empty or malformed is refused, even where everybody may read: a
        handshake carries cookies whatever the policy says.

        Args:
            origin: The value of Origin, as str or bytes; None if the request has none.
            credentials: Whether the policy must allow credentials too. Leave it True wherever
                cookies decide who somebody is.

        Returns:
            True if the origin is allowed.

        Raises:
            TypeError: If an argument has another type.
        """
    def document(self) -> str:
        """The canonical document: JSON text without white space. A policy built from it is equal, and
        has the same text in every language.

        Returns:
            The text.
        """
    @property
    def warnings(self) -> tuple[Problem, ...]: ...
    @property
    def warnings_unreported(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Policy: ...
    def __deepcopy__(self, memo: object, /) -> Policy: ...
    def __reduce__(self) -> tuple[object, tuple[str | bool, ...]]: ...

@disjoint_base
class PolicyCell:
    """A policy that can be replaced while threads use it: assign to policy.

        cell = PolicyCell(Policy.from_file("policy.json"))
        ...
        cell.policy = Policy.from_file("policy.json")  # raises PolicyError and changes nothing if it is bad

    A cell may be used by any number of threads at once. Each decision belongs wholly to one policy.
    Looking at the policy takes a lock for as long as it takes to count a reference; policies are
    built, and end, outside it.

    Args:
        policy: The first policy.

    Attributes:
        policy: The policy as it is now: the object that was assigned last. To be assigned.
        generation: How many policies the cell has had: 1 at first, and one more with each assignment.

    Raises:
        TypeError: If policy is no Policy, here or when it is assigned. The cell keeps the one it has.
    """

    def __new__(cls, policy: Policy) -> Self: ...
    @property
    def policy(self) -> Policy: ...
    @policy.setter
    def policy(self, policy: Policy) -> None: ...
    @property
    def generation(self) -> int: ...
    def evaluate(self, method: str | bytes, headers: _Headers) -> Decision:
        """Decides one request by the policy as it is now: Policy.evaluate.

        Args:
            method: The method of the request, as str or bytes.
            headers: All headers of the request, see Policy.evaluate.

        Returns:
            The decision.

        Raises:
            TypeError: If method, headers, the name of a header, or a value of one of the six headers that
                a decision depends on has another type. Values of other headers are not looked at.
        """
    def allows_origin(self, origin: str | bytes | None, credentials: bool = True) -> bool:
        """Whether an origin may read responses by the policy as it is now: Policy.allows_origin.

        Args:
            origin: The value of Origin, as str or bytes; None if the request has none.
            credentials: Whether the policy must allow credentials too. Leave it True wherever
                cookies decide who somebody is.

        Returns:
            True if the origin is allowed.

        Raises:
            TypeError: If an argument has another type.
        """

@final
class Decision:
    """The answer to one request: what it was, what to do, why, and which headers of the response
    change. Immutable; made by Policy.evaluate.

    Attributes:
        kind: Which request it was: "not-cors", "actual" or "preflight".
        action: What to do: "forward" (let the application respond and apply the headers to its
            response) or "respond" (respond at once with the status, the headers and no body).
        status: The status to respond with; 0 where the application responds.
        allowed: Whether the request is allowed; True for requests that are not CORS.
        reason: Why, a stable name such as "allowed" or "origin-not-allowed". Take one that you
            don't know as refused.
        rule: The index of the rule that decided; None if no rule matched.
        rule_name: The name of that rule; None without one.
        origin: The Origin of the request as the line for a log shows it: escaped and capped, "several" for
            more than one; None without one.
        headers: The header edits in the order in which they apply, a tuple of (op, name, value).
            "set" replaces all lines of the name by one, "add" adds a line, "vary" merges the value
            into Vary, "remove" removes all lines (its value is empty).

    str() gives one line for a log, escaped and capped whatever the request holds. Decisions are equal
    if they do the same for the same reason, whatever their requests were.
    """

    @property
    def kind(self) -> Literal["not-cors", "actual", "preflight"]: ...
    @property
    def action(self) -> Literal["forward", "respond"]: ...
    @property
    def status(self) -> int: ...
    @property
    def allowed(self) -> bool: ...
    @property
    def reason(self) -> str: ...
    @property
    def rule(self) -> int | None: ...
    @property
    def rule_name(self) -> str | None: ...
    @property
    def origin(self) -> str | None: ...
    @property
    def headers(self) -> tuple[tuple[Literal["set", "add", "vary", "remove"], str, str], ...]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Decision: ...
    def __deepcopy__(self, memo: object, /) -> Decision: ...

@final
class Problem:
    """One thing that is wrong with a configuration, or worth a warning. Immutable.

    Attributes:
        code: The stable kebab-case name of this kind of problem, such as "origin-with-path".
        path: Where it is, such as "allow_origins[3]"; empty for the document as a whole.
        value: The offending value: a string as it is, anything else as JSON text; None without one.
        message: One sentence: what is wrong and what to write instead.
        suggestion: What to write instead, in the form of value; None without one.
        line: The line in the text, from 1; None if the configuration was no text.
        column: The column in the text, from 1, in characters; None if the configuration was no text.

    str() gives "line:column: path: message".
    """

    __match_args__: Final = ("code", "path", "value", "message")

    def __new__(
        cls,
        code: str,
        path: str,
        value: str | None,
        message: str,
        suggestion: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> Problem: ...
    @property
    def code(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def value(self) -> str | None: ...
    @property
    def message(self) -> str: ...
    @property
    def suggestion(self) -> str | None: ...
    @property
    def line(self) -> int | None: ...
    @property
    def column(self) -> int | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(
        self,
    ) -> tuple[
        type[Problem],
        tuple[str, str, str | None, str, str | None, int | None, int | None],
    ]: ...

class PolicyError(ValueError):
    """A configuration that no policy can be made of.

    Attributes:
        problems: Everything that is wrong with it, in its order: a tuple of at most 1,000 Problem.
        unreported: How many further problems were counted but are not listed.
        s3_code: The S3 error code that refuses the configuration of a bucket, such as MalformedXML; None for
            any other configuration.
        s3_error: That error, with its message and body; None for any other configuration.

    str() lists every problem, one a line.
    """

    problems: tuple[Problem, ...]
    unreported: int
    s3_code: str | None
    s3_error: S3Error | None

@final
class S3Error:
    """An error as S3 answers it, for servers that answer as S3 does. Immutable.

    Policy.s3_error and PolicyError.s3_error have those that follow from the rules of a bucket; the static
    methods make those that don't: the bucket is missing, or has no configuration.

    Attributes:
        code: The S3 error code, such as "AccessForbidden".
        status: The status of the response.
        message: The message, as S3 words it.
        dialect: Whose S3 answers it.
    """

    def __new__(
        cls,
        code: str,
        status: int,
        message: str,
        dialect: Literal["zenko", "aws"] = "zenko",
        *,
        method: str | None = None,
        is_bucket: bool | None = None,
    ) -> Self: ...
    @property
    def code(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def message(self) -> str: ...
    @property
    def dialect(self) -> Literal["zenko", "aws"]: ...
    @staticmethod
    def bucket_missing(headers: _Headers, dialect: Literal["zenko", "aws"] = "zenko") -> S3Error:
        """The answer to a preflight for a bucket that does not exist. What is wrong with the preflight itself
        comes first.

        Args:
            headers: All headers of the request, as in Policy.evaluate.
            dialect: Whose S3 it is: "zenko" or "aws".

        Returns:
            The error.

        Raises:
            PolicyError: If there is no such dialect.
            TypeError: As Policy.evaluate.
        """
    @staticmethod
    def cors_not_enabled(headers: _Headers, dialect: Literal["zenko", "aws"] = "zenko") -> S3Error:
        """The answer to a preflight for a bucket without configuration. What is wrong with the preflight itself
        comes first.

        Args:
            headers: All headers of the request, as in Policy.evaluate.
            dialect: Whose S3 it is: "zenko" or "aws".

        Returns:
            The error.

        Raises:
            PolicyError: If there is no such dialect.
            TypeError: As Policy.evaluate.
        """
    @staticmethod
    def no_configuration(dialect: Literal["zenko", "aws"] = "zenko") -> S3Error:
        """The answer to a request for the configuration of a bucket that has none.

        Args:
            dialect: Whose S3 it is: "zenko" or "aws".

        Returns:
            The error.

        Raises:
            PolicyError: If there is no such dialect.
        """
    @staticmethod
    def bad_digest(dialect: Literal["zenko", "aws"] = "zenko") -> S3Error:
        """The answer to a configuration that came with a wrong digest, or without one.

        Args:
            dialect: Whose S3 it is: "zenko" or "aws".

        Returns:
            The error.

        Raises:
            PolicyError: If there is no such dialect.
        """
    def body(self, *, is_bucket: bool = False, request_id: str = "", host_id: str = "") -> str:
        """The body of the response: XML (application/xml).

        Args:
            is_bucket: Whether the request is about a bucket and not an object, which AWS tells.
            request_id: The identifier of the request.
            host_id: The identifier of the server, which AWS tells.

        Returns:
            The text.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[object, tuple[str, int, str, str]]: ...

# The native half of corsac.asgi

_Message: TypeAlias = MutableMapping[str, Any]

class _Edited(Protocol):
    """What the application gets as its send: the last of __self__ tells whether a final response has started."""

    __self__: list[Any]

    def __call__(self, message: _Message, /) -> Awaitable[None]: ...

@final
class AsgiRequests:
    def __new__(
        cls,
        policy: Policy | PolicyCell | None,
        report: Callable[[Policy, _Message], None],
        enabled: Callable[[int], bool],
        level: int,
        answered: dict[int, bool] | None,
        always: bool,
        /,
    ) -> AsgiRequests: ...
    def request(
        self, scope: _Message, send: Callable[[_Message], Awaitable[None]], /
    ) -> tuple[_Message, _Message] | _Edited: ...
    def request_by(
        self, policy: Policy | PolicyCell, scope: _Message, send: Callable[[_Message], Awaitable[None]], /
    ) -> tuple[_Message, _Message] | _Edited: ...

_Store: TypeAlias = dict[str, tuple[str, str]]

def wsgi_decide(policy: Policy, environ: dict[str, Any], /) -> Decision: ...
def wsgi_edit(policy: Policy, decision: Decision, headers: Iterable[tuple[str, str]], /) -> list[tuple[str, str]]: ...
def django_edit(policy: Policy, decision: Decision, store: _Store, /) -> _Store: ...

# The native half of corsac.browser and corsac.explain: JSON in, JSON out

def simulate(exchange: str, profile: str, /) -> str: ...
def simulate_sequence(sequence: str, profile: str, /) -> str: ...
def explain(question: str, policy: Policy | None, /) -> str: ...
