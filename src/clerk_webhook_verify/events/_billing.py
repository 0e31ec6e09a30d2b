"""Billing: payment attempts, subscriptions and their items. Times are Unix milliseconds, amounts the smallest unit."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record
from .envelope import Event, event_class


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingPaymentFailedReason(Record):
    """Why a payment failed."""

    code: str
    decline_code: str


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingPayee(Record):
    """Who is paid."""

    id: str
    gateway_type: str
    gateway_external_id: str
    gateway_status: str  #: active, pending, restricted or disconnected.


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingPayerEventPayload(Record):
    """Who pays: a user or an organization. Of a user the organization's fields are ``""`` or absent."""

    object: str | None = None
    id: str  #: ``cpayer_...``, never the user's or the organization's.
    instance_id: str | None = None  #: In no schema, sent until 2025.
    user_id: str
    first_name: str
    last_name: str
    email: str
    organization_id: str | None = None
    organization_name: str | None = None
    image_url: str
    created_at: int | None = None
    updated_at: int | None = None


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingAmount(Record):
    """An amount of money."""

    amount: int
    amount_formatted: str
    currency: str
    currency_symbol: str


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingUnitTotal(Record):
    """What the units of one kind cost together."""

    name: str | None = None
    amount: int | None = None
    quantity: int | None = None
    total: int | None = None
    currency: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingTotals(Record):
    """What a payment comes to."""

    subtotal: BillingAmount
    tax_total: BillingAmount
    grand_total: BillingAmount
    per_unit_totals: tuple[BillingUnitTotal, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingPaymentSource(Record):
    """What a payment is taken from."""

    id: str
    gateway: str
    gateway_external_id: str
    gateway_external_account_id: str | None = None
    payment_method: str  #: card or link.
    status: str  #: active or disconnected.
    card_type: str | None = None
    last4: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingSubscriptionItemEventPlanUnitPriceTier(Record):
    """What a block of units costs, from one block to another."""

    starts_at_block: int
    ends_after_block: int | None = None
    amount_per_block: int
    currency: str


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingSubscriptionItemEventPlanUnitPrice(Record):
    """What the units of one kind cost."""

    name: str
    block_size: int
    tiers: tuple[BillingSubscriptionItemEventPlanUnitPriceTier, ...]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingPlan(Record):
    """A plan, in both shapes that deliveries have: the small one of subscription items, the large one of payments."""

    id: str
    instance_id: str | None = None  #: In no schema, as the next eight.
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


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingSubscriptionCredit(Record):
    """What is credited for the rest of a period."""

    amount: BillingAmount
    cycle_days_remaining: int
    cycle_days_total: int
    cycle_remaining_percent: float


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingSubscriptionPayerCredit(Record):
    """What is taken from the payer's credit."""

    applied_amount: BillingAmount
    remaining_balance: BillingAmount


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingSubscriptionCredits(Record):
    """All that is credited."""

    proration: BillingSubscriptionCredit | None = None
    payer: BillingSubscriptionPayerCredit | None = None
    total: BillingAmount


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BillingSeats(Record):
    """How many seats were bought."""

    quantity: int | None = None  #: None: no limit.


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItem(Record):
    """One plan in a subscription, in both shapes that deliveries have: as an event's own data and in a payment attempt.

    Only the id is in both.
    """

    object: str | None = None  #: ``commerce_subscription_item`` or ``subscription_item``.
    id: str
    status: str | None = None  #: abandoned, active, canceled, ended, expired, incomplete, past_due or upcoming.
    is_free_trial: bool | None = None
    created_at: int | None = None
    updated_at: int | None = None
    period_start: int | None = None
    period_end: int | None = None  #: None: a free plan.
    canceled_at: int | None = None
    past_due_at: int | None = None
    interval: str | None = None  #: month or annual.
    plan_period: str | None = None
    plan_id: str | None = None
    plan: BillingPlan | None = None
    payer: BillingPayerEventPayload | None = None
    subscription_id: str | None = None
    seats: BillingSeats | None = None
    amount: BillingAmount | None = None
    credit: BillingSubscriptionCredit | None = None  #: Deprecated, use ``credits``.
    credits: BillingSubscriptionCredits | None = None
    proration_date: str | None = None
    lifetime_paid: int | None = None
    next_payment_amount: int | None = None
    next_payment_date: int | None = None


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Subscription(Record):
    """What a payer has subscribed to."""

    object: str
    id: str
    status: str  #: ended, canceled, abandoned, past_due, active or incomplete.
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


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class PaymentAttempt(Record):
    """One attempt to be paid."""

    object: str | None = None  #: ``commerce_payment_attempt``, where it is sent.
    id: str
    instance_id: str
    payment_id: str
    invoice_id: str | None = None  #: Deprecated, and not always sent.
    statement_id: str
    gateway_external_id: str
    status: str  #: pending, paid or failed.
    created_at: int
    updated_at: int
    paid_at: int | None = None
    failed_at: int | None = None
    failed_reason: BillingPaymentFailedReason | None = None
    billing_date: int
    charge_type: str  #: checkout or recurring.
    payee: BillingPayee
    payer: BillingPayerEventPayload
    totals: BillingTotals
    payment_source: BillingPaymentSource
    subscription_items: tuple[SubscriptionItem, ...]


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class PaymentAttemptCreated(Event):
    """A payment was attempted."""

    data: PaymentAttempt


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class PaymentAttemptUpdated(Event):
    """A payment attempt was paid or failed."""

    data: PaymentAttempt


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionCreated(Event):
    """A subscription was created."""

    data: Subscription


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionUpdated(Event):
    """A subscription was changed."""

    data: Subscription


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionActive(Event):
    """A subscription became active."""

    data: Subscription


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionPastDue(Event):
    """A payment for a subscription is due and was not made."""

    data: Subscription


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItemAbandoned(Event):
    """A subscription item was abandoned at checkout."""

    data: SubscriptionItem


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItemActive(Event):
    """A subscription item became active."""

    data: SubscriptionItem


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItemCanceled(Event):
    """A subscription item was canceled and runs until the end of its period."""

    data: SubscriptionItem


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItemCreated(Event):
    """A subscription item was created."""

    data: SubscriptionItem


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItemEnded(Event):
    """A subscription item ended."""

    data: SubscriptionItem


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItemFreeTrialEnding(Event):
    """The free trial of a subscription item ends soon."""

    data: SubscriptionItem


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItemIncomplete(Event):
    """The first payment for a subscription item is not made yet."""

    data: SubscriptionItem


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItemPastDue(Event):
    """A payment for a subscription item is due and was not made."""

    data: SubscriptionItem


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItemUpcoming(Event):
    """A subscription item will become active when the current period ends."""

    data: SubscriptionItem


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SubscriptionItemUpdated(Event):
    """A subscription item was changed."""

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
