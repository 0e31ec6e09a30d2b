"""Starlette: ``event = await verify_request(request, webhook)`` in an endpoint, or ``@clerk_webhook()`` on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from functools import wraps
from inspect import isawaitable
from typing import Any, Protocol, TypeVar, overload

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ._callables import is_async
from ._frames import forget_on_error
from ._handler import Outcome, bind, checked_handler, status_code_of
from ._headers import Headers, declared_length
from ._receiver import (
    BODY_TIMEOUT,
    MAX_BODY,
    REJECTION,
    OnRejected,
    check_length,
    check_limit,
    check_options,
    check_webhook,
    is_json,
    log_rejected,
    log_verified,
    report_rejected,
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
from .events import AnyEvent, Delivery
from .routing import AsyncRouter, Router

__all__ = ["clerk_webhook", "verify_delivery", "verify_request"]

S = TypeVar("S")
T = TypeVar("T")
Result = Response | Outcome | Awaitable[Response | Outcome | None] | None

_MAX_EARLY_BODY = 4 * 1_048_576  # bytes
_MAX_PAUSE = 1.0  # seconds

_AFTER_THE_BODY = (SignatureMismatchError, TimestampError, InvalidPayloadError)
_BODY_ENDED = (BodyConsumedError, BodyIncompleteError, BodyTimeoutError)


class Decorator(Protocol):
    """What :func:`clerk_webhook` returns."""

    @overload
    def __call__(
        self, handler: Callable[[Request, AnyEvent], Result] | Router | AsyncRouter, /
    ) -> Callable[[Request], Awaitable[Response]]: ...
    @overload
    def __call__(
        self, handler: Callable[[S, Request, AnyEvent], Result], /
    ) -> Callable[[S, Request], Awaitable[Response]]: ...


@forget_on_error
async def verify_request(
    request: Request, webhook: Webhook, *, max_body: int = MAX_BODY, body_timeout: float | None = None
) -> AnyEvent:
    """Verify *request*.

    Args:
        request: From Starlette, FastAPI or another framework based on Starlette.
        webhook: Contains the secrets.
        max_body: The maximum length of the body, in bytes.
        body_timeout: Seconds until the complete body must have arrived; None waits as long as the server does.
    Returns:
        The event. ``await request.body()`` and ``await request.json()`` work afterwards.
    Raises:
        WebhookVerificationError: The request is rejected, or its body too long, incomplete or slow.
        BodyConsumedError: The application has already read the body.
        TypeError: *webhook* is not a Webhook.
    """
    return await receive_event(request, webhook, max_body, body_timeout)


@forget_on_error
async def verify_delivery(
    request: Request, webhook: Webhook, *, max_body: int = MAX_BODY, body_timeout: float | None = None
) -> Delivery:
    """Verify *request* as :func:`verify_request` does, but do not parse the body into an event."""
    delivery = await _received(
        request, webhook, lambda headers, body: webhook.verify_signature(headers, body), max_body, body_timeout
    )
    log_verified(delivery)
    return delivery


@forget_on_error
def clerk_webhook(
    webhook: Webhook | None = None,
    *,
    max_body: int = MAX_BODY,
    body_timeout: float = BODY_TIMEOUT,
    methods: tuple[str, ...] | list[str] = ("POST",),
    on_rejected: OnRejected | None = None,
) -> Decorator:
    """Turn ``handler(request, event)`` into an endpoint that calls it only with verified events.

    The handler may be a method of an endpoint class, or a router. It returns a response, an ``Outcome``, or None for
    204; a plain ``def`` runs in the thread pool. A rejected request gets 400 (413 if the body is too long, 408 if it
    does not arrive in time), an application error 500, another method 405. Starlette handles exceptions of the handler.

    Args:
        webhook: Contains the secrets; None reads the environment when the decorator is created.
        max_body: The maximum length of the body, in bytes.
        body_timeout: Seconds until it must have arrived.
        methods: The accepted methods. Pass them to ``Route`` too.
        on_rejected: A plain function, called in a thread with each :class:`.RejectedRequest` before the response. Its
            exceptions are only logged.
    Returns:
        The decorator. It raises a ``TypeError`` if the handler has other parameters or another order.
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
        handler = checked_handler(handler, ["request", "event"])
        runs_in_loop = is_async(handler)

        @wraps(handler)
        async def endpoint(*args: Any) -> Response:
            *owner, request = args  # owner: the self or cls of a method
            if request.method not in accepted:
                return Response(status_code=405, headers={"allow": ", ".join(accepted)})
            try:
                event = await receive_event(request, checked, max_body, body_timeout, on_rejected)
            except WebhookError as error:
                await drain(request, error)
                return JSONResponse(REJECTION, status_code_for(error), rejection_headers(request, error))
            function = bind(handler, *owner)
            result: Any = function(request, event) if runs_in_loop else run_in_threadpool(function, request, event)
            while isawaitable(result):  # a plain function may return a coroutine
                result = await result
            status = status_code_of(result)
            return result if status is None else Response(status_code=status)

        return endpoint

    return decorate


