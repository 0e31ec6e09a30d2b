"""The protocol of idempotency stores."""

from __future__ import annotations

from typing import Protocol

from .._outcome import Outcome as Outcome


class Store(Protocol):
    """Stores claims for the length of their leases, and which messages are done.

    Each method is atomic, and any thread may call it. If the store is unavailable, it raises
    :class:`clerk_webhook_verify.errors.StoreError`. Test your own store with
    ``clerk_webhook_verify.testing.check_store``.
    """

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """Claim *key* for *lease* seconds, unless it is done or another owner's lease is running.

        Args:
            key: Identifies one message: up to 2,001 ASCII characters. Keys that differ in case are different keys.
            owner: A token, new for every claim.
            lease: Seconds.
        Returns:
            None if the claim is yours, ``DUPLICATE`` if the message is done, ``IN_PROGRESS`` if another owner has it.
        """
        ...

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """Mark *key* done for *retention* seconds, even after the lease expired, unless another owner claimed it.

        Returns:
            False if another owner claimed or completed it, and nothing was changed.
        """
        ...

    def release(self, key: str, owner: str) -> None:
        """Release *owner*'s claim of *key*, unless it is done."""
        ...

    def forget(self, key: str) -> None:
        """Delete everything about *key*."""
        ...
