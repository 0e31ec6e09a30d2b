"""What all adapters have in common: which webhook they use, what they answer, what they log. It verifies nothing."""

from __future__ import annotations

import logging

from ._headers import SVIX_HEADERS, DeliveryHeaders, parse_headers
from ._webhook import Webhook
from .errors import (
    BodyConsumedError,
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    WebhookError,
    WebhookVerificationError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ._headers import Headers
    from .events import Event

MAX_BODY = 1_048_576  # bytes; Clerk's deliveries are a few thousand
BODY_TIMEOUT = 10.0  # seconds; the sender itself gives up after 15

#: The same for every refusal: what was wrong is for the log, not for whoever tries.
REFUSAL = {"detail": "webhook refused"}

_WSGI_KEYS = [(name, "HTTP_" + name.upper().replace("-", "_")) for name in SVIX_HEADERS]  # PEP 3333
_logger = logging.getLogger("clerk_webhook_verify")


def resolve(webhook: object, usage: str) -> Webhook:
    """The webhook that a decorator was given, or the environment's.

    Args:
        webhook: A :class:`Webhook` or None.
        usage: The line that would be right, for the error's text.
    Raises:
        TypeError: It is something else: a view, since the parentheses were forgotten, or a secret.
        InvalidSecretError: It is None, and the environment has no secret.
    """
    if webhook is None:
        return Webhook()
    if not isinstance(webhook, Webhook):
        kind = "a function: the parentheses are missing" if callable(webhook) else f"a {type(webhook).__name__}"
        raise TypeError(f"webhook must be a Webhook or None, not {kind}; write {usage}")
    return webhook


def status_of(error: WebhookError) -> int:
    """The HTTP status that answers *error*: 4xx is the sender's fault, 500 ours."""
    if isinstance(error, BodyTooLargeError):
        return 413
    if isinstance(error, BodyTimeoutError):
        return 408
    return 400 if isinstance(error, WebhookVerificationError) else 500


def check_complete(body: bytes, declared: int | None, consumer: str | None) -> None:
    """Pass a body that is as long as the request declared.

    Args:
        body: What the framework handed over.
        declared: The declared length; None where there is none.
        consumer: What has taken the body away if there is nothing of it, for the error's text; None is the sender.
    Raises:
        BodyConsumedError: There is nothing of it, so something else in the application has had it.
        BodyIncompleteError: There is less of it.
    """
    if declared and not body and consumer:
        raise BodyConsumedError(f"the body is empty, but Content-Length says otherwise: {consumer}")
    if declared is not None and len(body) < declared:
        raise BodyIncompleteError(len(body), declared)


def wsgi_headers(environ: Mapping[str, Any]) -> dict[str, str] | None:
    """The ``svix-*`` headers of a WSGI request where all are there: then they decide, whatever else was sent.

    A framework's own header object writes every name anew: "served" in the benchmark.
    """
    try:
        return {name: environ[key] for name, key in _WSGI_KEYS}
    except KeyError:
        return None


def verified_event(webhook: Webhook, headers: Headers, read_body: Callable[[], bytes]) -> Event:
    """Verify a request and log what came of it. The body is read when the headers have their form, and not before.

    Raises:
        WebhookError: What :meth:`Webhook.verify` or *read_body* raised.
    """
    try:
        own_headers = DeliveryHeaders(parse_headers(headers))
        event = webhook.verify(own_headers, read_body())
    except WebhookError as error:
        log_refused(error, webhook)
        raise
    log_verified(event)
    return event


def log_refused(error: WebhookError, webhook: Webhook | None) -> None:
    """Log what keeps a request from being verified.

    The record has ``code``, ``message_id``, ``skew`` and ``fingerprints`` as attributes, for metrics.
    """
    facts = {
        "code": error.code,
        "message_id": error.message_id,
        "skew": getattr(error, "skew", None),
        "fingerprints": webhook.fingerprints if webhook else (),
    }
    level = logging.WARNING if isinstance(error, WebhookVerificationError) else logging.ERROR
    _logger.log(level, "refused a delivery: %s: %s; message id %r", error.code, error, error.message_id, extra=facts)


def log_verified(event: Event) -> None:
    """Log a verified delivery, with ``event_type``, ``message_id`` and ``fingerprint`` as attributes of the record."""
    if _logger.isEnabledFor(logging.INFO):
        fingerprint = event.delivery.secret_fingerprint
        facts = {"event_type": event.type, "message_id": event.message_id, "fingerprint": fingerprint}
        _logger.info("verified %r, message id %r, secret %s", event.type, event.message_id, fingerprint, extra=facts)
