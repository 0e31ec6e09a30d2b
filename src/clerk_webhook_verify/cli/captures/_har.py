"""HAR, as browsers, proxies and inspectors export it: http://www.softwareishard.com/blog/har-12-spec/."""

from __future__ import annotations

from typing import Any

from ...events._base import decode_body
from .._options import UsageError
from ._capture import Capture, body_of, text_pairs, unix_seconds


def find_requests(export: dict[str, Any]) -> list[Any] | None:
    """Return the entries of a HAR file; None if it is something else."""
    log = export.get("log")
    entries = log.get("entries") if isinstance(log, dict) else None
    return entries if isinstance(entries, list) else None


def read(entry: dict[str, Any]) -> Capture | None:
    """Read ``{"startedDateTime": ..., "request": {"headers": [{"name": ..., "value": ...}], "postData": {...}}}``.

    Raises:
        UsageError: It is broken. The text continues "request 3 ...".
    """
    request = entry.get("request")
    if not isinstance(request, dict) or not isinstance(request.get("headers"), list):
        return None
    named = [header if isinstance(header, dict) else {} for header in request["headers"]]
    pairs = text_pairs((header.get("name"), header.get("value")) for header in named)
    headers = [(name, value) for name, value in pairs if not name.startswith(":")]  # HTTP/2's own, ":authority"
    content = request.get("postData")
    content = content if isinstance(content, dict) else {}
    body: bytes | None = body_of(content.get("text"), headers)
    if content.get("encoding") == "base64":
        body = decode_body(content.get("text"))
    if body is None:
        raise UsageError("has a postData.text that is not base64")
    return Capture(headers, body, unix_seconds(entry.get("startedDateTime")))
