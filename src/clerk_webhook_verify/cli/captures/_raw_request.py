"""A raw HTTP request, as proxies and browsers show it: headers, an empty line, the body."""

from __future__ import annotations

import re
from contextlib import suppress
from io import BytesIO

from ..._headers import declared_length
from ...errors import BodyIncompleteError, MalformedHeaderError
from .._chunks import read_chunks
from .._options import UsageError
from ._capture import Capture

_FIRST_LINE = re.compile(rb"[A-Z]+ \S+ HTTP/\d(?:\.\d)?\r?\n|:?[\w-]+:[^\n]*\n")


def is_raw_request(content: bytes) -> bool:
    """Return whether *content* starts with the line of a request or of a header."""
    return _FIRST_LINE.match(content) is not None


def read_raw_request(content: bytes) -> Capture:
    """Read one request, with or without its first line."""
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
