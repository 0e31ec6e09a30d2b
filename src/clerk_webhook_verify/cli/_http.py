"""Send one request to a URL without changing a byte, and check what RFC 9110 and RFC 9112 require of HTTP."""

from __future__ import annotations

import re
import socket
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from io import BufferedIOBase
from ipaddress import ip_address
from threading import Thread
from time import perf_counter
from urllib.parse import urlsplit

from ..errors import BodyIncompleteError, BodyTooLargeError, MalformedHeaderError
from ._options import MISPLACED, UsageError
from ._terminal import escape_control_chars

CONNECT_TIMEOUT = 4.0  # seconds, for each address of a name
MAX_RESPONSE = 1_048_576  # bytes
USER_AGENT = ("user-agent", "clerk-webhook-verify")  # firewalls reject requests without one

#: Lets ``listen`` recognize a request that it forwarded itself.
LOOP_HEADER = "clerk-webhook-verify-listen"

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_CONNECTION_HEADERS = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"),
        *("trailer", "transfer-encoding", "upgrade", "expect", "host", "content-length", LOOP_HEADER),
    )
)


def end_to_end(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return *headers* without those that concern one connection only, such as Host and Content-Length.

    https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
    """
    named = ",".join(value for name, value in headers if name.lower() == "connection").lower().split(",")
    dropped = _CONNECTION_HEADERS | {name.strip() for name in named}
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def is_header_name(text: str) -> bool:
    """Whether *text* is a token: servers read other names differently, such as ``"Transfer-Encoding "``.

    https://www.rfc-editor.org/rfc/rfc9110#section-5.1
    """
    return re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text) is not None


def read_chunks(stream: BufferedIOBase, limit: int | None = None) -> Iterator[bytes]:
    """Yield the content of each chunk of a body, of at most *limit* bytes. Trailers are left unread.

    https://www.rfc-editor.org/rfc/rfc9112#section-7.1

    Raises:
        MalformedHeaderError: The body is not in chunks.
        BodyTooLargeError: It exceeds the limit; that chunk is not read.
        BodyIncompleteError: It ends early; the beginning of the last chunk was yielded.
    """
    total = 0
    while line := stream.readline(1000):
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise MalformedHeaderError("transfer-encoding", "is chunked, but the body is not in chunks")
        size = int(match[1], 16)
        if size == 0:
            return
        total += size
        if limit is not None and total > limit:
            raise BodyTooLargeError(limit)
        chunk = stream.read(size + 2)  # with the newline after it
        yield chunk[:size]
        if len(chunk) < size + 2:
            break
        if not chunk.endswith(b"\r\n"):
            raise MalformedHeaderError("transfer-encoding", "is chunked, but a chunk is longer than it says")
    raise BodyIncompleteError


class UnreachableError(Exception):
    """There is no response. The message is one line that is safe to print."""


class ResponseTimeoutError(UnreachableError):
    """The response did not come in time."""


@dataclass(frozen=True)
class Response:
    """The response to a request."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    """Its first mebibyte."""
    seconds: float
    """For connection, request and response."""

    @property
    def is_success(self) -> bool:
        """Whether the sender would count it as delivered: 2xx."""
        return 200 <= self.status < 300

    @property
    def first_line(self) -> str:
        """The body's first line, at most 200 characters."""
        lines = self.body[:2000].decode("utf-8", "replace").strip().splitlines()
        return lines[0][:200] if lines else ""


class Target:
    """An endpoint to send requests to.

    Raises:
        UsageError: The URL is not one of http or https.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise UsageError("the URL should be http://HOST[:PORT]/PATH or https://..., without a user")
        self.url = url
        self.scheme = parts.scheme
        self.host = parts.hostname
        self.port = (443 if parts.scheme == "https" else 80) if port is None else port
        self.netloc = parts.netloc
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if any(not "!" <= char <= "~" for char in self.path + self.netloc):
            raise UsageError("the URL has a space or a character outside of ASCII: write it percent-encoded")

    def is_loopback(self) -> bool:
        """Whether requests stay on this machine."""
        try:
            address = ip_address(self.host)
        except ValueError:  # a name, such as 127.example.com
            return self.host == "localhost"
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback

    def post(self, headers: Iterable[tuple[str, str]], body: bytes, *, timeout: float = 30) -> Response:
        """Send *body* with *headers*, Host and Content-Length, and return the response. It follows no redirect.

        Args:
            headers: In order; a name may occur twice.
            body: The raw body.
            timeout: Seconds for the complete exchange.
        Raises:
            ResponseTimeoutError: There was no complete response in time.
            UnreachableError: There was none for another reason.
        """
        connection_class = HTTPSConnection if self.scheme == "https" else HTTPConnection
        connection = connection_class(self.host, self.port, timeout=min(timeout, CONNECT_TIMEOUT))
        start = perf_counter()
        sockets: list[socket.socket] = []
        results: list[Response | Exception] = []

        def exchange() -> None:
            try:
                with closing(connection):
                    connection.connect()
                    sockets.append(connection.sock)
                    if perf_counter() - start > timeout:
                        raise TimeoutError  # post() has returned: send nothing
                    connection.sock.settimeout(timeout)
                    connection.putrequest("POST", self.path, skip_host=True, skip_accept_encoding=True)
                    connection.putheader("Host", self.netloc)
                    connection.putheader("Content-Length", str(len(body)))
                    for name, value in headers:
                        connection.putheader(name, value.encode("latin-1", "replace"))
                    connection.endheaders(body)
                    response = connection.getresponse()
                    content = response.read(MAX_RESPONSE)
                    if response.length and len(content) < MAX_RESPONSE:
                        raise IncompleteRead(content, response.length)
                results.append(Response(response.status, response.getheaders(), content, perf_counter() - start))
            except Exception as error:  # any: it is raised below
                results.append(error)

        # A socket's own timeout begins again with each address of a name, and with each byte that arrives.
        thread = Thread(target=exchange, daemon=True)
        thread.start()
        thread.join(timeout)
        try:
            if thread.is_alive():
                for sock in sockets:
                    with suppress(OSError):  # the server has closed the connection
                        sock.shutdown(socket.SHUT_RDWR)
                raise TimeoutError
            if isinstance(results[0], Exception):
                raise results[0]
            return results[0]
        except TimeoutError:
            # connect() raises the timeout of the last address; if it did not end, the time limit is the reason.
            seconds = connection.timeout if results and not sockets else timeout
            missing = "response" if sockets else "connection"
            raise ResponseTimeoutError(f"no {missing} within {seconds:g} s") from None
        except (OSError, HTTPException, ValueError) as error:  # ValueError: a header that HTTP cannot carry
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UnreachableError(
                f"{self.scheme}://{self.netloc} cannot be reached: {escape_control_chars(reason.strip()[:200])}"
            ) from None


def add_target_options(parser: ArgumentParser) -> None:
    """Add the endpoint, as ``URL`` or as an option, and ``--allow-plain-http``."""
    parser.add_argument("url", nargs="?", metavar="URL", help="the endpoint: https, or http on this machine")
    parser.add_argument("--to", metavar="URL", help="the same as URL")
    parser.add_argument(
        "--allow-plain-http",
        action="store_true",
        help="send valid signatures over http to another host: only inside a private network, such as Docker Compose",
    )


def target_from_args(arguments: Namespace) -> Target:
    """Return the endpoint in the arguments; raise a UsageError unless it is one URL of http or https."""
    urls = [url for url in (arguments.url, arguments.to) if url is not None]
    if len(urls) != 1:
        raise UsageError("pass the URL of the endpoint once, as URL or --to URL")
    if "whsec_" in urls[0]:
        raise UsageError(MISPLACED)
    return Target(urls[0])


def check_plain_http(target: Target, arguments: Namespace) -> None:
    """Raise a UsageError if valid signatures would leave this machine unencrypted: others could reuse them."""
    if target.scheme == "http" and not target.is_loopback() and not arguments.allow_plain_http:
        raise UsageError(
            "valid signatures are sent over plain http to this machine only: use an https URL, or, inside a private "
            "network, --allow-plain-http"
        )
