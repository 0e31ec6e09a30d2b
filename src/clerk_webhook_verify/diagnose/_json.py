"""JSON text of unknown origin, parsed only if the result takes little memory."""

from __future__ import annotations

import re
from itertools import accumulate
from json import JSONDecodeError, JSONDecoder
from typing import Any

from .._payload import read_float, read_int

_MAX_MEMORY = 64_000_000  # bytes of one parsed body: a sorted copy of it and the text of that exist at the same time
_MAX_DEPTH = 200  # indents grow with its square, and the encoder's recursion is limited
_PUNCTUATION = (b"{", b"}", b"[", b"]", b",", b":", b'"')
_BYTES_PER_MARK = 60  # of punctuation: the most that the objects of CPython 3.10 to 3.14 take, on average
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_NESTING = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_OUTSIDE_STRINGS = b"{}[],:0123456789.+-eE" + b"truefalsenull"
_STRING = re.compile('"[^"]*"')
_MISPLACED = re.compile(rb"[\[{,:][,:]|[,:][\]}]|[0-9\]}][\[{]|\[}|{]")  # without strings and spaces

# Control characters in strings and NaN are accepted: what changed the payload may have written them
_decoder = JSONDecoder(strict=False, parse_int=read_int, parse_float=read_float)


def is_small(text: bytes) -> bool:
    """Return whether *text* can be parsed and serialized: in little memory, without too much recursion."""
    characters = len(text) * (2 if text.isascii() else 8)  # as text, and again in the parsed strings
    memory = characters + _BYTES_PER_MARK * sum(map(text.count, _PUNCTUATION))
    return memory <= _MAX_MEMORY and _depth(text) <= _MAX_DEPTH


def parse(text: bytes) -> Any:
    """Return the object, array or string in JSON text; None if it is something else."""
    try:
        value = _decoder.decode(text.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict | list | str) else None


def breaks_off(text: bytes) -> bool:
    """Return whether *text* is the beginning of a JSON object or array."""
    beginning = text.decode("utf-8", "replace").strip()
    if not beginning.startswith(("{", "[")):
        return False
    try:
        _decoder.decode(beginning)
    except JSONDecodeError as error:
        return error.pos >= len(beginning) or "Unterminated" in error.msg
    return False


def looks_like_json(text: bytes) -> bool:
    """Return whether *text* is an object or an array as far as its punctuation shows, without parsing it."""
    rest = without_strings(text, "0").translate(None, b" \t\r\n")
    return (
        rest[:1] in (b"{", b"[")
        and rest.count(b"{") == rest.count(b"}")
        and rest.count(b"[") == rest.count(b"]")
        and not rest.translate(None, _OUTSIDE_STRINGS)
        and not _MISPLACED.search(rest)
    )


def without_strings(text: bytes, replacement: str = "") -> bytes:
    """Return JSON text without its strings, or with a *replacement* in their places."""
    unescaped = text.replace(rb"\\", b"").replace(rb"\"", b"")
    # As str, because joining millions of pieces of bytes takes 80 bytes for each
    return _STRING.sub(replacement, unescaped.decode("latin-1")).encode("latin-1")


def _depth(text: bytes) -> int:
    brackets = without_strings(text).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_NESTING.__getitem__, brackets)), default=0)
