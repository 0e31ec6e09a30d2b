"""Dispatch by functools.singledispatch, and the helpers for tests: what type checkers infer."""

from functools import singledispatch
from typing import Any

from typing_extensions import assert_type

from clerk_webhook_verify import Event
from clerk_webhook_verify.events import DeletedObject, UserCreated, UserDeleted
from clerk_webhook_verify.testing import FrozenClock, generate_secret, make_event, sample, signed_request


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
    sample("user.craeted")  # wrong
    make_event(DeletedObject)  # wrong
    make_event("user.created")  # wrong
    signed_request("user.created", fault="tamperd")  # wrong
    signed_request("user.created", family="stripe")  # wrong
    request.body = b""  # wrong
