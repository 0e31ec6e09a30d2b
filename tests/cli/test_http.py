"""Does a request reach the one server that its URL names, byte for byte, and does every failure have a reason?"""

import base64
import contextlib
import json
import socket
import sys
import threading
import time
from threading import Event, Thread

import pytest
from helpers.endpoint import answer, serving
from helpers.signer import BODY, SECRET, signed_headers

from clerk_webhook_verify.cli import _http, main
from clerk_webhook_verify.cli._http import (
    Response,
    ResponseTimeoutError,
    Target,
    UnreachableError,
    end_to_end,
    is_header_name,
)
from clerk_webhook_verify.cli._options import UsageError


def silent_address(opened: contextlib.ExitStack) -> tuple[str, int]:
    """Return an address where connections wait: its queue of new ones is full."""
    server = opened.enter_context(socket.socket())
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    for _ in range(3):
        client = opened.enter_context(socket.socket())
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect(server.getsockname())
    return server.getsockname()


def refused_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


class TestTheRequest:
    def test_body_and_headers_arrive_unchanged(self):
        body = bytes(range(256))
        with serving(lambda request: answer(200)) as endpoint:
            Target(f"{endpoint.url}/x%20y?a=1&b=%2F#top").post(
                [("Svix-Id", "msg_1"), ("svix-id", "msg_1"), ("X-Name", "caf\xe9"), ("x-empty", "")], body
            )
        (request,) = endpoint.received
        assert (request.method, request.path, request.body) == ("POST", "/hook/x%20y?a=1&b=%2F", body)
        assert request.headers == [
            ("Host", f"127.0.0.1:{endpoint.server_port}"),
            ("Content-Length", "256"),
            ("Svix-Id", "msg_1"),
            ("svix-id", "msg_1"),
            ("X-Name", "caf\xe9"),
            ("x-empty", ""),
        ]

    def test_a_character_beyond_latin_1_is_sent_as_a_question_mark(self):
        with serving(lambda request: answer(200)) as endpoint:
            Target(endpoint.url).post([("x-name", "a\u20acb")], b"")
        assert endpoint.received[0].values("x-name") == ["a?b"]

    def test_without_a_path_it_requests_the_root(self):
        with serving(lambda request: answer(200)) as endpoint:
            Target(f"http://127.0.0.1:{endpoint.server_port}?a=b").post([], b"")
        assert endpoint.received[0].path == "/?a=b"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_no_redirect_is_followed(self, status):
        with serving(lambda request: answer(200)) as elsewhere:
            redirect = answer(status, b"", f"Location: {elsewhere.url}")
            with serving(lambda request: redirect) as endpoint:
                answered = Target(endpoint.url).post([], b"{}")
        assert (answered.status, dict(answered.headers)["Location"]) == (status, elsewhere.url)
        assert elsewhere.received == []
        assert len(endpoint.received) == 1

    def test_no_proxy_variable_is_read(self, monkeypatch):
        with serving(lambda request: answer(502)) as proxy, serving(lambda request: answer(200)) as endpoint:
            for name in ("http_proxy", "https_proxy", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_port}")
                monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{proxy.server_port}")
            for name in ("no_proxy", "NO_PROXY"):
                monkeypatch.delenv(name, raising=False)
            assert Target(endpoint.url).post([], b"").status == 200
        assert proxy.received == []


class TestTheAnswer:
    def test_a_response_has_status_headers_body_and_seconds(self):
        with serving(lambda request: answer(201, b"made\nindeed", "X-One: 1", "X-ONE: 2")) as endpoint:
            answered = Target(endpoint.url).post([], b"")
        assert (answered.status, answered.body, answered.first_line) == (201, b"made\nindeed", "made")
        assert answered.headers == [("X-One", "1"), ("X-ONE", "2"), ("Content-Length", "11")]
        assert 0 < answered.seconds < 30

    @pytest.mark.parametrize(
        ("body", "line"),
        [(b"", ""), (b"\r\n  \r\n", ""), (b"\n a\nb", "a"), (b"x" * 5000, "x" * 200), (b"a\xff", "a\ufffd")],
    )
    def test_its_first_line_is_the_first_with_text(self, body, line):
        with serving(lambda request: answer(200, body)) as endpoint:
            assert Target(endpoint.url).post([], b"").first_line == line

    @pytest.mark.parametrize("length", ["Content-Length: 26", "Connection: close"])
    def test_only_the_first_mebibyte_is_read(self, monkeypatch, length):
        assert _http.MAX_RESPONSE == 2**20
        monkeypatch.setattr(_http, "MAX_RESPONSE", 10)
        reply = f"HTTP/1.1 200 OK\r\n{length}\r\n\r\nabcdefghijklmnopqrstuvwxyz".encode()
        with serving(lambda request: reply) as endpoint:
            assert Target(endpoint.url).post([], b"").body == b"abcdefghij"

    def test_a_response_can_be_chunked(self):
        reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        with serving(lambda request: reply) as endpoint:
            assert Target(endpoint.url).post([], b"").body == b"abc"


