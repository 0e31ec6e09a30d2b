"""Which module holds which class: one row an event type, one a family of data. Nothing is imported before it is met."""

from __future__ import annotations

from importlib import import_module

from .envelope import UnknownEvent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .envelope import Event

#: Event type -> the module of its family, the class of the event.
EVENTS = {
    "organization.created": ("_organization", "OrganizationCreated"),
    "organization.deleted": ("_organization", "OrganizationDeleted"),
    "organization.updated": ("_organization", "OrganizationUpdated"),
    "session.created": ("_session", "SessionCreated"),
    "session.ended": ("_session", "SessionEnded"),
    "session.pending": ("_session", "SessionPending"),
    "session.removed": ("_session", "SessionRemoved"),
    "session.revoked": ("_session", "SessionRevoked"),
    "user.created": ("_user", "UserCreated"),
    "user.deleted": ("_user", "UserDeleted"),
    "user.updated": ("_user", "UserUpdated"),
}

#: Module -> the classes of data that it defines, besides the events.
DATA = {
    "_deleted_object": ("DeletedObject",),
    "_organization": (
        "Organization",
        "OrganizationMembership",
        "OrganizationMembershipPublicUserData",
    ),
    "_session": ("Session", "SessionActivityResponse"),
    "_user": (
        "ClerkError",
        "EmailAddress",
        "EnterpriseAccount",
        "EnterpriseAccountConnection",
        "ExternalAccountWithVerification",
        "IdentificationLink",
        "Passkey",
        "PhoneNumber",
        "SAMLAccount",
        "SAMLAccountConnection",
        "SCIMUserMetadata",
        "User",
        "Verification",
        "Web3Wallet",
    ),
    "envelope": ("Event", "EventAttributes", "HttpRequest", "UnknownEvent"),
}

_MODULES = {name: module for module, name in EVENTS.values()} | {
    name: module for module, names in DATA.items() for name in names
}
_loaded: dict[str, Any] = {}


def load(name: str) -> Any:
    """The class called *name*; its module is imported when it is the first of it.

    Raises:
        AttributeError: There is none.
    """
    loaded = _loaded.get(name)
    if loaded is None:
        if name not in _MODULES:
            raise AttributeError(f"there is no event or data class {name!r}")
        module = import_module(f".{_MODULES[name]}", __package__)
        loaded = _loaded[name] = getattr(module, name)
    return loaded


def event_classes(event_type: str) -> tuple[type[Event], str | None]:
    """The class for events of *event_type* and the name of their data's class, None where that stays a dict."""
    row = EVENTS.get(event_type)
    if row is None:
        return UnknownEvent, None
    event_class = load(row[1])
    return event_class, event_class.__annotations__["data"]


def names() -> list[str]:
    """All names that :func:`load` knows, sorted."""
    return sorted(_MODULES)
