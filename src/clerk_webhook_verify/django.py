"""Django: ``event = verify_request(request, webhook)`` in a view, or ``@clerk_webhook()`` on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError

from ._headers import declared_length
from ._receiver import (
    MAX_BODY,
    REJECTION,
    check_complete,
    log_rejected,
    receive_event,
    resolve_webhook,
    status_code_for,
)
from ._secret import ENVIRONMENT
from ._webhook import Webhook
from .errors import BodyConsumedError, BodyIncompleteError, BodyTooLargeError, InvalidSecretError, WebhookError
from .events import AnyEvent

P = ParamSpec("P")


def verify_request(request: HttpRequest, webhook: Webhook, *, max_body: int = MAX_BODY) -> AnyEvent:
    """Verify *request*.

    Args:
        request: Django's, on WSGI or ASGI.
        webhook: Has the secrets.
        max_body: The maximum length of the body, in bytes. On ASGI, Django has read the complete body before.
            ``DATA_UPLOAD_MAX_MEMORY_SIZE`` counts if it is lower.
    Returns:
        The event. ``request.body`` works afterwards.
    Raises:
        WebhookVerificationError: The request is rejected; ``BodyTooLargeError`` and ``BodyIncompleteError`` included.
        BodyConsumedError: The application has already read the body.
    """
    # Django before 4.2.30, 5.2.13 and 6.0.4 reads svix_id as svix-id on ASGI (CVE-2026-3902); the scope is unchanged
    headers = request.scope["headers"] if isinstance(request, ASGIRequest) else request.headers
    return receive_event(webhook, headers, lambda: _read_body(request, max_body))


def clerk_webhook(
    webhook: Webhook | None = None, *, max_body: int = MAX_BODY
) -> Callable[
    [Callable[Concatenate[HttpRequest, AnyEvent, P], HttpResponseBase | Awaitable[HttpResponseBase | None] | None]],
    Callable[Concatenate[HttpRequest, P], Any],
]:
    """Make a view of ``handler(request, event, **url_variables)``, which is called only with verified events.

    The handler returns a response, or None for 204; ``async def`` makes an asynchronous view. The view needs no CSRF
    token and no login. It responds 400 to a rejected request (413 if the body is too long), 500 to an application error
    and 405 to methods other than POST. Exceptions of the handler are left to Django.

    Args:
        webhook: Has the secrets; None reads the setting ``CLERK_WEBHOOK_SIGNING_SECRET`` and then the environment, at
            the first request, since an error at import would break ``migrate`` and ``check``.
        max_body: The maximum length of the body, in bytes. ``DATA_UPLOAD_MAX_MEMORY_SIZE`` counts if it is lower.
    Returns:
        The decorator.
    Raises:
        TypeError: *webhook* is something else: a function, since the parentheses are missing, or a secret.
    """
    if webhook is not None:
        resolve_webhook(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")

    def event_or_response(request: HttpRequest) -> AnyEvent | HttpResponse:
        nonlocal webhook
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        try:
            if webhook is None:
                webhook = Webhook(getattr(settings, ENVIRONMENT[0], None))
            return verify_request(request, webhook, max_body=max_body)
        except WebhookError as error:
            if isinstance(error, InvalidSecretError):
                log_rejected(error, None)
            return JsonResponse(REJECTION, status=status_code_for(error))

    def decorate(
        handler: Callable[Concatenate[HttpRequest, AnyEvent, P], Any],
    ) -> Callable[Concatenate[HttpRequest, P], Any]:
        @wraps(handler)
        def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            received = event_or_response(request)
            if isinstance(received, HttpResponse):
                return received
            return _response(handler(request, received, *args, **kwargs))

        @wraps(handler)
        async def async_view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            received = event_or_response(request)
            if isinstance(received, HttpResponse):
                return received
            return _response(await handler(request, received, *args, **kwargs))

        chosen = async_view if iscoroutinefunction(handler) else view
        # As csrf_exempt() and login_not_required() do, of which the first wraps no async view before Django 5.0, and
        # the second is new in 5.1
        vars(chosen).update(csrf_exempt=True, login_required=False)
        return chosen

    return decorate


def _response(returned: HttpResponseBase | None) -> HttpResponseBase:
    return HttpResponse(status=204) if returned is None else returned


def _read_body(request: HttpRequest, max_body: int) -> bytes:
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
    check_complete(body, declared, None)  # a body read before is a RawPostDataException
    return body


def _undeclared_body(request: HttpRequest, max_body: int) -> bytes:
    """Return a chunked body. On WSGI, Django reads no body without a declared length."""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if not chunked or "wsgi.input" not in request.META:
        return request.body
    if not request.META.get("wsgi.input_terminated"):
        raise BodyConsumedError(
            "the body is chunked, and this server does not say where it ends (wsgi.input_terminated): "
            "let the proxy in front of it buffer requests"
        )
    body: bytes = request.META["wsgi.input"].read(max_body + 1)
    request._body = body  # private, but the only way to make request.body work afterwards
    return body
