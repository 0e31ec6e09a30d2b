"""Billing: payment attempts, subscriptions and their items. Times are Unix milliseconds, amounts the smallest unit."""

from typing import Literal

from ._base import Event
from ._data import Record


class BillingPaymentFailedReason(Record):
    """Why a payment failed."""

    code: str
    decline_code: str


class BillingPayee(Record):
    """Who is paid."""

    id: str
    gateway_type: str
    gateway_external_id: str
    gateway_status: str
    """active, pending, restricted or disconnected."""


class BillingPayerEventPayload(Record):
    """Who pays: a user or an organization. Of a user the organization's fields are ``""`` or absent."""

    object: str | None = None
    id: str
    """``cpayer_...``, never the user's or the organization's."""
    instance_id: str | None = None
    """In no schema, sent until 2025."""
    user_id: str
    first_name: str
    last_name: str
    email: str
    organization_id: str | None = None
    organization_name: str | None = None
    image_url: str
    created_at: int | None = None
    updated_at: int | None = None


class BillingAmount(Record):
    """An amount of money."""

    amount: int
    amount_formatted: str
    currency: str
    currency_symbol: str


class BillingUnitTotal(Record):
    """What the units of one kind cost together."""

    name: str | None = None
    amount: int | None = None
    quantity: int | None = None
    total: int | None = None
    currency: str | None = None


class BillingTotals(Record):
    """What a payment comes to."""

    subtotal: BillingAmount
    tax_total: BillingAmount
    grand_total: BillingAmount
    per_unit_totals: tuple[BillingUnitTotal, ...] = ()


class BillingPaymentSource(Record):
    """What a payment is taken from."""

    id: str
    gateway: str
    gateway_external_id: str
    gateway_external_account_id: str | None = None
    payment_method: str
    """card or link."""
    status: str
    """active or disconnected."""
    card_type: str | None = None
    last4: str | None = None


class BillingSubscriptionItemEventPlanUnitPriceTier(Record):
    """What a block of units costs, from one block to another."""

    starts_at_block: int
    ends_after_block: int | None = None
    amount_per_block: int
    currency: str


class BillingSubscriptionItemEventPlanUnitPrice(Record):
    """What the units of one kind cost."""

    name: str
    block_size: int
    tiers: tuple[BillingSubscriptionItemEventPlanUnitPriceTier, ...]


class BillingPlan(Record):
    """A plan, in both shapes that deliveries have: the small one of subscription items, the large one of payments."""

    id: str
    instance_id: str | None = None
    """In no schema, as the next eight."""
    product_id: str | None = None
    slug: str
    name: str
    description: str | None = None
    is_default: bool | None = None
    is_recurring: bool
    amount: int
    period: str | None = None
    interval: int | None = None
    currency: str
    has_base_fee: bool | None = None
    annual_monthly_amount: int | None = None
    publicly_visible: bool | None = None
    is_prorated: bool | None = None
    unit_prices: tuple[BillingSubscriptionItemEventPlanUnitPrice, ...] = ()


BillingSubscriptionItemEventPlan = BillingPlan  # the schema's name of the small shape


class BillingSubscriptionCredit(Record):
    """What is credited for the rest of a period."""

    amount: BillingAmount
    cycle_days_remaining: int
    cycle_days_total: int
    cycle_remaining_percent: float


class BillingSubscriptionPayerCredit(Record):
    """What is taken from the payer's credit."""

    applied_amount: BillingAmount
    remaining_balance: BillingAmount


class BillingSubscriptionCredits(Record):
    """All that is credited."""

    proration: BillingSubscriptionCredit | None = None
    payer: BillingSubscriptionPayerCredit | None = None
    total: BillingAmount


class BillingSeats(Record):
    """How many seats were bought."""

    quantity: int | None = None
    """None: no limit."""


class SubscriptionItem(Record):
    """One plan in a subscription, in both shapes that deliveries have: as an event's own data and in a payment attempt.

    Only the id is in both.
    """

    object: str | None = None
    """``commerce_subscription_item`` or ``subscription_item``."""
    id: str
    status: str | None = None
    """abandoned, active, canceled, ended, expired, incomplete, past_due or upcoming."""
    is_free_trial: bool | None = None
    created_at: int | None = None
    updated_at: int | None = None
    period_start: int | None = None
    period_end: int | None = None
    """None: a free plan."""
    canceled_at: int | None = None
    past_due_at: int | None = None
    interval: str | None = None
    """month or annual."""
    plan_period: str | None = None
    plan_id: str | None = None
    plan: BillingPlan | None = None
    payer: BillingPayerEventPayload | None = None
    subscription_id: str | None = None
    seats: BillingSeats | None = None
    amount: BillingAmount | None = None
    credit: BillingSubscriptionCredit | None = None
    """Deprecated, use ``credits``."""
    credits: BillingSubscriptionCredits | None = None
    proration_date: str | None = None
    lifetime_paid: int | None = None
    next_payment_amount: int | None = None
    next_payment_date: int | None = None


