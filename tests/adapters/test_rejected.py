"""When on_rejected is called, with which arguments, and that it cannot change the response."""

import asyncio
import contextlib
import functools
import inspect
import json
import logging
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from django.test import RequestFactory
from fastapi import HTTPException
from helpers.adapters import ADAPTERS, in_flask, in_lambda
from helpers.signer import OTHER_SECRET, SECRET, signed_headers
from hypothesis import given, strategies as st
from starlette.requests import Request

import clerk_webhook_verify
from clerk_webhook_verify import (
    RejectedRequest,
    Webhook,
    WebhookError,
    WebhookVerificationError,
    aws_lambda,
    django,
    fastapi,
    flask,
    starlette,
)
from clerk_webhook_verify.cli import main
from clerk_webhook_verify.cli._options import UsageError
from clerk_webhook_verify.cli.captures import read_captures
from clerk_webhook_verify.errors import (
    BodyConsumedError,
    BodyTimeoutError,
    InvalidSecretError,
    MalformedHeaderError,
    MissingHeaderError,
)
from clerk_webhook_verify.testing import signed_request

REJECTION = {"detail": "webhook rejected"}
DECORATORS = {
    "flask": flask.clerk_webhook,
    "starlette": starlette.clerk_webhook,
    "fastapi": fastapi.ClerkWebhook,
    "django": django.clerk_webhook,
    "aws_lambda": aws_lambda.clerk_webhook,
}
ASYNCHRONOUS = {"starlette", "starlette later", "fastapi", "fastapi later", "django later"}
CREDENTIALS = {"Cookie": "session=1", "AUTHORIZATION": "Bearer 1", "proxy-authorization": "Basic 1"}


def signed(**changes):
    return signed_request("user.created", secret=SECRET, **changes)


def unexpected(event):
    raise AssertionError("the handler must not be called")


async def coroutine_function(rejected):
    raise AssertionError("never called")


async def async_generator_function(rejected):
    yield rejected


def generator_function(rejected):
    yield rejected


class AsyncObject:
    async def __call__(self, rejected):
        raise AssertionError("never called")


