"""Causes in the attempt to deliver: its age, or a mix-up with another attempt."""

from __future__ import annotations

from itertools import chain, count, islice

from ..errors import TimestampTooNewError, TimestampTooOldError
from ._cause import CauseTable, Finding
from ._delivery import RejectedDelivery

_MAX_HASHED = 120_000_000  # bytes, in search of another attempt's timestamp: a tenth of a second
_MAX_ATTEMPTS = 20_000  # timestamps to try: up to 10,000 s away, which includes the first four retries

causes = CauseTable()


@causes.add("other_attempt", fix="take all headers and the body from the same request")
def other_attempt(delivery: RejectedDelivery) -> Finding | None:
    for message_id, timestamp in delivery.attempts:
        for what, its_id, its_timestamp in (
            ("id", message_id, None),
            ("timestamp", None, timestamp),
            ("id and timestamp", message_id, timestamp),
        ):
            if delivery.matches(message_id=its_id, timestamp=its_timestamp):
                return Finding("confirmed", f"the signature matches with the {what} of another delivery")
    signed_at = int(delivery.timestamp)
    tries = min(_MAX_ATTEMPTS, _MAX_HASHED // (len(delivery.body) + 500))
    for distance in islice(chain.from_iterable((away, -away) for away in count(1)), tries):
        if delivery.matches(timestamp=str(signed_at + distance)):
            side = "later" if distance > 0 else "earlier"
            return Finding("confirmed", f"the signature matches with a timestamp {abs(distance)} s {side}")
    return None


@causes.add(
    "timestamp_too_old",
    fix="synchronize this machine's clock (NTP), or verify a stored delivery as of its own time with clock=",
    explains=(TimestampTooOldError,),
)
def timestamp_too_old(delivery: RejectedDelivery) -> Finding | None:
    return Finding("confirmed", str(delivery.error))


@causes.add(
    "timestamp_too_new",
    fix="synchronize this machine's clock (NTP; in WSL and virtual machines it lags after sleep)",
    explains=(TimestampTooNewError,),
)
def timestamp_too_new(delivery: RejectedDelivery) -> Finding | None:
    return Finding("confirmed", str(delivery.error))
