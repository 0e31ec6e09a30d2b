"""Causes in the body."""

from __future__ import annotations

import json
import re
import zlib
from binascii import a2b_base64
from collections.abc import Iterable, Iterator
from itertools import accumulate, permutations
from typing import Any

from .._body import RAW_BODY_ADVICE
from ._cause import CauseTable, Finding
from ._delivery import RejectedDelivery

_VERIFY_RAW_BODY = f"verify the raw body, before any parsing: {RAW_BODY_ADVICE}"
_MAX_INFLATED = 8_000_000  # bytes
_MAX_DEPTH = 200  # of JSON to serialize: indents grow with its square, and the encoder's recursion is limited
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')  # (?:[^"\\]|\\.)* takes 120 bytes for each character
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]{8,}={0,2}\s*")
_ESCAPED = {"Go": {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}, "PHP": {"/": "\\/"}}

causes = CauseTable()


def _first_match(delivery: RejectedDelivery, changes: Iterable[tuple[str, bytes]]) -> Finding | None:
    """Confirm the first of some changes, each with the body that results, after which the signature matches."""
    tried = {delivery.body}
    for change, body in changes:
        if body not in tried:
            tried.add(body)
            if delivery.matches(body=body):
                return Finding("confirmed", f"the signature matches {change}")
    return None


@causes.add("empty_body", fix=f"check what reads the body first, such as middleware, and {_VERIFY_RAW_BODY}")
def empty_body(delivery: RejectedDelivery) -> Finding | None:
    if delivery.body:
        return None
    if delivery.declared_length:
        return Finding("confirmed", f"the body is empty, but Content-Length declares {delivery.declared_length} bytes")
    return Finding("likely", "the body is empty, and Clerk never sends an empty one")


@causes.add(
    "trailing_newline",
    fix=f"{_VERIFY_RAW_BODY}; in files keep the end unchanged: editors and echo add a newline, curl -d removes it, "
    "printf '%s' and curl --data-binary do neither",
)
def trailing_newline(delivery: RejectedDelivery) -> Finding | None:
    body = delivery.body
    return _first_match(
        delivery,
        [
            ("without the trailing newline", body.rstrip(b"\r\n")),
            ("with one less trailing newline", re.sub(rb"\r?\n\Z", b"", body)),
            ("with a trailing newline", body + b"\n"),
            ("with a trailing newline (CR LF)", body + b"\r\n"),
        ],
    )


@causes.add("byte_order_mark", fix="store the body without a byte order mark: in an editor choose plain UTF-8")
def byte_order_mark(delivery: RejectedDelivery) -> Finding | None:
    without = delivery.body.removeprefix(_BYTE_ORDER_MARK)
    return _first_match(
        delivery,
        [
            ("without the byte order mark", without),
            ("without the byte order mark and the trailing newline", without.rstrip(b"\r\n")),
            ("with a byte order mark", _BYTE_ORDER_MARK + delivery.body),
        ],
    )


@causes.add(
    "line_endings", fix="read and write the body as binary ('rb', 'wb'), and turn off git's autocrlf for such files"
)
def line_endings(delivery: RejectedDelivery) -> Finding | None:
    body = delivery.body
    return _first_match(
        delivery,
        [
            ("with LF instead of CR LF", body.replace(b"\r\n", b"\n")),
            ("with CR LF instead of LF", re.sub(rb"\r?\n", b"\r\n", body)),
            ("with LF instead of CR LF and no trailing newline", body.replace(b"\r\n", b"\n").rstrip(b"\n")),
            ("without newlines", re.sub(rb"\r?\n", b"", body)),
        ],
    )


@causes.add("reserialized_body", fix=f"{_VERIFY_RAW_BODY}; never json.dumps(request.json)")
def reserialized_body(delivery: RejectedDelivery) -> Finding | None:
    body = delivery.body
    try:
        payload = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    if _depth(body) > _MAX_DEPTH:
        return None
    finding = _first_match(
        delivery,
        (
            (f"after serializing the JSON {how}", text.encode("utf-8", "surrogatepass"))
            for how, text in _serializations(payload, is_small=len(body) < 50_000)
        ),
    )
    if finding is not None:
        return finding
    if delivery.declared_length is not None and delivery.declared_length != len(body):
        return Finding(
            "likely",
            f"the body is complete JSON of {len(body)} bytes, but Content-Length declares {delivery.declared_length}",
        )
    # If the keys were still in their order, one of the serializations would have matched
    if re.search(rb"\s", _STRING.sub(b"", body)) and _compact(payload) == _compact(_sorted(payload)):
        return Finding("likely", "the JSON has sorted keys, and spaces between its parts, which Clerk does not send")
    return None


