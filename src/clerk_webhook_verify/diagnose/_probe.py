"""What a probe examines and returns, the entry of its cause, and JSON of unknown origin."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from hmac import compare_digest
from itertools import accumulate
from json import JSONDecodeError, JSONDecoder
from typing import Any, Literal, TypeAlias

from .._headers import SVIX_HEADERS, VENDORS, WEBHOOK_HEADERS, declared_length
from .._payload import read_float, read_int
from .._secret import ENVIRONMENT, Secret, split_secrets
from .._signature import Signer
from ..errors import SignatureMismatchError, WebhookError

Confidence: TypeAlias = Literal["confirmed", "likely", "by_elimination"]  #: The surest first.

SINGLE = "the secret"  #: The place of a single one.
_MAX_HEADERS = 1000  # of one name in a delivery, and of all others together
_MAX_LENGTH = 16_384  # characters, as in the strict check
_MAX_MEMORY = 64_000_000  # bytes of one parsed body: a sorted copy of it and the text of that exist at the same time
_MAX_DEPTH = 200  # indents grow with its square, and the encoder's recursion is limited
_PUNCTUATION = b'{}[],:"'
_BYTES_PER_MARK = 60  # of punctuation: the most that the objects of CPython 3.10 to 3.14 take, on average
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_NESTING = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_OUTSIDE_STRINGS = b"{}[],:0123456789.+-eE" + b"truefalsenull"
_STRING = re.compile('"[^"]*"')
_MISPLACED = re.compile(rb"[\[{,:][,:]|[,:][\]}]|[0-9\]}][\[{]|\[}|{]")  # without strings and spaces

# Control characters in strings and NaN are accepted: what changed the payload may have written them
_decoder = JSONDecoder(strict=False, parse_int=read_int, parse_float=read_float)


class Budget:
    """The time for all probes together. They ask before each step that is not instant."""

    def __init__(self, seconds: float, timer: Callable[[], float]) -> None:
        if not seconds >= 0:
            raise ValueError("budget must be a number of seconds, 0 or more")
        self._timer = timer
        self._end = timer() + seconds
        self.declined = False  #: Whether a step was skipped since this was last set to False.

    def has_time(self) -> bool:
        return self.allows(self._timer() < self._end)

    def allows(self, affordable: bool) -> bool:
        """Return *affordable*, and remember a step that is not."""
        self.declined |= not affordable
        return affordable


@dataclass(frozen=True)
class Finding:
    """What a probe found."""

    confidence: Confidence
    evidence: str  #: Never contains the secret, the expected signature or the body.


@dataclass(repr=False)  # it contains secrets
class RejectedDelivery:
    """What a probe examines."""

    error: WebhookError  #: Of the strict check.
    headers: list[tuple[str, str]]  #: As of :func:`header_pairs`.
    body: bytes
    budget: Budget
    secrets: list[tuple[str, str]]  #: As of :func:`secret_texts`, as are the following.
    unread_secrets: list[tuple[str, str]]
    signers: tuple[Signer, ...]  #: One per secret; none if a secret is invalid.
    attempts: tuple[tuple[str, str], ...]  #: The message ids and timestamps of other deliveries.
    matching_signer: Signer | None = None  #: The one of ``signers`` that :meth:`matches` found last.

    def __post_init__(self) -> None:
        given = {name for name, _ in self.headers}
        is_svix = not given.isdisjoint(SVIX_HEADERS) or given.isdisjoint(WEBHOOK_HEADERS)
        self.names = SVIX_HEADERS if is_svix else WEBHOOK_HEADERS  #: The header set that the strict check reads.
        self.message_id, self.timestamp, self.signatures = map(self.value, self.names)
        self.declared_length = declared_length(self.value("content-length"))

    @property
    def payload(self) -> Any:
        """The JSON value in the body; None without one, or if :attr:`can_parse` is false."""
        return self._payload if self.can_parse else None

    @property
    def can_parse(self) -> bool:
        """Whether there is time and memory to parse the body as JSON."""
        return self.budget.has_time() and self.budget.allows(self._is_small)

    @property
    def is_json(self) -> bool:
        """Whether the body is a JSON object or array; if it is too large to parse, as far as its brackets show."""
        return isinstance(self._payload, dict | list) if self._is_small else looks_like_json(self.body)

    @cached_property
    def _is_small(self) -> bool:
        return is_small(self.body)

    @cached_property
    def _payload(self) -> Any:
        """Of a small body."""
        return _decode(self.body)

    def value(self, name: str) -> str:
        """Return the first value of a header; ``""`` if there is none."""
        return next(iter(self.values(name)), "")

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given == name]

    def matches(
        self,
        message_id: str | None = None,
        timestamp: str | None = None,
        signatures: str | None = None,
        *,
        body: bytes | None = None,
        signers: Iterable[Signer] | None = None,
        compare: Callable[[bytes, bytes], bool] = compare_digest,
    ) -> bool:
        """Return whether the signature matches if these parts of the delivery are replaced; False without time left.

        *compare* gets an entry of the signature header and the expected one.
        """
        if not self.budget.has_time():
            return False
        message_id = self.message_id if message_id is None else message_id
        timestamp = self.timestamp if timestamp is None else timestamp
        prefix = f"{message_id}.{timestamp}.".encode("utf-8", "surrogatepass")
        body = self.body if body is None else body
        signatures = self.signatures if signatures is None else signatures
        entries = signatures.encode("utf-8", "surrogatepass").split(b" ")
        for signer in self.signers if signers is None else signers:
            expected = signer.sign(prefix, body).encode()
            for entry in entries:
                if compare(entry, expected):
                    self.matching_signer = signer if signer in self.signers else None
                    return True
        return False

    def confirm(self, changes: Iterable[tuple[str, bytes]]) -> Finding | None:
        """Find the first change after which the signature matches; each has the body that results."""
        for change, body in changes:
            if body != self.body and self.matches(body=body):
                return Finding("confirmed", f"the signature matches {change}")
            if not self.budget.has_time():
                break
        return None


#: Returns None if the cause does not explain why the delivery was rejected.
Probe: TypeAlias = Callable[[RejectedDelivery], Finding | None]


@dataclass(frozen=True)
class Cause:
    """One entry of a :class:`CauseTable`."""

    code: str  #: Stable, since people match on it.
    fix: str
    probe: Probe
    explains: tuple[type[WebhookError], ...]  #: The errors of the strict check for which the probe runs.


class CauseTable(list[Cause]):
    """Causes in the order in which they are probed."""

    def add(
        self, *, fix: str, explains: tuple[type[WebhookError], ...] = (SignatureMismatchError,)
    ) -> Callable[[Probe], Probe]:
        """Decorate the probe of a cause. The name of the function is the code of the cause."""

        def register(probe: Probe) -> Probe:
            self.append(Cause(probe.__name__, fix, probe, explains))
            return probe

        return register


def header_pairs(headers: Any) -> list[tuple[str, str]]:
    """Return the headers that probes examine, names in lower case, accepted and ignored as in the strict check."""
    pairs: list[tuple[str, str]] = []
    counts: Counter[str] = Counter()
    for given_name, given_value in headers.items() if hasattr(headers, "items") else headers:
        name = _text(given_name)
        if given_value is None or not name.isascii():
            continue
        name, value = name.lower(), _text(given_value).strip(" \t")
        is_known = name in VENDORS or name == "content-length" or value.startswith("v1,")
        kind = name if name in SVIX_HEADERS + WEBHOOK_HEADERS else "others"
        if (is_known or "svix" in name or "webhook" in name) and counts[kind] < _MAX_HEADERS:
            counts[kind] += 1
            pairs.append((name, value))
    return pairs


def secret_texts(secret: Secret | None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the strings that may be meant as secrets, each after its place, and those in the variable not read."""
    if secret is None:
        first, second = map(_texts_in, ENVIRONMENT)
        return (first, second) if ENVIRONMENT[0] in os.environ else (second, [])
    given = (secret,) if isinstance(secret, str | bytes) else secret
    return _numbered([_text(each).strip() for each in given]), []


