"""MemoryStore: for tests, and for a service of one process that may forget when it restarts."""

from __future__ import annotations

from threading import Lock
from time import monotonic

from ._store import Outcome

_EXPIRED_AT_ONCE = 8  # entries checked with each claim: as many expire as are added, and a claim stays quick


class MemoryStore:
    """Remembers in this process only: other worker processes do not see it, and a restart empties it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[str, tuple[str | None, float]] = {}  # the owner, or None when done; and when it expires

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """See :class:`Store`."""
        now = monotonic()
        with self._lock:
            self._drop_expired(now)
            held_by, until = self._entries.get(key, (None, 0.0))
            if now < until:
                return Outcome.DUPLICATE if held_by is None else Outcome.IN_PROGRESS
            self._entries.pop(key, None)  # so that the next line adds it as the newest entry
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
        """Check the few oldest entries, which usually expire first."""
        oldest = [key for key, _ in zip(self._entries, range(_EXPIRED_AT_ONCE), strict=False)]
        for key in oldest:
            if self._entries[key][1] <= now:
                del self._entries[key]
