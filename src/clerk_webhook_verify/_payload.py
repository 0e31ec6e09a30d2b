"""From the bytes of a body to the one JSON object in it, and to what makes that an event."""

from __future__ import annotations

from json import JSONDecoder
from typing import Any, NoReturn

from .errors import InvalidPayloadError


def parse_payload(body: bytes, message_id: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Read what every event has.

    Returns:
        The type, the data and the whole payload.
    Raises:
        InvalidPayloadError: The body is not a JSON object with a ``type`` and an object ``data``.
    """
    payload = parse_object(body, "the body", message_id)
    event_type, data = payload.get("type"), payload.get("data")
    if not isinstance(event_type, str) or not event_type:
        raise InvalidPayloadError("the body has no type, a text that is not empty: this is not an event", message_id)
    if not isinstance(data, dict):
        raise InvalidPayloadError("the body has no object data: this is not an event", message_id)
    return event_type, data, payload


def parse_object(body: bytes, what: str, message_id: str | None = None) -> dict[str, Any]:
    """Read strict JSON: UTF-8, no byte order mark, no NaN and no Infinity, an object at the top.

    Args:
        body: The bytes.
        what: What they are, as the subject of the error's text.
        message_id: The error's, where it is known.
    Raises:
        InvalidPayloadError: They are not that, or go past the interpreter's limits of nesting and digits. Neither the
            error nor one chained to it holds a part of *body*.

    Source: RFC 8259, sections 2, 6 and 8.1.
    """
    try:
        value = _decoder.decode(body.decode())
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except RecursionError:
        problem = "is nested deeper than this interpreter goes"
    except ValueError:  # JSONDecodeError, an int of too many digits, or a constant that JSON does not have
        problem = "is not JSON"
    else:
        if isinstance(value, dict):
            return value
        problem = "is not a JSON object"
    # Raised here, since a UnicodeDecodeError or JSONDecodeError as its context would contain the body
    raise InvalidPayloadError(f"{what} {problem}", message_id)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(name)


_decoder = JSONDecoder(parse_constant=_reject_constant)
