"""What Clerk says: a class for each event type, and classes for the data inside.

They are imported when first named or received, a family at a time.

Source: Clerk's webhook event catalogue, and the OpenAPI description of 2025-04-15.
"""

from __future__ import annotations

from .._payload import parse_payload
from .._record import create, set_attributes
from ._catalog import event_classes, load, names
from ._decoder import readers
from .envelope import (
    Event as Event,
    EventAttributes as EventAttributes,
    HttpRequest as HttpRequest,
    UnknownEvent as UnknownEvent,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._delivery import Delivery
    from ._billing import (
        BillingAmount as BillingAmount,
        BillingEvent as BillingEvent,
        BillingPayee as BillingPayee,
        BillingPayerEventPayload as BillingPayerEventPayload,
        BillingPaymentFailedReason as BillingPaymentFailedReason,
        BillingPaymentSource as BillingPaymentSource,
        BillingPlan as BillingPlan,
        BillingSeats as BillingSeats,
        BillingSubscriptionCredit as BillingSubscriptionCredit,
        BillingSubscriptionCredits as BillingSubscriptionCredits,
        BillingSubscriptionItemEventPlan as BillingSubscriptionItemEventPlan,
        BillingSubscriptionItemEventPlanUnitPrice as BillingSubscriptionItemEventPlanUnitPrice,
        BillingSubscriptionItemEventPlanUnitPriceTier as BillingSubscriptionItemEventPlanUnitPriceTier,
        BillingSubscriptionPayerCredit as BillingSubscriptionPayerCredit,
        BillingTotals as BillingTotals,
        BillingUnitTotal as BillingUnitTotal,
        PaymentAttempt as PaymentAttempt,
        PaymentAttemptCreated as PaymentAttemptCreated,
        PaymentAttemptUpdated as PaymentAttemptUpdated,
        Subscription as Subscription,
        SubscriptionActive as SubscriptionActive,
        SubscriptionCreated as SubscriptionCreated,
        SubscriptionItem as SubscriptionItem,
        SubscriptionItemAbandoned as SubscriptionItemAbandoned,
        SubscriptionItemActive as SubscriptionItemActive,
        SubscriptionItemCanceled as SubscriptionItemCanceled,
        SubscriptionItemCreated as SubscriptionItemCreated,
        SubscriptionItemEnded as SubscriptionItemEnded,
        SubscriptionItemFreeTrialEnding as SubscriptionItemFreeTrialEnding,
        SubscriptionItemIncomplete as SubscriptionItemIncomplete,
        SubscriptionItemPastDue as SubscriptionItemPastDue,
        SubscriptionItemUpcoming as SubscriptionItemUpcoming,
        SubscriptionItemUpdated as SubscriptionItemUpdated,
        SubscriptionPastDue as SubscriptionPastDue,
        SubscriptionUpdated as SubscriptionUpdated,
    )
    from ._deleted_object import (
        DeletedObject as DeletedObject,
    )
    from ._known import (
        EventType as EventType,
        KnownEvent as KnownEvent,
    )
    from ._message import (
        Email as Email,
        EmailCreated as EmailCreated,
        MessageEvent as MessageEvent,
        Sms as Sms,
        SmsCreated as SmsCreated,
    )
    from ._organization import (
        Organization as Organization,
        OrganizationCreated as OrganizationCreated,
        OrganizationDeleted as OrganizationDeleted,
        OrganizationDomain as OrganizationDomain,
        OrganizationDomainCreated as OrganizationDomainCreated,
        OrganizationDomainDeleted as OrganizationDomainDeleted,
        OrganizationDomainUpdated as OrganizationDomainUpdated,
        OrganizationDomainVerification as OrganizationDomainVerification,
        OrganizationEvent as OrganizationEvent,
        OrganizationInvitation as OrganizationInvitation,
        OrganizationInvitationAccepted as OrganizationInvitationAccepted,
        OrganizationInvitationAcceptedData as OrganizationInvitationAcceptedData,
        OrganizationInvitationAcceptedPayload as OrganizationInvitationAcceptedPayload,
        OrganizationInvitationCreated as OrganizationInvitationCreated,
        OrganizationInvitationPublicOrganizationData as OrganizationInvitationPublicOrganizationData,
        OrganizationInvitationPublicUserData as OrganizationInvitationPublicUserData,
        OrganizationInvitationRevoked as OrganizationInvitationRevoked,
        OrganizationMembership as OrganizationMembership,
        OrganizationMembershipCreated as OrganizationMembershipCreated,
        OrganizationMembershipDeleted as OrganizationMembershipDeleted,
        OrganizationMembershipPublicUserData as OrganizationMembershipPublicUserData,
        OrganizationMembershipUpdated as OrganizationMembershipUpdated,
        OrganizationUpdated as OrganizationUpdated,
    )
    from ._role import (
        Permission as Permission,
        PermissionCreated as PermissionCreated,
        PermissionDeleted as PermissionDeleted,
        PermissionUpdated as PermissionUpdated,
        Role as Role,
        RoleCreated as RoleCreated,
        RoleDeleted as RoleDeleted,
        RoleEvent as RoleEvent,
        RoleUpdated as RoleUpdated,
    )
    from ._session import (
        Session as Session,
        SessionActivityResponse as SessionActivityResponse,
        SessionCreated as SessionCreated,
        SessionEnded as SessionEnded,
        SessionEvent as SessionEvent,
        SessionPending as SessionPending,
        SessionRemoved as SessionRemoved,
        SessionRevoked as SessionRevoked,
    )
    from ._time import (
        as_datetime as as_datetime,
    )
    from ._user import (
        ClerkError as ClerkError,
        EmailAddress as EmailAddress,
        EnterpriseAccount as EnterpriseAccount,
        EnterpriseAccountConnection as EnterpriseAccountConnection,
        ExternalAccountWithVerification as ExternalAccountWithVerification,
        IdentificationLink as IdentificationLink,
        Passkey as Passkey,
        PhoneNumber as PhoneNumber,
        SAMLAccount as SAMLAccount,
        SAMLAccountConnection as SAMLAccountConnection,
        SCIMUserMetadata as SCIMUserMetadata,
        User as User,
        UserCreated as UserCreated,
        UserDeleted as UserDeleted,
        UserEvent as UserEvent,
        UserUpdated as UserUpdated,
        Verification as Verification,
        Web3Wallet as Web3Wallet,
    )
    from ._waitlist import (
        Invitation as Invitation,
        WaitlistEntry as WaitlistEntry,
        WaitlistEntryCreated as WaitlistEntryCreated,
        WaitlistEntryUpdated as WaitlistEntryUpdated,
        WaitlistEvent as WaitlistEvent,
    )
else:

    def __getattr__(name):
        return load(name)

    def __dir__():
        return sorted({*globals(), *names()})


def parse_event(delivery: Delivery) -> Event:
    """Read the event out of a verified delivery.

    Raises:
        InvalidPayloadError: The body is not a JSON object with a ``type`` and an object ``data``.
    """
    event_type, data, payload = parse_payload(delivery.body, delivery.message_id)
    event_class, data_name = event_classes(event_type)
    event = create(event_class)
    set_attributes(
        event,
        {
            "type": event_type,
            "data": readers[data_name](data) if data_name else data,
            "raw": payload,
            "delivery": delivery,
            "timestamp": payload.get("timestamp"),
            "instance_id": payload.get("instance_id"),
            "event_attributes": readers["EventAttributes"](payload.get("event_attributes")),
        },
    )
    return event
