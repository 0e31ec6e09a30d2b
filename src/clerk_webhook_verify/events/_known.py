"""All of it at once: every event type by name, and every event class in one union."""

from __future__ import annotations

from typing import Literal

from ._billing import BillingEvent
from ._message import MessageEvent
from ._organization import OrganizationEvent
from ._role import RoleEvent
from ._session import SessionEvent
from ._user import UserEvent
from ._waitlist import WaitlistEvent

#: Any of the types that this version knows.
EventType = Literal[
    "user.created",
    "user.updated",
    "user.deleted",
    "session.created",
    "session.ended",
    "session.pending",
    "session.removed",
    "session.revoked",
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
    "role.created",
    "role.updated",
    "role.deleted",
    "permission.created",
    "permission.updated",
    "permission.deleted",
    "email.created",
    "sms.created",
    "paymentAttempt.created",
    "paymentAttempt.updated",
    "subscription.created",
    "subscription.updated",
    "subscription.active",
    "subscription.pastDue",
    "subscriptionItem.abandoned",
    "subscriptionItem.active",
    "subscriptionItem.canceled",
    "subscriptionItem.created",
    "subscriptionItem.ended",
    "subscriptionItem.freeTrialEnding",
    "subscriptionItem.incomplete",
    "subscriptionItem.pastDue",
    "subscriptionItem.upcoming",
    "subscriptionItem.updated",
    "waitlistEntry.created",
    "waitlistEntry.updated",
]

#: Any of the events that this version knows: all but UnknownEvent.
KnownEvent = UserEvent | SessionEvent | OrganizationEvent | RoleEvent | MessageEvent | BillingEvent | WaitlistEvent
