"""Fuzz targets: signed payloads, and deliveries stored as JSON."""

import base64
import copy
import dataclasses
import json
import marshal
import math
import pickle
import re
import zlib
from functools import cache
from typing import Any, get_args

from helpers.signer import BODY, MESSAGE_ID, NOW, SECRET, now
from proof.fuzz.tape import Tape, require, signed_headers

from clerk_webhook_verify import Delivery, InvalidPayloadError, Webhook
from clerk_webhook_verify.events import EventType
from clerk_webhook_verify.testing.samples import sample_payload

webhook = Webhook(SECRET, clock=now)
SAMPLES = [marshal.dumps(sample_payload(name)) for name in get_args(EventType)]  # the fastest way to copy them
ENCODERS = [json.JSONEncoder(), json.JSONEncoder(ensure_ascii=False)]
VALUES: list[Any] = [
    None, True, False, 0, -1, NOW, NOW * 1000, 2**63, 10**30, 1.5, -0.0, math.inf, math.nan, "", "x" * 99, "\0",
    "\ud800", "\u2028", [], {}, [[]], [{}], {"": {}}, {"id": {}}, [None, "a", {"id": 7}],
    {"__class__": "x", "__dict__": {}}, "user.created",
]  # fmt: skip
TOKENS = [
    b"NaN", b"-Infinity", b"1e400", b"-0", b"01", b"1.", b"\xff", b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b"\\x",
    b"\0", b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"[" * 99, b"]" * 99, b'{"a":' * 99, b"}" * 99,
    b"9" * 99, b" ",
]  # fmt: skip


def changed(tape: Tape, value: Any) -> Any:
    """Change, add and remove values inside *value*, as the tape says."""
    for _ in range(tape.byte() % 8):
        inner = value
        while isinstance(inner, dict | list) and inner:
            key = tape.pick([*inner] if isinstance(inner, dict) else range(len(inner)))
            if tape.byte() % 3 and isinstance(inner[key], dict | list) and inner[key]:
                inner = inner[key]
                continue
            operation = tape.byte() % 5
            if operation == 0:
                del inner[key]
            elif operation == 1:
                inner[key] = tape.text()
            elif operation == 2 and isinstance(inner, dict):
                inner[tape.text()] = inner.pop(key)
            elif operation == 3:
                inner[key] = [inner[key]]
            else:
                inner[key] = copy.deepcopy(tape.pick(VALUES))
            break
    return value


def written(tape: Tape, value: Any) -> bytes:
    """Serialize *value*, and insert bytes into the JSON, as the tape says."""
    text = tape.pick(ENCODERS).encode(value).encode("utf-8", "surrogatepass")
    for _ in range(tape.byte() % 4):
        place = int.from_bytes(tape.take(2), "big") % (len(text) + 1)
        token = tape.pick(TOKENS) if tape.byte() % 2 else tape.chunk()
        text = text[:place] + token + text[place + tape.byte() % 8 :]
    return text


def is_deep(text: bytes) -> bool:
    """Return whether nesting may reach the interpreter's recursion limit, which depends on the caller's depth."""
    return text.count(b"[") + text.count(b"{") > 200


