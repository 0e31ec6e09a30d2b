"""The contract between Once and whatever remembers the messages."""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class Outcome(Enum):
    """What came of a message. ``status_code`` answers the sender, which sends again what is not answered with 2xx."""

    HANDLED = "handled"  #: The handler ran, and did not raise.
    DUPLICATE = "duplicate"  #: It was handled before.
    IN_PROGRESS = "in_progress"  #: Another process or thread is at it: 409, so that the sender asks again.

    @property
    def status_code(self) -> int:
        """204, or 409 for what is in progress."""
        return 409 if self is Outcome.IN_PROGRESS else 204


class Store(Protocol):
    """Remembers claims, which are leases, and done marks. Each step is atomic; any thread may take it.

    ``clerk_webhook_verify.testing.check_store`` holds a store to this contract. A store out of reach raises
    :class:`clerk_webhook_verify.errors.StoreError`.
    """

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """Take *key* for *lease* seconds, where nobody has it or its owner's lease has run out.

        Args:
            key: Of one message.
            owner: A token, new for every claim.
            lease: Seconds.
        Returns:
            None: it is yours. Else ``DUPLICATE`` for what is done, ``IN_PROGRESS`` for what another has.
        """
        ...

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """Mark *key* done for *retention* seconds, also when the lease has run out and nobody else took it.

        Returns:
            False: another has it, or has done it; nothing was changed.
        """
        ...

    def release(self, key: str, owner: str) -> None:
        """Give *key* back, where *owner* has it and it is not done."""
        ...

    def forget(self, key: str) -> None:
        """Drop whatever is known of *key*."""
        ...
