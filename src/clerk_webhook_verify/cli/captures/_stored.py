"""A line of ``listen --save``, ``RejectedRequest.to_json()``, or Clerk's own ``clerk webhooks listen --json``."""

from __future__ import annotations

from typing import Any

from ..._headers import parse_headers
from ...errors import WebhookVerificationError
from ...events._base import decode_body
from .._options import UsageError
from ._capture import Capture, header_pairs, unix_seconds


def read(record: dict[str, Any]) -> Capture:
    """Read ``{"type": "event", "headers": {...}, "body_b64": "...", "received_at": 1760000000.5}``.

    Raises:
        UsageError: It is not one. The text continues "line 3 ...".
    """
    if not isinstance(record.get("headers"), dict):
        raise UsageError(f"has no headers, an object{_hint(record)}")
    headers = header_pairs(record["headers"])
    encoded, received_at = record.get("body_b64"), record.get("received_at")
    if encoded is None:
        encoded = _encoded_body_that_was_not_read(record, headers)
    body = decode_body(encoded)
    if body is None:
        raise UsageError("has a body_b64 that is not base64")
    if not isinstance(received_at, int | float) or not abs(received_at) < 1e15:  # too large for a time, or NaN
        received_at = unix_seconds(received_at)
    return Capture(headers, body, received_at and float(received_at), is_delivery=True)


def _encoded_body_that_was_not_read(record: dict[str, Any], headers: list[tuple[str, str]]) -> str:
    """Return an empty body for a request whose headers were the reason to reject it.

    Raises:
        UsageError: It was rejected for another reason, or this is another record. The text continues "line 3 ...".
    """
    code = record.get("code")
    if not isinstance(code, str):
        raise UsageError(f"has no body_b64{_hint(record)}")
    try:
        parse_headers(headers)
    except WebhookVerificationError:
        return ""
    raise UsageError(f"has no body: it was rejected ({code}) before the body was complete, so there is none to check")


def _hint(record: dict[str, Any]) -> str:
    """Return what a record that is not a delivery looks like."""
    if "data" in record:
        return ": is this the payload itself? Then use --payload"
    if "secret_fingerprint" in record:
        return ": Delivery.to_json() keeps no signature, since it was verified before"
    info = record.get("info")
    if isinstance(info, dict) and "_postman_id" in info:
        return ": this is a Postman collection: copy the request as cURL"
    if not record.keys().isdisjoint(("level", "levelname", "severity", "msg", "message")):
        return ": this is a log line, not a request"
    return ""
