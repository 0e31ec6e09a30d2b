"""What type checkers report about routers. Both must reject each line that ends in ``# wrong``."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from django.http import HttpRequest
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import assert_type

from clerk_webhook_verify import AnyEvent, Delivery, Event, UnknownEvent, aws_lambda, django, flask, starlette
from clerk_webhook_verify.events import (
    SessionCreated,
    SessionEnded,
    SessionRemoved,
    SessionRevoked,
    User,
    UserCreated,
    UserDeleted,
    UserEvent,
    UserUpdated,
)
from clerk_webhook_verify.idempotency import AsyncOnce, MemoryStore, Once, Outcome
from clerk_webhook_verify.routing import AsyncRouter, Router

router = Router()
async_router = AsyncRouter()


class OrderPaid(Event):
    type: Literal["order.paid"]
    data: dict[str, Any]


@router.on(UserCreated)
def one(event: UserCreated) -> int:
    return len(event.data.email_addresses)


@router.on(UserCreated, UserUpdated)
def two(event: UserCreated | UserUpdated) -> str | None:
    return event.data.full_name


@router.on(UserCreated, UserUpdated, UserDeleted)
def three(event: UserEvent) -> str | None:
    return event.data.id


@router.on(UserCreated, UserUpdated, UserDeleted, OrderPaid)
def four(event: UserEvent | OrderPaid) -> str:
    return event.type


@router.on(UserCreated, UserUpdated, UserDeleted, SessionCreated, SessionEnded)
def five(event: UserEvent | SessionCreated | SessionEnded) -> str:
    return event.type


@async_router.on(UserCreated, UserUpdated, UserDeleted, SessionCreated, SessionEnded, SessionRemoved)
async def six(event: UserEvent | SessionCreated | SessionEnded | SessionRemoved) -> str:
    return event.type


@router.on(UserCreated, UserUpdated, UserDeleted, SessionCreated, SessionEnded, SessionRemoved, SessionRevoked)
def seven(event: Event) -> str:
    return event.type


@router.on(UserCreated, UserUpdated)
def more_than_needed(event: Event, word: str = "") -> str:
    return event.type + word


@router.on("user.somethingNew", "user.created")
def by_string(event: Event, word: str = "") -> str:
    return event.type + word


@router.on(UserCreated, "user.somethingNew")
def by_class_and_string(event: Event) -> str:
    return event.type


@router.on("user.somethingNew")
@router.on(UserCreated)
def stacked(event: Event) -> str:
    return event.type


@router.fallback
def other(event: Event, word: str = "") -> str:
    return event.type + word


@async_router.fallback
async def other_later(event: Event) -> str:
    return event.type


@router.on(UserCreated)  # wrong
def another(event: UserDeleted) -> None:
    return None


@router.on(UserCreated, UserUpdated)  # wrong
def one_of_two(event: UserCreated) -> None:
    return None


@router.on(UserCreated, UserUpdated, UserDeleted, SessionCreated, SessionEnded, SessionRemoved)  # wrong
def three_of_six(event: UserEvent) -> None:
    return None


@async_router.on(UserCreated, UserUpdated)  # wrong
async def one_of_two_later(event: UserCreated) -> None:
    return None


@router.on("user.created")  # wrong
def narrower_than_a_string(event: UserCreated) -> None:
    return None


@router.on("user.created")  # wrong
def unknown_only(event: UnknownEvent) -> None:
    return None


@router.on("user.created")  # wrong
def without_the_applications_events(event: AnyEvent) -> None:
    return None


@router.on(UserCreated, "user.somethingNew")  # wrong
def without_the_string(event: UserCreated) -> None:
    return None


@router.fallback  # wrong
def narrower_fallback(event: UserCreated) -> None:
    return None


@router.on(UserCreated)  # wrong
def no_parameter() -> None:
    return None


@router.on(UserCreated)  # wrong
def two_parameters(event: UserCreated, tenant: str) -> None:
    return None


def used_wrongly(event: Event, delivery: Delivery) -> None:
    router.on()  # wrong
    router.on(User)  # wrong
    router.on(UserEvent)  # wrong
    router.on(b"user.created")  # wrong
    router.on(one)  # wrong
    router.fallback("user.created")  # wrong
    router.fallback()  # wrong
    router.include(async_router)  # wrong
    async_router.include(router)  # wrong
    router(delivery)  # wrong
    router("user.created")  # wrong
    router()  # wrong
    two("user.created")  # wrong


def kept_types(created: UserCreated) -> None:
    assert_type(one(created), int)
    assert_type(two(created), str | None)
    assert_type(more_than_needed(created, word="!"), str)
    assert_type(by_string(event=created, word="!"), str)
    assert_type(other(event=created, word="!"), str)
    assert_type(router.types, tuple[str, ...])
    router.include(Router())
    async_router.include(AsyncRouter())
    router.fallback(Router())
    async_router.fallback(router)


async def called(event: Event, any_event: AnyEvent) -> None:
    router(event)
    router(any_event)
    await async_router(event)
    await router.types  # wrong


async def in_place_of_a_handler(event: Event, any_event: AnyEvent) -> None:
    once, async_once = Once(MemoryStore()), AsyncOnce(MemoryStore())
    assert_type(once.run(event, router), Outcome)
    assert_type(await async_once.run(event, router), Outcome)
    assert_type(await async_once.run(any_event, async_router), Outcome)
    once.run(any_event, router)
    once.run(event.message_id, router)  # wrong
    once.run(event, router, "acme")  # wrong


def decorated(request: HttpRequest) -> None:
    for either in (router, async_router):
        assert_type(flask.clerk_webhook()(either), Callable[[], Any])
        assert_type(starlette.clerk_webhook()(either), Callable[[Request], Awaitable[Response]])
        assert_type(django.clerk_webhook()(either), Callable[[HttpRequest], Any])
    assert_type(aws_lambda.clerk_webhook()(router), Callable[[Mapping[str, Any], Any], Any])
    aws_lambda.clerk_webhook()(async_router)  # wrong
    view = django.clerk_webhook()(router)
    view(request)
