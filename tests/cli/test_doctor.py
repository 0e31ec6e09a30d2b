"""Does `doctor` read an endpoint's answers rightly, and name the one thing to fix first?"""

import json
import os
import socket
import subprocess
import sys
import time
from threading import Event

import pytest
from helpers.endpoint import answer, serving
from helpers.signer import OTHER_SECRET, SECRET, sign

from clerk_webhook_verify import Webhook, WebhookVerificationError
from clerk_webhook_verify.cli import doctor, main
from clerk_webhook_verify.events import EVENT_TYPES
from clerk_webhook_verify.testing import sample

CHECKS = ("unsigned", "forged", "stale", "duplicate-header", "good")


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


def check_of(request) -> str:
    """Which of the deliveries this is, found out with hmac alone."""
    ids, timestamps, signatures = map(request.values, ["svix-id", "svix-timestamp", "svix-signature"])
    if not ids + timestamps + signatures:
        return "unsigned"
    assert (len(timestamps), len(signatures)) == (1, 1)
    if signatures[0] != sign(request.body, message_id=ids[0], timestamp=timestamps[0]):
        return "forged"
    if abs(int(timestamps[0]) - time.time()) > 300:
        return "stale"
    return "duplicate-header" if len(ids) == 2 else "good"


def output_of(capsys, answers: dict[str, bytes], *options: str) -> tuple[int, str]:
    """What is printed when each delivery gets its answer; ``b""`` is none at all."""
    with serving(lambda request: answers[check_of(request)]) as endpoint:
        code = main(["doctor", endpoint.url, *options])
    assert [check_of(request) for request in endpoint.received] == list(CHECKS)
    printed = capsys.readouterr()
    assert printed.err == ""
    assert SECRET not in printed.out
    return code, printed.out


def verdicts(capsys, answers: dict[str, bytes]) -> dict[str, dict]:
    """Those of ``--json``, by check."""
    code, out = output_of(capsys, answers, "--json")
    result = json.loads(out)
    assert list(result) == ["ok", "checks"]
    assert result["ok"] is all(verdict["ok"] for verdict in result["checks"])
    assert code == (0 if result["ok"] else 1)
    assert [verdict["check"] for verdict in result["checks"]] == list(CHECKS)
    for verdict in result["checks"]:
        assert list(verdict) == ["check", "ok", "status", "seconds", "finding", "fix"]
        assert verdict["ok"] is (verdict["finding"] is None) is (verdict["fix"] is None)
    return {verdict["check"]: verdict for verdict in result["checks"]}


