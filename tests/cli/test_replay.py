"""Replay sends stored deliveries unchanged or signed again, and reports each response."""

import io
import json
import subprocess
import sys
from base64 import b64encode
from datetime import datetime, timezone
from time import time

import pytest
from helpers.endpoint import answer, serving
from helpers.listener import Listener
from helpers.signer import BODY, NOW, OTHER_SECRET, SECRET, sign, signed_headers
from svix.webhooks import Webhook as Svix

from clerk_webhook_verify import Webhook
from clerk_webhook_verify.cli import main

DELETED = b'{"type":"user.deleted","data":{"id":"user_1"}}'


def record(message_id: str, body: bytes = BODY, *, headers=None, **fields) -> dict:
    signed = signed_headers(body, message_id=message_id) if headers is None else headers
    return {"type": "event", "headers": signed, "body_b64": b64encode(body).decode(), **fields}


@pytest.fixture
def capture(tmp_path):
    """Write records to a file; return its name."""

    def write(*records) -> str:
        file = tmp_path / "capture.ndjson"
        file.write_text("".join(json.dumps(each) + "\n" for each in records))
        return str(file)

    return write


@pytest.fixture
def app():
    with serving(lambda request: answer(204)) as endpoint:
        yield endpoint


@pytest.fixture
def secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


def ids(endpoint) -> list[str]:
    return [request.values("svix-id")[0] for request in endpoint.received]


class TestAsStored:
    def test_body_and_headers_are_sent_unchanged(self, app, capture):
        headers = signed_headers() | {"x-two": ["1", "2"], "X-Latin": "caf\xe9", "content-type": "application/json"}
        of_the_connection = {
            "host": "tunnel.example", "content-length": "7", "transfer-encoding": "chunked", "connection": "x-hop",
            "x-hop": "1",
        }  # fmt: skip
        body = b'{"type" : "user.created",\r\n"data":{"name":"\xc3\xa9"}}\n'
        assert main(["replay", capture(record("", body, headers=headers | of_the_connection)), "--to", app.url]) == 0
        (request,) = app.received
        assert (request.method, request.body) == ("POST", body)
        assert request.headers == [
            ("Host", f"127.0.0.1:{app.server_port}"),
            ("Content-Length", str(len(body))),
            *signed_headers().items(),
            *(("x-two", "1"), ("x-two", "2"), ("X-Latin", "caf\xe9"), ("content-type", "application/json")),
        ]

    def test_no_secret_is_needed(self, app, capture):
        assert main(["replay", capture(record("msg_1")), "--to", app.url]) == 0

    def test_a_capture_comes_from_standard_input_too(self, app, monkeypatch):
        content = json.dumps(record("msg_1")).encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert main(["replay", "-", "--to", app.url]) == 0
        assert ids(app) == ["msg_1"]


class TestResign:
    def test_resign_uses_a_new_timestamp_your_first_secret_and_the_same_ids(self, app, capture, secret):
        stored = signed_headers(secret=OTHER_SECRET, message_id="msg_1")
        stored = {name.title(): value for name, value in stored.items()} | {"content-type": "application/json"}
        before = int(time())
        options = ["--resign", "--secret", SECRET, "--secret", OTHER_SECRET]
        assert main(["replay", capture(record("", headers=stored)), "--to", app.url, *options]) == 0
        (request,) = app.received
        assert request.values("content-type") == ["application/json"]
        (message_id,), (timestamp,), (signature,) = map(request.values, ("svix-id", "svix-timestamp", "svix-signature"))
        assert message_id == "msg_1"
        assert before <= int(timestamp) <= time()
        assert signature == sign(BODY, message_id="msg_1", timestamp=timestamp)

    def test_resign_removes_webhook_headers(self, app, capture, secret):
        stored = signed_headers(message_id="msg_1", family="webhook")
        assert main(["replay", capture(record("", headers=stored)), "--to", app.url, "--resign"]) == 0
        (request,) = app.received
        assert ids(app) == ["msg_1"]
        assert request.values("webhook-id") == request.values("webhook-signature") == []
        assert Webhook(SECRET).verify(request.headers, request.body).type == "user.created"

    def test_new_ids_are_signed_and_all_different(self, app, capture, secret):
        file = capture(record("msg_1"), record("msg_1"), record("msg_2"))
        assert main(["replay", file, "--to", app.url, "--new-id"]) == 0
        for request in app.received:
            Webhook(SECRET).verify(request.headers, request.body)
        assert len({*ids(app), "msg_1"}) == 4

    def test_the_secret_may_come_from_a_file(self, app, capture, tmp_path):
        (tmp_path / "secret").write_text(SECRET)
        options = ["--to", app.url, "--resign", "--secret-file", str(tmp_path / "secret")]
        assert main(["replay", capture(record("msg_1")), *options]) == 0
        Webhook(SECRET).verify(app.received[0].headers, BODY)

    @pytest.mark.parametrize("option", ["--resign", "--new-id", "--resign-forged"])
    def test_without_a_secret_nothing_is_sent(self, app, capture, capsys, option):
        assert main(["replay", capture(record("msg_1")), "--to", app.url, option]) == 2
        assert "CLERK_WEBHOOK_SIGNING_SECRET" in capsys.readouterr().err
        assert app.received == []


