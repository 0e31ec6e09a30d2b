"""Django: ``event = verify_request(request, webhook)`` in a view, or ``@clerk_webhook()`` on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError

from ._door import (
    MAX_BODY,
    REFUSAL,
    check_complete,
    log_refused,
    resolve,
    status_of,
    verified_event,
)
from ._headers import declared_length
from ._secret import ENVIRONMENT
from ._webhook import Webhook
from .errors import BodyConsumedError, BodyIncompleteError, BodyTooLargeError, InvalidSecretError, WebhookError
from .events import Event

P = ParamSpec("P")


def verify_request(request: HttpRequest, webhook: Webhook, *, max_body: int = MAX_BODY) -> Event:
    """Verify *request*.

    Args:
        request: Django's, under WSGI or ASGI.
        webhook: Holds the secrets.
        max_body: The most bytes to read; under ASGI, where Django has read them before, to accept.
    Returns:
        The event. ``request.body`` goes on working.
    Raises:
        WebhookVerificationError: The request is refused; ``BodyTooLargeError`` and ``BodyIncompleteError`` among them.
        BodyConsumedError: Something read the body before.
    """
    # Under ASGI the headers as they came: older Django takes svix_id for svix-id there
    scope = getattr(request, "scope", None)
    headers = scope["headers"] if scope else request.headers
    return verified_event(webhook, headers, lambda: _raw_body(request, max_body))


def clerk_webhook(
    webhook: Webhook | None = None, *, max_body: int = MAX_BODY
) -> Callable[
    [Callable[Concatenate[HttpRequest, Event, P], HttpResponseBase | Awaitable[HttpResponseBase | None] | None]],
    Callable[Concatenate[HttpRequest, P], Any],
]:
    """Make a view of ``handler(request, event, **url)``; what is refused never reaches the handler.

    The view takes POST only, and is exempt from CSRF and from LoginRequiredMiddleware. A refusal is answered 400 (413
    for a body that is too long), a mistake of the application 500. A handler that returns None is answered 204. An
    ``async def`` handler makes an asynchronous view. The handler's errors stay Django's.

    Args:
        webhook: Holds the secrets; None reads the setting ``CLERK_WEBHOOK_SIGNING_SECRET`` and then the environment, at
            the first request, since an error at import would break ``migrate`` and ``check``.
        max_body: The most bytes to read.
    Raises:
        TypeError: *webhook* is something else: forgotten parentheses, or a secret.
    """
    ready = [resolve(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")] if webhook is not None else []

    def verified(request: HttpRequest) -> Event | HttpResponse:
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        try:
            if not ready:
                ready.append(Webhook(getattr(settings, ENVIRONMENT[0], None)))
            return verify_request(request, ready[0], max_body=max_body)
        except InvalidSecretError as error:
            log_refused(error, None)
            return JsonResponse(REFUSAL, status=status_of(error))
        except WebhookError as error:
            return JsonResponse(REFUSAL, status=status_of(error))

    def decorate(
        handler: Callable[Concatenate[HttpRequest, Event, P], Any],
    ) -> Callable[Concatenate[HttpRequest, P], Any]:
        @wraps(handler)
        def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            event = verified(request)
            return _answer(handler(request, event, *args, **kwargs)) if isinstance(event, Event) else event

        @wraps(handler)
        async def async_view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            event = verified(request)
            return _answer(await handler(request, event, *args, **kwargs)) if isinstance(event, Event) else event

        chosen = async_view if iscoroutinefunction(handler) else view
        vars(chosen).update(csrf_exempt=True, login_required=False)
        return chosen

    return decorate


def _answer(answer: HttpResponseBase | None) -> HttpResponseBase:
    return HttpResponse(status=204) if answer is None else answer


def _raw_body(request: HttpRequest, max_body: int) -> bytes:
    declared = declared_length(request.META.get("CONTENT_LENGTH"))
    if declared is not None and declared > max_body:
        raise BodyTooLargeError(max_body)
    try:
        body = request.body if declared is not None else _undeclared_body(request, max_body)
    except RequestDataTooBig:
        raise BodyTooLargeError(settings.DATA_UPLOAD_MAX_MEMORY_SIZE) from None
    except RawPostDataException:
        raise BodyConsumedError(
            "something read the request as a stream before: a middleware, a parser or a file upload; verify first"
        ) from None
    except UnreadablePostError:
        raise BodyIncompleteError from None
    if len(body) > max_body:
        raise BodyTooLargeError(max_body)
    check_complete(body, declared, None)  # had something read it before, Django would have said so
    return body


def _undeclared_body(request: HttpRequest, max_body: int) -> bytes:
    """A chunked body. Under WSGI Django takes no declared length for no body."""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if not chunked or "wsgi.input" not in request.META:
        return request.body
    if not request.META.get("wsgi.input_terminated"):
        raise BodyConsumedError(
            "the body is chunked, and this server does not say where it ends (wsgi.input_terminated): "
            "let the proxy in front of it buffer requests"
        )
    request._body = request.META["wsgi.input"].read(max_body + 1)  # what Django's own body keeps
    return request._body
