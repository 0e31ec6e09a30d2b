"""The formats of JSON. To add one, write its reader and add a line to :data:`FORMATS`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from ..._headers import first_value, parse_headers
from ...errors import WebhookVerificationError
from ...events._base import decode_body
from .._options import UsageError
from ._request import Capture, read_raw_request

_ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")


def find_requests(export: dict[str, Any]) -> list[Any] | None:
    """Return the requests in an export of many; None if it is one record."""
    for keys in FORMATS.values():
        requests: Any = export
        for key in keys:
            requests = _dict(requests).get(key)
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
    for read in FORMATS:
        capture = read(record)
        if capture is not None:
            return capture
    return _read_stored(record) if record.get("type", "event") == "event" else None


def _read_har(entry: dict[str, Any]) -> Capture | None:
    """Read an entry that browsers, proxies and inspectors export: http://www.softwareishard.com/blog/har-12-spec/."""
    request = _dict(entry.get("request"))
    if not isinstance(request.get("headers"), list):
        return None
    named = [_dict(header) for header in request["headers"]]
    pairs = _text_pairs((header.get("name"), header.get("value")) for header in named)
    headers = [(name, value) for name, value in pairs if not name.startswith(":")]  # HTTP/2's own, ":authority"
    content = _dict(request.get("postData"))
    if content.get("encoding") == "base64":
        body = _decoded(content.get("text"), "a postData.text that is not base64")
    else:
        body = _body_of(content.get("text"), headers)
    return Capture(headers, body, _unix_seconds(entry.get("startedDateTime")))


def _read_ngrok(record: dict[str, Any]) -> Capture | None:
    """Read a request of ngrok's inspector, the complete one in base64: https://ngrok.com/docs/agent/api/."""
    request = _dict(record.get("request"))
    if "raw" not in request:
        return None
    problem = "a request.raw that is not a request in base64"
    capture = read_raw_request(_decoded(request["raw"], problem))
    if capture is None:
        raise UsageError(f"has {problem}")
    capture.received_at = _unix_seconds(record.get("start"))
    return capture


def _read_hookdeck(record: dict[str, Any]) -> Capture | None:
    """Read an event or a request of Hookdeck, which parses a body of JSON: https://hookdeck.com/docs/api."""
    data = _dict(record.get("data"))
    if not isinstance(data.get("headers"), dict) or "body" not in data:
        return None
    headers = _header_pairs(data["headers"])
    time = _unix_seconds(record.get("ingested_at") or record.get("created_at"))
    return Capture(headers, _body_of(data["body"], headers), time)


def _read_webhook_site(record: dict[str, Any]) -> Capture | None:
    """Read a request of webhook.site: https://docs.webhook.site/api/requests.html."""
    if "content" not in record or not isinstance(record.get("headers"), dict):
        return None
    headers = _header_pairs(record["headers"])
    return Capture(headers, _body_of(record["content"], headers), _unix_seconds(record.get("created_at")))


