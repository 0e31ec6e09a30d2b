"""From any framework's headers to one message id, one timestamp and the signatures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

from ._timestamp import is_timestamp
from .errors import MalformedHeaderError, MissingHeaderError


class _HasItems(Protocol):
    def items(self) -> Iterable[tuple[str | bytes, str | bytes | None]]: ...


#: The headers of a request: a mapping, a framework's header object, or pairs, as ``str`` or ``bytes``.
Headers: TypeAlias = _HasItems | Iterable[tuple[str | bytes, str | bytes | None]]

SVIX_HEADERS = ("svix-id", "svix-timestamp", "svix-signature")
WEBHOOK_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")

#: The signature headers of other vendors, for hints.
VENDORS = {
    "stripe-signature": "Stripe",
    "x-hub-signature-256": "GitHub",
    "x-hub-signature": "GitHub",
    "x-slack-signature": "Slack",
    "x-shopify-hmac-sha256": "Shopify",
    "paddle-signature": "Paddle",
    "x-twilio-signature": "Twilio",
    "linear-signature": "Linear",
}

_WEBHOOK_NAMES = frozenset(WEBHOOK_HEADERS)
_NAMES = _WEBHOOK_NAMES | frozenset(SVIX_HEADERS)
_MESSAGE_ID = re.compile(r"[!-+\-/-~]{1,256}")
_NOT_HEADERS = (
    "headers must be the request's headers, a mapping or pairs of str or bytes, and come first: verify(headers, body)"
)


def is_message_id(text: str) -> bool:
    """Return whether *text* is a message id: 1 to 256 printable ASCII characters without comma and period.

    Servers join repeated headers with a comma, and a period would make the signed text ``id.timestamp.body`` ambiguous.
    """
    return _MESSAGE_ID.fullmatch(text) is not None


def declared_length(content_length: str | None) -> int | None:
    """Return the length that a request declares; None if it declares none or an invalid one."""
    if content_length and content_length.isdecimal() and content_length.isascii() and len(content_length) < 19:
        return int(content_length)
    return None


def first_value(pairs: Iterable[tuple[str, str]], name: str) -> str:
    """Return the value of the first header named *name*, in lower case; ``""`` if there is none."""
    return next((value for given, value in pairs if given.lower() == name), "")


def parse_headers(headers: Headers) -> tuple[str, str, str]:
    """Find the headers of a delivery, ``svix-*`` or otherwise ``webhook-*``, and validate them.

    Args:
        headers: All headers of the request, names in any case.
    Returns:
        The message id, the timestamp and the signatures, without surrounding spaces and tabs.
    Raises:
        MissingHeaderError: One of the three is missing.
        MalformedHeaderError: One is given twice, the id is not 1 to 256 printable ASCII characters without comma
            and period, or the timestamp is not one to twelve digits.
        TypeError: *headers* are not headers.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#webhook-headers-sending-metadata-to-consumers
    """
    found, repeated, pairs = _find(headers)
    names = WEBHOOK_HEADERS if found and found.keys() <= _WEBHOOK_NAMES else SVIX_HEADERS
    id_name, timestamp_name, _ = names

    missing = [name for name in names if name not in found]
    if missing:
        given_id = found.get(id_name)
        known_id = given_id if isinstance(given_id, str) and is_message_id(given_id) else None
        raise MissingHeaderError(tuple(missing), _hint(pairs), known_id)
    for name in repeated:
        if name in names:
            raise MalformedHeaderError(name, "is given twice: pass the headers as they arrived, without copies")

    message_id, timestamp, signatures = [_text(name, found[name]) for name in names]
    if not is_message_id(message_id):
        raise MalformedHeaderError(
            id_name, "is not 1 to 256 printable ASCII characters without comma and dot: pass it as it arrived, once"
        )
    if not is_timestamp(timestamp):
        problem = "is not Unix seconds in one to twelve digits: pass the header as it arrived"
        if len(timestamp) == 13 and timestamp.isdecimal() and timestamp.isascii():
            problem = "is in milliseconds: the sender signs Unix seconds, pass the header as it arrived"
        raise MalformedHeaderError(timestamp_name, problem, message_id)
    # A character outside ASCII is in no valid signature, and compare_digest() does not accept it
    return message_id, timestamp, signatures.encode("ascii", "replace").decode()


def _find(headers: Any) -> tuple[dict[str, Any], list[str], list[tuple[Any, Any]]]:
    """Return the headers of a delivery by name in lower case, the names given twice, and the pairs of all headers."""
    found: dict[str, Any] = {}
    repeated: list[str] = []
    try:
        pairs = list(headers.items() if hasattr(headers, "items") else headers)
        for name, value in pairs:
            key = name.lower() if isinstance(name, str) else name.decode("latin-1").lower()
            if key in _NAMES and name.isascii() and value is not None:  # lower() makes an ASCII k of the Kelvin sign
                if key in found:
                    repeated.append(key)
                found[key] = value.decode("latin-1") if isinstance(value, bytes) else value
    except (TypeError, ValueError, AttributeError):
        raise TypeError(_NOT_HEADERS) from None
    return found, repeated, pairs


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value.strip(" \t")
    if hasattr(value, "encode"):  # email.header.Header: http.server puts it where bytes are not ASCII
        raise MalformedHeaderError(name, "is not ASCII: pass it as it arrived")
    raise TypeError(f"the header {name} must be one str or bytes, not {type(value).__name__}")


def _hint(pairs: list[tuple[str | bytes, Any]]) -> str:
    """Return what the names of the other headers suggest."""
    names = {(name.decode("latin-1") if isinstance(name, bytes) else name).lower() for name, _ in pairs}
    for name in VENDORS:
        if name in names:
            return f"{name} is there: this looks like a delivery of {VENDORS[name]}"
    for name in ("http_svix_id", "http_webhook_id"):
        if name in names:
            return f"{name.upper()} is there: this is a WSGI environ, pass the framework's request headers instead"
    for name in ("svix_id", "webhook_id"):
        if name in names:
            return f"{name} is there: a proxy replaced the dash by an underscore, which makes it another header"
    return ""
