"""`doctor` finds the cause in the responses of an endpoint, and names what to fix first."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from helpers.endpoint import Request, answer, serving
from helpers.marks import slow
from helpers.signer import OTHER_SECRET, SECRET, sign

from clerk_webhook_verify import Webhook, WebhookVerificationError
from clerk_webhook_verify._receiver import REJECTION
from clerk_webhook_verify.aws_lambda import clerk_webhook
from clerk_webhook_verify.cli import _http, doctor, main
from clerk_webhook_verify.cli.doctor import _findings
from clerk_webhook_verify.events import EVENT_TYPES
from clerk_webhook_verify.testing import sample

CHECKS = ("unsigned", "forged", "stale", "duplicate-header", "good")
PROBES = (
    *("reserialized", "ascii", "indented"),
    *("10-min-old", "10-min-ahead", "1-hour-ahead", "at-server-time"),
    "webhook-names",
)


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


def check_of(request) -> str:
    """Return which of the deliveries this is, using only hmac."""
    if request.values("webhook-id"):
        return "webhook-names"
    ids, timestamps, signatures = map(request.values, ["svix-id", "svix-timestamp", "svix-signature"])
    if not ids + timestamps + signatures:
        return "unsigned"
    assert (len(timestamps), len(signatures)) == (1, 1)
    if signatures[0] != sign(request.body, message_id=ids[0], timestamp=timestamps[0]):
        return "forged"
    seconds = int(timestamps[0]) - time.time()
    if abs(seconds) > 300:
        shifts = {-3600: "stale", -600: "10-min-old", 600: "10-min-ahead", 3600: "1-hour-ahead"}
        return shifts.get(round(seconds / 600) * 600, "at-server-time")
    if len(request.body) > 65_536:
        return "oversized" if len(request.body) > 2**20 else "real-size"
    if len(ids) == 2:
        return "duplicate-header"
    return form_of(request.body)


def form_of(body: bytes) -> str:
    parsed = json.loads(body)
    forms = {
        "reserialized": json.dumps(parsed),
        "indented": json.dumps(parsed, indent=2),
        "ascii": json.dumps(parsed, separators=(",", ":"), sort_keys=True),
    }
    return next((name for name, text in forms.items() if text.encode() == body), "good")


def output_of(capsys, answers: dict[str, bytes], *options: str) -> tuple[int, str]:
    """Return the output for a response per delivery; ``b""`` is no response, and others than CHECKS get good's."""
    with serving(lambda request: answers.get(check_of(request), answers["good"])) as endpoint:
        code = main(["doctor", endpoint.url, *options])
    names = [check_of(request) for request in endpoint.received]
    assert names[:5] == list(CHECKS)
    assert len(set(names)) == len(names)
    printed = capsys.readouterr()
    assert printed.err == ""
    assert SECRET not in printed.out
    return code, printed.out


def result_of(capsys, answers: dict[str, bytes], *options: str) -> dict:
    """The result of ``--json``."""
    code, out = output_of(capsys, answers, "--json", *options)
    result = json.loads(out)
    assert list(result) == ["ok", "checks", "probes", "not_tried"]
    verdicts = result["checks"] + result["probes"]
    assert result["ok"] is not any(verdict["finding"] for verdict in verdicts)
    assert code == (0 if result["ok"] else 1)
    assert [verdict["check"] for verdict in result["checks"]] == list(CHECKS)
    for verdict in verdicts:
        assert list(verdict) == ["check", "ok", "status", "seconds", "finding", "fix", "message_id", "log"]
        assert (verdict["finding"] is None) is (verdict["fix"] is None)
    assert all(verdict["ok"] is (verdict["finding"] is None) for verdict in result["checks"])
    return result


def verdicts(capsys, answers: dict[str, bytes], *options: str) -> dict[str, dict]:
    """The verdicts of ``--json``, by delivery."""
    result = result_of(capsys, answers, *options)
    return {verdict["check"]: verdict for verdict in result["checks"] + result["probes"]}


def findings(capsys, answers: dict[str, bytes], *options: str) -> dict[str, str]:
    """The findings by delivery."""
    found = verdicts(capsys, answers, *options)
    return {check: verdict["finding"] for check, verdict in found.items() if verdict["finding"]}


def first_finding(capsys, answers: dict[str, bytes], *options: str) -> str:
    """Return the line with the first fix."""
    code, out = output_of(capsys, answers, *options)
    assert code == 1
    return next(line for line in out.splitlines() if line.startswith("first: "))


def to_all(status: int, body: bytes = b"", *headers: str) -> dict[str, bytes]:
    return dict.fromkeys(CHECKS, answer(status, body, *headers))


