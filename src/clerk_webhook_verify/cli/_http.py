"""Send one request to an http or https URL. It follows no redirect, uses no proxy variable and changes no byte."""

from __future__ import annotations

from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from ipaddress import ip_address
from time import perf_counter
from urllib.parse import urlsplit

from .._headers import first_value
from ._options import UsageError
from ._terminal import escape_control_chars

MAX_ANSWER = 1_048_576  # bytes
USER_AGENT = ("user-agent", "clerk-webhook-verify")  # firewalls reject requests without one

_CONNECTION_HEADERS = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"),
        *("trailer", "transfer-encoding", "upgrade", "expect", "host", "content-length"),
    )
)


def end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return *headers* without those of one connection: Host, Content-Length, Connection and those that it names.

    https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
    """
    pairs = list(headers)
    named = ",".join(value for name, value in pairs if name.lower() == "connection").lower().split(",")
    dropped = _CONNECTION_HEADERS | {name.strip() for name in named}
    return [(name, value) for name, value in pairs if name.lower() not in dropped]


class UnreachableError(Exception):
    """There is no answer. The message says why, in one line that is safe to print."""


class AnswerTimeoutError(UnreachableError):
    """The answer did not come in time."""


class Answer:
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

    def header(self, name: str) -> str:
        """Return the value of the first header named *name*, in lower case; empty if there is none."""
        return first_value(self.headers, name)


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
            return ip_address(self.host).is_loopback
        except ValueError:  # a name, such as 127.example.com
            return self.host == "localhost"

    def post(
        self, headers: Iterable[tuple[str, str]], body: bytes, *, timeout: float = 30, method: str = "POST"
    ) -> Answer:
        """Send *body* with *headers*, Host and Content-Length, and return the answer.

        Args:
            headers: In order; a name may occur twice.
            body: The raw body.
            timeout: Seconds for each wait.
            method: Of the request.
        Raises:
            AnswerTimeoutError: There was no answer in time.
            UnreachableError: There was no complete answer for another reason.
        """
        connection_class = HTTPSConnection if self.scheme == "https" else HTTPConnection
        connection = connection_class(self.host, self.port, timeout=timeout)
        start = perf_counter()
        try:
            connection.putrequest(method, self.path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", self.netloc)
            connection.putheader("Content-Length", str(len(body)))
            for name, value in headers:
                connection.putheader(name, value.encode("latin-1", "replace"))
            connection.endheaders(body)
            response = connection.getresponse()
            content = response.read(MAX_ANSWER)
            if response.length and len(content) < MAX_ANSWER:
                raise IncompleteRead(content, response.length)
            return Answer(response.status, response.getheaders(), content, perf_counter() - start)
        except TimeoutError:
            raise AnswerTimeoutError(f"no answer within {timeout:g} s") from None
        except (OSError, HTTPException, ValueError) as error:  # ValueError: a header that HTTP cannot carry
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UnreachableError(
                f"{self.scheme}://{self.netloc} cannot be reached: {escape_control_chars(reason.strip()[:200])}"
            ) from None
        finally:
            connection.close()