FORGED = b'{"type":"user.updated","data":{"public_metadata":{"role":"admin"}}}'
DUPLICATE = {"svix-id": ["msg_9", "msg_9"]}


class TestForgeries:
    """Signing makes any delivery valid, so only one that was valid when it arrived is signed."""

    @pytest.mark.parametrize("option", ["--resign", "--new-id"])
    @pytest.mark.parametrize(
        ("stored", "code"),
        [
            (record("msg_9", FORGED, headers={}), "missing_header"),
            (record("msg_9", FORGED, headers=signed_headers(BODY)), "signature_mismatch"),
            (record("msg_9", FORGED, headers=signed_headers(FORGED, secret=OTHER_SECRET)), "signature_mismatch"),
            (record("msg_9", headers=signed_headers() | DUPLICATE), "malformed_header"),
            (record("msg_9", received_at=NOW + 301), "timestamp_too_old"),
            (record("msg_9", received_at=NOW - 301), "timestamp_too_new"),
            (record("msg_9", headers=signed_headers() | {"svix-timestamp": "soon"}), "malformed_header"),
            (record("msg_9", FORGED, headers=signed_headers(BODY), valid=True, code=None), "signature_mismatch"),
        ],
        ids=["unsigned", "changed", "other secret", "duplicate", "stale", "early", "no time", "a lie in the file"],
    )
    def test_one_is_skipped_and_the_others_are_signed(self, app, capture, secret, capsys, stored, code, option):
        file = capture(record("msg_1"), stored, record("msg_2", received_at=NOW + 300))
        assert main(["replay", file, "--to", app.url, option]) == 0
        assert [request.body for request in app.received] == [BODY, BODY]
        if option == "--resign":
            assert ids(app) == ["msg_1", "msg_2"]
        printed = capsys.readouterr()
        reason = (
            "it has no message id"
            if code == "missing_header" and option == "--resign"
            else f"it was not valid when it arrived: {code}"
        )
        assert printed.err.startswith(f"line 2 is skipped: {reason}")
        assert "2 of 2 got a 2xx response" in printed.out

    def test_nothing_but_forgeries_exits_1(self, app, capture, secret, capsys):
        file = capture(record("msg_1", FORGED, headers=signed_headers(BODY)))
        assert main(["replay", file, "--to", app.url, "--resign"]) == 1
        assert capsys.readouterr().err.endswith("nothing was sent\n")
        assert app.received == []

    def test_a_single_capture_is_the_delivery(self, app, tmp_path, secret, capsys):
        (tmp_path / "request").write_bytes(b"POST / HTTP/1.1\r\nsvix-id: msg_1\r\n\r\n{}")
        assert main(["replay", str(tmp_path / "request"), "--to", app.url, "--resign"]) == 1
        assert capsys.readouterr().err.startswith(
            "the delivery is skipped: it was not valid when it arrived: missing_header\n"
        )

    def test_a_valid_delivery_without_an_arrival_is_judged_as_of_its_own_time(self, app, tmp_path, secret):
        head = "".join(f"{name}: {value}\r\n" for name, value in signed_headers().items())
        (tmp_path / "request").write_bytes(f"POST / HTTP/1.1\r\n{head}\r\n".encode() + BODY)
        assert main(["replay", str(tmp_path / "request"), "--to", app.url, "--resign"]) == 0
        Webhook(SECRET).verify(app.received[0].headers, app.received[0].body)

    def test_the_message_names_the_second_secret(self, app, capture, secret, capsys):
        file = capture(record("", headers=signed_headers(secret=OTHER_SECRET)))
        assert main(["replay", file, "--to", app.url, "--resign"]) == 1
        assert "signed with another secret of yours, pass that too" in capsys.readouterr().err

    @pytest.mark.parametrize("more", [[], ["--resign"], ["--new-id"]])
    def test_a_flag_that_names_the_danger_signs_them_too(self, app, capture, secret, more):
        file = capture(record("msg_1", FORGED, headers=signed_headers(BODY, message_id="msg_1")))
        assert main(["replay", file, "--to", app.url, "--resign-forged", *more]) == 0
        (request,) = app.received
        assert Webhook(SECRET).verify(request.headers, request.body).type == "user.updated"
        assert (ids(app) == ["msg_1"]) == ("--new-id" not in more)

    @pytest.mark.parametrize("headers", [{}, {"svix-id": "a.b"}], ids=["none", "unusable"])
    @pytest.mark.parametrize("option", ["--resign", "--resign-forged"])
    def test_one_without_an_id_blocks_no_other(self, app, capture, secret, capsys, headers, option):
        file = capture(record("msg_1"), record("", headers=headers))
        assert main(["replay", file, "--to", app.url, option]) == 0
        expected = "line 2 is skipped: it has no message id to sign: --new-id gives it one\n"
        assert capsys.readouterr().err == expected
        assert ids(app) == ["msg_1"]

    @pytest.mark.parametrize(
        "line", ["7", "{truncated", '{"headers":{},"body_b64":"?"}', '{"headers":{"a b":""},"body_b64":""}']
    )
    def test_a_line_that_cannot_be_read_blocks_no_other(self, app, tmp_path, secret, capsys, line):
        good = json.dumps(record("msg_1"))
        (tmp_path / "capture").write_text(f"{good}\n{line}\n{good}\n")
        for option in [], ["--resign"]:
            assert main(["replay", str(tmp_path / "capture"), "--to", app.url, *option]) == 0
            assert capsys.readouterr().err.startswith("line 2 ")
        assert ids(app) == ["msg_1"] * 4

    def test_what_listen_rejected_is_not_signed(self, app, tmp_path, monkeypatch, secret, capsys):
        file = tmp_path / "capture.ndjson"
        with Listener(monkeypatch, "--save", str(file)) as listener:
            now = int(time())
            listener.post(signed_headers(BODY, timestamp=now, message_id="msg_1"), BODY)
            listener.post(signed_headers(BODY, timestamp=now, message_id="msg_2"), FORGED)
            listener.post({"svix-id": "msg_3"}, FORGED)
            listener.post(signed_headers(BODY, timestamp=now - 301, message_id="msg_4"), BODY)
        monkeypatch.undo()
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert main(["replay", str(file), "--to", app.url, "--resign"]) == 0
        assert ids(app) == ["msg_1"]
        assert [json.loads(line)["valid"] for line in file.read_bytes().splitlines()] == [True, False, False, False]