def by_status(*statuses: int) -> dict[str, bytes]:
    """One for each check in order, or one for all."""
    return dict(zip(CHECKS, [answer(status) for status in statuses * (5 // len(statuses))], strict=True))


SOUND = by_status(400, 400, 400, 400, 204)


class TestTheDeliveries:
    def received(self, *options: str) -> dict:
        with serving(lambda request: SOUND.get(check_of(request), SOUND["good"])) as endpoint:
            assert main(["doctor", endpoint.url, *options]) == 0
        received = {check_of(request): request for request in endpoint.received}
        assert received.keys() == SOUND.keys() | (set() if {"--type", "--only"} & {*options} else {"real-size"})
        return received

    def test_deliveries_have_an_unknown_event_type(self):
        for request in self.received().values():
            payload = json.loads(request.body)
            assert payload["type"] not in EVENT_TYPES
            assert isinstance(payload["data"], dict)
            assert request.values("content-type") == ["application/json"]
            assert request.values("user-agent") == ["clerk-webhook-verify"]

    @pytest.mark.parametrize("option", ["--type", "--only"])
    def test_type_option_sends_samples_of_a_real_type(self, option):
        received = self.received(option, "user.created")
        assert list(received) == list(CHECKS), "the application acts on each that it accepts"
        for request in received.values():
            assert json.loads(request.body) == sample("user.created")

    def test_receivers_accept_the_good_ones_and_reject_the_others(self):
        webhook = Webhook(SECRET)
        for check, request in self.received().items():
            if check in ("good", "real-size"):
                assert webhook.verify(request.headers, request.body)
            else:
                with pytest.raises(WebhookVerificationError):
                    webhook.verify(request.headers, request.body)

    def test_each_delivery_has_its_own_message_id(self):
        ids = [name for request in self.received().values() for name in set(request.values("svix-id"))]
        assert len(set(ids)) == len(ids) == 5

    def test_a_dict_would_hide_the_duplicate_header(self):
        request = self.received()["duplicate-header"]
        assert Webhook(SECRET).verify(dict(request.headers), request.body)

    def test_the_good_delivery_changes_if_it_is_reserialized(self):
        body = self.received()["good"].body
        parsed = json.loads(body)
        compact = (",", ":")
        assert body == json.dumps(parsed, separators=compact, ensure_ascii=False).encode()
        for options in (
            {},
            {"separators": compact},
            {"separators": compact, "ensure_ascii": False, "sort_keys": True},
            {"ensure_ascii": False},
            {"indent": 2},
        ):
            assert json.dumps(parsed, **options).encode() != body


class TestASoundEndpoint:
    @pytest.mark.parametrize("text", [b'{"error":"no such user"}', b"failed, but tried", b"invalid"])
    def test_the_text_of_a_2xx_response_does_not_matter_if_forgeries_get_400(self, capsys, text):
        assert findings(capsys, by_status(400) | {"good": answer(200, text)}) == {}

    @pytest.mark.parametrize("refusals", [(400,), (401, 403, 404, 422), (302, 400, 418, 499)], ids=repr)
    def test_a_sound_endpoint_may_reject_with_any_status(self, capsys, refusals):
        for accepted in (200, 204, 299):
            found = verdicts(capsys, by_status(*(refusals * 4)[:4], accepted))
            assert all(verdict["ok"] for verdict in found.values())
            assert found["good"]["status"] == accepted
            assert 0 <= found["good"]["seconds"] < 5

    def test_a_sound_endpoint_is_shown_without_fixes(self, capsys):
        code, out = output_of(capsys, SOUND)
        listed, log = out.split("\n\n")
        assert code == 0
        assert [line.split()[:3] for line in listed.splitlines()] == [
            ["ok", check, status]
            for check, status in zip((*CHECKS, "real-size"), ["400"] * 4 + ["204"] * 2, strict=True)
        ]
        assert log.startswith("the application's log should show")


#: The log of an adapter for each delivery.
LOG = {
    "unsigned": "missing_header",
    "forged": "signature_mismatch",
    "stale": "timestamp_too_old",
    "duplicate-header": "malformed_header",
    "good": "verified",
    "real-size": "verified",
    "reserialized": "verified",
    "ascii": "verified",
    "indented": "verified",
    "10-min-old": "timestamp_too_old",
    "10-min-ahead": "timestamp_too_new",
    "1-hour-ahead": "timestamp_too_new",
    "webhook-names": "verified",
    "oversized": "body_too_large",
}


class TestTheLog:
    @pytest.mark.parametrize("status", [204, 400, 404], ids=["accepted", "rejected", "not found"])
    def test_ends_with_what_the_log_should_show_for_each_delivery(self, capsys, status):
        replies = by_status(*[400] * 4, status) if status == 204 else by_status(status)
        with serving(lambda request: replies.get(check_of(request), replies["good"])) as endpoint:
            main(["doctor", endpoint.url])
        _, log = capsys.readouterr().out.split("\nthe application's log should show")
        *lines, last = [line.split() for line in log.splitlines()[1:]]
        expected = [
            [name, LOG[name], *dict.fromkeys(request.values("svix-id") + request.values("webhook-id"))]
            for request in endpoint.received
            for name in [check_of(request)]
        ]
        assert lines == expected
        assert " ".join(last) == "If one of them is missing in the log, the delivery did not reach the adapter."

    def test_an_adapter_logs_what_doctor_announces(self, caplog):
        caplog.set_level("INFO", logger="clerk_webhook_verify")
        with serving(adapter(Webhook(SECRET))) as endpoint:
            assert main(["doctor", endpoint.url]) == 0
        codes = [getattr(record, "code", "verified") for record in caplog.records]
        assert codes == [LOG[check_of(request)] for request in endpoint.received]

    def test_json_contains_the_expected_log(self, capsys):
        found = verdicts(capsys, by_status(400))
        assert {name: verdict["log"] for name, verdict in found.items()} == {name: LOG[name] for name in found}
        assert found["unsigned"]["message_id"] is None
        assert len({verdict["message_id"] for verdict in found.values()}) == len(found)


#: Statuses in the order of the checks, the finding for each, and the first fix.
READINGS = {
    "nothing is verified": (
        (200,),
        {
            "unsigned": "accepts_unsigned",
            "forged": "accepts_forgery",
            "stale": "accepts_stale",
            "duplicate-header": "accepts_doubled_header",
        },
        "accepts_unsigned",
    ),
    "nothing is verified, and the handler fails": (
        (200, 200, 500, 500, 500),
        {
            "unsigned": "accepts_unsigned",
            "forged": "accepts_forgery",
            "stale": "refusal_not_caught",
            "duplicate-header": "refusal_not_caught",
            "good": "handler_fails",
        },
        "accepts_unsigned",
    ),
    "headers are required, but not verified": (
        (400, 204, 204, 204, 204),
        {"forged": "accepts_forgery", "stale": "accepts_stale", "duplicate-header": "accepts_doubled_header"},
        "accepts_forgery",
    ),
    "no tolerance": ((400, 400, 200, 400, 200), {"stale": "accepts_stale"}, "accepts_stale"),
    "headers in a dict": (
        (400, 400, 400, 200, 200),
        {"duplicate-header": "accepts_doubled_header"},
        "accepts_doubled_header",
    ),
    "another secret or another body": ((400,), {"good": "signature_refused"}, "signature_refused"),
    "another secret, another status for missing headers": (
        (422, 401, 401, 401, 401),
        {"good": "signature_refused"},
        "signature_refused",
    ),
    "the handler rejects the event": ((400, 400, 400, 400, 404), {"good": "event_refused"}, "event_refused"),
    "the handler redirects": ((400, 400, 400, 400, 302), {"good": "event_refused"}, "event_refused"),
    "the handler switches protocols": ((400, 400, 400, 400, 101), {"good": "event_refused"}, "event_refused"),
    "the handler fails": ((400, 400, 400, 400, 500), {"good": "handler_fails"}, "handler_fails"),
    "missing headers crash it": (
        (500, 400, 400, 400, 200),
        {"unsigned": "refusal_not_caught"},
        "refusal_not_caught",
    ),
    "every rejection crashes it": (
        (500, 500, 500, 502, 200),
        dict.fromkeys(CHECKS[:4], "refusal_not_caught"),
        "refusal_not_caught",
    ),
    "it crashes if there is something to verify": (
        (400, 500, 500, 500, 500),
        dict.fromkeys(("forged", "stale", "duplicate-header"), "refusal_not_caught") | {"good": "handler_fails"},
        "handler_fails",
    ),
    "a stale one is rejected before the application fails": (
        (500, 500, 400, 500, 500),
        dict.fromkeys(("unsigned", "forged", "duplicate-header", "good"), "server_error"),
        "server_error",
    ),
    "a rate limit begins to apply": (
        (400, 400, 429, 429, 429),
        dict.fromkeys(CHECKS[2:], "rate_limited"),
        "rate_limited",
    ),
    **{
        f"{status} to all": ((status,), dict.fromkeys(CHECKS, finding), finding)
        for status, finding in {
            301: "redirected",
            302: "redirected",
            303: "redirected",
            307: "redirected",
            308: "redirected",
            401: "auth_in_front",
            403: "auth_in_front",
            404: "not_found",
            405: "method_not_allowed",
            415: "unsupported_media_type",
            422: "body_model_first",
            429: "rate_limited",
            500: "server_error",
            501: "method_not_allowed",
            502: "gateway_error",
            503: "gateway_error",
            504: "gateway_error",
            521: "gateway_error",
        }.items()
    },
}  # fmt: skip


class TestReadings:
    @pytest.mark.parametrize(("statuses", "findings", "first"), READINGS.values(), ids=READINGS)
    @pytest.mark.slow
    def test_statuses_lead_to_findings(self, capsys, statuses, findings, first):
        found = verdicts(capsys, by_status(*statuses))
        assert {check: verdict["finding"] for check, verdict in found.items() if verdict["finding"]} == findings
        code, out = output_of(capsys, by_status(*statuses))
        assert code == 1
        listed, *fixes, _log = out.rstrip().split("\n\n")
        for line, check in zip(listed.splitlines(), CHECKS, strict=False):
            mark, name, status, *_, last = line.split()
            assert (mark, name, status) == ("FAIL" if check in findings else "ok", check, str(found[check]["status"]))
            assert last == findings.get(check, "s")
        assert fixes[0] == f"first: {first}: {next(v['fix'] for v in found.values() if v['finding'] == first)}"
        assert sorted(fix.split(": ")[1] for fix in fixes) == sorted(set(findings.values()))
        assert all(fix.startswith("then: ") for fix in fixes[1:])

    @pytest.mark.parametrize(
        ("statuses", "words"),
        [
            ((200,), ["ANYONE CAN SEND YOU EVENTS", "Webhook.verify", "400"]),
            ((400, 200, 200, 200, 200), ["ANYONE CAN SEND YOU EVENTS", "no signature is checked"]),
            ((400,), ["another secret", "other bytes", "clerk-webhook-verify diagnose"]),
            ((403,), ["@csrf_exempt", "public"]),
            ((404,), ["path"]),
            ((405,), ["does not take POST"]),
            ((422,), ["no body model", "raw"]),
            ((500,), ["log", "CLERK_WEBHOOK_SIGNING_SECRET"]),
            ((500, 400, 400, 400, 200), ["look up the three headers", "respond 400"]),
            ((400, 400, 200, 400, 200), ["timestamp", "300 s"]),
            ((400, 400, 400, 400, 409), ["204", "--type"]),
        ],
        ids=repr,
    )
    def test_the_first_fix_describes_what_to_do(self, capsys, statuses, words):
        _, out = output_of(capsys, by_status(*statuses))
        first = out.split("\n\n")[1]
        assert [word for word in words if word not in first] == []

    @pytest.mark.parametrize(
        ("location", "shown"),
        [
            ("https://www.example.com/hook", "https://www.example.com/hook"),
            ("/hook/", "http://127.0.0.1:PORT/hook/"),
            ("//www.example.com/hook", "http://www.example.com/hook"),
            ("https://a/\x1b[2J\x9b", r"https://a/\x1b[2J\x9b"),
            ("http://[", "http://["),
            ("", "the URL that it should name"),
            ("{reason}", "http://127.0.0.1:PORT/{reason}"),
        ],
    )
    def test_a_redirect_shows_the_complete_url_escaped(self, capsys, location, shown):
        redirect = answer(301, b"", f"Location: {location}")
        with serving(lambda request: redirect) as endpoint:
            assert main(["doctor", endpoint.url]) == 1
        out = capsys.readouterr().out
        shown = shown.replace("PORT", str(endpoint.server_port))
        assert f"Enter {shown} in Clerk's dashboard as the endpoint's URL" in out
        assert out.isprintable() or set(filter(lambda char: not char.isprintable(), out)) == {"\n"}
        assert len(endpoint.received) == 5

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (403, b"<title>403 Forbidden</title><p>CSRF verification failed. Request aborted.</p>"),  # Django
            (403, b'{"detail":"CSRF Failed: CSRF cookie not set."}'),  # Django REST framework
            (400, b"<h1>Bad Request</h1><p>The CSRF token is missing.</p>"),  # Flask-WTF
            (400, b"<h1>Bad Request</h1><p>The CSRF tokens do not match.</p>"),
        ],
    )
    def test_csrf_protection_is_found_by_its_text(self, capsys, status, body):
        found = verdicts(capsys, dict.fromkeys(CHECKS, answer(status, body)))
        assert {verdict["finding"] for verdict in found.values()} == {"csrf_protection"}
        assert "@csrf_exempt" in found["good"]["fix"]

    @pytest.mark.parametrize(
        ("status", "body", "finding"),
        [
            (404, b"the page about CSRF is not here", "not_found"),
            (403, b'<meta name="csrf-token" content="abc">', "auth_in_front"),
            (404, b'<form><input type="hidden" name="csrf_token" value="abc"></form>', "not_found"),
            (401, b'<form><input name="q"><input name="_csrf_token" value="abc"></form>', "auth_in_front"),
        ],
    )
    def test_a_page_with_a_csrf_token_is_not_csrf_protection(self, capsys, status, body, finding):
        found = verdicts(capsys, dict.fromkeys(CHECKS, answer(status, body)))
        assert found["good"]["finding"] == finding

    def test_a_slow_response_to_the_good_delivery_is_found(self, capsys, monkeypatch):
        assert _findings.SLOW == 5
        monkeypatch.setattr(_findings, "SLOW", -1)
        found = verdicts(capsys, SOUND)
        assert {check: verdict["finding"] for check, verdict in found.items() if verdict["finding"]} == {"good": "slow"}
        assert "background" in found["good"]["fix"]


PAGE = b"<!DOCTYPE html><html><head><title>Shop</title></head><body><div id='root'></div></body></html>"
OK_LINE = b'{"received":true}'


class TestWhatAnswers200ToEverything:
    PAGES = (
        PAGE,
        b"\n<html><body>Welcome to nginx!</body></html>",
        b"<?xml version='1.0'?><!DOCTYPE html><title>Log in</title><form>Your password is wrong or missing</form>",
        b"<h1>It works!</h1>",
    )
    HANDLERS = (b"", b"ok", OK_LINE, b'{"success":true,"errors":[]}', b"no errors", b'{"error":"unknown event type"}')

    @pytest.mark.parametrize("page", PAGES, ids=["app", "nginx", "log in", "fragment"])
    def test_a_page_that_responds_200_is_not_an_open_door(self, capsys, page):
        replies = to_all(200, page)
        assert findings(capsys, replies) == dict.fromkeys(CHECKS, "page_answers")
        first = first_finding(capsys, replies)
        assert "catch-all" in first
        assert "ANYONE CAN SEND" not in first

    def test_a_page_that_differs_each_time_is_still_a_page(self, capsys):
        replies = {check: answer(200, PAGE + f"<!-- {check} -->".encode()) for check in CHECKS}
        assert findings(capsys, replies)["good"] == "page_answers"

    @pytest.mark.parametrize("text", HANDLERS, ids=repr)
    def test_a_handler_that_responds_200_is_an_open_door(self, capsys, text):
        found = findings(capsys, to_all(200, text))
        assert (found["unsigned"], found["forged"]) == ("accepts_unsigned", "accepts_forgery")
        assert "ANYONE CAN SEND YOU EVENTS" in first_finding(capsys, to_all(200, text))

    def test_a_handler_whose_text_differs_each_time_is_an_open_door(self, capsys):
        ids = ("msg_1", "5f0c1b2a-77aa-4a7e-9c1d-0123456789ab", "17", "deadbeef", "1700000000")
        replies = {check: answer(200, f"id: {each}".encode()) for check, each in zip(CHECKS, ids, strict=True)}
        assert findings(capsys, replies)["forged"] == "accepts_forgery"
        words = iter(["cat", "dog", "cow", "hen", "ape", "fox"])
        with serving(lambda request: answer(200, next(words).encode())) as endpoint:
            main(["doctor", endpoint.url])
        assert "first: accepts_unsigned" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("bad", "good"),
        [
            (b'{"error":"Invalid signature"}', b'{"ok":true}'),
            (b"nope", b"thanks"),
            *slow(
                (b'{"success":false}', b'{"success":true}'),
                (b"<p>Invalid signature</p>", b"<p>OK</p>"),
                (b"Webhook Error: No signatures found matching the expected signature", b""),
                (b"unauthorized", b"ok"),
                (b'{"handled":0}', b'{"handled":1,"id":"msg_5"}'),
            ),
        ],
        ids=repr,
    )
    def test_a_handler_that_rejects_in_its_text_should_respond_400(self, capsys, bad, good):
        replies = to_all(200, bad) | {"good": answer(200, good)}
        assert findings(capsys, replies) == dict.fromkeys(CHECKS[:4], "rejects_with_2xx")
        first = first_finding(capsys, replies)
        assert "Clerk counts every 2xx as delivered" in first
        assert "Respond 400" in first

    def test_a_page_about_the_signature_is_a_response_of_the_handler(self, capsys):
        bad, good = b"<html><body>Bad signature</body></html>", b"<html><body>Thank you</body></html>"
        replies = to_all(200, bad) | {"good": answer(200, good)}
        assert findings(capsys, replies) == dict.fromkeys(CHECKS[:4], "rejects_with_2xx")

    @pytest.mark.parametrize(
        "text", [b'{"error":"Invalid signature"}', b"webhook verification failed", b'{"statusCode":401,"error":"x"}']
    )
    def test_a_handler_that_rejects_everything_with_200_has_another_secret(self, capsys, text):
        found = findings(capsys, to_all(200, text))
        assert found == dict.fromkeys(CHECKS[:4], "rejects_with_2xx") | {"good": "signature_refused"}

    def test_a_handler_can_reject_the_event_in_its_text(self, capsys):
        replies = to_all(200, b"invalid signature") | {"good": answer(200, b"failed: no such user")}
        assert findings(capsys, replies)["good"] == "event_refused"


class TestHostChecks:
    @pytest.mark.parametrize(
        ("status", "text"),
        [
            (400, b"<!doctype html><html lang='en'><title>Bad Request (400)</title><h1>Bad Request (400)</h1>"),
            (
                400,
                b"DisallowedHost at /hook Invalid HTTP_HOST header: 'x.ngrok.app'. You may need to add 'x.ngrok.app'",
            ),
            (400, b"Invalid host header"),  # Starlette, Litestar
            (400, b"<title>400 Bad Request</title><p>Host 'x.ngrok.app' is not trusted.</p>"),  # werkzeug
            (403, b'Blocked request. This host ("x.ngrok.app") is not allowed.'),  # Vite
            (403, b"<h1>Blocked hosts: x.ngrok.app</h1>"),  # Rails
            (400, b"<h2>Bad Request - Invalid Hostname</h2><p>The request hostname is invalid.</p>"),  # IIS
            (421, b"Misdirected Request"),
        ],
        ids=["Django", "Django in debug mode", "Starlette", "werkzeug", "Vite", "Rails", "IIS", "SNI"],
    )
    def test_a_host_check_is_found_by_its_text(self, capsys, status, text):
        replies = to_all(status, text)
        assert findings(capsys, replies) == dict.fromkeys(CHECKS, "host_not_allowed")
        first = first_finding(capsys, replies)
        assert "The URL's host name is not allowed" in first
        assert "ALLOWED_HOSTS" in first

    @pytest.mark.parametrize(
        "text",
        [
            b"<title>400 The plain HTTP request was sent to HTTPS port</title>",
            b"Client sent an HTTP request to an HTTPS server.\n",
            b"Reason: You're speaking plain HTTP to an SSL-enabled server port.",
            b"Bad Request\nThis combination of host and port requires TLS.",
        ],
        ids=["nginx", "Go", "Apache", "Tomcat"],
    )
    def test_a_port_that_expects_https_is_found_by_its_text(self, capsys, text):
        assert first_finding(capsys, to_all(400, text)) == (
            "first: http_to_https_port: The port expects https: use an https URL."
        )

    @pytest.mark.parametrize("text", [b"", b"Bad Request", b"webhook rejected", b"Invalid signature"])
    def test_any_other_400_comes_from_the_application(self, capsys, text):
        assert findings(capsys, to_all(400, text)) == {"good": "signature_refused"}


class TestTheSameStatusToAll:
    @pytest.mark.parametrize("status", [300, 402, *slow(406, 409, 410, 411, 413, 418, 421 + 5, 431, 451), 499])
    def test_the_same_status_to_all_comes_from_something_in_front(self, capsys, status):
        replies = to_all(status, b"", "Server: edge\x1b/1.0")
        found = verdicts(capsys, replies)
        assert {found[check]["finding"] for check in CHECKS} == {"blocked_in_front"}
        fix = found["good"]["fix"]
        assert f"Every delivery gets status {status}, also an unsigned one" in fix
        assert r"(Server: edge\x1b/1.0)" in fix

    @pytest.mark.parametrize("status", [401, *slow(403, 406, 418)])
    def test_the_same_status_with_a_text_about_the_signature_comes_from_the_application(self, capsys, status):
        for text in (b"Invalid signature", b'{"error":"no svix-id given"}', b'{"detail": "webhook rejected"}'):
            assert list(findings(capsys, to_all(status, text))) == ["good"]

    @pytest.mark.parametrize("status", [401, 403, 418])
    def test_the_same_status_comes_from_the_application_if_it_accepts_a_variation(self, capsys, status):
        replies = to_all(status) | {"reserialized": answer(204)}
        assert findings(capsys, replies) == {"good": "verifies_reserialized"}

    @pytest.mark.parametrize("text", [b'{"code":"validation_error"}', b"Validation failed", b'{"loc":["body","a"]}'])
    def test_an_accepted_variation_outweighs_a_text_about_validation(self, capsys, text):
        replies = to_all(400, text) | {"reserialized": answer(204)}
        assert findings(capsys, replies) == {"good": "verifies_reserialized"}


class TestRedirects:
    @pytest.fixture
    def https(self, monkeypatch):
        """Requests to https URLs go to a plain server, as if TLS ended at a proxy before it."""
        monkeypatch.setattr(_http, "HTTPSConnection", HTTPConnection)

    def first(self, capsys, location: str, scheme: str = "https", status: int = 301) -> str:
        def reply(request):
            return answer(status, b"", f"Location: {location.replace('PORT', str(endpoint.server_port))}")

        with serving(reply) as endpoint:
            assert main(["doctor", endpoint.url.replace("http", scheme, 1)]) == 1
        out = capsys.readouterr().out
        assert out.count("FAIL") == 5
        return next(line for line in out.splitlines() if line.startswith("first: ")).replace(
            str(endpoint.server_port), "PORT"
        )

    @pytest.mark.parametrize("status", [301, *slow(302, 307)])
    @pytest.mark.parametrize(
        "location",
        ["https://127.0.0.1:PORT/hook", "HTTPS://127.0.0.1:PORT/hook#top", "/hook", "//127.0.0.1:PORT/%68ook"],
    )
    def test_a_redirect_to_the_same_url_lacks_proxy_headers(self, capsys, https, location, status):
        first = self.first(capsys, location, status=status)
        assert first.startswith("first: redirect_loop: The response redirects to ")
        assert "X-Forwarded-Proto" in first
        assert "SECURE_PROXY_SSL_HEADER" in first
        assert "Enter" not in first

    def test_a_missing_slash_is_found_by_the_text_of_django(self, capsys):
        text = b"RuntimeError: You called this URL via POST, but the URL doesn&#x27;t end in a slash and you have"
        assert findings(capsys, to_all(500, text)) == dict.fromkeys(CHECKS, "slash_missing")

    def test_a_redirect_to_the_same_http_url_is_a_loop(self, capsys):
        assert self.first(capsys, "/hook", scheme="http").startswith("first: redirect_loop: ")

    @pytest.mark.parametrize(
        "location",
        ["http://127.0.0.1:PORT/hook/", "http://127.0.0.1:8000/hook", "HTTP://www.example.com/hook"],
    )
    def test_a_redirect_from_https_to_http_lacks_proxy_headers(self, capsys, https, location):
        first = self.first(capsys, location, status=307)
        assert first.startswith(f"first: redirect_to_http: The response redirects from https to {location}: ")
        assert "--proxy-headers" in first
        assert "never enter an http URL in Clerk's dashboard" in first

    @pytest.mark.parametrize("location", ["https://127.0.0.1/hook", "https://example.com/hook", "/hook/", "/hook?a=b"])
    def test_any_other_redirect_names_the_url_to_enter(self, capsys, location):
        first = self.first(capsys, location, scheme="http")
        assert first.startswith("first: redirected: The sender follows no redirect. Enter http")


class TestOthersInFront:
    @pytest.mark.parametrize(
        "headers",
        [
            ("Server: AirTunes/595.13.1",),
            ("Server: AirTunes/870.14",),
            ("Server: cloudflare", "X-Apple-ProcessingTime: 1"),
        ],
        ids=["older", "newer", "through a tunnel"],
    )
    def test_airplay_is_found_by_its_headers(self, capsys, headers):
        replies = to_all(403, b"", *headers)
        assert findings(capsys, replies) == dict.fromkeys(CHECKS, "airplay_receiver")
        first = first_finding(capsys, replies)
        assert "port 5000" in first
        assert "--port" in first

    GATEWAYS = (
        (403, b'{"message":"Missing Authentication Token"}', "api_gateway_route"),
        (403, b'{"message": "Forbidden"}', "api_gateway_route"),
        (
            403,
            b'{"Message":"User is not authorized to access this resource with an explicit deny"}',
            "api_gateway_route",
        ),
        (404, b'{"message":"no Route matched with those values"}', "api_gateway_route"),
        (403, b"This distribution is not configured to allow the HTTP request method", "cdn_rejects_post"),
        (403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", "cdn_rejects_post"),
        (405, b"<Error><Code>MethodNotAllowed</Code></Error>", "cdn_rejects_post"),
        (
            403,
            b"Your client does not have permission to get URL <code>/hook</code> from this server.",
            "invocation_not_public",
        ),
        (
            403,
            b'{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see"}',
            "invocation_not_public",
        ),
        (403, b"<title>Attention Required! | Cloudflare</title>", "firewall_in_front"),
        (503, b"<title>Just a moment...</title>", "firewall_in_front"),
        (403, b"error code: 1020", "firewall_in_front"),
        (406, b"Not Acceptable! This error was generated by Mod_Security.", "firewall_in_front"),
        (403, b"<h1>Access Denied</h1>You don't have permission. Reference #18.2d5", "firewall_in_front"),
        (403, b"<h1>Error 403 - This web app is stopped.</h1>", "gateway_error"),
    )

    @pytest.mark.parametrize(
        ("status", "text", "finding"), GATEWAYS, ids=[text[:40].decode() for _, text, _ in GATEWAYS]
    )
    def test_gateways_are_found_by_their_text(self, capsys, status, text, finding):
        assert findings(capsys, to_all(status, text)) == dict.fromkeys(CHECKS, finding)

    @pytest.mark.parametrize(
        ("text", "words"),
        [(GATEWAYS[0][1], "stage"), (GATEWAYS[4][1], "POST"), (GATEWAYS[7][1], "allUsers"), (GATEWAYS[9][1], "Svix")],
        ids=["API gateway", "CDN", "Cloud Run", "firewall"],
    )
    def test_the_fix_describes_what_to_change_at_the_gateway(self, capsys, text, words):
        assert words in first_finding(capsys, to_all(403, text))

    def test_a_challenge_of_cloudflare_is_found_by_its_header(self, capsys):
        found = findings(capsys, to_all(403, b"", "cf-mitigated: challenge", "Server: cloudflare"))
        assert found == dict.fromkeys(CHECKS, "firewall_in_front")

    @pytest.mark.parametrize(
        "text",
        [
            b"The header X-API-Key is required",
            *slow(b'{"msg":"Missing Authorization Header"}', b"No token in the headers"),
        ],
        ids=repr,
    )
    def test_a_text_about_other_headers_means_authentication(self, capsys, text):
        for status in (401, 403):
            assert findings(capsys, to_all(status, text)) == dict.fromkeys(CHECKS, "auth_in_front")

    @pytest.mark.parametrize("status", [401, *slow(403)])
    def test_any_other_401_or_403_means_authentication(self, capsys, status):
        for text in (b"", b"<h1>Authentication Required</h1>", b"Forbidden"):
            replies = to_all(status, text, "Server: Vercel")
            assert findings(capsys, replies) == dict.fromkeys(CHECKS, "auth_in_front")
        assert "(Server: Vercel)" in first_finding(capsys, replies)


class TestValidationBeforeTheHandler:
    BODY = b'{"detail":[{"type":"missing","loc":["body","name"],"msg":"Field required"}]}'
    QUERY = b'{"detail":[{"type":"missing","loc":["query","event"],"msg":"Field required","input":null}]}'
    HEADER = b'{"detail": [{"type": "missing", "loc": ["header", "svix-id"], "msg": "Field required"}]}'

    @pytest.mark.parametrize(
        ("status", "text"),
        [
            (422, b""),
            (422, BODY),
            (
                400,
                b'{"detail":"Validation failed for POST /hook","extra":[{"key":"name","source":"body"}]}',
            ),  # Litestar
            (400, b'{"name":["This field is required."]}'),  # Django REST framework
            (422, b'{"errors":{"json":{"name":["Missing data for required field."]}}}'),  # marshmallow
        ],
        ids=["no text", "FastAPI", "Litestar", "DRF", "marshmallow"],
    )
    def test_a_body_model_is_found(self, capsys, status, text):
        assert findings(capsys, to_all(status, text)) == dict.fromkeys(CHECKS, "body_model_first")

    @pytest.mark.parametrize("text", [BODY, b"Validation error: name", b'{"name":["This field is required."]}'])
    def test_a_body_model_next_to_the_verification_is_found(self, capsys, text):
        replies = by_status(400) | {"good": answer(422, text)}
        assert findings(capsys, replies) == {"good": "body_model_first"}
        assert "Declare no body model" in first_finding(capsys, replies)

    @pytest.mark.parametrize("place", [b"query", b"path", b"cookie", b"header"])
    def test_a_parameter_that_is_not_a_dependency_is_found(self, capsys, place):
        replies = to_all(422, self.QUERY.replace(b"query", place))
        assert findings(capsys, replies) == dict.fromkeys(CHECKS, "unresolved_parameter")
        assert "from __future__ import annotations" in first_finding(capsys, replies)


def verifying(capsys, verify) -> tuple[dict[str, str], str]:
    """Return findings and output for an application that verifies each request with *verify*, and sends no text."""

    def reply(request):
        try:
            verify(request)
        except WebhookVerificationError:
            return answer(400)
        return answer(204)

    with serving(reply) as endpoint:
        main(["doctor", endpoint.url, "--json"])
        result = json.loads(capsys.readouterr().out)
        main(["doctor", endpoint.url])
    found = {each["check"]: each["finding"] for each in result["checks"] + result["probes"] if each["finding"]}
    return found, capsys.readouterr().out


class TestOtherBytes:
    @pytest.mark.parametrize(
        "options",
        [
            {},
            *slow({"sort_keys": True}, {"ensure_ascii": False}, {"separators": (",", ":")}),
            {"separators": (",", ":"), "ensure_ascii": False, "sort_keys": True},
            *slow({"indent": 2}),
            {"indent": 2, "ensure_ascii": False},
        ],
        ids=repr,
    )
    def test_reserialized_json_is_found(self, capsys, options):
        webhook = Webhook(SECRET)

        def verify(request):
            webhook.verify(request.headers, json.dumps(json.loads(request.body), **options))

        found, out = verifying(capsys, verify)
        assert found == {"good": "verifies_reserialized"}
        assert "first: verifies_reserialized: The application verifies other bytes than arrive: " in out
        assert "request.get_data()" in out

    def test_another_charset_is_found(self, capsys):
        webhook = Webhook(SECRET)
        found, out = verifying(capsys, lambda request: webhook.verify(request.headers, request.body.decode("latin-1")))
        assert found == {"good": "verifies_reserialized"}
        assert "in another charset" in out

    def test_variations_end_with_the_one_that_is_accepted(self, capsys):
        result = result_of(capsys, by_status(400) | {"ascii": answer(200)})
        assert [(each["check"], each["ok"]) for each in result["probes"]] == [("reserialized", False), ("ascii", True)]
        _, out = output_of(capsys, by_status(400) | {"ascii": answer(200)})
        shown = [line.split() for line in out.split("\n\n")[0].splitlines()[5:]]
        assert [(line[0], line[-1]) for line in shown] == [("reserialized", "rejected"), ("ascii", "accepted")]

    def test_variations_are_not_sent_if_the_reason_is_plain(self, capsys):
        for status in (204, 301, 404, 405, 500, 502):
            probes = result_of(capsys, to_all(status))["probes"]
            assert [each["check"] for each in probes] == (["real-size"] if status == 204 else [])
        assert result_of(capsys, to_all(400, b"Invalid host header"))["probes"] == []

    def test_all_variations_are_sent_if_none_is_accepted(self, capsys):
        probes = [each["check"] for each in result_of(capsys, by_status(400))["probes"]]
        assert probes == [probe for probe in PROBES if probe != "at-server-time"]


class TestClocks:
    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (-310, "5 to 15 minutes behind"),
            *slow((-600, "5 to 15 minutes behind"), (-890, "5 to 15 minutes behind"), (310, "5 to 15 minutes ahead")),
            *slow((600, "5 to 15 minutes ahead")),
            (890, "5 to 15 minutes ahead"),
            (3600, "about an hour ahead"),
        ],
    )
    def test_a_clock_that_differs_is_found(self, capsys, seconds, words):
        webhook = Webhook(SECRET, clock=lambda: time.time() + seconds)
        found, out = verifying(capsys, lambda request: webhook.verify(request.headers, request.body))
        assert found == {"good": "clock_differs"}
        assert f"the application's clock differs from this machine's: it is {words}." in out

    def test_a_stale_delivery_is_accepted_by_a_clock_an_hour_behind(self, capsys):
        webhook = Webhook(SECRET, clock=lambda: time.time() - 3600)
        found, out = verifying(capsys, lambda request: webhook.verify(request.headers, request.body))
        assert found == {"stale": "clock_differs", "good": "clock_differs"}
        assert "it is about an hour behind." in out

    @pytest.mark.parametrize("seconds", [-86_400, -7200, 1200, 5 * 3600, -1_700_000_000])
    def test_the_date_header_shows_how_much_the_clock_differs(self, capsys, seconds):
        webhook = Webhook(SECRET, clock=lambda: time.time() + seconds)

        def reply(request):
            date = f"Date: {formatdate(time.time() + seconds, usegmt=True)}"
            try:
                webhook.verify(request.headers, request.body)
            except WebhookVerificationError:
                return answer(400, b"", date)
            return answer(204, b"", date)

        with serving(reply) as endpoint:
            assert main(["doctor", endpoint.url]) == 1
        found = re.search(
            r"first: clock_differs: .* its Date header is (\d+) s (behind|ahead)\.", capsys.readouterr().out
        )
        assert abs(int(found[1]) - abs(seconds)) <= 2
        assert found[2] == ("behind" if seconds < 0 else "ahead")

    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="not on Windows")
    def test_a_date_header_without_a_time_zone_is_gmt(self, capsys, monkeypatch):
        replies = to_all(400, b"", f"Date: {formatdate(usegmt=True).removesuffix(' GMT')}")
        monkeypatch.setenv("TZ", "America/New_York")
        time.tzset()
        try:
            assert "at-server-time" not in verdicts(capsys, replies)
        finally:
            monkeypatch.undo()
            time.tzset()

    def test_a_date_header_that_agrees_is_ignored(self, capsys):
        replies = to_all(400, b"", f"Date: {formatdate(time.time() + 30, usegmt=True)}")
        assert "at-server-time" not in verdicts(capsys, replies)

    @pytest.mark.parametrize(
        "date",
        [
            "yesterday",
            "Mon, 01 Jan 0100 00:00:00 GMT",
            *slow(
                "Mon, 99 Foo 2026 25:61:00 GMT",
                "Mon, 01 Jan 99999999999 00:00:00 GMT",
                "Mon, 01 Jan 2026 00:00:00 +9999999999999",
                "",
            ),
        ],
    )
    def test_an_unreadable_date_header_is_ignored(self, capsys, date):
        assert findings(capsys, to_all(400, b"", f"Date: {date}")) == {"good": "signature_refused"}

    @pytest.mark.parametrize(
        "text",
        [
            b"Message timestamp too old",
            b'{"code":"timestamp_too_old"}',
            b'{"error":"Message timestamp too new"}',
            b"timestamp is outside the tolerance",
        ],
        ids=repr,
    )
    def test_a_clock_that_differs_is_found_by_the_text(self, capsys, text):
        replies = to_all(400, text) | {"unsigned": answer(400, b"Missing required headers")}
        assert findings(capsys, replies) == {"good": "clock_differs"}
        assert "its response says that the timestamp of the good delivery is not current" in first_finding(
            capsys, replies
        )


