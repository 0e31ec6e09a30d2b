"""From the bytes of a body to the one JSON object in it, and to what makes that an event."""

from __future__ import annotations

import math
import sys
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
    if not body:
        problem = "the body is not JSON but empty: the sender signed it so, no middleware removed it"
        raise InvalidPayloadError(problem, message_id)
    payload = parse_object(body, "the body", message_id)
    event_type, data = payload.get("type"), payload.get("data")
    if not isinstance(event_type, str) or not event_type:
        raise InvalidPayloadError("the body has no type, a text that is not empty: this is not an event", message_id)
    if not isinstance(data, dict):
        raise InvalidPayloadError("the body has no object data: this is not an event", message_id)
    return event_type, data, payload


def parse_object(body: bytes, what: str, message_id: str | None = None) -> dict[str, Any]:
    """Read strict JSON: UTF-8, no byte order mark, no NaN and no Infinity, an object at the top.

    A number that is too large for a float, or has more digits than ``int()`` reads, becomes its text, ``"1e999"``.

    Args:
        body: The bytes.
        what: What they are, as the subject of the error's text.
        message_id: The error's, where it is known.
    Raises:
        InvalidPayloadError: They are not that, or nested deeper than the interpreter goes. Neither the error nor one
            chained to it contains a part of *body*.

    Source: RFC 8259, sections 2, 6 and 8.1.
    """
    try:
        value = _decode(body.decode())
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except RecursionError:
        problem = "is nested deeper than this interpreter goes"
    except ValueError:  # JSONDecodeError, or a constant that JSON does not have
        problem = "is not JSON"
    else:
        if isinstance(value, dict):
            return value
        problem = "is not a JSON object"
    # Raised here, since a UnicodeDecodeError or JSONDecodeError as its context would contain the body
    raise InvalidPayloadError(f"{what} {problem}", message_id)


def _decode(text: str) -> Any:
    if 0 < _interpreter_max_digits() <= _MAX_DIGITS:
        try:
            return _decoder.decode(text)
        except ValueError:  # invalid JSON, or more digits than int() reads
            pass
    return _careful_decoder.decode(text)


def read_int(text: str) -> int | str:
    """Return an integer of JSON; its text if it has more digits than the interpreter converts.

    https://docs.python.org/3/library/stdtypes.html#integer-string-conversion-length-limitation
    """
    max_digits = min(_MAX_DIGITS, _interpreter_max_digits() or _MAX_DIGITS)
    return int(text) if len(text.removeprefix("-")) <= max_digits else text


def read_float(text: str) -> float | str:
    """Return a number of JSON with a fraction or an exponent; its text if a float would be infinite."""
    number = float(text)
    return text if math.isinf(number) else number


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(name)


_MAX_DIGITS = 4300  # the interpreter's default limit: int() takes time that grows with the square of the digits
_interpreter_max_digits = getattr(sys, "get_int_max_str_digits", lambda: 0)  # 0: no limit, as before Python 3.10.7

# parse_int= is called for each integer, which takes 5 to 10 % of the time of verify(): so only where it is needed
_decoder = JSONDecoder(parse_constant=_reject_constant, parse_float=read_float)
_careful_decoder = JSONDecoder(parse_constant=_reject_constant, parse_float=read_float, parse_int=read_int)
