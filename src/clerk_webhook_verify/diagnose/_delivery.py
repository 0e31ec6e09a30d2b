"""A rejected delivery, and whether the signature matches a changed form of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from hmac import compare_digest
from typing import Any

from .._headers import SVIX_HEADERS, WEBHOOK_HEADERS, declared_length, first_value
from .._secret import ENVIRONMENT, Secret
from .._signature import Signer
from ..errors import WebhookError


class RejectedDelivery:
    """What a probe examines.

    Args:
        error: Why the strict check rejected the delivery.
        headers: As of :func:`header_pairs`.
        body: As the application has it.
        secrets: As of :func:`secret_texts`.
        signers: One per secret; none if the secret is invalid.
        attempts: The message ids and timestamps of other deliveries.
    """

    def __init__(
        self,
        error: WebhookError,
        headers: list[tuple[str, str]],
        body: bytes,
        *,
        secrets: list[str],
        signers: tuple[Signer, ...] = (),
        attempts: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.error = error
        self.headers = headers
        self.body = body
        self.secrets = secrets
        self.signers = signers
        self.attempts = attempts
        given = {name for name, _ in headers}
        is_svix = not given.isdisjoint(SVIX_HEADERS) or given.isdisjoint(WEBHOOK_HEADERS)
        self.names = SVIX_HEADERS if is_svix else WEBHOOK_HEADERS  #: The header set that the strict check reads.
        self.message_id, self.timestamp, signatures = (first_value(headers, name) for name in self.names)
        self.entries = signatures.split(" ")

    @property
    def declared_length(self) -> int | None:
        """The Content-Length, if it is a valid one."""
        return declared_length(first_value(self.headers, "content-length"))

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
    ) -> bool:
        """Return whether the signature matches if these parts of the delivery are replaced."""
        message_id = self.message_id if message_id is None else message_id
        timestamp = self.timestamp if timestamp is None else timestamp
        prefix = f"{message_id}.{timestamp}.".encode("utf-8", "surrogatepass")
        wanted = [entry.encode("utf-8", "surrogatepass") for entry in (self.entries if entries is None else entries)]
        for signer in self.signers if signers is None else signers:
            expected = signer.sign(prefix, self.body if body is None else body).encode()
            if any(compare_digest(entry, expected) for entry in wanted):
                return True
        return False

    def matches_headers(self, names: Iterable[str]) -> bool:
        """Return whether the signature matches if message id, timestamp and signatures are in the headers *names*."""
        message_id, timestamp, signatures = (first_value(self.headers, name) for name in names)
        return self.matches(message_id=message_id, timestamp=timestamp, entries=signatures.split(" "))


def header_pairs(headers: Any) -> list[tuple[str, str]]:
    """Return the names in lower case and the values of headers in any form that the strict check accepts.

    As in the strict check, a header is ignored if its value is None or its name is not ASCII.
    """
    items = headers.items() if hasattr(headers, "items") else headers
    pairs = [(_text(name), _text(value)) for name, value in items if value is not None]
    return [(name.lower(), value.strip(" \t")) for name, value in pairs if name.isascii()]


def secret_texts(secret: Secret | None) -> list[str]:
    """Return the strings that may be meant as secrets; of the environment variable, its parts too."""
    if secret is None:
        value = next((os.environ[name] for name in ENVIRONMENT if name in os.environ), "").strip()
        return list(dict.fromkeys(filter(None, [value, *re.split(r"[\s,]+", value)])))
    given = (secret,) if isinstance(secret, str | bytes) else secret
    return list(filter(None, (_text(each).strip() for each in given)))


def _text(part: object) -> str:
    try:
        return part.decode("latin-1") if isinstance(part, bytes) else str(part)
    except UnicodeError:  # str() of an email.header.Header with a lone surrogate
        return ""
