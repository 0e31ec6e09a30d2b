"""Responses and log of all adapters, and the errors for wrongly used decorators."""

import asyncio
import logging
from unittest import mock

import flask as flask_framework
import pytest
from django.http import HttpRequest
from helpers.apps import django_app  # noqa: F401  configures Django
from helpers.signer import BODY, OTHER_SECRET, SECRET, now, signed_headers
from starlette.requests import Request

from clerk_webhook_verify import InvalidSecretError, Webhook, aws_lambda, django, fastapi, flask, starlette
from clerk_webhook_verify._headers import declared_length
from clerk_webhook_verify.errors import (
    BodyConsumedError,
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    InvalidPayloadError,
    SignatureMismatchError,
    TimestampTooOldError,
    WebhookError,
    WebhookVerificationError,
)

DECORATORS = {
    "flask": flask.clerk_webhook,
    "starlette": starlette.clerk_webhook,
    "fastapi": fastapi.ClerkWebhook,
    "django": django.clerk_webhook,
    "aws_lambda": aws_lambda.clerk_webhook,
}


@pytest.fixture
def webhook():
    return Webhook(SECRET, clock=now)


def request(headers=None, body=BODY):
    """A Lambda event: the adapter without a framework represents all of them."""
    return {"headers": signed_headers(body) if headers is None else headers, "body": body.decode()}


@pytest.mark.parametrize("decorator", DECORATORS.values(), ids=DECORATORS)
class TestUsedWrongly:
    def test_missing_parentheses_are_a_type_error_that_shows_the_correct_line(self, decorator):
        with pytest.raises(TypeError, match=r"the parentheses are missing; write @?\w+\(\)"):

            @decorator
            def hook(event):
                raise AssertionError("never called")

    def test_a_secret_instead_of_a_webhook_is_a_type_error(self, decorator):
        with pytest.raises(TypeError, match=r"not a str; write @?\w+\(\) or @?\w+\(Webhook\(secret\)\)") as caught:
            decorator(SECRET)
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize(
        "webhook", [SECRET.encode(), [SECRET], (SECRET,), 5, {}], ids=lambda each: type(each).__name__
    )
    def test_an_argument_that_is_not_a_webhook_is_a_type_error(self, decorator, webhook):
        for call in (lambda: decorator(webhook), lambda: decorator(webhook=webhook)):
            with pytest.raises(TypeError, match=f"not a {type(webhook).__name__}; write"):
                call()

    def test_a_missing_secret_stops_the_application_at_start(self, decorator):
        if decorator is django.clerk_webhook:
            decorator()  # only Django waits for the first request
        else:
            with pytest.raises(InvalidSecretError, match="CLERK_WEBHOOK_SIGNING_SECRET is not set"):
                decorator()


VERIFIERS = {
    "flask": lambda webhook: flask.verify_request(webhook),
    "starlette": lambda webhook: asyncio.run(
        starlette.verify_request(Request({"type": "http", "headers": []}), webhook)
    ),
    "django": lambda webhook: django.verify_request(HttpRequest(), webhook),
    "aws_lambda": lambda webhook: aws_lambda.verify_request({}, webhook),
}


@pytest.mark.parametrize("verifier", VERIFIERS.values(), ids=VERIFIERS)
@pytest.mark.parametrize(
    "webhook", [SECRET, SECRET.encode(), [SECRET], None, Webhook], ids=lambda each: type(each).__name__
)
def test_verify_request_without_a_webhook_is_a_type_error_and_no_log_record(verifier, webhook, caplog):
    app = flask_framework.Flask(__name__)
    with (
        app.test_request_context("/"),
        pytest.raises(TypeError, match=rf"webhook must be a Webhook, not a {type(webhook).__name__}: create it once"),
    ):
        verifier(webhook)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SignatureMismatchError(1, 1, "msg_1"), 400),
        (InvalidPayloadError("x"), 400),
        (BodyIncompleteError(), 400),
        (BodyTooLargeError(5), 413),
        (BodyTimeoutError(5), 408),
        (BodyConsumedError("x"), 500),
        (InvalidSecretError("x"), 500),
    ],
)
def test_the_status_depends_on_who_caused_the_error(webhook, error, status):
    handler = aws_lambda.clerk_webhook(webhook)(lambda event, context: None)
    with mock.patch.object(webhook, "verify", side_effect=error):
        assert handler(request(), None)["statusCode"] == status


@pytest.mark.parametrize(
    ("header", "length"),
    [
        *(("0", 0), ("46", 46), ("9" * 18, 10**18 - 1)),
        *((text, None) for text in (None, "", "-1", "١", "9" * 19, "1,1")),
    ],
)
def test_a_declared_length_is_a_number_or_none(header, length):
    assert declared_length(header) == length


