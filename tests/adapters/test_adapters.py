"""The response of each adapter, in one process."""

import asyncio
import base64
import io
import json
import logging
import sys
import time
import types
import typing
from pathlib import Path
from unittest import mock

import anyio
import django.core.handlers.asgi
import django.test
import fastapi.testclient
import flask
import pytest
import starlette.testclient
from django.test import override_settings
from helpers.apps import django_app  # noqa: F401  configures Django
from helpers.signer import OTHER_SECRET, SECRET
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from clerk_webhook_verify import (
    AnyEvent,
    Event,
    InvalidSecretError,
    Webhook,
    aws_lambda,
    django as django_adapter,
    fastapi as fastapi_adapter,
    flask as flask_adapter,
    starlette as starlette_adapter,
)
from clerk_webhook_verify.errors import (
    BodyConsumedError,
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    MalformedHeaderError,
    MissingHeaderError,
    SignatureMismatchError,
)
from clerk_webhook_verify.events import KnownEvent, UnknownEvent
from clerk_webhook_verify.testing import signed_request

REJECTION = {"detail": "webhook rejected"}
FORM_TYPES = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
FORM = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
webhook = Webhook(SECRET)
requests = django.test.RequestFactory()


def delivery(**changes):
    return signed_request("user.created", secret=SECRET, **changes)


@pytest.fixture
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


def flask_client(view, **settings):
    app = flask.Flask(__name__)
    app.config.update(settings)
    app.add_url_rule("/hook", view_func=view, methods=["GET", "POST"])
    return app.test_client()


def starlette_client(endpoint):
    app = Starlette(routes=[Route("/hook", endpoint, methods=["GET", "POST"])])
    return starlette.testclient.TestClient(app, raise_server_exceptions=False)


def django_request(**changes):
    sent = delivery(**changes)
    return requests.post("/", sent.body, "application/json", headers=sent.headers)


def respond_in_flask(webhook, sent):
    client = flask_client(flask_adapter.clerk_webhook(webhook)(lambda event: None))
    return client.post("/hook", data=sent.body, headers=sent.headers).status_code


def respond_in_starlette(webhook, sent):
    client = starlette_client(starlette_adapter.clerk_webhook(webhook)(lambda request, event: None))
    return client.post("/hook", content=sent.body, headers=sent.headers).status_code


def respond_in_fastapi(webhook, sent):
    app, clerk = fastapi.FastAPI(), fastapi_adapter.ClerkWebhook(webhook)
    app.post("/hook", status_code=204, dependencies=[fastapi.Depends(clerk)])(lambda: None)
    return fastapi.testclient.TestClient(app).post("/hook", content=sent.body, headers=sent.headers).status_code


def respond_in_django(webhook, sent):
    view = django_adapter.clerk_webhook(webhook)(lambda request, event: None)
    return view(requests.post("/", sent.body, "application/json", headers=sent.headers)).status_code


def respond_in_lambda(webhook, sent):
    handler = aws_lambda.clerk_webhook(webhook)(lambda event, context: None)
    return handler({"headers": sent.headers, "body": sent.body.decode()}, None)["statusCode"]


@pytest.mark.parametrize(
    "respond", [respond_in_flask, respond_in_starlette, respond_in_fastapi, respond_in_django, respond_in_lambda]
)
class TestTheWebhooksMethods:
    """An adapter calls the public methods of the webhook, looked up on the instance at each request."""

    def test_a_patched_verify_replaces_the_verification(self, respond):
        webhook, sent, forged = Webhook(SECRET), delivery(), delivery(fault="tampered")
        event = webhook.verify(sent.headers, sent.body)
        with mock.patch.object(webhook, "verify", return_value=event) as verify:
            assert respond(webhook, forged) == 204
        (_, body), _ = verify.call_args
        assert body == forged.body
        assert respond(webhook, forged) == 400

    def test_a_patched_check_headers_rejects_before_the_body_is_verified(self, respond):
        webhook, error = Webhook(SECRET), MissingHeaderError(("svix-id",))
        with (
            mock.patch.object(webhook, "check_headers", side_effect=error) as check_headers,
            mock.patch.object(webhook, "verify") as verify,
        ):
            assert respond(webhook, delivery()) == 400
        check_headers.assert_called_once()
        verify.assert_not_called()

    def test_an_empty_body_is_named_and_the_secret_is_not_blamed(self, respond, caplog):
        sent = delivery(fault="empty_body")
        assert respond(Webhook(SECRET), sent) == 400
        record = next(record for record in caplog.records if record.name == "clerk_webhook_verify")
        assert (record.levelno, record.message_id) == (logging.WARNING, sent.headers["svix-id"])
        text = record.getMessage().partition("; message id")[0]
        assert all(word in text for word in ("body is empty", "client", "middleware"))
        assert "secret" not in text

    def test_a_subclass_overrides_both(self, respond):
        calls = []

        class Recording(Webhook):
            def check_headers(self, headers):
                calls.append("check_headers")
                super().check_headers(headers)

            def verify(self, headers, body):
                calls.append("verify")
                return super().verify(headers, body)

        assert respond(Recording(SECRET), delivery()) == 204
        assert calls == ["check_headers", "verify"]


@pytest.mark.parametrize(
    "function",
    [
        *(adapter.clerk_webhook for adapter in (flask_adapter, starlette_adapter, django_adapter, aws_lambda)),
        *(adapter.verify_request for adapter in (flask_adapter, starlette_adapter, django_adapter, aws_lambda)),
        starlette_adapter.rejection_headers,
        fastapi_adapter.ClerkWebhook.__init__,
        fastapi_adapter.ClerkWebhook.__call__,
        fastapi_adapter.ClerkWebhook.openapi.fget,
    ],
    ids=lambda function: f"{function.__module__}.{function.__qualname__}",
)
def test_annotations_resolve_at_run_time(function):
    hints = typing.get_type_hints(function)
    assert "return" in hints
    if function.__name__ in ("verify_request", "__call__"):
        assert hints["return"] == AnyEvent


