"""MemoryStore: for tests, and for services of one process."""

from __future__ import annotations

import time
from threading import Lock

from ._store import Outcome

_EXPIRED_AT_ONCE = 8  # entries checked with each claim: claims stay fast, and expired entries do not accumulate


class MemoryStore:
    """Stores in the memory of this process: other processes do not see it, and a restart clears it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[str, tuple[str | None, float]] = {}  # owner, None if done; expiry

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """See :class:`Store`."""
        now = time.monotonic()
        with self._lock:
            self._drop_expired(now)
            held_by, until = self._entries.get(key, (None, 0.0))
            if now < until:
                return Outcome.DUPLICATE if held_by is None else Outcome.IN_PROGRESS
            self._entries.pop(key, None)  # move it to the end
            self._entries[key] = (owner, now + lease)
        return None

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """See :class:`Store`."""
        with self._lock:
            held_by, _ = self._entries.pop(key, (owner, 0.0))
            if held_by != owner:
                self._entries[key] = (held_by, _)
                return False
            self._entries[key] = (None, time.monotonic() + retention)
        return True

    def release(self, key: str, owner: str) -> None:
        """See :class:`Store`."""
        with self._lock:
            if self._entries.get(key, (None, 0.0))[0] == owner:
                del self._entries[key]

    def forget(self, key: str) -> None:
        """See :class:`Store`."""
        with self._lock:
            self._entries.pop(key, None)

    def _drop_expired(self, now: float) -> None:
        """Remove the oldest entries if they are expired."""
        oldest = [key for key, _ in zip(self._entries, range(_EXPIRED_AT_ONCE), strict=False)]
        for key in oldest:
            if self._entries[key][1] <= now:
                del self._entries[key]
