"""Every exception of this package, one tree under :class:`WebhookError`.

The tree has two sides. :class:`WebhookVerificationError` is the sender's: the request is refused, and the answer is
4xx. All others are ours, such as :class:`InvalidSecretError`: the answer is 500. Catch the first, and a missing secret
is never answered as a bad request.

Each class has a stable ``code`` for logs and metrics. The text says how to mend it; neither the text nor an attribute
holds a secret, a key, the expected signature or any part of the body.
"""

from __future__ import annotations

from typing import ClassVar


class WebhookError(Exception):
    """Base of every error of this package."""

    code: ClassVar[str] = "webhook_error"

    message_id: str | None = None  #: The ``svix-id`` of the delivery, once it is known to be well formed.


class InvalidSecretError(WebhookError):
    """The application has no usable signing secret. The sender has done nothing wrong: answer 500."""

    code = "invalid_secret"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem  #: What is wrong and how to mend it, in words that never repeat the value.

    def __str__(self) -> str:
        return self.problem


class WebhookVerificationError(WebhookError):
    """The request is refused, whatever the reason. Answer 400 (413 for :class:`BodyTooLargeError`)."""

    code = "verification_failed"


class MissingHeaderError(WebhookVerificationError):
    """At least one of the three headers of a delivery is not there."""

    code = "missing_header"

    def __init__(self, names: tuple[str, ...], hint: str = "", message_id: str | None = None) -> None:
        super().__init__(names, hint, message_id)
        self.names = names  #: All names that are missing, in lower case.
        self.hint = hint  #: What the headers that are there suggest, or empty.
        self.message_id = message_id

    def __str__(self) -> str:
        listed = " and ".join(filter(None, [", ".join(self.names[:-1]), self.names[-1]]))
        return (
            f"the request has no {listed} header: pass all headers of the request as they arrived, "
            "and check that no proxy removes them" + (f"; {self.hint}" if self.hint else "")
        )


class MalformedHeaderError(WebhookVerificationError):
    """A header of the delivery is there, but is not what the sender writes."""

    code = "malformed_header"

    def __init__(self, name: str, problem: str, message_id: str | None = None) -> None:
        super().__init__(name, problem, message_id)
        self.name = name  #: The header, in lower case.
        self.problem = problem  #: What is wrong with it, in words that never repeat the value.
        self.message_id = message_id

    def __str__(self) -> str:
        return f"the header {self.name} {self.problem}"


class SignatureMismatchError(WebhookVerificationError):
    """No signature fits: forged, changed on the way, or signed under a secret that we do not have."""

    code = "signature_mismatch"

    def __init__(self, candidates: int, secrets: int, message_id: str) -> None:
        super().__init__(candidates, secrets, message_id)
        self.candidates = candidates  #: How many well-formed ``v1`` signatures the header held.
        self.secrets = secrets  #: How many secrets they were held against.
        self.message_id = message_id

    def __str__(self) -> str:
        if not self.candidates:
            return (
                "the signature header holds no v1 signature (v1, a comma, 44 characters of base64): "
                "other versions and cut values do not count; pass the header as it arrived"
            )
        return (
            f"none of the {self.candidates} v1 signature(s) fits any of the {self.secrets} secret(s): pass the raw "
            "body as it arrived, never parsed and dumped again, and use the signing secret of this very endpoint"
        )


class TimestampError(WebhookVerificationError):
    """The delivery is genuine, but its timestamp is outside the tolerance. Base of the two errors below."""

    def __init__(self, skew: int, tolerance: float, message_id: str) -> None:
        super().__init__(skew, tolerance, message_id)  # facts, not the sentence: copies and pickles stay whole
        self.skew = skew  #: Whole seconds from our clock to the signed timestamp: negative, it lies behind.
        self.tolerance = tolerance  #: Seconds allowed in either direction.
        self.message_id = message_id


class TimestampTooOldError(TimestampError):
    """The delivery is genuine, but was signed too long ago: a replay, a capture, or a clock of ours that runs fast."""

    code = "timestamp_too_old"

    def __str__(self) -> str:
        return (
            f"the delivery is genuine but was signed {-self.skew} s ago, {self.tolerance:g} s are allowed: "
            "synchronise this machine's clock, or pass clock= when you verify a stored delivery"
        )


class TimestampTooNewError(TimestampError):
    """The delivery is genuine, but was signed in our future: a clock of ours that runs slow."""

    code = "timestamp_too_new"

    def __str__(self) -> str:
        return (
            f"the delivery is genuine but was signed {self.skew} s ahead of this machine's clock, "
            f"{self.tolerance:g} s are allowed: synchronise this machine's clock"
        )


class InvalidPayloadError(WebhookVerificationError):
    """The bytes are not a usable event. After a signature check: authentic, so no forgery, but nothing to act on."""

    code = "invalid_payload"

    def __init__(self, problem: str, message_id: str | None = None) -> None:
        super().__init__(problem, message_id)
        self.problem = problem  #: What is wrong, in words that never repeat the content.
        self.message_id = message_id

    def __str__(self) -> str:
        return self.problem


class BodyTooLargeError(WebhookVerificationError):
    """The body is longer than the receiver is willing to read. Answer 413."""

    code = "body_too_large"

    def __init__(self, limit: int, message_id: str | None = None) -> None:
        super().__init__(limit, message_id)
        self.limit = limit  #: The most bytes that are read.
        self.message_id = message_id

    def __str__(self) -> str:
        return f"the body is longer than {self.limit} bytes: raise the limit if your deliveries are really that large"


class BodyIncompleteError(WebhookVerificationError):
    """The sender left before the body was complete, or declared a longer one than it sent. Answer 400."""

    code = "body_incomplete"

    def __init__(self, received: int | None = None, declared: int | None = None) -> None:
        super().__init__(received, declared)
        self.received = received  #: How many bytes arrived, where it is known.
        self.declared = declared  #: How many the Content-Length header announced, where it did.

    def __str__(self) -> str:
        if self.received is None or self.declared is None:
            return "the sender closed the connection before the body was complete"
        return f"the body ends after {self.received} of {self.declared} bytes: the sender left, or declared too many"


class BodyTimeoutError(WebhookVerificationError):
    """The body did not arrive in time. Answer 408."""

    code = "body_timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds  #: How long was waited.

    def __str__(self) -> str:
        return (
            f"the body did not arrive within {self.seconds:g} s: the sender is slow, "
            "or a middleware read the body and does not pass it on"
        )


class BodyConsumedError(WebhookError):
    """Something else in the application has read the body. The sender has done nothing wrong: answer 500."""

    code = "body_consumed"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem  #: What happened and how to mend it.

    def __str__(self) -> str:
        return self.problem


class StoreError(WebhookError):
    """The store that remembers handled messages is out of reach. Nothing is wrong with the delivery: answer 500.

    Its cause is the error of the store's own client.
    """

    code = "store_unavailable"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem  #: What is wrong and how to mend it.

    def __str__(self) -> str:
        return self.problem