class TestFlask:
    def test_sync_and_async_handlers(self):
        async def later(event):
            return {"type": event.type}

        for handler in (lambda event: {"type": event.type}, later):
            client = flask_client(flask_adapter.clerk_webhook(webhook)(handler))
            request = delivery()
            assert client.post("/hook", data=request.body, headers=request.headers).json == {"type": "user.created"}

    def test_rejections_have_the_status_code_of_their_cause(self):
        client = flask_client(flask_adapter.clerk_webhook(webhook, max_body=5000)(lambda event: None))
        request = delivery()
        assert client.post("/hook", data=request.body, headers=request.headers).status_code == 204
        response = client.post("/hook", data=request.body + b"x", headers=request.headers)
        assert (response.status_code, response.json) == (400, REJECTION)
        response = client.post("/hook", data=b"x" * 5001, headers=request.headers)
        assert (response.status_code, response.json) == (413, REJECTION)
        response = client.get("/hook")
        assert (response.status_code, response.headers["allow"]) == (405, "POST")

    def test_a_missing_header_and_the_other_header_set(self, caplog):
        client = flask_client(flask_adapter.clerk_webhook(webhook)(lambda event: None))
        request = delivery()
        renamed = {name.replace("svix", "webhook"): value for name, value in request.headers.items()}
        assert client.post("/hook", data=request.body, headers=renamed).status_code == 204
        del request.headers["svix-timestamp"]
        response = client.post("/hook", data=request.body, headers={**request.headers, "stripe-signature": "t=1"})
        assert (response.status_code, caplog.records[-1].code) == (400, "missing_header")
        assert "Stripe" in caplog.text

    def test_the_applications_own_limit_counts_if_it_is_lower(self):
        client = flask_client(flask_adapter.clerk_webhook(webhook)(lambda event: None), MAX_CONTENT_LENGTH=100)
        request = delivery()
        assert client.post("/hook", data=request.body, headers=request.headers).status_code == 413

    def test_two_endpoints_have_two_secrets(self):
        app = flask.Flask(__name__)
        for secret in (SECRET, OTHER_SECRET):
            view = flask_adapter.clerk_webhook(Webhook(secret))(lambda event: None)
            app.add_url_rule(f"/{secret[-5:]}", secret[-5:], view, methods=["POST"])
        request = delivery()
        client = app.test_client()
        assert client.post(f"/{SECRET[-5:]}", data=request.body, headers=request.headers).status_code == 204
        assert client.post(f"/{OTHER_SECRET[-5:]}", data=request.body, headers=request.headers).status_code == 400

    @pytest.mark.parametrize(
        ("arrives", "declared", "terminated", "error"),
        [
            (10, 100, True, BodyIncompleteError),
            (0, 100, True, BodyIncompleteError),
            (0, 100, False, BodyIncompleteError),
            (21, None, True, BodyTooLargeError),
            (21, 20, True, BodyTooLargeError),
        ],
    )
    def test_checks_the_length_of_what_a_server_passes(self, arrives, declared, terminated, error):
        """``input_terminated``, as gunicorn sets it, makes werkzeug trust the stream's end."""
        environ = {"wsgi.input": io.BytesIO(b"x" * arrives)}
        if terminated:
            environ["wsgi.input_terminated"] = True
        if declared:
            environ["CONTENT_LENGTH"] = str(declared)
        app, headers = flask.Flask(__name__), delivery().headers
        with (
            app.test_request_context("/", method="POST", headers=headers, environ_overrides=environ),
            pytest.raises(error),
        ):
            flask_adapter.verify_request(webhook, max_body=1000 if declared == 100 else 20)

    def test_reports_a_body_that_the_application_has_read(self):
        app, request = flask.Flask(__name__), delivery()
        with app.test_request_context("/", method="POST", data=request.body, headers=request.headers):
            flask.request.stream.read()
            with pytest.raises(BodyConsumedError, match=r"request.stream or request.form"):
                flask_adapter.verify_request(webhook)

    @pytest.mark.parametrize("error", [OSError("reset"), ValueError("no chunk size"), KeyError("another"), EOFError()])
    @pytest.mark.parametrize("declared", [None, "100"])
    def test_any_exception_while_the_body_is_read_is_the_senders(self, error, declared, caplog):
        class Broken(io.BytesIO):
            def read(self, *_):
                raise error

            readinto = read

        environ = {"wsgi.input": Broken(), "wsgi.input_terminated": True}
        if declared:
            environ["CONTENT_LENGTH"] = declared
        app, sent = flask.Flask(__name__), delivery()
        with (
            app.test_request_context("/", method="POST", headers=sent.headers, environ_overrides=environ),
            pytest.raises(BodyIncompleteError) as caught,
        ):
            flask_adapter.verify_request(webhook)
        assert caught.value.message_id == sent.headers["svix-id"]
        assert caplog.records[-1].levelno == logging.WARNING

    @pytest.mark.parametrize("content_type", FORM_TYPES)
    @pytest.mark.parametrize("read", ["form", "files", "values", "data"])
    @pytest.mark.parametrize("terminated", [True, False])
    def test_a_form_type_chosen_by_the_sender_is_never_an_application_error(self, content_type, read, terminated):
        app = flask.Flask(__name__)

        @app.before_request
        def hook():
            getattr(flask.request, read)

        app.add_url_rule("/", "hook", flask_adapter.clerk_webhook(webhook)(lambda event: None), methods=["POST"])
        headers = delivery().headers | {"content-type": content_type}
        environ = {"wsgi.input_terminated": True} if terminated else {}
        for body in (FORM, FORM[:-10], b"a=b"):
            response = app.test_client().post("/", data=body, headers=headers, environ_overrides=environ)
            assert response.status_code == 400

    @pytest.mark.parametrize("arrives", [b"", b"{"])
    def test_a_hook_that_asked_for_a_form_leaves_a_cut_body_the_senders(self, arrives):
        environ = {"wsgi.input": io.BytesIO(arrives), "wsgi.input_terminated": True, "CONTENT_LENGTH": "100"}
        app = flask.Flask(__name__)
        with app.test_request_context("/", method="POST", headers=delivery().headers, environ_overrides=environ):
            assert not flask.request.form
            with pytest.raises(BodyIncompleteError):
                flask_adapter.verify_request(webhook)

    @pytest.mark.parametrize("length", [{}, {"CONTENT_LENGTH": "5"}])
    def test_a_chunked_body_whose_end_no_server_marks_is_named(self, length, caplog):
        environ = {"wsgi.input": io.BytesIO(b"0\r\n\r\n"), "HTTP_TRANSFER_ENCODING": "Chunked"} | length
        app, sent = flask.Flask(__name__), delivery()
        with (
            app.test_request_context("/", method="POST", headers=sent.headers, environ_overrides=environ),
            pytest.raises(BodyIncompleteError, match="the body is chunked, and this WSGI server does not mark its end"),
        ):
            flask_adapter.verify_request(webhook)
        assert (caplog.records[-1].levelno, caplog.records[-1].message_id) == (logging.WARNING, sent.headers["svix-id"])

    @pytest.mark.parametrize("touched", [True, False])
    def test_reads_a_chunked_body_up_to_the_limit_also_after_a_form_was_asked_for(self, touched):
        class Endless(io.RawIOBase):
            given = 0

            def readinto(self, buffer):
                self.given += len(buffer)
                return len(buffer)

        environ = {"wsgi.input": (endless := Endless()), "wsgi.input_terminated": True}
        app = flask.Flask(__name__)
        with app.test_request_context("/", method="POST", headers=delivery().headers, environ_overrides=environ):
            if touched:
                assert not flask.request.form
            with pytest.raises(BodyTooLargeError):
                flask_adapter.verify_request(webhook, max_body=200_000)
        assert endless.given == 200_001

    def test_a_request_can_be_verified_twice(self):
        app, sent = flask.Flask(__name__), delivery()
        with app.test_request_context("/", method="POST", data=sent.body, headers=sent.headers):
            for _ in range(2):
                assert flask_adapter.verify_request(webhook).delivery.body == sent.body

    def test_the_text_of_a_413_names_the_option(self, caplog):
        sent = delivery()
        for settings, options, option in (({}, {"max_body": 99}, "max_body"), ({"MAX_CONTENT_LENGTH": 99}, {}, None)):
            client = flask_client(flask_adapter.clerk_webhook(webhook, **options)(lambda event: None), **settings)
            assert client.post("/hook", data=sent.body, headers=sent.headers).status_code == 413
            assert f"exceeds 99 bytes: raise the limit ({option or 'MAX_CONTENT_LENGTH'})" in caplog.text
            assert caplog.records[-1].message_id == sent.headers["svix-id"]

    def test_get_data_before_does_not_make_a_missing_body_an_application_error(self):
        environ = {"wsgi.input": io.BytesIO(), "wsgi.input_terminated": True, "CONTENT_LENGTH": "100"}
        app = flask.Flask(__name__)
        with app.test_request_context("/", headers=delivery().headers, environ_overrides=environ):
            assert flask.request.get_data() == b""
            with pytest.raises(BodyIncompleteError):
                flask_adapter.verify_request(webhook)

    def test_a_chunked_body_that_the_application_has_read_up_to_its_limit_is_too_large(self):
        app = flask.Flask(__name__)
        app.config["MAX_CONTENT_LENGTH"] = 100
        environ = {"wsgi.input": io.BytesIO(b"x" * 150), "wsgi.input_terminated": True}
        with app.test_request_context("/", headers=delivery().headers, environ_overrides=environ):
            flask.request.stream.read()
            with pytest.raises(BodyTooLargeError):
                flask_adapter.verify_request(webhook)

    def test_the_body_can_be_read_before_and_after(self):
        app, sent = flask.Flask(__name__), delivery()
        headers = sent.headers | {"content-type": "application/json"}
        with app.test_request_context("/", method="POST", data=sent.body, headers=headers):
            assert flask.request.get_json()["type"] == "user.created"
            assert flask_adapter.verify_request(webhook).delivery.body == sent.body
            assert flask.request.get_data() == sent.body


