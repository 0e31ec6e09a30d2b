"""The pytest plugin: a secret in the environment before your application is imported, a signer and a clock.

pytest finds it through its entry point.
"""

from typing import Any, Protocol

import pytest

from .._secret import ENVIRONMENT
from ..events import EventType
from ._clock import FrozenClock
from ._requests import Fault, SignedRequest, generate_secret, signed_request

OPTION = "clerk_webhook_signing_secret"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the ini option."""
    parser.addini(
        OPTION,
        f"puts this signing secret into {ENVIRONMENT[0]} before any module of the application is imported; "
        "'generate' generates a new one for each run",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set the environment as early as a plugin can: conftest files may import the application."""
    secret = early_config.getini(OPTION)
    if secret == "generate":  # noqa: S105
        secret = generate_secret()
    if secret:
        patch = pytest.MonkeyPatch()
        patch.setenv(ENVIRONMENT[0], secret)
        early_config.add_cleanup(patch.undo)


class Signer(Protocol):
    """The type of :func:`clerk_webhook_signer`."""

    def __call__(
        self,
        type_or_payload: EventType | dict[str, Any] | bytes,
        /,
        *,
        message_id: str | None = None,
        timestamp: int | None = None,
        fault: Fault | None = None,
    ) -> SignedRequest:
        """Call :func:`.signed_request` with the secret of the environment and the time of the fixture's clock."""
        ...


@pytest.fixture
def clerk_webhook_clock() -> FrozenClock:
    """A clock that stands still at the current time: pass it to ``Webhook(clock=...)``, and ``advance`` it."""
    return FrozenClock()


@pytest.fixture
def clerk_webhook_signer(clerk_webhook_clock: FrozenClock) -> Signer:
    """Sign requests with the secret of the environment, at the time of :func:`clerk_webhook_clock`."""

    def sign(
        type_or_payload: EventType | dict[str, Any] | bytes,
        /,
        *,
        message_id: str | None = None,
        timestamp: int | None = None,
        fault: Fault | None = None,
    ) -> SignedRequest:
        signed_at = int(clerk_webhook_clock()) if timestamp is None else timestamp
        return signed_request(type_or_payload, message_id=message_id, timestamp=signed_at, fault=fault)

    return sign
