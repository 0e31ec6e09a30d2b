"""A verified delivery, the event in it, and the class of each event type."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta, timezone
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from .._frames import forget_on_error
from .._headers import is_message_id
from .._payload import parse_object, parse_payload
from .._timestamp import LATEST
from ..errors import InvalidPayloadError
from ._data import Decoder, Frozen, Record, decoder_for, record_decoder, resolve_hints

if TYPE_CHECKING:
    from . import AnyEvent  # at run time events/__init__.py adds the name to this module

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, repr=False)
class Delivery:
    """One verified delivery: one of your secrets signed this body, message id and timestamp.

    To process it later, queue :meth:`to_json`. The worker calls :meth:`from_json` and :meth:`parse`, and needs no
    secret.
    """

    message_id: str
    """The ``svix-id``: the same for every delivery of a message, so use it as the idempotency key."""
    timestamp: int
    """When this attempt was made, in Unix seconds, as signed."""
    body: bytes
    """The raw body, as signed."""
    secret_fingerprint: str
    """Which secret matched: one of :attr:`.Webhook.fingerprints`."""

    @forget_on_error
    def parse(self) -> AnyEvent:
        """Return the event in the body.

        Raises:
            InvalidPayloadError: The body is authentic, but it is not an event.
        """
        event_type, data, payload = parse_payload(self.body, self.message_id)
        event_class: Any = EVENT_TYPES.get(event_type, UnknownEvent)
        decode_data = _data_decoder(event_class)
        event: AnyEvent = object.__new__(event_class)  # not __init__: an application's class may add fields
        vars(event).update(
            type=event_type,
            data=decode_data(data) if decode_data else data,
            raw=payload,
            delivery=self,
            timestamp=payload.get("timestamp"),
            instance_id=payload.get("instance_id"),
            event_attributes=record_decoder(EventAttributes)(payload.get("event_attributes")),
        )
        return event

    def to_json(self) -> str:
        """Return the delivery as JSON, with the body in base64, so that every byte is preserved."""
        return json.dumps(
            {
                "message_id": self.message_id,
                "timestamp": self.timestamp,
                "body_b64": b64encode(self.body).decode(),
                "secret_fingerprint": self.secret_fingerprint,
            }
        )

    @classmethod
    @forget_on_error
    def from_json(cls, text: str | bytes) -> Delivery:
        """Restore a delivery from :meth:`to_json`.

        It does not verify the signature again: never pass it text that an attacker can write.

        Args:
            text: The result of :meth:`to_json`. Unknown keys are ignored.
        Raises:
            InvalidPayloadError: It is not a JSON object, or a key is missing or has an invalid value.
            TypeError: *text* is not a ``str`` or ``bytes``.
        """
        if not isinstance(text, str | bytes):
            raise TypeError(f"text must be the str or bytes that to_json() wrote, not {type(text).__name__}")
        stored = parse_object(text.encode("utf-8", "replace") if isinstance(text, str) else text, "the stored delivery")
        message_id, timestamp = stored.get("message_id"), stored.get("timestamp")
        fingerprint = stored.get("secret_fingerprint")
        body = decode_body(stored.get("body_b64"))
        if not isinstance(message_id, str) or not is_message_id(message_id):
            problem = "message_id is not a message id"
        elif not isinstance(timestamp, int) or isinstance(timestamp, bool) or not 0 <= timestamp <= LATEST:
            problem = "timestamp is not Unix seconds"
        elif body is None:
            problem = "body_b64 is not base64"
        elif not isinstance(fingerprint, str):
            problem = "secret_fingerprint is not a string"
        else:
            return cls(message_id, timestamp, body, fingerprint)
        raise InvalidPayloadError(f"not a stored delivery: {problem}; read only what Delivery.to_json() wrote")

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(message_id={self.message_id!r}, timestamp={self.timestamp!r}, "
            f"body={len(self.body)} bytes, secret_fingerprint={self.secret_fingerprint!r})"
        )


def decode_body(encoded: object) -> bytes | None:
    """Return the bytes of a stored body; None if *encoded* is not canonical base64."""
    if not isinstance(encoded, str):
        return None
    try:
        body = a2b_base64(encoded)
    except ValueError:
        return None
    return body if b64encode(body).decode() == encoded else None


def as_datetime(timestamp: int) -> datetime:
    """Convert one of Clerk's timestamps to an aware datetime in UTC.

    Args:
        timestamp: Unix milliseconds, or seconds if it is below 100,000,000,000 (as seconds the year 5138, as
            milliseconds March 1973).
    Raises:
        TypeError: *timestamp* is not an int.
        ValueError: The year would not be 1 to 9999.
    """
    if not isinstance(timestamp, int) or isinstance(timestamp, bool):
        raise TypeError(f"timestamp must be an int, not {type(timestamp).__name__}: a missing field is None")
    unit = "seconds" if abs(timestamp) < 100_000_000_000 else "milliseconds"
    try:
        return _EPOCH + timedelta(**{unit: timestamp})
    except OverflowError:
        raise ValueError("timestamp must be in the years 1 to 9999") from None


class DeletedObject(Record):
    """A deleted resource: its id, and few other fields."""

    object: str
    id: str | None = None
    slug: str | None = None
    deleted: bool
    external_id: str | None = None
    """Of users that have one."""


class HttpRequest(Record):
    """The HTTP request to Clerk that caused the event."""

    client_ip: str | None = None
    """IPv4 or IPv6; ``""`` if Clerk or its dashboard caused the event."""
    user_agent: str | None = None
    """May be ``""``."""


class EventAttributes(Record):
    """Where the event came from."""

    http_request: HttpRequest | None = None


_event_types: dict[str, type[Event]] = {}

#: The class of each known event type, the application's own included.
EVENT_TYPES: Mapping[str, type[Event]] = MappingProxyType(_event_types)


class Event(Frozen):
    """Base of all events. Distinguish them by ``event.type``, ``isinstance`` or ``match``.

    To handle a type that this version does not know, define its class, which registers it::

        class InvoiceSent(Event):
            type: Literal["invoice.sent"]
            data: dict[str, Any]  # or a data class
    """

    type: str
    """The event type, such as ``user.created``."""
    data: object
    """A data class that depends on the event type; a dict in :class:`UnknownEvent`."""
    raw: dict[str, Any]
    """The complete parsed body, including unknown fields."""
    delivery: Delivery = field(compare=False)
    """The verified delivery that contained the event."""
    timestamp: int | None = None
    """The payload's timestamp, unchanged: Unix milliseconds, in some deliveries seconds."""
    instance_id: str | None = None
    """The Clerk instance, ``ins_...``."""
    event_attributes: EventAttributes | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        event_types = _declared_event_types(cls)
        for event_type in event_types:
            if not isinstance(event_type, str) or not event_type:
                raise TypeError(f"{cls.__qualname__}.type: an event type must be a str that is not empty")
            other = EVENT_TYPES.get(event_type)
            # A reload or a notebook cell may define the same class again
            if other and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
                raise TypeError(
                    f"event type {event_type!r} already has the class {other.__module__}.{other.__qualname__}: use "
                    "it, or derive from it without annotating type"
                )
        _event_types.update(dict.fromkeys(event_types, cls))

    @property
    def message_id(self) -> str:
        """The ``delivery.message_id``: use it as the idempotency key."""
        return self.delivery.message_id

    @property
    def occurred_at(self) -> datetime | None:
        """The payload's :attr:`timestamp` as an aware datetime in UTC; None if it is missing or invalid."""
        try:
            return as_datetime(self.timestamp)  # type: ignore[arg-type]  # None and other types are a TypeError
        except (TypeError, ValueError):
            return None

    def __repr__(self) -> str:
        """Show only the type and the ids: other data is personal, and error trackers store local variables."""
        identity = self.data.get("id") if isinstance(self.data, dict) else getattr(self.data, "id", None)
        shown = f", data.id={identity[:64]!r}" if isinstance(identity, str) else ""
        return f"{type(self).__name__}(type={self.type[:64]!r}{shown}, message_id={self.message_id!r})"


