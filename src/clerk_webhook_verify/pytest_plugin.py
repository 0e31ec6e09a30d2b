"""The pytest plugin: a secret in the environment before any application is imported, a signer and a clock.

It is found through its entry point. Until its option or one of its fixtures is used it only registers them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from ._secret import ENVIRONMENT

if TYPE_CHECKING:
    from typing import Any

    from .events import EventType
    from .testing import Fault, FrozenClock, SignedRequest

OPTION = "clerk_webhook_signing_secret"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the ini option."""
    parser.addini(
        OPTION,
        f"puts this signing secret into {ENVIRONMENT[0]} before any module of the application is imported; "
        "'generate' makes a fresh one for the run",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set the environment as early as a plugin can: conftest files may import the application."""
    secret = early_config.getini(OPTION)
    if secret == "generate":  # noqa: S105
        from .testing import generate_secret

        secret = generate_secret()
    if secret:
        patch = pytest.MonkeyPatch()
        patch.setenv(ENVIRONMENT[0], secret)
        early_config.add_cleanup(patch.undo)


class Signer(Protocol):
    """What the fixture :func:`clerk_webhook_signer` gives: :func:`.testing.signed_request` by the fixture's clock."""

    def __call__(
        self,
        type_or_payload: EventType | dict[str, Any] | bytes,
        /,
        *,
        message_id: str | None = None,
        timestamp: int | None = None,
        fault: Fault | None = None,
    ) -> SignedRequest:
        """Sign with the secret of the environment."""
        ...


@pytest.fixture
def clerk_webhook_clock() -> FrozenClock:
    """A clock that stands at now: pass it to ``Webhook(clock=...)``, and ``advance`` it."""
    from .testing import FrozenClock

    return FrozenClock()


@pytest.fixture
def clerk_webhook_signer(clerk_webhook_clock: FrozenClock) -> Signer:
    """Signs requests with the secret of the environment, at the time of :func:`clerk_webhook_clock`."""
    from .testing import signed_request

    def sign(
        type_or_payload: EventType | dict[str, Any] | bytes,
        /,
        *,
        message_id: str | None = None,
        timestamp: int | None = None,
        fault: Fault | None = None,
    ) -> SignedRequest:
        at = int(clerk_webhook_clock()) if timestamp is None else timestamp
        return signed_request(type_or_payload, message_id=message_id, timestamp=at, fault=fault)

    return sign
