"""Test your webhook handlers: sample payloads, typed events, signed requests and a frozen clock.

The pytest plugin is in :mod:`.pytest_plugin`; the rest needs no network and no other package.
"""

import json
import time
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, is_dataclass
from difflib import get_close_matches
from os import urandom
from typing import Any, Literal, Protocol, TypeVar, get_args, get_type_hints

from .._frames import forget_on_error
from .._secret import Secret
from .._webhook import Webhook
from ..events import EVENT_TYPES, Event, EventType
from ._store_contract import check_store
from .samples import SAMPLES, sample_payload

__all__ = [
    "Family",
    "Fault",
    "FrozenClock",
    "SignedRequest",
    "Signer",
    "check_store",
    "generate_secret",
    "make_event",
    "sample",
    "signed_request",
]

E = TypeVar("E", bound=Event)

#: The faults that :func:`signed_request` can add. A receiver must reject each of them.
Fault = Literal[
    "tampered",  # the body was changed after it was signed
    "reserialized",  # the body was parsed and serialized again
    "stale",  # a valid signature, an hour old
    "future",  # a valid signature, an hour ahead
    "other_secret",  # signed with a secret that the receiver does not have
    "several_signatures",  # of several versions and secrets, and none of them matches
    "asymmetric_only",  # no v1 signature, only one of another version
    "other_message_id",  # the id of another message
    "milliseconds",  # the timestamp is not in seconds
    "missing_header",  # no signature header
    "duplicate_header",  # two id headers, in two spellings
    "mixed_families",  # svix-* mixed with webhook-*
    "empty_body",  # the body was lost in transit
    "not_json",  # a valid signature of a body that is not an event
]

#: The prefix of the three headers: Clerk's, or that of Standard Webhooks.
Family = Literal["svix", "webhook"]


class FrozenClock:
    """A clock for ``Webhook(clock=...)`` that moves only when you advance it.

    Args:
        now: Unix seconds; None is the current time.
    """

    def __init__(self, now: float | None = None) -> None:
        self.now = float(int(time.time()) if now is None else now)
        """Unix seconds."""

    def __call__(self) -> float:
        """Return the time of this clock, in Unix seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward, or back if *seconds* is negative."""
        self.now += seconds


@dataclass(frozen=True)
class SignedRequest:
    """What to send, unchanged, with any client."""

    headers: dict[str, str]
    body: bytes


class Signer(Protocol):
    """The type of the pytest fixture ``clerk_webhook_signer``."""

    def __call__(
        self,
        type_or_payload: EventType | dict[str, Any] | bytes,
        /,
        *,
        secret: Secret | None = None,
        message_id: str | None = None,
        timestamp: int | None = None,
        family: Family = "svix",
        fault: Fault | None = None,
        **overrides: object,
    ) -> SignedRequest:
        """Call :func:`signed_request`, by default with the environment's secret and the fixture's time."""
        ...


def generate_secret() -> str:
    """Return a new signing secret, ``whsec_`` and 24 random bytes in base64."""
    return "whsec_" + b64encode(urandom(24)).decode()


def sample(event_type: EventType, /, **overrides: object) -> dict[str, Any]:
    """Return a realistic payload of one event type.

    Args:
        event_type: ``user.created`` or any other type in :data:`.events.EVENT_TYPES`.
        overrides: Replace fields of ``data``, as they are in JSON.
    Returns:
        A new dict, with ``data`` and the other fields of the envelope.
    Raises:
        ValueError: The type is unknown.
        TypeError: An override is not a field of that type's data.

    >>> sample("user.created", first_name="Grace")["data"]["first_name"]
    'Grace'
    """
    _check_name("event type", event_type, EVENT_TYPES)
    data_class = _data_class(event_type)
    similar = (each for each in SAMPLES if _data_class(each) is data_class)
    source = event_type if event_type in SAMPLES else next(similar, None)
    if source is None:
        raise TypeError(f"there is no sample of {event_type}: pass your own payload to signed_request({{...}})")
    payload = sample_payload(source)
    names = [field.name for field in fields(data_class)]
    for name in overrides:
        if name not in names:
            raise TypeError(f"the data of {event_type} has no field {name!r}{did_you_mean(name, names)}")
    payload["type"] = event_type
    payload["data"].update(overrides)
    return payload


@forget_on_error
def make_event(
    event_class: type[E], /, *, message_id: str | None = None, timestamp: int | None = None, **overrides: object
) -> E:
    """Create a typed event with realistic data, to pass to a handler.

    Args:
        event_class: ``UserCreated`` or any other class in :data:`.events.EVENT_TYPES`, also one that your application
            declares if its data is one of the library's data classes.
        message_id: None creates a new one; pass one to test duplicates.
        timestamp: When the event occurred and was sent, in Unix seconds; None is the sample's time.
        overrides: Replace fields of ``data``, as they are in JSON or as data classes.
    Raises:
        TypeError: The class has no event type or no sample data, or an override is not a field of its data.
        TypeError, ValueError: The message id or the timestamp is invalid.

    >>> from ..events import UserCreated
    >>> make_event(UserCreated, first_name="Grace").data.first_name
    'Grace'
    """
    if not isinstance(event_class, type):
        raise TypeError(f"pass an event class such as UserCreated, not {type(event_class).__name__}")
    event_type = next((each for each, cls in EVENT_TYPES.items() if cls is event_class), None)
    if event_type is None:
        raise TypeError(f"{event_class.__name__} has no event type: pass a class such as UserCreated")
    payload = sample(event_type, **overrides)  # type: ignore[arg-type]
    if timestamp is None:
        timestamp = payload["timestamp"] // 1000
    else:
        payload["timestamp"] = timestamp * 1000
    secret = "whsec_" + "A" * 32  # not a random one, so that every run creates the same event
    request = signed_request(payload, secret=secret, message_id=message_id, timestamp=timestamp)
    return Webhook(secret, clock=FrozenClock(timestamp)).verify(request.headers, request.body)  # type: ignore[return-value]


