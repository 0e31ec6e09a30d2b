"""MemoryStore: for tests and for a service of one process that may forget when it restarts."""

from __future__ import annotations

from threading import Lock
from time import monotonic

from ._store import Outcome

_EXPIRED_AT_ONCE = 8  # entries looked at with each claim: enough to keep up, too few to be felt


class MemoryStore:
    """Remembers in this process alone: a second worker process, or a restart, knows nothing of it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[str, tuple[str | None, float]] = {}  # owner, None when done; and until when

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """See :class:`Store`."""
        now = monotonic()
        with self._lock:
            self._drop_expired(now)
            held_by, until = self._entries.get(key, (None, 0.0))
            if now < until:
                return Outcome.DUPLICATE if held_by is None else Outcome.IN_PROGRESS
            self._entries.pop(key, None)  # to the end of the order, by which expired ones are found
            self._entries[key] = (owner, now + lease)
        return None

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """See :class:`Store`."""
        with self._lock:
            held_by, _ = self._entries.pop(key, (owner, 0.0))
            if held_by != owner:
                self._entries[key] = (held_by, _)
                return False
            self._entries[key] = (None, monotonic() + retention)
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
        """Look at the oldest few, which as a rule expire first."""
        oldest = [key for key, _ in zip(self._entries, range(_EXPIRED_AT_ONCE), strict=False)]
        for key in oldest:
            if self._entries[key][1] <= now:
                del self._entries[key]
