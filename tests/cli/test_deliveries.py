"""The forms of stored deliveries that the command line reads, and its errors about broken ones."""

import base64
import json
import re
import tracemalloc

import pytest
from helpers.signer import BODY, NOW, SECRET, now, signed_headers
from hypothesis import given, strategies as st

from clerk_webhook_verify import Webhook
from clerk_webhook_verify.cli._options import UsageError
from clerk_webhook_verify.cli.captures import read_captures

HEADERS = signed_headers(BODY)
ENCODED = base64.b64encode(BODY).decode()
webhook = Webhook(SECRET, clock=now)


def count_valid(content: bytes | str) -> int:
    """Return the number of deliveries, which must all be valid."""
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
        assert count_valid("\n".join(map(json.dumps, lines)) + "\n\n") == 3
        assert count_valid("\r\n".join(map(json.dumps, lines))) == 3

    def test_one_object_over_several_lines(self):
        assert count_valid(json.dumps(event(), indent=2)) == 1

    def test_a_duplicate_header_is_a_list(self):
        (capture,) = read_captures(json.dumps(event(headers={"a": ["1", "2"], "b": "3"})).encode())
        assert capture.headers == [("a", "1"), ("a", "2"), ("b", "3")]

    @pytest.mark.parametrize(
        ("stored", "expected"),
        [(NOW, NOW), (NOW + 0.5, NOW + 0.5), ("2023-11-14T22:13:20Z", NOW), ("10", None), (float("nan"), None)],
    )
    def test_the_arrival_is_unix_seconds_or_an_iso_time(self, stored, expected):
        (capture,) = read_captures(json.dumps(event(received_at=stored)).encode())
        assert capture.received_at == expected

    def test_a_truncated_last_line_is_skipped_with_a_warning(self, capsys):
        assert count_valid(json.dumps(event()) + "\n" + json.dumps(event())[:-9]) == 1
        assert capsys.readouterr().err == "line 2 is truncated, as when its writer was stopped: skipped\n"

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("{truncated", "line 2 is not a JSON object: each line should be one: skipped\n"),
            ("7", "line 2 is not a JSON object: each line should be one: skipped\n"),
            (json.dumps(event(body_b64="*")), "line 2 has a body_b64 that is not base64: skipped\n"),
            (json.dumps(event(headers={"Transfer-Encoding ": "chunked"})), "line 2 has a header whose name is not"),
        ],
    )
    def test_a_bad_line_is_skipped_with_a_warning_and_blocks_no_other(self, capsys, line, expected):
        assert count_valid("\n".join([json.dumps(event()), line, json.dumps(event()), ""])) == 2
        assert capsys.readouterr().err.startswith(expected)

    def test_the_warnings_are_limited(self, capsys):
        assert count_valid(json.dumps(event()) + "\n7" * 1000 + "\n") == 1
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 11
        assert lines[-1] == "990 more cannot be read: skipped"

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            (["{truncated"], "line 1 is not a JSON object"),
            (["[7]"], "request 1 is not a JSON object"),
            ([event(body_b64="***")], "line 1 has a body_b64 that is not base64"),
            ([event(body_b64=7)], "line 1 has a body_b64 that is not base64"),
            ([event(body_b64=ENCODED.rstrip("="))], "is not base64"),
            ([event(headers=[])], "line 1 has no headers"),
            ([{"headers": HEADERS}], "line 1 has no body_b64"),
            ([event(headers={"a": 7})], "line 1 has a header that is not text"),
            ([event(headers={"a": [7]})], "line 1 has a header that is not text"),
            ([{"type": "ready"}], "this is not a stored delivery: it should be NDJSON"),
            ([{"data": {}, "headers": None}], "is this the payload itself? Then use --payload"),
            ([{"level": "info", "time": 1}], "line 1 has no headers, an object: this is a log line, not a request"),
            ([{"message": "{}", "timestamp": 1}], "this is a log line, not a request"),
            ([{"message_id": "a", "body_b64": "", "secret_fingerprint": ""}], "Delivery.to_json() keeps no signature"),
            ([{"info": {"_postman_id": "1"}, "item": []}], "a Postman collection: copy the request as cURL"),
        ],
    )
    def test_a_broken_record_is_reported_with_its_line(self, lines, expected):
        content = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        with pytest.raises(UsageError, match=re.escape(expected)):
            read_captures(content.encode())

    def test_a_payload_without_headers_is_rejected(self):
        with pytest.raises(UsageError, match="this is not a stored delivery: it should be NDJSON"):
            read_captures(BODY)


