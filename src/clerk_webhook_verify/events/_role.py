"""Roles and permissions."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record
from .envelope import Event, event_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._deleted_object import DeletedObject


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Permission(Record):
    """A permission that roles can grant. Times are Unix milliseconds."""

    object: str
    id: str
    name: str
    key: str  #: ``org:feature:permission``.
    description: str
    type: str  #: system or user.
    created_at: int
    updated_at: int


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Role(Record):
    """A role that members of organizations can have. Times are Unix milliseconds."""

    object: str
    id: str
    name: str
    key: str  #: ``org:admin``.
    description: str | None = None
    is_creator_eligible: bool | None = None
    permissions: tuple[Permission, ...]
    created_at: int
    updated_at: int


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class RoleCreated(Event):
    """A role was created."""

    data: Role


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class RoleUpdated(Event):
    """A role was changed."""

    data: Role


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class RoleDeleted(Event):
    """A role was deleted."""

    data: DeletedObject


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class PermissionCreated(Event):
    """A permission was created."""

    data: Permission


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class PermissionUpdated(Event):
    """A permission was changed."""

    data: Permission


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class PermissionDeleted(Event):
    """A permission was deleted."""

    data: DeletedObject


#: Any event of this family, for annotations, ``isinstance`` and ``match``.
RoleEvent = RoleCreated | RoleUpdated | RoleDeleted | PermissionCreated | PermissionUpdated | PermissionDeleted