class Subscription(Record):
    """What a payer has subscribed to."""

    object: str
    id: str
    status: str
    """ended, canceled, abandoned, past_due, active or incomplete."""
    active_at: int | None = None
    canceled_at: int | None = None
    created_at: int
    ended_at: int | None = None
    past_due_at: int | None = None
    updated_at: int
    latest_payment_id: str | None = None
    payer_id: str
    payer: BillingPayerEventPayload
    payment_source_id: str | None = None
    items: tuple[SubscriptionItem, ...]


class PaymentAttempt(Record):
    """One attempt to be paid."""

    object: str | None = None
    """``commerce_payment_attempt``, where it is sent."""
    id: str
    instance_id: str
    payment_id: str
    invoice_id: str | None = None
    """Deprecated, and not always sent."""
    statement_id: str
    gateway_external_id: str
    status: str
    """pending, paid or failed."""
    created_at: int
    updated_at: int
    paid_at: int | None = None
    failed_at: int | None = None
    failed_reason: BillingPaymentFailedReason | None = None
    billing_date: int
    charge_type: str
    """checkout or recurring."""
    payee: BillingPayee
    payer: BillingPayerEventPayload
    totals: BillingTotals
    payment_source: BillingPaymentSource
    subscription_items: tuple[SubscriptionItem, ...]


class PaymentAttemptCreated(Event):
    """A payment was attempted."""

    type: Literal["paymentAttempt.created"]
    data: PaymentAttempt


class PaymentAttemptUpdated(Event):
    """A payment attempt was paid or failed."""

    type: Literal["paymentAttempt.updated"]
    data: PaymentAttempt


class SubscriptionCreated(Event):
    """A subscription was created."""

    type: Literal["subscription.created"]
    data: Subscription


class SubscriptionUpdated(Event):
    """A subscription was changed."""

    type: Literal["subscription.updated"]
    data: Subscription


class SubscriptionActive(Event):
    """A subscription became active."""

    type: Literal["subscription.active"]
    data: Subscription


class SubscriptionPastDue(Event):
    """A payment for a subscription is due and was not made."""

    type: Literal["subscription.pastDue"]
    data: Subscription


class SubscriptionItemAbandoned(Event):
    """A subscription item was abandoned at checkout."""

    type: Literal["subscriptionItem.abandoned"]
    data: SubscriptionItem


class SubscriptionItemActive(Event):
    """A subscription item became active."""

    type: Literal["subscriptionItem.active"]
    data: SubscriptionItem


class SubscriptionItemCanceled(Event):
    """A subscription item was canceled and runs until the end of its period."""

    type: Literal["subscriptionItem.canceled"]
    data: SubscriptionItem


class SubscriptionItemCreated(Event):
    """A subscription item was created.

    Clerk has not documented it since August 2026, but its JavaScript types still have it.
    """

    type: Literal["subscriptionItem.created"]
    data: SubscriptionItem


class SubscriptionItemEnded(Event):
    """A subscription item ended."""

    type: Literal["subscriptionItem.ended"]
    data: SubscriptionItem


class SubscriptionItemFreeTrialEnding(Event):
    """The free trial of a subscription item ends soon."""

    type: Literal["subscriptionItem.freeTrialEnding"]
    data: SubscriptionItem


class SubscriptionItemIncomplete(Event):
    """The first payment for a subscription item is not made yet."""

    type: Literal["subscriptionItem.incomplete"]
    data: SubscriptionItem


class SubscriptionItemPastDue(Event):
    """A payment for a subscription item is due and was not made."""

    type: Literal["subscriptionItem.pastDue"]
    data: SubscriptionItem


class SubscriptionItemUpcoming(Event):
    """A subscription item will become active when the current period ends."""

    type: Literal["subscriptionItem.upcoming"]
    data: SubscriptionItem


class SubscriptionItemUpdated(Event):
    """A subscription item was changed."""

    type: Literal["subscriptionItem.updated"]
    data: SubscriptionItem


#: Any event of this family, for annotations, ``isinstance`` and ``match``.
BillingEvent = (
    PaymentAttemptCreated
    | PaymentAttemptUpdated
    | SubscriptionCreated
    | SubscriptionUpdated
    | SubscriptionActive
    | SubscriptionPastDue
    | SubscriptionItemAbandoned
    | SubscriptionItemActive
    | SubscriptionItemCanceled
    | SubscriptionItemCreated
    | SubscriptionItemEnded
    | SubscriptionItemFreeTrialEnding
    | SubscriptionItemIncomplete
    | SubscriptionItemPastDue
    | SubscriptionItemUpcoming
    | SubscriptionItemUpdated
)

#: The types of these events.
BillingEventType = Literal[
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
]