def part(body, more):
    return {"type": "http.request", "body": body, "more_body": more}


MB = 1_048_576


def endpoint_in_starlette(**options):
    return starlette_client(starlette_adapter.clerk_webhook(webhook, **options)(lambda request, event: None)).app


def endpoint_in_fastapi(**options):
    app, clerk = fastapi.FastAPI(), fastapi_adapter.ClerkWebhook(webhook, **options)
    app.post("/hook", dependencies=[fastapi.Depends(clerk)])(lambda: None)
    return app


@pytest.mark.parametrize("make_app", [endpoint_in_starlette, endpoint_in_fastapi])
class TestTheRestOfABodyThatIsRejectedEarly:
    """It is read before the response, so that the client is not reset while it sends."""

    def respond(self, app, messages, headers, declared=None):
        """Return the status, how many bytes were read, and the seconds that it took."""
        read = []

        async def receive():
            message = next(messages, None)
            if message is None:
                await anyio.sleep_forever()
            read.append(len(message.get("body", b"")))
            return message

        async def send(message):
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        statuses = []
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        given += [] if declared is None else [(b"content-length", str(declared).encode())]
        scope = {"type": "http", "method": "POST", "path": "/hook", "query_string": b"", "headers": given}
        started = time.monotonic()
        anyio.run(app, scope | {"http_version": "1.1"}, receive, send)
        return statuses[0], sum(read), time.monotonic() - started

    @pytest.mark.parametrize("declared", [None, 4 * MB])
    @pytest.mark.parametrize("status", [400, 413])
    def test_is_read_up_to_4_mb(self, make_app, declared, status):
        headers = {} if status == 400 else delivery().headers
        messages = iter([part(b" " * 65_536, True)] * 63 + [part(b" " * 65_536, False)])
        assert self.respond(make_app(), messages, headers, declared)[:2] == (status, 4 * MB)

    @pytest.mark.parametrize("status", [400, 413])
    def test_no_more_than_4_mb_are_read(self, make_app, status):
        headers = {} if status == 400 else delivery().headers
        messages = (part(b" " * 65_536, True) for _ in range(10_000))
        answered, read, _ = self.respond(make_app(), messages, headers)
        assert (answered, read) == (status, 4 * MB + (65_536 if status == 413 else 0))

    @pytest.mark.parametrize("declared", [4 * MB + 1, 10**12])
    @pytest.mark.parametrize("status", [400, 413])
    def test_nothing_is_read_if_more_is_declared(self, make_app, declared, status):
        headers = {} if status == 400 else delivery().headers
        messages = iter([part(b" " * 65_536, True)])
        assert self.respond(make_app(), messages, headers, declared)[:2] == (status, 0)

    @pytest.mark.parametrize("sent", [0, 3])
    @pytest.mark.slow
    def test_a_silent_sender_gets_the_response_within_two_seconds(self, make_app, sent):
        messages = iter([part(b" " * 65_536, True)] * sent)
        status, read, seconds = self.respond(make_app(), messages, {}, 3 * MB)
        assert (status, read) == (400, sent * 65_536)
        assert seconds < 2

    def test_a_disconnect_ends_it(self, make_app):
        messages = iter([part(b" ", True), {"type": "http.disconnect"}])
        status, _, seconds = self.respond(make_app(), messages, {}, 3 * MB)
        assert status == 400
        assert seconds < 1

    def test_nothing_is_read_after_a_timeout(self, make_app):
        messages = iter([part(b" ", True)])
        status, read, seconds = self.respond(make_app(body_timeout=0.1), messages, delivery().headers, 10)
        assert (status, read) == (408, 1)
        assert seconds < 1


