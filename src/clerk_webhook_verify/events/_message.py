"""Communication: the e-mails and text messages that Clerk writes."""

from __future__ import annotations

from dataclasses import dataclass

from .._record import Record
from .envelope import Event, event_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Email(Record):
    """An e-mail. What it says, one-time codes among it, is in ``body``, ``body_plain`` and ``data``."""

    id: str
    object: str
    slug: str | None = None  #: The template: ``verification_code`` and others.
    from_email_name: str  #: The part before the @.
    reply_to_email_name: str | None = None
    to_email_address: str | None = None
    email_address_id: str | None = None
    user_id: str | None = None
    subject: str | None = None
    body: str | None = None
    body_plain: str | None = None
    status: str | None = None
    data: dict[str, Any]  #: What went into the template, another for each ``slug``.
    delivered_by_clerk: bool  #: False: your application is to send it.


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Sms(Record):
    """A text message. What it says, one-time codes among it, is in ``message`` and ``data``."""

    object: str  #: ``sms_message``.
    id: str
    slug: str | None = None  #: The template: ``verification_code`` and others.
    from_phone_number: str
    to_phone_number: str
    phone_number_id: str | None = None
    user_id: str | None = None
    message: str
    status: str
    data: dict[str, Any]  #: What went into the template, another for each ``slug``.
    delivered_by_clerk: bool  #: False: your application is to send it.
    created_at_ms: int | None = None  #: Unix milliseconds, in some deliveries under the other name.
    created_at: int | None = None  #: Unix milliseconds, in no schema.


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class EmailCreated(Event):
    """An e-mail was written, to be sent by Clerk or by the application."""

    data: Email


@event_class(frozen=True, kw_only=True, repr=False, eq=False)
class SmsCreated(Event):
    """A text message was written, to be sent by Clerk or by the application."""

    data: Sms


#: Any event of this family, for annotations, ``isinstance`` and ``match``.
MessageEvent = EmailCreated | SmsCreated
