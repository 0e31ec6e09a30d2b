"""What type checkers report about idempotency. Both must reject each line that ends in ``# wrong``."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from typing_extensions import assert_type

from clerk_webhook_verify import AnyEvent, Event
from clerk_webhook_verify.allowlist import Allowlist
from clerk_webhook_verify.diagnose import Diagnosis, diagnose
from clerk_webhook_verify.errors import StoreError
from clerk_webhook_verify.events import UserCreated, UserEvent
from clerk_webhook_verify.idempotency import AsyncOnce, MemoryStore, Once, Outcome, SQLiteStore, Store
from clerk_webhook_verify.idempotency.postgres import PostgresStore
from clerk_webhook_verify.idempotency.redis import RedisStore
from clerk_webhook_verify.testing import check_store


def welcome(event: Event, *, tenant: str) -> None:
    return None


async def welcome_later(event: Event, *, tenant: str) -> None:
    return None


def welcome_any(event: AnyEvent, tenant: str = "acme") -> bool:
    return isinstance(event, UserCreated)


def welcome_user(event: UserEvent) -> None:
    return None


def welcome_created(event: UserCreated) -> None:
    return None


async def welcome_created_later(event: UserCreated) -> None:
    return None


def count(message_id: str, *, by: int = 1) -> None:
    return None


class Welcome:
    def __call__(self, event: Event) -> None:
        return None


class OwnStore:
    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        return None

    def complete(self, key: str, owner: str, retention: float) -> bool:
        return True

    def release(self, key: str, owner: str) -> None:
        return None

    def forget(self, key: str) -> None:
        return None


@contextmanager
def connect() -> Iterator[object]:
    yield object()


def handle(event: Event, client: Any) -> int:
    stores: list[Store] = [MemoryStore(), SQLiteStore("x"), RedisStore(client), PostgresStore(connect), OwnStore()]
    once = Once(stores[0], lease=30, retention=86_400)
    once.run(event, welcome)  # wrong
    once.run(event, welcome, tenant=7)  # wrong
    once.run(event, welcome, event, tenant="acme")  # wrong
    once.run(event, welcome_any)  # wrong
    once.run(event, welcome_created)  # wrong
    once.run(event, count)  # wrong
    once.run(event.delivery, welcome, tenant="acme")  # wrong
    once.run(event.message_id, welcome, tenant="acme")  # wrong
    once.run(event.message_id, count, by="one")  # wrong
    once.run(7, print)  # wrong
    once.run(event, lambda: None)  # wrong
    Once(object())  # wrong
    check_store(OwnStore)
    once.run(event, Welcome())
    once.run(event, partial(welcome, tenant="acme"))
    once.run(event, lambda event: print(event.message_id))
    once.run(event.delivery, lambda delivery: print(delivery.body))
    once.run(event.message_id, count, by=2)
    once.run(event.message_id, print, "arrived")
    assert_type(once.run(event.delivery, print), Outcome)
    assert_type(once.mark(object(), "msg_1"), Outcome)
    return once.run(event, welcome, tenant="acme").status_code


def handle_idempotently(once: Once, event: Event) -> None:
    try:
        once.run(event, print)
    except StoreError as error:
        assert_type(error.handled, bool)
        if not error.handled:
            print(event)


def handle_any(once: Once, event: AnyEvent) -> None:
    once.run(event, welcome_created)  # wrong
    once.run(event, welcome_user)  # wrong
    once.run(event, welcome_any, 7)  # wrong
    once.run(event, welcome, tenant="acme")
    once.run(event, welcome_any)
    once.run(event, welcome_any, "acme")
    if isinstance(event, UserCreated):
        once.run(event, welcome, tenant="acme")
        once.run(event, welcome_any)
        once.run(event, welcome_user)
        once.run(event, welcome_created)


async def handle_later(event: Event, any_event: AnyEvent) -> Outcome:
    once = AsyncOnce(MemoryStore())
    await once.run(event, welcome_later)  # wrong
    await once.run(event, welcome_later, tenant=7)  # wrong
    await once.run(event, welcome_created_later)  # wrong
    await once.run(any_event, welcome_created_later)  # wrong
    await once.run(event, welcome, tenant="acme")
    await once.run(any_event, welcome_any)
    await once.run(any_event, welcome_later, tenant="acme")
    await once.forget(event)
    return await once.run(event, welcome_later, tenant="acme")


diagnosis = diagnose({}, b"", secret="whsec_")
assert_type(diagnosis, Diagnosis)
assert_type(Allowlist({"eu": ["192.0.2.7"]}).allows("192.0.2.7"), bool)