class TestStarlette:
    def test_async_and_plain_handlers_and_rejections(self):
        async def later(request, event):
            return JSONResponse(await request.json())

        client = starlette_client(starlette_adapter.clerk_webhook(webhook, max_body=5000)(later))
        request = delivery()
        assert client.post("/hook", content=request.body, headers=request.headers).json()["type"] == "user.created"
        client = starlette_client(starlette_adapter.clerk_webhook(webhook, max_body=5000)(lambda request, event: None))
        assert client.post("/hook", content=request.body, headers=request.headers).status_code == 204
        response = client.post("/hook", content=request.body + b"x", headers=request.headers)
        assert (response.status_code, response.json(), "connection" in response.headers) == (400, REJECTION, False)
        assert client.post("/hook", content=b"x" * 5001, headers=request.headers).status_code == 413
        assert client.get("/hook").status_code == 405

    def scope_and_receive(self, messages, headers, length=None, http_version="1.1"):
        """One request whose ``receive`` returns *messages*, each after a pause, and then nothing more."""

        async def receive():
            if not messages:
                await anyio.sleep_forever()
            await anyio.sleep(0)
            return messages.pop(0)

        headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        scope = {"type": "http", "method": "POST", "path": "/hook", "query_string": b"", "headers": headers}
        return scope | {"http_version": http_version}, receive

    def request(self, messages, headers, length=None, **scope):
        return Request(*self.scope_and_receive(messages, headers, length, **scope))

    def verify(self, messages, length=None, http_version="1.1", **options):
        request = self.request(messages, delivery().headers, length, http_version=http_version)
        with pytest.raises(Exception) as caught:  # noqa: PT011
            asyncio.run(starlette_adapter.verify_request(request, webhook, **options))
        return caught.value, starlette_adapter.rejection_headers(request, caught.value)

    def test_checks_the_length_of_what_arrives(self):
        closes = {"connection": "close"}
        error, headers = self.verify([part(b"x" * 11, True)], max_body=10)
        assert (type(error), headers) == (BodyTooLargeError, closes)
        error, headers = self.verify([part(b"x", True), {"type": "http.disconnect"}])
        assert (type(error), error.received, headers) == (BodyIncompleteError, 1, closes)
        error, _ = self.verify([part(b"x", False)], length=5)
        assert (type(error), error.received, error.declared) == (BodyIncompleteError, 1, 5)
        error, _ = self.verify([part(b"", False)], length=5)
        assert (type(error), error.received, error.declared) == (BodyIncompleteError, 0, 5)
        error, headers = self.verify([part(b"x", True)], body_timeout=0.01)
        assert (type(error), error.seconds, headers) == (BodyTimeoutError, 0.01, closes)
        error, headers = self.verify([part(b"x", False)], length=1)
        assert (type(error), headers) == (SignatureMismatchError, {})

    @pytest.mark.parametrize(
        "error", [RuntimeError("Unexpected message"), RuntimeError("no event loop"), OSError("reset"), ValueError()]
    )
    def test_any_exception_while_the_body_is_read_is_the_senders(self, error, caplog):
        async def receive():
            raise error

        scope, _ = self.scope_and_receive([], delivery().headers, 5)
        with pytest.raises(BodyIncompleteError):
            asyncio.run(starlette_adapter.verify_request(Request(scope, receive), webhook))
        assert caplog.records[-1].levelno == logging.WARNING

    @pytest.mark.parametrize("content_type", [*FORM_TYPES, "text/plain", ""])
    def test_a_content_type_chosen_by_the_sender_is_never_an_application_error(self, content_type):
        async def reads_forms(request):
            async for _ in request.stream():
                pass
            return await starlette_adapter.clerk_webhook(webhook)(lambda request, event: None)(request)

        headers = delivery().headers | {"content-type": content_type}
        assert starlette_client(reads_forms).post("/hook", content=FORM, headers=headers).status_code == 400

    @pytest.mark.parametrize("declared", [None, 5])
    def test_a_body_that_a_middleware_read_is_reported_as_empty(self, declared, caplog):
        error, _ = self.verify([part(b"", False)], length=declared)
        assert error.message_id
        for word in ("empty", "client", "middleware"):
            assert word in str(error)
        assert "secret" not in str(error)
        assert caplog.records[-1].levelno == logging.WARNING

    def test_the_limit_counts_for_a_body_that_was_read_before(self):
        async def reads_first(request):
            await request.body()
            endpoint = starlette_adapter.clerk_webhook(webhook, max_body=5000)(lambda request, event: None)
            return await endpoint(request)

        for size, status in ((5001, 413), (5000, 400)):
            body = b" " * size
            sent = signed_request(body, secret=SECRET)
            chunks = iter([body[:100], body[100:]])  # without a declared length
            assert (
                starlette_client(reads_first).post("/hook", content=chunks, headers=sent.headers).status_code == status
            )

    def test_a_plain_function_may_return_a_coroutine(self):
        async def later(request, event):
            return JSONResponse(event.type)

        class Callable:
            async def __call__(self, request, event):
                return JSONResponse(event.type)

        for handler in (lambda request, event: later(request, event), Callable()):
            client, sent = starlette_client(starlette_adapter.clerk_webhook(webhook)(handler)), delivery()
            assert client.post("/hook", content=sent.body, headers=sent.headers).json() == "user.created"

    def test_closes_no_connection_over_http_2(self):
        error, headers = self.verify([], length=11, max_body=10, http_version="2")
        assert (type(error), headers) == (BodyTooLargeError, {})

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_a_late_body_is_read_until_the_timeout(self, backend):
        sent = delivery()
        half = len(sent.body) // 2

        def parts():
            return [part(sent.body[:half], True), part(sent.body[half:], False)]

        async def main():
            verify_request = starlette_adapter.verify_request
            for timeout in (10, None):
                request = self.request(parts(), sent.headers, len(sent.body))
                assert (await verify_request(request, webhook, body_timeout=timeout)).type == "user.created"
                assert await request.body() == sent.body
            with pytest.raises(BodyTimeoutError):
                await verify_request(self.request(parts()[:1], sent.headers), webhook, body_timeout=0.01)
            with anyio.move_on_after(0.01) as scope:
                await verify_request(self.request(parts()[:1], sent.headers), webhook, body_timeout=10)
            assert scope.cancelled_caught
            await anyio.sleep(0.02)  # no timeout is left running

        anyio.run(main, backend=backend)

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_the_timeout_works_under_middleware(self, backend):
        class PassesOn(BaseHTTPMiddleware):
            async def dispatch(self, request, call_next):
                return await call_next(request)

        endpoint = starlette_adapter.clerk_webhook(webhook, body_timeout=0.05)(lambda request, event: None)
        app = Starlette(
            routes=[Route("/hook", endpoint, methods=["POST"])], middleware=[Middleware(PassesOn), Middleware(PassesOn)]
        )
        sent = delivery()

        async def status_of(messages):
            responses = []

            async def send(message):
                responses.append(message)

            await app(*self.scope_and_receive(messages, sent.headers), send)
            return responses[0]["status"]

        async def main():
            assert await status_of([part(sent.body[:10], True), part(sent.body[10:], False)]) == 204
            assert await status_of([part(sent.body[:10], True)]) == 408

        anyio.run(main, backend=backend)

    def test_a_task_that_is_cancelled_while_it_reads_stays_cancelled(self):
        async def main():
            request = self.request([part(b"x", True)], delivery().headers)
            reading = starlette_adapter.verify_request(request, webhook, body_timeout=10)
            task = asyncio.create_task(reading)
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())

    @pytest.mark.parametrize(
        "first",
        [
            "cancelled",
            pytest.param(
                "timeout",
                marks=pytest.mark.skipif(
                    sys.version_info < (3, 11), reason="asyncio cannot distinguish them: it has no Task.uncancel()"
                ),
            ),
        ],
    )
    def test_a_cancellation_at_the_same_moment_as_the_timeout_is_not_lost(self, first):
        async def main():
            loop = asyncio.get_running_loop()
            request = self.request([part(b"x", True)], delivery().headers)
            if first == "cancelled":
                reading = starlette_adapter.verify_request(request, webhook, body_timeout=0.02)
                task = asyncio.create_task(reading)
                loop.call_later(0.01, task.cancel)
            else:
                reading = starlette_adapter.verify_request(request, webhook, body_timeout=0.01)
                task = asyncio.create_task(reading)
                loop.call_later(0.02, task.cancel)
            await asyncio.sleep(0)
            time_is_up = loop.time() + 0.03
            while loop.time() < time_is_up:  # blocks the loop, so that both are due in its next iteration
                pass
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())

    def test_a_timeout_leaves_no_cancellation_behind(self):
        async def main():
            request = self.request([part(b"x", True)], delivery().headers)
            with pytest.raises(BodyTimeoutError):
                await starlette_adapter.verify_request(request, webhook, body_timeout=0.01)
            await asyncio.sleep(0)
            return asyncio.current_task().cancelling() if sys.version_info >= (3, 11) else 0

        assert asyncio.run(main()) == 0

    def test_a_timeout_in_a_task_that_is_being_cancelled_is_a_timeout(self):
        async def main():
            request = self.request([part(b"x", True)], delivery().headers)
            try:
                await anyio.sleep_forever()
            finally:
                with pytest.raises(BodyTimeoutError):
                    await starlette_adapter.verify_request(request, webhook, body_timeout=0.01)
                timed_out.append(True)

        async def cancel_it():
            task = asyncio.create_task(main())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        timed_out = []
        asyncio.run(cancel_it())
        assert timed_out

    def test_reports_a_body_that_the_application_has_read(self, caplog):
        async def consumed(request):
            async for _ in request.stream():
                pass
            return await starlette_adapter.clerk_webhook(webhook)(lambda request, event: None)(request)

        async def kept(request):
            await request.json()
            return await starlette_adapter.clerk_webhook(webhook)(lambda request, event: None)(request)

        request = delivery()
        assert (
            starlette_client(consumed).post("/hook", content=request.body, headers=request.headers).status_code == 500
        )
        assert "request.stream() or request.form() was already read: verify first" in caplog.text
        assert starlette_client(kept).post("/hook", content=request.body, headers=request.headers).status_code == 204


