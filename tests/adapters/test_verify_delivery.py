"""verify_delivery returns a verified request unparsed, and the decorators accept the methods that they are passed."""

import asyncio
import base64
import inspect
import logging
import typing
from unittest import mock

import flask as flask_framework
import pytest
from django.test import RequestFactory
from helpers.adapters import ADAPTERS, in_fastapi
from helpers.signer import OTHER_SECRET, SECRET
from starlette.requests import Request

from clerk_webhook_verify import Delivery, Webhook, aws_lambda, django, fastapi, flask, starlette
from clerk_webhook_verify.errors import BodyTooLargeError, MissingHeaderError, SignatureMismatchError
from clerk_webhook_verify.testing import signed_request

#: Transformed payloads: not an event, or not even JSON.
TRANSFORMED = [b'{"text": "Ada signed up"}', b"[]", b"Ada signed up", b"\xff\x00"]

webhook = Webhook(SECRET)
app = flask_framework.Flask(__name__)


def signed(body=TRANSFORMED[0], **options):
    return signed_request(body, secret=SECRET, **options)


def in_flask(function, sent, method="POST", **options):
    with app.test_request_context("/", method=method, data=sent.body, headers=sent.headers):
        result = function(webhook, **options)
        assert flask_framework.request.get_data() == sent.body
        return result


def in_starlette(function, sent, method="POST", **options):
    async def receive():
        return {"type": "http.request", "body": sent.body}

    async def verify():
        headers = [(name.encode(), value.encode()) for name, value in sent.headers.items()]
        request = Request({"type": "http", "method": method, "headers": headers}, receive)
        result = await function(request, webhook, **options)
        assert await request.body() == sent.body
        return result

    return asyncio.run(verify())


def in_django(function, sent, method="POST", **options):
    request = RequestFactory().generic(method, "/", sent.body, "application/json", headers=sent.headers)
    result = function(request, webhook, **options)
    assert request.body == sent.body
    return result


def in_lambda(function, sent, method="POST", **options):
    encoded = {"isBase64Encoded": True, "body": base64.b64encode(sent.body).decode()}
    return function({"httpMethod": method, "headers": sent.headers} | encoded, webhook, **options)


VERIFIERS = {
    "flask": (in_flask, flask),
    "starlette": (in_starlette, starlette),
    "fastapi": (in_starlette, fastapi),
    "django": (in_django, django),
    "aws_lambda": (in_lambda, aws_lambda),
}


@pytest.mark.parametrize(("verify_in", "adapter"), VERIFIERS.values(), ids=VERIFIERS)
class TestVerifyDelivery:
    @pytest.mark.parametrize("body", TRANSFORMED, ids=repr)
    def test_returns_an_authentic_body_that_is_not_an_event(self, verify_in, adapter, body):
        sent = signed(body)
        delivery = verify_in(adapter.verify_delivery, sent)
        assert type(delivery) is Delivery
        assert (delivery.body, delivery.message_id) == (body, sent.headers["svix-id"])
        assert delivery.secret_fingerprint == webhook.fingerprints[0]

    def test_accepts_a_put_request(self, verify_in, adapter):
        assert verify_in(adapter.verify_delivery, signed(), method="PUT").body == TRANSFORMED[0]

    def test_an_event_can_be_parsed_from_it(self, verify_in, adapter):
        sent = signed_request("user.created", secret=SECRET)
        assert verify_in(adapter.verify_delivery, sent).parse().type == "user.created"

    def test_rejects_and_logs_as_verify_request_does(self, verify_in, adapter, caplog):
        forged = signed_request(TRANSFORMED[0], secret=OTHER_SECRET)
        without = signed()
        del without.headers["svix-signature"]
        failures = []
        for function in (adapter.verify_delivery, adapter.verify_request):
            caplog.clear()
            for sent, error, options in (
                (forged, SignatureMismatchError, {}),
                (without, MissingHeaderError, {}),
                (signed(), BodyTooLargeError, {"max_body": 10}),
            ):
                with pytest.raises(error):
                    verify_in(function, sent, **options)
            failures.append([(each.levelno, each.code, each.fingerprints) for each in caplog.records])
        assert failures[0] == failures[1]
        assert [code for _, code, _ in failures[0]] == ["signature_mismatch", "missing_header", "body_too_large"]

    def test_logs_a_verified_delivery_without_an_event_type(self, verify_in, adapter, caplog):
        caplog.set_level(logging.INFO, "clerk_webhook_verify")
        sent = signed()
        verify_in(adapter.verify_delivery, sent)
        (record,) = caplog.records
        assert (record.levelno, record.event_type) == (logging.INFO, None)
        assert (record.message_id, record.fingerprint) == (sent.headers["svix-id"], webhook.fingerprints[0])
        assert record.getMessage() == (
            f"verified a delivery, message id {record.message_id!r}, secret {record.fingerprint}"
        )

    def test_looks_up_the_webhooks_methods_at_each_request(self, verify_in, adapter):
        with (
            mock.patch.object(webhook, "check_headers") as check_headers,
            mock.patch.object(webhook, "verify_signature") as verify_signature,
            mock.patch.object(webhook, "verify") as verify,
        ):
            verify_signature.return_value = Delivery("msg_1", 5, b"", "")
            assert verify_in(adapter.verify_delivery, signed()) is verify_signature.return_value
        check_headers.assert_called_once()
        verify.assert_not_called()

    def test_has_the_parameters_of_verify_request(self, verify_in, adapter):
        delivery, request = (inspect.signature(each) for each in (adapter.verify_delivery, adapter.verify_request))
        assert delivery.parameters == request.parameters
        assert typing.get_type_hints(adapter.verify_delivery)["return"] is Delivery


