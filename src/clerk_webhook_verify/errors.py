"""Every exception of this package, one tree under :class:`WebhookError`.

The tree has two sides. :class:`WebhookVerificationError` means that the request is rejected: respond with 4xx. All
others, such as :class:`InvalidSecretError`, are application errors: respond with 500. Catch the first, so that no
client gets a 400 for a missing secret.

Each class has a stable ``code`` for logs and metrics. The message says how to fix it; neither the message nor an
attribute contains a secret, a key, the expected signature or any part of the body.
"""

from __future__ import annotations

from typing import ClassVar

_EMPTY_BODY_CAUSES = "the client sent none, or middleware consumed it; verify before anything else reads the body"


class WebhookError(Exception):
    """Base of every error of this package."""

    code: ClassVar[str] = "webhook_error"

    message_id: str | None = None  #: The ``svix-id`` of the delivery, if it is well-formed; adapters always set it.


class InvalidSecretError(WebhookError):
    """The application has no valid signing secret: respond with 500."""

    code = "invalid_secret"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem  #: What is wrong and how to fix it, without the value.


class WebhookVerificationError(WebhookError):
    """The request is rejected, for any reason. Respond with 400 (413 for :class:`BodyTooLargeError`)."""

    code = "verification_failed"


class MissingHeaderError(WebhookVerificationError):
    """At least one of the three headers of a delivery is missing."""

    code = "missing_header"

    def __init__(self, names: tuple[str, ...], hint: str = "", message_id: str | None = None) -> None:
        super().__init__(names, hint, message_id)
        self.names = names  #: All missing names, in lower case.
        self.hint = hint  #: The probable cause, if there is one.
        self.message_id = message_id

    def __str__(self) -> str:
        advice = f"; {self.hint}" if self.hint else ", and check that no proxy removes them"
        return f"missing header(s) {', '.join(self.names)}: pass all request headers{advice}"


class MalformedHeaderError(WebhookVerificationError):
    """A header of the delivery is duplicated or malformed."""

    code = "malformed_header"

    def __init__(self, name: str, problem: str, message_id: str | None = None) -> None:
        super().__init__(name, problem, message_id)
        self.name = name  #: The header, in lower case.
        self.problem = problem  #: What is wrong with it, without the value.
        self.message_id = message_id

    def __str__(self) -> str:
        return f"header {self.name} {self.problem}"


class SignatureMismatchError(WebhookVerificationError):
    """No signature matches: the delivery is forged, was changed in transit, or signed with an unknown secret."""

    code = "signature_mismatch"

    def __init__(self, candidates: int, secrets: int, message_id: str, empty_body: bool = False) -> None:
        super().__init__(candidates, secrets, message_id, empty_body)
        self.candidates = candidates  #: How many well-formed ``v1`` signatures the header contained.
        self.secrets = secrets  #: How many secrets were tried.
        self.message_id = message_id
        self.empty_body = empty_body  #: Whether the body was empty.

    def __str__(self) -> str:
        if self.empty_body:
            return f"body is empty: {_EMPTY_BODY_CAUSES}"
        if not self.candidates:
            return (
                "no v1 signature ('v1,' and 44 base64 characters); other versions and truncated values are ignored: "
                "pass the header unchanged"
            )
        return (
            f"none of {self.candidates} v1 signature(s) matches any of {self.secrets} secret(s): pass the raw body, "
            "not re-serialized JSON, and use this endpoint's signing secret"
        )


class TimestampError(WebhookVerificationError):
    """The signature is valid, but the timestamp is outside the tolerance. Base of the two errors below."""

    def __init__(self, skew: int, tolerance: float, message_id: str) -> None:
        super().__init__(skew, tolerance, message_id)
        self.skew = skew  #: Timestamp minus this machine's clock, in whole seconds: negative if it is in the past.
        self.tolerance = tolerance  #: Seconds allowed in either direction.
        self.message_id = message_id


class TimestampTooOldError(TimestampError):
    """The signature is valid, but the timestamp is old: a replay, a stored delivery, or the clock is fast."""

    code = "timestamp_too_old"

    def __str__(self) -> str:
        return (
            f"valid signature, but timestamp is {-self.skew} s old (tolerance {self.tolerance:g} s): "
            "synchronize this machine's clock, or pass clock= to verify a stored delivery"
        )


class TimestampTooNewError(TimestampError):
    """The signature is valid, but its timestamp is in the future: this machine's clock is slow."""

    code = "timestamp_too_new"

    def __str__(self) -> str:
        return (
            f"valid signature, but timestamp is {self.skew} s in the future (tolerance {self.tolerance:g} s): "
            "synchronize this machine's clock"
        )


class InvalidPayloadError(WebhookVerificationError):
    """The signature is valid, but the body is not an event."""

    code = "invalid_payload"

    def __init__(self, problem: str, message_id: str | None = None) -> None:
        super().__init__(problem, message_id)
        self.problem = problem  #: What is wrong, without the content.
        self.message_id = message_id

    def __str__(self) -> str:
        return self.problem


class BodyTooLargeError(WebhookVerificationError):
    """The body is longer than the receiver's limit. Respond with 413."""

    code = "body_too_large"

    def __init__(self, limit: int, message_id: str | None = None, option: str = "") -> None:
        super().__init__(limit, message_id, option)
        self.limit = limit  #: The maximum length in bytes.
        self.message_id = message_id
        self.option = option  #: The parameter or setting that changes the limit, if there is one.

    def __str__(self) -> str:
        where = f" ({self.option})" if self.option else ""
        return f"body exceeds {self.limit} bytes: raise the limit{where} if your deliveries are that large"


class BodyIncompleteError(WebhookVerificationError):
    """The body is incomplete: the client disconnected, or its framing is malformed."""

    code = "body_incomplete"

    def __init__(self, received: int | None = None, declared: int | None = None, problem: str = "") -> None:
        super().__init__(received, declared, problem)
        self.received = received  #: How many bytes were received, if known.
        self.declared = declared  #: The Content-Length header, if there is one.
        self.problem = problem  #: The cause, if it is not a disconnect.

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        if self.received is None or self.declared is None:
            return "body is incomplete: check for a disconnect or malformed chunks"
        if not self.received:
            return f"body is empty, not {self.declared} bytes: {_EMPTY_BODY_CAUSES}"
        return (
            f"body ended after {self.received} of {self.declared} bytes: check for a disconnect or a wrong "
            "Content-Length"
        )


class BodyTimeoutError(WebhookVerificationError):
    """The body did not arrive in time. Respond with 408."""

    code = "body_timeout"

    def __init__(self, seconds: float, option: str = "") -> None:
        super().__init__(seconds, option)
        self.seconds = seconds  #: The limit.
        self.option = option  #: The parameter or setting that changes the limit, if there is one.

    def __str__(self) -> str:
        limit = f" ({self.option})" if self.option else ""
        return (
            f"body did not arrive within {self.seconds:g} s{limit}: check for a slow client, or middleware that "
            "consumes the body"
        )


class BodyConsumedError(WebhookError):
    """The application read the body before verification: respond with 500."""

    code = "body_consumed"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem  #: What happened and how to fix it.


class StoreError(WebhookError):
    """The idempotency store is unavailable: respond with 500. Its cause is the client library's error."""

    code = "store_unavailable"

    handled: bool = False  #: Whether the handler has run. If so, do not handle the message again.

    def __init__(self, problem: str, handled: bool = False) -> None:
        super().__init__(problem, handled)
        self.problem = problem  #: What is wrong and how to fix it.
        self.handled = handled

    def __str__(self) -> str:
        return self.problem