def adapter(webhook: Webhook, *, without: tuple[str, ...] = (), **options):
    """An application that has the adapter for AWS Lambda, behind a proxy that removes some headers."""
    handler = clerk_webhook(webhook, **options)(lambda event, context: None)

    def reply(request):
        headers: dict[str, list[str]] = {}
        for name, value in request.headers:
            if not name.startswith(without):
                headers.setdefault(name, []).append(value)
        response = handler({"multiValueHeaders": headers, "body": request.body.decode()}, None)
        return answer(response["statusCode"], response["body"].encode())

    return reply


class TestHeadersThatDoNotArrive:
    @pytest.mark.parametrize(
        "change",
        [
            lambda name: name.replace("svix-", "x-svix-"),
            lambda name: name.replace("svix-", "svix_"),
            lambda name: "x-removed" if name.startswith("svix-") else name,
        ],
        ids=["prefixed", "underscores", "removed"],
    )
    def test_svix_headers_that_do_not_arrive_are_found_by_the_webhook_headers(self, capsys, change):
        webhook = Webhook(SECRET)
        found, out = verifying(
            capsys, lambda request: webhook.verify([(change(n.lower()), v) for n, v in request.headers], request.body)
        )
        assert found == {"good": "reads_webhook_names"}
        assert "Clerk sends svix-id, svix-timestamp and svix-signature. These do not arrive, or are not read" in out

    @pytest.mark.parametrize(
        "text",
        [
            b"Missing required headers",
            b'{"code": "missing_header"}',
            b"Error occured -- no svix headers",
            b'{"error":"missing svix-id, svix-timestamp or svix-signature header"}',
            b"the svix-signature header is required",
            b"Required header 'svix-id' is not present",
            TestValidationBeforeTheHandler.HEADER,
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("status", [400, *slow(401, 422)])
    def test_missing_headers_are_found_by_the_text(self, capsys, text, status):
        replies = to_all(status, text)
        assert findings(capsys, replies) == {"good": "headers_do_not_arrive"}
        assert "do not arrive as they were sent" in first_finding(capsys, replies)

    def test_missing_headers_of_the_unsigned_delivery_are_expected(self, capsys):
        for text in (b"Missing required headers", b"no svix headers", TestValidationBeforeTheHandler.HEADER):
            replies = by_status(400) | {"unsigned": answer(400, text)}
            assert findings(capsys, replies) == {"good": "signature_refused"}

    @pytest.mark.parametrize("text", [b"Missing or invalid signature", b"No matching signature found"])
    def test_an_ambiguous_text_does_not_mean_missing_headers(self, capsys, text):
        assert findings(capsys, to_all(400, text)) == {"good": "signature_refused"}

    @pytest.mark.parametrize("options", [{}, {"max_body": 5_000}, {"max_body": 1_048_576}], ids=repr)
    def test_missing_headers_are_found_by_an_adapter_that_does_not_check_the_length(self, capsys, options):
        reply = adapter(Webhook(SECRET), without=("svix-", "webhook-"), **options)
        assert self.findings(capsys, reply) == {"good": "headers_do_not_arrive"}

    @pytest.mark.parametrize("options", [{}, {"max_body": 5_000}, {"max_body": 1_048_576}], ids=repr)
    def test_an_adapter_that_checks_the_length_gets_the_headers(self, capsys, options):
        assert self.findings(capsys, adapter(Webhook(OTHER_SECRET), **options)) == {"good": "signature_refused"}

    def findings(self, capsys, reply) -> dict[str, str]:
        with serving(reply) as endpoint:
            assert main(["doctor", endpoint.url, "--json"]) == 1
        result = json.loads(capsys.readouterr().out)
        assert result["probes"][-1]["check"] == "oversized"
        return {each["check"]: each["finding"] for each in result["checks"] + result["probes"] if each["finding"]}


class TestSecrets:
    @pytest.mark.parametrize("number", [2, 3])
    def test_another_one_of_several_secrets_is_found(self, capsys, number):
        given = ["whsec_" + "A" * 32, "whsec_" + "B" * 32, "whsec_" + "C" * 32]
        webhook = Webhook(given[number - 1])

        def reply(request):
            try:
                webhook.verify(request.headers, request.body)
            except WebhookVerificationError:
                return answer(400)
            return answer(204)

        with serving(reply) as endpoint:
            options = [argument for secret in given for argument in ("--secret", secret)]
            assert main(["doctor", endpoint.url, *options]) == 1
        out = capsys.readouterr().out
        assert re.search(rf"^first: other_secret: .* secrets that you passed, .*: secret-{number}\.", out, re.MULTILINE)
        assert "whsec_" not in out

    def test_the_fingerprint_of_the_secret_is_shown(self, capsys):
        (fingerprint,) = Webhook(SECRET).fingerprints
        for status in (400, 401, 418):
            assert fingerprint in first_finding(capsys, by_status(status))


class TestRealSize:
    @pytest.mark.parametrize(
        ("reply", "reason"),
        [
            (answer(413), "status 413."),
            (answer(400, b"", "Server: gunicorn"), "status 400 (Server: gunicorn)."),
            (answer(403), "status 403."),
            (answer(500), "status 500."),
            (b"", "Remote end closed connection"),
        ],
        ids=["413", "400", "403", "500", "no answer"],
    )
    def test_a_small_limit_is_found(self, capsys, reply, reason):
        assert findings(capsys, SOUND | {"real-size": reply}) == {"real-size": "body_limit"}
        first = first_finding(capsys, SOUND | {"real-size": reply})
        assert "64 KB" in first
        assert reason in first
        assert "max_body" in first

    def test_a_small_limit_is_part_of_the_list(self, capsys):
        code, out = output_of(capsys, SOUND | {"real-size": answer(413)})
        assert code == 1
        line = out.split("\n\n")[0].splitlines()[5].split()
        assert (line[:3], line[-1]) == (["FAIL", "real-size", "413"], "body_limit")

    def test_a_small_limit_of_an_adapter_is_found(self, capsys):
        with serving(adapter(Webhook(SECRET), max_body=10_000)) as endpoint:
            assert main(["doctor", endpoint.url]) == 1
        assert "first: body_limit: " in capsys.readouterr().out


class TestAnApplicationThatFails:
    @pytest.mark.parametrize("statuses", [(500,), (400, 500, 500, 400, 500)], ids=repr)
    def test_an_adapter_that_responds_500_has_no_secret_or_no_body(self, capsys, statuses):
        replies = {
            check: answer(int(reply[9:12]), json.dumps(REJECTION).encode())
            for check, reply in by_status(*statuses).items()
        }
        found = findings(capsys, replies)
        assert set(found.values()) == {"server_error"}
        assert "CLERK_WEBHOOK_SIGNING_SECRET" in first_finding(capsys, replies)


class TestTheTimeLimit:
    """However slowly an endpoint responds, the command ends in time, and names what it did not try."""

    @pytest.fixture(autouse=True)
    def _limits(self, monkeypatch):
        assert doctor.GIVE_UP + _http.CONNECT_TIMEOUT < doctor.TIME_LIMIT < 30
        monkeypatch.setattr(doctor, "GIVE_UP", 0.3)
        monkeypatch.setattr(doctor, "TIME_LIMIT", 0.7)

    def run(self, capsys, reply, *options: str) -> dict:
        start = time.monotonic()
        with dripping(reply) as url:
            assert main(["doctor", url, "--json", *options]) == 1
            seconds = time.monotonic() - start
        assert seconds < 3
        return json.loads(capsys.readouterr().out)

    @pytest.mark.parametrize("part", ["head", "body", "chunks", "endless continue"])
    @pytest.mark.slow
    def test_doctor_stops_if_the_first_response_drips(self, capsys, part):
        result = self.run(capsys, lambda request: part)
        assert result["not_tried"] == ["forged", "stale", "duplicate-header", "good"]
        assert result["checks"][0]["finding"] == "no_answer"
        assert result["checks"][0]["fix"].startswith("no response within 0.3 s")

    @pytest.mark.parametrize("part", ["head", "body", "chunks"])
    @pytest.mark.slow
    def test_dripping_responses_leave_no_time_for_other_deliveries(self, capsys, part):
        result = self.run(capsys, lambda request: None if check_of(request) == "unsigned" else part)
        names = [each["check"] for each in result["checks"]]
        assert names[:2] == ["unsigned", "forged"]
        assert names + result["not_tried"] == list(CHECKS)
        assert result["not_tried"]
        assert result["ok"] is False

    def test_variations_share_the_time_limit(self, capsys):
        drips = ("reserialized", "ascii", "indented")
        result = self.run(capsys, lambda request: "body" if check_of(request) in drips else None)
        tried = [each["check"] for each in result["probes"]]
        assert tried + result["not_tried"] == [probe for probe in PROBES if probe != "at-server-time"]
        assert result["not_tried"][-1] == "webhook-names"

    def test_what_was_not_tried_is_shown(self, capsys):
        with dripping(lambda request: None if check_of(request) == "unsigned" else "body") as url:
            assert main(["doctor", url]) == 1
        out = capsys.readouterr().out
        assert re.search(r"^not tried, for lack of time: (stale, )?duplicate-header, good$", out, re.MULTILINE)

    def test_a_name_whose_addresses_do_not_connect_ends_in_time(self, capsys, monkeypatch):
        leave = Event()
        monkeypatch.setattr(socket, "create_connection", lambda *_, **__: leave.wait(10))
        try:
            assert main(["doctor", "https://example.com/hook"]) == 1
        finally:
            leave.set()
        assert capsys.readouterr().err.startswith("no connection within 0.3 s; not tried, for lack of time: forged, ")


@contextmanager
def dripping(part_of):
    """An endpoint that sends one byte every 20 ms of the head or body; 400 at once if *part_of* a request is None."""
    ended = Event()
    starts = {
        "head": b"HTTP/1.1 400 Bad Request\r\nX-Padding: ",
        "body": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100000\r\n\r\n",
        "chunks": b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n",
        "endless continue": b"",
    }
    drops = {"endless continue": b"HTTP/1.1 100 Continue\r\n\r\n", "chunks": b"1\r\nx\r\n"}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            part = part_of(Request(self.command, self.path, self.headers.items(), body))
            if part is None:
                self.wfile.write(answer(400))
                return
            self.wfile.write(starts[part])
            with suppress(OSError):
                while not ended.wait(0.02):
                    self.wfile.write(drops.get(part, b"x"))

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


class TestNoAnswer:
    def test_a_closed_connection_is_a_finding(self, capsys):
        for check in CHECKS:
            found = verdicts(capsys, SOUND | {check: b""})
            assert {name: v["finding"] for name, v in found.items() if v["finding"]} == {check: "no_answer"}
            assert (found[check]["status"], found[check]["seconds"]) == (None, None)
            assert "Remote end closed connection" in found[check]["fix"]
            assert "log" in found[check]["fix"]

    def test_a_missing_response_is_shown(self, capsys):
        code, out = output_of(capsys, SOUND | {"good": b""})
        assert code == 1
        assert ["FAIL", "good", "no", "response", "no_answer"] in [line.split() for line in out.splitlines()]

    def test_a_good_delivery_is_judged_without_a_response_to_the_forged_one(self, capsys):
        found = verdicts(capsys, by_status(400) | {"forged": b""})
        assert found["good"]["finding"] == "signature_refused"

    def test_a_response_that_hangs_is_a_finding(self, capsys, monkeypatch):
        leave = Event()
        assert doctor.GIVE_UP == 15
        monkeypatch.setattr(doctor, "GIVE_UP", 1)

        def reply(request):
            if check_of(request) == "good":
                leave.wait(10)
            return SOUND[check_of(request)]

        with serving(reply) as endpoint:
            try:
                assert main(["doctor", endpoint.url]) == 1
            finally:
                leave.set()
        assert "first: no_answer: no response within 1 s. " in capsys.readouterr().out

    @pytest.mark.parametrize("rejection", [408, None], ids=["408", "no answer"])
    def test_a_body_that_a_middleware_consumes_is_a_finding(self, capsys, monkeypatch, rejection):
        leave = Event()
        monkeypatch.setattr(doctor, "GIVE_UP", 0.3)

        def reply(request):
            if check_of(request) == "unsigned" or rejection:
                return answer(400 if check_of(request) == "unsigned" else rejection)
            leave.wait(10)
            return b""

        with serving(reply) as endpoint:
            try:
                code, out, _ = main(["doctor", endpoint.url]), *capsys.readouterr()
            finally:
                leave.set()
            assert len(endpoint.received) == 2
        assert code == 1
        assert re.search(r"^FAIL  forged .* waits_for_body$", out, re.MULTILINE)
        assert "first: waits_for_body: The application rejects a delivery without the headers at once" in out
        assert "not tried, for lack of time: stale, duplicate-header, good" in out

    def test_doctor_stops_if_the_first_response_hangs(self, capsys, monkeypatch):
        arrived, leave = Event(), Event()
        monkeypatch.setattr(doctor, "GIVE_UP", 0.05)

        def hang(request):
            arrived.set()
            leave.wait(10)
            return b""

        with serving(hang) as endpoint:
            try:
                assert main(["doctor", endpoint.url]) == 1
                assert arrived.wait(10)
            finally:
                leave.set()
            assert len(endpoint.received) == 1
        printed = capsys.readouterr()
        not_tried = "not tried, for lack of time: forged, stale, duplicate-header, good"
        assert (printed.out, printed.err) == ("", f"no response within 0.05 s; {not_tried}\n")

    def test_an_unreachable_url_exits_1_with_the_reason_in_one_line(self, capsys):
        assert main(["doctor", "http://127.0.0.1:0/"]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("http://127.0.0.1:0 cannot be reached: ")
        assert printed.err.count("\n") == 1

    def test_json_of_an_unreachable_url(self, capsys):
        assert main(["doctor", "http://127.0.0.1:0/", "--json"]) == 1
        printed = capsys.readouterr()
        assert printed.err == ""
        result = json.loads(printed.out)
        checks = result.pop("checks")
        assert result == {"ok": False, "probes": [], "not_tried": []}
        assert [verdict["check"] for verdict in checks] == list(CHECKS)
        for verdict in checks:
            assert "http://127.0.0.1:0 cannot be reached: " in verdict["fix"]
            assert (verdict["finding"], verdict["status"]) == ("no_answer", None)


class TestUse:
    @pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "127.0.0.1.example.com", "0.0.0.0"])
    def test_plain_http_goes_to_this_machine_only(self, capsys, monkeypatch, host):
        monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it connects"))
        assert main(["doctor", f"http://{host}/hook"]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "https" in printed.err
        assert "--allow-plain-http" in printed.err

    @pytest.mark.parametrize("host", ["web", "10.0.0.1", "app.internal"])
    def test_plain_http_goes_anywhere_if_allowed(self, monkeypatch, host):
        asked = []

        def refuse(address, *_, **__):
            asked.append(address)
            raise ConnectionRefusedError(111, "Connection refused")

        monkeypatch.setattr(socket, "create_connection", refuse)
        assert main(["doctor", f"http://{host}:8000/hook", "--allow-plain-http"]) == 1
        assert set(asked) == {(host, 8000)}

    @pytest.mark.parametrize("option", [[], ["--to"]], ids=["URL", "--to URL"])
    def test_the_url_can_be_an_option(self, option):
        with serving(lambda request: SOUND.get(check_of(request), SOUND["good"])) as endpoint:
            assert main(["doctor", *option, endpoint.url]) == 0

    def test_https_goes_anywhere(self, capsys, monkeypatch):
        asked = []

        def refuse(address, *_, **__):
            asked.append(address)
            raise ConnectionRefusedError(111, "Connection refused")

        monkeypatch.setattr(socket, "create_connection", refuse)
        assert main(["doctor", "https://example.com/hook"]) == 1
        assert set(asked) == {("example.com", 443)}
        assert capsys.readouterr().err == "https://example.com cannot be reached: Connection refused\n"

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["localhost:3000"], "the URL should be http://"),
            (["{url}", "--type", "user.creatd"], "did you mean user.created"),
            (["{url}", "--type", OTHER_SECRET], "signing secret in arguments"),
            (["{url}", "--secret", "whsec_"], "secret"),
            (["{url}", "--payload", "@x"], "unrecognized arguments"),
        ],
        ids=["URL", "type", "secret as type", "secret", "payload"],
    )
    def test_invalid_arguments_are_reported_before_anything_is_sent(self, capsys, arguments, words):
        with serving(lambda request: answer(204)) as endpoint:
            assert main(["doctor", *(argument.format(url=endpoint.url) for argument in arguments)]) == 2
        assert endpoint.received == []
        printed = capsys.readouterr()
        assert printed.out == ""
        assert words in printed.err
        assert printed.err.count("\n") == 1
        assert OTHER_SECRET not in printed.err

    def test_output_is_colored_on_a_terminal(self, capsys, monkeypatch):
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        _, out = output_of(capsys, by_status(200))
        assert "\x1b[32mok  \x1b[0m  good" in out
        assert "\x1b[31mFAIL\x1b[0m  forged" in out
        assert "\x1b[31mfirst\x1b[0m: accepts_unsigned: ANYONE CAN" in out
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b" not in output_of(capsys, by_status(200))[1]


def test_every_finding_is_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page.split("## What doctor finds")[1].split("\n## ")[0], re.MULTILINE)
    codes = [code for row in rows for code in re.findall(r"`(\w+)`", row)]
    assert sorted(codes) == sorted(finding.code for finding in _findings.FINDINGS)


def test_as_a_process_against_a_receiver_of_this_package():
    webhook = Webhook(SECRET)

    def reply(request):
        try:
            webhook.verify(request.headers, request.body)
        except WebhookVerificationError:
            return answer(400)
        return answer(204)

    command = [sys.executable, "-m", "clerk_webhook_verify", "doctor"]
    environment = os.environ | {"CLERK_WEBHOOK_SIGNING_SECRET": SECRET}
    with serving(reply) as endpoint:
        done = subprocess.run(
            [*command, endpoint.url], capture_output=True, text=True, check=False, env=environment
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:3] for line in done.stdout.splitlines()[:6]] == [
        ["ok", check, "204" if check in ("good", "real-size") else "400"] for check in (*CHECKS, "real-size")
    ]
