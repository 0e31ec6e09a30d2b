"""A user's test of that endpoint."""

from user_flask import app, webhook

BODY = b'{"type": "user.created", "data": {"id": "user_1", "email_addresses": []}}'


def test_a_signed_delivery_is_accepted() -> None:
    response = app.test_client().post("/webhooks/clerk", data=BODY, headers=webhook.signed_headers(BODY))
    assert response.status_code == 204


def test_a_forged_delivery_is_rejected() -> None:
    headers = webhook.signed_headers(BODY)
    response = app.test_client().post("/webhooks/clerk", data=BODY.replace(b"user_1", b"user_2"), headers=headers)
    assert response.status_code == 400
