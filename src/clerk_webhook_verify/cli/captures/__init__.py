"""Stored deliveries: the options that name them, and their formats."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from .._options import UsageError, file_argument, read_file, seconds_argument, to_utf8, unix_time_argument
from .._terminal import print_status
from ._json_formats import find_requests, read_record
from ._request import Capture as Capture, read_curl, read_raw_request

INPUTS = """\
A delivery is read from FILE, also written @FILE, or - for the standard input:

  NDJSON      stored by listen --save or Clerk's own command, one per line
  raw HTTP    POST /webhooks/clerk HTTP/1.1, headers, an empty line, the body
  curl        a command copied from a dashboard or browser, on Windows too;
              it is never run
  HAR         exported by a browser, a proxy or an inspector
  other JSON  from ngrok, Hookdeck or webhook.site, or a Lambda event"""

_MOST_WARNINGS = 10
_NO_DELIVERY = (
    "this is not a stored delivery: it should be NDJSON with headers and body_b64, a raw HTTP request, a curl command, "
    "HAR or the JSON of a tunnel; for a body alone use --payload"
)

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


def add_capture_options(parser: ArgumentParser) -> None:
    """Add a file of stored deliveries, as ``FILE`` or ``--delivery``."""
    parser.add_argument("file", nargs="?", type=file_argument, metavar="FILE|-", help="stored deliveries")
    parser.add_argument("--delivery", type=file_argument, metavar="FILE|-", help="the same as FILE")


def captures_from_args(arguments: Namespace) -> list[Capture]:
    """Return the deliveries in the file that the arguments name, at least one."""
    files = [file for file in (arguments.file, arguments.delivery) if file is not None]
    if len(files) != 1:
        raise UsageError("pass the stored deliveries once, as FILE or as --delivery FILE")
    return read_captures(read_file(files[0], "--delivery" if arguments.delivery else "FILE"))


def add_delivery_options(parser: ArgumentParser) -> None:
    """Add what ``verify`` and ``diagnose`` judge: a file, or the parts of one delivery, and the time."""
    add_capture_options(parser)
    group = parser.add_argument_group("the parts of one delivery")
    group.add_argument("--payload", type=file_argument, metavar="FILE|-", help="only the raw body, byte for byte")
    group.add_argument("--id", metavar="MSG", help="with --payload: the header svix-id")
    group.add_argument("--timestamp", metavar="UNIX", help="with --payload: the header svix-timestamp")
    group.add_argument("--signature", metavar="SIG", help="with --payload: the header svix-signature")
    parser.add_argument(
        "--tolerance",
        type=seconds_argument,
        default=300,
        metavar="S",
        help="seconds from the time, either way (default: 300)",
    )
    parser.add_argument(
        "--at",
        type=unix_time_argument,
        metavar="UNIX|now",
        help="the time to judge by (default: when the delivery arrived, if the file has that, otherwise now)",
    )


def deliveries_from_args(arguments: Namespace) -> list[Capture]:
    """Return the deliveries that the arguments name, at least one."""
    names = ("id", "timestamp", "signature")
    headers = [(f"svix-{name}", value) for name in names if (value := getattr(arguments, name)) is not None]
    if arguments.payload is None:
        if headers:
            raise UsageError("--id, --timestamp and --signature go with --payload")
        return captures_from_args(arguments)
    if arguments.delivery or arguments.file:
        raise UsageError("pass either stored deliveries, or --payload with --id, --timestamp and --signature")
    return [Capture(headers, read_file(arguments.payload, "--payload"))]


def clock_for(capture: Capture, arguments: Namespace) -> Callable[[], float] | None:
    """Return the clock that judges a delivery: ``--at``, otherwise when it arrived; None is this machine's clock."""
    at: float | None = capture.received_at if arguments.at is None else arguments.at
    return None if at is None else lambda: at


def age_hint(capture: Capture, arguments: Namespace) -> str:
    """Return how to judge a delivery that is too old as of another time."""
    by_arrival = "; that was its age when it arrived" if arguments.at is None and capture.received_at else ""
    return f"{by_arrival}; --at {capture.timestamp} judges it as of its own time"


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
    capture = read_curl(text) or read_raw_request(text.lstrip(b"\r\n"))
    if capture is None:
        raise UsageError(_NO_DELIVERY)
    try:
        capture.check_headers()
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
                capture.check_headers()
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
