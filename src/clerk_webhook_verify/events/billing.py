"""Payment attempts, subscriptions and their items. Times are in Unix milliseconds, amounts in the smallest unit."""

from typing import Literal

from ._base import Event
from ._data import Record


class BillingPaymentFailedReason(Record):
    """Why a payment failed."""

    code: str
    decline_code: str


class BillingPayee(Record):
    """The recipient of a payment."""

    id: str
    gateway_type: str
    gateway_external_id: str
    gateway_status: str
    """active, pending, restricted or disconnected."""


class BillingPayerEventPayload(Record):
    """A user or an organization that pays. For a user, the organization's fields are ``""`` or missing."""

    object: str | None = None
    id: str
    """``cpayer_...``, not the user's or the organization's id."""
    instance_id: str | None = None
    """Undocumented, sent until 2025."""
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
    """The total price of the units of one kind."""

    name: str | None = None
    amount: int | None = None
    quantity: int | None = None
    total: int | None = None
    currency: str | None = None


class BillingTotals(Record):
    """The totals of a payment."""

    subtotal: BillingAmount
    tax_total: BillingAmount
    grand_total: BillingAmount
    per_unit_totals: tuple[BillingUnitTotal, ...] = ()


class BillingPaymentSource(Record):
    """The payment method of a payment."""

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
    """The price of each block of units in a range of blocks."""

    starts_at_block: int
    ends_after_block: int | None = None
    amount_per_block: int
    currency: str


class BillingSubscriptionItemEventPlanUnitPrice(Record):
    """The price of the units of one kind."""

    name: str
    block_size: int
    tiers: tuple[BillingSubscriptionItemEventPlanUnitPriceTier, ...]


class BillingPlan(Record):
    """A plan in either form: the small one of subscription items, or the large one of payments."""

    id: str
    instance_id: str | None = None
    """Undocumented."""
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


BillingSubscriptionItemEventPlan = BillingPlan  # the schema's name of the small form


class BillingSubscriptionCredit(Record):
    """A credit for the rest of a period."""

    amount: BillingAmount
    cycle_days_remaining: int
    cycle_days_total: int
    cycle_remaining_percent: float


class BillingSubscriptionPayerCredit(Record):
    """The part of the payer's credit that was applied."""

    applied_amount: BillingAmount
    remaining_balance: BillingAmount


class BillingSubscriptionCredits(Record):
    """All credits."""

    proration: BillingSubscriptionCredit | None = None
    payer: BillingSubscriptionPayerCredit | None = None
    total: BillingAmount


class BillingSeats(Record):
    """The number of seats bought."""

    quantity: int | None = None
    """None means no limit."""


class SubscriptionItem(Record):
    """One plan in a subscription, in either form: an event's data, or part of a payment attempt.

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
    """None for a free plan."""
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
    """Deprecated: use ``credits``."""
    credits: BillingSubscriptionCredits | None = None
    proration_date: str | None = None
    lifetime_paid: int | None = None
    next_payment_amount: int | None = None
    next_payment_date: int | None = None


class Subscription(Record):
    """A payer's subscription."""

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
    """An attempted payment."""

    object: str | None = None
    """``commerce_payment_attempt``, if sent."""
    id: str
    instance_id: str
    payment_id: str
    invoice_id: str | None = None
    """Deprecated and not always sent."""
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
    """A subscription item was created. Undocumented since August 2026, but still in Clerk's JavaScript types."""

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
    """The first payment for a subscription item was not made yet."""

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


#: Any of these events, for annotations, ``isinstance`` and ``match``.
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
