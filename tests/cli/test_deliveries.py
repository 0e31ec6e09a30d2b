"""The forms of stored deliveries that the command line reads, and its errors about broken ones."""

import base64
import json
import re
import tracemalloc

import pytest
from helpers.signer import BODY, SECRET, now, signed_headers
from hypothesis import given, strategies as st

from clerk_webhook_verify import Webhook
from clerk_webhook_verify.cli._deliveries import read_captures
from clerk_webhook_verify.cli._options import UsageError

HEADERS = signed_headers(BODY)
ENCODED = base64.b64encode(BODY).decode()
webhook = Webhook(SECRET, clock=now)


def genuine(content: bytes | str) -> int:
    """How many deliveries are there; all of them must be genuine."""
    captures = read_captures(content.encode() if isinstance(content, str) else content)
    for capture in captures:
        webhook.verify(capture.headers, capture.body)
    return len(captures)


def event(**changes) -> dict:
    return {"type": "event", "headers": HEADERS, "body_b64": ENCODED, **changes}


class TestNDJSON:
    def test_events_are_read_and_lines_of_other_types_are_skipped(self):
        lines = [
            {"type": "ready", "relay_url": "x"}, event(), {"type": "reconnecting"},
            {"headers": HEADERS, "body_b64": ENCODED}, event(svix_id="msg_1", latency_ms=3),
        ]  # fmt: skip
        assert genuine("\n".join(map(json.dumps, lines)) + "\n\n") == 3
        assert genuine("\r\n".join(map(json.dumps, lines))) == 3

    def test_one_object_over_several_lines(self):
        assert genuine(json.dumps(event(), indent=2)) == 1

    def test_a_duplicate_header_is_a_list(self):
        (capture,) = read_captures(json.dumps(event(headers={"a": ["1", "2"], "b": "3"})).encode())
        assert capture.headers == [("a", "1"), ("a", "2"), ("b", "3")]

    def test_a_truncated_last_line_is_skipped_with_a_warning(self, capsys):
        assert genuine(json.dumps(event()) + "\n" + json.dumps(event())[:-9]) == 1
        assert capsys.readouterr().err == "line 2 is truncated, as when its writer was stopped: skipped\n"

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ([event(), "{torn", event()], "line 2 is not a JSON object"),
            ([event(), 7, event()], "line 2 is not a JSON object"),
            ([event(body_b64="***")], "line 1 has a body_b64 that is not base64"),
            ([event(body_b64=7)], "line 1 has a body_b64 that is not base64"),
            ([event(body_b64=ENCODED.rstrip("="))], "is not base64"),
            ([event(headers=[])], "line 1 has no headers"),
            ([{"headers": HEADERS}], "line 1 has no body_b64"),
            ([event(headers={"a": 7})], "line 1 has a header that is no text"),
            ([event(headers={"a": [7]})], "line 1 has a header that is no text"),
            ([{"type": "ready"}], "there is no delivery in it"),
            ([{"data": {}, "headers": None}], "is this the payload itself? Then use --payload"),
        ],
    )
    def test_a_broken_record_is_reported_with_its_line(self, lines, expected):
        content = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        with pytest.raises(UsageError, match=re.escape(expected)):
            read_captures(content.encode())

    def test_a_payload_without_headers_is_rejected(self):
        with pytest.raises(UsageError, match="there is no delivery in it"):
            read_captures(BODY)


