"""What does each adapter do within one process, where a test client can look at every answer?"""

import asyncio
import base64
import io
import json
import logging

import anyio
import fastapi.testclient
import pytest
import starlette.testclient
from helpers.signer import OTHER_SECRET, SECRET

from clerk_webhook_verify import (
    InvalidSecretError,
    Webhook,
    aws_lambda,
    flask as flask_adapter,
    starlette as starlette_adapter,
)
from clerk_webhook_verify.errors import (
    BodyConsumedError,
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    SignatureMismatchError,
)
from clerk_webhook_verify.testing import signed_request

REFUSAL = {"detail": "webhook refused"}
webhook = Webhook(SECRET)


def delivery(**changes):
    return signed_request("user.created", secret=SECRET, **changes)


@pytest.fixture
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


class TestFlask:
    def client(self, view, **settings):
        import flask

        app = flask.Flask(__name__)
        app.config.update(settings)
        app.add_url_rule("/hook", view_func=view, methods=["GET", "POST"])
        return app.test_client()

    def test_sync_and_async_handlers(self):
        async def later(event):
            return {"type": event.type}

        for handler in (lambda event: {"type": event.type}, later):
            client = self.client(flask_adapter.clerk_webhook(webhook)(handler))
            request = delivery()
            assert client.post("/hook", data=request.body, headers=request.headers).json == {"type": "user.created"}

    def test_refusals(self):
        client = self.client(flask_adapter.clerk_webhook(webhook, max_body=5000)(lambda event: None))
        request = delivery()
        assert client.post("/hook", data=request.body, headers=request.headers).status_code == 204
        answer = client.post("/hook", data=request.body + b"x", headers=request.headers)
        assert (answer.status_code, answer.json) == (400, REFUSAL)
        answer = client.post("/hook", data=b"x" * 5001, headers=request.headers)
        assert (answer.status_code, answer.json) == (413, REFUSAL)
        answer = client.get("/hook")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")

    def test_a_header_less_and_another_family(self, caplog):
        client = self.client(flask_adapter.clerk_webhook(webhook)(lambda event: None))
        request = delivery()
        renamed = {name.replace("svix", "webhook"): value for name, value in request.headers.items()}
        assert client.post("/hook", data=request.body, headers=renamed).status_code == 204
        del request.headers["svix-timestamp"]
        answer = client.post("/hook", data=request.body, headers={**request.headers, "stripe-signature": "t=1"})
        assert (answer.status_code, caplog.records[-1].code) == (400, "missing_header")
        assert "Stripe" in caplog.text

    def test_the_applications_own_limit_counts_where_it_is_lower(self):
        client = self.client(flask_adapter.clerk_webhook(webhook)(lambda event: None), MAX_CONTENT_LENGTH=100)
        request = delivery()
        assert client.post("/hook", data=request.body, headers=request.headers).status_code == 413

    def test_two_endpoints_have_two_secrets(self):
        import flask

        app = flask.Flask(__name__)
        for secret in (SECRET, OTHER_SECRET):
            view = flask_adapter.clerk_webhook(Webhook(secret))(lambda event: None)
            app.add_url_rule(f"/{secret[-5:]}", secret[-5:], view, methods=["POST"])
        request = delivery()
        client = app.test_client()
        assert client.post(f"/{SECRET[-5:]}", data=request.body, headers=request.headers).status_code == 204
        assert client.post(f"/{OTHER_SECRET[-5:]}", data=request.body, headers=request.headers).status_code == 400

    @pytest.mark.parametrize(
        ("stream", "length", "error"),
        [
            ("short", 100, BodyIncompleteError),
            ("none", 100, BodyIncompleteError),
            ("", 100, BodyIncompleteError),
            ("long", None, BodyTooLargeError),
        ],
    )
    def test_what_a_server_hands_over_is_measured(self, stream, length, error):
        """``input_terminated``, as gunicorn sets it, makes werkzeug trust the stream's end."""
        import flask

        class Stream(io.BytesIO):
            """Ends where it ends."""

        app = flask.Flask(__name__)
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in delivery().headers.items()}
        body = b"x" * {"short": 10, "none": 0, "": 0, "long": 21}[stream]
        environ = {"wsgi.input": Stream(body), **headers}
        if stream:
            environ["wsgi.input_terminated"] = True
        if length:
            environ["CONTENT_LENGTH"] = str(length)
        with app.test_request_context("/", method="POST", environ_overrides=environ), pytest.raises(error):
            flask_adapter.verify_request(webhook, max_body=1000 if length else 20)

    def test_a_body_read_before_is_named_as_such(self):
        import flask

        app = flask.Flask(__name__)
        request = delivery()
        with app.test_request_context("/", method="POST", data=request.body, headers=request.headers):
            flask.request.stream.read()
            with pytest.raises(BodyConsumedError, match=r"request.stream or request.form"):
                flask_adapter.verify_request(webhook)

    def test_a_body_that_never_came_was_not_read_by_who_asked_for_it_before(self):
        import flask

        environ = {"wsgi.input": io.BytesIO(), "wsgi.input_terminated": True, "CONTENT_LENGTH": "100"}
        app = flask.Flask(__name__)
        with app.test_request_context("/", headers=delivery().headers, environ_overrides=environ):
            assert flask.request.get_data() == b""
            with pytest.raises(BodyIncompleteError):
                flask_adapter.verify_request(webhook)