@pytest.mark.parametrize("respond", ADAPTERS.values(), ids=ADAPTERS)
class TestEveryAdapter:
    def test_passes_the_error_the_headers_and_the_body_of_a_rejected_request(self, respond):
        rejected, sent, started = [], signed(), time.time()
        response = respond(unexpected, sent.headers, sent.body + b" ", on_rejected=rejected.append)
        assert (response.status, json.loads(response.body)) == (400, REJECTION)
        (request,) = rejected
        assert isinstance(request, RejectedRequest)
        assert (request.error.code, request.error.message_id) == ("signature_mismatch", sent.headers["svix-id"])
        assert request.body == sent.body + b" "
        assert {name.lower(): value for name, value in request.headers}.items() >= sent.headers.items()
        assert started <= request.received_at <= time.time()

    def test_an_error_tracker_in_on_rejected_records_no_body_and_no_credentials(self, respond):
        recorded = []

        def on_rejected(rejected):
            try:
                raise LookupError
            except LookupError as error:  # its context is the rejected request's error in synchronous adapters
                for each in (rejected.error, error.__context__):
                    frames = [frame for frame, _ in traceback.walk_tb(each.__traceback__)] if each else []
                    recorded.append(repr([frame.f_locals for frame in frames]))

        sent = signed_request({"type": "user.created", "data": {"id": "personal"}}, secret=SECRET, timestamp=1)
        respond(unexpected, sent.headers | CREDENTIALS, sent.body, on_rejected=on_rejected)
        assert recorded
        assert not [each for each in recorded if "personal" in each or "session=1" in each or "Bearer" in each]

    def test_passes_no_credentials(self, respond):
        rejected, sent = [], signed(fault="tampered")
        respond(unexpected, sent.headers | CREDENTIALS | {"X-Own": "kept"}, sent.body, on_rejected=rejected.append)
        names = {name.lower() for name, _ in rejected[0].headers}
        assert names >= {"svix-id", "svix-signature", "x-own"}
        assert not names & {name.lower() for name in CREDENTIALS}

    def test_a_body_that_was_not_read_is_none(self, respond):
        rejected, sent = [], signed()
        headers = {name: value for name, value in sent.headers.items() if name != "svix-timestamp"}
        respond(unexpected, headers, sent.body, on_rejected=rejected.append)
        respond(unexpected, sent.headers, sent.body, max_body=10, on_rejected=rejected.append)
        assert [(each.error.code, each.body) for each in rejected] == [
            ("missing_header", None),
            ("body_too_large", None),
        ]

    @pytest.mark.parametrize(
        ("fault", "code"), [("stale", "timestamp_too_old"), ("other_secret", "signature_mismatch")]
    )
    def test_the_body_is_the_one_that_was_verified(self, respond, fault, code):
        rejected, sent = [], signed(fault=fault)
        respond(unexpected, sent.headers, sent.body, on_rejected=rejected.append)
        assert [(each.error.code, each.body) for each in rejected] == [(code, sent.body)]

    def test_a_valid_body_that_is_not_an_event_is_passed_too(self, respond):
        rejected, sent = [], signed_request(b'{"text": "transformed"}', secret=SECRET)
        assert respond(unexpected, sent.headers, sent.body, on_rejected=rejected.append).status == 400
        assert [(each.error.code, each.body) for each in rejected] == [("invalid_payload", sent.body)]

    def test_is_not_called_for_a_verified_request_or_another_method(self, respond):
        sent = signed()
        assert respond(lambda event: None, sent.headers, sent.body, on_rejected=unexpected).status == 204
        assert respond(unexpected, {}, b"", method="GET", on_rejected=unexpected).status == 405

    @pytest.mark.parametrize("error", [BodyConsumedError("x"), InvalidSecretError("x")], ids=lambda each: each.code)
    def test_is_not_called_for_an_application_error(self, respond, error):
        sent = signed()
        with mock.patch.object(Webhook, "verify", side_effect=error):
            assert respond(unexpected, sent.headers, sent.body, on_rejected=unexpected).status == 500

    @pytest.mark.parametrize("raised", [ValueError("full disk"), StopIteration(), MemoryError()], ids=repr)
    def test_what_it_raises_is_logged_as_a_warning_and_the_response_is_unchanged(self, respond, raised, caplog):
        caplog.set_level("DEBUG", "clerk_webhook_verify")
        sent = signed()
        calls = mock.Mock(side_effect=raised)
        response = respond(unexpected, sent.headers, sent.body + b" ", on_rejected=calls)
        assert (response.status, json.loads(response.body)) == (400, REJECTION)
        calls.assert_called_once()
        record = next(each for each in caplog.records if getattr(each, "code", "") == "on_rejected_failed")
        assert (record.name, record.levelno) == ("clerk_webhook_verify", logging.WARNING)
        assert record.message_id == sent.headers["svix-id"]
        assert type(raised).__name__ in record.getMessage()
        assert [each.levelno for each in caplog.records if each.exc_info] == [logging.DEBUG]

    def test_what_it_returns_is_ignored(self, respond):
        sent = signed(fault="tampered")
        assert respond(unexpected, sent.headers, sent.body, on_rejected=lambda rejected: ("", 204)).status == 400

    def test_a_subclass_of_webhook_may_reject_for_its_own_reason(self, respond):
        class WrongInstanceError(WebhookVerificationError):
            code = "wrong_instance"

        rejected, sent = [], signed()
        with mock.patch.object(Webhook, "verify", side_effect=WrongInstanceError()):
            assert respond(unexpected, sent.headers, sent.body, on_rejected=rejected.append).status == 400
        assert [(each.error.code, each.body) for each in rejected] == [("wrong_instance", sent.body)]

    def test_a_line_of_it_can_be_diagnosed(self, respond, tmp_path, capsys):
        lines, sent = [], signed()
        changed = json.dumps(json.loads(sent.body)).encode()
        respond(unexpected, sent.headers, changed, on_rejected=lambda rejected: lines.append(rejected.to_json()))
        respond(unexpected, {"host": "x"}, b"{}", on_rejected=lambda rejected: lines.append(rejected.to_json()))
        (tmp_path / "rejected.ndjson").write_text("".join(line + "\n" for line in lines))
        (tmp_path / "secret.txt").write_text(SECRET)
        options = ["--delivery", f"@{tmp_path}/rejected.ndjson", "--secret-file", str(tmp_path / "secret.txt")]
        assert main(["diagnose", *options, "--json"]) == 1
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [(each["cause"], each["confidence"]) for each in found] == [
            ("reserialized_body", "confirmed"),
            ("missing_header", "confirmed"),
        ]


