"""Check an idempotency store against its contract."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from os import urandom
from threading import Barrier

from ..idempotency import Outcome, Store

_LONG, _SHORT = 60.0, 0.05  # seconds of a lease or a retention


def check_store(make_store: Callable[[], Store]) -> None:
    """Check your own store against the contract of :class:`clerk_webhook_verify.idempotency.Store`.

    It takes about a second, and leaves keys in the store that start with ``check:``.

    Args:
        make_store: Returns the store: the same object, or another one with the same storage.
    Raises:
        AssertionError: The store breaks the contract. The message says how.
    """
    run = urandom(8).hex()
    keys = (f"check:{run}:{number}" for number in count())
    store = make_store()

    def check(holds: bool, rule: str) -> None:
        if not holds:
            raise AssertionError(f"the store breaks its contract: {rule}")

    key = next(keys)
    check(store.claim(key, "a", _LONG) is None, "claiming a free key must succeed")
    check(store.claim(key, "b", _LONG) is Outcome.IN_PROGRESS, "a key that another owner has must be IN_PROGRESS")
    check(make_store().claim(key, "b", _LONG) is Outcome.IN_PROGRESS, "all stores must have the same storage")
    check(store.claim(next(keys), "b", _LONG) is None, "a claim must not affect other keys")
    stem = next(keys).ljust(2000, ".")
    for other in (stem + "a", stem + "A"):
        check(store.claim(other, "a", _LONG) is None, "keys of 2,001 characters that differ in case are different keys")
    check(store.complete(key, "b", _LONG) is False, "only its owner may complete a key")
    store.release(key, "b")
    check(store.claim(key, "b", _LONG) is Outcome.IN_PROGRESS, "only its owner may release a key")
    check(store.complete(key, "a", _LONG) is True, "the owner must be able to complete its key")
    check(store.claim(key, "b", _LONG) is Outcome.DUPLICATE, "a completed key must be a DUPLICATE")
    store.release(key, "a")
    check(store.claim(key, "b", _LONG) is Outcome.DUPLICATE, "release must not affect a completed key")
    check(store.complete(key, "b", _LONG) is False, "another owner must not complete a completed key")
    store.forget(key)
    check(store.claim(key, "b", _LONG) is None, "a forgotten key must be free")
    store.release(key, "b")
    check(store.claim(key, "c", _LONG) is None, "a released key must be free")
    store.forget(key)
    check(store.complete(key, "c", _LONG) is True, "an owner must be able to complete a key that is free again")
    check(store.claim(key, "d", _LONG) is Outcome.DUPLICATE, "a key that was completed when free must be a DUPLICATE")

    late, lost, kept = next(keys), next(keys), next(keys)
    for each in (late, lost):
        check(store.claim(each, "a", _SHORT) is None, "claiming a free key must succeed")
    store.claim(kept, "a", _LONG)
    store.complete(kept, "a", _SHORT)
    time.sleep(4 * _SHORT)
    check(store.complete(late, "a", _LONG) is True, "a late owner must complete a key that is still free")
    check(store.claim(late, "b", _LONG) is Outcome.DUPLICATE, "a key that was completed late must be a DUPLICATE")
    check(store.claim(lost, "b", _LONG) is None, "a key must be free when its lease has expired")
    check(store.complete(lost, "a", _LONG) is False, "a late owner must not complete a key that another has")
    store.release(lost, "a")
    check(store.claim(lost, "c", _LONG) is Outcome.IN_PROGRESS, "a late owner must not release a key that another has")
    check(store.claim(kept, "b", _LONG) is None, "a completed key must be free when its retention has expired")

    contested = [next(keys) for _ in range(50)]
    start = Barrier(8)

    def race(own_store: Store, owner: str) -> list[str]:
        start.wait()
        return [each for each in contested if own_store.claim(each, owner, _LONG) is None]

    stores = [make_store() for _ in range(8)]  # not in the threads: an error there would leave the others waiting
    with ThreadPoolExecutor(8) as pool:
        winners = [each for claimed in pool.map(race, stores, "12345678") for each in claimed]
    check(sorted(winners) == sorted(contested), "if several owners claim a key at once, exactly one must get it")
