"""AWS Lambda behind API Gateway (v1 and v2), a function URL, a load balancer or VPC Lattice (v1 and v2)."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol, TypeVar, overload

from ._callables import is_async
from ._frames import forget_on_error
from ._handler import bind, checked_handler, status_code_of
from ._receiver import (
    MAX_BODY,
    REJECTION,
    OnRejected,
    check_length,
    check_options,
    receive_delivery,
    receive_event,
    resolve_webhook,
    status_code_for,
)
from ._webhook import Webhook
from .errors import BodyConsumedError, BodyIncompleteError, WebhookError
from .events import AnyEvent, Delivery
from .routing import Router

__all__ = ["clerk_webhook", "verify_delivery", "verify_request"]

S = TypeVar("S")


class Decorator(Protocol):
    """What :func:`clerk_webhook` returns."""

    @overload
    def __call__(
        self, handler: Callable[[AnyEvent, Any], Any] | Router, /
    ) -> Callable[[Mapping[str, Any], Any], Any]: ...
    @overload
    def __call__(self, handler: Callable[[S, AnyEvent, Any], Any], /) -> Callable[[S, Mapping[str, Any], Any], Any]: ...


@forget_on_error
def verify_request(lambda_event: Mapping[str, Any], webhook: Webhook, *, max_body: int = MAX_BODY) -> AnyEvent:
    """Verify the request in a Lambda event.

    Args:
        lambda_event: As Lambda passes it. ``multiValueHeaders`` take precedence over ``headers``.
        webhook: Contains the secrets.
        max_body: The maximum length of the body, in bytes; Lambda has already read it.
    Returns:
        The event.
    Raises:
        WebhookVerificationError: The request is rejected, or its body too long or not base64.
        BodyConsumedError: The integration passes an object instead of a string as body.
        TypeError: *webhook* is not a Webhook.
    """
    return receive_event(webhook, _headers(lambda_event), lambda: _body(lambda_event, max_body))


@forget_on_error
def verify_delivery(lambda_event: Mapping[str, Any], webhook: Webhook, *, max_body: int = MAX_BODY) -> Delivery:
    """Verify the request as :func:`verify_request` does, but do not parse the body into an event."""
    return receive_delivery(webhook, _headers(lambda_event), lambda: _body(lambda_event, max_body))


@forget_on_error
def clerk_webhook(
    webhook: Webhook | None = None,
    *,
    max_body: int = MAX_BODY,
    methods: tuple[str, ...] | list[str] = ("POST",),
    on_rejected: OnRejected | None = None,
) -> Decorator:
    """Turn ``handler(event, context)`` into a Lambda handler that calls it only with verified events.

    The handler may be a method or a ``Router``. It returns an ``Outcome``, None for 204, or any value for Lambda. A
    rejected request gets 400 (413 if the body is too long), an application error 500, another method 405.

    Args:
        webhook: Contains the secrets; None reads the environment when the decorator is created.
        max_body: As for :func:`verify_request`.
        methods: The accepted methods.
        on_rejected: A plain function, called with each :class:`.RejectedRequest` before the response. Its exceptions
            are only logged.
    Returns:
        The decorator. It raises a ``TypeError`` if the handler is ``async def``, which Lambda does not await, or has
        other parameters or another order.
    Raises:
        InvalidSecretError: *webhook* is None, and the environment has no valid secret.
        TypeError: An argument has the wrong type, such as a secret as *webhook*, or the parentheses are missing.
        ValueError: *methods* is empty, or has an invalid name.
    """
    checked = resolve_webhook(webhook)
    accepted = check_options(on_rejected, methods)

    def decorate(handler: Any) -> Any:
        if isinstance(handler, classmethod):
            return classmethod(decorate(handler.__func__))
        handler = checked_handler(handler, ["event", "context"])
        if is_async(handler):
            raise TypeError("Lambda does not await an async handler: write def handler(event, context)")

        @wraps(handler)
        def handle(*args: Any) -> Any:
            *owner, lambda_event, context = args  # owner: the self or cls of a method
            method = (
                _get(lambda_event, "httpMethod")
                or _get(lambda_event, "method")  # VPC Lattice
                or _get(lambda_event, "requestContext", "http", "method")
            )
            if method and method not in accepted:
                return {"statusCode": 405, "headers": {"allow": ", ".join(accepted)}, "body": ""}
            try:
                event = receive_event(
                    checked, _headers(lambda_event), lambda: _body(lambda_event, max_body), on_rejected
                )
            except WebhookError as error:
                headers = {"content-type": "application/json"}
                return {"statusCode": status_code_for(error), "headers": headers, "body": json.dumps(REJECTION)}
            returned = bind(handler, *owner)(event, context)
            status = status_code_of(returned)
            return returned if status is None else {"statusCode": status, "body": ""}

        return handle

    return decorate


def _get(value: Any, *keys: str) -> Any:
    """Return ``value[key][key]``; None if there is no such mapping."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _headers(lambda_event: object) -> list[tuple[str, str]]:
    given = _get(lambda_event, "multiValueHeaders") or _get(lambda_event, "headers")
    return [
        (str(name), str(value))
        for name, values in (given.items() if isinstance(given, Mapping) else ())
        for value in (values if isinstance(values, list | tuple) else [values])
        if value is not None
    ]


def _body(lambda_event: Mapping[str, Any], max_body: int) -> bytes:
    text = lambda_event.get("body")
    if text is None:
        text = ""
    if not isinstance(text, str):
        raise BodyConsumedError(
            f"the body in the Lambda event must be a string, not {type(text).__name__}: the integration must pass the "
            "complete HTTP request unchanged"
        )
    body = text.encode("utf-8", "surrogatepass")
    if lambda_event.get("isBase64Encoded") or lambda_event.get("is_base64_encoded"):  # the latter from VPC Lattice v1
        try:
            body = b64decode(text, validate=True)
        except ValueError:
            raise BodyIncompleteError(
                problem="isBase64Encoded is true, but the body in the Lambda event is not base64: pass it unchanged"
            ) from None
    check_length(body, None, max_body)
    return body
