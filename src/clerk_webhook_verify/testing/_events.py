"""Sample payloads and typed events."""

import json
from collections.abc import Iterable
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from .._did_you_mean import did_you_mean
from .._frames import forget_on_error
from .._webhook import Webhook
from ..events import EVENT_TYPES, Event, EventType
from .samples import SAMPLES, sample_payload

E = TypeVar("E", bound=Event)

_SECRET = "whsec_" + "A" * 32


def sample(event_type: EventType, /, **overrides: object) -> dict[str, Any]:
    """Return a realistic payload of one event type.

    Args:
        event_type: ``user.created`` or any other type in :data:`.events.EVENT_TYPES`.
        overrides: Replace fields of ``data``, as they are in JSON.
    Returns:
        A new dict, with ``type``, ``data``, ``timestamp`` and the rest of the envelope.
    Raises:
        ValueError: The type is unknown.
        TypeError: An override is not a field of that type's data.

    >>> sample("user.created", first_name="Grace")["data"]["first_name"]
    'Grace'
    """
    if not isinstance(event_type, str) or event_type not in EVENT_TYPES:
        raise ValueError(no_such("event type", event_type, EVENT_TYPES))
    payload = sample_payload(_type_with_sample(event_type))
    names = [field.name for field in fields(_data_class(event_type))]
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
    seconds: int = payload["timestamp"] // 1000 if timestamp is None else timestamp
    if timestamp is not None:
        payload["timestamp"] = timestamp * 1000
    body = encode_payload(payload)
    webhook = Webhook(_SECRET, clock=lambda: seconds)
    headers = webhook.signed_headers(body, message_id=message_id, timestamp=seconds)
    return webhook.verify(headers, body)  # type: ignore[return-value]


def encode_payload(payload: dict[str, Any]) -> bytes:
    """Return *payload*, which can contain data classes, as compact JSON like Clerk's."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False, default=_as_dict).encode()


def no_such(kind: str, name: object, names: Iterable[str]) -> str:
    """Return a message that the *kind* does not exist, with similar names. It does not repeat a secret."""
    if "whsec_" in repr(name):
        return f"expected the {kind}, not a signing secret: pass it as secret="
    return f"there is no {kind} {name!r}{did_you_mean(str(name), names)}"


def _type_with_sample(event_type: str) -> str:
    """Return *event_type* if it has a sample, otherwise another type with the same data class."""
    if event_type in SAMPLES:
        return event_type
    data_class = _data_class(event_type)
    for each in SAMPLES:
        if _data_class(each) is data_class:
            return each
    raise TypeError(f"there is no sample of {event_type}: pass your own payload to signed_request({{...}})")


def _data_class(event_type: str) -> Any:
    return get_type_hints(EVENT_TYPES[event_type])["data"]


def _as_dict(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"a payload can contain JSON types and data classes, not {type(value).__name__}")
