"""The waitlist."""

from typing import Any, Literal

from ._base import Event
from ._data import Record


class Invitation(Record):
    """An invitation to the application. Times are Unix milliseconds."""

    object: str
    id: str
    email_address: str
    public_metadata: dict[str, Any] | None = None
    revoked: bool | None = None
    status: str
    """pending, accepted, revoked or expired."""
    url: str | None = None
    expires_at: int | None = None
    created_at: int
    updated_at: int


class WaitlistEntry(Record):
    """An entry of the waitlist. Times are Unix milliseconds."""

    object: str
    """``waitlist_entry``, in some deliveries ``waitlistEntry``."""
    id: str
    email_address: str
    status: str
    """pending, invited, rejected or completed."""
    is_locked: bool | None = None
    created_at: int
    updated_at: int
    invitation: Invitation | None = None


class WaitlistEntryCreated(Event):
    """An entry was added to the waitlist."""

    type: Literal["waitlistEntry.created"]
    data: WaitlistEntry


class WaitlistEntryUpdated(Event):
    """An entry of the waitlist was changed: invited, rejected or completed."""

    type: Literal["waitlistEntry.updated"]
    data: WaitlistEntry


#: Any of these events, for annotations, ``isinstance`` and ``match``.
WaitlistEvent = WaitlistEntryCreated | WaitlistEntryUpdated

#: The types of these events.
WaitlistEventType = Literal[
    "waitlistEntry.created",
    "waitlistEntry.updated",
]
