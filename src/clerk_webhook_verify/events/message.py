"""Communication: the e-mails and text messages that Clerk writes."""

from typing import Any, Literal

from ._base import Event
from ._data import Record


class Email(Record):
    """An e-mail. What it says, one-time codes among it, is in ``body``, ``body_plain`` and ``data``."""

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
    """What went into the template, another for each ``slug``."""
    delivered_by_clerk: bool
    """False: your application is to send it."""


class Sms(Record):
    """A text message. What it says, one-time codes among it, is in ``message`` and ``data``."""

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
    """What went into the template, another for each ``slug``."""
    delivered_by_clerk: bool
    """False: your application is to send it."""
    created_at_ms: int | None = None
    """Unix milliseconds, in some deliveries under the other name."""
    created_at: int | None = None
    """Unix milliseconds, in no schema."""


class EmailCreated(Event):
    """An e-mail was written, to be sent by Clerk or by the application."""

    type: Literal["email.created"]
    data: Email


class SmsCreated(Event):
    """A text message was written, to be sent by Clerk or by the application."""

    type: Literal["sms.created"]
    data: Sms


#: Any event of this family, for annotations, ``isinstance`` and ``match``.
MessageEvent = EmailCreated | SmsCreated

#: The types of these events.
MessageEventType = Literal[
    "email.created",
    "sms.created",
]
