"""What type checkers report about events. Both must reject each line that ends in ``# wrong``."""

from dataclasses import field
from datetime import datetime
from typing import Any, Literal

from typing_extensions import assert_never, assert_type

from clerk_webhook_verify import AnyEvent, Delivery, Event, UnknownEvent, Webhook, verify
from clerk_webhook_verify.events import (
    BillingPlan,
    DeletedObject,
    EmailAddress,
    EventType,
    KnownEvent,
    OrganizationMembershipCreated,
    PaymentAttemptUpdated,
    Record,
    Session,
    SessionCreated,
    User,
    UserCreated,
    UserDeleted,
    UserEvent,
    UserUpdated,
    as_datetime,
)


def narrowed_by_match(event: Event) -> str | None:
    match event:
        case UserCreated() | UserUpdated():
            assert_type(event.data, User)
            assert_type(event.data.email_addresses[0], EmailAddress)
            return event.data.email_addresses[0].email_address
        case UserDeleted():
            assert_type(event.data, DeletedObject)
            return event.data.id
        case SessionCreated(data=session):
            assert_type(session, Session)
            assert_type(session.user, User | None)
            return session.user.id  # wrong
        case UnknownEvent():
            assert_type(event.data, dict[str, Any])
            return event.type
        case _:
            assert_type(event.data, object)
            return event.data.id  # wrong


def narrowed_to_nothing(event: UserCreated | UserDeleted) -> None:
    match event:
        case UserCreated():
            pass
        case UserDeleted():
            pass
        case _:
            assert_never(event)


def narrowed_too_early(event: UserCreated | UserDeleted) -> None:
    match event:
        case UserCreated():
            pass
        case _:
            assert_never(event)  # wrong


def narrowed_by_isinstance(event: Event) -> None:
    if isinstance(event, UserCreated):
        assert_type(event.data.first_name, str | None)
        assert_type(event.data.created_at, int)
        assert_type(event.data.public_metadata, dict[str, Any])
        print(event.data.frist_name)  # wrong
        print(event.data.email_addresses[0].verification.status)  # wrong
        event.data = event.data  # wrong
        event.type = "user.created"  # wrong
        event.data.id = "user_1"  # wrong
        event.data.email_addresses = ()  # wrong


def every_event_has(event: Event) -> None:
    assert_type(event.type, str)
    assert_type(event.raw, dict[str, Any])
    assert_type(event.delivery, Delivery)
    assert_type(event.message_id, str)
    assert_type(event.timestamp, int | None)
    assert_type(event.instance_id, str | None)
    if event.event_attributes and event.event_attributes.http_request:
        assert_type(event.event_attributes.http_request.client_ip, str | None)
    event.delivery.body = b""  # wrong
    event.message_id = ""  # wrong


def made_by_hand(delivery: Delivery) -> UserDeleted:
    DeletedObject("user", "user_1")  # wrong
    DeletedObject(object="user", id=5, deleted=True)  # wrong
    data = DeletedObject(object="user", id="user_1", deleted=True)
    UserDeleted(type="user.deleted", data={"id": "user_1"}, raw={}, delivery=delivery)  # wrong
    UserDeleted(type="user.deleted", data=data, raw={})  # wrong
    UserDeleted(type="user.created", data=data, raw={}, delivery=delivery)  # wrong
    return UserDeleted(type="user.deleted", data=data, raw={}, delivery=delivery)


def every_user_event(event: UserEvent) -> str | None:
    match event:
        case UserCreated() | UserUpdated():
            return event.data.full_name
        case UserDeleted():
            return event.data.id
        case _:
            assert_never(event)


def not_every_user_event(event: UserEvent) -> None:
    match event:
        case UserCreated() | UserUpdated():
            pass
        case _:
            assert_never(event)  # wrong


def narrowed_to_a_family(event: Event) -> None:
    if isinstance(event, UserEvent):
        assert_type(event, UserCreated | UserUpdated | UserDeleted)
    elif isinstance(event, KnownEvent):
        print(event.data.id)
    if isinstance(event, OrganizationMembershipCreated):
        assert_type(event.data.organization.slug, str)
        assert_type(event.data.permissions, tuple[str, ...])
    if isinstance(event, PaymentAttemptUpdated):
        assert_type(event.data.totals.grand_total.amount, int)
        assert_type(event.data.subscription_items[0].plan, BillingPlan | None)


def helpers(user: User, event: Event) -> None:
    assert_type(user.primary_email_address, EmailAddress | None)
    assert_type(user.full_name, str | None)
    assert_type(event.occurred_at, datetime | None)
    assert_type(as_datetime(user.created_at), datetime)
    user.full_name = "Ada"  # wrong


def types(known: EventType) -> EventType:
    if known == "user.created":
        return "user.deleted"
    return "user.craeted"  # wrong


def narrowed_by_type(event: AnyEvent) -> str | None:
    if isinstance(event, UnknownEvent):
        assert_type(event.data, dict[str, Any])
        return None
    if event.type == "user.created":
        assert_type(event, UserCreated)
        return event.data.first_name
    if event.type == "user.deleted":
        return event.data.first_name  # wrong
    assert_type(event.data.id, str | None)
    return event.data.id


def returned(webhook: Webhook, delivery: Delivery) -> None:
    assert_type(verify({}, b""), AnyEvent)
    assert_type(webhook.verify({}, b""), AnyEvent)
    assert_type(delivery.parse(), AnyEvent)
    event: Event = webhook.verify({}, b"")
    known: KnownEvent = webhook.verify({}, b"")  # wrong
    print(event, known)


class Invoice(Record):
    id: str
    paid: bool = False
    tags: list[str] = field(default_factory=list)


class InvoiceSent(Event):
    type: Literal["invoice.sent"]
    data: Invoice


class InvoiceLost(Event):
    type: Literal["invoice.lost"]
    data: dict[str, Any]


def declared_by_the_application(event: Event) -> None:
    if isinstance(event, InvoiceSent):
        assert_type(event.data.paid, bool)
        event.data.paid = True  # wrong
    match event:
        case InvoiceLost(data=data):
            assert_type(data, dict[str, Any])
    assert_type(Invoice.from_dict({"id": "inv_1"}), Invoice)
    assert_type(User.from_dict({}), User)
    User.from_dict([])  # wrong
    Invoice(id="inv_1")
    Invoice("inv_1")  # wrong
    Invoice(id=5)  # wrong
