"""Starlette: ``event = await verify_request(request, webhook)`` in an endpoint, or ``@clerk_webhook()`` on it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import wraps
from inspect import iscoroutinefunction
from types import coroutine
from typing import Any

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ._door import (
    BODY_TIMEOUT,
    MAX_BODY,
    REFUSAL,
    check_complete,
    log_refused,
    log_verified,
    resolve,
    status_of,
)
from ._headers import DeliveryHeaders, declared_length, parse_headers
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
        headers = DeliveryHeaders(parse_headers(request.scope["headers"]))
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
    declared = None
    for name, value in request.scope["headers"]:
        if name == b"content-length":
            declared = declared_length(value.decode("latin-1"))
    if declared is not None and declared > max_body:
        raise BodyTooLargeError(max_body)
    body = await _within(body_timeout, _read(request, max_body, declared))
    check_complete(body, declared, "a middleware read it and passed nothing on")
    request._body = body  # what Starlette's own body() keeps, so that it goes on working
    return body


async def _within(seconds: float | None, read: Coroutine[Any, Any, bytes]) -> bytes:
    """Await *read*, but no longer than so many seconds."""
    if seconds is None:
        return await read
    task = None
    if sys.version_info >= (3, 11):  # before, what we cancel is not told from what others do
        try:
            task = asyncio.current_task()
        except RuntimeError:
            task = None  # Starlette runs on trio, too
    if task is not None:
        return await _with_timer(task, seconds, read)
    with anyio.move_on_after(seconds):
        return await read
    raise BodyTimeoutError(seconds)


@coroutine
def _with_timer(
    task: asyncio.Task[Any], seconds: float, read: Coroutine[Any, Any, bytes]
) -> Generator[Any, Any, bytes]:
    """Await *read* in *task*, with a timer that is set only where it has to wait.

    A body mostly is there before it is asked for, and a scope round every read would take a third of all else that is
    done here ("served" in the benchmark). No scope can be entered later: middleware may hold one open within *read*.
    """
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = task.cancel()

    timer = None
    try:
        awaited = read.send(None)
        timer = task.get_loop().call_later(seconds, expire)
        while True:
            try:
                answer = yield awaited
            except BaseException as error:
                awaited = read.throw(error)
            else:
                awaited = read.send(answer)
    except StopIteration as done:
        body: bytes = done.value
        return body
    except asyncio.CancelledError:
        if not expired or task.uncancel():  # or somebody else has cancelled it, too
            raise
        raise BodyTimeoutError(seconds) from None
    finally:
        if timer is not None:
            timer.cancel()


async def _read(request: Request, max_body: int, declared: int | None) -> bytes:
    if hasattr(request, "_body"):
        return await request.body()
    if request._stream_consumed:
        raise BodyConsumedError(
            "something read the request's stream or form before: verify first; request.body() and request.json() "
            "do no harm"
        )
    body, more = bytearray(), True
    while more:
        message = await request.receive()  # request.stream() gives the same, through an asynchronous generator
        if message["type"] == "http.disconnect":
            raise BodyIncompleteError(len(body), declared)
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > max_body:
            raise BodyTooLargeError(max_body)
    return bytes(body)
