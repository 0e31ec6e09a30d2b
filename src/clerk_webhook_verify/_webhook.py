"""Webhook: the order of the checks and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from hmac import compare_digest

from ._body import body_bytes
from ._delivery import Delivery, verified_delivery
from ._headers import is_message_id, parse_headers
from ._secret import parse_secrets
from ._signature import Signer, is_candidate
from ._timestamp import LATEST, age_error, check_now, parse_tolerance
from .errors import SignatureMismatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta
    from typing import NoReturn

    from ._body import Body
    from ._headers import Headers
    from ._secret import Secret
    from .events import Event


def verify(
    headers: Headers,
    body: Body,
    *,
    secret: Secret | None = None,
    tolerance: float | timedelta = 300,
    clock: Callable[[], float] | None = None,
) -> Event:
    """Verify one delivery and read its event.

    Args:
        headers: All headers of the request.
        body: The raw body, byte for byte as it arrived.
        secret: The endpoint's signing secret (``whsec_...``), or several while they rotate; None reads the environment
            variable ``CLERK_WEBHOOK_SIGNING_SECRET``, then ``CLERK_WEBHOOK_SECRET``.
        tolerance: Seconds, or a timedelta, that the signed timestamp may lie from now, in both directions.
        clock: Returns now in Unix seconds; None is this machine's clock.
    Returns:
        The event: a class of :mod:`.events` for the types that are known, else :class:`UnknownEvent`.
    Raises:
        WebhookVerificationError: The request is refused: answer 400.
        InvalidSecretError: The application has no usable secret: answer 500.
        TypeError, ValueError: A programmer's mistake; says what to do.

    Source: Standard Webhooks, "Verifying webhook authenticity"; Clerk, "Sync Clerk data to your app with webhooks".
    """
    try:
        webhook = Webhook(secret, tolerance=tolerance, clock=clock)
    finally:
        del secret  # error trackers record the locals of every frame on a traceback
    return webhook.verify(headers, body)


class Webhook:
    """One endpoint's secrets, tolerance and clock: make it once, use it for every request, from any thread.

    Args and errors are those of :func:`verify`.
    """

    # Error trackers call repr() on a webhook whose secret was refused, too
    _signers: tuple[Signer, ...] = ()
    _tolerance: float = 0
    _clock: Callable[[], float]

    def __init__(
        self,
        secret: Secret | None = None,
        *,
        tolerance: float | timedelta = 300,
        clock: Callable[[], float] | None = None,
    ) -> None:
        try:
            signers = tuple(map(Signer, parse_secrets(secret)))
        finally:
            del secret  # error trackers record the locals of every frame on a traceback
        if clock is not None and not callable(clock):
            raise TypeError(f"clock must be a callable that returns Unix seconds, not {type(clock).__name__}")
        clock = time.time if clock is None else clock
        vars(self).update(_signers=signers, _tolerance=parse_tolerance(tolerance), _clock=clock)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """One a secret, in order: tells two apart in a log, recovers neither."""
        return tuple(signer.fingerprint for signer in self._signers)

    def check_headers(self, headers: Headers) -> None:
        """Pass headers whose form is right. It proves nothing: a receiver calls it before it reads the body.

        Raises:
            MissingHeaderError, MalformedHeaderError: As :meth:`verify` would.
        """
        parse_headers(headers)

    def verify(self, headers: Headers, body: Body) -> Event:
        """``verify_signature(headers, body).parse()``."""
        return self.verify_signature(headers, body).parse()

    def verify_signature(self, headers: Headers, body: Body) -> Delivery:
        """Verify authenticity and age. The body is not parsed.

        Args:
            headers: All headers of the request.
            body: The raw body, byte for byte as it arrived.
        Returns:
            The delivery: what was signed, and with which secret.
        Raises:
            WebhookVerificationError: The request is refused: a header is missing or malformed, no signature fits, or,
                of a genuine delivery, the timestamp lies too far from now.
            TypeError: *headers* or *body* is of a wrong type, or they are swapped.
        """
        signed = body if isinstance(body, bytes) else body_bytes(body, headers)
        message_id, timestamp, signatures = parse_headers(headers)
        prefix = f"{message_id}.{timestamp}.".encode()
        entries = signatures.split(" ")
        matching, expected = None, ""
        for signer in self._signers:
            expected = signer.sign(prefix, signed)
            for entry in entries:  # all of them, each whole: no early exit, and the one canonical text counts
                if compare_digest(entry, expected) and matching is None:
                    matching = signer
        del expected  # for the reason given in verify()
        if matching is None:
            raise SignatureMismatchError(sum(map(is_candidate, entries)), len(self._signers), message_id)
        seconds, now = int(timestamp), self._clock()
        skew = seconds - (now if type(now) is float else check_now(now))
        if not abs(skew) <= self._tolerance:  # not >, which NaN would pass
            raise age_error(skew, self._tolerance, message_id)
        return verified_delivery(message_id, seconds, signed, matching.fingerprint)

    def sign(self, message_id: str, timestamp: int, body: Body) -> str:
        """The signature of a delivery under the first secret, as it stands in the ``svix-signature`` header.

        Args:
            message_id: 1 to 256 printable ASCII characters without comma and dot.
            timestamp: Unix seconds.
            body: The raw body.
        Raises:
            TypeError, ValueError: :meth:`verify` would refuse it.
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
        """The three ``svix-*`` headers of a delivery of *body*, under the first secret.

        Args:
            body: The raw body. Send exactly these bytes.
            message_id: None makes a fresh one.
            timestamp: Unix seconds; None is now, by this webhook's clock.
        Raises:
            TypeError, ValueError: :meth:`verify` would refuse it.
        """
        if message_id is None:
            message_id = "msg_" + os.urandom(16).hex()
        if timestamp is None:
            timestamp = int(check_now(self._clock()))
        signature = self.sign(message_id, timestamp, body)
        return {"svix-id": message_id, "svix-timestamp": str(timestamp), "svix-signature": signature}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(fingerprints={self.fingerprints!r}, tolerance={self._tolerance:g})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Webhook is immutable: make another one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Webhook is immutable: make another one")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Webhook holds what signs for your secrets, so it is not pickled or copied: make another one")