def _declared_event_types(cls: type[Event]) -> tuple[Any, ...]:
    """Return the event types in ``type: Literal[...]`` of *cls* itself; empty if it does not annotate it."""
    (declared,) = (each for each in fields(cls) if each.name == "type")
    if any(declared in fields(base) for base in cls.__bases__ if issubclass(base, Event)):
        return ()
    annotation = declared.type
    if isinstance(annotation, str):  # from __future__ import annotations
        annotation = _resolved(annotation, cls)
    if get_origin(annotation) is not Literal:
        return ()
    return get_args(annotation)


def _resolved(annotation: str, cls: type[Event]) -> Any:
    """Resolve one annotation: those of other fields may name classes that are not defined yet."""

    def holder() -> None: ...

    holder.__annotations__ = {"type": annotation}
    try:
        return get_type_hints(holder, vars(sys.modules[cls.__module__]))["type"]
    except NameError as error:
        raise TypeError(f"{cls.__qualname__}.type: {error}; import it at module level") from None


@cache
def _data_decoder(event_class: type[Event]) -> Decoder | None:
    return decoder_for(resolve_hints(event_class).get("data"))


class UnknownEvent(Event):
    """An authentic event of an unknown type: a new one, or a test delivery."""

    type: str
    data: dict[str, Any]
