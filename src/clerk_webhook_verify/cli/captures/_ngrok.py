"""ngrok's inspector, ``http://127.0.0.1:4040/api/requests/http``: https://ngrok.com/docs/agent/api/."""

from __future__ import annotations

from typing import Any

from ...events._base import decode_body
from .._options import UsageError
from ._capture import Capture, unix_seconds
from ._raw_request import is_raw_request, read_raw_request


def find_requests(export: dict[str, Any]) -> list[Any] | None:
    """Return the list of requests; None if it is something else."""
    requests = export.get("requests")
    return requests if isinstance(requests, list) else None


def read(record: dict[str, Any]) -> Capture | None:
    """Read ``{"start": ..., "request": {"raw": "..."}}``, whose *raw* is the complete request in base64.

    Raises:
        UsageError: It is broken. The text continues "request 3 ...".
    """
    request = record.get("request")
    if not isinstance(request, dict) or "raw" not in request:
        return None
    content = decode_body(request["raw"])
    if content is None or not is_raw_request(content):
        raise UsageError("has a request.raw that is not a request in base64")
    capture = read_raw_request(content)
    capture.received_at = unix_seconds(record.get("start"))
    return capture