class TestNoAnswer:
    def reason(self, url: str, headers=(), **options) -> str:
        with pytest.raises(UnreachableError) as caught:
            Target(url).post(headers, b"", **options)
        text = str(caught.value)
        assert text.isprintable()
        return text

    def test_a_closed_port_is_unreachable(self):
        port = refused_port()
        assert self.reason(f"http://127.0.0.1:{port}/hook") == (
            f"http://127.0.0.1:{port} cannot be reached: Connection refused"
        )

    def test_port_0_is_unreachable(self):
        assert "http://127.0.0.1:0 cannot be reached: " in self.reason("http://127.0.0.1:0/")

    def test_an_unknown_name_is_unreachable(self, monkeypatch):
        def unknown(*arguments, **options):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        assert self.reason("http://nobody.example/") == (
            "http://nobody.example cannot be reached: Name or service not known"
        )

    def test_an_invalid_name_is_unreachable(self):
        assert "cannot be reached" in self.reason(f"http://{'a' * 64}.example/")

    def test_an_address_that_does_not_respond_is_a_timeout(self, monkeypatch):
        def silent(*arguments, **options):
            raise TimeoutError

        monkeypatch.setattr(socket, "create_connection", silent)
        with pytest.raises(ResponseTimeoutError, match=r"^no connection within 4 s$"):
            Target("http://10.0.0.1/").post([], b"")

    @pytest.mark.parametrize("slow", ["getaddrinfo", "create_connection"])
    def test_a_name_that_is_looked_up_or_connected_for_too_long_is_a_timeout(self, monkeypatch, slow):
        leave = Event()
        monkeypatch.setattr("clerk_webhook_verify.cli._http.CONNECT_TIMEOUT", 0.01)  # for each address
        monkeypatch.setattr(socket, slow, lambda *arguments, **options: leave.wait(10))
        try:
            with pytest.raises(ResponseTimeoutError, match=r"^no connection within 0\.05 s$"):
                Target("http://app.example/").post([], b"", timeout=0.05)
        finally:
            leave.set()

    def test_nothing_is_sent_over_a_connection_that_is_late(self, monkeypatch):
        leave, connect = Event(), socket.create_connection

        def late(*arguments, **options):
            leave.wait(10)
            return connect(*arguments, **options)

        monkeypatch.setattr(socket, "create_connection", late)
        with serving(lambda request: answer(200)) as endpoint:
            server = set(threading.enumerate())
            with pytest.raises(ResponseTimeoutError, match=r"^no connection within 0\.05 s$"):
                Target(endpoint.url).post([], b"", timeout=0.05)
            leave.set()
            for thread in set(threading.enumerate()) - server:
                thread.join()
        assert endpoint.received == []

    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform != "linux", reason="fills a queue of connections as Linux counts it")
    def test_nine_addresses_that_do_not_respond_take_no_longer_than_one(self, monkeypatch):
        with contextlib.ExitStack() as opened:
            addresses = [silent_address(opened) for _ in range(9)]
            resolved = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: resolved)
            start = time.monotonic()
            assert self.reason("http://many.example/", timeout=1) == "no connection within 1 s"
            assert time.monotonic() - start < 3

    @pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["head", "body"])
    def test_a_server_that_drips_is_a_timeout(self, start):
        with socket.create_server(("127.0.0.1", 0)) as server:

            def drip():
                connection, _ = server.accept()
                with connection, contextlib.suppress(OSError):
                    connection.sendall(start)
                    while True:
                        connection.sendall(b"x")
                        time.sleep(0.02)

            thread = Thread(target=drip)
            thread.start()
            with pytest.raises(ResponseTimeoutError, match=r"^no response within 0\.3 s$"):
                Target(f"http://127.0.0.1:{server.getsockname()[1]}/").post([], b"", timeout=0.3)
            thread.join()

    def test_a_server_that_hangs_is_a_timeout(self):
        leave = Event()

        def hang(request):
            leave.wait(10)
            return b""

        with serving(hang) as endpoint:
            try:
                with pytest.raises(ResponseTimeoutError, match=r"^no response within 0\.05 s$"):
                    Target(endpoint.url).post([], b"", timeout=0.05)
            finally:
                leave.set()

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (b"", "Remote end closed connection"),
            (b"SSH-2.0-\x1b[31mServer\r\n", r"SSH-2.0-\x1b[31mServer"),
            (b"220 " + b"x" * 1000 + b"\r\n", "220 " + "x" * 196),
            (b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000, "line"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", "3 bytes read, 6 more expected"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "0 bytes read, 9 more expected"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "IncompleteRead"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnumber\r\n", "IncompleteRead"),
        ],
        ids=["nothing", "no HTTP", "a long line", "an endless line", "cut", "no body", "a cut chunk", "no chunk"],
    )
    def test_an_incomplete_response_is_unreachable(self, reply, expected):
        with serving(lambda request: reply) as endpoint:
            reason = self.reason(endpoint.url)
        assert expected in reason
        assert len(reason) < 300

    def test_https_to_a_server_that_speaks_plain_http(self):
        with serving(lambda request: b"") as endpoint:
            assert "SSL" in self.reason(endpoint.url.replace("http", "https"))
        assert endpoint.received == []

    @pytest.mark.parametrize("header", [("x-a", "1\r\nX-Evil: 2"), ("x\u00e9", "1"), ("x a:", "1"), ("", "1")])
    def test_a_header_that_http_cannot_carry_is_not_sent(self, header):
        with serving(lambda request: answer(200)) as endpoint:
            assert "cannot be reached: " in self.reason(endpoint.url, [header])
        assert endpoint.received == []


class TestTheUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "localhost:3000/hook",
            "/hook",
            "ftp://localhost/hook",
            "file:///etc/passwd",
            "unix:/run/app.sock",
            "http:///hook",
            "http://",
            "http://:3000/hook",
            "http://localhost:port/",
            "http://localhost:65536/",
            "http://localhost:-1/",
            "http://[::1/",
            "http://user@localhost/",
            "http://user:password@localhost/",
        ],
    )
    def test_a_url_is_http_or_https_with_a_host_and_no_user(self, url):
        with pytest.raises(UsageError, match=r"^the URL should be http://HOST\[:PORT\]/PATH or https://\.\.\."):
            Target(url)

    @pytest.mark.parametrize("url", ["http://localhost/a b", "http://localhost/é", "http://lo\x00cal/", "http://ö.de/"])
    def test_a_url_is_ascii_without_spaces(self, url):
        with pytest.raises(UsageError, match="write it percent-encoded"):
            Target(url)

    @pytest.mark.parametrize(
        ("url", "port"),
        [
            ("http://h", 80),
            ("https://h", 443),
            ("http://h:3000", 3000),
            ("https://h:1/", 1),
            ("HTTP://h:/", 80),
            ("http://h:0", 0),
        ],
    )
    def test_the_port_is_the_schemes_unless_it_names_one(self, url, port):
        assert Target(url).port == port

    @pytest.mark.parametrize(
        ("host", "here"),
        [
            ("localhost", True),
            ("LOCALHOST:3000", True),
            ("127.0.0.1", True),
            ("127.9.9.9:1", True),
            ("[::1]:3000", True),
            ("[::ffff:127.0.0.1]", True),
            ("[::ffff:10.0.0.1]", False),
            ("127.1", False),
            ("127.example.com", False),
            ("127.0.0.1.example.com", False),
            ("localhost.example.com", False),
            ("10.0.0.1", False),
            ("0.0.0.0", False),
            ("[2001:db8::1]", False),
        ],
    )
    def test_loopback_is_an_address_or_localhost_but_no_other_name(self, host, here):
        assert Target(f"http://{host}/").is_loopback() is here


