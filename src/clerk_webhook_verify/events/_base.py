"""A verified delivery, the event in it, and which class stands for which event type."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from .._headers import is_message_id
from .._payload import parse_object, parse_payload
from .._timestamp import LATEST
from ..errors import InvalidPayloadError
from ._data import Decoder, Frozen, Record, decoder_for, record_decoder, resolve_hints
from ._time import as_datetime

if TYPE_CHECKING:
    from . import AnyEvent  # at run time events/__init__.py adds the name to this module


@dataclass(frozen=True, repr=False)
class Delivery:
    """One verified delivery: these bytes were signed, with this message id, at this time, with one of your secrets.

    Verify now, process later: a queue carries :meth:`to_json`, and the worker that calls :meth:`from_json` and
    :meth:`parse` needs no secret.
    """

    message_id: str
    """The ``svix-id``: the same for every delivery of a message, so use it as the idempotency key."""
    timestamp: int
    """When this attempt was made, in Unix seconds, as signed."""
    body: bytes
    """The raw body, as signed."""
    secret_fingerprint: str
    """Which secret matched: one of :attr:`.Webhook.fingerprints`."""

    def parse(self) -> AnyEvent:
        """Return the event in the body.

        Raises:
            InvalidPayloadError: The body is authentic, but it is not an event.
        """
        event_type, data, payload = parse_payload(self.body, self.message_id)
        event_class: Any = EVENT_TYPES.get(event_type, UnknownEvent)
        decode_data = _data_decoder(event_class)
        event: AnyEvent = object.__new__(event_class)  # not __init__, to which an application's class may add fields
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
        """Return all of it as JSON text, the body in base64, so that every byte is preserved."""
        return json.dumps(
            {
                "message_id": self.message_id,
                "timestamp": self.timestamp,
                "body_b64": b64encode(self.body).decode(),
                "secret_fingerprint": self.secret_fingerprint,
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Delivery:
        """Restore a delivery from :meth:`to_json`.

        It verifies nothing and trusts the queue: never pass it anything that an attacker can write.

        Args:
            text: As :meth:`to_json` wrote it. Unknown keys are ignored.
        Raises:
            InvalidPayloadError: It is not a JSON object, or a key is missing or has a value that no verified delivery
                has.
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
            problem = "secret_fingerprint is not text"
        else:
            return cls(message_id, timestamp, body, fingerprint)
        raise InvalidPayloadError(f"not a stored delivery: {problem}; read only what Delivery.to_json() wrote")

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(message_id={self.message_id!r}, timestamp={self.timestamp!r}, "
            f"body={len(self.body)} bytes, secret_fingerprint={self.secret_fingerprint!r})"
        )


def decode_body(encoded: object) -> bytes | None:
    """Return the bytes of a stored body; None if *encoded* is not their base64 in its one canonical form."""
    if not isinstance(encoded, str):
        return None
    try:
        body = a2b_base64(encoded)
    except ValueError:
        return None
    return body if b64encode(body).decode() == encoded else None


class HttpRequest(Record):
    """The request to Clerk that caused the event."""

    client_ip: str | None = None
    """IPv4 or IPv6; ``""`` if Clerk itself or its dashboard caused the event."""
    user_agent: str | None = None
    """A browser's or an SDK's; may be ``""``."""


class EventAttributes(Record):
    """Where the event came from."""

    http_request: HttpRequest | None = None


_event_types: dict[str, type[Event]] = {}

#: The class of each known event type, the application's own included.
EVENT_TYPES: Mapping[str, type[Event]] = MappingProxyType(_event_types)


class Event(Frozen):
    """Base of all events. ``event.type``, ``isinstance`` and ``match`` distinguish them.

    To declare a type that this version does not know, define its class; that registers it::

        class InvoiceSent(Event):
            type: Literal["invoice.sent"]
            data: dict[str, Any]  # or a data class
    """

    type: str
    """The event type, such as ``user.created``."""
    data: object
    """A data class, depending on the event's class; the dict of an :class:`UnknownEvent`."""
    raw: dict[str, Any]
    """The complete parsed body, including everything that the classes do not know."""
    delivery: Delivery = field(compare=False)
    """The verified delivery that it was parsed from."""
    timestamp: int | None = None
    """The payload's own timestamp, as sent: Unix milliseconds, in some deliveries seconds."""
    instance_id: str | None = None
    """The Clerk instance, ``ins_...``."""
    event_attributes: EventAttributes | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        event_types = _declared_event_types(cls)
        for event_type in event_types:
            if not isinstance(event_type, str) or not event_type:
                raise TypeError(f"{cls.__qualname__}.type: an event type is a str that is not empty")
            other = EVENT_TYPES.get(event_type)
            # A class of the same name is the same one, defined again by a reload or in a notebook
            if other and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
                raise TypeError(
                    f"event type {event_type!r} already has the class {other.__module__}.{other.__qualname__}: "
                    "use that one, or derive from it without an annotation of type"
                )
        _event_types.update(dict.fromkeys(event_types, cls))

    @property
    def message_id(self) -> str:
        """Short for ``delivery.message_id``: the idempotency key."""
        return self.delivery.message_id

    @property
    def occurred_at(self) -> datetime | None:
        """The payload's :attr:`timestamp` as an aware datetime in UTC; None if it has none that can be read."""
        try:
            return as_datetime(self.timestamp)  # type: ignore[arg-type]  # None and other types are a TypeError
        except (TypeError, ValueError):
            return None

    def __repr__(self) -> str:
        """Show the type and the ids only: the rest is personal data, and error trackers store local variables."""
        identity = self.data.get("id") if isinstance(self.data, dict) else getattr(self.data, "id", None)
        shown = f", data.id={identity[:64]!r}" if isinstance(identity, str) else ""
        return f"{type(self).__name__}(type={self.type[:64]!r}{shown}, message_id={self.message_id!r})"


def _declared_event_types(cls: type[Event]) -> tuple[Any, ...]:
    """Return the event types in the annotation ``type: Literal[...]`` of *cls* itself; empty if it has none."""
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
    """Resolve one annotation alone: those of other fields may name classes that do not exist yet."""

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
    """An authentic event of a type that this version does not know: new at Clerk, or a test delivery."""

    type: str
    data: dict[str, Any]
