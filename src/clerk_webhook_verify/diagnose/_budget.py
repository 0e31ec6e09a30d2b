"""The time that all probes of one diagnosis share."""

from __future__ import annotations

from collections.abc import Callable


class Budget:
    """What the probes may still spend. They ask before each step that takes more than a moment.

    Args:
        seconds: From now, for all probes together.
        timer: Returns seconds, as ``time.monotonic`` does.
    Raises:
        ValueError: *seconds* is negative or NaN.
    """

    def __init__(self, seconds: float, timer: Callable[[], float]) -> None:
        if not seconds >= 0:
            raise ValueError("budget must be a number of seconds, 0 or more")
        self._timer = timer
        self._end = timer() + seconds
        self.declined = False  #: Whether a step was skipped since this was last set to False.

    def has_time(self) -> bool:
        """Return whether there is time for another step."""
        return self.allows(self._timer() < self._end)

    def allows(self, affordable: bool) -> bool:
        """Return *affordable*, and remember a step that is not."""
        self.declined |= not affordable
        return affordable