class TestStarlette:
    def client(self, endpoint, **options):
        from starlette.applications import Starlette
        from starlette.routing import Route

        app = Starlette(routes=[Route("/hook", endpoint, methods=["GET", "POST"])], **options)
        return starlette.testclient.TestClient(app, raise_server_exceptions=False)

    def test_async_and_plain_handlers_and_refusals(self):
        from starlette.responses import JSONResponse

        async def later(request, event):
            return JSONResponse(await request.json())

        client = self.client(starlette_adapter.clerk_webhook(webhook, max_body=5000)(later))
        request = delivery()
        assert client.post("/hook", content=request.body, headers=request.headers).json()["type"] == "user.created"
        client = self.client(starlette_adapter.clerk_webhook(webhook, max_body=5000)(lambda request, event: None))
        assert client.post("/hook", content=request.body, headers=request.headers).status_code == 204
        answer = client.post("/hook", content=request.body + b"x", headers=request.headers)
        assert (answer.status_code, answer.json(), "connection" in answer.headers) == (400, REFUSAL, False)
        assert client.post("/hook", content=b"x" * 5001, headers=request.headers).status_code == 413
        assert client.get("/hook").status_code == 405

    def request(self, messages, headers, length=None):
        """One request whose ``receive`` gives *messages*, each after a pause, and then nothing more."""
        from starlette.requests import Request

        async def receive():
            if not messages:
                await anyio.sleep_forever()
            await anyio.sleep(0)
            return messages.pop(0)

        headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "http_version": "1.1"}
        return Request(scope, receive)

    def verify(self, messages, length=None, **options):
        request = self.request(messages, delivery().headers, length)
        with pytest.raises(Exception) as caught:  # noqa: PT011
            asyncio.run(starlette_adapter.verify_request(request, webhook, **options))
        return caught.value, starlette_adapter.refusal_headers(request)

    def test_what_arrives_is_measured(self):
        def part(body, more):
            return {"type": "http.request", "body": body, "more_body": more}

        closes = {"connection": "close"}
        error, headers = self.verify([part(b"x" * 11, True)], max_body=10)
        assert (type(error), headers) == (BodyTooLargeError, closes)
        error, headers = self.verify([part(b"x", True), {"type": "http.disconnect"}])
        assert (type(error), error.received, headers) == (BodyIncompleteError, 1, closes)
        error, _ = self.verify([part(b"x", False)], length=5)
        assert (type(error), error.received, error.declared) == (BodyIncompleteError, 1, 5)
        error, _ = self.verify([part(b"", False)], length=5)
        assert type(error) is BodyConsumedError
        error, headers = self.verify([part(b"x", True)], body_timeout=0.01)
        assert (type(error), error.seconds, headers) == (BodyTimeoutError, 0.01, closes)
        error, headers = self.verify([part(b"x", False)], length=1)
        assert (type(error), headers) == (SignatureMismatchError, {})

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_a_body_that_comes_late(self, backend):
        sent = delivery()

        def parts():
            half = len(sent.body) // 2
            return [
                {"type": "http.request", "body": sent.body[:half], "more_body": True},
                {"type": "http.request", "body": sent.body[half:], "more_body": False},
            ]

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
            await anyio.sleep(0.02)  # nothing of the time limits is left behind

        anyio.run(main, backend=backend)

    def test_a_middleware_that_read_the_stream_is_named_as_such(self):
        async def consumed(request):
            async for _ in request.stream():
                pass
            return await starlette_adapter.clerk_webhook(webhook)(lambda request, event: None)(request)

        async def kept(request):
            await request.json()
            return await starlette_adapter.clerk_webhook(webhook)(lambda request, event: None)(request)

        request = delivery()
        assert self.client(consumed).post("/hook", content=request.body, headers=request.headers).status_code == 500
        assert self.client(kept).post("/hook", content=request.body, headers=request.headers).status_code == 204


@pytest.mark.usefixtures("_secret")
class TestFastAPI:
    def test_endpoints_answers_and_the_openapi_page(self):
        from helpers.apps import fastapi_app

        client = fastapi.testclient.TestClient(fastapi_app.app)
        request = delivery()
        assert client.post("/hook/acme", content=request.body, headers=request.headers).json()["tenant"] == "acme"
        assert client.post("/quiet", content=request.body, headers=request.headers).status_code == 204
        answer = client.post("/quiet", content=b"not json", headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()) == (400, REFUSAL)
        page = client.get("/openapi.json").json()["paths"]["/quiet"]["post"]
        assert page["requestBody"]["required"] is True
        assert [each["name"] for each in page["parameters"]] == ["svix-id", "svix-timestamp", "svix-signature"]
        assert {"204", "400", "413"} <= page["responses"].keys()


