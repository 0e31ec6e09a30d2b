"""A clock that a test can set."""

import time


class FrozenClock:
    """A clock for ``Webhook(clock=...)`` that moves only when you advance it.

    Args:
        now: Unix seconds; None is the current time.
    """

    def __init__(self, now: float | None = None) -> None:
        self.now = float(int(time.time()) if now is None else now)
        """Unix seconds."""

    def __call__(self) -> float:
        """Return the time of this clock, in Unix seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward, or back if *seconds* is negative."""
        self.now += seconds
