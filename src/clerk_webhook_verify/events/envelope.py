"""The envelope: what every event has, whatever happened."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass as event_class  # for type checkers every event class is decorated
    from datetime import datetime
    from typing import Any

    from .._delivery import Delivery
else:

    def event_class(**options):
        """Leave the class as it is: Event's own decoration serves all that inherit it, and one costs a millisecond."""
        return lambda cls: cls


__all__ = ["Event", "EventAttributes", "HttpRequest", "UnknownEvent", "event_class"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class HttpRequest(Record):
    """The request to Clerk that caused the event."""

    client_ip: str | None = None  #: IPv4 or IPv6; ``""`` where Clerk itself or its dashboard caused the event.
    user_agent: str | None = None  #: A browser's or an SDK's; may be ``""``.


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class EventAttributes(Record):
    """Where the event came from."""

    http_request: HttpRequest | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Event(Record):
    """What happened. ``isinstance`` or ``match`` tells the classes of :mod:`clerk_webhook_verify.events` apart."""

    type: str  #: As sent: ``user.created``.
    data: object  #: A frozen dataclass, known once the event's class is; of an :class:`UnknownEvent` the dict.
    raw: dict[str, Any]  #: The whole parsed body, with all that the classes do not know.
    delivery: Delivery = field(compare=False)  #: What it was parsed from.
    timestamp: int | None = None  #: The envelope's own, as sent: Unix milliseconds, in some deliveries seconds.
    instance_id: str | None = None  #: The Clerk instance, ``ins_...``.
    event_attributes: EventAttributes | None = None

    __hash__ = None  # as in Record: eq would else bring one, which fails on the dicts

    @property
    def message_id(self) -> str:
        """Short for ``delivery.message_id``: the idempotency key."""
        return self.delivery.message_id

    @property
    def occurred_at(self) -> datetime | None:
        """The envelope's :attr:`timestamp` as an aware datetime in UTC; None where there is none that can be read."""
        from ._time import as_datetime  # datetime takes two milliseconds to import, and few ask for it

        try:
            return as_datetime(self.timestamp)  # type: ignore[arg-type]  # what is not an int is told below
        except (TypeError, ValueError):
            return None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(type={self.type[:64]!r}, delivery={self.delivery!r})"


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class UnknownEvent(Event):
    """An authentic event of a type that this version does not know: new at Clerk, or a test delivery's filler."""

    data: dict[str, Any]
