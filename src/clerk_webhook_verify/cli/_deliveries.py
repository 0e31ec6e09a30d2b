"""Stored deliveries, in the forms that people have them in: NDJSON, a raw request, a curl command, four options."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

from .._headers import declared_length, first_value
from .._payload import parse_payload
from ..errors import BodyIncompleteError, InvalidPayloadError, MalformedHeaderError
from ..events._base import decode_body
from ._chunks import read_chunks
from ._curl import read_curl
from ._options import UsageError, read_input
from ._terminal import print_status

INPUTS = """\
A delivery is read from @FILE or - in one of these forms:
  NDJSON         {"type":"event","headers":{...},"body_b64":"..."}, one a line, as
                 Clerk's own command prints them and listen --save stores them
  raw HTTP       POST /webhooks/clerk HTTP/1.1, headers, an empty line, the body
  a curl command copied from a dashboard or a browser; it is read, never run"""

_REQUEST_OR_HEADER_LINE = re.compile(rb"[A-Z]+ \S+ HTTP/\d(?:\.\d)?\r?\n|[A-Za-z0-9-]+:[^\n]*\n")
_CURL = re.compile(rb"\s*(\$\s*)?curl(\.exe)?\s")


class Capture:
    """One stored request."""

    def __init__(
        self, headers: list[tuple[str, str]], body: bytes, place: str = "", received_at: float | None = None
    ) -> None:
        self.headers = headers  #: As they arrived.
        self.body = body  #: As it arrived.
        self.place = place  #: Where it was read, "line 3"; empty if there is only one.
        self.received_at = received_at  #: Unix seconds, if the capture has them.

    def header(self, name: str) -> str:
        """Return the value of the first header named *name*, in lower case; empty if there is none."""
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
        """The unverified type in the payload; empty if it is not an event."""
        try:
            return parse_payload(self.body, "")[0]
        except InvalidPayloadError:
            return ""


def add_delivery_options(parser: ArgumentParser) -> None:
    """Add ``--delivery``, and ``--payload`` with the three headers."""
    group = parser.add_argument_group("delivery", "a whole one, or its parts")
    group.add_argument("--delivery", metavar="@FILE|-", help="a stored delivery, or several")
    group.add_argument("--payload", metavar="@FILE|-", help="the raw body alone, byte for byte")
    group.add_argument("--id", metavar="MSG", help="with --payload: the header svix-id")
    group.add_argument("--timestamp", metavar="UNIX", help="with --payload: the header svix-timestamp")
    group.add_argument("--signature", metavar="SIG", help="with --payload: the header svix-signature")


def deliveries_from_args(arguments: Namespace) -> list[Capture]:
    """Return the deliveries that the arguments name, at least one.

    Raises:
        UsageError: There is none, or it cannot be read.
    """
    parts = {
        "svix-id": arguments.id,
        "svix-timestamp": arguments.timestamp,
        "svix-signature": arguments.signature,
    }
    if (arguments.delivery is None) == (arguments.payload is None):
        raise UsageError("give either --delivery, or --payload with --id, --timestamp and --signature")
    if arguments.delivery is not None:
        if any(value is not None for value in parts.values()):
            raise UsageError("--id, --timestamp and --signature go with --payload; --delivery brings its own headers")
        return read_captures(read_input(arguments.delivery, "--delivery"))
    body = read_input(arguments.payload, "--payload")
    return [Capture([(name, value) for name, value in parts.items() if value is not None], body)]


def read_captures(content: bytes) -> list[Capture]:
    """Return all deliveries in a stored text.

    Args:
        content: NDJSON, one raw HTTP request or one curl command.
    Returns:
        At least one.
    Raises:
        UsageError: It is none of these, or broken, or has no delivery. The message says where.
    """
    if content.lstrip()[:1] == b"{":
        captures = list(_read_ndjson(content))
    elif _REQUEST_OR_HEADER_LINE.match(content):
        captures = [_read_raw_request(content)]
    elif _CURL.match(content):
        captures = [Capture(*read_curl(content.decode("utf-8", "surrogateescape")))]
    else:
        raise UsageError(
            "this is no stored delivery: it should be NDJSON with headers and body_b64, a raw HTTP request or a curl "
            "command; for a body alone use --payload"
        )
    if not captures:
        raise UsageError(
            "there is no delivery in it, no line with headers and body_b64; for a body alone use --payload"
        )
    return captures


def _read_ndjson(content: bytes) -> Iterator[Capture]:
    lines = content.split(b"\n")
    whole = _parse_json(content)
    if isinstance(whole, dict):  # one object, perhaps over several lines
        lines = [json.dumps(whole).encode()]
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        record = _parse_json(line)
        if record is None and number == len(lines) > 1:
            print_status(f"line {number} is truncated, as when its writer was stopped: skipped")
        elif not isinstance(record, dict):
            raise UsageError(f"line {number} is not a JSON object: each line should be one")
        elif record.get("type", "event") == "event":
            yield _read_record(record, f"line {number}")


def _parse_json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_record(record: dict[str, Any], place: str) -> Capture:
    headers, encoded, received_at = record.get("headers"), record.get("body_b64"), record.get("received_at")
    if not isinstance(headers, dict) or encoded is None:
        missing = "headers, an object" if not isinstance(headers, dict) else "body_b64"
        hint = ": is this the payload itself? Then use --payload" if "data" in record else ""
        raise UsageError(f"{place} has no {missing}{hint}")
    pairs: list[tuple[str, str]] = []
    for name, values in headers.items():
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, str):
                raise UsageError(f"{place} has a header that is no text: each value should be one, or a list of them")
            pairs.append((name, value))
    body = decode_body(encoded)
    if body is None:
        raise UsageError(f"{place} has a body_b64 that is not base64")
    if not isinstance(received_at, int | float) or not abs(received_at) < 1e15:  # too large for a time, or NaN
        received_at = None
    return Capture(pairs, body, place, received_at and float(received_at))


def _read_raw_request(content: bytes) -> Capture:
    parts = re.split(rb"\r?\n\r?\n", content, maxsplit=1)
    head, body = parts[0], parts[1] if len(parts) > 1 else b""
    lines = re.split(r"\r?\n", head.decode("latin-1"))
    if ":" not in lines[0].split(" ")[0]:  # the request line
        lines = lines[1:]
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            if line.strip():
                raise UsageError("the raw request has a line among its headers that is no header: Name: value")
            continue
        headers.append((name.strip(), value.strip(" \t")))
    capture = Capture(headers, body)
    if "chunked" in capture.header("transfer-encoding").lower():
        capture.body = _join_chunks(body)
    else:
        declared = declared_length(capture.header("content-length"))
        if declared is not None and not body[declared:].strip():
            capture.body = body[:declared]  # an editor adds a newline at the end of a file
    return capture


def _join_chunks(body: bytes) -> bytes:
    """Return the content of the chunks that are there; *body* unchanged if it is not in chunks."""
    chunks: list[bytes] = []
    with suppress(BodyIncompleteError, MalformedHeaderError):
        for chunk in read_chunks(BytesIO(body)):
            chunks.append(chunk)
    return b"".join(chunks) or body