class TestRawRequest:
    head = "\r\n".join(f"{name}: {value}" for name, value in HEADERS.items())

    def test_with_and_without_a_request_line_and_with_either_newline(self):
        request = f"POST /webhooks/clerk HTTP/1.1\r\nHost: x\r\n{self.head}\r\n\r\n".encode()
        assert genuine(request + BODY) == 1
        assert genuine(request.replace(b"\r\n", b"\n") + BODY) == 1
        assert genuine(f"{self.head}\n\n".encode() + BODY) == 1

    def test_the_declared_length_removes_the_newline_of_an_editor(self):
        request = f"POST / HTTP/1.1\nContent-Length: {len(BODY)}\n{self.head}\n\n".encode() + BODY
        assert genuine(request + b"\n") == 1
        (capture,) = read_captures(request + b"more")
        assert capture.body == BODY + b"more"

    def test_a_chunked_body_is_joined(self):
        head = f"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n{self.head}\r\n\r\n".encode()
        chunked = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in (BODY[:9], BODY[9:]))
        assert genuine(head + chunked + b"0\r\n\r\n") == 1
        assert genuine(head + chunked) == 1
        assert genuine(head + BODY) == 1

    def test_a_truncated_chunk_is_kept(self):
        head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        (capture,) = read_captures(head + b"5\r\nhello\r\n9\r\nworl")
        assert capture.body == b"helloworl"

    def test_an_endless_chunk_size_is_not_a_chunk(self):
        """Searching again from each of its digits would take an hour."""
        body = b"a" * 1_000_000
        (capture,) = read_captures(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        assert capture.body == body

    def test_a_request_without_a_body(self):
        (capture,) = read_captures(b"POST / HTTP/1.1\r\nsvix-id: msg_1\r\n")
        assert (capture.headers, capture.body) == ([("svix-id", "msg_1")], b"")
        assert capture.header("svix-id") == "msg_1"
        assert capture.header("svix-timestamp") == ""

    def test_a_line_that_is_not_a_header_is_reported(self):
        with pytest.raises(UsageError, match="no header: Name: value"):
            read_captures(b"POST / HTTP/1.1\nwhat is this\n\n{}")


class TestCurl:
    options = " ".join(f"-H '{name}: {value}'" for name, value in HEADERS.items())

    @pytest.mark.parametrize(
        "body",
        [
            f"--data-raw '{BODY.decode()}'",
            f"--data-binary='{BODY.decode()}'",
            f"-d'{BODY.decode()}'",
            "-d $'" + BODY.decode().replace('"', "\\x22").replace("u", "\\u0075", 1) + "'",
            "--data $'" + BODY.decode().replace("{", "\\173") + "'",
            '--json "' + BODY.decode().replace('"', '\\"') + '"',
            "-d " + BODY.decode().replace('"', '\\"').replace("{", "\\{"),
        ],
        ids=["single quotes", "with =", "without a space", "ANSI-C", "octal", "double quotes", "backslashes"],
    )
    def test_the_quoting_of_dashboards_and_browsers(self, body):
        assert genuine(f"curl -X POST 'https://x.test/hook' \\\n  {self.options} --compressed \\\n  {body}") == 1
        assert genuine(f"$ curl {self.options} -o out {body} https://x.test/ -v") == 1

    def test_escapes_and_several_parts(self):
        (capture,) = read_captures(
            rb"""curl -d $'\n\e\'\U0001f600\u00e9\xc3\xa9\q' -d "a\$b\c" -d $HOME -H 'empty;' x"""
        )
        assert capture.body == "\n\x1b'\U0001f600\u00e9\u00e9q&a$b\\c&$HOME".encode()
        assert capture.headers == []

    def test_utf_16_escapes_of_browsers(self):
        (capture,) = read_captures(rb"curl -H $'a: \uD83d\ude00' -d $'\ud83d\uDE00 \ud83d \ude00 \U0000d83d \ud83dx' x")
        assert capture.headers == [("a", "\U0001f600")]
        assert capture.body == "\U0001f600 \ufffd \ufffd \ufffd \ufffdx".encode()

    @pytest.mark.slow
    def test_a_word_of_a_million_parts(self):
        """Each joined to the word before the next is read, they would take minutes."""
        (capture,) = read_captures(b"curl -d " + rb"\{" * 1_000_000)
        assert capture.body == b"{" * 1_000_000

    @pytest.mark.parametrize("quote", ["$'{}'", '"{}"', "'{}'"])
    def test_a_long_text_in_quotes_takes_a_few_times_its_length(self, quote):
        command = b"curl -d " + quote.format("a" * 100_000).encode()
        tracemalloc.start()
        (capture,) = read_captures(command)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert capture.body == b"a" * 100_000
        assert peak < 20 * len(command)

    @pytest.mark.parametrize(
        ("command", "expected"),
        [
            ("curl -d @body.json x", "reads its body from a file"),
            ("curl -F a=b x", "sends another body than JSON"),
            ("curl --data-urlencode a=b x", "sends another body than JSON"),
            ("curl -H 'a: b", "a quote that is not closed"),
            ("curl x -H", "ends after -H"),
        ],
    )
    def test_an_unusable_curl_command_is_reported(self, command, expected):
        with pytest.raises(UsageError, match=re.escape(expected)):
            read_captures(command.encode())


@pytest.mark.parametrize("content", [b"", b"\n", b"hello", b"[]", b"\xff\xfe", b"<html>"])
def test_content_that_is_not_a_delivery_is_reported(content):
    with pytest.raises(UsageError, match="this is no stored delivery"):
        read_captures(content)


@given(
    st.one_of(
        st.binary(max_size=80),
        st.builds(lambda text: b"curl " + text, st.binary(max_size=80)),
        st.builds(lambda text: b"a: b\n" + text, st.binary(max_size=80)),
        st.builds(lambda text: b'{"headers":{},"body_b64":' + text, st.binary(max_size=40)),
    )
)
def test_any_content_gives_captures_or_a_usage_error(content):
    try:
        captures = read_captures(content)
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert captures