@forget_on_error
def signed_request(
    type_or_payload: EventType | dict[str, Any] | bytes,
    /,
    *,
    secret: Secret | None = None,
    message_id: str | None = None,
    timestamp: int | None = None,
    family: Family = "svix",
    fault: Fault | None = None,
    **overrides: object,
) -> SignedRequest:
    """Return a signed delivery. Send its body unchanged: a client that serializes JSON would break the signature.

    Args:
        type_or_payload: An event type for its :func:`sample`, a payload, or the raw body.
        secret: Signs the request; the first one if there are several. None reads the environment, as ``Webhook()``.
        message_id: None creates a new one.
        timestamp: Unix seconds; None is the current time.
        family: ``svix`` for Clerk's headers, ``webhook`` for those of Standard Webhooks.
        fault: A fault that makes receivers reject the request: one of :data:`Fault`.
        overrides: Replace fields of ``data``, as in :func:`sample`.
    Raises:
        ValueError: The type, family or fault is unknown.
        TypeError: An override is not a field of that type's data, or is used with a payload or a raw body.
        InvalidSecretError: The secret is missing or invalid.
    """
    _check_name("header family", family, get_args(Family))
    if fault is not None:
        _check_name("fault", fault, get_args(Fault))
    body = _encode(type_or_payload, overrides)
    if fault == "not_json":
        body = body[:-1]
    if timestamp is None:
        timestamp = int(time.time())
    if fault == "stale":
        timestamp -= 3600
    elif fault == "future":
        timestamp += 3600
    signer = Webhook(generate_secret() if fault == "other_secret" else secret)
    signed = signer.signed_headers(body, message_id=message_id, timestamp=timestamp)
    headers = {name.replace("svix", family): value for name, value in signed.items()}
    body = _break(headers, body, family, fault)
    return SignedRequest({"content-type": "application/json", **headers}, body)


def _encode(type_or_payload: EventType | dict[str, Any] | bytes, overrides: dict[str, object]) -> bytes:
    """Return the body, compact JSON like Clerk's."""
    if isinstance(type_or_payload, str):
        type_or_payload = sample(type_or_payload, **overrides)
    elif overrides:
        raise TypeError(f"{', '.join(overrides)}: overrides need an event type; put them into the payload")
    if isinstance(type_or_payload, bytes):
        return type_or_payload
    if not isinstance(type_or_payload, dict):
        kind = type(type_or_payload).__name__
        raise TypeError(f"pass an event type, a payload (dict) or a raw body (bytes), not {kind}")
    return json.dumps(type_or_payload, separators=(",", ":"), ensure_ascii=False, default=_as_dict).encode()


def _as_dict(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"a payload can contain JSON types and data classes, not {type(value).__name__}")


def _break(headers: dict[str, str], body: bytes, family: str, fault: Fault | None) -> bytes:
    """Add the fault: change *headers*, and return the body to send."""
    name = f"{family}-signature"
    signature = headers[name]
    match fault:
        case "tampered":
            return body + b" "
        case "reserialized":
            return json.dumps(json.loads(body), indent=1).encode()
        case "empty_body":
            return b""
        case "several_signatures":
            other = Webhook(generate_secret()).sign("msg_1", 0, body)
            headers[name] = f"{other} v1a,{signature[3:]} {signature[:-2]}"
        case "asymmetric_only":
            headers[name] = f"v1a,{signature[3:]}"
        case "other_message_id":
            headers[f"{family}-id"] += "x"
        case "milliseconds":
            headers[f"{family}-timestamp"] += "000"
        case "missing_header":
            del headers[name]
        case "duplicate_header":
            headers[f"{family}-id".title()] = headers[f"{family}-id"]
        case "mixed_families":
            other_family = "webhook" if family == "svix" else "svix"
            headers[f"{other_family}-signature"] = headers.pop(name)
    return body


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return the hint to append to an error message, or an empty string if no name is similar.

    >>> did_you_mean("user.craeted", ["user.created", "user.deleted", "sms.created"])
    ': did you mean user.created, user.deleted or sms.created?'
    """
    *others, last = get_close_matches(name, list(names), n=3) or [""]
    if not last:
        return ""
    return f": did you mean {', '.join(others)} or {last}?" if others else f": did you mean {last}?"


def _check_name(kind: str, name: object, names: Iterable[str]) -> None:
    """Raise if no *kind* has the name. The message contains similar names, but never a secret."""
    if name in list(names):  # not in the dict itself: the name may be unhashable
        return
    if "whsec_" in repr(name):
        raise ValueError(f"expected the {kind}, not a signing secret: pass it as secret=")
    raise ValueError(f"there is no {kind} {name!r}{did_you_mean(str(name), names)}")


def _data_class(event_type: str) -> Any:
    return get_type_hints(EVENT_TYPES[event_type])["data"]