def test_headers_of_one_connection_are_removed():
    kept = [("svix-id", "msg_1"), ("Content-Type", "application/json"), ("X-Kept", "1"), ("X-Kept", "2")]
    dropped = ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"]
    dropped += [
        "Clerk-Webhook-Verify-Listen",
        "Trailer",
        "Transfer-Encoding",
        "UPGRADE",
        "expect",
        "Host",
        "Content-Length",
        "X-Hop",
        "x-other",
    ]
    pairs = [(name, "Keep-Alive, X-Hop ,x-OTHER" if name == "connection" else "1") for name in dropped]
    assert end_to_end([*kept[:2], *pairs, *kept[2:]]) == kept
    assert end_to_end([]) == []


@pytest.mark.parametrize("name", ["svix-id", "X_Two", "!#$%&'*+-.^_`|~09azAZ"])
def test_a_token_is_a_header_name(name):
    assert is_header_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Transfer-Encoding ",
        " a",
        "a b",
        "a:",
        "a\t",
        "a\n",
        "a\r",
        "a\0",
        "caf\xe9",
        "\u212a",
        "(a)",
        '"a"',
        "a\n\n",
    ],
)
def test_any_other_text_is_not_a_header_name(name):
    assert not is_header_name(name)


class TestPlainHttp:
    @pytest.mark.parametrize(
        "command", [["send"], ["replay", "capture", "--resign"], ["replay", "capture", "--new-id"]]
    )
    @pytest.mark.parametrize(
        "url",
        ["http://example.com/", "http://10.0.0.1:80/", "http://127.example.com/", "http://0.0.0.0/", "http://app:80/"],
    )
    def test_a_valid_signature_leaves_this_machine_by_https_only(self, capsys, monkeypatch, tmp_path, command, url):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert main([*command, "--to", url]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err == (
            "clerk-webhook-verify: valid signatures are sent over plain http to this machine only: use an https URL, "
            "or, inside a private network, --allow-plain-http\n"
        )

    @pytest.mark.parametrize("command", [["send"], ["replay", "capture", "--resign"]])
    @pytest.mark.parametrize("url", ["http://app:80/", "https://app/", "http://localhost:80/", "http://[::1]:80/"])
    def test_the_option_https_and_loopback_allow_it(self, capsys, monkeypatch, tmp_path, command, url):
        sent = []

        def post(target, headers, body):
            sent.append(target.url)
            return Response(204, [], b"", 0.1)

        monkeypatch.chdir(tmp_path)
        body = base64.b64encode(BODY).decode()
        (tmp_path / "capture").write_text(json.dumps({"headers": signed_headers(BODY), "body_b64": body}))
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        monkeypatch.setattr(Target, "post", post)
        options = ["--allow-plain-http"] if "app:" in url else []
        assert main([*command, "--to", url, *options]) == 0
        assert sent == [url]

    def test_stored_signatures_are_replayed_anywhere(self, capsys, monkeypatch, tmp_path):
        (tmp_path / "capture").write_bytes(b"POST / HTTP/1.1\r\n\r\n")
        monkeypatch.setattr(Target, "post", lambda *arguments: Response(204, [], b"", 0.1))
        assert main(["replay", str(tmp_path / "capture"), "--to", "http://example.com/"]) == 0


class TestTheUrlInArguments:
    @pytest.mark.parametrize("arguments", [["send"], ["replay", "file"], ["replay", "--delivery", "file"]])
    def test_the_url_is_required(self, capsys, arguments):
        assert main(arguments) == 2
        assert "pass the URL of the endpoint once, as URL or --to URL" in capsys.readouterr().err

    @pytest.mark.parametrize("arguments", [["send", "http://a/"], ["replay", "file", "http://a/"]])
    def test_a_second_url_is_rejected(self, capsys, arguments):
        assert main([*arguments, "--to", "http://b/"]) == 2
        assert "pass the URL of the endpoint once" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "arguments",
        [["FILE", "URL"], ["FILE", "--to", "URL"], ["--delivery", "FILE", "URL"], ["--delivery", "FILE", "--to", "URL"],
         ["FILE", "--json", "URL"]],
        ids=" ".join,
    )  # fmt: skip
    def test_replay_accepts_both_as_options_or_by_position(self, capsys, tmp_path, arguments):
        (tmp_path / "capture").write_bytes(b"POST / HTTP/1.1\r\n\r\n{}")
        with serving(lambda request: answer(204)) as endpoint:
            known = {"FILE": str(tmp_path / "capture"), "URL": endpoint.url}
            assert main(["replay", *(known.get(word, word) for word in arguments)]) == 0
        assert [request.body for request in endpoint.received] == [b"{}"]