def rejection_headers(request: Request, error: WebhookError) -> dict[str, str]:
    """Return the response headers of a rejected request: HTTP/1 servers close the connection if the body was not read.

    To reuse the connection, the server would have to read the rest of the body.
    """
    is_http_1 = request.scope.get("http_version", "").startswith("1")
    return {"connection": "close"} if is_http_1 and not isinstance(error, _AFTER_THE_BODY) else {}


async def drain(request: Request, error: WebhookError) -> None:
    """Read the rest of the body of a request that was rejected early, before the response is sent.

    The server closes the connection after the response. A client that is still sending gets a connection reset, and may
    never read the response. Stops after 4 MB or one second without progress; reads nothing if more is declared.
    """
    declared = declared_length(request.headers.get("content-length")) or 0
    if isinstance(error, (*_AFTER_THE_BODY, *_BODY_ENDED)) or declared > _MAX_EARLY_BODY:
        return
    read = error.limit if isinstance(error, BodyTooLargeError) and not declared else 0
    with suppress(Exception), anyio.move_on_after(BODY_TIMEOUT):  # a disconnect, a pause or the end of the body
        async with aclosing(request.stream()) as chunks:
            while read < _MAX_EARLY_BODY:
                with anyio.fail_after(_MAX_PAUSE):
                    read += len(await anext(chunks))


@forget_on_error
async def receive_event(
    request: Request,
    webhook: Webhook,
    max_body: int,
    timeout: float | None,
    on_rejected: OnRejected | None = None,
) -> AnyEvent:
    """Verify *request*, and call *on_rejected*, if it is not None, in a thread with a rejected one."""
    event = await _received(
        request, webhook, lambda headers, body: webhook.verify(headers, body), max_body, timeout, on_rejected
    )
    log_verified(event.delivery, event.type)
    return event


async def _received(
    request: Request,
    webhook: Webhook,
    verify: Callable[[Headers, bytes], T],
    max_body: int,
    timeout: float | None,
    on_rejected: OnRejected | None = None,
) -> T:
    """Check the headers, read the body and verify both, as ``_receiver`` does for synchronous frameworks."""
    check_webhook(webhook)
    headers, body = request.headers.raw, None
    try:
        webhook.check_headers(headers)
        body = await _read_body(request, max_body, timeout)
        return verify(headers, body)
    except WebhookError as error:
        log_rejected(error, webhook, headers)
        if on_rejected is not None:
            await run_in_threadpool(report_rejected, on_rejected, error, headers, body)
        raise


async def _read_body(request: Request, max_body: int, timeout: float | None) -> bytes:
    declared = declared_length(request.headers.get("content-length"))
    check_limit(declared, max_body)
    body = await _read_in_time(request, max_body, declared, timeout)
    check_length(body, declared, max_body)
    request._body = body  # private, but the only way to keep request.body() and request.json() working afterwards
    return body


async def _read_in_time(request: Request, max_body: int, declared: int | None, timeout: float | None) -> bytes:
    if timeout is None:
        return await _read_stream(request, max_body, declared)
    with anyio.move_on_after(timeout):
        return await _read_stream(request, max_body, declared)
    raise BodyTimeoutError(timeout, "body_timeout")


async def _read_stream(request: Request, max_body: int, declared: int | None) -> bytes:
    body = bytearray()
    try:
        async with aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > max_body:
                    break
    except Exception as error:  # a disconnect, or an error of a middleware
        if str(error) == "Stream consumed" and is_json(request.headers.get("content-type")):
            raise BodyConsumedError(
                "request.stream() or request.form() was already read: verify first, and read with request.body() or "
                "request.json()"
            ) from error
        raise BodyIncompleteError(len(body), declared) from None
    return bytes(body)
