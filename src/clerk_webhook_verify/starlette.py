"""Starlette: ``event = await verify_request(request, webhook)`` in an endpoint, or ``@clerk_webhook()`` on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from math import inf
from typing import Any

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ._door import (
    BODY_TIMEOUT,
    MAX_BODY,
    REFUSAL,
    check_complete,
    declared_length,
    delivery_headers,
    log_refused,
    log_verified,
    resolve,
    status_of,
)
from ._webhook import Webhook
from .errors import BodyConsumedError, BodyIncompleteError, BodyTimeoutError, BodyTooLargeError, WebhookError
from .events import Event


async def verify_request(
    request: Request, webhook: Webhook, *, max_body: int = MAX_BODY, body_timeout: float | None = None
) -> Event:
    """Verify *request*.

    Args:
        request: Of Starlette, FastAPI or another framework on Starlette.
        webhook: Holds the secrets.
        max_body: The most bytes to read.
        body_timeout: The most seconds to wait for the whole body; None waits as long as the server does.
    Returns:
        The event. ``await request.body()`` and ``await request.json()`` go on working.
    Raises:
        WebhookVerificationError: The request is refused; ``BodyTooLargeError``, ``BodyIncompleteError`` and
            ``BodyTimeoutError`` among them.
        BodyConsumedError: Something read the body before.
    """
    try:
        headers = delivery_headers(request.scope["headers"])
        body = await _raw_body(request, max_body, body_timeout)
        event = webhook.verify(headers, body)
    except WebhookError as error:
        log_refused(error, webhook)
        raise
    log_verified(event)
    return event


def clerk_webhook(
    webhook: Webhook | None = None, *, max_body: int = MAX_BODY, body_timeout: float = BODY_TIMEOUT
) -> Callable[
    [Callable[[Request, Event], Response | Awaitable[Response | None] | None]],
    Callable[[Request], Awaitable[Response]],
]:
    """Make an endpoint of ``handler(request, event)``; what is refused never reaches the handler.

    A refusal is answered 400 (413 for a body that is too long, 408 for one that does not arrive), a mistake of the
    application 500, another method than POST 405. A handler that returns None is answered 204. A plain function runs
    in the thread pool. The handler's errors stay Starlette's.

    Args:
        webhook: Holds the secrets; None reads the environment, now and not at the first request.
        max_body: The most bytes to read.
        body_timeout: The most seconds to wait for the whole body.
    Raises:
        InvalidSecretError: *webhook* is None and the environment has no secret.
        TypeError: *webhook* is something else: forgotten parentheses, or a secret.
    """
    checked = resolve(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")

    def decorate(
        handler: Callable[[Request, Event], Response | Awaitable[Response | None] | None],
    ) -> Callable[[Request], Awaitable[Response]]:
        is_async = iscoroutinefunction(handler)

        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            if request.method != "POST":
                return Response(status_code=405, headers={"allow": "POST"})
            try:
                event = await verify_request(request, checked, max_body=max_body, body_timeout=body_timeout)
            except WebhookError as error:
                return JSONResponse(REFUSAL, status_of(error), refusal_headers(request))
            answer: Any = handler(request, event) if is_async else run_in_threadpool(handler, request, event)
            answer = await answer
            return Response(status_code=204) if answer is None else answer

        return endpoint

    return decorate


def refusal_headers(request: Request) -> dict[str, str]:
    """What keeps a server from reading on, over HTTP/1, a body that was refused unread."""
    unread = not hasattr(request, "_body")
    return {"connection": "close"} if unread and request.scope.get("http_version", "").startswith("1") else {}


async def _raw_body(request: Request, max_body: int, body_timeout: float | None) -> bytes:
    declared = declared_length(request.headers.get("content-length"))
    if declared is not None and declared > max_body:
        raise BodyTooLargeError(max_body)
    deadline = inf if body_timeout is None else anyio.current_time() + body_timeout
    with anyio.CancelScope(deadline=deadline):
        body = await _read(request, max_body, declared)
        check_complete(body, declared, "a middleware read it and passed nothing on")
        request._body = body  # what Starlette's own body() keeps, so that it goes on working
        return body
    raise BodyTimeoutError(body_timeout or 0)  # the scope was left by its deadline


async def _read(request: Request, max_body: int, declared: int | None) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_body:
                raise BodyTooLargeError(max_body)
    except ClientDisconnect:
        raise BodyIncompleteError(len(body), declared) from None
    except RuntimeError:
        raise BodyConsumedError(
            "something read the request's stream or form before: verify first; request.body() and request.json() "
            "do no harm"
        ) from None
    return bytes(body)
