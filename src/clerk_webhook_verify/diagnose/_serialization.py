"""Causes in the JSON of the body: it was parsed, perhaps changed, and serialized again."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice, permutations, product
from typing import Any

from ._body import VERIFY_RAW_BODY
from ._probe import CauseTable, Finding, RejectedDelivery, without_strings

_MAX_FULLY_TRIED = 50_000  # bytes of a body of which more than the most likely serializations are tried
_MAX_ORDERS = 5_040  # of keys: all of seven
_MAX_KEYS = 7  # of an object in metadata whose keys are tried in any order
_MAX_OBJECTS = 10  # of these
_CLERK_KEYS = 8  # or more has the data of a complete event
_MIN_PAIRS = 10  # of neighboring keys, which are hardly all ordered by length by accident
_ESCAPED = {"Go": {char.encode(): b"\\u%04x" % ord(char) for char in "<>&\u2028\u2029"}, "PHP": {b"/": b"\\/"}}
_NOT_CONTROLS = bytes(range(0x20, 0x100))
_TYPOGRAPHY = str.maketrans("\u201c\u201d\u2018\u2019\xa0", "\"\"'' ")

causes = CauseTable()


@causes.add(
    fix=f"{VERIFY_RAW_BODY}; never json.dumps(request.json). The adapters do so: with one, "
    "a middleware or a proxy in front of it changes the body"
)
def reserialized_body(delivery: RejectedDelivery) -> Finding | None:
    body, payload = delivery.body, delivery.payload
    if not isinstance(payload, dict | list):
        return None
    forms = serializations(payload, fully=len(body) <= _MAX_FULLY_TRIED)
    confirmed = delivery.confirm((f"after serializing the JSON {how}", form) for how, form in forms)
    if confirmed:
        return confirmed
    if delivery.declared_length is not None and delivery.declared_length != len(body):
        return Finding(
            "likely",
            f"the body is complete JSON of {len(body)} bytes, but Content-Length declares {delivery.declared_length}",
        )
    if re.search(rb"\s", without_strings(body.strip())):
        return Finding(
            "likely",
            "the JSON has spaces between its parts, as Clerk never sends; if this sender does, the secret is wrong",
        )
    return None


def serializations(payload: Any, *, fully: bool) -> Iterator[tuple[str, bytes]]:
    """Yield the forms in which a sender may have serialized *payload*, the most likely first."""
    for order, value in _orders(payload, fully):
        text = compact(value)
        yield f"compactly{order}", text
        if not text.isascii():
            yield f"compactly in ASCII{order}", _dumps(value, separators=(",", ":"))
        for escaper, chars in _ESCAPED.items():
            escaped = text
            for char, escape in chars.items():
                escaped = escaped.replace(char, escape)
            yield f"compactly, escaped as in {escaper}{order}", escaped
        if fully:
            yield f"with json.dumps(){order}", _dumps(value)
            yield f"with json.dumps(ensure_ascii=False){order}", _dumps(value, ensure_ascii=False)
            for indent in (2, 4):
                yield f"with an indent of {indent}{order}", _dumps(value, indent=indent, ensure_ascii=False)
    if fully and isinstance(payload, dict):
        members = [compact(key) + b":" + compact(value) for key, value in payload.items()]
        for reordered in islice(permutations(members), _MAX_ORDERS):
            yield "compactly, with its keys in another order", b"{" + b",".join(reordered) + b"}"
        for event in islice(_reordered_metadata(payload), _MAX_ORDERS):
            yield "compactly, with sorted keys and those of the metadata in another order", event


def compact(payload: Any) -> bytes:
    """Return JSON as Clerk writes it: without spaces, in UTF-8."""
    return _dumps(payload, ensure_ascii=False, separators=(",", ":"))


def _dumps(payload: Any, **options: Any) -> bytes:
    return json.dumps(payload, **options).encode("utf-8", "surrogatepass")


def _orders(payload: Any, fully: bool) -> Iterator[tuple[str, Any]]:
    yield "", payload
    yield ", with sorted keys", _sorted(payload)
    if fully:
        yield ", with sorted keys except in the metadata", _sorted_outside_metadata(payload)


def _sorted(payload: Any) -> Any:
    return json.loads(json.dumps(payload, sort_keys=True))


def _sorted_outside_metadata(payload: Any) -> Any:
    """Sort the keys as Clerk does: those in metadata keep the order that the application gave them."""
    if isinstance(payload, list):
        return [_sorted_outside_metadata(item) for item in payload]
    if isinstance(payload, dict):
        return {
            key: payload[key] if key.endswith("_metadata") else _sorted_outside_metadata(payload[key])
            for key in sorted(payload)
        }
    return payload


def _reordered_metadata(payload: dict[str, Any]) -> Iterator[bytes]:
    """Yield an event with sorted keys, except in its metadata: there in every order, if they are few."""
    event = _sorted(payload)
    members = [member for each in _objects(event) for member in each.items()]
    metadata = [value for name, value in members if name.endswith("_metadata")]
    objects = [each for each in _objects(metadata) if 2 <= len(each) <= _MAX_KEYS][:_MAX_OBJECTS]
    for orders in product(*map(permutations, objects)):
        for each, keys in zip(objects, orders, strict=True):
            for key in keys:
                each[key] = each.pop(key)  # moves it to the end
        yield compact(event)


@causes.add(
    fix=f"{VERIFY_RAW_BODY}; storing or editing the payload changes it (jsonb columns order keys by length, "
    "editors and chats replace quotation marks, some parsers turn integers into floats): store it as bytes or text"
)
def transformed_payload(delivery: RejectedDelivery) -> Finding | None:
    payload, is_short = delivery.payload, len(delivery.body) <= _MAX_FULLY_TRIED
    confirmed = delivery.confirm(_transformations_undone(delivery.body, payload)) if is_short else None
    if confirmed:
        return confirmed
    if re.match(rb"\s*[{[]\s*\xe2\x80[\x9c-\x9f]", delivery.body):  # U+201C to U+201F
        return Finding("likely", "the body has typographic quotation marks, which JSON does not have")
    if not isinstance(payload, dict | list):
        return None
    if not _is_strict(delivery.body):
        return Finding("likely", "the JSON contains NaN, Infinity or raw control characters, which are invalid there")
    if _is_ordered_by_length(payload):
        return Finding("likely", "the keys are ordered by their length, as a jsonb column of PostgreSQL returns them")
    if not isinstance(payload, dict) or not isinstance(payload.get("data"), dict):
        return None
    data = payload["data"]
    is_complete = payload.get("object") == "event" and "object" in data and len(data) >= _CLERK_KEYS
    if is_complete and (list(data) != sorted(data) or list(payload) != sorted(payload)):
        return Finding("likely", "the keys are not in alphabetical order, in which Clerk sends them")
    if isinstance(data.get("created_at"), float):
        return Finding("likely", "times are floats, which Clerk sends as integers")
    return None


def _transformations_undone(body: bytes, payload: Any) -> Iterator[tuple[str, bytes]]:
    text = body.decode("utf-8", "replace")
    for form in ("NFC", "NFD"):
        yield f"after Unicode normalization to {form}", unicodedata.normalize(form, text).encode()
    yield "with straight instead of typographic quotation marks", text.translate(_TYPOGRAPHY).encode()
    yield "with single apostrophes in place of pairs, as SQL writes them", body.replace(b"''", b"'")
    if isinstance(payload, dict | list):
        for how, whole in serializations(_with_integers(payload), fully=False):
            yield f"with integers instead of floats, serialized {how}", whole


def _with_integers(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_integers(item) for key, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_strict(body: bytes) -> bool:
    """Return whether JSON has neither NaN, Infinity nor control characters in strings."""
    rest = without_strings(body)
    controls_in_strings = len(body.translate(None, _NOT_CONTROLS)) - len(rest.translate(None, _NOT_CONTROLS))
    return not controls_in_strings and b"N" not in rest and b"I" not in rest


def _objects(payload: Any) -> Iterator[dict[str, Any]]:
    todo = [payload]
    for value in todo:  # grows in the loop
        if isinstance(value, dict):
            yield value
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def _is_ordered_by_length(payload: Any) -> bool:
    """Return whether all keys are in the order of jsonb, and not by accident.

    https://www.postgresql.org/docs/current/datatype-json.html
    """
    objects = [list(each) for each in _objects(payload)]
    return (
        all(keys == sorted(keys, key=_jsonb_key) for keys in objects)
        and any(keys != sorted(keys) for keys in objects)
        and sum(len(keys) - 1 for keys in objects if keys) >= _MIN_PAIRS
    )


def _jsonb_key(key: str) -> tuple[int, bytes]:
    encoded = key.encode("utf-8", "surrogatepass")
    return len(encoded), encoded