def by_status(*statuses: int) -> dict[str, bytes]:
    """One for each check in order, or one for all."""
    return dict(zip(CHECKS, [answer(status) for status in statuses * (5 // len(statuses))], strict=True))


SOUND = by_status(400, 400, 400, 400, 204)


class TestTheDeliveries:
    def received(self, *options: str) -> dict:
        with serving(lambda request: SOUND[check_of(request)]) as endpoint:
            assert main(["doctor", endpoint.url, *options]) == 0
        received = {check_of(request): request for request in endpoint.received}
        assert received.keys() == SOUND.keys()
        return received

    def test_they_are_of_a_type_that_nobody_knows(self):
        for request in self.received().values():
            payload = json.loads(request.body)
            assert payload["type"] not in EVENT_TYPES
            assert isinstance(payload["data"], dict)
            assert request.values("content-type") == ["application/json"]
            assert request.values("user-agent") == ["clerk-webhook-verify"]

    def test_they_are_of_a_real_type_where_that_is_asked_for(self):
        for request in self.received("--type", "user.deleted").values():
            assert json.loads(request.body) == sample("user.deleted")

    def test_the_good_one_is_what_a_receiver_accepts_and_the_others_are_not(self):
        webhook = Webhook(SECRET)
        for check, request in self.received().items():
            if check == "good":
                assert webhook.verify(request.headers, request.body)
            else:
                with pytest.raises(WebhookVerificationError):
                    webhook.verify(request.headers, request.body)

    def test_each_is_a_message_of_its_own(self):
        ids = [name for request in self.received().values() for name in set(request.values("svix-id"))]
        assert len(set(ids)) == len(ids) == 4

    def test_the_duplicate_header_is_one_that_a_dict_would_hide(self):
        request = self.received()["duplicate-header"]
        assert Webhook(SECRET).verify(dict(request.headers), request.body)


class TestASoundEndpoint:
    @pytest.mark.parametrize("refusals", [(400,), (401, 403, 404, 422), (302, 400, 418, 499)], ids=repr)
    def test_it_refuses_the_bad_ones_as_it_likes_and_answers_2xx_to_the_good_one(self, capsys, refusals):
        for accepted in (200, 204, 299):
            found = verdicts(capsys, by_status(*(refusals * 4)[:4], accepted))
            assert all(verdict["ok"] for verdict in found.values())
            assert found["good"]["status"] == accepted
            assert 0 <= found["good"]["seconds"] < doctor.SLOW

    def test_it_is_shown_as_a_check_list_without_fixes(self, capsys):
        code, out = output_of(capsys, SOUND)
        lines = [line.split() for line in out.splitlines()]
        assert code == 0
        assert [line[:3] for line in lines] == [
            ["ok", check, status] for check, status in zip(CHECKS, ["400"] * 4 + ["204"], strict=True)
        ]


#: Statuses in the order of the checks, what is found in each, and what to fix first.
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
    "nothing is verified, and the handler fails at what it should do": (
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
    "headers are asked for, and not verified": (
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
    "another secret, missing headers told apart": (
        (422, 401, 401, 401, 401),
        {"good": "signature_refused"},
        "signature_refused",
    ),
    "the handler refuses the event": ((400, 400, 400, 400, 404), {"good": "event_refused"}, "event_refused"),
    "the handler redirects": ((400, 400, 400, 400, 302), {"good": "event_refused"}, "event_refused"),
    "the handler fails": ((400, 400, 400, 400, 500), {"good": "handler_fails"}, "handler_fails"),
    "missing headers crash it": (
        (500, 400, 400, 400, 200),
        {"unsigned": "missing_headers_not_caught"},
        "missing_headers_not_caught",
    ),
    "every refusal crashes it": (
        (500, 500, 500, 502, 200),
        {"unsigned": "missing_headers_not_caught"}
        | dict.fromkeys(("forged", "stale", "duplicate-header"), "refusal_not_caught"),
        "missing_headers_not_caught",
    ),
    "it crashes as soon as there is something to verify": (
        (400, 500, 500, 500, 500),
        dict.fromkeys(("forged", "stale", "duplicate-header"), "refusal_not_caught") | {"good": "handler_fails"},
        "handler_fails",
    ),
    "a stale one is refused before the application can fail": (
        (500, 500, 400, 500, 500),
        dict.fromkeys(("unsigned", "forged", "duplicate-header", "good"), "server_error"),
        "server_error",
    ),
    "a rate limit sets in": (
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
    def test_what_answers_mean_together(self, capsys, statuses, findings, first):
        found = verdicts(capsys, by_status(*statuses))
        assert {check: verdict["finding"] for check, verdict in found.items() if verdict["finding"]} == findings
        code, out = output_of(capsys, by_status(*statuses))
        assert code == 1
        listed, *fixes = out.rstrip().split("\n\n")
        for line, check in zip(listed.splitlines(), CHECKS, strict=True):
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
            ((500, 400, 400, 400, 200), ["without the three headers", "answer 400"]),
            ((400, 400, 200, 400, 200), ["timestamp", "300 s"]),
            ((400, 400, 400, 400, 409), ["204", "--type"]),
        ],
        ids=repr,
    )
    def test_the_first_fix_says_what_to_do(self, capsys, statuses, words):
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
    def test_a_redirect_shows_the_whole_url_escaped(self, capsys, location, shown):
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
        ],
    )
    def test_csrf_protection_is_told_by_its_page(self, capsys, status, body):
        found = verdicts(capsys, dict.fromkeys(CHECKS, answer(status, body)))
        assert {verdict["finding"] for verdict in found.values()} == {"csrf_protection"}
        assert "@csrf_exempt" in found["good"]["fix"]

    @pytest.mark.parametrize(
        ("status", "body", "finding"),
        [
            (404, b"the page about CSRF is not here", "not_found"),
            (403, b'<meta name="csrf-token" content="abc">', "auth_in_front"),
        ],
    )
    def test_but_not_by_any_page_that_has_a_token(self, capsys, status, body, finding):
        found = verdicts(capsys, dict.fromkeys(CHECKS, answer(status, body)))
        assert found["good"]["finding"] == finding

    def test_a_slow_answer_to_the_good_one_should_leave_its_work_to_the_background(self, capsys, monkeypatch):
        assert doctor.SLOW == 5
        monkeypatch.setattr(doctor, "SLOW", -1)
        found = verdicts(capsys, SOUND)
        assert {check: verdict["finding"] for check, verdict in found.items() if verdict["finding"]} == {"good": "slow"}
        assert "background" in found["good"]["fix"]


class TestNoAnswer:
    def test_one_that_closes_the_connection_is_a_finding_among_others(self, capsys):
        for check in CHECKS:
            found = verdicts(capsys, SOUND | {check: b""})
            assert {name: v["finding"] for name, v in found.items() if v["finding"]} == {check: "no_answer"}
            assert (found[check]["status"], found[check]["seconds"]) == (None, None)
            assert "Remote end closed connection" in found[check]["fix"]
            assert "log" in found[check]["fix"]

    def test_it_is_shown_as_such(self, capsys):
        code, out = output_of(capsys, SOUND | {"good": b""})
        assert code == 1
        assert ["FAIL", "good", "no", "answer", "no_answer"] in [line.split() for line in out.splitlines()]

    def test_a_good_delivery_refused_where_a_forged_one_was_not_answered(self, capsys):
        found = verdicts(capsys, by_status(400) | {"forged": b""})
        assert found["good"]["finding"] == "signature_refused"

    def test_one_that_hangs_is_a_finding_too(self, capsys, monkeypatch):
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
        assert "first: no_answer: no answer within 1 s. " in capsys.readouterr().out

    def test_a_server_that_hangs_at_the_first_is_not_waited_for_again(self, capsys, monkeypatch):
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
        assert (printed.out, printed.err) == ("", "no answer within 0.05 s\n")

    def test_an_unreachable_url_is_a_no_with_the_reason_in_one_line(self, capsys):
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
        (verdict,) = result.pop("checks")
        assert result == {"ok": False}
        assert "http://127.0.0.1:0 cannot be reached: " in verdict.pop("fix")
        assert verdict == {
            "check": "unsigned", "ok": False, "status": None, "seconds": None, "finding": "no_answer",
        }  # fmt: skip


class TestUse:
    @pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "127.0.0.1.example.com", "0.0.0.0"])
    def test_plain_http_goes_to_this_machine_alone(self, capsys, monkeypatch, host):
        monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it connects"))
        assert main(["doctor", f"http://{host}/hook"]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.endswith("over plain http to this machine alone: use an https URL\n")

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
            (["{url}", "--type", OTHER_SECRET], "the event type contains a signing secret"),
            (["{url}", "--secret", "whsec_"], "secret"),
            (["{url}", "--payload", "@x"], "unrecognized arguments"),
        ],
        ids=["URL", "type", "secret as type", "secret", "payload"],
    )
    def test_what_is_of_no_use_is_told_before_anything_is_sent(self, capsys, arguments, words):
        with serving(lambda request: answer(204)) as endpoint:
            assert main(["doctor", *(argument.format(url=endpoint.url) for argument in arguments)]) == 2
        assert endpoint.received == []
        printed = capsys.readouterr()
        assert printed.out == ""
        assert words in printed.err
        assert printed.err.count("\n") == 1
        assert OTHER_SECRET not in printed.err

    def test_it_is_coloured_on_a_terminal_that_wants_it(self, capsys, monkeypatch):
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        _, out = output_of(capsys, by_status(200))
        assert "\x1b[32mok  \x1b[0m  good" in out
        assert "\x1b[31mFAIL\x1b[0m  forged" in out
        assert "\x1b[31mfirst\x1b[0m: accepts_unsigned: ANYONE CAN" in out
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b" not in output_of(capsys, by_status(200))[1]


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
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        ["ok", check, "204" if check == "good" else "400"] for check in CHECKS
    ]
