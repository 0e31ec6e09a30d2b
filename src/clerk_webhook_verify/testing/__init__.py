"""Test your webhook handlers: sample payloads, typed events, signed requests and a frozen clock.

The pytest plugin is in :mod:`.pytest_plugin`; the rest needs no network and no other package.
"""

from ._clock import FrozenClock
from ._events import make_event, sample
from ._requests import Family, Fault, SignedRequest, Signer, generate_secret, signed_request
from ._store_contract import check_store

__all__ = [
    "Family",
    "Fault",
    "FrozenClock",
    "SignedRequest",
    "Signer",
    "check_store",
    "generate_secret",
    "make_event",
    "sample",
    "signed_request",
]
