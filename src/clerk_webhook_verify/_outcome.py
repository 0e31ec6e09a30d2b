"""Outcome: the result of processing a message."""

from __future__ import annotations

from enum import Enum


class OutcomeValue(str):
    """The value of an outcome, which its class distinguishes from the application's strings.

    FastAPI passes the value of an enum member to the response class.
    """

    __slots__ = ()


class Outcome(Enum):
    """The result of processing a message. A handler may return it: adapters respond with its ``status_code``."""

    HANDLED = OutcomeValue("handled")  #: The handler ran without raising.
    DUPLICATE = OutcomeValue("duplicate")  #: The message was handled before.
    IN_PROGRESS = OutcomeValue("in_progress")  #: Another worker is handling it: 409 makes Clerk retry.

    @property
    def status_code(self) -> int:
        """409 for ``IN_PROGRESS``, otherwise 204."""
        return 409 if self is Outcome.IN_PROGRESS else 204


def status_code_of(returned: object) -> int | None:
    """Return the status code for a handler's return value; None if it is neither an outcome nor None."""
    if returned is None:
        return 204
    return returned.status_code if isinstance(returned, Outcome) else None
