"""The chunked transfer coding: https://www.rfc-editor.org/rfc/rfc9112#section-7.1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BufferedIOBase

from ..errors import BodyIncompleteError, BodyTooLargeError, MalformedHeaderError

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_LONGEST_LINE = 1000  # bytes


def read_chunks(stream: BufferedIOBase, limit: int | None = None) -> Iterator[bytes]:
    """Yield the content of each chunk of a body. Trailers are left unread.

    Args:
        stream: At the start of the body.
        limit: The largest body to read, in bytes.
    Raises:
        MalformedHeaderError: The body is not in chunks.
        BodyTooLargeError: It exceeds the limit; that chunk is not read.
        BodyIncompleteError: It ends early; the beginning of the last chunk was yielded.
    """
    total = 0
    while size := _read_size(stream):
        total += size
        if limit is not None and total > limit:
            raise BodyTooLargeError(limit)
        chunk = stream.read(size + 2)  # with the newline after it
        yield chunk[:size]
        if len(chunk) < size + 2:
            raise BodyIncompleteError
        if not chunk.endswith(b"\r\n"):
            raise MalformedHeaderError("transfer-encoding", "is chunked, but a chunk is longer than it says")


def _read_size(stream: BufferedIOBase) -> int:
    line = stream.readline(_LONGEST_LINE)
    size = _SIZE_LINE.fullmatch(line)
    if size is None:
        if not line:
            raise BodyIncompleteError
        raise MalformedHeaderError("transfer-encoding", "is chunked, but the body is not in chunks")
    return int(size[1], 16)
