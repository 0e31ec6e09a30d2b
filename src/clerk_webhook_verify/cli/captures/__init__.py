"""Stored deliveries in the formats that people have them in: one small reader per format.

To add a format of JSON, add its module here: ``read`` returns a capture, or None for a record of another format;
``find_requests`` returns the requests in an export. Add a row to the table in docs/command-line.md.
"""

from __future__ import annotations

import json
from typing import Any

from .._options import UsageError
from .._terminal import print_status
from .._text import to_utf8
from . import _har, _hookdeck, _lambda_event, _ngrok, _stored, _webhook_site
from ._capture import Capture, check_headers
from ._curl import is_curl, read_curl
from ._raw_request import is_raw_request, read_raw_request
from ._unreadable import name_unreadable

__all__ = ["Capture", "read_captures"]

_FIND_REQUESTS = (_har.find_requests, _ngrok.find_requests, _hookdeck.find_requests, _webhook_site.find_requests)
_READ = (_har.read, _ngrok.read, _hookdeck.read, _webhook_site.read, _lambda_event.read)

_MOST_WARNINGS = 10
_FORMATS = (
    "this is no stored delivery: it should be NDJSON with headers and body_b64, a raw HTTP request, a curl command, "
    "HAR or the JSON of a tunnel; for a body alone use --payload"
)
_NO_DELIVERY = "there is no delivery in it, no line with headers and body_b64; for a body alone use --payload"


def read_captures(content: bytes) -> list[Capture]:
    """Return all deliveries in a stored text. Records that cannot be read are skipped with a warning.

    Args:
        content: In one of the formats in docs/command-line.md, as UTF-8, or as UTF-16 with or without its mark.
    Returns:
        At least one.
    Raises:
        UsageError: There is none. The message says why.
    """
    text = to_utf8(content)
    unreadable = name_unreadable(text)
    if unreadable:
        raise UsageError(f"this is no stored delivery: {unreadable}")
    if text.lstrip()[:1] in (b"{", b"["):
        return _read_json(text)
    if is_curl(text):
        capture = read_curl(text.decode("utf-8", "surrogateescape"))
    elif is_raw_request(text.lstrip(b"\r\n")):
        capture = read_raw_request(text.lstrip(b"\r\n"))
    else:
        raise UsageError(_FORMATS)
    try:
        check_headers(capture.headers)
    except UsageError as error:
        raise UsageError(f"the request {error}") from None
    return [capture]


def _read_json(text: bytes) -> list[Capture]:
    unit, records = _split(text)
    if not records:
        raise UsageError("this is no stored delivery: the list in it is empty")
    captures: list[Capture] = []
    problems: list[str] = []
    for number, record in records:
        try:
            capture = _read_record(record)
        except UsageError as error:
            problems.append(f"{unit} {number} {error}")
            continue
        if capture is not None:
            capture.place, capture.number = f"{unit} {number}", number
            captures.append(capture)
    if not captures:
        raise UsageError(problems[0] if problems else _NO_DELIVERY)
    for problem in problems[:_MOST_WARNINGS]:
        print_status(f"{problem}: skipped")
    if len(problems) > _MOST_WARNINGS:
        print_status(f"{len(problems) - _MOST_WARNINGS} more cannot be read: skipped")
    return _deliveries(captures)


def _split(text: bytes) -> tuple[str, list[tuple[int, Any]]]:
    """Return the records in a text of JSON with their numbers, and what is numbered: requests or lines."""
    whole = _parse(text)
    if isinstance(whole, dict):
        exports = (find_requests(whole) for find_requests in _FIND_REQUESTS)
        whole = next((requests for requests in exports if requests is not None), whole)
    if isinstance(whole, list):
        return "request", list(enumerate(whole, 1))
    if whole is not None:
        return "line", [(1, whole)]
    lines = [(number, _parse(line)) for number, line in enumerate(text.split(b"\n"), 1) if line.strip()]
    number, last = lines[-1]
    if last is None and len(lines) > 1 and not text.endswith(b"\n"):
        print_status(f"line {number} is truncated, as when its writer was stopped: skipped")
        lines.pop()
    return "line", lines


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_record(record: Any) -> Capture | None:
    """Return the request in a record; None if it is a message of a tunnel, such as ``{"type": "ready"}``.

    Raises:
        UsageError: It cannot be read. The text continues "line 3 ...".
    """
    if not isinstance(record, dict):
        raise UsageError("is not a JSON object: each line should be one")
    for read in _READ:
        capture = read(record)
        if capture is not None:
            break
    else:
        if record.get("type", "event") != "event":
            return None
        capture = _stored.read(record)
    check_headers(capture.headers)
    return capture


def _deliveries(captures: list[Capture]) -> list[Capture]:
    """Leave out the other requests of an export.

    Raises:
        UsageError: There are only others.
    """
    if len(captures) == 1:
        return captures
    deliveries = [capture for capture in captures if capture.is_delivery or capture.has_signature_header]
    if not deliveries:
        raise UsageError(
            f"none of its {len(captures)} requests has a svix-* or webhook-* header: they are not of Clerk, or a proxy "
            "removed the headers"
        )
    others = len(captures) - len(deliveries)
    if others:
        print_status(f"{others} of {len(captures)} requests without svix-* and webhook-* headers: skipped")
    return deliveries
