"""Causes in what the body was signed with: another secret, or the message id and the timestamp of another attempt."""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Iterator
from contextlib import suppress

from .._secret import ENVIRONMENT, PREFIX, parse_secrets
from .._signature import Signer
from ..errors import InvalidSecretError, SignatureMismatchError, TimestampTooNewError, TimestampTooOldError
from ._probe import SINGLE, CauseTable, Finding, RejectedDelivery

_MAX_HASHED = 120_000_000  # bytes, in search of another attempt's timestamp: a tenth of a second
_MAX_DISTANCE = 10_000  # seconds to that timestamp, which includes the first four retries

causes = CauseTable()


@causes.add(
    fix="check where the secret comes from: this sender uses the secret's text as the key, as other vendors do and "
    "Clerk does not; if the sender is yours, let it decode the base64 after whsec_",
    explains=(InvalidSecretError, SignatureMismatchError),
)
def text_secret(delivery: RejectedDelivery) -> Finding | None:
    for _, text in delivery.secrets:
        for way, key in _text_keys(text):
            if delivery.matches(signers=[Signer(key)]):
                return Finding("confirmed", f"the signature matches if {way}")
    return None


def _text_keys(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield the keys that other vendors derive from a secret's text."""
    rest = text.removeprefix(PREFIX)
    yield "the complete text is the key", text.encode("utf-8", "surrogatepass")
    yield f"the text after {PREFIX} is the key", rest.encode("utf-8", "surrogatepass")
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", rest):
        yield f"the text after {PREFIX} is decoded as hexadecimal", bytes.fromhex(rest)
    if re.search("[-_]", rest):
        yield "the secret is decoded as base64url", _from_base64(rest.replace("-", "+").replace("_", "/"))


@causes.add(
    fix=f"set {ENVIRONMENT[0]} to this secret, or remove that variable: {ENVIRONMENT[1]} is read only without it",
    explains=(InvalidSecretError, SignatureMismatchError),
)
def other_secret(delivery: RejectedDelivery) -> Finding | None:
    for place, text in delivery.unread_secrets:
        signer = _matching_signer(delivery, text)
        if signer:
            evidence = f"the signature matches {place} in {ENVIRONMENT[1]}, fingerprint {signer.fingerprint}"
            return Finding("confirmed", f"{evidence}, but {ENVIRONMENT[0]} is set and read instead")
    return None


@causes.add(
    fix="use this endpoint's signing secret from Clerk's dashboard (each endpoint has its own, and so do development "
    "and production), then restart the application",
    explains=(InvalidSecretError, SignatureMismatchError),
)
def wrong_secret(delivery: RejectedDelivery) -> Finding | None:
    if not isinstance(delivery.error, InvalidSecretError):
        return Finding(
            "by_elimination",
            "the request is well formed, but no known change to the body, the timestamp or the use of the secret makes "
            "the signature match: most likely the secret is another endpoint's; otherwise the body was changed without "
            "a trace, or the request is forged",
        )
    problem = str(delivery.error)
    for place, text in delivery.secrets:
        signer = _matching_signer(delivery, text)
        if signer:
            which = "" if place == SINGLE else f" {place}, fingerprint {signer.fingerprint}"
            return Finding("confirmed", f"{problem}; with this fixed, the signature matches{which}")
    # Without time left, the secret's text was not tried as the key
    return Finding("confirmed" if delivery.budget.has_time() else "likely", problem)


def _matching_signer(delivery: RejectedDelivery, text: str) -> Signer | None:
    """Return the signer of a secret without the text around it, with the missing prefix, or decoded again."""
    bare = text.strip("\"'`").removeprefix("v1,").strip("\"'`")
    decoded = _from_base64(text).decode("ascii", "replace")
    decoded_twice = _from_base64(decoded).decode("ascii", "replace")
    inside = re.findall(rf"{PREFIX}[A-Za-z0-9+/]{{32,100}}={{0,2}}", f"{text}\n{decoded}\n{decoded_twice}")
    for repaired in (bare, PREFIX + bare, re.sub(r"\s", "", bare), *inside):
        with suppress(InvalidSecretError):
            for signer in map(Signer, parse_secrets(repaired)):
                if delivery.matches(signers=[signer]):
                    return signer
    return None


def _from_base64(text: str) -> bytes:
    """Return what *text* encodes; nothing if it is not base64."""
    try:
        return a2b_base64(text.encode("ascii", "ignore") + b"==")
    except ValueError:
        return b""


@causes.add(fix="take all headers and the body from the same request")
def other_attempt(delivery: RejectedDelivery) -> Finding | None:
    for message_id, timestamp in delivery.attempts:
        for what, its_id, its_timestamp in (
            ("id", message_id, None),
            ("timestamp", None, timestamp),
            ("id and timestamp", message_id, timestamp),
        ):
            if delivery.matches(its_id, its_timestamp):
                return Finding("confirmed", f"the signature matches with the {what} of another delivery")
    signed_at = int(delivery.timestamp)
    max_distance = min(_MAX_DISTANCE, _MAX_HASHED // 2 // (len(delivery.body) + 500))
    for distance in range(1, max_distance + 1):
        if not delivery.budget.has_time():
            break
        for side, seconds in (("later", signed_at + distance), ("earlier", signed_at - distance)):
            if delivery.matches(timestamp=str(seconds)):
                return Finding("confirmed", f"the signature matches with a timestamp {distance} s {side}")
    return None


@causes.add(
    fix="synchronize this machine's clock (NTP), or verify a stored delivery as of its own time with clock=",
    explains=(TimestampTooOldError,),
)
def timestamp_too_old(delivery: RejectedDelivery) -> Finding | None:
    return Finding("confirmed", str(delivery.error))


@causes.add(
    fix="synchronize this machine's clock (NTP; in WSL and virtual machines it lags after sleep)",
    explains=(TimestampTooNewError,),
)
def timestamp_too_new(delivery: RejectedDelivery) -> Finding | None:
    return Finding("confirmed", str(delivery.error))
