"""Test your webhook handlers: sample payloads, typed events, signed requests and a clock that stands still.

Nothing in here needs a network, a test runner or another package. The pytest plugin is in :mod:`.pytest_plugin`.
"""

from ._clock import FrozenClock
from ._events import make_event, sample
from ._requests import Fault, SignedRequest, generate_secret, signed_request
from ._store_contract import check_store

__all__ = [
    "Fault",
    "FrozenClock",
    "SignedRequest",
    "check_store",
    "generate_secret",
    "make_event",
    "sample",
    "signed_request",
]
