"""Sessions."""

from typing import Any, Literal

from ._base import Event
from ._data import Record
from .user import User


class SessionActivityResponse(Record):
    """The device and location where a session was last used."""

    object: str
    id: str
    device_type: str | None = None
    is_mobile: bool
    browser_name: str | None = None
    browser_version: str | None = None
    ip_address: str | None = None
    city: str | None = None
    country: str | None = None


class Session(Record):
    """A session of a user on one client. Times are Unix milliseconds."""

    object: str
    id: str
    user_id: str
    client_id: str
    actor: dict[str, Any] | None = None
    """Who impersonates the user; otherwise None."""
    status: str
    """active, pending, revoked, ended, expired, removed, abandoned or replaced."""
    last_active_organization_id: str | None = None
    last_active_at: int
    latest_activity: SessionActivityResponse | None = None
    expire_at: int
    abandon_at: int
    updated_at: int
    created_at: int
    user: User | None = None
    """Since 2026."""


class SessionCreated(Event):
    """A user signed in."""

    type: Literal["session.created"]
    data: Session


class SessionEnded(Event):
    """A session ended: the user signed out."""

    type: Literal["session.ended"]
    data: Session


class SessionPending(Event):
    """A user signed in, but has tasks to complete before the session is active."""

    type: Literal["session.pending"]
    data: Session


class SessionRemoved(Event):
    """A session was removed from its client."""

    type: Literal["session.removed"]
    data: Session


class SessionRevoked(Event):
    """A session was revoked by the application."""

    type: Literal["session.revoked"]
    data: Session


#: Any of these events, for annotations, ``isinstance`` and ``match``.
SessionEvent = SessionCreated | SessionEnded | SessionPending | SessionRemoved | SessionRevoked

#: The types of these events.
SessionEventType = Literal[
    "session.created",
    "session.ended",
    "session.pending",
    "session.removed",
    "session.revoked",
]
