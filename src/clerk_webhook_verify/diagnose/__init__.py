"""Explain why a delivery was rejected. It never changes the verdict.

The strict check runs first. Only if it rejects the delivery, the probes of :data:`.causes.CAUSES` run in order: most of
them undo one change that often happens in transit, and the cause is confirmed if the signature then matches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from .._body import Body, body_bytes
from .._headers import Headers, parse_headers
from .._secret import Secret, parse_secrets
from .._signature import Signer
from .._webhook import Webhook
from ..errors import (
    InvalidSecretError,
    SignatureMismatchError,
    TimestampError,
    WebhookError,
    WebhookVerificationError,
)
from ._cause import CONFIDENCES, Cause, Finding
from ._delivery import RejectedDelivery, header_pairs, secret_texts
from .causes import CAUSES


@dataclass(frozen=True)
class Diagnosis:
    """Why a delivery was rejected, how sure that is, and how to fix it."""

    valid: bool
    """Whether ``Webhook.verify_signature`` accepts the delivery."""

    cause: str | None = None
    """A stable code; None if the delivery is valid."""

    confidence: str | None = None
    """``confirmed``, ``likely`` or ``by_elimination`` (nothing else explains it); None if the delivery is valid."""

    evidence: str = ""
    """What was found. Never contains the secret, the expected signature or the body."""

    fix: str = ""
    """What to do; empty if the delivery is valid."""

    ruled_out: tuple[str, ...] = ()
    """The codes of the causes that were tried and do not explain it."""


def diagnose(
    headers: Headers,
    body: Body,
    *,
    secret: Secret | None = None,
    tolerance: float | timedelta = 300,
    clock: Callable[[], float] | None = None,
    attempts: Iterable[tuple[str, str]] = (),
) -> Diagnosis:
    """Explain why a delivery is rejected.

    This takes up to a few tenths of a second: use it on a debug page, in a test or on the command line, not in the
    request path.

    Args:
        headers: All headers of the request.
        body: The body as your code has it. The diagnosis finds out how it was changed.
        secret: As in :func:`clerk_webhook_verify.verify`.
        tolerance: Seconds, or a timedelta.
        clock: Returns the current time in Unix seconds; None is this machine's clock.
        attempts: The message ids and timestamps of other deliveries, which may have been mixed up with this one.
    Returns:
        The diagnosis. An invalid secret is a cause too, ``wrong_secret``.
    Raises:
        InvalidSecretError: There is no secret.
        TypeError, ValueError: A bug in the calling code, as in ``verify``.
    """
    signed = body_bytes(body, headers)
    headers = list(headers) if isinstance(headers, Iterator) else headers  # they are read more than once
    secret = tuple(secret) if isinstance(secret, Iterator) else secret
    try:
        webhook = Webhook(secret, tolerance=tolerance, clock=clock)
    except InvalidSecretError as error:
        texts = secret_texts(secret)
        if not texts:
            raise
        with suppress(WebhookVerificationError):
            parse_headers(headers)  # a TypeError if they are not headers
        return _explain(RejectedDelivery(error, header_pairs(headers), signed, secrets=texts))
    try:
        webhook.verify_signature(headers, signed)
    except WebhookVerificationError as error:
        return _explain(
            RejectedDelivery(
                error,
                header_pairs(headers),
                signed,
                secrets=secret_texts(secret),
                signers=tuple(map(Signer, parse_secrets(secret))),
                attempts=tuple(attempts),
            )
        )
    return Diagnosis(valid=True, evidence="the signature matches and the timestamp is current")


def _explain(delivery: RejectedDelivery) -> Diagnosis:
    """Probe in order the causes that can explain the error, up to the first confirmed one."""
    findings: list[tuple[Cause, Finding]] = []
    tried: list[str] = []
    for cause in CAUSES:
        if not isinstance(delivery.error, cause.explains):
            continue
        finding = cause.probe(delivery)
        if finding is None:
            tried.append(cause.code)
            continue
        findings.append((cause, finding))
        if finding.confidence == "confirmed":
            break
    cause, finding = min(findings, key=lambda found: CONFIDENCES.index(found[1].confidence))
    return Diagnosis(
        valid=False,
        cause=cause.code,
        confidence=finding.confidence,
        evidence=finding.evidence,
        fix=cause.fix,
        ruled_out=_ruled_out(delivery.error, tried),
    )


def _ruled_out(error: WebhookError, tried: list[str]) -> tuple[str, ...]:
    """Return the causes that are ruled out, given those that were tried in vain."""
    if isinstance(error, TimestampError):  # the signature matches, so nothing else can be the cause
        return tuple(
            cause.code for cause in CAUSES if not any(issubclass(each, TimestampError) for each in cause.explains)
        )
    if isinstance(error, SignatureMismatchError):
        return tuple(tried)
    return ()  # the strict check itself names the fault
