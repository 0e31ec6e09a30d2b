"""Signed requests: valid ones, and ones with a fault that a receiver must reject."""

import json
import time
from base64 import b64encode
from dataclasses import dataclass
from os import urandom
from typing import Any, Literal, Protocol, get_args

from .._frames import forget_on_error
from .._secret import Secret
from .._webhook import Webhook
from ..events import EventType
from ._events import encode_payload, no_such, sample

#: The faults that :func:`signed_request` can add. A receiver must reject each of them.
Fault = Literal[
    "tampered",  # the body was changed after it was signed
    "reserialized",  # the body was parsed and serialized again
    "stale",  # a valid signature, an hour old
    "future",  # a valid signature, an hour ahead
    "other_secret",  # signed with a secret that the receiver does not have
    "several_signatures",  # of several versions and secrets, and none of them matches
    "asymmetric_only",  # no v1 signature, only one of another version
    "other_message_id",  # the id of another message
    "milliseconds",  # the timestamp is not in seconds
    "missing_header",  # no signature header
    "duplicate_header",  # two id headers, in two spellings
    "mixed_families",  # svix-* mixed with webhook-*
    "empty_body",  # the body was lost in transit
    "not_json",  # a valid signature of a body that is not an event
]

#: The prefix of the three headers: Clerk's, or that of Standard Webhooks.
Family = Literal["svix", "webhook"]


@dataclass(frozen=True)
class SignedRequest:
    """What to send, unchanged, with any client."""

    headers: dict[str, str]
    body: bytes


class Signer(Protocol):
    """The type of the pytest fixture ``clerk_webhook_signer``."""

    def __call__(
        self,
        type_or_payload: EventType | dict[str, Any] | bytes,
        /,
        *,
        secret: Secret | None = None,
        message_id: str | None = None,
        timestamp: int | None = None,
        family: Family = "svix",
        fault: Fault | None = None,
        **overrides: object,
    ) -> SignedRequest:
        """Call :func:`signed_request`, by default with the environment's secret and the fixture's time."""
        ...


def generate_secret() -> str:
    """Return a new signing secret, ``whsec_`` and 24 random bytes in base64."""
    return "whsec_" + b64encode(urandom(24)).decode()


@forget_on_error
def signed_request(
    type_or_payload: EventType | dict[str, Any] | bytes,
    /,
    *,
    secret: Secret | None = None,
    message_id: str | None = None,
    timestamp: int | None = None,
    family: Family = "svix",
    fault: Fault | None = None,
    **overrides: object,
) -> SignedRequest:
    """Return a signed delivery. Send its body unchanged: a client that serializes JSON would break the signature.

    Args:
        type_or_payload: An event type for its :func:`sample`, a payload, or the raw body.
        secret: Signs the request; the first one if there are several. None reads the environment, as ``Webhook()``.
        message_id: None creates a new one.
        timestamp: Unix seconds; None is the current time.
        family: ``svix`` for Clerk's headers, ``webhook`` for those of Standard Webhooks.
        fault: A fault that makes receivers reject the request: one of :data:`Fault`.
        overrides: Replace fields of the sample's ``data``, as in :func:`sample`.
    Raises:
        ValueError: The type, family or fault is unknown.
        TypeError: An override is not a field of that type's data, or is used with a payload or a raw body.
        InvalidSecretError: The secret is missing or invalid.
    """
    if family not in get_args(Family):
        raise ValueError(no_such("header family", family, get_args(Family)))
    if fault is not None and fault not in get_args(Fault):
        raise ValueError(no_such("fault", fault, get_args(Fault)))
    body = _encode(type_or_payload, overrides)
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


def _encode(type_or_payload: EventType | dict[str, Any] | bytes, overrides: dict[str, object]) -> bytes:
    if isinstance(type_or_payload, str):
        return encode_payload(sample(type_or_payload, **overrides))
    if not isinstance(type_or_payload, bytes | dict):
        raise TypeError(
            f"pass an event type, a payload (dict) or a raw body (bytes), not {type(type_or_payload).__name__}"
        )
    if overrides:
        raise TypeError(f"{', '.join(overrides)}: overrides need an event type; put them into the payload")
    return type_or_payload if isinstance(type_or_payload, bytes) else encode_payload(type_or_payload)


def _break(headers: dict[str, str], body: bytes, family: str, fault: Fault | None) -> bytes:
    """Add the fault: change *headers*, and return the body to send."""
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
