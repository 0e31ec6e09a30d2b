"""Check timestamps: their format, the tolerance and the clock."""

from __future__ import annotations

import math
import sys
from datetime import timedelta

from .errors import TimestampTooNewError, TimestampTooOldError

LATEST = 999_999_999_999  # twelve digits, the year 33658

_LARGEST = sys.float_info.max  # excludes infinity, and ints that cannot be converted to float


def is_timestamp(text: str) -> bool:
    """Return whether *text* is Unix seconds in one to twelve ASCII digits."""
    return text.isdecimal() and text.isascii() and len(text) <= 12


def parse_tolerance(tolerance: float | timedelta) -> float:
    """Convert seconds or a timedelta to seconds.

    Raises:
        TypeError: *tolerance* is something else, such as a bool.
        ValueError: It is negative, infinite or NaN.
    """
    seconds = tolerance.total_seconds() if isinstance(tolerance, timedelta) else tolerance
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"tolerance must be seconds or a timedelta, not {type(tolerance).__name__}")
    if not 0 <= seconds <= _LARGEST:
        raise ValueError("tolerance must be a finite number of seconds, 0 or more")
    return seconds


def check_now(now: float) -> float:
    """Return *now*, the Unix seconds that a clock returned.

    Raises:
        TypeError: It is not a number.
        ValueError: It is not finite.
    """
    if not isinstance(now, (float, int)) or isinstance(now, bool):
        raise TypeError(f"clock must return Unix seconds as int or float, not {type(now).__name__}")
    if not -_LARGEST <= now <= _LARGEST:
        raise ValueError("clock must return a finite number of Unix seconds")
    return now


def check_age(timestamp: int, now: float, tolerance: float, message_id: str) -> None:
    """Raise if *timestamp* differs from *now* by more than *tolerance*, all in seconds.

    Raises:
        TimestampTooOldError, TimestampTooNewError: It does. The skew is rounded away from zero, so that the message
            never shows the tolerance itself.
    """
    skew = timestamp - now
    if skew < -tolerance:
        raise TimestampTooOldError(math.floor(skew), tolerance, message_id)
    if skew > tolerance:
        raise TimestampTooNewError(math.ceil(skew), tolerance, message_id)
