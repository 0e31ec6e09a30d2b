"""Text files as editors and shells write them: with a byte order mark, or in UTF-16."""

from __future__ import annotations

import codecs

#: UTF-32 comes first, since its mark begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",  # PowerShell's > writes this one
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def to_utf8(content: bytes) -> bytes:
    """Return a text in UTF-8 without byte order mark. Content that is not UTF-16 or UTF-32 is otherwise unchanged."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            text = content.removeprefix(mark)
            return text if encoding == "utf-8" else text.decode(encoding, "replace").encode()
    if content[1:2] == b"\0" and content[:1] != b"\0":  # without a mark: ASCII has a zero in every second byte
        return content.decode("utf-16-le", "replace").encode()
    if content[:1] == b"\0" and content[1:2] not in (b"", b"\0"):
        return content.decode("utf-16-be", "replace").encode()
    return content