class TestOrder:
    def stamped(self, message_id, timestamp, family="svix", **fields):
        return record("", headers=signed_headers(message_id=message_id, timestamp=timestamp, family=family), **fields)

    def test_replays_the_oldest_first_by_arrival(self, app, capture):
        records = [
            self.stamped("msg_3", 1, received_at=30.5),
            self.stamped("msg_1", 2, received_at=10),
            self.stamped("msg_2", 3, received_at=20.0),
        ]
        assert main(["replay", capture(*records), "--to", app.url]) == 0
        assert ids(app) == ["msg_1", "msg_2", "msg_3"]

    @pytest.mark.parametrize("unknown", [None, "10", float("nan"), 10**400])
    def test_by_the_signed_timestamp_if_an_arrival_is_unknown(self, app, capture, unknown):
        records = [
            self.stamped("msg_2", 1000, received_at=1.0),
            self.stamped("msg_1", 999, received_at=unknown),
            self.stamped("msg_3", 1000),
        ]
        assert main(["replay", capture(*records), "--to", app.url]) == 0
        assert ids(app) == ["msg_1", "msg_2", "msg_3"]

    @pytest.mark.parametrize("timestamp", ["soon", "", "9" * 5000])
    def test_keeps_the_order_if_neither_is_known(self, app, capture, timestamp):
        records = [self.stamped("msg_2", 2000), self.stamped("msg_1", 1000), self.stamped("msg_3", timestamp)]
        assert main(["replay", capture(*records), "--to", app.url]) == 0
        assert ids(app) == ["msg_2", "msg_1", "msg_3"]

    def test_webhook_headers_have_a_timestamp_as_well(self, app, capture):
        records = [self.stamped("msg_2", 1000), self.stamped("msg_1", 999, "webhook")]
        assert main(["replay", capture(*records), "--to", app.url]) == 0
        assert app.received[0].values("webhook-id") == ["msg_1"]


