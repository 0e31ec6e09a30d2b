"""Clerk's timestamps as datetimes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def as_datetime(timestamp: int) -> datetime:
    """The moment that one of Clerk's timestamps stands for, aware and in UTC.

    Args:
        timestamp: Unix milliseconds, as nearly everywhere in Clerk's data, or seconds. What is below 100,000,000,000
            (in seconds the year 5138, in milliseconds March 1973) is seconds.
    Raises:
        TypeError: *timestamp* is not an int.
        ValueError: It lies beyond the year 9999 or before the year 1.
    """
    if not isinstance(timestamp, int) or isinstance(timestamp, bool):
        raise TypeError(f"timestamp must be an int, not {type(timestamp).__name__}: an absent field reads as None")
    unit = "seconds" if abs(timestamp) < 100_000_000_000 else "milliseconds"
    try:
        return _EPOCH + timedelta(**{unit: timestamp})
    except OverflowError:
        raise ValueError("timestamp lies beyond the years that a datetime can have") from None
