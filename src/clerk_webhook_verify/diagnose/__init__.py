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
from typing import get_args

from .._frames import forget_on_error
from .._headers import Headers, parse_headers
from .._payload import TRANSFORMATION, Body, body_bytes
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
from ._probe import Budget, Cause, Confidence, Finding, RejectedDelivery, header_pairs, secret_texts
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
    """Whether ``Webhook.verify_signature`` accepts the delivery. If so, it has no cause, confidence or fix."""

    cause: str | None = None
    """A stable code."""

    confidence: str | None = None
    """``confirmed``, ``likely`` or ``by_elimination`` (nothing else explains it)."""

    evidence: str = ""
    """What was found, also if a valid delivery is not an event. Contains no secret, expected signature or body."""

    fix: str = ""
    """What to do."""

    ruled_out: tuple[str, ...] = ()
    """The codes of the causes that were tried and do not explain it."""

    not_tried: tuple[str, ...] = ()
    """The codes of those that were not tried completely, for lack of time (see *budget*) or memory."""


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
        body: The body as your code has it.
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
    try:
        webhook = Webhook(secret, tolerance=tolerance, clock=clock)
        signers = tuple(map(Signer, parse_secrets(secret)))
        return _valid(webhook.verify_signature(headers, signed), webhook.fingerprints)
    except WebhookError as error:
        rejection = error
    secrets, unread_secrets = secret_texts(secret)
    if isinstance(rejection, InvalidSecretError):
        if not secrets and not unread_secrets:
            raise rejection
        with suppress(WebhookVerificationError):
            parse_headers(headers)  # a TypeError if they are not headers
    pairs = header_pairs(headers)
    return _explain(
        RejectedDelivery(rejection, pairs, signed, shared_budget, secrets, unread_secrets, signers, tuple(attempts))
    )


def _valid(delivery: Delivery, fingerprints: tuple[str, ...]) -> Diagnosis:
    which = f" {_place(delivery.secret_fingerprint, fingerprints)}," if len(fingerprints) > 1 else ""
    evidence = f"the signature matches{which} and the timestamp is current"
    try:
        delivery.parse()
    except InvalidPayloadError as error:
        evidence += f", but {error}{_SWITCH_OFF if error.problem.endswith(TRANSFORMATION) else ''}"
    return Diagnosis(valid=True, evidence=evidence)


def _place(fingerprint: str, fingerprints: tuple[str, ...]) -> str:
    return f"secret {fingerprints.index(fingerprint) + 1} of {len(fingerprints)}, fingerprint {fingerprint}"


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
    cause, finding = min(findings, key=lambda found: get_args(Confidence).index(found[1].confidence))
    evidence = finding.evidence
    if isinstance(delivery.error, TimestampError):
        delivery.matches()  # finds which secret
        ruled_out = [other.code for other in CAUSES if not issubclass(other.explains[0], TimestampError)]
    elif not isinstance(delivery.error, SignatureMismatchError):
        ruled_out = []  # the strict check itself names the fault
    if delivery.matching_signer and len(delivery.signers) > 1:
        fingerprints = tuple(signer.fingerprint for signer in delivery.signers)
        evidence += f"; it matches {_place(delivery.matching_signer.fingerprint, fingerprints)}"
    if not_tried and finding.confidence == "by_elimination":
        evidence += "; not everything could be tried"
    return Diagnosis(False, cause.code, finding.confidence, evidence, cause.fix, tuple(ruled_out), tuple(not_tried))