class TestOnly:
    def test_uses_the_type_in_the_payload(self, app, capture):
        records = [record("msg_1", event_type="user.deleted"), record("msg_2", DELETED), record("msg_3", b"?")]
        assert main(["replay", capture(*records), "--to", app.url, "--only", "user.deleted"]) == 0
        assert ids(app) == ["msg_2"]

    def test_an_absent_type_is_reported_with_the_existing_ones(self, app, capture, capsys):
        file = capture(record("msg_1"), record("msg_2", DELETED), record("msg_3", b"?"))
        assert main(["replay", file, "--to", app.url, "--only", "session.created"]) == 2
        expected = "--only: no delivery matches; the file has user.created, user.deleted\n"
        assert capsys.readouterr().err.endswith(expected)

    def test_the_error_does_not_repeat_the_argument(self, app, capture, capsys):
        assert main(["replay", capture(record("msg_1")), "--to", app.url, "--only", SECRET]) == 2
        assert SECRET not in capsys.readouterr().err

    def test_a_capture_without_any_event_is_reported(self, app, capture, capsys):
        assert main(["replay", capture(record("msg_1", b"?")), "--to", app.url, "--only", "user.created"]) == 2
        assert "the file has none" in capsys.readouterr().err
        assert app.received == []


class TestChoice:
    """Four deliveries: lines 1, 3, 4 and 5."""

    @pytest.fixture
    def file(self, capture):
        updated = record("msg_3", b'{"type":"user.updated","data":{}}')
        return capture(record("msg_1"), {"type": "ready"}, record("msg_2", DELETED), updated, record("msg_1", DELETED))

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--only", "user.*"], "1 2 3 1"),
            (["--only", "user.deleted"], "2 1"),
            (["--type", "user.deleted", "--only", "*.updated"], "2 3 1"),
            (["--only", "user.[cu]*"], "1 3"),
            (["--id", "msg_2"], "2"),
            (["--id", "msg_2", "--id", "msg_1"], "1 2 1"),
            (["--line", "3"], "2"),
            (["--line", "5", "--line", "1"], "1 1"),
            (["--id", "msg_1", "--only", "user.deleted"], "1"),
            (["--id", "msg_1", "--line", "5"], "1"),
        ],
        ids=" ".join,
    )
    def test_chooses_by_type_id_and_line(self, app, file, options, expected):
        assert main(["replay", file, "--to", app.url, *options]) == 0
        assert ids(app) == [f"msg_{number}" for number in expected.split()]

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--only", "user.*", "--only", "sms.*"], "--only: no delivery matches; the file has user.created, u"),
            (["--id", "msg_1", "--id", "msg_\x1b"], "--id: no delivery matches; the file has msg_1, msg_2, msg_3"),
            (["--id", SECRET], "signing secret in arguments"),
            (["--line", "1", "--line", "2"], "--line: no delivery matches; the file has 1, 3, 4, 5"),
            (["--line", "0"], "--line: no delivery matches; the file has 1, 3, 4, 5"),
            (["--line", "x"], "argument --line: invalid int value: 'x'"),
            (["--line", "1", "--only", "user.deleted"], "no delivery matches all of --only, --id and --line"),
        ],
    )
    def test_a_choice_that_finds_nothing_is_reported(self, app, file, capsys, options, expected):
        assert main(["replay", file, "--to", app.url, *options]) == 2
        printed = capsys.readouterr().err
        assert expected in printed
        assert SECRET not in printed
        assert app.received == []

    def test_the_requests_of_an_export_are_numbered(self, app, tmp_path):
        requests = [{"content": "{}", "headers": {name: [value]}} for name, value in (("a", "1"), ("svix-id", "2"))]
        (tmp_path / "export").write_text(json.dumps({"data": [*requests, requests[1]]}))
        assert main(["replay", str(tmp_path / "export"), "--to", app.url, "--line", "3"]) == 0
        assert ids(app) == ["2"]


