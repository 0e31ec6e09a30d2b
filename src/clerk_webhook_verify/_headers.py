"""Parse any framework's headers into a message id, a timestamp and the signatures."""

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

_NAMES: dict[Any, str] = {name: name for name in (*SVIX_HEADERS, *WEBHOOK_HEADERS)}
_NAMES_AS_BYTES: dict[Any, str] = {name.encode(): name for name in _NAMES}
_MESSAGE_ID = re.compile(r"[-!-+/-~]{1,256}")
_MAX_SIGNATURES = 100  # Svix sends one per secret and version
_MAX_SIGNATURES_LENGTH = 16 * 1024  # characters
_NOT_HEADERS = (
    "headers must be the request's headers, a mapping or pairs of str or bytes, and come first: verify(headers, body)"
)


def is_message_id(text: str) -> bool:
    """Return whether *text* is a message id: 1 to 256 printable ASCII characters without comma and period.

    Servers join duplicate headers with a comma. A period would make the signed ``id.timestamp.body`` ambiguous.
    """
    return _MESSAGE_ID.fullmatch(text) is not None


def declared_length(content_length: str | None) -> int | None:
    """Return the Content-Length in bytes; None if the header is missing or invalid."""
    if content_length and content_length.isdecimal() and content_length.isascii() and len(content_length) < 19:
        return int(content_length)
    return None


def first_value(pairs: Iterable[tuple[str, str]], name: str) -> str:
    """Return the value of the first header named *name*, in lower case; ``""`` if there is none."""
    return next((value for given, value in pairs if given.lower() == name), "")


def find_message_id(headers: Headers) -> str | None:
    """Return the message id if it is well-formed, even if other headers are not; otherwise None."""
    found, duplicates, _ = _find(headers)
    return _known_message_id(found, duplicates)


def parse_headers(headers: Headers) -> tuple[str, str, str]:
    """Find the headers of a delivery, ``svix-*`` or otherwise ``webhook-*``, and validate them.

    Args:
        headers: All headers of the request, names in any case.
    Returns:
        The message id, the timestamp and the signatures, without surrounding spaces and tabs.
    Raises:
        MissingHeaderError: At least one is missing.
        MalformedHeaderError: One is duplicated, the id is not 1 to 256 printable ASCII characters without comma and
            period, the timestamp is not one to twelve digits, or there are more than 100 signatures or 16 KB.
        TypeError: *headers* is not a mapping or pairs of ``str`` or ``bytes``.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#webhook-headers-sending-metadata-to-consumers
    """
    found, duplicates, pairs = _find(headers)
    names = WEBHOOK_HEADERS if found and found.keys().isdisjoint(SVIX_HEADERS) else SVIX_HEADERS
    id_name, timestamp_name, signature_name = names

    missing = [name for name in names if name not in found]
    if missing:
        raise MissingHeaderError(tuple(missing), _hint(pairs), _known_message_id(found, duplicates))
    for name in names:
        value = found[name]
        if name in duplicates:
            problem = "is duplicated: pass the headers unchanged"
            raise MalformedHeaderError(name, problem, _known_message_id(found, duplicates))
        if not isinstance(value, str):
            if hasattr(value, "encode"):  # email.header.Header: http.server's value that is not ASCII
                problem = "is not ASCII: pass the headers unchanged"
                raise MalformedHeaderError(name, problem, _known_message_id(found, duplicates))
            raise TypeError(f"the header {name} must be one str or bytes, not {type(value).__name__}")

    message_id = found[id_name].strip(" \t")
    timestamp = found[timestamp_name].strip(" \t")
    signatures = found[signature_name].strip(" \t")
    if not is_message_id(message_id):
        problem = "is not 1 to 256 printable ASCII characters without comma and period: pass the headers unchanged"
        raise MalformedHeaderError(id_name, problem)
    if not is_timestamp(timestamp):
        problem = "is not Unix seconds in one to twelve digits: pass the header unchanged"
        if len(timestamp) == 13 and timestamp.isdecimal() and timestamp.isascii():
            problem = "is in milliseconds, but Clerk signs Unix seconds: pass the header unchanged"
        raise MalformedHeaderError(timestamp_name, problem, message_id)
    if signatures.count(" ") >= _MAX_SIGNATURES or len(signatures) > _MAX_SIGNATURES_LENGTH:
        size = f"{_MAX_SIGNATURES} entries or {_MAX_SIGNATURES_LENGTH // 1024} KB"
        raise MalformedHeaderError(signature_name, f"has more than {size}: pass the header unchanged", message_id)
    # Valid signatures are ASCII, and compare_digest() raises for other characters
    return message_id, timestamp, signatures.encode("ascii", "replace").decode()


def _find(headers: Any) -> tuple[dict[str, Any], list[str], list[tuple[Any, Any]]]:
    """Return a delivery's headers by lower-case name, the names of duplicates, and the pairs of all headers."""
    found: dict[str, Any] = {}
    duplicates: list[str] = []
    try:
        pairs = list(headers.items() if hasattr(headers, "items") else headers)
        for given, value in pairs:
            name = (_NAMES_AS_BYTES if isinstance(given, bytes) else _NAMES).get(given.lower())
            if name and given.isascii() and value is not None:  # lower() turns the Kelvin sign into k
                if name in found:
                    duplicates.append(name)
                found[name] = value.decode("latin-1") if isinstance(value, bytes) else value
    except (TypeError, ValueError, AttributeError):
        raise TypeError(_NOT_HEADERS) from None
    return found, duplicates, pairs


def _known_message_id(found: dict[str, Any], duplicates: list[str]) -> str | None:
    for name in (SVIX_HEADERS[0], WEBHOOK_HEADERS[0]):
        value = found.get(name)
        if isinstance(value, str) and name not in duplicates and is_message_id(value.strip(" \t")):
            return value.strip(" \t")
    return None


def _hint(pairs: list[tuple[str | bytes, Any]]) -> str:
    """Return why the headers may be missing, judged by the names of the other headers."""
    if not pairs:
        return "found no headers at all: pass those of the request; in Lambda, the integration must forward them"
    names = {(name.decode("latin-1") if isinstance(name, bytes) else name).lower() for name, _ in pairs}
    for name in VENDORS:
        if name in names:
            return f"found {name}: this looks like a {VENDORS[name]} webhook"
    for name in ("http_svix_id", "http_webhook_id"):
        if name in names:
            return f"found {name.upper()}: this is a WSGI environ, pass the framework's request headers instead"
    for name in ("svix_id", "webhook_id"):
        if name in names:
            return f"found {name}: a proxy replaced the hyphen with an underscore"
    return ""
