"""Send one request to an http or https URL. It follows no redirect, uses no proxy variable and changes no byte."""

from __future__ import annotations

import re
import socket
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from ipaddress import ip_address
from threading import Event, Thread, Timer
from time import perf_counter
from urllib.parse import urlsplit

from ._options import UsageError, check_no_secret
from ._terminal import escape_control_chars

CONNECT_TIMEOUT = 4.0  # seconds, for each address of a name
MAX_RESPONSE = 1_048_576  # bytes
USER_AGENT = ("user-agent", "clerk-webhook-verify")  # firewalls reject requests without one

#: In each request that ``listen`` forwards, so that it recognizes a request that comes back to it.
LOOP_HEADER = "clerk-webhook-verify-listen"

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONNECTION_HEADERS = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"),
        *("trailer", "transfer-encoding", "upgrade", "expect", "host", "content-length", LOOP_HEADER),
    )
)


def end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return *headers* without those that concern one connection only, such as Host and Content-Length.

    https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
    """
    pairs = list(headers)
    named = ",".join(value for name, value in pairs if name.lower() == "connection").lower().split(",")
    dropped = _CONNECTION_HEADERS | {name.strip() for name in named}
    return [(name, value) for name, value in pairs if name.lower() not in dropped]


def is_header_name(text: str) -> bool:
    """Return whether *text* is a token: servers read other names differently, such as ``"Transfer-Encoding "``.

    https://www.rfc-editor.org/rfc/rfc9110#section-5.1
    """
    return _HEADER_NAME.fullmatch(text) is not None


class UnreachableError(Exception):
    """There is no response. The message is one line that is safe to print."""


class ResponseTimeoutError(UnreachableError):
    """The response did not come in time."""


class Response:
    """The response to a request."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes, seconds: float) -> None:
        self.status = status
        self.headers = headers
        self.body = body  #: Its first mebibyte.
        self.seconds = seconds  #: From the first byte sent to the last one received.

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

    Args:
        url: ``http://`` or ``https://``.
    Raises:
        UsageError: It is not such a URL.
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

    def post(
        self, headers: Iterable[tuple[str, str]], body: bytes, *, timeout: float = 30, method: str = "POST"
    ) -> Response:
        """Send *body* with *headers*, Host and Content-Length, and return the response.

        Args:
            headers: In order; a name may occur twice.
            body: The raw body.
            timeout: Seconds for the complete exchange.
            method: Of the request.
        Raises:
            ResponseTimeoutError: There was no complete response in time.
            UnreachableError: There was none for another reason.
        """
        connection_class = HTTPSConnection if self.scheme == "https" else HTTPConnection
        connection = connection_class(self.host, self.port, timeout=min(timeout, CONNECT_TIMEOUT))
        start = perf_counter()
        try:
            _connect(connection, timeout)
            with _time_limit(connection.sock, max(0.01, timeout - (perf_counter() - start))):
                connection.putrequest(method, self.path, skip_host=True, skip_accept_encoding=True)
                connection.putheader("Host", self.netloc)
                connection.putheader("Content-Length", str(len(body)))
                for name, value in headers:
                    connection.putheader(name, value.encode("latin-1", "replace"))
                connection.endheaders(body)
                response = connection.getresponse()
                content = response.read(MAX_RESPONSE)
            if response.length and len(content) < MAX_RESPONSE:
                raise IncompleteRead(content, response.length)
            return Response(response.status, response.getheaders(), content, perf_counter() - start)
        except TimeoutError:
            raise ResponseTimeoutError(f"no response within {timeout:g} s") from None
        except (OSError, HTTPException, ValueError) as error:  # ValueError: a header that HTTP cannot carry
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UnreachableError(
                f"{self.scheme}://{self.netloc} cannot be reached: {escape_control_chars(reason.strip()[:200])}"
            ) from None
        finally:
            connection.close()


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
        problem = "is given twice: pass it once, as URL or --to URL" if urls else "is required: --to URL, or URL"
        raise UsageError(f"the URL of the endpoint {problem}")
    check_no_secret(urls[0], "the URL of the endpoint")
    return Target(urls[0])


def check_plain_http(target: Target, arguments: Namespace) -> None:
    """Raise a UsageError if valid signatures would leave this machine unencrypted: others could reuse them."""
    if target.scheme == "http" and not target.is_loopback() and not arguments.allow_plain_http:
        raise UsageError(
            "valid signatures are sent over plain http to this machine only: use an https URL, or, inside a private "
            "network, --allow-plain-http"
        )


def _connect(connection: HTTPConnection, seconds: float) -> None:
    """Connect, in a thread: nothing else limits how long a name is looked up and how many addresses are tried."""
    errors: list[Exception] = []

    def connect() -> None:
        try:
            connection.connect()
        except Exception as error:  # any: it is raised below
            errors.append(error)

    thread = Thread(target=connect, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise ResponseTimeoutError(f"no connection within {seconds:g} s")
    for error in errors:
        if isinstance(error, TimeoutError):
            raise ResponseTimeoutError(f"no connection within {connection.timeout:g} s") from None
        raise error


@contextmanager
def _time_limit(sock: socket.socket, seconds: float) -> Iterator[None]:
    """Raise TimeoutError if the block takes longer: a socket's own timeout begins again with each byte that arrives."""
    expired = Event()

    def expire() -> None:
        expired.set()
        with suppress(OSError):  # the server has closed the connection
            sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, expire)
    timer.daemon = True
    sock.settimeout(seconds)
    timer.start()
    try:
        yield
    except (OSError, HTTPException, ValueError):
        if not expired.is_set():
            raise
    finally:
        timer.cancel()
    if expired.is_set():
        raise TimeoutError
