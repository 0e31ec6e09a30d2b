"""The protocol of idempotency stores, what they share, and MemoryStore."""

from __future__ import annotations

import sys
import time
from itertools import islice
from threading import Lock
from typing import Protocol

from .._handler import Outcome as Outcome


class Store(Protocol):
    """Stores claims for the length of their leases, and which messages are done.

    Each method is atomic, and any thread may call it. If the store is unavailable, it raises
    :class:`clerk_webhook_verify.errors.StoreError`. Test your own store with
    ``clerk_webhook_verify.testing.check_store``.
    """

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """Claim *key* for *lease* seconds, unless it is done or another owner's lease is running.

        Args:
            key: Identifies one message: up to 2,001 ASCII characters. Keys that differ in case are different keys.
            owner: A token, new for every claim.
            lease: Seconds.
        Returns:
            None if the claim is yours, ``DUPLICATE`` if the message is done, ``IN_PROGRESS`` if another owner has it.
        """
        ...

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """Mark *key* done for *retention* seconds, even after the lease expired, unless another owner claimed it.

        Returns:
            False if another owner claimed or completed it, and nothing was changed.
        """
        ...

    def release(self, key: str, owner: str) -> None:
        """Release *owner*'s claim of *key*, unless it is done."""
        ...

    def forget(self, key: str) -> None:
        """Delete everything about *key*."""
        ...


class MemoryStore:
    """Stores in the memory of this process: other processes do not see it, and a restart clears it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[str, tuple[str | None, float]] = {}  # owner, None if done; expiry

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """See :class:`Store`."""
        now = time.monotonic()
        with self._lock:
            for oldest in list(islice(self._entries, 8)):  # claims stay fast, and expired entries do not accumulate
                if self._entries[oldest][1] <= now:
                    del self._entries[oldest]
            held_by, until = self._entries.get(key, (None, 0.0))
            if now < until:
                return Outcome.DUPLICATE if held_by is None else Outcome.IN_PROGRESS
            self._entries.pop(key, None)  # move it to the end
            self._entries[key] = (owner, now + lease)
        return None

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """See :class:`Store`."""
        with self._lock:
            held_by, _ = self._entries.get(key, (owner, 0.0))
            if held_by == owner:
                self._entries[key] = (None, time.monotonic() + retention)
        return held_by == owner

    def release(self, key: str, owner: str) -> None:
        """See :class:`Store`."""
        with self._lock:
            if self._entries.get(key, (None, 0.0))[0] == owner:
                del self._entries[key]

    def forget(self, key: str) -> None:
        """See :class:`Store`."""
        with self._lock:
            self._entries.pop(key, None)


def loaded_exceptions(*names: str) -> tuple[type[Exception], ...]:
    """Return the named exception classes whose modules are loaded. Call it in the ``except`` clause.

    An import would fail if a library is not installed: RedisStore accepts clients of redis and of valkey. The library
    that raised an error is loaded.
    """
    found = []
    for name in names:  # such as "psycopg.Error"
        module_name, _, class_name = name.rpartition(".")
        module = sys.modules.get(module_name)
        if hasattr(module, class_name):  # missing in old versions of redis
            found.append(getattr(module, class_name))
    return tuple(found)
