"""Emails and text messages that Clerk creates."""

from typing import Any, Literal

from ._base import Event
from ._data import Record


class Email(Record):
    """An email. Its content, such as one-time codes, is in ``body``, ``body_plain`` and ``data``."""

    id: str
    object: str
    slug: str | None = None
    """The template: ``verification_code`` and others."""
    from_email_name: str
    """The part before the @."""
    reply_to_email_name: str | None = None
    to_email_address: str | None = None
    email_address_id: str | None = None
    user_id: str | None = None
    subject: str | None = None
    body: str | None = None
    body_plain: str | None = None
    status: str | None = None
    suppression_reason: str | None = None
    """Why it was not sent. Since September 2026."""
    data: dict[str, Any]
    """The template's variables, which depend on ``slug``."""
    delivered_by_clerk: bool
    """If False, your application must send it."""


class Sms(Record):
    """A text message. Its content, such as one-time codes, is in ``message`` and ``data``."""

    object: str
    """``sms_message``."""
    id: str
    slug: str | None = None
    """The template: ``verification_code`` and others."""
    from_phone_number: str
    to_phone_number: str
    phone_number_id: str | None = None
    user_id: str | None = None
    message: str
    status: str
    data: dict[str, Any]
    """The template's variables, which depend on ``slug``."""
    delivered_by_clerk: bool
    """If False, your application must send it."""
    created_at_ms: int | None = None
    """Unix milliseconds; in some deliveries ``created_at`` instead."""
    created_at: int | None = None
    """Unix milliseconds, undocumented."""


class EmailCreated(Event):
    """Clerk created an email, which Clerk or your application sends."""

    type: Literal["email.created"]
    data: Email


class SmsCreated(Event):
    """Clerk created a text message, which Clerk or your application sends."""

    type: Literal["sms.created"]
    data: Sms


#: Any of these events, for annotations, ``isinstance`` and ``match``.
MessageEvent = EmailCreated | SmsCreated

#: The types of these events.
MessageEventType = Literal[
    "email.created",
    "sms.created",
]
