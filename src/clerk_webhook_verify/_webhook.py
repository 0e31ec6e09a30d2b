"""Webhook and verify(): the checks of a delivery, in their order."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from hmac import compare_digest
from typing import NoReturn

from ._frames import forget_on_error
from ._headers import Headers, is_message_id, parse_headers
from ._payload import Body, body_bytes
from ._secret import Secret, parse_secrets
from ._signature import Signer, is_candidate
from ._timestamp import LATEST, check_age, check_now, parse_tolerance
from .errors import SignatureMismatchError
from .events import AnyEvent, Delivery


@forget_on_error
def verify(
    headers: Headers,
    body: Body,
    *,
    secret: Secret | None = None,
    tolerance: float | timedelta = 300,
    clock: Callable[[], float] | None = None,
) -> AnyEvent:
    """Verify one delivery and return its event.

    Args:
        headers: All headers of the request.
        body: The raw body, unchanged.
        secret: The endpoint's signing secret (``whsec_...``), or several during a rotation; None reads the environment
            variable ``CLERK_WEBHOOK_SIGNING_SECRET``, then ``CLERK_WEBHOOK_SECRET``.
        tolerance: Maximum difference between the timestamp and now, in seconds or as a timedelta.
        clock: Returns the current Unix seconds; None uses ``time.time``.
    Returns:
        The event, of a class in :mod:`.events` for known types, otherwise :class:`.UnknownEvent`.
    Raises:
        WebhookVerificationError: The request is rejected: respond with 400.
        InvalidSecretError: The application has no valid secret: respond with 500.
        TypeError, ValueError: A bug in the calling code; the message says what to do.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    https://clerk.com/docs/webhooks/sync-data
    """
    return Webhook(secret, tolerance=tolerance, clock=clock).verify(headers, body)


class Webhook:
    """One endpoint's secrets, tolerance and clock: create it once, use it for every request, from any thread.

    Args and errors are those of :func:`verify`.
    """

    # Defaults for repr(), which error trackers call even if __init__ raised
    _signers: tuple[Signer, ...] = ()
    _tolerance: float = 0

    @forget_on_error
    def __init__(
        self,
        secret: Secret | None = None,
        *,
        tolerance: float | timedelta = 300,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._signers = tuple(Signer(key) for key in parse_secrets(secret))
        if clock is not None and not callable(clock):
            raise TypeError(f"clock must be a callable that returns Unix seconds, not {type(clock).__name__}")
        self._clock = clock
        self._tolerance = parse_tolerance(tolerance)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """One per secret, in order. A fingerprint identifies a secret in logs and does not reveal it."""
        return tuple(signer.fingerprint for signer in self._signers)

    @forget_on_error
    def check_headers(self, headers: Headers) -> None:
        """Raise if a header is missing or malformed. Adapters call it before they read the body.

        It does not check the signature: only :meth:`verify` and :meth:`verify_signature` do.

        Raises:
            MissingHeaderError, MalformedHeaderError: :meth:`verify` would raise it too.
        """
        parse_headers(headers)

    @forget_on_error
    def verify(self, headers: Headers, body: Body) -> AnyEvent:
        """Verify one delivery and return its event: :meth:`verify_signature`, then :meth:`.Delivery.parse`."""
        return self._verified_delivery(headers, body).parse()

    @forget_on_error
    def verify_signature(self, headers: Headers, body: Body) -> Delivery:
        """Verify signature and timestamp, and leave the body unparsed.

        Args:
            headers: All headers of the request.
            body: The raw body, unchanged.
        Returns:
            The delivery.
        Raises:
            WebhookVerificationError: The request is rejected: a header is missing or malformed, no signature matches,
                or the timestamp is outside the tolerance.
            TypeError: *headers* or *body* has the wrong type, or they are swapped.
        """
        return self._verified_delivery(headers, body)

    def _verified_delivery(self, headers: Headers, body: Body) -> Delivery:
        # Private, so that patching one of the two public methods does not change the other
        signed = body_bytes(body, headers)
        message_id, timestamp, signatures = parse_headers(headers)
        fingerprint = self._matching_fingerprint(message_id, timestamp, signatures.split(" "), signed)
        seconds = int(timestamp)
        check_age(seconds, self._now(), self._tolerance, message_id)
        return Delivery(message_id, seconds, signed, fingerprint)

    def _matching_fingerprint(self, message_id: str, timestamp: str, entries: list[str], body: bytes) -> str:
        """Return the fingerprint of the secret whose signature is among *entries*.

        Raises:
            SignatureMismatchError: None is.
        """
        prefix = f"{message_id}.{timestamp}.".encode()
        matching = None
        for signer in self._signers:
            expected = signer.sign(prefix, body)
            for entry in entries:  # no early exit, so that the time does not depend on the content
                if compare_digest(entry, expected) and matching is None:
                    matching = signer
        if matching is None:
            candidates = sum(map(is_candidate, entries))
            raise SignatureMismatchError(candidates, len(self._signers), message_id, empty_body=not body)
        return matching.fingerprint

    def _now(self) -> float:
        """Return the current Unix seconds. ``time.time`` is looked up here, since tests may patch it."""
        return check_now(time.time() if self._clock is None else self._clock())

    @forget_on_error
    def sign(self, message_id: str, timestamp: int, body: Body) -> str:
        """Return the ``svix-signature`` header of a delivery, signed with the first secret.

        Args:
            message_id: 1 to 256 printable ASCII characters without comma and period.
            timestamp: Unix seconds.
            body: The raw body.
        Raises:
            TypeError, ValueError: :meth:`verify` would reject it.
        """
        signed = body.encode() if isinstance(body, str) else body_bytes(body)  # a lone surrogate is a ValueError here
        if not isinstance(message_id, str):
            raise TypeError(f"message_id must be a str, not {type(message_id).__name__}")
        if not is_message_id(message_id):
            raise ValueError("message_id must be 1 to 256 printable ASCII characters without comma and period")
        if not isinstance(timestamp, int) or isinstance(timestamp, bool):
            raise TypeError(f"timestamp must be Unix seconds as an int, not {type(timestamp).__name__}")
        if not 0 <= timestamp <= LATEST:
            raise ValueError("timestamp must be Unix seconds in one to twelve digits: not negative, not milliseconds")
        return self._signers[0].sign(f"{message_id}.{timestamp}.".encode(), signed)

    @forget_on_error
    def signed_headers(
        self, body: Body, *, message_id: str | None = None, timestamp: int | None = None
    ) -> dict[str, str]:
        """Return the three ``svix-*`` headers for *body*, signed with the first secret.

        Args:
            body: The raw body. Send exactly these bytes.
            message_id: None creates a new one.
            timestamp: Unix seconds; None is the time of this webhook's clock.
        Raises:
            TypeError, ValueError: :meth:`verify` would reject it.
        """
        if message_id is None:
            message_id = "msg_" + os.urandom(16).hex()
        if timestamp is None:
            timestamp = int(self._now())
        signature = self.sign(message_id, timestamp, body)
        return {"svix-id": message_id, "svix-timestamp": str(timestamp), "svix-signature": signature}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(fingerprints={self.fingerprints}, tolerance={self._tolerance:g})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Webhook contains secrets, so it cannot be pickled or copied: create another one")