class TestDjango:
    @pytest.fixture
    def requests(self):
        import django.test
        from helpers.apps import django_app  # noqa: F401

        return django.test.RequestFactory()

    def post(self, requests, **changes):
        request = delivery(**changes)
        return requests.post("/", request.body, "application/json", headers=request.headers)

    @pytest.fixture
    def decorator(self, requests):
        from clerk_webhook_verify import django as adapter

        return adapter.clerk_webhook

    def test_sync_and_async_handlers(self, requests, decorator):
        async def later(request, event):
            return None

        view, async_view = decorator(webhook)(lambda request, event, **url: None), decorator(webhook)(later)
        for each in (view, async_view):
            assert each.csrf_exempt
            assert each.login_required is False
        assert view(self.post(requests), tenant="acme").status_code == 204
        assert asyncio.run(async_view(self.post(requests))).status_code == 204
        for answer in (
            view(self.post(requests, fault="tampered")),
            asyncio.run(async_view(self.post(requests, fault="stale"))),
        ):
            assert (answer.status_code, json.loads(answer.content)) == (400, REFUSAL)
        assert view(requests.get("/")).status_code == 405

    def test_the_secret_is_looked_for_at_the_first_request(self, requests, decorator, caplog, monkeypatch):
        from django.test import override_settings

        view = decorator()(lambda request, event: None)
        assert view(self.post(requests)).status_code == 500
        assert caplog.records[0].code == "invalid_secret"
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", OTHER_SECRET)
        with override_settings(CLERK_WEBHOOK_SIGNING_SECRET=SECRET):
            assert view(self.post(requests)).status_code == 204
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert decorator()(lambda request, event: None)(self.post(requests)).status_code == 204

    def test_what_arrives_is_measured(self, requests):
        from django.test import override_settings

        from clerk_webhook_verify.django import verify_request

        with pytest.raises(BodyTooLargeError):
            verify_request(self.post(requests), webhook, max_body=100)
        with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100), pytest.raises(BodyTooLargeError) as caught:
            verify_request(self.post(requests), webhook)
        assert caught.value.limit == 100
        request = self.post(requests)
        request.META["CONTENT_LENGTH"] = "100000"
        with pytest.raises(BodyIncompleteError):
            verify_request(request, webhook)
        request = self.post(requests)
        request.read(1)
        with pytest.raises(BodyConsumedError, match="read the request as a stream"):
            verify_request(request, webhook)
        request = self.post(requests)
        request._body = b""
        with pytest.raises(BodyIncompleteError):
            verify_request(request, webhook)

        class Gone(io.BytesIO):
            def read(self, *_):
                raise OSError("the client is gone")

        request = self.post(requests)
        request._stream = Gone()
        with pytest.raises(BodyIncompleteError):
            verify_request(request, webhook)

    def test_a_chunked_body_under_wsgi_is_read_where_the_server_says_where_it_ends(self, requests):
        from clerk_webhook_verify.django import verify_request

        def chunked(terminated):
            request = self.post(requests)
            stream = io.BytesIO(request.body)
            del request._body
            request.META.update(
                {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": stream, "wsgi.input_terminated": terminated}
            )
            del request.META["CONTENT_LENGTH"]
            return request

        request = chunked(True)
        assert verify_request(request, webhook).type == "user.created"
        assert request.body
        with pytest.raises(BodyTooLargeError):
            verify_request(chunked(True), webhook, max_body=100)
        with pytest.raises(BodyConsumedError, match="does not say where it ends"):
            verify_request(chunked(False), webhook)
        request = self.post(requests)
        del request.META["CONTENT_LENGTH"]
        assert verify_request(request, webhook).type == "user.created"


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
    def test_every_shape_is_verified(self, shape):
        handler = aws_lambda.clerk_webhook(webhook)(lambda event, context: None)
        assert handler(self.event(shape), None) == {"statusCode": 204, "body": ""}
        assert (
            aws_lambda.clerk_webhook(webhook)(lambda event, context: event.type)(self.event(shape), None)
            == "user.created"
        )
        answer = handler(self.event(shape, fault="tampered"), None)
        assert (answer["statusCode"], json.loads(answer["body"])) == (400, REFUSAL)

    def test_the_multi_valued_headers_decide(self):
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

    @pytest.mark.usefixtures("_secret")
    def test_the_secret_comes_from_the_environment_by_default(self):
        assert aws_lambda.clerk_webhook()(lambda event, context: None)(self.event("base64"), None)["statusCode"] == 204


def test_a_missing_secret_is_no_bad_request():
    with pytest.raises(InvalidSecretError):
        flask_adapter.clerk_webhook()
    assert logging.getLogger("clerk_webhook_verify").handlers == [], "where the log goes is the application's matter"
