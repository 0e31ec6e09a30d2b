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

_NAMES = {name: name for name in (*SVIX_HEADERS, *WEBHOOK_HEADERS)}
_NAMES_AS_BYTES = {name.encode(): name for name in _NAMES}
_MESSAGE_ID = re.compile(r"[!-+\-/-~]{1,256}")
_MAX_SIGNATURES = 100  # a sender writes one per secret and version
_MAX_SIGNATURES_LENGTH = 16 * 1024  # characters
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


def find_message_id(headers: Headers) -> str | None:
    """Return the message id if it is well-formed, whatever is wrong with the other headers; otherwise None."""
    found, repeated, _ = _find(headers)
    return _known_message_id(found, repeated)


def parse_headers(headers: Headers) -> tuple[str, str, str]:
    """Find the headers of a delivery, ``svix-*`` or otherwise ``webhook-*``, and validate them.

    Args:
        headers: All headers of the request, names in any case.
    Returns:
        The message id, the timestamp and the signatures, without surrounding spaces and tabs.
    Raises:
        MissingHeaderError: One of the three is missing.
        MalformedHeaderError: One is given twice, the id is not 1 to 256 printable ASCII characters without comma
            and period, the timestamp is not one to twelve digits, or the signatures are more than 100 or 16 KB.
        TypeError: *headers* are not headers.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#webhook-headers-sending-metadata-to-consumers
    """
    found, repeated, pairs = _find(headers)
    names = WEBHOOK_HEADERS if found and found.keys().isdisjoint(SVIX_HEADERS) else SVIX_HEADERS
    id_name, timestamp_name, signature_name = names

    missing = tuple(name for name in names if name not in found)
    if missing:
        raise MissingHeaderError(missing, _hint(pairs), _known_message_id(found, repeated))
    for name in names:
        if name in repeated:
            problem = "is given twice: pass the headers as they arrived, without copies"
            raise MalformedHeaderError(name, problem, _known_message_id(found, repeated))
        if not isinstance(found[name], str):
            if hasattr(found[name], "encode"):  # email.header.Header: http.server puts it where bytes are not ASCII
                problem = "is not ASCII: pass it as it arrived"
                raise MalformedHeaderError(name, problem, _known_message_id(found, repeated))
            raise TypeError(f"the header {name} must be one str or bytes, not {type(found[name]).__name__}")

    message_id, timestamp, signatures = [found[name].strip(" \t") for name in names]
    if not is_message_id(message_id):
        raise MalformedHeaderError(
            id_name, "is not 1 to 256 printable ASCII characters without comma and dot: pass it as it arrived, once"
        )
    if not is_timestamp(timestamp):
        problem = "is not Unix seconds in one to twelve digits: pass the header as it arrived"
        if len(timestamp) == 13 and timestamp.isdecimal() and timestamp.isascii():
            problem = "is in milliseconds: the sender signs Unix seconds, pass the header as it arrived"
        raise MalformedHeaderError(timestamp_name, problem, message_id)
    if signatures.count(" ") >= _MAX_SIGNATURES or len(signatures) > _MAX_SIGNATURES_LENGTH:
        raise MalformedHeaderError(
            signature_name,
            f"has more than {_MAX_SIGNATURES} entries or {_MAX_SIGNATURES_LENGTH // 1024} KB: pass it as it arrived",
            message_id,
        )
    # A character outside ASCII is in no valid signature, and compare_digest() does not accept it
    return message_id, timestamp, signatures.encode("ascii", "replace").decode()


def _find(headers: Any) -> tuple[dict[str, Any], list[str], list[tuple[Any, Any]]]:
    """Return the headers of a delivery by name in lower case, the names given twice, and the pairs of all headers."""
    found: dict[str, Any] = {}
    repeated: list[str] = []
    try:
        pairs = list(headers.items() if hasattr(headers, "items") else headers)
        for given, value in pairs:
            name = (_NAMES_AS_BYTES if isinstance(given, bytes) else _NAMES).get(given.lower())
            if name and given.isascii() and value is not None:  # lower() makes an ASCII k of the Kelvin sign
                if name in found:
                    repeated.append(name)
                found[name] = value.decode("latin-1") if isinstance(value, bytes) else value
    except (TypeError, ValueError, AttributeError):
        raise TypeError(_NOT_HEADERS) from None
    return found, repeated, pairs


def _known_message_id(found: dict[str, Any], repeated: list[str]) -> str | None:
    for name in (SVIX_HEADERS[0], WEBHOOK_HEADERS[0]):
        value = found.get(name)
        if isinstance(value, str) and name not in repeated and is_message_id(value.strip(" \t")):
            return value.strip(" \t")
    return None


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
