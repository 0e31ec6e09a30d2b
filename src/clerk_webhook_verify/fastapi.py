"""FastAPI: ``clerk = ClerkWebhook()``, then ``event: Annotated[Event, Depends(clerk)]`` in an endpoint."""

# No "from __future__ import annotations" here: FastAPI 0.115 cannot resolve the strings that it makes of annotations
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse

from ._frames import forget_on_error
from ._headers import SVIX_HEADERS
from ._outcome import Outcome, OutcomeValue
from ._receiver import BODY_TIMEOUT, MAX_BODY, REJECTION, resolve_webhook, status_code_for
from ._rejected import OnRejected, check_on_rejected
from ._webhook import Webhook
from .errors import WebhookError
from .events import AnyEvent
from .starlette import drain, rejection_headers, report, verify_delivery, verify_request

__all__ = ["ClerkWebhook", "verify_delivery", "verify_request"]


class _OutcomeOrJSONResponse(JSONResponse):
    """The status code of an ``Outcome``, or what the endpoint returned as JSON."""

    def __init__(self, content: Any, status_code: int = 200, **options: Any) -> None:
        if isinstance(content, OutcomeValue):  # FastAPI passes the value of an enum, not its member
            status_code = Outcome(content).status_code
        super().__init__(content, status_code, **options)

    def render(self, content: Any) -> bytes:
        return b"" if isinstance(content, OutcomeValue) else super().render(content)


class ClerkWebhook:
    """A dependency that returns the verified event; the endpoint is called only with verified events.

    A rejected request gets the status 400 (413 if the body is too long, 408 if it does not arrive in time), an
    application error 500. Not 422, unless the endpoint declares a body of its own. Endpoints may be ``async def`` or
    plain ``def``. The route decides which methods are accepted.

    Args:
        webhook: Has the secrets; None reads the environment, now and not at the first request.
        max_body: The maximum length of the body, in bytes.
        body_timeout: Seconds until the complete body must have arrived.
        on_rejected: Called in a thread with a :class:`.RejectedRequest` after a verification failure, before the
            response is sent. Its exceptions are logged and do not change the response.
    Raises:
        InvalidSecretError: *webhook* is None, and the environment has no usable secret.
        TypeError: *webhook* is something else: a secret, for example. *on_rejected* is not a function, or asynchronous.
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
        check_on_rejected(on_rejected)
        self._on_rejected = on_rejected
        self._max_body = max_body
        self._body_timeout = body_timeout

    @forget_on_error
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
            await report(request, error, self._on_rejected, self._max_body)
            await drain(request, error)
            raise HTTPException(status_code_for(error), REJECTION["detail"], headers) from None

    @property
    def openapi(self) -> dict[str, Any]:
        """Keywords for ``app.post(...)`` that add the body, the headers and the responses to the OpenAPI page.

        They also make 204 the status of an endpoint that returns nothing, respond to an ``Outcome`` with its status
        code, and let the endpoint have any return annotation.
        """
        rejection = {"content": {"application/json": {"example": REJECTION}}}
        text = {"type": "string"}
        return {
            "status_code": 204,
            "response_class": _OutcomeOrJSONResponse,
            "response_model": None,  # FastAPI 0.115 and 0.116 take "-> None" for a model, which 204 does not allow
            "responses": {
                400: {"description": "The delivery is rejected", **rejection},
                409: {"description": "Another worker is handling the delivery: send it again"},
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
