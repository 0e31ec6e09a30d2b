"""A rejected delivery, whether the signature matches a changed form of it, and the time to find out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property
from hmac import compare_digest
from typing import Any

from .._headers import SVIX_HEADERS, VENDORS, WEBHOOK_HEADERS, declared_length, first_value
from .._secret import ENVIRONMENT, Secret, split_secrets
from .._signature import Signer
from ..errors import WebhookError
from ._json import is_small, looks_like_json, parse

SINGLE = "the secret"  #: The place of a single one.
_DELIVERY_HEADERS = frozenset(SVIX_HEADERS + WEBHOOK_HEADERS)
_MAX_HEADERS = 1000  # of one name in a delivery, and of all others together
_MAX_NAME = 100  # characters
_MAX_SIGNATURES = 16_384  # characters, as in the strict check


class Budget:
    """The time for all probes together. They ask before each step that is not instant.

    Args:
        seconds: From now.
        timer: Returns seconds, as ``time.monotonic`` does.
    """

    def __init__(self, seconds: float, timer: Callable[[], float]) -> None:
        if not seconds >= 0:
            raise ValueError("budget must be a number of seconds, 0 or more")
        self._timer = timer
        self._end = timer() + seconds
        self.declined = False  #: Whether a step was skipped since this was last set to False.

    def has_time(self) -> bool:
        """Return whether there is time for another step."""
        return self.allows(self._timer() < self._end)

    def allows(self, affordable: bool) -> bool:
        """Return *affordable*, and remember a step that is not."""
        self.declined |= not affordable
        return affordable


class RejectedDelivery:
    """What a probe examines.

    Args:
        error: Why the strict check rejected the delivery.
        headers: As of :func:`header_pairs`.
        body: As the application has it.
        budget: What the probes may spend.
        secrets: As of :func:`secret_texts`.
        unread_secrets: As of :func:`unread_secret_texts`.
        signers: One per secret; none if the secret is invalid.
        attempts: The message ids and timestamps of other deliveries.
    """

    def __init__(
        self,
        error: WebhookError,
        headers: list[tuple[str, str]],
        body: bytes,
        budget: Budget,
        *,
        secrets: list[tuple[str, str]],
        unread_secrets: list[tuple[str, str]],
        signers: tuple[Signer, ...] = (),
        attempts: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.error = error
        self.headers = headers
        self.body = body
        self.budget = budget
        self.secrets = secrets
        self.unread_secrets = unread_secrets
        self.signers = signers
        self.attempts = tuple(attempts)
        self.matching_signer: Signer | None = None  #: The one of ``signers`` that :meth:`matches` found last.
        given = {name for name, _ in headers}
        is_svix = not given.isdisjoint(SVIX_HEADERS) or given.isdisjoint(WEBHOOK_HEADERS)
        self.names = SVIX_HEADERS if is_svix else WEBHOOK_HEADERS  #: The header set that the strict check reads.
        self.message_id, self.timestamp, self.signatures = (first_value(headers, name) for name in self.names)
        self.entries = split_signatures(self.signatures)
        self._candidates = _encoded(self.entries)

    @property
    def declared_length(self) -> int | None:
        """The Content-Length, if it is a valid one."""
        return declared_length(first_value(self.headers, "content-length"))

    @property
    def payload(self) -> Any:
        """The JSON object, array or string in the body; None without one, or if :attr:`can_parse` is false."""
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
        return parse(self.body)

    def values(self, name: str) -> list[str]:
        """Return all values of a header, by its name in lower case."""
        return [value for given, value in self.headers if given == name]

    def matches(
        self,
        *,
        body: bytes | None = None,
        message_id: str | None = None,
        timestamp: str | None = None,
        entries: Iterable[str] | None = None,
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
        candidates = self._candidates if entries is None else _encoded(entries)
        for signer in self.signers if signers is None else signers:
            expected = signer.sign(prefix, body).encode()
            for candidate in candidates:
                if compare(candidate, expected):
                    self.matching_signer = signer if signer in self.signers else None
                    return True
        return False

    def matches_headers(self, names: Iterable[str]) -> bool:
        """Return whether the signature matches if message id, timestamp and signatures are in the headers *names*."""
        message_id, timestamp, signatures = (first_value(self.headers, name) for name in names)
        return self.matches(message_id=message_id, timestamp=timestamp, entries=split_signatures(signatures))

    def first_match(self, changes: Iterable[tuple[str, bytes]]) -> str | None:
        """Return the first of some changes, each with the body that results, after which the signature matches."""
        for change, body in changes:
            if body != self.body and self.matches(body=body):
                return change
            if not self.budget.has_time():
                break
        return None


def split_signatures(header: str) -> list[str]:
    """Return the entries of a signature header, up to the longest one that the strict check accepts."""
    return header[:_MAX_SIGNATURES].split(" ")


def header_pairs(headers: Any) -> list[tuple[str, str]]:
    """Return the headers that a probe examines, names in lower case, in any form that the strict check accepts.

    As in the strict check, a header is ignored if its value is None or its name is not ASCII.
    """
    pairs: list[tuple[str, str]] = []
    counts: Counter[str] = Counter()
    for given_name, given_value in headers.items() if hasattr(headers, "items") else headers:
        name = _text(given_name)
        if given_value is None or not name.isascii():
            continue
        name, value = name.lower(), _text(given_value).strip(" \t")
        kind = name if name in _DELIVERY_HEADERS else "others"
        if _is_relevant(name, value) and counts[kind] < _MAX_HEADERS:
            counts[kind] += 1
            pairs.append((name, value))
    return pairs


def _is_relevant(name: str, value: str) -> bool:
    return len(name) <= _MAX_NAME and (
        "svix" in name or "webhook" in name or name in VENDORS or name == "content-length" or value.startswith("v1,")
    )


def secret_texts(secret: Secret | None) -> list[tuple[str, str]]:
    """Return the strings that may be meant as secrets, each after its place among them."""
    if secret is None:
        return _texts_in(next((name for name in ENVIRONMENT if name in os.environ), ENVIRONMENT[0]))
    given = (secret,) if isinstance(secret, str | bytes) else secret
    return [(place, text) for place, text in _numbered([_text(each).strip() for each in given]) if text]


def unread_secret_texts(secret: Secret | None) -> list[tuple[str, str]]:
    """Return those in the second environment variable, if the first one is read instead."""
    return _texts_in(ENVIRONMENT[1]) if secret is None and ENVIRONMENT[0] in os.environ else []


def _texts_in(variable: str) -> list[tuple[str, str]]:
    """Return the parts of an environment variable, and its complete value if it has several."""
    value = os.environ.get(variable, "").strip()
    parts = split_secrets(value)
    return _numbered(parts) + ([(SINGLE, value)] if len(parts) > 1 else [])


def _numbered(texts: list[str]) -> list[tuple[str, str]]:
    places = [f"secret {number} of {len(texts)}" for number in range(1, len(texts) + 1)]
    return list(zip(places if len(texts) > 1 else [SINGLE], texts, strict=False))


def _encoded(entries: Iterable[str]) -> list[bytes]:
    return [entry.encode("utf-8", "surrogatepass") for entry in entries]


def _text(part: object) -> str:
    try:
        return part.decode("latin-1") if isinstance(part, bytes) else str(part)
    except UnicodeError:  # str() of an email.header.Header with a lone surrogate
        return ""
