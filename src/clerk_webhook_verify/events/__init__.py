"""A class for each of Clerk's event types, and classes for the data inside.

Each module defines the classes of one group of events, their union and the Literal of their types.

https://clerk.com/docs/webhooks/overview
"""

from typing import Literal

from . import _base
from ._base import (
    EVENT_TYPES as EVENT_TYPES,
    DeletedObject as DeletedObject,
    Delivery as Delivery,
    Event as Event,
    EventAttributes as EventAttributes,
    HttpRequest as HttpRequest,
    UnknownEvent as UnknownEvent,
    as_datetime as as_datetime,
)
from ._data import Record as Record
from .billing import *
from .message import *
from .organization import *
from .role import *
from .session import *
from .user import *
from .waitlist import *

#: Any event of a known type.
KnownEvent = UserEvent | SessionEvent | OrganizationEvent | RoleEvent | MessageEvent | BillingEvent | WaitlistEvent

#: Any known event type.
EventType = Literal[
    UserEventType,
    SessionEventType,
    OrganizationEventType,
    RoleEventType,
    MessageEventType,
    BillingEventType,
    WaitlistEventType,
]

#: The return type of ``verify``.
AnyEvent = KnownEvent | UnknownEvent

# For Delivery.parse(), whose module cannot import it from here
setattr(_base, "AnyEvent", AnyEvent)  # noqa: B010  # type checkers would treat an assignment as another alias
