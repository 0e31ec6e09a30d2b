"""A stored request, and its formats of text: raw HTTP and a curl command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO

from ..._headers import SVIX_HEADERS, WEBHOOK_HEADERS, declared_length, first_value
from ..._payload import parse_payload
from ...errors import BodyIncompleteError, InvalidPayloadError, MalformedHeaderError
from .._http import is_header_name, read_chunks
from .._options import UsageError

_LARGEST_EVENT = 1_048_576  # bytes: parsed, unverified JSON takes up to a hundred times as many


@dataclass
class Capture:
    """One stored request, unchanged."""

    headers: list[tuple[str, str]]
    body: bytes
    received_at: float | None = None
    """Unix seconds, if the capture has them."""
    is_delivery: bool = False
    """Whether its writer received it as a delivery."""
    code: str | None = None
    """Why its writer rejected it; None if it did not, or if that is unknown."""
    place: str = ""
    """Where it was read, "line 3"."""
    number: int = 1
    """The number in the place."""

    def header(self, name: str) -> str:
        """Return the first value of a header, by its name in lower case; empty if there is none."""
        return first_value(self.headers, name)

    @property
    def message_id(self) -> str:
        """The unverified id in the header; empty without one."""
        return (self.header("svix-id") or self.header("webhook-id")).strip(" \t")

    @property
    def timestamp(self) -> str:
        """The unverified timestamp in the header; empty without one."""
        return self.header("svix-timestamp") or self.header("webhook-timestamp")

    @property
    def event_type(self) -> str:
        """The unverified type in the payload; empty if it is not an event, or too large for one."""
        if len(self.body) > _LARGEST_EVENT:
            return ""
        try:
            return parse_payload(self.body, "")[0]
        except InvalidPayloadError:
            return ""

    @property
    def has_signature_header(self) -> bool:
        """Whether there is a header of a delivery, or one that was renamed in transit: ``HTTP_SVIX_ID``."""
        names = (name.lower().replace("_", "-") for name, _ in self.headers)
        return any(name.endswith(SVIX_HEADERS + WEBHOOK_HEADERS) for name in names)

    def check_headers(self) -> None:
        """Raise a UsageError, which continues "line 3 ...", if a header would be read differently when it is sent."""
        for name, value in self.headers:
            if not is_header_name(name):
                raise UsageError("has a header whose name is not one that HTTP allows, with a space for example")
            if any(char in value for char in "\r\n\0"):
                raise UsageError("has a header whose value contains a line break")


_RAW_REQUEST = re.compile(rb"[A-Z]+ \S+ HTTP/\d(?:\.\d)?\r?\n|:?[\w-]+:[^\n]*\n")


def read_raw_request(content: bytes) -> Capture | None:
    """Read a request as proxies and browsers show it, with or without its first line; None for another format."""
    if not _RAW_REQUEST.match(content):
        return None
    head, body = [*re.split(rb"\r?\n\r?\n", content, maxsplit=1), b""][:2]
    lines = re.split(r"\r?\n", head.decode("latin-1"))
    if ":" not in lines[0].split(" ")[0]:  # the request line
        lines = lines[1:]
    headers = []
    for line in lines:
        name, colon, value = line.removeprefix(":").partition(":")
        if not colon and line.strip():
            raise UsageError("the raw request has a line among its headers that is not a header, Name: value")
        if colon and not line.startswith(":"):  # HTTP/2's own, ":authority: example.com"
            headers.append((name, value.strip(" \t")))
    capture = Capture(headers, body)
    if "chunked" in capture.header("transfer-encoding").lower():
        capture.body = _join_chunks(body)
    else:
        declared = declared_length(capture.header("content-length"))
        if declared is not None and not body[declared:].strip():
            capture.body = body[:declared]  # an editor adds a newline at the end of a file
    return capture


def _join_chunks(body: bytes) -> bytes:
    """Return the content of the chunks; *body* unchanged if it is not in chunks."""
    chunks: list[bytes] = []
    with suppress(BodyIncompleteError, MalformedHeaderError):
        for chunk in read_chunks(BytesIO(body)):
            chunks.append(chunk)
    return b"".join(chunks) or body


_CURL = re.compile(rb"\s*(\$\s*)?curl(\.exe)?\s")
_HEADER_OPTIONS = ("-H", "--header")
_BODY_OPTIONS = ("-d", "--data", "--data-ascii", "--data-binary", "--data-raw", "--json")
_FORM_OPTIONS = ("-F", "--form", "--data-urlencode")


def read_curl(content: bytes) -> Capture | None:
    """Read the request that a curl command, for bash or cmd.exe, would send; None for another format. It is not run."""
    if not _CURL.match(content):
        return None
    headers: list[tuple[str, str]] = []
    data: list[bytes] = []
    for option, value in _curl_options(content.decode("utf-8", "surrogateescape").strip().lstrip("$ ")):
        if option in _HEADER_OPTIONS:
            name, colon, text = value.partition(":")
            if colon:
                headers.append((name, text.strip(" \t")))
        elif value.startswith("@"):
            raise UsageError("the curl command reads its body from a file: pass that as --payload, with --id, ...")
        else:
            data.append(value.encode("utf-8", "surrogateescape"))
    return Capture(headers, b"&".join(data))


def _curl_options(command: str) -> Iterator[tuple[str, str]]:
    """Yield the options for headers and body with their values."""
    rest = iter(_words(command)[1:])
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        if name in _FORM_OPTIONS:
            raise UsageError(f"the curl command has {name}, which sends another body than JSON: not a delivery")
        if name in _HEADER_OPTIONS + _BODY_OPTIONS:
            following = value if equals else next(rest, None)
            if following is None:
                raise UsageError(f"the curl command ends after {name}: it is truncated")
            yield name, following


#: bash: browsers write ``$'...'``, which shlex does not know.
_BASH = re.compile(
    r"""
    (?P<space>(?:\s|\\\n)+)
    | \$'(?P<ansi>[^'\\]*(?:\\.[^'\\]*)*)'
    | '(?P<single>[^']*)'
    | "(?P<double>[^"\\]*(?:\\.[^"\\]*)*)"
    | \\(?P<escaped>.)
    | (?P<plain>[^\s'"\\$]+|\$)
    """,
    re.VERBOSE | re.DOTALL,
)
_ANSI = re.compile(
    r"((?:\\u[0-9A-Fa-f]{4})+)|\\(?:U([0-9A-Fa-f]{1,8})|x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL
)
_ANSI_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}

#: cmd.exe: browsers write a caret before special characters, ``\"`` or ``""`` for a quote. Older ones write only the
#: line breaks with a caret, and so keep those in the text.
#: https://github.com/ChromeDevTools/devtools-frontend/blob/main/front_end/panels/network/NetworkLogView.ts
_CMD = re.compile(r"""(?P<space>\s+)|"(?P<cmd>[^"\\]*(?:(?:\\.|"")[^"\\]*)*)"|(?P<plain>[^\s"]+)""", re.DOTALL)
_FOR_CMD = re.compile(r"""[^'"]*\^"|.*\^\r?\n""")
_CARET = re.compile(r"\^(\n?)(.?)", re.DOTALL)


def _words(command: str) -> list[str]:
    """Split a command as its shell does, and remove the quotes."""
    grammar = _BASH
    if _FOR_CMD.match(command):
        grammar = _CMD
        command = command.replace("\r\n", "\n")
        command = _CARET.sub(r"\2", command) if '^"' in command else command.replace("^\n", "")
        command = command.rstrip()  # a truncated command ends in a caret
    words: list[list[str]] = [[]]
    position = 0
    while position < len(command):
        part = grammar.match(command, position)
        if part is None:
            raise UsageError("the curl command has a quote that is not closed: it is truncated")
        position = part.end()
        if part.lastgroup != "space":
            words[-1].append(_unquoted(part))
        else:
            words.append([])
    return ["".join(parts) for parts in words]


def _unquoted(part: re.Match[str]) -> str:
    kind = str(part.lastgroup)
    if kind == "ansi":
        return _ANSI.sub(_ansi_chars, part["ansi"])
    if kind == "double":
        return re.sub(r'\\(?:([\\"$`])|\n)', r"\1", part["double"])
    if kind == "cmd":
        return re.sub(r'[\\"]([\\"])', r"\1", part["cmd"])
    return part[kind]


def _ansi_chars(escape: re.Match[str]) -> str:
    utf_16, utf_32, hexadecimal, octal, letter = escape.groups()
    if utf_16 is not None:  # in browsers, so an emoji is two
        return bytes.fromhex(utf_16.replace("\\u", "")).decode("utf-16-be", "replace")
    if utf_32 is not None:
        return bytes.fromhex(utf_32.zfill(8)).decode("utf-32-be", "replace")
    if letter is not None:
        return _ANSI_LETTERS.get(letter, letter)
    byte = int(hexadecimal, 16) if hexadecimal else int(octal, 8) & 255
    return bytes([byte]).decode("utf-8", "surrogateescape")
