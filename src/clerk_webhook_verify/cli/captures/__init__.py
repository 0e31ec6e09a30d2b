"""Read stored deliveries in the formats that people have them in."""

from __future__ import annotations

import json
import re
from typing import Any

from .._options import UsageError, to_utf8
from .._terminal import print_status
from ._capture import Capture, check_headers
from ._curl import is_curl, read_curl
from ._json_formats import find_requests, read_record
from ._raw_request import is_raw_request, read_raw_request

__all__ = ["Capture", "read_captures"]

_MOST_WARNINGS = 10
_FORMATS = (
    "this is not a stored delivery: it should be NDJSON with headers and body_b64, a raw HTTP request, a curl command, "
    "HAR or the JSON of a tunnel; for a body alone use --payload"
)
_NO_DELIVERY = "there is no delivery in it, no line with headers and body_b64; for a body alone use --payload"

_LOG_LINE = rb"""
    \[?\d{4}[-/]\d\d[-/]\d\d[T\ ]                # 2026-01-31T12:00:00, [2026-01-31 12:00:00 +0000], 2026/01/31
  | \[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)\b\]?[:\s]
  | \d\d:\d\d:\d\d\s                             # listen
  | \S+\s\S+\s\S+\s\[\d\d/\w{3}/\d{4}:           # an access log
  | [A-Z][a-z]{2}\ [\ \d]\d\ \d\d:\d\d:\d\d\s    # syslog
  | (?:START|END|REPORT|INIT_START)\ R           # Lambda
  | (?:ts|time|level)=\S                         # logfmt
"""

#: The beginning of a file that is not a request, and what it is.
_NOT_REQUESTS = {
    rb"\s*\Z": "the file is empty",
    rb"(?i:\s*<[!?a-z])": "this is a page of HTML or XML",
    rb"PK\x03\x04|\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd": "this is a compressed file: unpack it first",
    rb"HTTP/\d": "this is a response, not a request",
    rb"(?i:\s*(?:\$\w+\s*=\s*New-Object|Invoke-(?:WebRequest|RestMethod)|iwr\s|irm\s))": (
        "copied as PowerShell: copy as cURL"
    ),
    rb"\s*(?:await\s+)?fetch\(": "copied as fetch: copy as cURL",
    rb"\s*(?:\$\s*)?(?:wget|https?|xh|xhs)\s": "this is a command of another client: copy as cURL",
    rb"\s*[{\[][\s{\[]*'": "this is a Python value as print() writes it: log json.dumps(...) of it instead",
    rb"\s*(?x:%b)" % _LOG_LINE: "this is a log line, not a request",
}


def read_captures(content: bytes) -> list[Capture]:
    """Return all deliveries in a file, at least one. Records that cannot be read are skipped with a warning.

    Args:
        content: In one of the formats in docs/command-line.md, as UTF-8 or UTF-16.
    """
    text = to_utf8(content)
    for pattern, name in _NOT_REQUESTS.items():
        if re.match(pattern, text):
            raise UsageError(f"this is not a stored delivery: {name}")
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
        raise UsageError("this is not a stored delivery: the list in it is empty")
    captures: list[Capture] = []
    problems: list[str] = []
    for number, record in records:
        try:
            capture = read_record(record)
            if capture is not None:
                check_headers(capture.headers)
                capture.place, capture.number = f"{unit} {number}", number
                captures.append(capture)
        except UsageError as error:
            problems.append(f"{unit} {number} {error}")
    if not captures:
        raise UsageError(problems[0] if problems else _NO_DELIVERY)
    for problem in problems[:_MOST_WARNINGS]:
        print_status(f"{problem}: skipped")
    if len(problems) > _MOST_WARNINGS:
        print_status(f"{len(problems) - _MOST_WARNINGS} more cannot be read: skipped")
    return _deliveries(captures)


def _split(text: bytes) -> tuple[str, list[tuple[int, Any]]]:
    """Return "request" or "line", and the numbered records in JSON."""
    whole = _parse(text)
    if isinstance(whole, dict):
        requests = find_requests(whole)
        whole = whole if requests is None else requests
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


def _deliveries(captures: list[Capture]) -> list[Capture]:
    """Leave out the other requests of an export."""
    if len(captures) == 1:
        return captures
    deliveries = [capture for capture in captures if capture.is_delivery or capture.has_signature_header]
    if not deliveries:
        raise UsageError(
            f"none of its {len(captures)} requests has a svix-* or webhook-* header: Clerk did not send them, or a "
            "proxy removed the headers"
        )
    others = len(captures) - len(deliveries)
    if others:
        print_status(f"{others} of {len(captures)} requests without svix-* and webhook-* headers: skipped")
    return deliveries
