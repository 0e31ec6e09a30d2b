"""Verify Clerk webhooks and get typed events.

>>> from clerk_webhook_verify import verify, WebhookVerificationError  # doctest: +SKIP
>>> event = verify(request.headers, request.get_data())  # doctest: +SKIP
"""

from ._headers import Headers
from ._payload import Body
from ._receiver import RejectedRequest
from ._secret import Secret
from ._webhook import Webhook, verify
from .errors import InvalidPayloadError, InvalidSecretError, WebhookError, WebhookVerificationError
from .events import AnyEvent, Delivery, Event, UnknownEvent

__version__ = "0.1.0"

__all__ = [
    "AnyEvent",
    "Body",
    "Delivery",
    "Event",
    "Headers",
    "InvalidPayloadError",
    "InvalidSecretError",
    "RejectedRequest",
    "Secret",
    "UnknownEvent",
    "Webhook",
    "WebhookError",
    "WebhookVerificationError",
    "__version__",
    "verify",
]