def _depth(body: bytes) -> int:
    """Return how deeply the JSON in *body* is nested."""
    brackets = re.sub(rb"[^][{}]", b"", _STRING.sub(b"", body))
    return max(accumulate((1 if bracket in b"[{" else -1 for bracket in brackets), initial=0))


def _serializations(payload: Any, *, is_small: bool) -> Iterator[tuple[str, str]]:
    """Yield the forms in which a sender may have serialized *payload*, the most likely first."""
    for order, value in (("", payload), (", with sorted keys", _sorted(payload))):
        compact = _compact(value)
        yield f"compactly{order}", compact
        if not compact.isascii():
            yield f"compactly in ASCII{order}", json.dumps(value, separators=(",", ":"))
        for escaper, chars in _ESCAPED.items():
            escaped = compact
            for char, escape in chars.items():
                escaped = escaped.replace(char, escape)
            yield f"compactly, escaped as in {escaper}{order}", escaped
        if is_small:
            yield f"with json.dumps(){order}", json.dumps(value)
            yield f"with json.dumps(ensure_ascii=False){order}", json.dumps(value, ensure_ascii=False)
            for indent in (2, 4):
                yield f"with an indent of {indent}{order}", json.dumps(value, indent=indent, ensure_ascii=False)
    if is_small and isinstance(payload, dict) and len(payload) <= 6:
        for keys in permutations(payload):
            yield "compactly, with its keys in another order", _compact({key: payload[key] for key in keys})


def _compact(payload: Any) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def _sorted(payload: Any) -> Any:
    return json.loads(json.dumps(payload, sort_keys=True))


@causes.add("wrong_charset", fix=f"{_VERIFY_RAW_BODY}; if you need a string, decode and encode it as UTF-8")
def wrong_charset(delivery: RejectedDelivery) -> Finding | None:
    body = delivery.body
    finding = None if body.isascii() and b"\0" not in body else _first_match(delivery, _conversions_undone(body))
    if finding is None and "\ufffd".encode() in body:
        return Finding("likely", "the body contains U+FFFD, which replaces bytes that could not be decoded")
    return finding


def _conversions_undone(body: bytes) -> Iterator[tuple[str, bytes]]:
    for charset in ("utf-16", "latin-1", "cp1252"):
        for source, target in ((charset, "utf-8"), ("utf-8", charset)):
            try:
                original = body.decode(target).encode(source)
            except UnicodeError:
                continue
            yield f"after undoing a conversion from {source} to {target}", original


@causes.add("base64_body", fix="decode the body from base64 first: API gateways encode it and set isBase64Encoded")
def base64_body(delivery: RejectedDelivery) -> Finding | None:
    if not _BASE64.fullmatch(delivery.body):
        return None
    try:
        decoded = a2b_base64(delivery.body)
    except ValueError:
        return None
    if delivery.matches(body=decoded):
        return Finding("confirmed", "the signature matches after decoding from base64")
    if decoded.startswith(b"{"):
        return Finding("likely", "the body is base64, and what it encodes looks like JSON")
    return None


@causes.add("compressed_body", fix="verify the body before it is compressed: turn off request compression in proxies")
def compressed_body(delivery: RejectedDelivery) -> Finding | None:
    inflated = _inflated(delivery.body)
    if inflated is None:
        return None
    if delivery.matches(body=inflated):
        return Finding("confirmed", "the signature matches after decompressing")
    return Finding("likely", "the body is compressed, and Clerk never compresses one")


def _inflated(body: bytes) -> bytes | None:
    """Decompress gzip, zlib or deflate, up to some megabytes; None if the body is none of them."""
    for bits in (31, 15, -15) if body[:1] in (b"\x1f", b"\x78") else (-15,):
        if bits == -15 and body[:1] in (b"{", b"[", b" ", b"\n"):
            continue
        try:
            unpacker = zlib.decompressobj(bits)
            content = unpacker.decompress(body, _MAX_INFLATED)
        except zlib.error:
            continue
        if unpacker.eof or unpacker.unconsumed_tail:
            return content
    return None


@causes.add(
    "truncated_body", fix="read the complete body: as many bytes as Content-Length declares, or up to the last chunk"
)
def truncated_body(delivery: RejectedDelivery) -> Finding | None:
    length, declared = len(delivery.body), delivery.declared_length
    if not _breaks_off(delivery.body) or (declared is not None and declared <= length):
        return None
    if declared is None:
        return Finding("likely", f"the body is JSON that breaks off after {length} bytes")
    return Finding("confirmed", f"the body has {length} bytes, but Content-Length declares {declared}")


def _breaks_off(body: bytes) -> bool:
    text = body.decode("utf-8", "replace")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
    except (ValueError, RecursionError):
        return False
    return False
