"""Roles and permissions."""

from typing import Literal

from ._base import DeletedObject, Event
from ._data import Record


class Permission(Record):
    """A permission that roles can grant. Times are Unix milliseconds."""

    object: str
    id: str
    name: str
    key: str
    """``org:feature:permission``."""
    description: str
    type: str
    """system or user."""
    created_at: int
    updated_at: int


class Role(Record):
    """A role that members of organizations can have. Times are Unix milliseconds."""

    object: str
    id: str
    name: str
    key: str
    """``org:admin``."""
    description: str | None = None
    is_creator_eligible: bool | None = None
    permissions: tuple[Permission, ...]
    created_at: int
    updated_at: int


class RoleCreated(Event):
    """A role was created."""

    type: Literal["role.created"]
    data: Role


class RoleUpdated(Event):
    """A role was changed."""

    type: Literal["role.updated"]
    data: Role


class RoleDeleted(Event):
    """A role was deleted."""

    type: Literal["role.deleted"]
    data: DeletedObject


class PermissionCreated(Event):
    """A permission was created."""

    type: Literal["permission.created"]
    data: Permission


class PermissionUpdated(Event):
    """A permission was changed."""

    type: Literal["permission.updated"]
    data: Permission


class PermissionDeleted(Event):
    """A permission was deleted."""

    type: Literal["permission.deleted"]
    data: DeletedObject


#: Any of these events, for annotations, ``isinstance`` and ``match``.
RoleEvent = RoleCreated | RoleUpdated | RoleDeleted | PermissionCreated | PermissionUpdated | PermissionDeleted

#: The types of these events.
RoleEventType = Literal[
    "role.created",
    "role.updated",
    "role.deleted",
    "permission.created",
    "permission.updated",
    "permission.deleted",
]