class TestFastAPI:
    @pytest.mark.usefixtures("_secret")
    def test_endpoints_responses_and_the_openapi_page(self):
        from helpers.apps import fastapi_app

        client = fastapi.testclient.TestClient(fastapi_app.app)
        request = delivery()
        assert client.post("/hook/acme", content=request.body, headers=request.headers).json()["tenant"] == "acme"
        assert client.post("/quiet", content=request.body, headers=request.headers).status_code == 204
        response = client.post("/quiet", content=b"not json", headers={"content-type": "application/json"})
        assert (response.status_code, response.json()) == (400, REJECTION)
        page = client.get("/openapi.json").json()["paths"]["/quiet"]["post"]
        assert page["requestBody"]["required"] is True
        assert [each["name"] for each in page["parameters"]] == ["svix-id", "svix-timestamp", "svix-signature"]
        assert {"204", "400", "413"} <= page["responses"].keys()

    @pytest.mark.parametrize(
        "annotation", [Event, AnyEvent, KnownEvent | UnknownEvent], ids=["Event", "AnyEvent", "union"]
    )
    def test_an_endpoint_may_be_annotated_with_any_type_that_covers_all_events(self, annotation):
        app, clerk = fastapi.FastAPI(), fastapi_adapter.ClerkWebhook(webhook)

        @app.post("/hook")
        async def hook(event: typing.Annotated[annotation, fastapi.Depends(clerk)]):
            return event.type

        client, request = fastapi.testclient.TestClient(app), delivery()
        assert client.post("/hook", content=request.body, headers=request.headers).json() == "user.created"
        assert client.get("/openapi.json").status_code == 200

    @pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
    def test_the_documented_endpoint_works_with_annotations_as_text_too(self, future, monkeypatch):
        page = (Path(__file__).parents[2] / "docs" / "frameworks" / "fastapi.md").read_text("utf-8")
        module = types.ModuleType("documented")
        monkeypatch.setitem(sys.modules, "documented", module)
        blocks = page.split("```python\n")[1:]
        assert "ClerkWebhook(" in blocks[0]
        for block in blocks:
            exec(future + block.split("```")[0], vars(module))

    @pytest.mark.parametrize("returns", [None, dict, "Outcome", int | None, JSONResponse], ids=str)
    def test_an_endpoint_may_have_any_return_annotation(self, returns):
        app, clerk = fastapi.FastAPI(), fastapi_adapter.ClerkWebhook(webhook)

        async def hook(event: typing.Annotated[Event, fastapi.Depends(clerk)]):
            return None

        hook.__annotations__["return"] = returns
        app.post("/hook", **clerk.openapi)(hook)
        app.post("/own", **{**clerk.openapi, "status_code": 200})(hook)
        client, request = fastapi.testclient.TestClient(app), delivery()
        assert client.post("/hook", content=request.body, headers=request.headers).status_code == 204
        assert client.post("/own", content=request.body, headers=request.headers).status_code == 200
        assert client.get("/openapi.json").status_code == 200

    @pytest.mark.parametrize("size", [5001, 50_000])
    def test_the_limit_counts_for_an_endpoint_with_a_body_of_its_own(self, size):
        app, clerk = fastapi.FastAPI(), fastapi_adapter.ClerkWebhook(webhook, max_body=5000)

        @app.post("/hook")
        async def hook(payload: dict, event: typing.Annotated[Event, fastapi.Depends(clerk)]):
            return payload["type"]

        client = fastapi.testclient.TestClient(app)
        sent = delivery()
        headers = sent.headers | {"content-type": "application/json"}
        assert client.post("/hook", content=sent.body, headers=headers).json() == "user.created"
        body = json.dumps({"type": "x" * size}).encode()
        sent = signed_request(body, secret=SECRET)
        for content in (body, iter([body])):
            response = client.post("/hook", content=content, headers=headers | sent.headers)
            assert (response.status_code, response.json()) == (413, REJECTION)