def _texts_in(variable: str) -> list[tuple[str, str]]:
    """Return the parts of an environment variable, and its complete value if it has several."""
    value = os.environ.get(variable, "").strip()
    parts = split_secrets(value)
    return _numbered(parts) + ([(SINGLE, value)] if len(parts) > 1 else [])


def _numbered(texts: list[str]) -> list[tuple[str, str]]:
    count = len(texts)
    return [
        (f"secret {number} of {count}" if count > 1 else SINGLE, text) for number, text in enumerate(texts, 1) if text
    ]


def _text(part: object) -> str:
    try:
        return (part.decode("latin-1") if isinstance(part, bytes) else str(part))[:_MAX_LENGTH]
    except UnicodeError:  # str() of an email.header.Header with a lone surrogate
        return ""


def is_small(text: bytes) -> bool:
    """Return whether *text* can be parsed and serialized: in little memory, without too much recursion."""
    characters = len(text) * (2 if text.isascii() else 8)  # as text, and again in the parsed strings
    if characters + _BYTES_PER_MARK * sum(map(text.count, _PUNCTUATION)) > _MAX_MEMORY:
        return False
    brackets = without_strings(text).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_NESTING.__getitem__, brackets)), default=0) <= _MAX_DEPTH


def parse(text: bytes) -> Any:
    """Return the value in JSON text; None if it is not JSON, or not small."""
    return _decode(text) if is_small(text) else None


def _decode(text: bytes) -> Any:
    try:
        return _decoder.decode(text.decode())
    except ValueError:
        return None


def breaks_off(text: bytes) -> bool:
    """Return whether *text* is the beginning of a JSON object or array."""
    beginning = text.decode("utf-8", "replace").strip()
    if not beginning.startswith(("{", "[")):
        return False
    try:
        _decoder.decode(beginning)
    except JSONDecodeError as error:
        return error.pos >= len(beginning) or "Unterminated" in error.msg
    return False


def looks_like_json(text: bytes) -> bool:
    """Return whether *text* is an object or an array as far as its punctuation shows, without parsing it."""
    rest = without_strings(text, "0").translate(None, b" \t\r\n")
    return (
        rest[:1] in (b"{", b"[")
        and rest.count(b"{") == rest.count(b"}")
        and rest.count(b"[") == rest.count(b"]")
        and not rest.translate(None, _OUTSIDE_STRINGS)
        and not _MISPLACED.search(rest)
    )


def without_strings(text: bytes, replacement: str = "") -> bytes:
    """Return JSON text without its strings, or with a *replacement* in their places."""
    unescaped = text.replace(rb"\\", b"").replace(rb"\"", b"")
    # As str, because joining millions of pieces of bytes takes 80 bytes for each
    return _STRING.sub(replacement, unescaped.decode("latin-1")).encode("latin-1")