def test_a_secret_instead_of_a_webhook_is_a_type_error():
    with app.test_request_context("/"), pytest.raises(TypeError, match="webhook must be a Webhook, not a str"):
        flask.verify_delivery(SECRET)
    with pytest.raises(TypeError, match="webhook must be a Webhook, not a str"):
        django.verify_delivery(RequestFactory().post("/"), SECRET)
    with pytest.raises(TypeError, match="webhook must be a Webhook, not a str"):
        aws_lambda.verify_delivery({}, SECRET)
    with pytest.raises(TypeError, match="webhook must be a Webhook, not a str"):
        asyncio.run(starlette.verify_delivery(Request({"type": "http", "headers": []}), SECRET))


DECORATED = {name: respond for name, respond in ADAPTERS.items() if not name.startswith("fastapi")}
DECORATORS = {
    "flask": flask.clerk_webhook,
    "starlette": starlette.clerk_webhook,
    "django": django.clerk_webhook,
    "aws_lambda": aws_lambda.clerk_webhook,
}


@pytest.mark.parametrize("respond", DECORATED.values(), ids=DECORATED)
class TestMethods:
    @pytest.mark.parametrize("methods", [("POST", "PUT"), ["POST", "PUT"], ("post", "put")], ids=repr)
    def test_each_method_is_accepted_and_others_are_405_with_all_of_them(self, respond, methods):
        sent = signed_request("user.created", secret=SECRET)
        for method in ("POST", "PUT"):
            response = respond(lambda event: None, sent.headers, sent.body, method=method, methods=methods)
            assert response.status == 204
        response = respond(lambda event: None, sent.headers, sent.body, method="PATCH", methods=methods)
        assert (response.status, response.headers["allow"], response.body) == (405, "POST, PUT", b"")

    def test_post_is_the_default(self, respond):
        sent = signed_request("user.created", secret=SECRET)
        response = respond(lambda event: None, sent.headers, sent.body, method="PUT")
        assert (response.status, response.headers["allow"]) == (405, "POST")

    def test_post_is_405_if_only_put_is_accepted(self, respond):
        sent = signed_request("user.created", secret=SECRET)
        assert respond(lambda event: None, sent.headers, sent.body, method="PUT", methods=("PUT",)).status == 204
        response = respond(lambda event: None, sent.headers, sent.body, methods=("PUT",))
        assert (response.status, response.headers["allow"]) == (405, "PUT")


@pytest.mark.parametrize("decorator", DECORATORS.values(), ids=DECORATORS)
class TestMethodsUsedWrongly:
    @pytest.mark.parametrize("wrong", ["PUT", b"PUT", None, 5, ("POST", None), {"POST": 1}, (b"POST",)], ids=repr)
    def test_anything_but_a_tuple_or_list_of_strings_is_a_type_error(self, decorator, wrong):
        with pytest.raises(TypeError, match=r"methods must be a tuple of strings: write methods=\('POST', 'PUT'\)"):
            decorator(Webhook(SECRET), methods=wrong)

    @pytest.mark.parametrize("wrong", [(), ("",), ("POST, PUT",), ("PUT\r\nx: y",), ("GET ",), ("ſ",)], ids=repr)
    def test_no_method_or_a_name_that_http_does_not_allow_is_a_value_error(self, decorator, wrong):
        with pytest.raises(ValueError, match="methods must contain at least one name, of letters only: write"):
            decorator(Webhook(SECRET), methods=wrong)


def test_the_route_decides_which_methods_fastapi_accepts():
    sent = signed_request("user.created", secret=SECRET)
    assert in_fastapi(lambda event: None, sent.headers, sent.body, method="PUT").status == 204  # its route is of both
    response = in_fastapi(lambda event: None, sent.headers, sent.body, method="PATCH")
    assert (response.status, set(response.headers["allow"].split(", "))) == (405, {"POST", "PUT"})


def test_a_lambda_event_without_a_method_is_accepted_whatever_the_methods_are():
    sent = signed_request("user.created", secret=SECRET)
    handle = aws_lambda.clerk_webhook(Webhook(SECRET), methods=("PUT",))(lambda event, context: None)
    assert handle({"headers": sent.headers, "body": sent.body.decode()}, None)["statusCode"] == 204