class TestDjango:
    def test_sync_and_async_handlers(self):
        async def later(request, event):
            return None

        decorate = django_adapter.clerk_webhook(webhook)
        view, async_view = decorate(lambda request, event, **url: None), decorate(later)
        for each in (view, async_view):
            assert each.csrf_exempt
            assert each.login_required is False
        assert view(django_request(), tenant="acme").status_code == 204
        assert asyncio.run(async_view(django_request())).status_code == 204
        for response in (
            view(django_request(fault="tampered")),
            asyncio.run(async_view(django_request(fault="stale"))),
        ):
            assert (response.status_code, json.loads(response.content)) == (400, REJECTION)
        assert view(requests.get("/")).status_code == 405

    def test_reads_the_secret_at_the_first_request(self, caplog, monkeypatch):
        decorator = django_adapter.clerk_webhook
        view = decorator()(lambda request, event: None)
        assert view(django_request()).status_code == 500
        record = caplog.records[0]
        assert (record.levelno, record.code, record.fingerprints) == (logging.ERROR, "invalid_secret", ())
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", OTHER_SECRET)
        with override_settings(CLERK_WEBHOOK_SIGNING_SECRET=SECRET):
            assert view(django_request()).status_code == 204
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert decorator()(lambda request, event: None)(django_request()).status_code == 204

    def verify(self, request, **options):
        return django_adapter.verify_request(request, webhook, **options)

    def request_from(self, stream, **environ):
        """A request whose body comes from *stream*, as a WSGI server passes it."""
        sent = delivery()
        environ = {"wsgi.input": stream} | environ
        return requests.generic("POST", "/", headers=sent.headers, **environ)

    def test_checks_the_length_of_what_arrives(self):
        with pytest.raises(BodyTooLargeError):
            self.verify(django_request(), max_body=100)
        with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100), pytest.raises(BodyTooLargeError) as caught:
            self.verify(django_request())
        assert caught.value.limit == 100
        for arrives in (b"x" * 99, b""):
            with pytest.raises(BodyIncompleteError):
                self.verify(self.request_from(io.BytesIO(arrives), CONTENT_LENGTH="100"))

        class Gone(io.BytesIO):
            def read(self, *_):
                raise OSError("the client is gone")

        with pytest.raises(BodyIncompleteError):
            self.verify(self.request_from(Gone(), CONTENT_LENGTH="100"))

    def test_reports_a_body_that_the_application_has_read(self):
        request = django_request()
        request.read(1)
        with pytest.raises(BodyConsumedError, match="read the request as a stream"):
            self.verify(request)

    def test_reads_a_chunked_body_under_wsgi_if_the_server_marks_its_end(self):
        def chunked(terminated):
            environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": terminated}
            return self.request_from(io.BytesIO(delivery().body), **environ)

        request = chunked(True)
        assert self.verify(request).delivery.body == request.body
        with pytest.raises(BodyTooLargeError):
            self.verify(chunked(True), max_body=100)
        with pytest.raises(SignatureMismatchError, match="body is empty"):
            self.verify(self.request_from(io.BytesIO()))
        with pytest.raises(
            BodyIncompleteError, match="the body is chunked, and this WSGI server does not mark its end"
        ):
            self.verify(chunked(False))

    def test_a_chunked_body_can_be_verified_twice(self):
        environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        request = self.request_from(io.BytesIO(delivery().body), **environ)
        for _ in range(2):
            assert self.verify(request).delivery.body == request.body

    @pytest.mark.parametrize("error", [OSError("reset"), ValueError("no chunk size"), KeyError("another"), EOFError()])
    @pytest.mark.parametrize("framing", [{"CONTENT_LENGTH": "100"}, {"HTTP_TRANSFER_ENCODING": "chunked"}])
    def test_any_exception_while_the_body_is_read_is_the_senders(self, error, framing, caplog):
        class Broken(io.BytesIO):
            def read(self, *_):
                raise error

        with pytest.raises(BodyIncompleteError) as caught:
            self.verify(self.request_from(Broken(), **framing, **{"wsgi.input_terminated": True}))
        assert caught.value.message_id
        assert caplog.records[-1].levelno == logging.WARNING

    @pytest.mark.parametrize("content_type", FORM_TYPES)
    def test_a_form_type_chosen_by_the_sender_is_never_an_application_error(self, content_type, caplog):
        view = django_adapter.clerk_webhook(webhook)(lambda request, event: None)
        headers = delivery().headers | {"content-type": content_type, "content-length": str(len(FORM))}
        scope = {"method": "POST", "path": "/", "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}
        for request in (
            requests.post("/", FORM, content_type, headers=headers),
            django.core.handlers.asgi.ASGIRequest(scope, io.BytesIO(FORM)),
        ):
            assert request.POST
            assert view(request).status_code == 400
            assert caplog.records[-1].code == (
                "body_incomplete" if content_type.startswith("multipart") else "signature_mismatch"
            )

    @pytest.mark.parametrize("length", ["+5", "-1", "5_0", "5, 5", "9" * 30, "\u0665", "0x5", "5.0"])
    def test_reads_no_body_whose_declared_length_is_not_a_number(self, length):
        class Unread(io.BytesIO):
            def read(self, *_):
                raise AssertionError("the body is read")

        with pytest.raises(MalformedHeaderError, match="content-length is not a number"):
            self.verify(self.request_from(Unread(), CONTENT_LENGTH=length))

    def test_the_text_of_a_413_names_the_option(self):
        with pytest.raises(BodyTooLargeError, match=r"raise the limit \(max_body\)"):
            self.verify(django_request(), max_body=100)
        text = r"raise the limit \(DATA_UPLOAD_MAX_MEMORY_SIZE\)"
        with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100), pytest.raises(BodyTooLargeError, match=text) as caught:
            self.verify(django_request())
        assert caught.value.message_id

    def test_a_changed_setting_counts_at_the_next_request(self, monkeypatch):
        view = django_adapter.clerk_webhook()(lambda request, event: None)

        def status_of(secret):
            sent = signed_request("user.created", secret=secret)
            return view(requests.post("/", sent.body, "application/json", headers=sent.headers)).status_code

        for used, unused in ((SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET), (SECRET, OTHER_SECRET)):
            with override_settings(CLERK_WEBHOOK_SIGNING_SECRET=used):
                assert (status_of(used), status_of(unused)) == (204, 400)
            assert status_of(used) == 500, "neither setting nor environment"
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", OTHER_SECRET)
        assert status_of(OTHER_SECRET) == 204
        with override_settings(CLERK_WEBHOOK_SIGNING_SECRET=[SECRET, OTHER_SECRET]):
            assert (status_of(SECRET), status_of(OTHER_SECRET)) == (204, 204)
        assert status_of(SECRET) == 400

    def test_a_missing_secret_is_logged_with_the_message_id(self, caplog):
        view, request = django_adapter.clerk_webhook()(lambda request, event: None), django_request()
        assert view(request).status_code == 500
        assert caplog.records[0].message_id == request.headers["svix-id"]

    @pytest.mark.parametrize("max_body", [100, 5000])
    def test_an_undeclared_body_under_asgi_and_an_underscore_in_a_header(self, max_body):
        sent = delivery()
        headers = [(name.encode(), value.encode()) for name, value in sent.headers.items()]
        headers += [(b"svix_id", b"msg_evil"), (b"transfer-encoding", b"chunked")]
        scope = {"method": "POST", "path": "/", "headers": headers}
        request = django.core.handlers.asgi.ASGIRequest(scope, io.BytesIO(sent.body))
        if max_body > len(sent.body):
            assert self.verify(request, max_body=max_body).message_id == sent.headers["svix-id"]
            assert request.body == sent.body
        else:
            with pytest.raises(BodyTooLargeError):
                self.verify(request, max_body=max_body)


