"""FastAPI: ``clerk = ClerkWebhook()``, then ``event: Annotated[Event, Depends(clerk)]`` in an endpoint."""

# No "from __future__ import annotations" here: FastAPI 0.115 cannot resolve the strings that it makes of annotations
from typing import Any

from fastapi import HTTPException, Request

from ._headers import SVIX_HEADERS
from ._receiver import BODY_TIMEOUT, MAX_BODY, REJECTION, resolve_webhook, status_code_for
from ._webhook import Webhook
from .errors import WebhookError
from .events import AnyEvent
from .starlette import rejection_headers, verify_request

__all__ = ["ClerkWebhook", "verify_request"]


class ClerkWebhook:
    """A dependency that returns the verified event; the endpoint is called only with verified events.

    A rejected request gets the status 400 (413 if the body is too long, 408 if it does not arrive in time), an
    application error 500. Not 422, unless the endpoint declares a body of its own. Endpoints may be ``async def`` or
    plain ``def``.

    Args:
        webhook: Has the secrets; None reads the environment, now and not at the first request.
        max_body: The maximum length of the body, in bytes.
        body_timeout: Seconds until the complete body must have arrived.
    Raises:
        InvalidSecretError: *webhook* is None, and the environment has no usable secret.
        TypeError: *webhook* is something else: a secret, for example.
    """

    def __init__(
        self, webhook: Webhook | None = None, *, max_body: int = MAX_BODY, body_timeout: float = BODY_TIMEOUT
    ) -> None:
        self._webhook = resolve_webhook(webhook, "ClerkWebhook() or ClerkWebhook(Webhook(secret))")
        self._max_body = max_body
        self._body_timeout = body_timeout

    async def __call__(self, request: Request) -> AnyEvent:
        """Verify *request*; FastAPI's ``Depends`` calls this.

        Raises:
            HTTPException: The response to a rejected request or an application error.
        """
        try:
            return await verify_request(
                request, self._webhook, max_body=self._max_body, body_timeout=self._body_timeout
            )
        except WebhookError as error:
            headers = rejection_headers(request, error)
            raise HTTPException(status_code_for(error), REJECTION["detail"], headers) from None

    @property
    def openapi(self) -> dict[str, Any]:
        """Keywords for ``app.post(...)`` that add the body, the headers and the responses to the OpenAPI page.

        They also make 204 the status of an endpoint that returns nothing.
        """
        rejection = {"content": {"application/json": {"example": REJECTION}}}
        text = {"type": "string"}
        return {
            "status_code": 204,
            "responses": {
                400: {"description": "The delivery is rejected", **rejection},
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
