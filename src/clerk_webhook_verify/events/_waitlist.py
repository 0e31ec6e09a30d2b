"""The waitlist."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record
from .envelope import Event, event_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Invitation(Record):
    """An invitation to the application. Times are Unix milliseconds."""

    object: str
    id: str
    email_address: str
    public_metadata: dict[str, Any] | None = None
    revoked: bool | None = None
    status: str  #: pending, accepted, revoked or expired.
    url: str | None = None
    expires_at: int | None = None
    created_at: int
    updated_at: int


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class WaitlistEntry(Record):
    """Somebody who waits to be let in. Times are Unix milliseconds."""

    object: str  #: ``waitlist_entry``, in some deliveries ``waitlistEntry``.
    id: str
    email_address: str
    status: str  #: pending, invited, rejected or completed.
    is_locked: bool | None = None
    created_at: int
    updated_at: int
    invitation: Invitation | None = None


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class WaitlistEntryCreated(Event):
    """Somebody joined the waitlist."""

    data: WaitlistEntry


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class WaitlistEntryUpdated(Event):
    """An entry of the waitlist was changed: invited, rejected or completed."""

    data: WaitlistEntry


#: Any event of this family, for annotations, ``isinstance`` and ``match``.
WaitlistEvent = WaitlistEntryCreated | WaitlistEntryUpdated
