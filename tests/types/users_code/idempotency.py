"""What type checkers say of handling once. A line that ends in ``# wrong`` must be refused by both."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typing_extensions import assert_type

from clerk_webhook_verify import Event
from clerk_webhook_verify.allowlist import Allowlist
from clerk_webhook_verify.diagnose import Diagnosis, diagnose
from clerk_webhook_verify.idempotency import AsyncOnce, MemoryStore, Once, Outcome, SQLiteStore, Store
from clerk_webhook_verify.idempotency.postgres import PostgresStore
from clerk_webhook_verify.idempotency.redis import RedisStore
from clerk_webhook_verify.testing import check_store


def welcome(event: Event, *, tenant: str) -> None:
    return None


async def welcome_later(event: Event, *, tenant: str) -> None:
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
    once.run(event, welcome, event, tenant=7)  # wrong
    once.run(7, welcome, event, tenant="acme")  # wrong
    Once(object())  # wrong
    check_store(OwnStore)
    assert_type(once.run(event.delivery, welcome, event, tenant="acme"), Outcome)
    assert_type(once.mark(object(), "msg_1"), Outcome)
    return once.run(event, welcome, event, tenant="acme").status_code


async def handle_later(event: Event) -> Outcome:
    once = AsyncOnce(MemoryStore())
    await once.run(event, welcome_later, event)  # wrong
    await once.run(event, welcome, event, tenant="acme")
    await once.forget(event)
    return await once.run(event, welcome_later, event, tenant="acme")


diagnosis = diagnose({}, b"", secret="whsec_")
assert_type(diagnosis, Diagnosis)
assert_type(Allowlist({"eu": ["192.0.2.7"]}).allows("192.0.2.7"), bool)
