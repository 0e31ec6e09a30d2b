"""Convert a raw body to bytes, and parse it: strict JSON, and the parts that every event has."""

from __future__ import annotations

import math
import sys
from json import JSONDecoder
from typing import Any, NoReturn

from .errors import InvalidPayloadError

#: The raw body of a request. A ``str`` is encoded as UTF-8.
Body = bytes | bytearray | memoryview | str

#: How to read the raw body in each framework, for messages.
RAW_BODY_ADVICE = "Flask request.get_data(), Starlette and FastAPI await request.body(), Django request.body"

#: https://docs.svix.com/transformations
TRANSFORMATION = "most likely a transformation in Clerk's dashboard changed it"


def body_bytes(body: Body, headers: object = None) -> bytes:
    """Return the bytes of *body*: ``bytes`` unchanged, a buffer as a copy.

    Raises:
        TypeError: *body* is something else, such as parsed JSON, or was swapped with *headers*.
    """
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        # A lone surrogate has no UTF-8 form. The bytes that replace it match no signed text.
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body)
    if isinstance(headers, (bytes, bytearray, memoryview, str)):
        raise TypeError("headers come first: verify(headers, body)")
    raise TypeError(
        f"body must be the raw body as bytes or str, not {type(body).__name__}: do not parse it ({RAW_BODY_ADVICE})"
    )


def parse_payload(body: bytes, message_id: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Parse an event's body.

    Returns:
        The type, the data and the complete payload.
    Raises:
        InvalidPayloadError: The body is not a JSON object with a string ``type`` and an object ``data``.
    """
    if not body:
        problem = "the body is not JSON, but was signed empty: check the sender"
        raise InvalidPayloadError(problem, message_id)
    payload = parse_object(body, "the body", message_id, advice=f": {TRANSFORMATION}")
    event_type, data = payload.get("type"), payload.get("data")
    if not isinstance(event_type, str) or not event_type:
        raise InvalidPayloadError(f"the body has no type: {TRANSFORMATION}", message_id)
    if not isinstance(data, dict):
        raise InvalidPayloadError(f"the body has no object data: {TRANSFORMATION}", message_id)
    return event_type, data, payload


def parse_object(body: bytes, what: str, message_id: str | None = None, *, advice: str = "") -> dict[str, Any]:
    """Parse a strict JSON object: UTF-8 without byte order mark, NaN and Infinity.

    A number that is too large for a float, or has more digits than ``int()`` reads, becomes a string such as
    ``"1e999"``.

    Args:
        body: The bytes.
        what: The subject of the message.
        message_id: The error's, if known.
        advice: The end of the message if the JSON is not an object.
    Raises:
        InvalidPayloadError: It is something else, or nested too deeply. Neither the error nor one chained to it
            contains a part of *body*.

    Source: RFC 8259, sections 2, 6 and 8.1.
    """
    try:
        value = _decode(body.decode())
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except RecursionError:
        problem = "is nested too deeply for this interpreter"
    except ValueError:  # JSONDecodeError, or a constant that JSON does not have
        problem = "is not JSON"
    else:
        if isinstance(value, dict):
            return value
        problem = f"is not a JSON object{advice}"
    # Not in the except clauses: a UnicodeDecodeError or JSONDecodeError as its context would contain the body
    raise InvalidPayloadError(f"{what} {problem}", message_id)


def _decode(text: str) -> Any:
    if 0 < _interpreter_max_digits() <= _MAX_DIGITS:
        try:
            return _decoder.decode(text)
        except ValueError:  # invalid JSON, or more digits than int() reads
            pass
    return _careful_decoder.decode(text)


def read_int(text: str) -> int | str:
    """Return a JSON integer; its text if it has more digits than the interpreter converts.

    https://docs.python.org/3/library/stdtypes.html#integer-string-conversion-length-limitation
    """
    max_digits = min(_MAX_DIGITS, _interpreter_max_digits() or _MAX_DIGITS)
    return int(text) if len(text.removeprefix("-")) <= max_digits else text


def read_float(text: str) -> float | str:
    """Return a JSON number with a fraction or exponent; its text if a float would be infinite."""
    number = float(text)
    return text if math.isinf(number) else number


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(name)


_MAX_DIGITS = 4300  # the interpreter's default limit: int() takes time that grows with the square of the digits
_interpreter_max_digits = getattr(sys, "get_int_max_str_digits", lambda: 0)  # 0: no limit, as before Python 3.10.7

# Calling parse_int= for each integer takes 5 to 10 % of the time of verify(), so it is used only if needed
_decoder = JSONDecoder(parse_constant=_reject_constant, parse_float=read_float)
_careful_decoder = JSONDecoder(parse_constant=_reject_constant, parse_float=read_float, parse_int=read_int)