class TestTheLog:
    @pytest.mark.parametrize(
        "broken",
        [
            {"svix-timestamp": None},
            {"svix-signature": None},
            {"svix-timestamp": None, "svix-signature": None},
            {"svix-timestamp": "now"},
            {"svix-timestamp": "1700000000000"},
            {"svix-signature": "v1," + "A" * 20_000},
            {"Svix-Timestamp": "1700000000"},
            {"Svix-Signature": "v1,x"},
            {"svix-signature": "v1,x"},
            {"svix-id": " msg_p5jXN8AQM9LWM0D4loKWxJek\t", "svix-timestamp": "now"},
            {"svix-id": None, "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek"},
        ],
        ids=repr,
    )
    def test_every_rejection_with_a_well_formed_id_has_the_message_id(self, webhook, caplog, broken):
        headers = {name: value for name, value in (signed_headers() | broken).items() if value is not None}
        with pytest.raises(WebhookError) as caught:
            aws_lambda.verify_request(request(headers), webhook)
        assert caught.value.message_id == caplog.records[0].message_id == signed_headers()["svix-id"]
        assert f"message id {signed_headers()['svix-id']!r}" in caplog.text

    @pytest.mark.parametrize("broken", [{"svix-id": "a.b"}, {"svix-id": ""}, {"Svix-Id": "msg_2"}], ids=repr)
    def test_a_malformed_or_repeated_id_is_not_logged(self, webhook, caplog, broken):
        with pytest.raises(WebhookError) as caught:
            aws_lambda.verify_request(request(signed_headers() | broken), webhook)
        assert caught.value.message_id is caplog.records[0].message_id is None

    def test_the_log_shows_the_tried_secrets_and_the_option_with_the_limit(self, caplog):
        webhook = Webhook([SECRET, OTHER_SECRET], clock=now)
        for headers, options in ((signed_headers(b"x"), {}), (signed_headers(), {"max_body": 5}), ({}, {})):
            with pytest.raises(WebhookError):
                aws_lambda.verify_request(request(headers), webhook, **options)
            assert ", ".join(webhook.fingerprints) in caplog.records[-1].getMessage()
        assert "raise the limit (max_body)" in caplog.records[1].getMessage()
        assert caplog.records[1].message_id == signed_headers()["svix-id"]

    @pytest.mark.parametrize("body", ["", None])
    def test_an_empty_body_is_named_and_the_secret_is_not_blamed(self, webhook, caplog, body):
        event = {"headers": signed_headers(), "body": body}
        with pytest.raises(WebhookVerificationError, match="body is empty") as caught:
            aws_lambda.verify_request(event, webhook)
        for word in ("client", "middleware"):
            assert word in str(caught.value)
        assert "secret" not in str(caught.value)
        assert caught.value.message_id == signed_headers()["svix-id"]

    def test_a_rejection_is_one_warning_with_facts_and_nothing_secret(self, webhook, caplog):
        for headers, error in (
            (signed_headers(secret=OTHER_SECRET), SignatureMismatchError),
            (signed_headers(timestamp=5), TimestampTooOldError),
        ):
            caplog.clear()
            with pytest.raises(error):
                aws_lambda.verify_request(request(headers), webhook)
            (record,) = caplog.records
            assert (record.name, record.levelno) == ("clerk_webhook_verify", logging.WARNING)
            assert record.message_id == headers["svix-id"]
            assert record.fingerprints == webhook.fingerprints
            assert (record.skew is None) is (record.code == "signature_mismatch")
            output = record.getMessage() + str(vars(record))
            assert "user_1" not in output
            assert SECRET[6:] not in output
            assert headers["svix-signature"][3:] not in output

    def test_an_application_error_is_logged_as_an_error(self, webhook, caplog):
        error = InvalidSecretError("is empty")
        with mock.patch.object(webhook, "verify", side_effect=error), pytest.raises(InvalidSecretError):
            aws_lambda.verify_request(request(), webhook)
        (record,) = caplog.records
        assert (record.levelno, record.code) == (logging.ERROR, "invalid_secret")

    def test_a_verified_delivery_is_one_info_that_names_the_secret(self, webhook, caplog):
        caplog.set_level(logging.INFO, "clerk_webhook_verify")
        aws_lambda.verify_request(request(), webhook)
        (record,) = caplog.records
        assert record.levelno == logging.INFO
        assert (record.event_type, record.message_id) == ("user.created", signed_headers()["svix-id"])
        assert record.fingerprint == webhook.fingerprints[0]

    def test_text_from_outside_is_escaped(self, webhook, caplog):
        caplog.set_level(logging.INFO, "clerk_webhook_verify")
        aws_lambda.verify_request(request(body=b'{"type":"x\\n[ERROR] all is lost","data":{}}'), webhook)
        assert "\n" not in caplog.records[0].getMessage()
