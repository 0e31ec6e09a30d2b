"""The contract between Once and a store."""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class Outcome(Enum):
    """The result of running a message. Respond with its ``status_code``: the sender retries unless that is 2xx."""

    HANDLED = "handled"  #: The handler ran without raising.
    DUPLICATE = "duplicate"  #: The message was handled before.
    IN_PROGRESS = "in_progress"  #: Another process or thread is handling it: 409, so that the sender retries.

    @property
    def status_code(self) -> int:
        """409 for ``IN_PROGRESS``, otherwise 204."""
        return 409 if self is Outcome.IN_PROGRESS else 204


class Store(Protocol):
    """Remembers claims, each for the length of its lease, and which messages are done.

    Each method is atomic, and any thread may call it. A store that is unavailable raises
    :class:`clerk_webhook_verify.errors.StoreError`. ``clerk_webhook_verify.testing.check_store`` tests your own store
    against this contract.
    """

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """Claim *key* for *lease* seconds, unless it is done or another owner's lease is still running.

        Args:
            key: Identifies one message.
            owner: A token, new for every claim.
            lease: Seconds.
        Returns:
            None: the claim is yours. ``DUPLICATE``: the message is done. ``IN_PROGRESS``: another owner has it.
        """
        ...

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """Mark *key* done for *retention* seconds, also after the lease has run out if no other owner claimed it.

        Returns:
            False: another owner has claimed or completed it, and nothing was changed.
        """
        ...

    def release(self, key: str, owner: str) -> None:
        """Give up the claim of *key*, if it is *owner*'s and not done."""
        ...

    def forget(self, key: str) -> None:
        """Delete everything about *key*."""
        ...