def _read_lambda_event(event: dict[str, Any]) -> Capture | None:
    """Read an event of API Gateway, a function URL, a load balancer or VPC Lattice.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    if "body" not in event and "requestContext" not in event:
        return None
    headers = _header_pairs(event.get("multiValueHeaders") or event.get("headers") or {})
    if event.get("isBase64Encoded") or event.get("is_base64_encoded"):  # VPC Lattice v1 writes the second one
        body = _decoded(event.get("body"), "a body that is not base64, although isBase64Encoded says so")
    else:
        body = _body_of(event.get("body"), headers)
    return Capture(headers, body, _lambda_time(_dict(event.get("requestContext"))))


def _lambda_time(context: dict[str, Any]) -> float | None:
    """Return Unix seconds; API Gateway and function URLs write milliseconds, VPC Lattice writes microseconds."""
    time = context.get("timeEpoch") or context.get("requestTimeEpoch")
    digits = str(time) if isinstance(time, int | str) else ""
    if not digits.isdecimal() or len(digits) not in (13, 16):
        return None
    return int(digits) / (1000 if len(digits) == 13 else 1_000_000)


#: The readers, which return None for a record of another format, and the keys that lead to the list in an export.
FORMATS: dict[Callable[[dict[str, Any]], Capture | None], tuple[str, ...]] = {
    _read_har: ("log", "entries"),
    _read_ngrok: ("requests",),
    _read_hookdeck: ("models",),
    _read_webhook_site: ("data",),
    _read_lambda_event: (),
}


def _read_stored(record: dict[str, Any]) -> Capture:
    """Read a line of ``listen --save``, ``RejectedRequest.to_json()`` or Clerk's ``clerk webhooks listen --json``."""
    if not isinstance(record.get("headers"), dict):
        raise UsageError(f"has no headers, an object{_hint(record)}")
    headers = _header_pairs(record["headers"])
    encoded, received_at, code = map(record.get, ("body_b64", "received_at", "code"))
    code = code if isinstance(code, str) else None
    if encoded is not None:
        body = _decoded(encoded, "a body_b64 that is not base64")
    elif code is None:
        raise UsageError(f"has no body_b64{_hint(record)}")
    else:
        _check_rejected_by_headers(headers, code)
        body = b""
    if not isinstance(received_at, int | float) or not abs(received_at) < 1e15:  # too large for a time, or NaN
        received_at = _unix_seconds(received_at)
    return Capture(headers, body, received_at and float(received_at), is_delivery=True, code=code)


def _check_rejected_by_headers(headers: list[tuple[str, str]], code: str) -> None:
    """Raise a UsageError unless a record without body was rejected because of its headers."""
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
    if "_postman_id" in _dict(record.get("info")):
        return ": this is a Postman collection: copy the request as cURL"
    if not record.keys().isdisjoint(("level", "levelname", "severity", "msg", "message")):
        return ": this is a log line, not a request"
    return ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _decoded(encoded: Any, problem: str) -> bytes:
    body = decode_body(encoded)
    if body is None:
        raise UsageError(f"has {problem}")
    return body


def _header_pairs(headers: object) -> list[tuple[str, str]]:
    """Return the headers in a JSON object, whose values are strings or lists of them."""
    if not isinstance(headers, dict):
        raise UsageError("has no headers, an object")
    return _text_pairs(
        (name, value)
        for name, values in headers.items()
        for value in (values if isinstance(values, list) else [values])
    )


def _text_pairs(pairs: Iterable[tuple[object, object]]) -> list[tuple[str, str]]:
    texts: list[tuple[str, str]] = []
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, str):
            raise UsageError("has a header that is not text: each value should be a string, or a list of them")
        texts.append((name, value))
    return texts


def _body_of(value: Any, headers: list[tuple[str, str]]) -> bytes:
    """Return the bytes of a body in JSON: a string, None if it is empty, or the parsed payload.

    The latter is serialized as Clerk does, or in another usual way if that has the length in Content-Length.
    """
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    try:
        candidates = [
            json.dumps(value, ensure_ascii=is_ascii, separators=separators).encode("utf-8", "surrogatepass")
            for separators in ((",", ":"), (", ", ": "))
            for is_ascii in (False, True)
        ]
    except RecursionError:
        raise UsageError("has a body that is nested too deeply") from None
    declared = first_value(headers, "content-length")
    return next((body for body in candidates if str(len(body)) == declared), candidates[0])


def _unix_seconds(time: object) -> float | None:
    """Convert an ISO 8601 time, by default in UTC, to Unix seconds; None if it is something else."""
    match = _ISO_TIME.fullmatch(time) if isinstance(time, str) else None
    if match is None:
        return None
    try:
        return datetime.strptime(f"{match[1]} {match[2]}{match[3] or 'Z'}", "%Y-%m-%d %H:%M:%S%z").timestamp()
    except ValueError:  # a 30th of February
        return None
