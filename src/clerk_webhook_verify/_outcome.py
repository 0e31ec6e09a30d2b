"""Outcome: the result of running a message, which stores return and adapters respond with."""

from __future__ import annotations

from enum import Enum


class OutcomeValue(str):
    """The value of an outcome. FastAPI passes the value of an enum to the response class, not its member.

    It is equal to a plain string, and its class distinguishes it from the application's own strings.
    """

    __slots__ = ()


class Outcome(Enum):
    """The result of running a message. Respond with its ``status_code``: the sender retries unless that is 2xx.

    A handler may return it: the adapters respond with its status code.
    """

    HANDLED = OutcomeValue("handled")  #: The handler ran without raising.
    DUPLICATE = OutcomeValue("duplicate")  #: The message was handled before.
    IN_PROGRESS = OutcomeValue("in_progress")  #: Another worker is handling it: 409, so that the sender retries.

    @property
    def status_code(self) -> int:
        """409 for ``IN_PROGRESS``, otherwise 204."""
        return 409 if self is Outcome.IN_PROGRESS else 204


def status_code_of(returned: object) -> int | None:
    """Return the status for what a handler returned, an outcome or None; None if it is a response of its own."""
    if returned is None:
        return 204
    return returned.status_code if isinstance(returned, Outcome) else None