class TestSummary:
    def answers(self, *statuses):
        remaining = list(statuses)
        return serving(lambda request: answer(remaining.pop(0), b"no \x1b[2J\nmore"))

    def test_replay_prints_a_table_of_types_and_responses(self, capture, capsys):
        file = capture(record("msg_1"), record("msg_2", DELETED), record("msg_3"), record("msg_4", b"?"))
        with self.answers(200, 204, 201, 200) as endpoint:
            assert main(["replay", file, "--to", endpoint.url]) == 0
        head, *rows, verdict, note = capsys.readouterr().out.splitlines()
        assert head.split() == ["event", "type", "sent", "median", "responses"]
        assert [row.split(maxsplit=4)[:2] + row.split(maxsplit=4)[3:] for row in rows] == [
            ["user.created", "2", "ms", "1 x 200, 1 x 201"],
            ["user.deleted", "1", "ms", "1 x 204"],
            ["-", "1", "ms", "1 x 200"],
        ]
        assert verdict == "4 of 4 got a 2xx response"
        assert note.startswith("the ids are the stored ones: ")

    @pytest.mark.parametrize("status", [199, 302, 400, 500])
    def test_a_response_other_than_2xx_is_listed_and_exits_1(self, capture, capsys, status):
        with self.answers(200, status, 200) as endpoint:
            file = capture(record("msg_1"), record("msg_2"), record("msg_3"))
            assert main(["replay", file, "--to", endpoint.url]) == 1
        assert len(endpoint.received) == 3  # the others are sent all the same
        lines = capsys.readouterr().out.splitlines()
        answered = f"{status}" if status == 199 else rf"{status} no \x1b[2J"  # a 1xx response has no body
        assert lines[0] == f"line 2: user.created, msg_2: {answered}"
        assert lines[-3] == "2 of 3 got a 2xx response"
        assert lines[-1].startswith("the signatures are the stored ones: an endpoint rejects them")

    def test_a_single_capture_has_no_line_number(self, tmp_path, capsys):
        (tmp_path / "raw.http").write_bytes(b"POST /hook HTTP/1.1\r\n\r\n" + BODY)
        with serving(lambda request: answer(400)) as endpoint:
            assert main(["replay", str(tmp_path / "raw.http"), "--to", endpoint.url]) == 1
        assert capsys.readouterr().out.startswith("user.created, -: 400\n")

    def test_warns_of_duplicates_unless_ids_are_new(self, app, capture, capsys, secret):
        file = capture(record("msg_1"))
        assert main(["replay", file, "--to", app.url, "--resign"]) == 0
        assert "as duplicates; --new-id gives fresh ones" in capsys.readouterr().out
        assert main(["replay", file, "--to", app.url, "--new-id"]) == 0
        assert "duplicates" not in capsys.readouterr().out

    def test_does_not_blame_new_signatures(self, capture, capsys, secret):
        with self.answers(400) as endpoint:
            assert main(["replay", capture(record("msg_1")), "--to", endpoint.url, "--resign"]) == 1
        assert "--resign" not in capsys.readouterr().out

    def test_json_is_one_object_per_delivery(self, capture, capsys, secret):
        with self.answers(200, 500) as endpoint:
            file = capture(record("msg_1"), record("msg_2", DELETED))
            assert main(["replay", file, "--to", endpoint.url, "--json"]) == 1
            first, second = map(json.loads, capsys.readouterr().out.splitlines())
        assert first.pop("seconds") < 10
        assert first == {"place": "line 1", "type": "user.created", "message_id": "msg_1", "status": 200}
        assert (second["type"], second["status"]) == ("user.deleted", 500)

    def test_json_contains_the_id_that_was_sent(self, app, capture, capsys, secret):
        assert main(["replay", capture(record("msg_1")), "--to", app.url, "--json", "--new-id"]) == 0
        assert json.loads(capsys.readouterr().out)["message_id"] == ids(app)[0] != "msg_1"

    def test_progress_is_printed_on_a_terminal_only(self, app, capture, capsys, monkeypatch):
        file = capture(record("msg_1"), record("msg_2", b'{"type":"\xc2\x9b' + b"x" * 100 + b'","data":{}}'))
        assert main(["replay", file, "--to", app.url]) == 0
        assert capsys.readouterr().err == ""
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        assert main(["replay", file, "--to", app.url]) == 0
        clear = "\r\x1b[K"
        assert capsys.readouterr().err.split(clear) == [
            "", "1 of 2: user.created", r"2 of 2: \x9b" + "x" * 58, "",
        ]  # fmt: skip
        assert main(["replay", file, "--to", app.url, "--json"]) == 0
        assert capsys.readouterr().err == clear


