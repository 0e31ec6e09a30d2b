"""AWS Lambda behind API Gateway (v1 and v2), a function URL or a load balancer."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any

from ._receiver import MAX_BODY, REJECTION, receive_event, resolve_webhook, status_code_for
from ._webhook import Webhook
from .errors import BodyTooLargeError, WebhookError
from .events import AnyEvent

Handler = Callable[[AnyEvent, Any], Any]
LambdaHandler = Callable[[Mapping[str, Any], Any], Any]


def verify_request(lambda_event: Mapping[str, Any], webhook: Webhook, *, max_body: int = MAX_BODY) -> AnyEvent:
    """Verify the request in a Lambda event.

    Args:
        lambda_event: As Lambda passes it. If it has ``multiValueHeaders``, these are verified.
        webhook: Has the secrets.
        max_body: The maximum length of the body, in bytes; Lambda has already read it.
    Returns:
        The event.
    Raises:
        WebhookVerificationError: The request is rejected; ``BodyTooLargeError`` included.
    """
    return receive_event(webhook, _headers(lambda_event), lambda: _body(lambda_event, max_body))


def clerk_webhook(webhook: Webhook | None = None, *, max_body: int = MAX_BODY) -> Callable[[Handler], LambdaHandler]:
    """Make a Lambda handler of ``handler(event, context)``, which is called only with verified events.

    It responds 400 to a rejected request (413 if the body is too long), 405 to methods other than POST, and 204 if
    *handler* returns None; other values that it returns are passed on to Lambda.

    Args:
        webhook: Has the secrets; None reads the environment, now and not at the first request.
        max_body: The maximum length of the body, in bytes.
    Returns:
        The decorator.
    Raises:
        InvalidSecretError: *webhook* is None, and the environment has no usable secret.
        TypeError: *webhook* is something else: a function, since the parentheses are missing, or a secret.
    """
    checked = resolve_webhook(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")

    def decorate(handler: Handler) -> LambdaHandler:
        @wraps(handler)
        def handle(lambda_event: Mapping[str, Any], context: Any) -> Any:
            if _method(lambda_event) != "POST":
                return {"statusCode": 405, "headers": {"allow": "POST"}, "body": ""}
            try:
                event = verify_request(lambda_event, checked, max_body=max_body)
            except WebhookError as error:
                headers = {"content-type": "application/json"}
                return {"statusCode": status_code_for(error), "headers": headers, "body": json.dumps(REJECTION)}
            response = handler(event, context)
            return {"statusCode": 204, "body": ""} if response is None else response

        return handle

    return decorate


def _method(lambda_event: Mapping[str, Any]) -> str:
    context = lambda_event.get("requestContext") or {}
    http = context.get("http") or {}
    return lambda_event.get("httpMethod") or http.get("method") or "POST"


def _headers(lambda_event: Mapping[str, Any]) -> list[tuple[str, str]]:
    repeated = lambda_event.get("multiValueHeaders")
    if repeated:
        return [(name, value) for name, values in repeated.items() for value in values or ()]
    return list((lambda_event.get("headers") or {}).items())


def _body(lambda_event: Mapping[str, Any], max_body: int) -> bytes:
    text: str = lambda_event.get("body") or ""
    body = text.encode("utf-8", "surrogatepass")
    if lambda_event.get("isBase64Encoded"):
        with suppress(ValueError):  # invalid base64 is left unchanged, and no signature matches it
            body = b64decode(text, validate=True)
    if len(body) > max_body:
        raise BodyTooLargeError(max_body)
    return body
