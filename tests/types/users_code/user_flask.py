"""A user's endpoint in Flask."""

import logging

from flask import Flask, request

from clerk_webhook_verify import Webhook, WebhookVerificationError
from clerk_webhook_verify.events import UserCreated, UserDeleted

app = Flask(__name__)
webhook = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@app.post("/webhooks/clerk")
def clerk() -> tuple[str, int]:
    try:
        event = webhook.verify(request.headers, request.get_data())
    except WebhookVerificationError as error:
        logging.warning("rejected a delivery: %s", error.code)
        return "", 400
    match event:
        case UserCreated(data=user):
            logging.info("%s has %d addresses", user.id, len(user.email_addresses))
        case UserDeleted(data=deleted):
            logging.info("%s is gone", deleted.id)
    return "", 204
