"""`listen` verifies, prints, stores and forwards every delivery."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timezone
from time import monotonic, time
from unittest.mock import Mock

import pytest
from helpers.endpoint import answer, serving
from helpers.listener import PATH, Listener, all_of
from helpers.marks import needs_posix
from helpers.ports import free_port, wait_until_open
from helpers.signer import BODY, MESSAGE_ID, OTHER_SECRET, SECRET, signed_headers
from svix.webhooks import Webhook as Svix

from clerk_webhook_verify import Webhook
from clerk_webhook_verify._receiver import REJECTION
from clerk_webhook_verify.cli import listen as listen_module, main
from clerk_webhook_verify.cli._http import Target
from clerk_webhook_verify.cli._server import DeadlineReader, Receiver, RequestHandler
from clerk_webhook_verify.events import EVENT_TYPES

MAX_BODY = 8_388_608
REFUSED = json.dumps(REJECTION, separators=(",", ":")).encode()
FLAT = {"Connection": "keep-alive, X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=5", "TE": "trailers", "Upgrade": "h2c"}


def svix_headers(body: bytes = BODY, message_id: str = MESSAGE_ID) -> dict[str, str]:
    """As Svix itself signs."""
    now = datetime.now(timezone.utc)
    return {
        "svix-id": message_id,
        "svix-timestamp": str(int(now.timestamp())),
        "svix-signature": Svix(SECRET).sign(message_id, now, body.decode()),
    }


def signed(body: bytes = BODY, **changes) -> dict[str, str]:
    return signed_headers(body, **{"timestamp": int(time()), **changes})


def head(*lines: str, headers=None) -> bytes:
    pairs = [f"{name}: {value}" for name, value in (signed() if headers is None else headers).items()]
    return "\r\n".join([f"POST {PATH} HTTP/1.1", *pairs, *lines, "", ""]).encode("latin-1")


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + end


def records(file) -> list[dict]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def status_of(answered: bytes) -> int:
    return int(answered.split(b" ", 2)[1])


@pytest.fixture
def listen(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    return lambda *options: Listener(monkeypatch, *options)


@pytest.fixture
def app():
    with serving(lambda request: answer(200, b"thank you", "X-App: yes")) as endpoint:
        yield endpoint


class TestVerdict:
    def test_a_valid_delivery_gets_204_and_a_line(self, listen):
        with listen() as listener:
            status, headers, content = listener.post(svix_headers(), BODY)
            assert (status, content, headers["content-length"]) == (204, b"", None)
            assert re.fullmatch(rf"\d\d:\d\d:\d\d  user\.created +{MESSAGE_ID} +valid", listener.stdout.next())

    @pytest.mark.parametrize(
        ("headers", "body", "code"),
        [
            (lambda: signed(secret=OTHER_SECRET), BODY, "signature_mismatch"),
            (lambda: signed(timestamp=int(time()) - 3600), BODY, "timestamp_too_old"),
            (lambda: signed(timestamp=int(time()) + 3600), BODY, "timestamp_too_new"),
            (lambda: signed(BODY), BODY + b"\n", "signature_mismatch"),
            (lambda: signed(b"{}"), b"{}", "invalid_payload"),
        ],
    )
    def test_a_rejected_delivery_gets_400_and_its_line_ends_with_the_cause(self, listen, headers, body, code):
        with listen() as listener:
            status, answered, content = listener.post(headers(), body)
            assert (status, content, answered["content-type"]) == (400, REFUSED, "application/json")
            line = listener.stdout.next()
            assert re.search(f"{MESSAGE_ID} +rejected: {code}: ", line)
            assert ("user.created" in line) == code.startswith("timestamp")
            assert ("; tried secret 525c69e90fec" in line) == (code == "signature_mismatch")

    @pytest.mark.parametrize("headers", [lambda: signed(secret=OTHER_SECRET), dict], ids=["forged", "unsigned"])
    def test_no_json_of_a_delivery_without_a_valid_signature_is_parsed(self, listen, monkeypatch, tmp_path, headers):
        def parse(*arguments, **options):
            raise AssertionError("parsed")

        options = ("--save", str(tmp_path / "capture"), "--json")
        with listen(*options) as listener, monkeypatch.context() as patched:
            patched.setattr("json.loads", parse)
            patched.setattr("clerk_webhook_verify.cli.captures._request.parse_payload", parse)
            patched.setattr("clerk_webhook_verify.events._base.parse_payload", parse)
            assert listener.post(headers(), BODY)[0] == 400
        assert json.loads(listener.stdout.next())["type"] == ""
        assert records(tmp_path / "capture")[0]["event_type"] == ""

    def test_a_missing_type_or_id_is_a_dash(self, listen):
        with listen() as listener:
            listener.post({}, b"")
            assert re.match(r"[\d:]+  - +-  +rejected: missing_header: ", listener.stdout.next())

    def test_what_comes_from_outside_cannot_act_on_the_terminal_or_fill_it(self, listen):
        with listen() as listener:
            body = json.dumps({"type": "\x1b[2J" + "x" * 1000, "data": {}}).encode()
            listener.post(signed(body), body)
            line = listener.stdout.next()
            listener.post({"svix-id": "m\x9b" + "y" * 1000}, body)
            rejected = listener.stdout.next()
        assert line.isprintable()
        assert rejected.isprintable()
        assert r"\x1b[2J" in line
        assert r"m\x9b" in rejected
        assert "x" * 101 not in line
        assert "y" * 101 not in rejected

    def test_the_columns_have_room_for_every_type_and_id(self, listen):
        bodies = [json.dumps({"type": each, "data": {}}).encode() for each in EVENT_TYPES]
        with listen() as listener:
            lines = []
            for body in bodies:
                listener.post(signed(body, message_id="msg_" + "f" * 32), body)
                lines.append(listener.stdout.next())
            listener.post({}, b"")
            lines.append(listener.stdout.next())
        assert len({min(line.find("valid") % 999, line.find("rejected") % 999) for line in lines}) == 1

    def test_a_terminal_of_any_width_keeps_the_columns(self, listen, monkeypatch):
        monkeypatch.setenv("COLUMNS", "60")
        with listen() as listener:
            listener.stdout.isatty = lambda: True
            listener.post(signed(timestamp=1), BODY)
            lines = [listener.stdout.next() for _ in range(4)]
        assert re.match(r"\d\d:\d\d:\d\d  user\.created", lines[0])
        assert all(line.startswith(" " * 10) for line in lines[1:])
        assert all(len(line) <= 60 for line in lines)

    def test_the_query_of_an_endpoint_does_not_matter(self, listen):
        with listen("--path", "/in") as listener:
            assert listener.post(signed(), BODY, "/in?tenant=acme")[0] == 204

    def test_json_is_one_object_per_delivery(self, listen, app):
        before = time()
        with listen("--json", "--forward-to", app.url) as listener:
            listener.post(signed(), BODY)
            facts = json.loads(listener.stdout.next())
            assert before <= facts.pop("received_at") <= time()
            assert facts == {
                "type": "user.created", "message_id": MESSAGE_ID, "valid": True, "code": None, "message": None,
                "status": 200, "forwarded": True, "unreachable": None,
            }  # fmt: skip
            listener.post(signed(secret=OTHER_SECRET), BODY)
            facts = json.loads(listener.stdout.next())
            assert facts["type"] == ""
            assert (facts["valid"], facts["code"], facts["status"], facts["forwarded"]) == (
                False,
                "signature_mismatch",
                400,
                False,
            )
            assert "none of 1 v1 signature(s)" in facts["message"]

    def test_each_of_many_at_once_has_its_line_and_its_record(self, listen, tmp_path):
        file = tmp_path / "capture.ndjson"
        ids = [f"msg_{number}" for number in range(40)]
        with listen("--save", str(file)) as listener, ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda each: listener.post(signed(message_id=each), BODY)[0], ids)
            assert set(answers) == {204}
            assert sorted(listener.stdout.next().split()[2] for _ in ids) == sorted(ids)
        assert sorted(record["svix_id"] for record in records(file)) == sorted(ids)


class TestWebPages:
    @pytest.mark.parametrize("origin", ["https://example.com", "null", "http://localhost:3000", ""])
    @pytest.mark.parametrize("headers", [lambda: signed(), dict], ids=["signed", "unsigned"])
    def test_a_request_with_an_origin_is_rejected_unread(self, listen, app, tmp_path, origin, headers):
        file = tmp_path / "capture.ndjson"
        with listen("--forward-to", app.url, "--forward-unverified", "--save", str(file)) as listener:
            listener.stderr.next()
            content = head(f"Origin: {origin}", "Content-Length: 9999999", headers=headers())
            assert status_of(listener.raw(content, leave=True)) == 403
            assert "it has an Origin header, so a web page sent it" in listener.stderr.next()
            assert listener.stdout.is_empty()
            assert status_of(listener.raw(head(f"ORIGIN: {origin}", "Content-Length: 0", headers=headers()))) == 403
        assert (app.received, file.read_bytes()) == ([], b"")

    def test_a_preflight_request_is_rejected_without_permission(self, listen):
        with listen() as listener:
            status, headers, _ = listener.post({"Origin": "https://example.com"}, b"", method="OPTIONS")
            assert status == 405
            assert not any(name.lower().startswith("access-control") for name in headers)

    def test_the_host_of_a_tunnel_does_not_matter(self, listen):
        with listen() as listener:
            content = head("Host: abc.tunnel.example", f"Content-Length: {len(BODY)}") + BODY
            assert status_of(listener.raw(content)) == 204


@pytest.fixture
def names(monkeypatch):
    """Every name and spelling leads to this machine."""
    real = socket.getaddrinfo

    def resolve(host, *arguments, **options):
        return real("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


class TestLoops:
    @pytest.mark.parametrize(
        "host", ["localhost", "127.0.0.1", "127.1", "0.0.0.0", "2130706433", "app.example", "0x7f.1"]
    )
    @pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0"])
    def test_its_own_port_is_recognized_in_any_spelling(self, capsys, monkeypatch, names, host, bound):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        port = str(free_port())
        assert main(["listen", "--port", port, "--host", bound, "--forward-to", f"http://{host}:{port}/"]) == 2
        assert "--forward-to leads to listen itself: pass another --port" in capsys.readouterr().err

    def test_its_own_port_is_recognized_by_the_name_of_the_machine(self):
        """In a process that may look up names."""
        port = str(free_port())
        for host in ("127.1", "[::ffff:127.0.0.1]", socket.gethostname()):
            command = [sys.executable, "-m", "clerk_webhook_verify", "listen", "--port", port, "--host", "0.0.0.0"]
            command += ["--secret", SECRET, "--forward-to", f"http://{host}:{port}/"]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
            assert (done.returncode, done.stdout) == (2, "")
            assert "--forward-to leads to listen itself" in done.stderr

    def test_a_delivery_before_the_check_gets_a_response(self, monkeypatch):
        receiver = Receiver(Webhook(SECRET), "127.0.0.1", 0, PATH)
        with receiver, socket.create_connection(("127.0.0.1", receiver.server_port), 10) as early:
            early.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert receiver.is_reached_by(Target(f"http://127.0.0.1:{receiver.server_port}/"))
            assert status_of(all_of(early)) == 404

    def test_a_loop_ends_after_one_round(self, listen, monkeypatch):
        """From the first through an app that forwards to it: 508 comes back."""
        received = []

        def forward(request):
            received.append(request)
            headers = {name: value for name, value in request.headers if name != "Host"}
            return listener.raw(head(headers=headers) + request.body)

        with serving(forward) as proxy, listen("--forward-to", proxy.url) as listener:
            listener.stderr.next()
            assert listener.post(signed(), BODY)[0] == 508
            assert listener.stderr.next() == (
                f"POST {PATH}: responded 508: listen sent it: --forward-to leads back here"
            )
        assert len(received) == 1

    def test_two_that_forward_to_each_other_end_after_one_round(self, listen, tmp_path):
        port = free_port()
        with listen("--forward-to", f"http://127.0.0.1:{port}{PATH}") as first:
            command = [sys.executable, "-m", "clerk_webhook_verify", "listen", "--port", str(port), "--secret", SECRET]
            command += ["--forward-to", f"http://127.0.0.1:{first.port}{PATH}"]
            with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as second:
                try:
                    wait_until_open(port, second, tmp_path / "log")
                    assert first.post(signed(), BODY)[0] == 508
                    assert "the app returned 508" in first.stdout.next()
                finally:
                    second.kill()


class TestLimits:
    def test_only_so_many_requests_are_handled_at_once(self, listen, monkeypatch):
        monkeypatch.setattr(Receiver, "max_connections", 3)
        before = threading.active_count()
        with listen() as listener, contextlib.ExitStack() as opened:
            silent = [opened.enter_context(listener.connect(b"POST")) for _ in range(20)]
            with listener.connect(head(f"Content-Length: {len(BODY)}") + BODY) as delivery:
                time_out = monotonic() + 0.3
                while monotonic() < time_out:
                    assert threading.active_count() <= before + 1 + 3
                for each in silent:
                    each.close()
                assert status_of(all_of(delivery)) == 204

    @pytest.mark.parametrize(
        ("start", "drip"),
        [
            (b"POST", b"x"),
            (f"POST {PATH} HTTP/1.1\r\n".encode(), b"a: b\r\n"),
            (f"POST {PATH} HTTP/1.1\r\nContent-Length: 100000\r\n\r\n".encode(), b"x"),
            (f"POST {PATH} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode(), b"1\r\nx\r\n"),
        ],
        ids=["request line", "headers", "body", "chunks"],
    )
    @pytest.mark.slow
    def test_a_client_that_drips_is_cut_off(self, listen, monkeypatch, start, drip):
        monkeypatch.setattr(RequestHandler, "time_limit", 0.5)
        began = monotonic()
        with listen() as listener, listener.connect(start) as connection:
            with contextlib.suppress(OSError):
                while monotonic() < began + 5 and not select.select([connection], [], [], 0.05)[0]:
                    connection.sendall(drip)
            assert monotonic() < began + 4
            if b"\r\n\r\n" in start:
                assert status_of(connection.recv(1000)) == 408
                assert "body_timeout: body did not arrive within 0.5 s" in listener.stdout.next()

    def test_it_ends_while_requests_wait_for_a_place(self, listen, monkeypatch):
        monkeypatch.setattr(Receiver, "max_connections", 1)
        with listen() as listener, ThreadPoolExecutor(8) as pool:
            listener.stdout.closed_by_reader = True
            answers = [pool.submit(listener.post, signed(), BODY) for _ in range(8)]
            statuses = []
            for each in answers:
                with suppress(OSError):  # the server has ended
                    statuses.append(each.result(10)[0])
            assert statuses
            assert set(statuses) == {204}

    def test_a_request_without_a_thread_does_not_count_against_the_limit(self, listen, monkeypatch):
        monkeypatch.setattr(Receiver, "max_connections", 1)
        with listen() as listener:
            with monkeypatch.context() as patched:
                patched.setattr(threading.Thread, "start", Mock(side_effect=RuntimeError("can't start new thread")))
                with suppress(OSError):  # a reset, if the server closes before it has read the request
                    assert listener.raw(head("Content-Length: 0"), leave=True) == b""
                assert "can't start new thread" in listener.stderr.next()
            assert listener.post(signed(), BODY)[0] == 204

    def test_nothing_is_read_after_the_deadline(self):
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
            reader = DeadlineReader(client, seconds_per_wait=10, seconds=0)
            with pytest.raises(TimeoutError):
                reader.readinto(bytearray(1))

    def test_the_limits_are_32_requests_and_30_seconds(self):
        assert Receiver.max_connections == 32
        assert RequestHandler.time_limit == 30


class TestOtherRequests:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_other_methods_are_405(self, listen, method):
        with listen() as listener:
            status, headers, content = listener.post({}, b"", method=method)
            assert (status, headers["allow"], content) == (405, "POST", b"")
            assert listener.stderr.next() == f"{method} {PATH}: responded 405: deliveries go to POST {PATH}"
            assert listener.post({}, b"", "/other", method)[0] == 404

    def test_other_paths_are_404_and_reported(self, listen):
        with listen() as listener:
            assert listener.post(signed(), BODY, "/webhooks")[0] == 404
            assert listener.stderr.next() == f"POST /webhooks: responded 404: deliveries go to POST {PATH}"
            assert listener.stdout.is_empty()

    def test_a_request_that_is_not_http_is_reported_in_a_line(self, listen):
        with listen() as listener:
            assert b"400" in listener.raw(b"\x16\x03\x01 garbage here\r\n\r\n")
            assert "code 400" in (line := listener.stderr.next())
            assert line.isprintable()
            assert listener.stderr.is_empty()


class TestForward:
    def test_the_app_gets_the_exact_bytes_and_headers(self, listen, app):
        body = b' {"type" : "user.created",\r\n"data":{"name":"\xc3\xa9"}}\n'
        headers = {name.title(): value for name, value in svix_headers(body).items()}
        content = head(
            *("X-Two: 1", "x-two: 2", "X-Latin: caf\xe9", "Cookie: a=b", "Authorization: Basic eA=="),
            *(f"{name}: {value}" for name, value in FLAT.items()),
            *("Host: tunnel.example", "Expect: 200-ok", f"Content-Length: {len(body)}"),
            headers=headers,
        )
        with listen("--forward-to", app.url) as listener:
            assert status_of(listener.raw(content + body)) == 200
            assert re.search(r"valid; the app returned 200 in \d\.\d{3} s$", listener.stdout.next())
        (request,) = app.received
        assert request.body == body
        assert request.headers == [
            ("Host", f"127.0.0.1:{app.server_port}"),
            ("Content-Length", str(len(body))),
            *headers.items(),
            *(("X-Two", "1"), ("x-two", "2"), ("X-Latin", "caf\xe9")),
            *(("Cookie", "a=b"), ("Authorization", "Basic eA==")),
            ("clerk-webhook-verify-listen", "1"),
        ]

    def test_the_target_and_the_fingerprints_are_shown_at_the_start(self, listen, app):
        with listen("--to", app.url, "--secret", SECRET, "--secret", OTHER_SECRET) as listener:
            both = ", ".join(Webhook([SECRET, OTHER_SECRET]).fingerprints)
            assert listener.stderr.next() == f"forwarding to {app.url}; secrets {both}"

    def test_the_sender_gets_the_apps_response(self, listen):
        answered = b"HTTP/1.1 418 Teapot\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
        answered += b"X-Two: 1\r\nX-Two: 2\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"\x00a", b"b")
        with (
            serving(lambda request: answered) as endpoint,
            listen("--forward-to", endpoint.url) as listener,
        ):
            status, headers, content = listener.post(signed(), BODY)
            assert "the app returned 418 in " in listener.stdout.next()
        assert (status, content) == (418, b"\x00ab")
        assert headers.items() == [("X-Two", "1"), ("X-Two", "2"), ("Content-Length", "3"), ("Connection", "close")]

    def test_an_app_on_another_host_may_have_the_same_port(self, listen):
        """Elsewhere is another address of this machine, a name that is not known, and one that cannot be one."""
        with socket.create_server(("127.0.0.2", 0)) as app:
            port = app.getsockname()[1]
            for host in ("127.0.0.2", "app.invalid", "a" * 64):
                with listen("--port", str(port), "--forward-to", f"http://{host}:{port}/") as listener:
                    assert listener.port == port

    def test_a_redirect_is_passed_on_like_any_response(self, listen):
        with (
            serving(lambda request: answer(301, b"", "Location: /elsewhere")) as endpoint,
            listen("--forward-to", endpoint.url) as listener,
        ):
            status, headers, _ = listener.post(signed(), BODY)
        assert (status, headers["location"]) == (301, "/elsewhere")

    @pytest.mark.parametrize(
        "headers", [lambda: signed(secret=OTHER_SECRET), lambda: signed(timestamp=1)], ids=["forged", "stale"]
    )
    def test_rejected_deliveries_are_not_forwarded(self, listen, app, headers):
        with listen("--forward-to", app.url) as listener:
            assert listener.post(headers(), BODY)[0] == 400
            assert "the app" not in listener.stdout.next()
        assert app.received == []

    def test_forward_unverified_forwards_rejected_deliveries(self, listen, app):
        with listen("--forward-to", app.url, "--forward-unverified") as listener:
            assert listener.post(signed(secret=OTHER_SECRET), BODY)[0] == 200
            assert re.search(
                r"rejected: signature_mismatch: .*; the app returned 200 in [\d.]+ s$", listener.stdout.next()
            )
            assert listener.raw(head("Content-Length: 100") + BODY, leave=True)
        assert len(app.received) == 1  # a truncated one is not a delivery

    def test_a_dead_app_is_502_and_the_next_delivery_is_tried(self, listen, app):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
            with listen("--forward-to", url) as listener:
                for _ in range(2):
                    status, _, content = listener.post(signed(), BODY)
                    assert (status, content) == (502, b'{"detail":"the app gave no response"}')
                    assert re.search("valid; http://127.* cannot be reached: .*refused", listener.stdout.next())


class TestBody:
    def test_chunks_are_joined(self, listen, app):
        chunks = chunked(BODY[:5], end=b"") + b"%X;ext=1\r\n%b\r\n" % (len(BODY) - 5, BODY[5:])
        with listen("--forward-to", app.url) as listener:
            content = head("Transfer-Encoding: chunked", "Trailer: X-Late") + chunks + b"0\r\nX-Late: 1\r\n\r\n"
            assert status_of(listener.raw(content)) == 200
        (request,) = app.received
        assert request.body == BODY
        assert request.values("content-length") == [str(len(BODY))]
        assert request.values("transfer-encoding") == request.values("trailer") == request.values("x-late") == []

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (lambda: head("Transfer-Encoding: chunked", f"Content-Length: {len(BODY)}") + chunked(BODY), "header"),
            (lambda: head("Transfer-Encoding: gzip, chunked") + chunked(BODY), "header"),
            (lambda: head(*["Transfer-Encoding: chunked"] * 2) + chunked(BODY), "header"),
            (lambda: head(*[f"Content-Length: {len(BODY)}"] * 2) + BODY, "header"),
            (lambda: head(f"Content-Length: +{len(BODY)}") + BODY, "header"),
            (lambda: head("Content-Length: \xb2") + BODY, "header"),
            (lambda: head(f"Content-Length : {len(BODY)}") + BODY, "header"),
            (lambda: head("X(Two): 1", f"Content-Length: {len(BODY)}") + BODY, "header"),
            (lambda: head('"X": 1', f"Content-Length: {len(BODY)}") + BODY, "header"),
            (lambda: head(f"Content-Length: {len(BODY)}", "X-Folded: a", " b") + BODY, "header"),
            (lambda: head(f"Content-Length: {len(BODY)}", "X-Zero: a\0b") + BODY, "header"),
            (lambda: head("Transfer-Encoding: chunked") + b"0x5\r\nhello\r\n0\r\n\r\n", "header"),
            (lambda: head("Transfer-Encoding: chunked") + b"2\r\nhello\r\n0\r\n\r\n", "header"),
            (lambda: head("Transfer-Encoding: chunked") + b"\r\n" + chunked(BODY), "header"),
            (lambda: head("Transfer-Encoding: chunked") + chunked(BODY)[:-7] + b"XX0\r\n\r\n", "header"),
            (lambda: head("Transfer-Encoding: chunked") + chunked(BODY, end=b""), "incomplete"),
            (lambda: head("Transfer-Encoding: chunked") + b"ff\r\nhello", "incomplete"),
            (lambda: head("Content-Length: 1000") + BODY, "incomplete"),
        ],
    )
    def test_a_body_of_unclear_length_is_rejected(self, listen, app, tmp_path, content, code):
        file = tmp_path / "capture.ndjson"
        with listen("--forward-to", app.url, "--forward-unverified", "--save", str(file)) as listener:
            assert status_of(listener.raw(content(), leave=True)) == 400
            assert {"header": "malformed_header", "incomplete": "body_incomplete"}[code] in listener.stdout.next()
        assert (app.received, file.read_bytes()) == ([], b"")

    @pytest.mark.parametrize(
        "length", [MAX_BODY + 1, 10**14, "9" * 5000], ids=["a byte more", "much", "beyond counting"]
    )
    def test_more_than_8_mb_is_413_before_it_is_read(self, listen, length):
        with listen() as listener:
            answered = listener.raw(head(f"Content-Length: {length}"), leave=True)
            assert status_of(answered) == 413
            assert "body_too_large" in listener.stdout.next()

    def test_a_client_that_sends_too_much_still_gets_the_response(self, listen):
        with listen() as listener:
            assert listener.post(signed(), b" " * (MAX_BODY + 1))[0] == 413
            parts = chunked(b" " * MAX_BODY, b" ")
            assert status_of(listener.raw(head("Transfer-Encoding: chunked") + parts)) == 413

    def test_exactly_8_mb_are_accepted(self, listen):
        body = BODY + b" " * (MAX_BODY - len(BODY))
        with listen() as listener:
            assert listener.post(signed(body), body)[0] == 204
            assert status_of(listener.raw(head("Transfer-Encoding: chunked", headers=signed(body)) + chunked(body)))

    def test_listen_sends_100_continue(self, listen):
        with listen() as listener, listener.connect(head(f"Content-Length: {len(BODY)}", "Expect: 100-continue")) as c:
            assert c.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            c.sendall(BODY)
            assert status_of(all_of(c)) == 204


class TestClientsThatMisbehave:
    def test_a_stalled_client_gets_408_and_blocks_no_other(self, listen, monkeypatch):
        monkeypatch.setattr(RequestHandler, "timeout", 0.5)
        with listen() as listener, listener.connect(head("Content-Length: 100") + b"{") as stalling:
            assert listener.post(signed(), BODY)[0] == 204
            assert "valid" in listener.stdout.next()
            answered = all_of(stalling)
            assert (status_of(answered), answered.endswith(REFUSED)) == (408, True)
            assert "body_timeout" in listener.stdout.next()

    def test_a_silent_client_is_disconnected(self, listen, monkeypatch):
        monkeypatch.setattr(RequestHandler, "timeout", 0.1)
        with listen() as listener, listener.connect(b"POST") as silent:
            assert silent.recv(1000) == b""
            assert "timed out" in listener.stderr.next()

    def test_the_wait_is_ten_seconds(self):
        assert RequestHandler.timeout == 10

    def test_a_disconnect_in_the_body_is_rejected(self, listen):
        with listen() as listener:
            reset(listener.connect(head("Content-Length: 100") + b"{"))
            assert "body_incomplete" in listener.stdout.next()
            assert "a request got no response: " in listener.stderr.next()
            assert listener.post(signed(), BODY)[0] == 204

    def test_a_disconnect_before_the_body_is_reported(self, listen):
        with listen() as listener:
            reset(listener.connect(b"POST"))
            assert re.fullmatch(r"a request got no response: ConnectionResetError\(.*\)", listener.stderr.next())
            assert listener.post(signed(), BODY)[0] == 204


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class TestSave:
    def test_a_record_is_what_clerks_command_prints(self, listen, tmp_path):
        file = tmp_path / "capture.ndjson"
        headers = {"X-Two": "1", "x-two": "2", "Cookie": "a", "AUTHORIZATION": "b", "Proxy-Authorization": "c"}
        signed = svix_headers()
        before = time()
        with listen("--save", str(file)) as listener:
            listener.raw(head(f"Content-Length: {len(BODY)}", headers=headers | signed) + BODY)
        (record,) = records(file)
        assert before <= record.pop("received_at") <= time()
        assert record == {
            "type": "event",
            "valid": True,
            "code": None,
            "svix_id": MESSAGE_ID,
            "event_type": "user.created",
            "headers": {"x-two": ["1", "2"], **signed, "content-length": str(len(BODY))},
            "body_b64": "eyJ0eXBlIjoidXNlci5jcmVhdGVkIiwiZGF0YSI6eyJpZCI6InVzZXJfMSJ9fQ==",
        }

    @needs_posix
    def test_only_the_owner_can_read_a_new_file(self, listen, tmp_path):
        file = tmp_path / "capture.ndjson"
        mask = os.umask(0)
        try:
            with listen("--save", str(file)):
                assert stat.S_IMODE(file.stat().st_mode) == 0o600
        finally:
            os.umask(mask)

    def test_verify_and_diagnose_read_rejected_deliveries_too(self, listen, tmp_path, capsys, monkeypatch):
        file = tmp_path / "capture.ndjson"
        with listen("--save", str(file)) as listener:
            listener.post({name.title(): value for name, value in svix_headers().items()}, BODY)
            listener.post(signed(secret=OTHER_SECRET), BODY)
            duplicate = signed() | {"Svix-Id": "msg_other"}
            listener.raw(head(f"Content-Length: {len(BODY)}", headers=duplicate) + BODY)
        monkeypatch.undo()
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert main(["verify", "--delivery", f"@{file}"]) == 1
        valid_line, forged_line, duplicate_line = capsys.readouterr().out.splitlines()
        assert valid_line.startswith(f"line 1: valid: user.created, message id {MESSAGE_ID}")
        assert forged_line.startswith("line 2: rejected: signature_mismatch")
        assert duplicate_line.startswith("line 3: rejected: malformed_header: header svix-id is duplicated")
        assert main(["diagnose", "--delivery", f"@{file}", "--json"]) == 1
        causes = [json.loads(line)["cause"] for line in capsys.readouterr().out.splitlines()]
        assert causes == [None, "wrong_secret", "duplicate_header"]

    def test_svix_verifies_it_as_clerks_command_does(self, listen, tmp_path):
        file = tmp_path / "capture.ndjson"
        with listen("--save", str(file)) as listener:
            listener.post({name.upper(): value for name, value in svix_headers().items()}, BODY)
        record = records(file)[0]
        Svix(SECRET).verify(BODY, {name: record["headers"][name] for name in svix_headers()})  # or it would raise

    def test_the_verdict_is_stored(self, listen, tmp_path):
        file = tmp_path / "capture.ndjson"
        with listen("--save", str(file)) as listener:
            listener.post(signed(), BODY)
            listener.post(signed(secret=OTHER_SECRET), BODY)
            listener.post(signed(timestamp=1), BODY)
            listener.post({}, BODY)
        assert [(each["valid"], each["code"], each["event_type"]) for each in records(file)] == [
            (True, None, "user.created"),
            (False, "signature_mismatch", ""),
            (False, "timestamp_too_old", "user.created"),
            (False, "missing_header", ""),
        ]

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o755])
    def test_an_existing_file_that_others_can_read_is_made_private(self, listen, tmp_path, mode):
        file = tmp_path / "capture.ndjson"
        file.touch()
        file.chmod(mode)
        with listen("--save", str(file)) as listener:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert listener.stderr.next() == "others could read the --save file: now only you can"

    def test_a_private_file_keeps_its_mode(self, listen, tmp_path):
        file = tmp_path / "capture.ndjson"
        file.touch()
        file.chmod(0o700)
        with listen("--save", f"@{file}") as listener:
            assert stat.S_IMODE(file.stat().st_mode) == 0o700
            assert listener.stderr.is_empty()

    def test_a_file_that_cannot_be_made_private_is_rejected(self, capsys, monkeypatch, tmp_path):
        def not_permitted(*arguments):
            raise PermissionError(1, "Operation not permitted")

        file = tmp_path / "capture.ndjson"
        file.write_text("a note")
        file.chmod(0o644)
        monkeypatch.setattr(os, "fchmod", not_permitted)
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert main(["listen", "--port", "0", "--save", str(file)]) == 2
        assert "others can read" in capsys.readouterr().err
        assert file.read_text() == "a note"

    def test_its_own_truncated_record_is_removed(self, listen, tmp_path):
        file = tmp_path / "capture.ndjson"
        with listen("--save", str(file)) as listener:
            listener.post(signed(), BODY)
            listener.post(signed(secret=OTHER_SECRET), BODY)
        first, second = file.read_bytes().splitlines(keepends=True)
        assert len(second) > 400
        for end in range(140, len(second) - 2, 39):
            file.write_bytes(first + second[:end])
            with listen("--save", str(file)) as listener:
                assert "was truncated" in listener.stderr.next()
            assert file.read_bytes() == first

    @pytest.mark.parametrize(
        "last",
        [
            b'{"type":"ready"}',
            b'{"type":"ready"}\n',
            b"a note",
            b"",
            b"{",
            b'{"type": "event", "hea',
            b'{"body_b64":"\xc3',
            b'{"type":"event","received_at":1760000000.5,"headers":{"svix-id":"msg_1"},"body',
            b'{"type": "event", "received_at": 1760000000.5, "valid": true, "code": null, ',
            b'{"type": "event", "received_at": 1760000000.5, "valid": true, "code": null, "svix_id": "\xc3\xa9',
            b'{"type": "event", "received_at": 1760000000.5, "valid": true, "code": null, "svix_id": "msg_1"}',
        ],
    )
    def test_any_other_last_line_is_kept(self, listen, tmp_path, last):
        file = tmp_path / "capture.ndjson"
        file.write_bytes(last)
        file.chmod(0o600)
        with listen("--save", str(file)) as listener:
            listener.post(signed(), BODY)
            assert listener.stderr.is_empty()
        assert file.read_bytes().startswith(
            last.rstrip(b"\n") + (b'\n{"type": "event"' if last else b'{"type": "event"')
        )

    def test_a_full_disk_loses_one_record_and_no_delivery(self, listen, tmp_path):
        resource = pytest.importorskip("resource")
        file = tmp_path / "capture.ndjson"
        with listen("--save", str(file)) as listener:
            listener.post(signed(message_id="msg_1"), BODY)
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 100, hard))
            try:
                assert listener.post(signed(message_id="msg_2"), BODY)[0] == 204
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert listener.stderr.next() == "a delivery was not saved: no space left on the device"
            listener.post(signed(message_id="msg_3"), BODY)
        assert [record["svix_id"] for record in records(file)] == ["msg_1", "msg_3"]

    def test_what_another_process_has_appended_stays(self, tmp_path):
        """It protects a record that is written between a truncated one and its removal."""
        file = tmp_path / "capture.ndjson"
        with open(file, "ab+", buffering=0) as own, open(file, "ab", buffering=0) as other:
            own.write(b"own")
            other.write(b"other\n")
            listen_module._remove_last(own, 3)
        assert file.read_bytes() == b"ownother\n"

    @pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
    def test_an_output_on_a_full_disk_loses_no_delivery(self, listen, app, options):
        with listen("--forward-to", app.url, *options) as listener:
            full = Mock(side_effect=OSError(28, "No space left on device"))
            listener.stdout.write, write = full, listener.stdout.write
            listener.stderr.write = full
            assert listener.post(signed(), BODY)[0] == 200
            assert listener.post(signed(), BODY, "/other")[0] == 404
            listener.stdout.write = write
        assert len(app.received) == 1

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no file that is always full")
    def test_a_file_that_rejects_writes_loses_no_delivery(self, listen):
        with listen("--save", "/dev/full") as listener:
            assert listener.post(signed(), BODY)[0] == 204
            assert listener.stderr.next() == "a delivery was not saved: No space left on device"


class TestUsage:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--path", "hook"], "--path should begin with /"),
            (["--path", "/a b"], "--path should begin with /"),
            (["--path", "/a?b=1"], "--path should begin with /"),
            (["--port", "0"], "--port is given twice"),
            (["--host", ""], "--host is empty"),
            (["--host", "no such host.invalid"], "port 0 of 'no such host.invalid' is not available: "),
            (["--host", "\xe9" * 70], "is not available: not a host name"),
            (["--forward-to", "localhost:3000"], "the URL should be http://"),
            (["--forward-to", f"http://localhost/{SECRET}"], "signing secret in arguments"),
            (["--forward-unverified"], "--forward-unverified goes with --forward-to"),
            (["--save", "/no/such/folder/file"], "'/no/such/folder/file': No such file or directory"),
            (["--save", "a\0b"], "--save cannot be written: 'a\\x00b': not a file name"),
            (["--save", f"/no/{SECRET}"], "signing secret in arguments"),
            (["--host", SECRET], "signing secret in arguments"),
            (["--path", f"/{SECRET}"], "signing secret in arguments"),
            (["--secret-file", "/no/such/file"], "--secret-file cannot be read"),
        ],
    )
    def test_invalid_arguments_are_reported_in_a_line(self, capsys, monkeypatch, options, expected):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert main(["listen", "--port", "0", *options]) == 2
        printed = capsys.readouterr()
        assert expected in printed.err
        assert (printed.out, printed.err.count("\n"), SECRET in printed.err) == ("", 1, False)

    @pytest.mark.parametrize(
        ("port", "expected"),
        [("65536", "--port takes 0 to 65535"), ("-1", "--port takes 0 to 65535"), ("x", "invalid int value")],
    )
    def test_an_invalid_port_is_reported(self, capsys, monkeypatch, port, expected):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert main(["listen", "--port", port]) == 2
        assert expected in capsys.readouterr().err

    def test_without_a_secret_it_does_not_start(self, capsys, tmp_path):
        assert main(["listen", "--port", "0", "--save", str(tmp_path / "file")]) == 2
        assert "CLERK_WEBHOOK_SIGNING_SECRET" in capsys.readouterr().err
        assert not list(tmp_path.iterdir())

    def test_a_port_in_use_is_reported(self, capsys, monkeypatch):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            assert main(["listen", "--port", str(port)]) == 2
        expected = f"clerk-webhook-verify: port {port} of '127.0.0.1' is not available: Address already in use: "
        assert capsys.readouterr().err.startswith(expected)

    def test_help_of_listen_has_examples(self, capsys):
        with pytest.raises(SystemExit) as caught:
            main(["listen", "--help"])
        assert caught.value.code == 0
        assert "clerk-webhook-verify listen --save capture.ndjson" in capsys.readouterr().out


class TestProcess:
    @pytest.fixture
    def started(self, tmp_path):
        (tmp_path / "secret").write_text(SECRET)
        command = [sys.executable, "-m", "clerk_webhook_verify", "listen", "--port", "0"]
        command += ["--secret-file", str(tmp_path / "secret")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        listener = Listener.__new__(Listener)
        first = process.stdout.readline()
        listener.port = int(re.fullmatch(rf"listening on http://127\.0\.0\.1:(\d+){PATH}\n", first)[1])
        yield process, listener
        process.kill()
        process.communicate()

    @needs_posix
    def test_ctrl_c_exits_130_and_no_secret_was_printed(self, started):
        process, listener = started
        assert listener.post(signed(), BODY)[0] == 204
        assert listener.post(signed(), b"")[0] == 400
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, err, out.count("\n")) == (130, "", 2)
        assert not any(text in out for text in (SECRET, signed()["svix-signature"], "user_1"))

    @needs_posix
    def test_exits_when_stdout_is_closed(self, started):
        process, listener = started
        process.stdout.close()
        assert listener.post(signed(), BODY)[0] == 204
        assert process.wait(10) == 1
        assert process.stderr.read() == ""
