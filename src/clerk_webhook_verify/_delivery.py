"""Delivery: one verified attempt, its bytes and its way through a queue."""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass

from ._headers import is_message_id
from ._payload import parse_object
from ._record import create
from ._timestamp import LATEST
from .errors import InvalidPayloadError
from .events import parse_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .events import Event


@dataclass(frozen=True, repr=False)
class Delivery:
    """One delivery that was verified: these bytes were signed, under this id, at this time, with a secret of ours.

    Verify now, process later: a queue carries :meth:`to_json`, and the worker that calls :meth:`from_json` and
    :meth:`parse` needs no secret.
    """

    message_id: str  #: The ``svix-id``: one for all deliveries of a message, so the idempotency key.
    timestamp: int  #: Unix seconds, as signed: when this attempt was made.
    body: bytes  #: The raw body, as signed.
    secret_fingerprint: str  #: Which secret matched, as in :attr:`Webhook.fingerprints`.

    def parse(self) -> Event:
        """The event inside.

        Raises:
            InvalidPayloadError: The body is no event: authentic, but nothing to act on.
        """
        return parse_event(self)

    def to_json(self) -> str:
        """All of it as JSON text, the body in base64, so that any bytes come back as they were."""
        return json.dumps(
            {
                "message_id": self.message_id,
                "timestamp": self.timestamp,
                "body_b64": b2a_base64(self.body, newline=False).decode(),
                "secret_fingerprint": self.secret_fingerprint,
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Delivery:
        """A delivery back from :meth:`to_json`.

        It verifies nothing and trusts the queue: never feed it what a stranger can write.

        Args:
            text: As :meth:`to_json` wrote it. Keys that it does not know are ignored.
        Raises:
            InvalidPayloadError: Anything else is amiss: no JSON object, a key missing, of another type, or in a form
                that no verified delivery has.
            TypeError: *text* is not a ``str`` or ``bytes``.
        """
        if not isinstance(text, str | bytes):
            raise TypeError(f"text must be the str or bytes that to_json() wrote, not {type(text).__name__}")
        fields = parse_object(text.encode("utf-8", "replace") if isinstance(text, str) else text, "the stored delivery")
        message_id, timestamp = fields.get("message_id"), fields.get("timestamp")
        fingerprint = fields.get("secret_fingerprint")
        body = decode_body(fields.get("body_b64"))
        if not isinstance(message_id, str) or not is_message_id(message_id):
            problem = "message_id is not a message id"
        elif not isinstance(timestamp, int) or isinstance(timestamp, bool) or not 0 <= timestamp <= LATEST:
            problem = "timestamp is not Unix seconds"
        elif body is None:
            problem = "body_b64 is not base64"
        elif not isinstance(fingerprint, str):
            problem = "secret_fingerprint is not text"
        else:
            return cls(message_id, timestamp, body, fingerprint)
        raise InvalidPayloadError(f"not a stored delivery: {problem}; read only what Delivery.to_json() wrote")

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(message_id={self.message_id!r}, timestamp={self.timestamp!r}, "
            f"body={len(self.body)} bytes, secret_fingerprint={self.secret_fingerprint!r})"
        )


def decode_body(encoded: object) -> bytes | None:
    """The bytes of a stored body; None where *encoded* is not their base64, in its one canonical form."""
    if not isinstance(encoded, str):
        return None
    try:
        body = a2b_base64(encoded)
    except ValueError:
        return None
    return body if b2a_base64(body, newline=False).decode() == encoded else None


_set_attributes = Delivery.__dict__["__dict__"].__set__


def verified_delivery(message_id: str, timestamp: int, body: bytes, secret_fingerprint: str) -> Delivery:
    """A :class:`Delivery`, without what its ``__init__`` takes: "what the tricks save" in the benchmark."""
    delivery = create(Delivery)
    _set_attributes(
        delivery,
        {"message_id": message_id, "timestamp": timestamp, "body": body, "secret_fingerprint": secret_fingerprint},
    )
    return delivery
