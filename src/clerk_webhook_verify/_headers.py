"""From any framework's headers to one message id, one timestamp and the signatures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ._timestamp import timestamp_problem
from .errors import MalformedHeaderError, MissingHeaderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TypeAlias

    class _HasItems(Protocol):
        def items(self) -> Iterable[tuple[str | bytes, str | bytes]]: ...

    Headers: TypeAlias = "_HasItems | Iterable[tuple[str | bytes, str | bytes]] | DeliveryHeaders"
else:
    #: The headers of a request: a mapping, a framework's header object, or pairs, as ``str`` or ``bytes``.
    Headers = Mapping[str | bytes, str | bytes] | Iterable[tuple[str | bytes, str | bytes]]

SVIX_HEADERS = ("svix-id", "svix-timestamp", "svix-signature")
_WEBHOOK = ("webhook-id", "webhook-timestamp", "webhook-signature")
_NAMES = frozenset(SVIX_HEADERS + _WEBHOOK)
_MESSAGE_ID = re.compile(r"[!-+\-/-~]{1,256}")
_INITIALS = frozenset(("s", "S", "w", "W", *b"sSwW"))  # of a str the characters, of bytes the numbers
_NO_HEADERS = (
    "headers must be the request's headers, a mapping or pairs of str or bytes, and come first: verify(headers, body)"
)

_strip = str.strip  # refuses what is not a str, in the same step

_HINTS = {
    "stripe-signature": "stripe-signature is there: this looks like a delivery of Stripe",
    "x-hub-signature-256": "x-hub-signature-256 is there: this looks like a delivery of GitHub",
    "x-hub-signature": "x-hub-signature is there: this looks like a delivery of GitHub",
    "x-slack-signature": "x-slack-signature is there: this looks like a delivery of Slack",
    "http_svix_id": "HTTP_SVIX_ID is there: this is a WSGI environ, pass the framework's request headers instead",
    "http_webhook_id": "HTTP_WEBHOOK_ID is there: this is a WSGI environ, pass the framework's request headers instead",
    "svix_id": "svix_id is there: something on the way wrote an underscore for the dash, which is another header",
    "webhook_id": "webhook_id is there: something on the way wrote an underscore for the dash, which is another header",
}


def is_message_id(text: str) -> bool:
    """Whether *text* may stand in the id header: 1 to 256 printable ASCII characters without comma and dot.

    Servers join repeated headers with a comma, and a dot would make the signed text ``id.timestamp.body`` ambiguous.
    """
    return _MESSAGE_ID.fullmatch(text) is not None


def declared_length(content_length: str | None) -> int | None:
    """The length that a request declares; None where it declares none that is a number."""
    if content_length and content_length.isdecimal() and content_length.isascii() and len(content_length) < 19:
        return int(content_length)
    return None


def first_value(pairs: Iterable[tuple[str, str]], name: str) -> str:
    """The value of the first header of this name, which is in lower case; empty where there is none."""
    return next((value for given, value in pairs if given.lower() == name), "")


class DeliveryHeaders(tuple[str, str, str]):
    """What :func:`parse_headers` returned. Who called it before the body was read verifies by this, and parses once."""


def parse_headers(headers: Headers) -> tuple[str, str, str]:
    """Find the one family of delivery headers, ``svix-*`` or else ``webhook-*``, and hold it to its form.

    Args:
        headers: All headers of the request, names in any case.
    Returns:
        The message id, the timestamp and the signatures as they were received, without surrounding spaces and tabs.
    Raises:
        MissingHeaderError: The family is not complete.
        MalformedHeaderError: One is given twice, the id is not 1 to 256 printable ASCII characters without comma
            and dot, or the timestamp is not one to twelve digits.
        TypeError: *headers* are not headers.

    Source: Standard Webhooks, "Webhook headers"; Svix, "Verifying webhooks manually".
    """
    items = getattr(headers, "items", None)
    if items is None:
        if type(headers) is DeliveryHeaders:
            return headers
        items = _read_twice(headers)
    found: dict[str, Any] = {}
    repeated: list[str] = []
    try:
        for name, value in items():
            if name[0] in _INITIALS:  # tells nearly all others apart, for a third of what lower() and a look-up take
                if isinstance(name, bytes):
                    name = name.decode("latin-1")
                    value = value.decode("latin-1") if isinstance(value, bytes) else value
                key = name.lower()
                if key in _NAMES and name.isascii() and value is not None:
                    if key in found:
                        repeated.append(key)
                    found[key] = value
    except IndexError:  # a name without a first character is none of ours
        return parse_headers(_named(items()))
    except (TypeError, ValueError, AttributeError, KeyError):
        raise TypeError(_NO_HEADERS) from None
    family = SVIX_HEADERS if "svix-id" in found else _decisive_family(found)
    id_name, timestamp_name, signature_name = family
    try:
        message_id, timestamp = found[id_name], found[timestamp_name]
        signatures = _strip(found[signature_name], " \t")
        if (
            message_id.isidentifier()  # as Svix's own ids, msg_..., are
            and message_id.isascii()
            and len(message_id) <= 256
            and timestamp.isdecimal()
            and timestamp.isascii()
            and len(timestamp) <= 12
            and signatures.isascii()
            and not repeated
        ):
            return message_id, timestamp, signatures  # the usual form, told in half the time
    except (KeyError, TypeError, AttributeError):
        pass  # no text, or none at all: told below
    return _held_to_form(family, repeated, *_texts(family, found, items()))


def _held_to_form(
    family: tuple[str, str, str], repeated: list[str], message_id: str, timestamp: str, signatures: str
) -> tuple[str, str, str]:
    """The long way: what is unusual passes, what is wrong is told."""
    id_name, timestamp_name, _ = family
    for name in repeated:
        if name in family:
            raise MalformedHeaderError(name, "is given twice: pass the headers as they arrived, without copies")
    if not is_message_id(message_id):
        raise MalformedHeaderError(
            id_name, "is not 1 to 256 printable ASCII characters without comma and dot: pass it as it arrived, once"
        )
    problem = timestamp_problem(timestamp)
    if problem:
        raise MalformedHeaderError(timestamp_name, problem, message_id)
    # "?" for what is not ASCII: it is in no signature that can match
    return message_id, timestamp, signatures.encode("ascii", "replace").decode()


def _read_twice(headers: Any) -> Callable[[], Iterable[Any]]:
    """What gives the pairs of an iterable, and gives them again, which a refusal needs."""
    try:
        return list(headers).__iter__
    except TypeError:
        raise TypeError(_NO_HEADERS) from None


def _named(pairs: Iterable[Any]) -> list[Any]:
    """The pairs that have a name."""
    try:
        return [(name, value) for name, value in pairs if name]
    except (TypeError, ValueError):
        raise TypeError(_NO_HEADERS) from None


def _decisive_family(found: Iterable[str]) -> tuple[str, str, str]:
    """``webhook-*`` only where no ``svix-*`` is there, complete or not."""
    return _WEBHOOK if found and set(found) <= set(_WEBHOOK) else SVIX_HEADERS


def _texts(family: tuple[str, str, str], found: dict[str, Any], pairs: Iterable[tuple[Any, Any]]) -> list[str]:
    """The long way to the three texts, and to what keeps them from being that."""
    missing = tuple(name for name in family if name not in found)
    if missing:
        others = {(name.decode("latin-1") if isinstance(name, bytes) else str(name)).lower() for name, _ in pairs}
        hint = next((hint for name, hint in _HINTS.items() if name in others), "")
        message_id = found.get(family[0])
        known = isinstance(message_id, str) and is_message_id(message_id)
        raise MissingHeaderError(missing, hint, message_id if known else None)
    return [_text(name, found[name]) for name in family]


def _text(name: str, value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        return value.strip(" \t")
    if hasattr(value, "encode"):  # email.header.Header, which the email package puts where bytes are not ASCII
        raise MalformedHeaderError(name, "is not ASCII: pass it as it arrived")
    raise TypeError(f"the header {name} must be one str or bytes, not {type(value).__name__}")
