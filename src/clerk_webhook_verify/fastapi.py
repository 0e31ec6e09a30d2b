"""FastAPI: ``clerk = ClerkWebhook()``, then ``event: Annotated[Event, Depends(clerk)]`` in an endpoint."""

# No "from __future__ import annotations" here: FastAPI 0.115 cannot resolve the strings that it makes of annotations
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse

from ._frames import forget_on_error
from ._handler import Outcome, OutcomeValue
from ._headers import SVIX_HEADERS
from ._receiver import (
    BODY_TIMEOUT,
    MAX_BODY,
    REJECTION,
    OnRejected,
    check_options,
    resolve_webhook,
    status_code_for,
)
from ._webhook import Webhook
from .errors import WebhookError
from .events import AnyEvent
from .starlette import drain, receive_event, rejection_headers, verify_delivery, verify_request

__all__ = ["ClerkWebhook", "verify_delivery", "verify_request"]


class _OutcomeOrJSONResponse(JSONResponse):
    """Responds with the status code of an ``Outcome``, and with JSON for any other return value."""

    def __init__(self, content: Any, status_code: int = 200, **options: Any) -> None:
        if isinstance(content, OutcomeValue):
            status_code = Outcome(content).status_code
        super().__init__(content, status_code, **options)

    def render(self, content: Any) -> bytes:
        return b"" if isinstance(content, OutcomeValue) else super().render(content)


class ClerkWebhook:
    """A dependency that returns the verified event, so that the endpoint is called only with verified events.

    A rejected request gets 400 (413 if the body is too long, 408 if it does not arrive in time), an application error
    500; 422 means that the endpoint declares a body itself. The route selects the accepted methods.

    Args:
        webhook: Contains the secrets; None reads the environment when the dependency is created.
        max_body: The maximum length of the body, in bytes.
        body_timeout: Seconds until the complete body must have arrived.
        on_rejected: A plain function, called in a thread with each :class:`.RejectedRequest` before the response. Its
            exceptions are only logged.
    Raises:
        InvalidSecretError: *webhook* is None, and the environment has no valid secret.
        TypeError: An argument has the wrong type, such as a secret as *webhook*.
    """

    @forget_on_error
    def __init__(
        self,
        webhook: Webhook | None = None,
        *,
        max_body: int = MAX_BODY,
        body_timeout: float = BODY_TIMEOUT,
        on_rejected: OnRejected | None = None,
    ) -> None:
        self._webhook = resolve_webhook(webhook, "ClerkWebhook() or ClerkWebhook(Webhook(secret))")
        check_options(on_rejected)
        self._on_rejected = on_rejected
        self._max_body = max_body
        self._body_timeout = body_timeout

    @forget_on_error
    async def __call__(self, request: Request) -> AnyEvent:
        """Verify *request*, for FastAPI's ``Depends``. Raises an HTTPException, which is the response."""
        try:
            return await receive_event(request, self._webhook, self._max_body, self._body_timeout, self._on_rejected)
        except WebhookError as error:
            await drain(request, error)
            headers = rejection_headers(request, error)
            raise HTTPException(status_code_for(error), REJECTION["detail"], headers) from None

    @property
    def openapi(self) -> dict[str, Any]:
        """Keyword arguments for ``app.post(...)`` that describe the body, headers and responses in OpenAPI.

        With them, None becomes 204 and an ``Outcome`` its status code, whatever the endpoint's return annotation is.
        """
        rejection = {"content": {"application/json": {"example": REJECTION}}}
        text = {"type": "string"}
        return {
            "status_code": 204,
            "response_class": _OutcomeOrJSONResponse,
            "response_model": None,  # FastAPI 0.115 and 0.116 make a model of "-> None", which 204 forbids
            "responses": {
                400: {"description": "The delivery is rejected", **rejection},
                409: {"description": "Another worker is handling the delivery: retry"},
                413: {"description": "The body is too long", **rejection},
            },
            "openapi_extra": {
                "parameters": [
                    {"name": name, "in": "header", "required": True, "schema": text} for name in SVIX_HEADERS
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["type", "data"],
                                "properties": {"type": text, "data": {"type": "object"}},
                            }
                        }
                    },
                },
            },
        }
