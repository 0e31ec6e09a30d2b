"""Causes around the body: base64, compression, and other encodings and wrappers."""

from __future__ import annotations

import html
import json
import re
import zlib
from binascii import a2b_base64, a2b_qp
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from ._body import VERIFY_RAW_BODY
from ._probe import CauseTable, Finding, RejectedDelivery, parse
from ._serialization import compact, serializations

_MAX_INFLATED = 8_000_000  # bytes
_MAX_UNDONE = 500_000  # bytes of a body of which encodings are undone one after the other
_MAX_LAYERS = 4
_MAX_HELD = 20_000_000  # bytes of the contents of a body that are searched
_MAX_FIELDS = 100  # of a form
_MAX_CONTAINERS = 1000  # in a wrapping object
_SHORTEST = 20  # characters of a string that may contain a body

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[^\r\n]{0,100})?\r?\n")
_QUOTED = [rf"{quote}[^{quote}\\\x00-\x1f]*(?:\\[\\'\"nrtxuU][^{quote}\\\x00-\x1f]*)*{quote}" for quote in "'\""]
_PYTHON_STRING = f"b?(?:{_QUOTED[0]}|{_QUOTED[1]})"
_PYTHON_BYTES_OR_TEXT = re.compile(rf"(?:bytearray\()?({_PYTHON_STRING})\)?")
_PYTHON_CONTAINER = re.compile(r"(?:[\w.]+\(|<\w+: )?([\[{(].*[\]})])[)>]?", re.DOTALL)
_PYTHON_TOKEN = re.compile(rf"{_PYTHON_STRING}|\b(?:True|False|None)\b|,?\)|\(")
_JSON_OF_PYTHON = {"True": "true", "False": "false", "None": "null", "(": "[", ")": "]", ",)": "]"}
_TEXT_OF_PYTHON = re.compile(
    rb"\Ab['\"]\{|'\w{1,100}': |\A(?!<).{0,1000}?(?:\A|[ (])[a-z]\w{0,100}=(?:'|None\b(?!&))", re.DOTALL
)
_TEXT_OF_OBJECT = re.compile(
    rb"<.{1,300} at 0x[0-9a-fA-F]+>+|<(?:Request|bound method) .{1,300}>|\[object \w{1,40}\]|None|undefined"
)

causes = CauseTable()


@causes.add(fix="decode the body from base64 first: API gateways encode it and set isBase64Encoded")
def base64_body(delivery: RejectedDelivery) -> Finding | None:
    decoded = delivery.body
    for times in ("", ", twice", ", three times"):
        decoded = next(_from_base64(decoded), b"")
        confirmed = delivery.confirm([(f"after decoding from base64{times}", decoded)]) if decoded else None
        if confirmed:
            return confirmed
        if decoded.startswith(b"{"):
            return Finding("likely", f"the body is base64{times}, and encodes what looks like JSON")
    return None


@causes.add(fix="verify the body before it is compressed: turn off request compression in proxies")
def compressed_body(delivery: RejectedDelivery) -> Finding | None:
    inflated = next(_inflated(delivery.body), None)
    if inflated is None:
        return None
    confirmed = delivery.confirm([("after decompressing", inflated)])
    return confirmed or Finding("likely", "the body is compressed, and Clerk never compresses one")


@causes.add(
    fix=f"{VERIFY_RAW_BODY}; str(), repr() and json.dumps() change it, gateways and queues wrap it in "
    "their own event, forms and templates escape it, and some servers pass on the sizes of chunks: undo that first"
)
def encoded_body(delivery: RejectedDelivery) -> Finding | None:
    body, budget = delivery.body, delivery.budget
    if not budget.allows(len(body) <= _MAX_UNDONE):
        return None
    likely = None
    for layers, content in _contents(body, budget.has_time):
        undone = f"after undoing: {', '.join(layers)}"
        confirmed = delivery.confirm((undone, form) for form in _forms(content))
        if confirmed:
            return confirmed
        if not likely and _is_event(parse(content)) and not _is_event(parse(body)):
            likely = Finding("likely", f"an event is in the body, {undone}")
        if not budget.has_time():
            break
    if likely:
        return likely
    if _TEXT_OF_OBJECT.fullmatch(body):
        return Finding("likely", "the body is the name of an object in Python or JavaScript, not its content")
    if not delivery.is_json and _TEXT_OF_PYTHON.search(body):
        return Finding("likely", "the body looks like str() or repr() of a Python object")
    return None


