"""Organizations, their domains, invitations and memberships."""

from typing import Any, Literal

from ._base import DeletedObject, Event
from ._data import Record


class Organization(Record):
    """An organization. Times are Unix milliseconds."""

    object: str
    id: str
    name: str
    slug: str
    image_url: str | None = None
    logo_url: str | None = None
    """Deprecated and undocumented, but sent."""
    has_image: bool | None = None
    members_count: int | None = None
    """In organizationMembership events only."""
    missing_member_with_elevated_permissions: bool | None = None
    pending_invitations_count: int | None = None
    """In organizationMembership events only."""
    max_allowed_memberships: int | None = None
    """0 means no limit."""
    admin_delete_enabled: bool | None = None
    public_metadata: dict[str, Any]
    private_metadata: dict[str, Any] | None = None
    created_by: str | None = None
    created_at: int
    updated_at: int
    last_active_at: int | None = None
    role_set_key: str | None = None


class OrganizationMembershipPublicUserData(Record):
    """A member's data that other members may see."""

    user_id: str
    first_name: str | None = None
    last_name: str | None = None
    profile_image_url: str | None = None
    """Deprecated: use ``image_url``."""
    image_url: str
    has_image: bool | None = None
    identifier: str | None = None
    username: str | None = None
    banned: bool | None = None
    deprovisioned: bool | None = None


class OrganizationMembership(Record):
    """A user's membership in an organization. Times are Unix milliseconds."""

    id: str
    object: str
    role: str
    """``org:admin``; in old deliveries without ``org:``."""
    role_name: str | None = None
    permissions: tuple[str, ...] = ()
    public_metadata: dict[str, Any] | None = None
    private_metadata: dict[str, Any] | None = None
    organization: Organization
    public_user_data: OrganizationMembershipPublicUserData | None = None
    created_at: int
    updated_at: int


class OrganizationDomainVerification(Record):
    """The state of a domain's verification. Times are Unix milliseconds."""

    status: str
    """unverified, verified, failed or expired."""
    strategy: str
    attempts: int | None = None
    expire_at: int | None = None
    """In some deliveries ``expires_at`` instead."""
    expires_at: int | None = None
    verified_at: int | None = None


class OrganizationInvitationPublicOrganizationData(Record):
    """An organization's data that invited users may see."""

    id: str
    name: str
    slug: str
    image_url: str | None = None
    has_image: bool


class OrganizationDomain(Record):
    """A domain whose users can join an organization. Times are Unix milliseconds."""

    object: str
    id: str
    organization_id: str
    name: str
    enrollment_mode: str
    """manual_invitation, automatic_invitation, automatic_suggestion or enterprise_sso."""
    affiliation_email_address: str | None = None
    affiliation_verification: OrganizationDomainVerification | None = None
    ownership_verification: OrganizationDomainVerification | None = None
    verification: OrganizationDomainVerification | None = None
    """Deprecated: use the two above."""
    total_pending_invitations: int
    total_pending_suggestions: int
    public_organization_data: OrganizationInvitationPublicOrganizationData | None = None
    created_at: int
    updated_at: int


class OrganizationInvitationPublicUserData(Record):
    """An inviter's data that invited users may see."""

    user_id: str
    first_name: str | None = None
    last_name: str | None = None
    image_url: str
    has_image: bool
    identifier: str


class OrganizationInvitationAcceptedData(Record):
    """The organization of an invitation according to Clerk's schema. Deliveries may have it in the invitation."""

    public_organization_data: OrganizationInvitationPublicOrganizationData | None = None


class OrganizationInvitation(Record):
    """An invitation to an organization. Times are Unix milliseconds."""

    object: str
    id: str
    email_address: str
    role: str
    role_name: str | None = None
    organization_id: str | None = None
    inviter_id: str | None = None
    public_inviter_data: OrganizationInvitationPublicUserData | None = None
    public_organization_data: OrganizationInvitationPublicOrganizationData | None = None
    status: str | None = None
    """pending, accepted, revoked or expired."""
    public_metadata: dict[str, Any] | None = None
    private_metadata: dict[str, Any] | None = None
    url: str | None = None
    expires_at: int | None = None
    created_at: int
    updated_at: int
    data: OrganizationInvitationAcceptedData | None = None


class OrganizationInvitationAcceptedPayload(OrganizationInvitation):
    """An invitation to an organization that was accepted. Times are Unix milliseconds."""

    user_id: str | None = None
    """Who accepted it."""


class OrganizationCreated(Event):
    """An organization was created."""

    type: Literal["organization.created"]
    data: Organization


class OrganizationUpdated(Event):
    """An organization was changed."""

    type: Literal["organization.updated"]
    data: Organization


class OrganizationDeleted(Event):
    """An organization was deleted."""

    type: Literal["organization.deleted"]
    data: DeletedObject


class OrganizationDomainCreated(Event):
    """A domain of an organization was added."""

    type: Literal["organizationDomain.created"]
    data: OrganizationDomain


class OrganizationDomainUpdated(Event):
    """A domain of an organization was changed."""

    type: Literal["organizationDomain.updated"]
    data: OrganizationDomain


class OrganizationDomainDeleted(Event):
    """A domain of an organization was removed."""

    type: Literal["organizationDomain.deleted"]
    data: DeletedObject


class OrganizationInvitationCreated(Event):
    """An invitation to an organization was created."""

    type: Literal["organizationInvitation.created"]
    data: OrganizationInvitation


class OrganizationInvitationAccepted(Event):
    """An invitation to an organization was accepted."""

    type: Literal["organizationInvitation.accepted"]
    data: OrganizationInvitationAcceptedPayload


class OrganizationInvitationRevoked(Event):
    """An invitation to an organization was revoked."""

    type: Literal["organizationInvitation.revoked"]
    data: OrganizationInvitation


class OrganizationMembershipCreated(Event):
    """A user became a member of an organization."""

    type: Literal["organizationMembership.created"]
    data: OrganizationMembership


class OrganizationMembershipUpdated(Event):
    """A membership was changed, for example its role."""

    type: Literal["organizationMembership.updated"]
    data: OrganizationMembership


class OrganizationMembershipDeleted(Event):
    """A user is no longer a member. The data is the last state of the membership."""

    type: Literal["organizationMembership.deleted"]
    data: OrganizationMembership


#: Any of these events, for annotations, ``isinstance`` and ``match``.
OrganizationEvent = (
    OrganizationCreated
    | OrganizationUpdated
    | OrganizationDeleted
    | OrganizationDomainCreated
    | OrganizationDomainUpdated
    | OrganizationDomainDeleted
    | OrganizationInvitationCreated
    | OrganizationInvitationAccepted
    | OrganizationInvitationRevoked
    | OrganizationMembershipCreated
    | OrganizationMembershipUpdated
    | OrganizationMembershipDeleted
)

#: The types of these events.
OrganizationEventType = Literal[
    "organization.created",
    "organization.updated",
    "organization.deleted",
    "organizationDomain.created",
    "organizationDomain.updated",
    "organizationDomain.deleted",
    "organizationInvitation.created",
    "organizationInvitation.accepted",
    "organizationInvitation.revoked",
    "organizationMembership.created",
    "organizationMembership.updated",
    "organizationMembership.deleted",
]
