"""What Clerk sends: a class for each event type, and classes for the data inside.

Each family's module defines its classes, the union of its events and the Literal of their types.

https://clerk.com/docs/webhooks/overview
"""

from typing import Literal

from . import _base
from ._base import (
    EVENT_TYPES as EVENT_TYPES,
    Delivery as Delivery,
    Event as Event,
    EventAttributes as EventAttributes,
    HttpRequest as HttpRequest,
    UnknownEvent as UnknownEvent,
)
from ._data import Record as Record
from ._time import as_datetime as as_datetime
from .billing import *
from .deleted_object import *
from .message import *
from .organization import *
from .role import *
from .session import *
from .user import *
from .waitlist import *

#: Any event that this version knows.
KnownEvent = UserEvent | SessionEvent | OrganizationEvent | RoleEvent | MessageEvent | BillingEvent | WaitlistEvent

#: Any event type that this version knows.
EventType = Literal[
    UserEventType,
    SessionEventType,
    OrganizationEventType,
    RoleEventType,
    MessageEventType,
    BillingEventType,
    WaitlistEventType,
]

#: What ``verify`` returns.
AnyEvent = KnownEvent | UnknownEvent

# Delivery.parse() returns it, and _base cannot import it from here
setattr(_base, "AnyEvent", AnyEvent)  # noqa: B010  # a type checker would take an assignment for another alias
