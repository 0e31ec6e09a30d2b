"""The event of an AWS Lambda function behind API Gateway, a function URL, a load balancer or VPC Lattice.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

from typing import Any

from ...events._base import decode_body
from .._options import UsageError
from ._capture import Capture, body_of, header_pairs


def read(event: dict[str, Any]) -> Capture | None:
    """Read ``{"headers": {...}, "body": "...", "isBase64Encoded": false}``, or its ``multiValueHeaders``.

    Raises:
        UsageError: It is broken. The text continues "line 3 ...".
    """
    if "body" not in event and "requestContext" not in event:
        return None
    headers = header_pairs(event.get("multiValueHeaders") or event.get("headers") or {})
    body: bytes | None = body_of(event.get("body"), headers)
    if event.get("isBase64Encoded") or event.get("is_base64_encoded"):  # VPC Lattice v1 writes the second one
        body = decode_body(event.get("body"))
    if body is None:
        raise UsageError("has a body that is not base64, although isBase64Encoded says so")
    return Capture(headers, body, _received_at(event.get("requestContext")))


def _received_at(context: object) -> float | None:
    """Return Unix seconds; API Gateway and function URLs write milliseconds, VPC Lattice writes microseconds."""
    time = (context.get("timeEpoch") or context.get("requestTimeEpoch")) if isinstance(context, dict) else None
    digits = str(time) if isinstance(time, int | str) else ""
    if not digits.isdecimal() or len(digits) not in (13, 16):
        return None
    return int(digits) / (1000 if len(digits) == 13 else 1_000_000)