@pytest.mark.parametrize("name", ADAPTERS)
def test_it_runs_in_a_thread_in_asynchronous_adapters_only(name):
    threads, loops, sent = [], [], signed(fault="tampered")

    def on_rejected(rejected):
        threads.append(threading.current_thread())
        with contextlib.suppress(RuntimeError):
            loops.append(asyncio.get_running_loop())

    ADAPTERS[name](unexpected, sent.headers, sent.body, on_rejected=on_rejected)
    assert (threads[0] is not threading.main_thread()) is (name in ASYNCHRONOUS)
    assert loops == []


def test_an_asynchronous_django_view_verifies_requests_while_on_rejected_keeps_all_threads_busy():
    started, end = threading.Event(), threading.Event()

    def on_rejected(rejected):
        started.set()
        assert end.wait(10)

    @django.clerk_webhook(Webhook(SECRET), on_rejected=on_rejected)
    async def view(request, event):
        end.set()

    async def main():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        forged, valid = (
            RequestFactory().post("/", sent.body, "application/json", headers=sent.headers)
            for sent in (signed(fault="tampered"), signed())
        )
        rejection = asyncio.ensure_future(view(forged))
        while not started.is_set():
            await asyncio.sleep(0)
        return [(await response).status_code for response in (view(valid), rejection)]

    assert asyncio.run(asyncio.wait_for(main(), 5)) == [204, 400]


@pytest.mark.parametrize("size", [10, 20])
def test_a_body_that_the_application_has_read_is_passed_up_to_the_limit(size):
    rejected = []
    clerk = fastapi.ClerkWebhook(Webhook(SECRET), max_body=15, on_rejected=rejected.append)
    headers = [(name.encode(), value.encode()) for name, value in signed().headers.items()]

    async def receive():
        return {"type": "http.request", "body": b"x" * size}

    async def endpoint():
        request = Request({"type": "http", "headers": headers}, receive)
        await request.body()
        with pytest.raises(HTTPException):
            await clerk(request)

    asyncio.run(endpoint())
    assert [each.body for each in rejected] == [b"x" * size if size < 15 else None]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_not_caught(interrupt):
    sent = signed(fault="tampered")
    with pytest.raises(interrupt):
        in_lambda(unexpected, sent.headers, sent.body, on_rejected=mock.Mock(side_effect=interrupt))


