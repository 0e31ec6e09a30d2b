"""The formats of JSON. To add one, write its reader and add a line to :data:`FORMATS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..._headers import parse_headers
from ...errors import WebhookVerificationError
from ...events._base import decode_body
from .._options import UsageError
from ._capture import Capture, body_of, header_pairs, text_pairs, unix_seconds
from ._raw_request import is_raw_request, read_raw_request


def find_requests(export: dict[str, Any]) -> list[Any] | None:
    """Return the requests in an export of many; None if it is one record."""
    for each in FORMATS:
        requests: Any = export if each.list_path else None
        for key in each.list_path:
            requests = requests.get(key) if isinstance(requests, dict) else None
        if isinstance(requests, list):
            return requests
    return None


def read_record(record: Any) -> Capture | None:
    """Read the request in a record; return None for a message of a tunnel, such as ``{"type": "ready"}``.

    Raises:
        UsageError: It cannot be read. The message continues "line 3 ...".
    """
    if not isinstance(record, dict):
        raise UsageError("is not a JSON object: each line should be one")
    for each in FORMATS:
        capture = each.read(record)
        if capture is not None:
            return capture
    return _read_stored(record) if record.get("type", "event") == "event" else None


def _read_har(entry: dict[str, Any]) -> Capture | None:
    """Read an entry that browsers, proxies and inspectors export: http://www.softwareishard.com/blog/har-12-spec/."""
    request = entry.get("request")
    if not isinstance(request, dict) or not isinstance(request.get("headers"), list):
        return None
    named = [header if isinstance(header, dict) else {} for header in request["headers"]]
    pairs = text_pairs((header.get("name"), header.get("value")) for header in named)
    headers = [(name, value) for name, value in pairs if not name.startswith(":")]  # HTTP/2's own, ":authority"
    content = request.get("postData")
    content = content if isinstance(content, dict) else {}
    if content.get("encoding") == "base64":
        body = _decoded(content.get("text"), "a postData.text that is not base64")
    else:
        body = body_of(content.get("text"), headers)
    return Capture(headers, body, unix_seconds(entry.get("startedDateTime")))


def _read_ngrok(record: dict[str, Any]) -> Capture | None:
    """Read a request of ngrok's inspector, the complete one in base64: https://ngrok.com/docs/agent/api/."""
    request = record.get("request")
    if not isinstance(request, dict) or "raw" not in request:
        return None
    problem = "a request.raw that is not a request in base64"
    content = _decoded(request["raw"], problem)
    if not is_raw_request(content):
        raise UsageError(f"has {problem}")
    capture = read_raw_request(content)
    capture.received_at = unix_seconds(record.get("start"))
    return capture


def _read_hookdeck(record: dict[str, Any]) -> Capture | None:
    """Read an event or a request of Hookdeck, which parses a body of JSON: https://hookdeck.com/docs/api."""
    data = record.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("headers"), dict) or "body" not in data:
        return None
    headers = header_pairs(data["headers"])
    time = unix_seconds(record.get("ingested_at") or record.get("created_at"))
    return Capture(headers, body_of(data["body"], headers), time)


def _read_webhook_site(record: dict[str, Any]) -> Capture | None:
    """Read a request of webhook.site: https://docs.webhook.site/api/requests.html."""
    if "content" not in record or not isinstance(record.get("headers"), dict):
        return None
    headers = header_pairs(record["headers"])
    return Capture(headers, body_of(record["content"], headers), unix_seconds(record.get("created_at")))


def _read_lambda_event(event: dict[str, Any]) -> Capture | None:
    """Read an event of API Gateway, a function URL, a load balancer or VPC Lattice.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    if "body" not in event and "requestContext" not in event:
        return None
    headers = header_pairs(event.get("multiValueHeaders") or event.get("headers") or {})
    if event.get("isBase64Encoded") or event.get("is_base64_encoded"):  # VPC Lattice v1 writes the second one
        body = _decoded(event.get("body"), "a body that is not base64, although isBase64Encoded says so")
    else:
        body = body_of(event.get("body"), headers)
    return Capture(headers, body, _lambda_time(event.get("requestContext")))


def _lambda_time(context: object) -> float | None:
    """Return Unix seconds; API Gateway and function URLs write milliseconds, VPC Lattice writes microseconds."""
    time = (context.get("timeEpoch") or context.get("requestTimeEpoch")) if isinstance(context, dict) else None
    digits = str(time) if isinstance(time, int | str) else ""
    if not digits.isdecimal() or len(digits) not in (13, 16):
        return None
    return int(digits) / (1000 if len(digits) == 13 else 1_000_000)


def _read_stored(record: dict[str, Any]) -> Capture:
    """Read a line of ``listen --save``, ``RejectedRequest.to_json()`` or Clerk's ``clerk webhooks listen --json``."""
    if not isinstance(record.get("headers"), dict):
        raise UsageError(f"has no headers, an object{_hint(record)}")
    headers = header_pairs(record["headers"])
    encoded, received_at = record.get("body_b64"), record.get("received_at")
    if encoded is None:
        _check_rejected_by_headers(record, headers)
    body = b"" if encoded is None else _decoded(encoded, "a body_b64 that is not base64")
    if not isinstance(received_at, int | float) or not abs(received_at) < 1e15:  # too large for a time, or NaN
        received_at = unix_seconds(received_at)
    code = record.get("code")
    code = code if isinstance(code, str) else None
    return Capture(headers, body, received_at and float(received_at), is_delivery=True, code=code)


def _check_rejected_by_headers(record: dict[str, Any], headers: list[tuple[str, str]]) -> None:
    """Raise a UsageError unless a record without body was rejected because of its headers."""
    code = record.get("code")
    if not isinstance(code, str):
        raise UsageError(f"has no body_b64{_hint(record)}")
    try:
        parse_headers(headers)
    except WebhookVerificationError:
        return
    raise UsageError(f"has no body: it was rejected ({code}) before the body was complete, so there is none to check")


def _hint(record: dict[str, Any]) -> str:
    """Return what a record seems to be that is not a delivery."""
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


def _decoded(encoded: Any, problem: str) -> bytes:
    body = decode_body(encoded)
    if body is None:
        raise UsageError(f"has {problem}")
    return body


class _Format(NamedTuple):
    read: Callable[[dict[str, Any]], Capture | None]
    """Returns None for a record of another format."""
    list_path: tuple[str, ...] = ()
    """The keys that lead to the list in an export of many."""


FORMATS = [
    _Format(_read_har, list_path=("log", "entries")),
    _Format(_read_ngrok, list_path=("requests",)),
    _Format(_read_hookdeck, list_path=("models",)),
    _Format(_read_webhook_site, list_path=("data",)),
    _Format(_read_lambda_event),
]