class TestRawRequest:
    head = "\r\n".join(f"{name}: {value}" for name, value in HEADERS.items())

    def test_with_and_without_a_request_line_and_with_either_newline(self):
        request = f"POST /webhooks/clerk HTTP/1.1\r\nHost: x\r\n{self.head}\r\n\r\n".encode()
        assert count_valid(request + BODY) == 1
        assert count_valid(request.replace(b"\r\n", b"\n") + BODY) == 1
        assert count_valid(f"{self.head}\n\n".encode() + BODY) == 1

    def test_the_declared_length_removes_the_newline_of_an_editor(self):
        request = f"POST / HTTP/1.1\nContent-Length: {len(BODY)}\n{self.head}\n\n".encode() + BODY
        assert count_valid(request + b"\n") == 1
        (capture,) = read_captures(request + b"more")
        assert capture.body == BODY + b"more"

    def test_a_chunked_body_is_joined(self):
        head = f"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n{self.head}\r\n\r\n".encode()
        chunked = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in (BODY[:9], BODY[9:]))
        assert count_valid(head + chunked + b"0\r\n\r\n") == 1
        assert count_valid(head + chunked) == 1
        assert count_valid(head + BODY) == 1

    def test_a_truncated_chunk_is_kept(self):
        head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        (capture,) = read_captures(head + b"5\r\nhello\r\n9\r\nworl")
        assert capture.body == b"helloworl"

    def test_an_endless_chunk_size_is_not_a_chunk(self):
        """A new search at each digit would take an hour."""
        body = b"a" * 1_000_000
        (capture,) = read_captures(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        assert capture.body == body

    def test_a_raw_request_may_have_no_body(self):
        (capture,) = read_captures(b"POST / HTTP/1.1\r\nsvix-id: msg_1\r\n")
        assert (capture.headers, capture.body) == ([("svix-id", "msg_1")], b"")
        assert capture.header("svix-id") == "msg_1"
        assert capture.header("svix-timestamp") == ""

    def test_pseudo_headers_of_http_2_are_left_out(self):
        request = f":method: POST\n:authority: x.test\n{self.head}\n\n".encode() + BODY
        assert count_valid(request) == 1
        assert count_valid(b"\r\nPOST / HTTP/2\n" + request) == 1

    @pytest.mark.parametrize("name", ["Transfer-Encoding ", " Transfer-Encoding", "a b", 'svix-id"', "x\t", "n\xe9"])
    def test_an_invalid_header_name_is_rejected(self, name):
        with pytest.raises(UsageError, match="has a header whose name is not one that HTTP allows"):
            read_captures(f"POST / HTTP/1.1\n{self.head}\n{name}: chunked\n\n{{}}".encode("latin-1"))

    def test_a_line_that_is_not_a_header_is_reported(self):
        with pytest.raises(UsageError, match="not a header, Name: value"):
            read_captures(b"POST / HTTP/1.1\nwhat is this\n\n{}")


def caret_quoted(text: str) -> str:
    """As Chrome and Firefox quote for cmd.exe today."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    text = re.sub(r"[^a-zA-Z0-9\s_\-:=+~'/.',?;()*`]", r"^\g<0>", text)
    return '^"' + re.sub(r"%(?=[a-zA-Z0-9_])", "%^", text).replace("\n", "^\n\n") + '^"'


def misquoted(text: str) -> str:
    """As Chrome did some years ago: the outer quotes have no caret."""
    return '"' + caret_quoted(text)[2:-2] + '"'


def double_quoted(text: str) -> str:
    """As Chrome did ten years ago."""
    return '"' + text.replace('"', '""').replace("%", '"%"').replace("\\", "\\\\") + '"'


ODD_JSON = r"""{"a":"\"\\ \u00e9 ^ %20 % & | <b> ! $HOME ' `x` {}"}"""


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
        assert count_valid(f"curl -X POST 'https://x.test/hook' \\\n  {self.options} --compressed \\\n  {body}") == 1
        assert count_valid(f"$ curl {self.options} -o out {body} https://x.test/ -v") == 1

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    @pytest.mark.parametrize(
        ("quote", "text"),
        [
            *((caret_quoted, text) for text in (ODD_JSON, "a\nb", "{}", "^", '"')),
            (misquoted, ODD_JSON),
            (double_quoted, ODD_JSON),
        ],
    )
    def test_a_command_that_browsers_on_windows_copy(self, quote, text, newline):
        words = ["curl", quote("https://x.test/hook?a=b&c=%20")]
        words += [f"-H {quote(f'{name}: {value}')}" for name, value in HEADERS.items()]
        command = " ^\n  ".join([*words, f"--data-raw {quote(text)}", "--compressed"])
        (capture,) = read_captures(command.replace("\n", newline).encode())
        assert capture.headers == list(HEADERS.items())
        assert capture.body.decode() == text

    def test_a_command_of_windows_in_one_line_verifies(self):
        options = " ".join(f"-H {caret_quoted(f'{name}: {value}')}" for name, value in HEADERS.items())
        assert count_valid(f'curl.exe ^"https://x.test/^" {options} --data-raw {caret_quoted(TEXT)}') == 1

    def test_a_caret_in_a_command_of_bash_is_itself(self):
        (capture,) = read_captures(rb"""curl 'https://x.test/' -d '{"a":"^"}' -d "x^\"y" """)
        assert capture.body == b'{"a":"^"}&x^"y'

    def test_a_curl_command_may_have_escapes_and_several_data_options(self):
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
        """Joining them one by one would take minutes."""
        (capture,) = read_captures(b"curl -d " + rb"\{" * 1_000_000)
        assert capture.body == b"{" * 1_000_000

    @pytest.mark.parametrize("quote", ["$'{}'", '"{}"', "'{}'"])
    def test_a_long_quoted_string_needs_memory_of_a_few_times_its_length(self, quote):
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
            ('curl ^"https://x^" ^\r\n  -H ^', "ends after -H"),
            ('curl ^"x^" -H ^"a: b', "a quote that is not closed"),
            ("curl x -H 'a b: c'", "has a header whose name is not one that HTTP allows"),
        ],
    )
    def test_an_unusable_curl_command_is_reported(self, command, expected):
        with pytest.raises(UsageError, match=re.escape(expected)):
            read_captures(command.encode())


ISO = "2023-11-14T22:13:20.000Z"  # NOW
RAW = ("POST / HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in HEADERS.items()) + "\r\n").encode() + BODY
TEXT = BODY.decode()
LISTS = {name: [value] for name, value in HEADERS.items()}
PAIRS = [{"name": name, "value": value} for name, value in HEADERS.items()]


def har(**changes) -> dict:
    request = {"method": "POST", "headers": PAIRS, "postData": {"mimeType": "application/json", "text": TEXT}}
    return {"startedDateTime": ISO, "request": request | changes}


def ngrok(raw: object = base64.b64encode(RAW).decode(), **changes) -> dict:
    request = {"method": "POST", "proto": "HTTP/1.1", "headers": LISTS, "uri": "/", "raw": raw}
    return {"uri": "/api/requests/http/1", "start": "2023-11-14T14:13:20-08:00", "request": request, **changes}


def hookdeck(body: object = TEXT, **headers: str) -> dict:
    data = {"headers": HEADERS | headers, "body": body, "path": "/", "query": "", "is_large_payload": False}
    return {"id": "evt_1", "created_at": ISO, "data": data}


def webhook_site(**changes) -> dict:
    return {"uuid": "1", "type": "web", "method": "POST", "content": TEXT, "headers": LISTS,
            "created_at": "2023-11-14 22:13:20"} | changes  # fmt: skip


def lambda_event(**changes) -> dict:
    return {"headers": HEADERS, "body": TEXT, "isBase64Encoded": False} | changes


EXPORTS = {
    "HAR": (har, lambda requests: {"log": {"version": "1.2", "entries": requests}}),
    "ngrok": (ngrok, lambda requests: {"uri": "/api/requests/http", "requests": requests}),
    "Hookdeck": (hookdeck, lambda requests: {"pagination": {}, "models": requests, "count": 2}),
    "webhook.site": (webhook_site, lambda requests: {"data": requests, "total": 2}),
    "a list of Lambda events": (lambda_event, lambda requests: requests),
}


class TestExports:
    @pytest.mark.parametrize("export", EXPORTS)
    def test_one_request_and_an_export_of_several_are_read(self, export):
        request, wrap = EXPORTS[export]
        assert count_valid(json.dumps(request())) == 1
        assert count_valid(json.dumps(wrap([request(), request()]), indent=1)) == 2
        assert count_valid(f"{json.dumps(request())}\n{json.dumps(request())}\n") == 2

    @pytest.mark.parametrize("export", EXPORTS)
    def test_the_time_of_arrival_is_read(self, export):
        request, _ = EXPORTS[export]
        more = {"requestContext": {"timeEpoch": NOW * 1000}} if request is lambda_event else {}
        (capture,) = read_captures(json.dumps(request() | more).encode())
        assert capture.received_at == NOW

    def test_requests_that_are_not_deliveries_are_skipped(self, capsys):
        others = [har(headers=[{"name": "accept", "value": "*/*"}]), har(headers=[]), har(method="GET", postData=None)]
        entries = [others[0], har(), others[1], har()]
        captures = read_captures(json.dumps({"log": {"entries": entries}}).encode())
        assert [(capture.place, capture.number) for capture in captures] == [("request 2", 2), ("request 4", 4)]
        assert capsys.readouterr().err == "2 of 4 requests without svix-* and webhook-* headers: skipped\n"

    @pytest.mark.parametrize("name", ["svix-id", "Webhook-Signature", "svix_timestamp", "HTTP_SVIX_ID", "^svix-id"])
    def test_a_delivery_with_one_header_or_a_changed_name_is_not_skipped(self, name):
        entries = [har(headers=[]), har(headers=[{"name": name, "value": "1"}])]
        (capture,) = read_captures(json.dumps({"log": {"entries": entries}}).encode())
        assert capture.headers == [(name, "1")]

    def test_a_single_request_is_read_without_any_header_of_a_delivery(self):
        (capture,) = read_captures(json.dumps({"log": {"entries": [har(headers=[])]}}).encode())
        assert (capture.headers, capture.body) == ([], BODY)

    def test_an_export_without_deliveries_is_reported(self):
        with pytest.raises(UsageError, match=r"none of its 2 requests has a svix-\* or webhook-\* header"):
            read_captures(json.dumps({"log": {"entries": [har(headers=[])] * 2}}).encode())

    def test_what_listen_stored_is_a_delivery_without_any_header_too(self):
        lines = [event(headers={}), event()]
        assert len(read_captures("\n".join(map(json.dumps, lines)).encode())) == 2

    @pytest.mark.parametrize(
        ("request_", "expected"),
        [
            (har(headers=[{"name": "svix-id"}]), "has a header that is not text"),
            (har(headers=["svix-id: 1"]), "has a header that is not text"),
            (har(postData={"text": "*", "encoding": "base64"}), "has a postData.text that is not base64"),
            (ngrok(raw="*"), "has a request.raw that is not a request in base64"),
            (ngrok(raw=ENCODED), "has a request.raw that is not a request in base64"),
            (ngrok(raw=None), "has a request.raw that is not a request in base64"),
            (hookdeck(a=7), "has a header that is not text"),
            (webhook_site(headers={"svix-id": [7]}), "has a header that is not text"),
            (lambda_event(headers=["a"]), "has no headers, an object"),
            (lambda_event(body="*", isBase64Encoded=True), "has a body that is not base64"),
            (webhook_site(headers={"a": "1\nb: 2"}), "has a header whose value contains a line break"),
            (webhook_site(headers={"Transfer-Encoding ": "chunked"}), "has a header whose name is not one that HTTP"),
        ],
    )
    def test_a_broken_request_is_named(self, request_, expected):
        with pytest.raises(UsageError, match=f"^line 1 {re.escape(expected)}"):
            read_captures(json.dumps(request_).encode())

    def test_har_of_http_2_has_pseudo_headers(self):
        (capture,) = read_captures(json.dumps(har(headers=[{"name": ":authority", "value": "x"}, *PAIRS])).encode())
        assert capture.headers == list(HEADERS.items())

    def test_har_may_contain_the_body_in_base64_or_no_body(self):
        assert count_valid(json.dumps(har(postData={"text": ENCODED, "encoding": "base64"}))) == 1
        (capture,) = read_captures(json.dumps(har(postData=None)).encode())
        assert capture.body == b""

    @pytest.mark.parametrize(
        "written",
        [
            {"separators": (",", ":"), "ensure_ascii": False},
            {"separators": (",", ":")},
            {},
            {"ensure_ascii": False},
        ],
    )
    def test_a_body_that_was_parsed_is_serialized_to_its_declared_length(self, written):
        payload = {"type": "user.created", "data": {"name": "Björk \U0001f600", "list": [1.5, None]}}
        body = json.dumps(payload, **written).encode()
        length = {"content-length": str(len(body))}
        (capture,) = read_captures(json.dumps(hookdeck(payload, **length)).encode())
        assert capture.body == body
        (capture,) = read_captures(json.dumps(lambda_event(headers=length, body=payload)).encode())
        assert capture.body == body

    def test_a_body_that_was_parsed_is_compact_without_a_declared_length(self):
        assert count_valid(json.dumps(hookdeck(json.loads(BODY)))) == 1

    def test_a_body_that_is_nested_too_deeply_is_named(self, monkeypatch):
        def too_deep(*arguments, **options):
            raise RecursionError

        content = json.dumps(hookdeck({})).encode()
        monkeypatch.setattr(json, "dumps", too_deep)
        with pytest.raises(UsageError, match="has a body that is nested too deeply"):
            read_captures(content)

    @pytest.mark.parametrize(
        "event",
        [
            {"version": "2.0", "requestContext": {"timeEpoch": NOW * 1000, "http": {"method": "POST"}}},
            {"httpMethod": "POST", "multiValueHeaders": LISTS, "headers": {"svix-id": "of another"},
             "requestContext": {"requestTimeEpoch": NOW * 1000}},
            {"headers": None, "multiValueHeaders": LISTS, "requestContext": {"elb": {}}},
            {"method": "POST", "raw_path": "/", "is_base64_encoded": True, "isBase64Encoded": None, "body": ENCODED},
            {"version": "2.0", "headers": LISTS, "requestContext": {"timeEpoch": f"{NOW}000000"}},
            {"body": ENCODED, "isBase64Encoded": True},
        ],
        ids=["API v2", "API v1", "load balancer", "Lattice v1", "Lattice v2", "base64"],
    )  # fmt: skip
    def test_the_event_of_a_lambda_function(self, event):
        assert count_valid(json.dumps(lambda_event(**event))) == 1

    @pytest.mark.parametrize("context", [None, {}, {"timeEpoch": "soon"}, {"timeEpoch": 7}, {"timeEpoch": []}])
    def test_a_lambda_event_without_a_time(self, context):
        (capture,) = read_captures(json.dumps(lambda_event(requestContext=context)).encode())
        assert capture.received_at is None

    def test_a_lambda_event_without_headers_or_body(self):
        (capture,) = read_captures(b'{"requestContext": {"http": {"method": "POST"}}}')
        assert (capture.headers, capture.body) == ([], b"")

    @pytest.mark.parametrize("time", ["2023-13-45 10:00:00", "yesterday", 7, None, "0000-01-01T00:00:00Z"])
    def test_an_impossible_time_is_ignored(self, time):
        (capture,) = read_captures(json.dumps(webhook_site(created_at=time)).encode())
        assert capture.received_at is None

    def test_the_type_of_a_huge_body_is_not_read(self):
        (capture,) = read_captures(RAW + b" " * 2**20)
        assert capture.event_type == ""
        (capture,) = read_captures(RAW)
        assert capture.event_type == "user.created"


FORMS = {
    "NDJSON": json.dumps(event()) + "\n" + json.dumps(event()) + "\n",
    "a raw request": RAW.decode(),
    "curl": f"curl {TestCurl.options} -d '{TEXT}' x",
    "HAR": json.dumps({"log": {"entries": [har()]}}, indent=2),
}


class TestEncodings:
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_a_byte_order_mark_and_utf_16_are_read(self, form, encoding):
        text = FORMS[form].replace("\r\n", "\n").replace("\n", "\r\n")  # as PowerShell's > writes lines
        assert count_valid(text.encode(encoding)) == (2 if form == "NDJSON" else 1)

    def test_utf_16_be_with_a_mark(self):
        assert count_valid(b"\xfe\xff" + FORMS["NDJSON"].encode("utf-16-be")) == 2

    def test_a_body_keeps_its_own_mark_and_its_zeros(self):
        (capture,) = read_captures(b"POST / HTTP/1.1\r\n\r\n\xef\xbb\xbf\0a\0")
        assert capture.body == b"\xef\xbb\xbf\0a\0"

    def test_a_truncated_character_at_the_end_causes_no_traceback(self):
        (capture,) = read_captures("a: b\n\nc".encode("utf-16") + b"\xd8")
        assert capture.body.startswith(b"c")


class TestUnreadable:
    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"", "the file is empty"),
            (b" \r\n", "the file is empty"),
            (b"\xff\xfe", "the file is empty"),
            (b"hello", "it should be NDJSON with headers and body_b64"),
            (b"\x89PNG", "it should be NDJSON"),
            (b"[]", "the list in it is empty"),
            (b"<!doctype html><p>", "this is a page of HTML or XML"),
            (b"\n<html>", "this is a page of HTML or XML"),
            (b"<?xml version='1.0'?>", "this is a page of HTML or XML"),
            (b"PK\x03\x04", "this is a compressed file: unpack it first"),
            (b"\x1f\x8b\x08", "this is a compressed file: unpack it first"),
            (b"HTTP/1.1 204 No Content\r\n\r\n", "this is a response, not a request"),
            (b'Invoke-WebRequest -UseBasicParsing -Uri "https://x.test" `\n', "copied as PowerShell: copy as cURL"),
            (b"$session = New-Object Microsoft.PowerShell.Commands.Web", "copied as PowerShell: copy as cURL"),
            (b'invoke-restmethod "https://x.test"', "copied as PowerShell: copy as cURL"),
            (b'fetch("https://x.test", {"headers": {}});', "copied as fetch: copy as cURL"),
            (b'await fetch("https://x.test");', "copied as fetch: copy as cURL"),
            (b"wget --header 'a: b' https://x.test", "this is a command of another client: copy as cURL"),
            (b"$ http POST https://x.test a:b", "this is a command of another client: copy as cURL"),
            (b"{'version': '2.0', 'headers': {}}", "this is a Python value as print() writes it"),
            (b"[{'headers': {}}]", "this is a Python value as print() writes it"),
            (b'INFO:     127.0.0.1:38836 - "POST /webhooks/clerk HTTP/1.1" 204', "this is a log line, not a request"),
            (b"WARNING:clerk_webhook_verify:refused a delivery: x\n", "this is a log line, not a request"),
            (b"[INFO] 2026-01-31T12:00:00Z 1-2 {}\n", "this is a log line, not a request"),
            (b"[2026-01-31 12:00:00 +0000] [7] [INFO] x\n", "this is a log line, not a request"),
            (b"2026-01-31T12:00:00.000Z\t1-2\tINFO\t{}", "this is a log line, not a request"),
            (b"2026/01/31 12:00:00 x", "this is a log line, not a request"),
            (b'127.0.0.1 - - [24/Nov/2026:12:55:14 +0000] "POST / HTTP/1.1" 204', "this is a log line, not a request"),
            (b"Jan  1 12:00:00 host app[1]: x", "this is a log line, not a request"),
            (b"12:56:45  user.created  msg_1  valid\n", "this is a log line, not a request"),
            (b"START RequestId: 1-2 Version: $LATEST\n", "this is a log line, not a request"),
            (b"level=info msg=x", "this is a log line, not a request"),
        ],
        ids=repr,
    )
    def test_an_unreadable_delivery_is_reported_with_its_reason(self, content, expected):
        with pytest.raises(UsageError, match=f"^this is not a stored delivery: {re.escape(expected)}"):
            read_captures(content)

    @pytest.mark.parametrize("line", [b"Warning: 199 - x\n", b"Info: x\n", b"Date: Mon, 01 Jan 2026\n", b"time: 1\n"])
    def test_a_header_that_looks_like_a_log_line_is_read(self, line):
        (capture,) = read_captures(line + b"\nbody")
        assert capture.body == b"body"


KEYS = [
    "log", "entries", "requests", "models", "data", "request", "raw", "postData", "text", "encoding", "headers", "name",
    "value", "body", "body_b64", "content", "multiValueHeaders", "requestContext", "timeEpoch", "type", "info",
]  # fmt: skip


@given(
    st.one_of(
        st.binary(max_size=80),
        st.builds(lambda text: b"curl " + text, st.binary(max_size=80)),
        st.builds(lambda text: b"a: b\n" + text, st.binary(max_size=80)),
        st.builds(lambda text: b'{"headers":{},"body_b64":' + text, st.binary(max_size=40)),
        st.builds(lambda text: text.encode("utf-16"), st.text(max_size=40)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_content_gives_captures_or_a_usage_error(content):
    try:
        captures = read_captures(content)
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert captures
