"""Organizations and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record
from .envelope import Event, event_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._deleted_object import DeletedObject


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Organization(Record):
    """An organization. Times are Unix milliseconds."""

    object: str
    id: str
    name: str
    slug: str
    image_url: str | None = None
    logo_url: str | None = None  #: Deprecated, in no schema, but sent.
    has_image: bool | None = None
    members_count: int | None = None  #: In organizationMembership events only.
    missing_member_with_elevated_permissions: bool | None = None
    pending_invitations_count: int | None = None  #: In organizationMembership events only.
    max_allowed_memberships: int | None = None  #: No limit where it is 0.
    admin_delete_enabled: bool | None = None
    public_metadata: dict[str, Any]
    private_metadata: dict[str, Any] | None = None
    created_by: str | None = None
    created_at: int
    updated_at: int
    last_active_at: int | None = None
    role_set_key: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class OrganizationMembershipPublicUserData(Record):
    """What the other members of an organization may see of a member."""

    user_id: str
    first_name: str | None = None
    last_name: str | None = None
    profile_image_url: str | None = None  #: Deprecated, use ``image_url``.
    image_url: str
    has_image: bool | None = None
    identifier: str | None = None
    username: str | None = None
    banned: bool | None = None
    deprovisioned: bool | None = None


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class OrganizationMembership(Record):
    """A user's membership in an organization. Times are Unix milliseconds."""

    id: str
    object: str
    role: str  #: ``org:admin``; in old deliveries without ``org:``.
    role_name: str | None = None
    permissions: tuple[str, ...] = ()
    public_metadata: dict[str, Any] | None = None
    private_metadata: dict[str, Any] | None = None
    organization: Organization
    public_user_data: OrganizationMembershipPublicUserData | None = None
    created_at: int
    updated_at: int


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class OrganizationCreated(Event):
    """An organization was created."""

    data: Organization


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class OrganizationUpdated(Event):
    """An organization was changed."""

    data: Organization


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class OrganizationDeleted(Event):
    """An organization was deleted."""

    data: DeletedObject
