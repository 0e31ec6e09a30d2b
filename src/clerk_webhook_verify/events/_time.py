"""Clerk's timestamps as datetimes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def as_datetime(timestamp: int) -> datetime:
    """Convert one of Clerk's timestamps to an aware datetime in UTC.

    Args:
        timestamp: Unix milliseconds, or seconds if it is below 100,000,000,000 (as seconds the year 5138, as
            milliseconds March 1973).
    Raises:
        TypeError: *timestamp* is not an int.
        ValueError: The year would not be 1 to 9999.
    """
    if not isinstance(timestamp, int) or isinstance(timestamp, bool):
        raise TypeError(f"timestamp must be an int, not {type(timestamp).__name__}: a missing field is None")
    unit = "seconds" if abs(timestamp) < 100_000_000_000 else "milliseconds"
    try:
        return _EPOCH + timedelta(**{unit: timestamp})
    except OverflowError:
        raise ValueError("timestamp must be in the years 1 to 9999") from None