class TestNoAnswer:
    def test_an_unreachable_url_is_exit_1_and_the_reason(self, capture, capsys):
        with serving(lambda request: answer(200)) as endpoint:
            pass  # its port is free again
        assert main(["replay", capture(record("msg_1"), record("msg_2")), "--to", endpoint.url]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("stopped, 2 of 2 without a response: http://127.0.0.1:")
        assert printed.err.endswith("cannot be reached: Connection refused\n")

    def test_the_summary_contains_earlier_responses(self, capture, capsys):
        with serving(lambda request: answer(200) if ids(endpoint) == ["msg_1"] else b"?") as endpoint:
            file = capture(record("msg_1"), record("msg_2"), record("msg_3"))
            assert main(["replay", file, "--to", endpoint.url]) == 1
        printed = capsys.readouterr()
        assert "1 of 1 got a 2xx response" in printed.out
        assert printed.err.startswith("stopped, 2 of 3 without a response: ")
        assert ids(endpoint) == ["msg_1", "msg_2"]


class TestUsage:
    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"", "this is not a stored delivery"),
            (b"hello", "this is not a stored delivery"),
            (b'{"type":"ready"}\n', "this is not a stored delivery: it should be NDJSON"),
            (b'{"type"\n{"type":"ready"}\n', "line 1 is not a JSON object"),
            (b'{"headers":{},"body_b64":"?"}\n', "line 1 has a body_b64 that is not base64"),
        ],
    )
    def test_an_unusable_capture_is_reported_in_a_line(self, app, tmp_path, capsys, content, expected):
        (tmp_path / "capture").write_bytes(content)
        assert main(["replay", str(tmp_path / "capture"), "--to", app.url]) == 2
        printed = capsys.readouterr()
        assert expected in printed.err
        assert (printed.out, printed.err.count("\n"), app.received) == ("", 1, [])

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["/no/such/file", "--to", "http://localhost/"], "FILE cannot be read: '/no/such/file': No such file"),
            (["file", "--to", "localhost"], "the URL should be http://"),
            (["file"], "pass the URL of the endpoint once"),
            (["-", "--to", "http://localhost/", "--resign", "--secret-file", "-"], "only one input can be -"),
        ],
    )
    def test_invalid_arguments_are_reported_in_a_line(self, capsys, arguments, expected):
        assert main(["replay", *arguments]) == 2
        printed = capsys.readouterr()
        assert expected in printed.err
        assert (printed.out, printed.err.count("\n"), SECRET in printed.err) == ("", 1, False)

    def test_a_truncated_last_line_is_skipped_with_a_warning(self, app, tmp_path, capsys):
        (tmp_path / "capture").write_text(json.dumps(record("msg_1")) + '\n{"type": "ev')
        assert main(["replay", str(tmp_path / "capture"), "--to", app.url]) == 0
        assert capsys.readouterr().err.startswith("line 2 is truncated")
        assert ids(app) == ["msg_1"]

    def test_help_of_replay_has_examples(self, capsys):
        with pytest.raises(SystemExit) as caught:
            main(["replay", "--help"])
        assert caught.value.code == 0
        assert "clerk-webhook-verify replay capture.ndjson --to" in capsys.readouterr().out


def test_what_listen_stored_of_svix_is_accepted_again_by_listen(tmp_path, monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    file, now = tmp_path / "capture.ndjson", datetime.now(timezone.utc)
    stamp = str(int(now.timestamp()))
    with Listener(monkeypatch, "--save", str(file)) as listener:
        for message_id, body in [("msg_1", BODY), ("msg_2", DELETED)]:
            signature = Svix(SECRET).sign(message_id, now, body.decode())
            listener.post({"Svix-Id": message_id, "Svix-Timestamp": stamp, "Svix-Signature": signature}, body)
    with Listener(monkeypatch, "--json") as listener:
        url = f"http://127.0.0.1:{listener.port}{listener.path}"
        command = [sys.executable, "-m", "clerk_webhook_verify", "replay", str(file), "--to", url]
        for options in [], ["--resign"], ["--new-id"]:
            done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
            assert "2 of 2 got a 2xx response" in done.stdout
            assert SECRET not in done.stdout
        lines = [json.loads(listener.stdout.next()) for _ in range(6)]
    assert [each["valid"] for each in lines] == [True] * 6
    assert [each["message_id"] for each in lines[:4]] == ["msg_1", "msg_2"] * 2
    assert len({each["message_id"] for each in lines}) == 4