class TestLambda:
    """Events in the shapes that AWS documents."""

    def event(self, shape: str, **changes):
        request = delivery(**changes)
        titled = {name.title(): value for name, value in request.headers.items()}
        base = {"isBase64Encoded": False, "body": request.body.decode()}
        if shape == "API Gateway v1":
            several = {name: [value] for name, value in titled.items()}
            return base | {"httpMethod": "POST", "headers": titled, "multiValueHeaders": several}
        if shape == "API Gateway v2":
            context = {"http": {"method": "POST", "path": "/hook"}}
            return base | {"version": "2.0", "headers": request.headers, "requestContext": context}
        if shape == "base64":
            return base | {"headers": titled, "isBase64Encoded": True, "body": base64.b64encode(request.body).decode()}
        return base | {
            "httpMethod": "POST",
            "multiValueHeaders": {name: [value] for name, value in request.headers.items()},
        }

    @pytest.mark.parametrize("shape", ["API Gateway v1", "API Gateway v2", "load balancer", "base64"])
    def test_verifies_every_shape(self, shape):
        handler = aws_lambda.clerk_webhook(webhook)(lambda event, context: None)
        assert handler(self.event(shape), None) == {"statusCode": 204, "body": ""}
        assert (
            aws_lambda.clerk_webhook(webhook)(lambda event, context: event.type)(self.event(shape), None)
            == "user.created"
        )
        response = handler(self.event(shape, fault="tampered"), None)
        assert (response["statusCode"], json.loads(response["body"])) == (400, REJECTION)

    def test_verifies_the_multi_value_headers_if_there_are_any(self):
        event = self.event("API Gateway v1")
        event["multiValueHeaders"]["Svix-Id"].append("msg_evil")
        assert aws_lambda.clerk_webhook(webhook)(lambda event, context: None)(event, None)["statusCode"] == 400

    def test_other_methods_long_bodies_and_no_body(self):
        handler = aws_lambda.clerk_webhook(webhook, max_body=100)(lambda event, context: None)
        assert handler(self.event("load balancer") | {"httpMethod": "GET"}, None)["statusCode"] == 405
        assert (
            handler(self.event("API Gateway v2") | {"requestContext": {"http": {"method": "PUT"}}}, None)["statusCode"]
            == 405
        )
        assert handler(self.event("load balancer"), None)["statusCode"] == 413
        assert handler(self.event("load balancer") | {"body": None}, None)["statusCode"] == 400
        assert (
            handler({"httpMethod": "POST", "headers": None, "multiValueHeaders": {"a": None}}, None)["statusCode"]
            == 400
        )
        broken = self.event("base64") | {"body": "not base64!"}
        assert handler(broken, None)["statusCode"] == 400

    @pytest.mark.parametrize("encoded", [True, False])
    @pytest.mark.parametrize("version", [1, 2])
    def test_verifies_vpc_lattice(self, version, encoded):
        sent = delivery()
        body = base64.b64encode(sent.body).decode() if encoded else sent.body.decode()
        lists = {name: [value] for name, value in sent.headers.items()}
        if version == 1:
            event = {"raw_path": "/hook", "headers": sent.headers, "is_base64_encoded": encoded}
        else:
            event = {"version": "2.0", "path": "/hook", "headers": lists, "isBase64Encoded": encoded}
            event["requestContext"] = {"serviceArn": "arn:aws:vpc-lattice:eu"}
        handler = aws_lambda.clerk_webhook(webhook)(lambda event, context: None)
        assert handler(event | {"method": "POST", "body": body}, None)["statusCode"] == 204
        assert handler(event | {"method": "GET", "body": body}, None)["statusCode"] == 405
        lists["svix-id"].append("msg_evil")
        event["headers"] = lists
        assert handler(event | {"method": "POST", "body": body}, None)["statusCode"] == 400

    @pytest.mark.parametrize(
        "event",
        [
            {},
            {"headers": None},
            {"headers": {}},
            {"headers": []},
            {"headers": "svix-id: msg_1"},
            {"headers": {"svix-id": None}},
            {"multiValueHeaders": {"svix-id": []}},
            {"multiValueHeaders": [["svix-id", "msg_1"]]},
            {"type": "user.created", "data": {"id": "user_1"}},
            {"Records": [{"cf": {"request": {"headers": {}}}}]},
            {"requestContext": None},
            {"requestContext": "x"},
            {"requestContext": {"http": []}},
            [],
            "event",
            None,
        ],
        ids=repr,
    )
    def test_an_event_without_headers_is_named(self, event, caplog):
        handler = aws_lambda.clerk_webhook(webhook)(lambda event, context: None)
        assert handler(event, None)["statusCode"] == 400
        (record,) = caplog.records
        assert (record.levelno, record.code) == (logging.WARNING, "missing_header")
        assert "found no headers at all: pass those of the request; in Lambda," in caplog.text
        assert "proxy" not in caplog.text

    @pytest.mark.parametrize("value", [1_700_000_000, True, 1.5, {"a": "b"}, ["a", "b"], [["a"]], b"msg_1"], ids=repr)
    def test_header_values_of_other_types_are_rejected(self, value, caplog):
        event = self.event("API Gateway v2")
        for headers in ({**event["headers"], "svix-signature": value}, {**event["headers"], 5: value}):
            response = aws_lambda.clerk_webhook(webhook)(lambda event, context: None)(
                event | {"headers": headers}, None
            )
            assert response["statusCode"] == (204 if 5 in headers else 400)
        assert all(record.levelno == logging.WARNING for record in caplog.records)

    @pytest.mark.parametrize("body", [{"type": "user.created"}, ["x"], 5, 0, False, b"{}"], ids=repr)
    def test_a_body_that_is_not_text_is_named(self, body, caplog):
        handler = aws_lambda.clerk_webhook(webhook)(lambda event, context: None)
        event = self.event("API Gateway v2") | {"body": body}
        assert handler(event, None)["statusCode"] == 500
        assert f"must be a string, not {type(body).__name__}: the integration must pass" in caplog.text
        assert caplog.records[0].message_id == event["headers"]["svix-id"]

    @pytest.mark.parametrize("flag", ["isBase64Encoded", "is_base64_encoded"])
    @pytest.mark.parametrize("body", ["not base64!", "{}", "é", "YQ", "\ud800"], ids=ascii)
    def test_a_body_that_is_called_base64_and_is_not_is_named(self, flag, body, caplog):
        handler = aws_lambda.clerk_webhook(webhook)(lambda event, context: None)
        event = self.event("API Gateway v2") | {"isBase64Encoded": False, flag: True, "body": body}
        assert handler(event, None)["statusCode"] == 400
        assert "isBase64Encoded is true, but the body in the Lambda event is not base64" in caplog.text

    @pytest.mark.usefixtures("_secret")
    def test_the_secret_comes_from_the_environment_by_default(self):
        assert aws_lambda.clerk_webhook()(lambda event, context: None)(self.event("base64"), None)["statusCode"] == 204


def test_a_missing_secret_is_not_a_rejected_request():
    with pytest.raises(InvalidSecretError):
        flask_adapter.clerk_webhook()


def test_the_log_has_no_handler_of_its_own():
    assert logging.getLogger("clerk_webhook_verify").handlers == []