def _contents(body: bytes, has_time: Callable[[], bool]) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Yield each content of *body* with the layers around it, the outermost first. Fewer layers come first."""
    held: list[tuple[tuple[str, ...], bytes]] = [((), body)]
    seen, length = {hash(body)}, 0
    for outer_layers, outer in held:  # grows in the loop
        for name, undo in _LAYERS.items():
            for content in undo(outer) if has_time() else ():
                if hash(content) in seen:
                    continue
                seen.add(hash(content))
                layers = (*outer_layers, name)
                yield layers, content
                if len(content) <= _MAX_UNDONE and len(layers) < _MAX_LAYERS and length < _MAX_HELD:
                    held.append((layers, content))
                    length += len(content)


def _forms(content: bytes) -> Iterator[bytes]:
    yield content
    yield content.strip()
    payload = parse(content)
    if isinstance(payload, dict | list):
        for _, text in serializations(payload, fully=False):
            yield text


def _is_event(payload: Any) -> bool:
    """Return whether this is an event, and not one of another vocabulary that has an event as its data."""
    if not isinstance(payload, dict) or not isinstance(payload.get("type"), str):
        return False
    data = payload.get("data")
    return isinstance(data, dict) and not _is_event(data)


def _from_base64(body: bytes) -> Iterator[bytes]:
    encoded = body.partition(b";base64,")[2] if body.startswith(b"data:") else body
    text = encoded.translate(bytes.maketrans(b"-_", b"+/"), b" \t\r\n").rstrip(b"=")
    if re.fullmatch(rb"[A-Za-z0-9+/]{20,}", text) and len(text) % 4 != 1:
        yield a2b_base64(text + b"==")


def _inflated(body: bytes) -> Iterator[bytes]:
    """Yield what is compressed by gzip, zlib or deflate, up to some megabytes of it."""
    for bits in (zlib.MAX_WBITS + 32, -zlib.MAX_WBITS) if body[:1] not in b"{[ \n" else ():
        unpacker = zlib.decompressobj(bits)
        with suppress(zlib.error):
            content = unpacker.decompress(body, _MAX_INFLATED)
            if unpacker.eof or unpacker.unconsumed_tail:
                yield content
                return


def _from_hexadecimal(body: bytes) -> Iterator[bytes]:
    digits = re.fullmatch(rb"\s*(?:\\x|0x)?([0-9A-Fa-f]{20,})\s*", body)  # \\x: a bytea column of PostgreSQL
    if digits and len(digits[1]) % 2 == 0:
        yield bytes.fromhex(digits[1].decode())


def _from_python_text(body: bytes) -> Iterator[bytes]:
    """Undo ``str()`` or ``repr()`` of bytes and text, and of dicts, lists and the multidicts of frameworks."""
    text = body.decode("utf-8", "replace").strip()
    literal = _PYTHON_BYTES_OR_TEXT.fullmatch(text)
    if literal:
        yield _python_value(literal[1])
        return
    container = _PYTHON_CONTAINER.fullmatch(text)
    if container and parse(body) is None:
        payload = parse(_PYTHON_TOKEN.sub(_json_token, container[1]).encode("utf-8", "surrogatepass"))
        if payload is not None:
            yield compact(payload)


def _json_token(token: re.Match[str]) -> str:
    text = token[0]
    return _JSON_OF_PYTHON.get(text) or json.dumps(_python_value(text).decode("utf-8", "surrogateescape"))


def _python_value(literal: str) -> bytes:
    """Return the bytes of a literal of ``bytes`` or ``str``, the latter in UTF-8."""
    quoted = literal.removeprefix("b")
    value = quoted[1:-1].encode("ascii", "backslashreplace").decode("unicode_escape", "replace")
    return value.encode("latin-1", "replace") if literal.startswith("b") else value.encode("utf-8", "surrogatepass")


def _from_json_string(body: bytes) -> Iterator[bytes]:
    """Undo ``json.dumps()`` of text, with or without the quotation marks around it, and quoting as in CSV."""
    text = body.strip()
    for quoted in (text, b'"' + text + b'"', b'"' + text.strip(b'"').replace(b'""', rb"\"") + b'"'):
        value = parse(quoted)
        if isinstance(value, str):
            yield value.encode("utf-8", "surrogatepass")


def _from_percent_encoding(body: bytes) -> Iterator[bytes]:
    if b"%" in body:
        yield unquote_to_bytes(body)
        yield unquote_to_bytes(body.replace(b"+", b" "))


def _from_form(body: bytes) -> Iterator[bytes]:
    if b"=" in body and body.count(b"&") < _MAX_FIELDS:
        for name, value in parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1"):
            yield value.encode("latin-1")
            yield name.encode("latin-1")


def _from_html(body: bytes) -> Iterator[bytes]:
    if b"&" in body:
        yield unescape_html(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def unescape_html(text: str) -> str:
    """Undo HTML entities, but leave *text* unchanged if ``int()`` could reject the number in one, or take long."""
    return text if re.search("&#[0-9]{10}", text) else html.unescape(text)


def _from_chunks(body: bytes) -> Iterator[bytes]:
    """Undo the framing of a chunked body, which may have lost its end."""
    content, position = bytearray(), 0
    while size := _CHUNK_SIZE.match(body, position):
        start = size.end()
        end = start + int(size[1], 16)
        content += body[start:end]
        position = end + (2 if body[end : end + 2] == b"\r\n" else 1)
    if content:
        yield bytes(content)


def _from_quoted_printable(body: bytes) -> Iterator[bytes]:
    if re.search(rb"=(?:[0-9A-Fa-f]{2}|\r?\n)", body):
        yield a2b_qp(body)


def _from_numbers(body: bytes) -> Iterator[bytes]:
    """Undo ``list(bytes)``, and buffers of Node.js and byte arrays of browsers in JSON."""
    values = parse(body)
    if isinstance(values, dict):
        values = values.get("data", list(values.values()))
    are_bytes = isinstance(values, list) and all(isinstance(value, int) and 0 <= value < 256 for value in values)
    if are_bytes and len(values) >= _SHORTEST:
        yield bytes(values)


def _from_wrapper(body: bytes) -> Iterator[bytes]:
    """Yield the texts, the objects at the top and the events in an object or an array."""
    payload = parse(body)
    containers = [payload] if isinstance(payload, dict | list) else []
    for container in containers:  # grows in the loop
        for value in (*container, *container.values()) if isinstance(container, dict) else container:
            if isinstance(value, str) and len(value) >= _SHORTEST:
                yield value.encode("utf-8", "surrogatepass")
            elif isinstance(value, dict | list):
                if container is payload or _is_event(value):
                    yield compact(value)
                if len(containers) < _MAX_CONTAINERS:
                    containers.append(value)


def _from_other_text(body: bytes) -> Iterator[bytes]:
    """Yield the JSON in other text: in a multipart part, below headers, in a callback."""
    start, end = body.find(b"{"), body.rfind(b"}") + 1
    if 0 <= start < end and body.strip() != body[start:end]:
        yield body[start:end]


_LAYERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "a JSON string": _from_json_string,
    "Python text": _from_python_text,
    "base64": _from_base64,
    "hexadecimal": _from_hexadecimal,
    "compression": _inflated,
    "a form": _from_form,
    "percent-encoding": _from_percent_encoding,
    "HTML entities": _from_html,
    "quoted-printable": _from_quoted_printable,
    "chunk sizes": _from_chunks,
    "a list of numbers": _from_numbers,
    "an object or a list around it": _from_wrapper,
    "text around it": _from_other_text,
}
