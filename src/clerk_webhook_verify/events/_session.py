"""Sessions."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record
from .envelope import Event, event_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._user import User


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class SessionActivityResponse(Record):
    """The device and place that a session was last used from."""

    object: str
    id: str
    device_type: str | None = None
    is_mobile: bool
    browser_name: str | None = None
    browser_version: str | None = None
    ip_address: str | None = None
    city: str | None = None
    country: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Session(Record):
    """A session of a user on one client. Times are Unix milliseconds."""

    object: str
    id: str
    user_id: str
    client_id: str
    actor: dict[str, Any] | None = None  #: Who impersonates the user, if anybody does.
    status: str  #: active, pending, revoked, ended, expired, removed, abandoned or replaced.
    last_active_organization_id: str | None = None
    last_active_at: int
    latest_activity: SessionActivityResponse | None = None
    expire_at: int
    abandon_at: int
    updated_at: int
    created_at: int
    user: User | None = None  #: Since 2026; older deliveries lack it.


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SessionCreated(Event):
    """A user signed in."""

    data: Session


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SessionEnded(Event):
    """A session ended: the user signed out."""

    data: Session


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SessionPending(Event):
    """A user signed in, but has tasks to complete before the session is active."""

    data: Session


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SessionRemoved(Event):
    """A session was removed from its client."""

    data: Session


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SessionRevoked(Event):
    """A session was revoked by the application."""

    data: Session


#: Any event of this family, for annotations, ``isinstance`` and ``match``.
SessionEvent = SessionCreated | SessionEnded | SessionPending | SessionRemoved | SessionRevoked