@pytest.mark.parametrize("decorator", DECORATORS.values(), ids=DECORATORS)
class TestUsedWrongly:
    @pytest.mark.parametrize(
        "wrong",
        [
            coroutine_function,
            async_generator_function,
            generator_function,
            functools.partial(coroutine_function),
            functools.partial(functools.partial(async_generator_function)),
            AsyncObject(),
            AsyncObject().__call__,
        ],
        ids=["coroutine", "async generator", "generator", "partial", "partial of a partial", "object", "method"],
    )
    def test_an_asynchronous_or_generator_function_is_a_type_error_when_it_is_passed(self, decorator, wrong):
        with pytest.raises(TypeError, match="on_rejected must be a plain function, not async def and without yield"):
            decorator(Webhook(SECRET), on_rejected=wrong)

    @pytest.mark.parametrize(
        "wrong", ["rejected.ndjson", 5, True, logging.getLogger("x"), []], ids=lambda each: type(each).__name__
    )
    def test_anything_that_cannot_be_called_is_a_type_error_when_it_is_passed(self, decorator, wrong):
        with pytest.raises(TypeError, match=f"on_rejected must be a function or None, not a {type(wrong).__name__}"):
            decorator(Webhook(SECRET), on_rejected=wrong)

    @pytest.mark.parametrize(
        "right",
        [None, print, [].append, functools.partial(print), lambda rejected: None, mock.Mock()],
        ids=["None", "builtin", "method", "partial", "lambda", "object"],
    )
    def test_any_other_callable_is_accepted(self, decorator, right):
        assert decorator(Webhook(SECRET), on_rejected=right)

    def test_on_rejected_is_off_by_default(self, decorator):
        assert inspect.signature(decorator).parameters["on_rejected"].default is None


def test_a_webhook_without_a_secret_calls_nothing_in_django():
    sent = signed()
    view = django.clerk_webhook(on_rejected=unexpected)(lambda request, event: None)
    request = RequestFactory().post("/", sent.body, "application/json", headers=sent.headers)
    assert view(request).status_code == 500


def test_the_application_can_make_one_after_verify_request():
    sent = signed(fault="tampered")
    request = {"headers": sent.headers, "body": sent.body.decode()}
    with pytest.raises(WebhookVerificationError) as caught:
        aws_lambda.verify_request(request, Webhook(SECRET))
    rejected = RejectedRequest(caught.value, sent.headers, sent.body)
    (capture,) = read_captures(rejected.to_json().encode())
    assert (capture.body, capture.message_id) == (sent.body, sent.headers["svix-id"])


class TestRejectedRequest:
    error = MissingHeaderError(("svix-id",))

    @pytest.mark.parametrize(
        "name",
        ["cookie", "Cookie", "COOKIE", "authorization", "Authorization", "Proxy-Authorization", "proxy_authorization"],
    )
    @pytest.mark.parametrize("as_bytes", [False, True])
    def test_credentials_are_left_out_in_any_case(self, name, as_bytes):
        pairs = [(name, "secret"), ("set-cookie", "a"), ("X-Authorization", "b")]
        headers = [(each.encode(), value.encode()) for each, value in pairs] if as_bytes else pairs
        rejected = RejectedRequest(self.error, headers, None)
        assert rejected.headers == [("set-cookie", "a"), ("X-Authorization", "b")]
        assert "secret" not in rejected.to_json()

    def test_duplicate_headers_are_kept(self):
        rejected = RejectedRequest(self.error, [("Svix-Id", "1"), ("svix-id", "2"), ("x", None)], None)
        assert rejected.headers == [("Svix-Id", "1"), ("svix-id", "2")]
        assert json.loads(rejected.to_json())["headers"] == {"svix-id": ["1", "2"]}

    def test_the_arrival_is_the_time_of_its_creation(self):
        with mock.patch("time.time", return_value=1_760_000_000.5):
            rejected = RejectedRequest(self.error, {}, b"")
        assert rejected.received_at == json.loads(rejected.to_json())["received_at"] == 1_760_000_000.5

    def test_its_repr_shows_no_body_and_no_header(self):
        rejected = RejectedRequest(self.error, {"x-name": "ada"}, b"personal")
        assert repr(rejected) == ("RejectedRequest(code='missing_header', message_id=None, headers=1, body=8 bytes)")
        assert repr(RejectedRequest(self.error, {}, None)).endswith("headers=0, body=not read)")

    def test_a_log_record_of_a_failure_shows_no_body(self, caplog):
        caplog.set_level("DEBUG", "clerk_webhook_verify")
        sent = signed()
        in_flask(unexpected, sent.headers, b"personal", on_rejected=mock.Mock(side_effect=ValueError))
        (record,) = (each for each in caplog.records if each.exc_info)
        frames = [frame for frame, _ in traceback.walk_tb(record.exc_info[2])]
        library_frames = [frame for frame in frames if "clerk_webhook_verify" in frame.f_code.co_filename]
        assert library_frames
        assert "personal" not in repr([frame.f_locals for frame in library_frames])

    def test_headers_that_are_not_headers_are_a_type_error(self):
        with pytest.raises(TypeError, match="'NoneType' object is not iterable"):
            RejectedRequest(self.error, None, None)

    @given(
        st.lists(
            st.one_of(
                st.tuples(st.text(max_size=20), st.text(max_size=20)),
                st.tuples(st.binary(max_size=20), st.binary(max_size=20)),
            ),
            max_size=8,
        ),
        st.none() | st.binary(max_size=200),
    )
    def test_any_headers_and_any_body_become_one_line(self, headers, body):
        line = RejectedRequest(self.error, headers, body).to_json()
        assert "\n" not in line
        assert line.isascii()
        stored = json.loads(line)
        assert (stored["type"], stored["valid"], stored["code"]) == ("event", False, "missing_header")

    @given(st.binary(max_size=500))
    def test_every_byte_of_a_body_can_be_read_back(self, body):
        headers = signed_headers(secret=OTHER_SECRET)
        (capture,) = read_captures(RejectedRequest(self.error, headers, body).to_json().encode())
        assert (capture.body, dict(capture.headers)) == (body, headers)

    def test_it_is_exported_by_the_package(self):
        assert clerk_webhook_verify.RejectedRequest is RejectedRequest
        assert issubclass(WebhookVerificationError, WebhookError)


