"""Dispatch by functools.singledispatch, and the helpers for tests: what type checkers infer."""

from functools import singledispatch
from typing import Any

from typing_extensions import assert_type

from clerk_webhook_verify import Event
from clerk_webhook_verify.events import DeletedObject, UserCreated, UserDeleted
from clerk_webhook_verify.testing import (
    FrozenClock,
    SignedRequest,
    Signer,
    generate_secret,
    make_event,
    sample,
    signed_request,
)


@singledispatch
def handle(event: Event) -> str:
    return f"nothing to do for {event.type}"


@handle.register
def _(event: UserCreated) -> str:
    return f"welcome, {event.data.full_name}"


@handle.register
def _(event: UserDeleted) -> str:
    return f"goodbye, {event.data.id}"


def helpers_for_tests() -> None:
    event = make_event(UserDeleted, id="user_1")
    assert_type(event, UserDeleted)
    assert_type(event.data, DeletedObject)
    assert_type(handle(event), str)
    assert_type(sample("user.created", first_name="Ada"), dict[str, Any])
    request = signed_request("user.created", secret=generate_secret(), fault="tampered")
    assert_type(request.headers, dict[str, str])
    assert_type(request.body, bytes)
    assert_type(FrozenClock(1.5)(), float)
    assert_type(make_event(UserCreated, message_id="msg_1", timestamp=1_700_000_000, first_name="Ada"), UserCreated)
    assert_type(signed_request("user.created", timestamp=1_700_000_000, first_name="Ada"), SignedRequest)
    sample("user.craeted")  # wrong
    make_event(DeletedObject)  # wrong
    make_event("user.created")  # wrong
    make_event(UserCreated, message_id=1)  # wrong
    make_event(UserCreated, timestamp="now")  # wrong
    signed_request("user.created", fault="tamperd")  # wrong
    signed_request("user.created", family="stripe")  # wrong
    request.body = b""  # wrong


def test_with_the_plugin(clerk_webhook_signer: Signer, clerk_webhook_clock: FrozenClock) -> None:
    clerk_webhook_clock.advance(60)
    assert_type(clerk_webhook_signer("user.created", message_id="msg_1", first_name="Ada"), SignedRequest)
    assert_type(clerk_webhook_signer({"type": "x", "data": {}}, family="webhook", fault="stale"), SignedRequest)
    signer: Signer = signed_request
    signer(b"{}")
    clerk_webhook_signer(5)  # wrong
    clerk_webhook_signer("user.craeted")  # wrong
    clerk_webhook_signer("user.created", fault="tamperd")  # wrong
    clerk_webhook_signer("user.created").body = b""  # wrong
