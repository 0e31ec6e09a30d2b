"""The pytest plugin: a secret in the environment, a signer and a clock.

pytest finds it through the entry point of the installed package. For a vendored copy, add
``-p shop.inbound.clerk.testing.pytest_plugin`` to the command line or ``addopts``.
"""

from typing import Any

import pytest

from .._secret import ENVIRONMENT
from ..events import EventType
from . import FrozenClock, SignedRequest, Signer, generate_secret, signed_request

__all__ = ["clerk_webhook_clock", "clerk_webhook_signer"]

OPTION = "clerk_webhook_signing_secret"

_is_set = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the ini option."""
    parser.addini(
        OPTION,
        f"set {ENVIRONMENT[0]} to this signing secret before the application is imported; 'generate' generates a new "
        "one for each run",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set the environment as early as a plugin can: conftest files may import the application."""
    pytest_configure(early_config)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set the environment if a conftest file names the plugin, since the hook above is not called then."""
    secret = config.getini(OPTION)
    if not secret or _is_set in config.stash:
        return
    config.stash[_is_set] = True
    patch = pytest.MonkeyPatch()
    patch.setenv(ENVIRONMENT[0], generate_secret() if secret == "generate" else secret)  # noqa: S105
    config.add_cleanup(patch.undo)


@pytest.fixture
def clerk_webhook_clock() -> FrozenClock:
    """A clock frozen at the current time: pass it to ``Webhook(clock=...)``, and ``advance`` it."""
    return FrozenClock()


@pytest.fixture
def clerk_webhook_signer(clerk_webhook_clock: FrozenClock) -> Signer:
    """Sign requests with the environment's secret, at the time of :func:`clerk_webhook_clock`."""

    def sign(type_or_payload: EventType | dict[str, Any] | bytes, /, **options: Any) -> SignedRequest:
        if options.get("timestamp") is None:
            options["timestamp"] = int(clerk_webhook_clock())
        return signed_request(type_or_payload, **options)

    return sign