class TestALineWithoutABody:
    """The body was not read: only a fault of the headers can be diagnosed."""

    def diagnosed(self, error, headers, tmp_path, capsys):
        file = tmp_path / "rejected.ndjson"
        file.write_text(RejectedRequest(error, headers, None).to_json())
        (tmp_path / "secret.txt").write_text(SECRET)
        code = main(["diagnose", f"@{file}", "--secret-file", str(tmp_path / "secret.txt")])
        return code, capsys.readouterr()

    @pytest.mark.parametrize(
        ("change", "cause"),
        [
            ({"svix-signature": None}, "missing_header"),
            ({"svix-timestamp": "now"}, "svix-timestamp is not Unix seconds"),
            ({"svix-timestamp": "1700000000000"}, "milliseconds"),
            ({"svix-id": "a.b"}, "svix-id is not 1 to 256 printable ASCII characters"),
            ({"Svix-Id": "2"}, "duplicate_header"),
        ],
        ids=repr,
    )
    def test_a_fault_of_the_headers_is_diagnosed(self, change, cause, tmp_path, capsys):
        headers = {name: value for name, value in (signed_headers() | change).items() if value is not None}
        code, printed = self.diagnosed(MalformedHeaderError("x", "y"), headers, tmp_path, capsys)
        assert code == 1
        assert "empty_body" not in printed.out.split("ruled out")[0]
        assert cause in " ".join(printed.out.split())

    def test_another_fault_is_named_with_its_code(self, tmp_path, capsys):
        error = BodyTimeoutError(10)
        code, printed = self.diagnosed(error, signed_headers(), tmp_path, capsys)
        assert code == 2
        assert "line 1 has no body: it was rejected (body_timeout) before the body was complete" in printed.err

    @pytest.mark.parametrize("code", ["", 5, None])
    def test_reports_a_record_without_body_b64(self, code):
        record = {"type": "event", "headers": {"a": "b"}, "body_b64": None} | ({"code": code} if code != "" else {})
        with pytest.raises(UsageError, match="has no body_b64"):
            read_captures(json.dumps(record).encode())