def strict_object(text: bytes) -> dict[str, Any] | None:
    """Parse with json, without the constants that RFC 8259 does not have; None if it is not an object."""

    def refuse(constant: str) -> None:
        raise ValueError

    try:
        value = json.loads(text.decode(), parse_constant=refuse)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def payload(data: bytes) -> None:
    """Every authentic event is returned, whatever it contains, and its values are unchanged."""
    tape = Tape(data)
    mode = tape.byte() % 4
    body = tape.rest() if mode == 0 else written(tape, changed(tape, marshal.loads(tape.pick(SAMPLES))))
    try:
        event = webhook.verify(signed_headers(body), body)
    except InvalidPayloadError as error:
        require(is_deep(body) or not is_event(strict_object(body)), "rejected an event")
        require(error.__context__ is None and len(str(error)) < 100, "an error contains a part of the body")
        return
    require(is_deep(body) or is_event(strict_object(body)), "accepted a body that is not an event")
    sent = event.raw
    for name in ("type", "data", "timestamp", "instance_id", "event_attributes"):
        check_unchanged(getattr(event, name), sent.get(name))
    require((event.message_id, event.delivery.body) == (MESSAGE_ID, body), "another delivery than was verified")
    data_id = sent["data"].get("id")
    shown = f", data.id={data_id[:64]!r}" if isinstance(data_id, str) else ""
    expected = f"{type(event).__name__}(type={event.type[:64]!r}{shown}, message_id={MESSAGE_ID!r})"
    require(repr(event) == expected, "the repr of an event shows more than its type and ids")
    read_properties(event)
    if zlib.crc32(body) % 8 == 0:  # slow, and almost independent of the input
        require(
            Delivery.from_json(event.delivery.to_json()) == event.delivery,
            "to_json() and from_json() changed the delivery",
        )
        if not is_deep(body):
            for duplicate in (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
                is_equal = duplicate == event and duplicate.delivery == event.delivery
                require(is_equal, "a copy that is not equal")


def is_event(value: dict[str, Any] | None) -> bool:
    return bool(value and isinstance(value.get("type"), str) and value["type"] and isinstance(value.get("data"), dict))


def check_unchanged(value: Any, sent: Any) -> None:
    fields = names(type(value))
    if fields:
        require(type(sent) is dict, "an object made of a value that is not one")
        for name in fields:
            check_unchanged(getattr(value, name), sent.get(name))
        identity = sent.get("id") if "id" in fields else None
        shown = f"id={identity[:64]!r}" if isinstance(identity, str) else ""
        require(repr(value) == f"{type(value).__name__}({shown})", "the repr of an object shows more than the id")
        read_properties(value)
    elif isinstance(value, tuple):
        require(sent is None or (type(sent) is list and len(sent) == len(value)), "a list was changed")
        for item, one in zip(value, sent or (), strict=True):
            check_unchanged(item, one)
    else:
        require(value is sent, "a value was changed")


@cache
def names(cls: type) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []


@cache
def properties(cls: type) -> list[str]:
    return [name for name in dir(cls) if isinstance(getattr(cls, name), property)]


def read_properties(value: Any) -> None:
    for name in properties(type(value)):
        getattr(value, name)


STORED = Delivery(MESSAGE_ID, NOW, BODY, webhook.fingerprints[0]).to_json()


def stored(data: bytes) -> None:
    """A text that has the form of a verified delivery is accepted, any other is rejected with InvalidPayloadError."""
    tape = Tape(data)
    mode = tape.byte() % 4
    text = tape.rest() if mode == 0 else written(tape, changed(tape, json.loads(STORED)))
    given = text.decode("utf-8", "surrogateescape") if mode == 1 else text
    read = (
        strict_object(given.encode("utf-8", "replace") if isinstance(given, str) else text)
        if not is_deep(text)
        else None
    )
    try:
        delivery = Delivery.from_json(given)
    except InvalidPayloadError as error:
        require(read is None or not is_stored(read), "rejected a stored delivery")
        require(error.__context__ is None and len(str(error)) < 120, "an error contains a part of the body")
    else:
        require(is_deep(text) or is_stored(read), "accepted a text that is not a stored delivery")
        require(Delivery.from_json(delivery.to_json()) == delivery, "to_json() and from_json() changed the delivery")


def is_stored(fields: dict[str, Any] | None) -> bool:
    keys = ("message_id", "timestamp", "body_b64", "secret_fingerprint")
    message_id, timestamp, body, fingerprint = ((fields or {}).get(key) for key in keys)
    try:
        is_canonical = base64.b64encode(base64.b64decode(body, validate=True)).decode() == body
    except (TypeError, ValueError):
        return False
    return (
        is_canonical
        and isinstance(message_id, str)
        and re.fullmatch(r"[!-+\-/-~]{1,256}", message_id) is not None
        and type(timestamp) is int
        and 0 <= timestamp < 10**12
        and isinstance(fingerprint, str)
    )
