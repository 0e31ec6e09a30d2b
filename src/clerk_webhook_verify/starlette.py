"""Starlette: ``event = await verify_request(request, webhook)`` in an endpoint, or ``@clerk_webhook()`` on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ._headers import declared_length
from ._receiver import (
    BODY_TIMEOUT,
    MAX_BODY,
    REJECTION,
    check_complete,
    log_rejected,
    log_verified,
    resolve_webhook,
    status_code_for,
)
from ._webhook import Webhook
from .errors import (
    BodyConsumedError,
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    InvalidPayloadError,
    SignatureMismatchError,
    TimestampError,
    WebhookError,
)
from .events import AnyEvent

Handler = Callable[[Request, AnyEvent], Response | Awaitable[Response | None] | None]
Endpoint = Callable[[Request], Awaitable[Response]]


async def verify_request(
    request: Request, webhook: Webhook, *, max_body: int = MAX_BODY, body_timeout: float | None = None
) -> AnyEvent:
    """Verify *request*.

    Args:
        request: Of Starlette, FastAPI or another framework based on Starlette.
        webhook: Has the secrets.
        max_body: The maximum length of the body, in bytes.
        body_timeout: Seconds until the complete body must have arrived; None waits as long as the server does.
    Returns:
        The event. ``await request.body()`` and ``await request.json()`` work afterwards.
    Raises:
        WebhookVerificationError: The request is rejected; ``BodyTooLargeError``, ``BodyIncompleteError`` and
            ``BodyTimeoutError`` included.
        BodyConsumedError: The application has already read the body.
    """
    try:
        webhook.check_headers(request.headers)
        body = await _read_body(request, max_body, body_timeout)
        event = webhook.verify(request.headers, body)
    except WebhookError as error:
        log_rejected(error, webhook)
        raise
    log_verified(event)
    return event


def clerk_webhook(
    webhook: Webhook | None = None, *, max_body: int = MAX_BODY, body_timeout: float = BODY_TIMEOUT
) -> Callable[[Handler], Endpoint]:
    """Make an endpoint of ``handler(request, event)``, which is called only with verified events.

    The handler returns a response, or None for 204; a plain ``def`` runs in the thread pool. The endpoint responds 400
    to a rejected request (413 if the body is too long, 408 if it does not arrive in time), 500 to an application error
    and 405 to methods other than POST. Exceptions of the handler are left to Starlette.

    Args:
        webhook: Has the secrets; None reads the environment, now and not at the first request.
        max_body: The maximum length of the body, in bytes.
        body_timeout: Seconds until the complete body must have arrived.
    Returns:
        The decorator.
    Raises:
        InvalidSecretError: *webhook* is None, and the environment has no usable secret.
        TypeError: *webhook* is something else: a function, since the parentheses are missing, or a secret.
    """
    checked = resolve_webhook(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")

    def decorate(handler: Handler) -> Endpoint:
        is_async = iscoroutinefunction(handler)

        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            if request.method != "POST":
                return Response(status_code=405, headers={"allow": "POST"})
            try:
                event = await verify_request(request, checked, max_body=max_body, body_timeout=body_timeout)
            except WebhookError as error:
                return JSONResponse(REJECTION, status_code_for(error), rejection_headers(request, error))
            pending: Any = handler(request, event) if is_async else run_in_threadpool(handler, request, event)
            response = await pending
            return Response(status_code=204) if response is None else response

        return endpoint

    return decorate


def rejection_headers(request: Request, error: WebhookError) -> dict[str, str]:
    """Return the headers of the response to a rejected request.

    They make the server close an HTTP/1 connection unless *error* means that the body was read: to reuse the
    connection, the server would have to read the rest of a body that nothing needs.
    """
    was_read = isinstance(error, (SignatureMismatchError, TimestampError, InvalidPayloadError))
    is_http_1 = request.scope.get("http_version", "").startswith("1")
    return {"connection": "close"} if is_http_1 and not was_read else {}


async def _read_body(request: Request, max_body: int, timeout: float | None) -> bytes:
    declared = declared_length(request.headers.get("content-length"))
    if declared is not None and declared > max_body:
        raise BodyTooLargeError(max_body)
    body = await _read_in_time(request, max_body, declared, timeout)
    check_complete(body, declared, "a middleware read it and passed nothing on")
    request._body = body  # private, but the only way to keep request.body() and request.json() working afterwards
    return body


async def _read_in_time(request: Request, max_body: int, declared: int | None, timeout: float | None) -> bytes:
    if timeout is None:
        return await _read_stream(request, max_body, declared)
    with anyio.move_on_after(timeout):
        return await _read_stream(request, max_body, declared)
    raise BodyTimeoutError(timeout)


async def _read_stream(request: Request, max_body: int, declared: int | None) -> bytes:
    body = bytearray()
    try:
        async with aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > max_body:
                    raise BodyTooLargeError(max_body)
    except ClientDisconnect:
        raise BodyIncompleteError(len(body), declared) from None
    except RuntimeError as error:  # request.stream() or request.form() was read before
        raise BodyConsumedError(
            f"the body cannot be read ({error}): verify before request.stream() and request.form(), "
            "or use request.body() or request.json() instead"
        ) from error
    return bytes(body)
