"""Users."""

from typing import Any, Literal, TypeVar

from ._base import DeletedObject, Event
from ._data import Record
from .organization import OrganizationMembership

_T = TypeVar("_T", "EmailAddress", "PhoneNumber")


class ClerkError(Record):
    """Why a verification failed."""

    message: str
    long_message: str
    code: str
    meta: dict[str, Any] | None = None


class Verification(Record):
    """The state of an identification's verification. Times are Unix milliseconds.

    Deliveries do not name the schema, so this class has the fields of all strategies.
    """

    object: str | None = None
    """``verification_otp`` and others; missing before autumn 2025."""
    status: str
    """unverified, verified, failed, expired or transferable."""
    strategy: str
    """``email_code``, ``from_oauth_google``, ``ticket``, ``admin`` and others."""
    attempts: int | None = None
    expire_at: int | None = None
    verified_at_client: str | None = None
    channel: str | None = None
    """How a one-time code was sent."""
    error: ClerkError | None = None
    """OAuth and SAML."""
    external_verification_redirect_url: str | None = None
    """OAuth and SAML."""
    nonce: str | None = None
    """Web3 and passkeys."""
    message: str | None = None
    """Web3 and passkeys."""


class IdentificationLink(Record):
    """Another identification that confirms this one."""

    type: str
    id: str


class EmailAddress(Record):
    """An email address of a user. Times are Unix milliseconds."""

    id: str | None = None
    object: str
    email_address: str
    reserved: bool | None = None
    verification: Verification | None = None
    linked_to: tuple[IdentificationLink, ...]
    matches_sso_connection: bool | None = None
    created_at: int | None = None
    updated_at: int | None = None


class PhoneNumber(Record):
    """A phone number of a user. Times are Unix milliseconds."""

    id: str | None = None
    object: str
    phone_number: str
    reserved_for_second_factor: bool | None = None
    default_second_factor: bool | None = None
    reserved: bool
    verification: Verification | None = None
    linked_to: tuple[IdentificationLink, ...]
    backup_codes: tuple[str, ...] = ()
    created_at: int
    updated_at: int


class Web3Wallet(Record):
    """A wallet of a user. Times are Unix milliseconds."""

    id: str | None = None
    object: str
    web3_wallet: str
    verification: Verification | None = None
    created_at: int
    updated_at: int


class Passkey(Record):
    """A passkey of a user. Times are Unix milliseconds."""

    id: str | None = None
    object: str
    name: str
    last_used_at: int
    verification: Verification | None = None


class ExternalAccountWithVerification(Record):
    """An account at an OAuth provider. Times are Unix milliseconds.

    Deliveries before 2025 contain only the provider's field names, later ones also those of the schema.
    """

    object: str
    """``external_account``, ``google_account`` or ``facebook_account``."""
    id: str
    external_account_id: str | None = None
    provider: str | None = None
    identification_id: str | None = None
    provider_user_id: str | None = None
    google_id: str | None = None
    approved_scopes: str
    email_address: str
    email_address_verified: bool | None = None
    first_name: str | None = None
    last_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    avatar_url: str | None = None
    """Deprecated: use ``image_url``."""
    image_url: str | None = None
    picture: str | None = None
    username: str | None = None
    phone_number: str | None = None
    public_metadata: dict[str, Any]
    label: str | None = None
    created_at: int | None = None
    updated_at: int | None = None
    verification: Verification | None = None


class SAMLAccountConnection(Record):
    """The SAML connection of an account. Times are Unix milliseconds."""

    id: str
    name: str
    domain: str | None = None
    """Deprecated: use ``domains``."""
    domains: tuple[str, ...] = ()
    active: bool
    provider: str
    sync_user_attributes: bool
    allow_subdomains: bool | None = None
    allow_idp_initiated: bool | None = None
    disable_additional_identifications: bool | None = None
    created_at: int
    updated_at: int


class SAMLAccount(Record):
    """An account at a SAML identity provider. Times are Unix milliseconds."""

    id: str
    object: str
    provider: str
    active: bool
    email_address: str
    first_name: str | None = None
    last_name: str | None = None
    provider_user_id: str | None = None
    last_authenticated_at: int | None = None
    public_metadata: dict[str, Any] | None = None
    verification: Verification | None = None
    saml_connection: SAMLAccountConnection | None = None


class EnterpriseAccountConnection(Record):
    """The enterprise connection of an account. Times are Unix milliseconds."""

    id: str
    protocol: str
    provider: str
    name: str
    logo_public_url: str | None = None
    domain: str | None = None
    """Deprecated: use ``domains``."""
    domains: tuple[str, ...] = ()
    active: bool
    sync_user_attributes: bool
    allow_subdomains: bool
    allow_idp_initiated: bool
    disable_additional_identifications: bool
    created_at: int
    updated_at: int


