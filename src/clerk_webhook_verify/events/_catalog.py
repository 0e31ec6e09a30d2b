"""Which module holds which class: one row an event type, one a module. Nothing is imported before it is met."""

from __future__ import annotations

from importlib import import_module

from .envelope import UnknownEvent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .envelope import Event

#: Event type -> the module of its family, the class of the event.
EVENTS = {
    "user.created": ("_user", "UserCreated"),
    "user.updated": ("_user", "UserUpdated"),
    "user.deleted": ("_user", "UserDeleted"),
    "session.created": ("_session", "SessionCreated"),
    "session.ended": ("_session", "SessionEnded"),
    "session.pending": ("_session", "SessionPending"),
    "session.removed": ("_session", "SessionRemoved"),
    "session.revoked": ("_session", "SessionRevoked"),
    "organization.created": ("_organization", "OrganizationCreated"),
    "organization.updated": ("_organization", "OrganizationUpdated"),
    "organization.deleted": ("_organization", "OrganizationDeleted"),
    "organizationDomain.created": ("_organization", "OrganizationDomainCreated"),
    "organizationDomain.updated": ("_organization", "OrganizationDomainUpdated"),
    "organizationDomain.deleted": ("_organization", "OrganizationDomainDeleted"),
    "organizationInvitation.created": ("_organization", "OrganizationInvitationCreated"),
    "organizationInvitation.accepted": ("_organization", "OrganizationInvitationAccepted"),
    "organizationInvitation.revoked": ("_organization", "OrganizationInvitationRevoked"),
    "organizationMembership.created": ("_organization", "OrganizationMembershipCreated"),
    "organizationMembership.updated": ("_organization", "OrganizationMembershipUpdated"),
    "organizationMembership.deleted": ("_organization", "OrganizationMembershipDeleted"),
    "role.created": ("_role", "RoleCreated"),
    "role.updated": ("_role", "RoleUpdated"),
    "role.deleted": ("_role", "RoleDeleted"),
    "permission.created": ("_role", "PermissionCreated"),
    "permission.updated": ("_role", "PermissionUpdated"),
    "permission.deleted": ("_role", "PermissionDeleted"),
    "email.created": ("_message", "EmailCreated"),
    "sms.created": ("_message", "SmsCreated"),
    "paymentAttempt.created": ("_billing", "PaymentAttemptCreated"),
    "paymentAttempt.updated": ("_billing", "PaymentAttemptUpdated"),
    "subscription.created": ("_billing", "SubscriptionCreated"),
    "subscription.updated": ("_billing", "SubscriptionUpdated"),
    "subscription.active": ("_billing", "SubscriptionActive"),
    "subscription.pastDue": ("_billing", "SubscriptionPastDue"),
    "subscriptionItem.abandoned": ("_billing", "SubscriptionItemAbandoned"),
    "subscriptionItem.active": ("_billing", "SubscriptionItemActive"),
    "subscriptionItem.canceled": ("_billing", "SubscriptionItemCanceled"),
    "subscriptionItem.created": ("_billing", "SubscriptionItemCreated"),
    "subscriptionItem.ended": ("_billing", "SubscriptionItemEnded"),
    "subscriptionItem.freeTrialEnding": ("_billing", "SubscriptionItemFreeTrialEnding"),
    "subscriptionItem.incomplete": ("_billing", "SubscriptionItemIncomplete"),
    "subscriptionItem.pastDue": ("_billing", "SubscriptionItemPastDue"),
    "subscriptionItem.upcoming": ("_billing", "SubscriptionItemUpcoming"),
    "subscriptionItem.updated": ("_billing", "SubscriptionItemUpdated"),
    "waitlistEntry.created": ("_waitlist", "WaitlistEntryCreated"),
    "waitlistEntry.updated": ("_waitlist", "WaitlistEntryUpdated"),
}

#: Module -> what else it has to offer: the classes of data, the union of its events, and the rest.
NAMES = {
    "envelope": (
        "Event",
        "EventAttributes",
        "HttpRequest",
        "UnknownEvent",
    ),
    "_deleted_object": ("DeletedObject",),
    "_user": (
        "ClerkError",
        "Verification",
        "IdentificationLink",
        "EmailAddress",
        "PhoneNumber",
        "Web3Wallet",
        "Passkey",
        "ExternalAccountWithVerification",
        "SAMLAccountConnection",
        "SAMLAccount",
        "EnterpriseAccountConnection",
        "EnterpriseAccount",
        "SCIMUserMetadata",
        "User",
        "UserEvent",
    ),
    "_session": (
        "SessionActivityResponse",
        "Session",
        "SessionEvent",
    ),
    "_organization": (
        "Organization",
        "OrganizationMembershipPublicUserData",
        "OrganizationMembership",
        "OrganizationDomainVerification",
        "OrganizationInvitationPublicOrganizationData",
        "OrganizationDomain",
        "OrganizationInvitationPublicUserData",
        "OrganizationInvitation",
        "OrganizationInvitationAcceptedData",
        "OrganizationInvitationAcceptedPayload",
        "OrganizationEvent",
    ),
    "_role": (
        "Permission",
        "Role",
        "RoleEvent",
    ),
    "_message": (
        "Email",
        "Sms",
        "MessageEvent",
    ),
    "_billing": (
        "BillingPaymentFailedReason",
        "BillingPayee",
        "BillingPayerEventPayload",
        "BillingAmount",
        "BillingUnitTotal",
        "BillingTotals",
        "BillingPaymentSource",
        "BillingSubscriptionItemEventPlanUnitPriceTier",
        "BillingSubscriptionItemEventPlanUnitPrice",
        "BillingPlan",
        "BillingSubscriptionCredit",
        "BillingSubscriptionPayerCredit",
        "BillingSubscriptionCredits",
        "BillingSeats",
        "SubscriptionItem",
        "Subscription",
        "PaymentAttempt",
        "BillingSubscriptionItemEventPlan",
        "BillingEvent",
    ),
    "_waitlist": (
        "Invitation",
        "WaitlistEntry",
        "WaitlistEvent",
    ),
    "_known": (
        "EventType",
        "KnownEvent",
    ),
    "_time": ("as_datetime",),
}

_MODULES = {name: module for module, name in EVENTS.values()} | {
    name: module for module, names in NAMES.items() for name in names
}
_loaded: dict[str, Any] = {}


def load(name: str) -> Any:
    """What is called *name*; its module is imported when it is the first of it.

    Raises:
        AttributeError: There is none.
    """
    loaded = _loaded.get(name)
    if loaded is None:
        if name not in _MODULES:
            raise AttributeError(f"there is no event, class of data or union {name!r}")
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
