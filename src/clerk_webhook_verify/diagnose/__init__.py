"""Explain why a delivery was rejected. It never changes the verdict.

The strict check runs first. Only if it rejects the delivery, the probes of :data:`.causes.CAUSES` run in order: most of
them undo one change that often happens in transit, and the cause is confirmed if the signature then matches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from .._body import Body, body_bytes
from .._frames import forget_on_error
from .._headers import Headers, parse_headers
from .._payload import TRANSFORMATION
from .._secret import Secret, parse_secrets
from .._signature import Signer
from .._webhook import Webhook
from ..errors import (
    InvalidPayloadError,
    InvalidSecretError,
    SignatureMismatchError,
    TimestampError,
    WebhookError,
    WebhookVerificationError,
)
from ..events import Delivery
from ._cause import CONFIDENCES, Cause, Finding
from ._delivery import Budget, RejectedDelivery, header_pairs, secret_texts, unread_secret_texts
from .causes import CAUSES

#: https://docs.svix.com/transformations
_SWITCH_OFF = (
    " before it was signed: switch it off (Webhooks, the endpoint, Advanced, Transformations), or read the result with "
    "Webhook.verify_signature"
)


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
    """What was found, also if a valid delivery is not an event. Never contains the secret, the expected signature or
    the body."""

    fix: str = ""
    """What to do; empty if the delivery is valid."""

    ruled_out: tuple[str, ...] = ()
    """The codes of the causes that were tried and do not explain it."""

    not_tried: tuple[str, ...] = ()
    """The codes of those that were not tried, or not completely, for lack of time (see *budget*) or memory."""


@forget_on_error
def diagnose(
    headers: Headers,
    body: Body,
    *,
    secret: Secret | None = None,
    tolerance: float | timedelta = 300,
    clock: Callable[[], float] | None = None,
    attempts: Iterable[tuple[str, str]] = (),
    budget: float = 1,
    timer: Callable[[], float] | None = None,
) -> Diagnosis:
    """Explain why a delivery is rejected.

    This takes a little more than *budget* seconds, and limited memory: use it on a debug page, in a test or on the
    command line, not in the request path.

    Args:
        headers: All headers of the request.
        body: The body as your code has it. The diagnosis finds out how it was changed.
        secret: As in :func:`clerk_webhook_verify.verify`.
        tolerance: Seconds, or a timedelta.
        clock: Returns the current time in Unix seconds; None is this machine's clock.
        attempts: The message ids and timestamps of other deliveries, which may have been mixed up with this one.
        budget: How many seconds all probes together may take.
        timer: Measures that time in seconds; None is ``time.monotonic``.
    Returns:
        The diagnosis. An invalid secret is a cause too, ``wrong_secret``.
    Raises:
        InvalidSecretError: There is no secret.
        TypeError, ValueError: A bug in the calling code, as in ``verify``.
    """
    signed = body_bytes(body, headers)
    headers = list(headers) if isinstance(headers, Iterator) else headers  # they are read more than once
    secret = tuple(secret) if isinstance(secret, Iterator) else secret
    shared_budget = Budget(budget, time.monotonic if timer is None else timer)
    signers: tuple[Signer, ...] = ()
    rejection: WebhookError
    try:
        webhook = Webhook(secret, tolerance=tolerance, clock=clock)
        signers = tuple(map(Signer, parse_secrets(secret)))
        verified = webhook.verify_signature(headers, signed)
        return Diagnosis(valid=True, evidence=_evidence_of_validity(verified, webhook.fingerprints))
    except InvalidSecretError as error:
        if not secret_texts(secret) and not unread_secret_texts(secret):
            raise
        with suppress(WebhookVerificationError):
            parse_headers(headers)  # a TypeError if they are not headers
        rejection = error
    except WebhookVerificationError as error:
        rejection = error
    return _explain(
        RejectedDelivery(
            rejection,
            header_pairs(headers),
            signed,
            shared_budget,
            secrets=secret_texts(secret),
            unread_secrets=unread_secret_texts(secret),
            signers=signers,
            attempts=attempts,
        )
    )


def _evidence_of_validity(delivery: Delivery, fingerprints: tuple[str, ...]) -> str:
    which = ""
    if len(fingerprints) > 1:
        which = f" {_place(fingerprints.index(delivery.secret_fingerprint), fingerprints)},"
    evidence = f"the signature matches{which} and the timestamp is current"
    try:
        delivery.parse()
    except InvalidPayloadError as error:
        advice = _SWITCH_OFF if error.problem.endswith(TRANSFORMATION) else ""
        return f"{evidence}, but {error}{advice}"
    return evidence


def _place(index: int, fingerprints: tuple[str, ...]) -> str:
    return f"secret {index + 1} of {len(fingerprints)}, fingerprint {fingerprints[index]}"


def _explain(delivery: RejectedDelivery) -> Diagnosis:
    """Probe in order the causes that can explain the error, up to the first confirmed one."""
    findings: list[tuple[Cause, Finding]] = []
    ruled_out: list[str] = []
    not_tried: list[str] = []
    for cause in CAUSES:
        if not isinstance(delivery.error, cause.explains):
            continue
        delivery.budget.declined = False
        finding = cause.probe(delivery)
        if finding is None:
            (not_tried if delivery.budget.declined else ruled_out).append(cause.code)
            continue
        findings.append((cause, finding))
        if finding.confidence == "confirmed":
            break
    cause, finding = min(findings, key=lambda found: CONFIDENCES.index(found[1].confidence))
    incomplete = "; not everything could be tried" if not_tried and finding.confidence == "by_elimination" else ""
    return Diagnosis(
        valid=False,
        cause=cause.code,
        confidence=finding.confidence,
        evidence=f"{finding.evidence}{_which_secret(delivery)}{incomplete}",
        fix=cause.fix,
        ruled_out=_ruled_out(delivery.error, ruled_out),
        not_tried=tuple(not_tried),
    )


def _which_secret(delivery: RejectedDelivery) -> str:
    """Return which of several secrets the signature matches."""
    if isinstance(delivery.error, TimestampError):
        delivery.matches()
    signers = delivery.signers
    if delivery.matching_signer is None or len(signers) == 1:
        return ""
    place = _place(signers.index(delivery.matching_signer), tuple(signer.fingerprint for signer in signers))
    return f"; it matches {place}"


def _ruled_out(error: WebhookError, tried: list[str]) -> tuple[str, ...]:
    """Return the causes that are ruled out, given those that were tried in vain."""
    if isinstance(error, TimestampError):  # the signature matches, so nothing else can be the cause
        return tuple(
            cause.code for cause in CAUSES if not any(issubclass(each, TimestampError) for each in cause.explains)
        )
    if isinstance(error, SignatureMismatchError):
        return tuple(tried)
    return ()  # the strict check itself names the fault