class EnterpriseAccount(Record):
    """An account at an enterprise identity provider. Times are Unix milliseconds."""

    id: str
    object: str
    protocol: str | None = None
    """oauth or saml."""
    provider: str
    active: bool
    email_address: str
    first_name: str | None = None
    last_name: str | None = None
    provider_user_id: str | None = None
    enterprise_connection_id: str | None = None
    public_metadata: dict[str, Any] | None = None
    verification: Verification | None = None
    enterprise_connection: EnterpriseAccountConnection | None = None
    last_authenticated_at: int | None = None


class SCIMUserMetadata(Record):
    """The directory that provisions a user."""

    directory_id: str
    directory_enabled: bool | None = None
    external_id: str | None = None


class User(Record):
    """A user. Times are Unix milliseconds."""

    id: str
    object: str
    external_id: str | None = None
    primary_email_address_id: str | None = None
    primary_phone_number_id: str | None = None
    primary_web3_wallet_id: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    locale: str | None = None
    timezone: str | None = None
    """Since October 2026."""
    birthday: str | None = None
    """Undocumented, sent until 2023, always ``""``."""
    gender: str | None = None
    """Undocumented, sent until 2023, always ``""``."""
    profile_image_url: str | None = None
    """Deprecated: use ``image_url``."""
    image_url: str | None = None
    has_image: bool | None = None
    public_metadata: dict[str, Any]
    private_metadata: dict[str, Any] | None = None
    unsafe_metadata: dict[str, Any] | None = None
    email_addresses: tuple[EmailAddress, ...]
    phone_numbers: tuple[PhoneNumber, ...]
    web3_wallets: tuple[Web3Wallet, ...]
    passkeys: tuple[Passkey, ...] = ()
    password_enabled: bool
    requires_password_reset: bool | None = None
    """Undocumented, sent since 2026."""
    two_factor_enabled: bool
    totp_enabled: bool | None = None
    backup_code_enabled: bool | None = None
    mfa_enabled_at: int | None = None
    mfa_disabled_at: int | None = None
    password_last_updated_at: int | None = None
    external_accounts: tuple[ExternalAccountWithVerification, ...]
    saml_accounts: tuple[SAMLAccount, ...] = ()
    enterprise_accounts: tuple[EnterpriseAccount, ...] = ()
    organization_memberships: tuple[OrganizationMembership, ...] = ()
    last_sign_in_at: int | None = None
    banned: bool | None = None
    locked: bool | None = None
    deprovisioned: bool | None = None
    lockout_expires_in_seconds: int | None = None
    verification_attempts_remaining: int | None = None
    updated_at: int
    created_at: int
    delete_self_enabled: bool | None = None
    create_organization_enabled: bool | None = None
    create_organizations_limit: int | None = None
    last_active_at: int | None = None
    legal_accepted_at: int | None = None
    bypass_client_trust: bool | None = None
    scim: SCIMUserMetadata | None = None

    @property
    def primary_email_address(self) -> EmailAddress | None:
        """The email address whose id is ``primary_email_address_id``, or None."""
        return _find_by_id(self.primary_email_address_id, self.email_addresses, EmailAddress)

    @property
    def primary_phone_number(self) -> PhoneNumber | None:
        """The phone number whose id is ``primary_phone_number_id``, or None."""
        return _find_by_id(self.primary_phone_number_id, self.phone_numbers, PhoneNumber)

    @property
    def full_name(self) -> str | None:
        """First and last name separated by a space, or the one that is set, or None."""
        names = [name for name in (self.first_name, self.last_name) if name and isinstance(name, str)]
        return " ".join(names) or None


def _find_by_id(identity: str | None, items: tuple[_T, ...], cls: type[_T]) -> _T | None:
    """Return the item with that id. Items of an undeclared form are skipped."""
    if identity is None or not isinstance(items, tuple):
        return None
    return next((item for item in items if isinstance(item, cls) and item.id == identity), None)


class UserCreated(Event):
    """A user signed up or was created by the application."""

    type: Literal["user.created"]
    data: User


class UserUpdated(Event):
    """A user was changed."""

    type: Literal["user.updated"]
    data: User


class UserDeleted(Event):
    """A user was deleted."""

    type: Literal["user.deleted"]
    data: DeletedObject


#: Any of these events, for annotations, ``isinstance`` and ``match``.
UserEvent = UserCreated | UserUpdated | UserDeleted

#: The types of these events.
UserEventType = Literal[
    "user.created",
    "user.updated",
    "user.deleted",
]
