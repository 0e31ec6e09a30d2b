"""Webhook: the order of the checks and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from hmac import compare_digest
from typing import NoReturn

from ._body import Body, body_bytes
from ._headers import Headers, is_message_id, parse_headers
from ._secret import Secret, parse_secrets
from ._signature import Signer, is_candidate
from ._timestamp import LATEST, check_age, check_now, parse_tolerance
from .errors import SignatureMismatchError
from .events import AnyEvent, Delivery


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
        tolerance: How far the timestamp may be from now in either direction, in seconds or as a timedelta.
        clock: Returns now in Unix seconds; None uses ``time.time``.
    Returns:
        The event: a class of :mod:`.events` for known types, otherwise :class:`UnknownEvent`.
    Raises:
        WebhookVerificationError: The request is rejected: respond with 400.
        InvalidSecretError: The application has no usable secret: respond with 500.
        TypeError, ValueError: A mistake in the calling code; the message says what to do.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    https://clerk.com/docs/webhooks/sync-data
    """
    try:
        webhook = Webhook(secret, tolerance=tolerance, clock=clock)
    finally:
        del secret  # error trackers record the local variables of every frame of a traceback
    return webhook.verify(headers, body)


class Webhook:
    """One endpoint's secrets, tolerance and clock: create it once, use it for every request, from any thread.

    Args and errors are those of :func:`verify`.
    """

    # Error trackers call repr() also on a webhook whose secret was invalid
    _signers: tuple[Signer, ...] = ()
    _tolerance: float = 0

    def __init__(
        self,
        secret: Secret | None = None,
        *,
        tolerance: float | timedelta = 300,
        clock: Callable[[], float] | None = None,
    ) -> None:
        try:
            self._signers = tuple(Signer(key) for key in parse_secrets(secret))
        finally:
            del secret  # error trackers record the local variables of every frame of a traceback
        if clock is not None and not callable(clock):
            raise TypeError(f"clock must be a callable that returns Unix seconds, not {type(clock).__name__}")
        self._clock = clock
        self._tolerance = parse_tolerance(tolerance)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """One per secret, in order: distinguishes two secrets in a log and reveals neither."""
        return tuple(signer.fingerprint for signer in self._signers)

    def check_headers(self, headers: Headers) -> None:
        """Raise if the headers are not those of a delivery. A receiver calls it before it reads the body.

        It proves nothing: only :meth:`verify` and :meth:`verify_signature` check the signature.

        Raises:
            MissingHeaderError, MalformedHeaderError: As :meth:`verify` would.
        """
        parse_headers(headers)

    def verify(self, headers: Headers, body: Body) -> AnyEvent:
        """Verify one delivery and return its event: as :meth:`verify_signature`, then :meth:`.Delivery.parse`."""
        return self._verified_delivery(headers, body).parse()

    def verify_signature(self, headers: Headers, body: Body) -> Delivery:
        """Verify signature and timestamp, and leave the body unparsed.

        Args:
            headers: All headers of the request.
            body: The raw body, unchanged.
        Returns:
            The delivery: what was signed, and with which secret.
        Raises:
            WebhookVerificationError: The request is rejected: a header is missing or malformed, no signature matches,
                or the signature is valid but the timestamp is too far from now.
            TypeError: *headers* or *body* is of a wrong type, or they are swapped.
        """
        return self._verified_delivery(headers, body)

    def _verified_delivery(self, headers: Headers, body: Body) -> Delivery:
        # Apart from the two public methods, so that patching one of them does not change the other
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
        matching, expected = None, ""
        for signer in self._signers:
            expected = signer.sign(prefix, body)
            for entry in entries:  # no early exit: the time it takes depends on no content
                if compare_digest(entry, expected) and matching is None:
                    matching = signer
        if matching is None:
            del expected  # error trackers record the local variables of every frame of a traceback
            raise SignatureMismatchError(sum(map(is_candidate, entries)), len(self._signers), message_id)
        return matching.fingerprint

    def _now(self) -> float:
        """Return Unix seconds by this webhook's clock, or by ``time.time``, which tests may have patched."""
        return check_now(time.time() if self._clock is None else self._clock())

    def sign(self, message_id: str, timestamp: int, body: Body) -> str:
        """Return the signature of a delivery with the first secret, as in the ``svix-signature`` header.

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
            raise ValueError("message_id must be 1 to 256 printable ASCII characters without comma and dot")
        if not isinstance(timestamp, int) or isinstance(timestamp, bool):
            raise TypeError(f"timestamp must be Unix seconds as an int, not {type(timestamp).__name__}")
        if not 0 <= timestamp <= LATEST:
            raise ValueError("timestamp must be Unix seconds in one to twelve digits: not negative, not milliseconds")
        return self._signers[0].sign(f"{message_id}.{timestamp}.".encode(), signed)

    def signed_headers(
        self, body: Body, *, message_id: str | None = None, timestamp: int | None = None
    ) -> dict[str, str]:
        """Return the three ``svix-*`` headers of a delivery of *body*, signed with the first secret.

        Args:
            body: The raw body. Send exactly these bytes.
            message_id: None creates a new one.
            timestamp: Unix seconds; None is now, by this webhook's clock.
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
        return f"{type(self).__name__}(fingerprints={self.fingerprints!r}, tolerance={self._tolerance:g})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Webhook can sign with your secrets, so it is not pickled or copied: create another one")
