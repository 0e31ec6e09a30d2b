"""The deliveries that ``doctor`` sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from time import time
from typing import Any

from ..._receiver import MAX_BODY
from ...testing import Family, Fault, signed_request
from .._http import USER_AGENT

UNKNOWN_TYPE = "clerk_webhook_verify.doctor"

#: The names of the deliveries that every receiver must reject.
BAD = ("unsigned", "forged", "stale", "duplicate-header")

#: The names of good deliveries in another form, and what is different.
RESERIALIZED = {
    "reserialized": "with spaces after commas and colons, as json.dumps writes it",
    "ascii": "in ASCII with sorted keys",
    "indented": "indented",
}

#: The names of good deliveries signed at another time, and what it means for the clock if they are accepted.
SHIFTED = {
    "10-min-old": "it is 5 to 15 minutes behind",
    "10-min-ahead": "it is 5 to 15 minutes ahead",
    "1-hour-ahead": "it is about an hour ahead",
    "at-server-time": "it accepts a delivery that is signed at its own time",
}

REAL_SIZE_NAME = "real-size"
REAL_SIZE = 65_536  # bytes: more than a user has with all the metadata that Clerk stores, three times 8 KB


@dataclass(frozen=True)
class Trial:
    """A delivery to send."""

    name: str
    headers: list[tuple[str, str]]
    body: bytes
    log: str
    """What an adapter logs for it: an error code, or ``verified``."""
    message_id: str | None


class Deliveries:
    """Creates the deliveries of one run, each when it is sent: a timestamp must be current."""

    def __init__(self, payload: dict[str, Any], secrets: list[str] | None) -> None:
        self._payload = payload
        self._secrets = secrets

    def checks(self) -> Iterator[Trial]:
        """Yield one good delivery, and bad ones that every receiver must reject."""
        unsigned = self._signed("unsigned", log="missing_header")
        headers = [(name, value) for name, value in unsigned.headers if not name.startswith("svix-")]
        yield Trial("unsigned", headers, unsigned.body, unsigned.log, None)
        yield self._signed("forged", fault="other_secret", log="signature_mismatch")
        yield self._signed("stale", fault="stale", log="timestamp_too_old")
        duplicate = self._signed("duplicate-header", log="malformed_header")
        duplicate.headers.extend([(name, value) for name, value in duplicate.headers if name == "svix-id"])
        yield duplicate
        yield self._signed("good")

    def probes(self, clock_difference: int) -> Iterator[Trial]:
        """Yield variations of the good delivery: the one that is accepted shows why the good one is rejected."""
        plain = _without_peculiarities(self._payload)
        yield self._signed("reserialized", json.dumps(plain).encode())
        yield self._signed("ascii", json.dumps(plain, separators=(",", ":")).encode())
        yield self._signed("indented", json.dumps(plain, indent=2).encode())
        yield self._signed("10-min-old", shift=-600, log="timestamp_too_old")
        yield self._signed("10-min-ahead", shift=600, log="timestamp_too_new")
        yield self._signed("1-hour-ahead", fault="future", log="timestamp_too_new")
        if clock_difference:
            yield self._signed("at-server-time", shift=clock_difference)
        yield self._signed("webhook-names", family="webhook")
        for number, secret in enumerate((self._secrets or [])[1:], 2):
            yield self._signed(f"secret-{number}", secret=secret)

    def oversized(self) -> Trial:
        """Return a good delivery that is longer than an adapter's default ``max_body``."""
        return self._signed("oversized", self._padded(MAX_BODY), log="body_too_large")

    def of_real_size(self) -> Trial:
        """Return a good delivery as long as those of a user with much metadata."""
        return self._signed(REAL_SIZE_NAME, self._padded(REAL_SIZE))

    def _padded(self, length: int) -> dict[str, Any]:
        return {**self._payload, "data": {**self._payload["data"], "public_metadata": {"padding": "x" * length}}}

    def _signed(
        self,
        name: str,
        payload: dict[str, Any] | bytes | None = None,
        *,
        secret: str | None = None,
        shift: int = 0,
        family: Family = "svix",
        fault: Fault | None = None,
        log: str = "verified",
    ) -> Trial:
        request = signed_request(
            self._payload if payload is None else payload,
            secret=self._secrets if secret is None else secret,
            timestamp=int(time()) + shift,
            family=family,
            fault=fault,
        )
        headers = [USER_AGENT, *request.headers.items()]
        return Trial(name, headers, request.body, log, request.headers[f"{family}-id"])


def unknown_event() -> dict[str, Any]:
    """Return a payload that no handler acts upon, and that re-serialization changes, as it does real ones."""
    return {
        "data": {"id": "doctor", "first_name": "Zoë", "public_metadata": {"plan": "pro", "country": "ES"}},
        "object": "event",
        "timestamp": int(time() * 1000),
        "type": UNKNOWN_TYPE,
    }


def _without_peculiarities(payload: dict[str, Any]) -> Any:
    """Return *payload* in ASCII with sorted keys, so that re-serialization changes only its spaces."""
    return json.loads(json.dumps(payload, ensure_ascii=False, sort_keys=True).encode("ascii", "replace"))
