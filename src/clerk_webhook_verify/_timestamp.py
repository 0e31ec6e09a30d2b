"""Unix seconds held against our clock: the form of a timestamp, the tolerance, the age."""

from __future__ import annotations

import math
import sys

from .errors import TimestampTooNewError, TimestampTooOldError, WebhookVerificationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta

LATEST = 999_999_999_999  # twelve digits, the year 33658

_MOST = sys.float_info.max  # what lies beyond is infinite, not a number, or an int that no float holds


def timestamp_problem(text: str) -> str | None:
    """What keeps *text* from being Unix seconds in one to twelve ASCII digits, in words; None: nothing."""
    digits = text.isdecimal() and text.isascii()
    if digits and len(text) <= 12:
        return None
    if digits and len(text) == 13:
        return "is in milliseconds: the sender signs Unix seconds, pass the header as it arrived"
    return "is not Unix seconds in one to twelve digits: pass the header as it arrived"


def parse_tolerance(tolerance: float | timedelta) -> float:
    """Seconds out of seconds or a timedelta.

    Raises:
        TypeError: *tolerance* is something else, a bool among it.
        ValueError: It is negative, infinite or not a number.
    """
    seconds = tolerance
    if not isinstance(seconds, (int, float)):
        from datetime import timedelta  # who passes one has it loaded; all others are spared it

        if not isinstance(seconds, timedelta):
            raise TypeError(f"tolerance must be seconds or a timedelta, not {type(tolerance).__name__}")
        seconds = seconds.total_seconds()
    if isinstance(seconds, bool):
        raise TypeError("tolerance must be seconds or a timedelta, not bool")
    if not 0 <= seconds <= _MOST:
        raise ValueError("tolerance must be a finite number of seconds, 0 or more")
    return seconds


def check_now(now: float) -> float:
    """Pass what a clock may return.

    Args:
        now: Unix seconds.
    Raises:
        TypeError: It is no number.
        ValueError: It is not finite: nothing can be judged by it.
    """
    if not isinstance(now, (float, int)) or isinstance(now, bool):
        raise TypeError(f"clock must return Unix seconds as int or float, not {type(now).__name__}")
    if not -_MOST <= now <= _MOST:
        raise ValueError("clock must return a finite number of Unix seconds")
    return now


def age_error(skew: float, tolerance: float, message_id: str) -> WebhookVerificationError:
    """What to say of a genuine delivery whose timestamp lies *skew* seconds from now, farther than *tolerance*.

    Raises:
        ValueError: The skew is not finite, since the clock was not.
    """
    check_now(skew)
    if skew < 0:
        return TimestampTooOldError(math.floor(skew), tolerance, message_id)  # rounded outwards: never 300 s of 300
    return TimestampTooNewError(math.ceil(skew), tolerance, message_id)
