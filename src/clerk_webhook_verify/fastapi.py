"""FastAPI: ``clerk = ClerkWebhook()``, then ``event: Annotated[Event, Depends(clerk)]`` in an endpoint."""

# No annotations from the future here: older FastAPI cannot look up those of an instance's __call__
from typing import Any

from fastapi import HTTPException, Request

from ._door import BODY_TIMEOUT, MAX_BODY, REFUSAL, resolve, status_of
from ._webhook import Webhook
from .errors import WebhookError
from .events import Event
from .starlette import refusal_headers, verify_request

__all__ = ["ClerkWebhook", "verify_request"]


class ClerkWebhook:
    """A dependency that gives the verified event; what is refused never reaches the endpoint.

    A refusal is answered 400 (413 for a body that is too long, 408 for one that does not arrive), never 422 as long as
    the endpoint declares no body of its own; a mistake of the application 500. Endpoints may be ``async def`` or plain.

    Args:
        webhook: Holds the secrets; None reads the environment, now and not at the first request.
        max_body: The most bytes to read.
        body_timeout: The most seconds to wait for the whole body.
    Raises:
        InvalidSecretError: *webhook* is None and the environment has no secret.
        TypeError: *webhook* is something else: a secret, for example.
    """

    def __init__(
        self, webhook: Webhook | None = None, *, max_body: int = MAX_BODY, body_timeout: float = BODY_TIMEOUT
    ) -> None:
        self._webhook = resolve(webhook, "ClerkWebhook() or ClerkWebhook(Webhook(secret))")
        self._max_body = max_body
        self._body_timeout = body_timeout

    async def __call__(self, request: Request) -> Event:
        """Verify *request*, as FastAPI's ``Depends`` asks for it."""
        try:
            return await verify_request(
                request, self._webhook, max_body=self._max_body, body_timeout=self._body_timeout
            )
        except WebhookError as error:
            raise HTTPException(status_of(error), REFUSAL["detail"], refusal_headers(request)) from None

    @property
    def openapi(self) -> dict[str, Any]:
        """Keywords for ``app.post(...)``: the body, the headers and the answers, for the OpenAPI page.

        They also make 204 the status of an endpoint that returns nothing.
        """
        refusal = {"content": {"application/json": {"example": REFUSAL}}}
        text = {"type": "string"}
        return {
            "status_code": 204,
            "responses": {
                400: {"description": "The delivery is refused", **refusal},
                413: {"description": "The body is too long", **refusal},
            },
            "openapi_extra": {
                "parameters": [
                    {"name": name, "in": "header", "required": True, "schema": text}
                    for name in ("svix-id", "svix-timestamp", "svix-signature")
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
