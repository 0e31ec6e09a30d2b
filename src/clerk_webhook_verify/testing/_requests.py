"""Signed requests: good ones, and ones with a fault that a receiver must reject."""

import json
import time
from base64 import b64encode
from dataclasses import dataclass
from os import urandom
from typing import Any, Literal, get_args

from .._did_you_mean import did_you_mean
from .._secret import Secret
from .._webhook import Webhook
from ..events import EventType
from ._events import encode_payload, sample

#: What :func:`signed_request` can get wrong. A receiver must reject every one of them.
Fault = Literal[
    "tampered",  # the body was changed after it was signed
    "reserialized",  # the body was parsed and dumped again
    "stale",  # a valid signature, an hour old
    "future",  # a valid signature, an hour ahead
    "other_secret",  # signed with a secret that the receiver does not have
    "several_signatures",  # of several versions and secrets, and none of them matches
    "asymmetric_only",  # no v1 signature, only one of another version
    "other_message_id",  # the id of another message
    "milliseconds",  # the timestamp is not in seconds
    "missing_header",  # no signature header
    "duplicate_header",  # the id twice, in two spellings
    "mixed_families",  # svix-* mixed with webhook-*
    "empty_body",  # the body was lost in transit
    "not_json",  # a valid signature of a body that is not an event
]


@dataclass(frozen=True)
class SignedRequest:
    """What to send, unchanged, with any client."""

    headers: dict[str, str]
    body: bytes


def generate_secret() -> str:
    """Return a new signing secret of 24 random bytes, as Clerk's dashboard would show it."""
    return "whsec_" + b64encode(urandom(24)).decode()


def signed_request(
    type_or_payload: EventType | dict[str, Any] | bytes,
    /,
    *,
    secret: Secret | None = None,
    message_id: str | None = None,
    timestamp: int | None = None,
    family: Literal["svix", "webhook"] = "svix",
    fault: Fault | None = None,
) -> SignedRequest:
    """Return a signed delivery: headers and body together, since a client that dumps JSON would break the signature.

    Args:
        type_or_payload: An event type for its :func:`sample`, a payload, or the raw body.
        secret: Signs the request; the first one if there are several. None reads the environment, as ``Webhook()``.
        message_id: None generates a new one.
        timestamp: Unix seconds; None is the current time.
        family: The names of the headers: Clerk's ``svix-*``, or ``webhook-*`` of Standard Webhooks.
        fault: What to get wrong, so that a receiver must reject the request: one of :data:`Fault`.
    Raises:
        ValueError: There is no such type, family or fault.
        InvalidSecretError: The secret is missing or invalid.
    """
    if family not in ("svix", "webhook"):
        raise ValueError(f"there is no header family {family!r}: pass svix or webhook")
    if fault is not None and fault not in get_args(Fault):
        raise ValueError(f"there is no fault {fault!r}{did_you_mean(fault, get_args(Fault))}")
    if isinstance(type_or_payload, bytes):
        body = type_or_payload
    elif isinstance(type_or_payload, dict):
        body = encode_payload(type_or_payload)
    else:
        body = encode_payload(sample(type_or_payload))
    if fault == "not_json":
        body = body[:-1]
    if timestamp is None:
        timestamp = int(time.time())
    if fault == "stale":
        timestamp -= 3600
    elif fault == "future":
        timestamp += 3600
    signer = Webhook(generate_secret() if fault == "other_secret" else secret)
    signed = signer.signed_headers(body, message_id=message_id, timestamp=timestamp)
    headers = {name.replace("svix", family): value for name, value in signed.items()}
    body = _break(headers, body, family, fault)
    return SignedRequest({"content-type": "application/json", **headers}, body)


def _break(headers: dict[str, str], body: bytes, family: str, fault: Fault | None) -> bytes:
    """Break a signed request: change *headers*, and return the body to send."""
    signature = headers[f"{family}-signature"]
    match fault:
        case "tampered":
            return body + b" "
        case "reserialized":
            return json.dumps(json.loads(body), indent=1).encode()
        case "empty_body":
            return b""
        case "several_signatures":
            other = Webhook(generate_secret()).sign("msg_1", 0, body)
            headers[f"{family}-signature"] = f"{other} v1a,{signature[3:]} {signature[:-2]}"
        case "asymmetric_only":
            headers[f"{family}-signature"] = f"v1a,{signature[3:]}"
        case "other_message_id":
            headers[f"{family}-id"] += "x"
        case "milliseconds":
            headers[f"{family}-timestamp"] += "000"
        case "missing_header":
            del headers[f"{family}-signature"]
        case "duplicate_header":
            headers[f"{family}-id".title()] = headers[f"{family}-id"]
        case "mixed_families":
            other_family = "webhook" if family == "svix" else "svix"
            headers[f"{other_family}-signature"] = headers.pop(f"{family}-signature")
    return body
