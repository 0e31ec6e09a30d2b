"""Every exception of this package, one tree under :class:`WebhookError`.

The tree has two sides. :class:`WebhookVerificationError` means that the request is rejected: respond with 4xx. All
others, such as :class:`InvalidSecretError`, are application errors: respond with 500. Catch the first, so that no
client gets a 400 for a missing secret.

Each class has a stable ``code`` for logs and metrics. The message says how to fix it; neither the message nor an
attribute contains a secret, a key, the expected signature or any part of the body.
"""

from __future__ import annotations

from typing import ClassVar

_EMPTY_BODY_CAUSES = (
    "the sender sent none, or a middleware or the server read it and did not pass it on; verify before anything else "
    "reads the body"
)


class WebhookError(Exception):
    """Base of every error of this package."""

    code: ClassVar[str] = "webhook_error"

    message_id: str | None = None  #: The ``svix-id`` of the delivery, if it is well-formed; adapters always set it.


class InvalidSecretError(WebhookError):
    """The application has no usable signing secret. The sender has done nothing wrong: respond with 500."""

    code = "invalid_secret"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem  #: What is wrong and how to fix it, without the value.

    def __str__(self) -> str:
        return self.problem


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
        listed = " and ".join(filter(None, [", ".join(self.names[:-1]), self.names[-1]]))
        advice = f"; {self.hint}" if self.hint else ", and check that no proxy removes them"
        return f"the request has no {listed} header: pass all headers of the request as they arrived{advice}"


class MalformedHeaderError(WebhookVerificationError):
    """A header of the delivery is not as a sender writes it."""

    code = "malformed_header"

    def __init__(self, name: str, problem: str, message_id: str | None = None) -> None:
        super().__init__(name, problem, message_id)
        self.name = name  #: The header, in lower case.
        self.problem = problem  #: What is wrong with it, without the value.
        self.message_id = message_id

    def __str__(self) -> str:
        return f"the header {self.name} {self.problem}"


class SignatureMismatchError(WebhookVerificationError):
    """No signature matches: the delivery is forged, was changed in transit, or signed with an unknown secret."""

    code = "signature_mismatch"

    def __init__(self, candidates: int, secrets: int, message_id: str, empty_body: bool = False) -> None:
        super().__init__(candidates, secrets, message_id, empty_body)
        self.candidates = candidates  #: How many well-formed ``v1`` signatures the header contained.
        self.secrets = secrets  #: How many secrets they were compared with.
        self.message_id = message_id
        self.empty_body = empty_body  #: Whether the body was empty, which the sender never signed.

    def __str__(self) -> str:
        if self.empty_body:
            return f"the body is empty: {_EMPTY_BODY_CAUSES}"
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
    """The signature is valid, but the timestamp is outside the tolerance. Base of the two errors below."""

    def __init__(self, skew: int, tolerance: float, message_id: str) -> None:
        super().__init__(skew, tolerance, message_id)  # facts, not the sentence: copies and pickles stay whole
        self.skew = skew  #: Whole seconds from this machine's clock to the signed timestamp: negative if it is older.
        self.tolerance = tolerance  #: Seconds allowed in either direction.
        self.message_id = message_id


class TimestampTooOldError(TimestampError):
    """The signature is valid, but too old: a replay, a stored delivery, or this machine's clock is fast."""

    code = "timestamp_too_old"

    def __str__(self) -> str:
        return (
            f"the delivery is genuine but was signed {-self.skew} s ago, {self.tolerance:g} s are allowed: "
            "synchronise this machine's clock, or pass clock= when you verify a stored delivery"
        )


class TimestampTooNewError(TimestampError):
    """The signature is valid, but its timestamp is in the future: this machine's clock is slow."""

    code = "timestamp_too_new"

    def __str__(self) -> str:
        return (
            f"the delivery is genuine but was signed {self.skew} s ahead of this machine's clock, "
            f"{self.tolerance:g} s are allowed: synchronise this machine's clock"
        )


class InvalidPayloadError(WebhookVerificationError):
    """The body is not an event. Its signature is valid: only an authentic body is parsed."""

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
        return f"the body is longer than {self.limit} bytes: raise the limit{where} if your deliveries are that large"


class BodyIncompleteError(WebhookVerificationError):
    """The body did not arrive completely: the sender disconnected, or framed it wrongly. Respond with 400."""

    code = "body_incomplete"

    def __init__(self, received: int | None = None, declared: int | None = None, problem: str = "") -> None:
        super().__init__(received, declared, problem)
        self.received = received  #: How many bytes arrived, if that is known.
        self.declared = declared  #: How many the Content-Length header declares, if there is one.
        self.problem = problem  #: The cause, if it is another one than a disconnect.

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        if self.received is None or self.declared is None:
            return "the sender closed the connection before the body was complete, or sent it malformed"
        ends = f"the body ends after {self.received} of {self.declared} bytes"
        if not self.received:
            return f"{ends}, it is empty: {_EMPTY_BODY_CAUSES}"
        return f"{ends}: the sender left, or declared too many"


class BodyTimeoutError(WebhookVerificationError):
    """The body did not arrive in time. Respond with 408."""

    code = "body_timeout"

    def __init__(self, seconds: float, option: str = "") -> None:
        super().__init__(seconds, option)
        self.seconds = seconds  #: The limit.
        self.option = option  #: The parameter or setting that changes the limit, if there is one.

    def __str__(self) -> str:
        return (
            f"the body did not arrive within {self.seconds:g} s: the sender is slow, "
            "or a middleware read the body and does not pass it on"
            + (f"; the limit is {self.option}" if self.option else "")
        )


class BodyConsumedError(WebhookError):
    """Something else in the application has read the body. The sender has done nothing wrong: respond with 500."""

    code = "body_consumed"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem  #: What happened and how to fix it.

    def __str__(self) -> str:
        return self.problem


class StoreError(WebhookError):
    """The store that remembers handled messages is unavailable. Nothing is wrong with the delivery: respond with 500.

    Its cause is the error of the store's client library.
    """

    code = "store_unavailable"

    handled: bool = False  #: Whether the handler has run: then the message must not be handled again.

    def __init__(self, problem: str, handled: bool = False) -> None:
        super().__init__(problem, handled)
        self.problem = problem  #: What is wrong and how to fix it.
        self.handled = handled

    def __str__(self) -> str:
        return self.problem
