"""The fuzz targets, and the limits of time and memory for every input.

Each target is a function of bytes that raises if its property is violated. None of them needs atheris.
"""

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from proof.fuzz import bodies, deliveries, files
from proof.fuzz.tape import require

CORPUS = Path(__file__).with_name("corpus")
TRIES = 5  # the fastest counts


class Target(NamedTuple):
    check: Callable[[bytes], None]
    share: int  #: Percent of all executions.
    max_len: int = 4096  #: Bytes.
    seconds: float = 0.010  #: Limit per input, of this thread's CPU time.
    memory: int = 512 * 1024  #: Limit of the peak in bytes, in addition to 64 times the input.


TARGETS = {
    "headers": Target(deliveries.headers, 28),
    "secret": Target(deliveries.secret, 12),
    "timestamp": Target(deliveries.timestamp, 12),
    "payload": Target(bodies.payload, 14),
    "stored": Target(bodies.stored, 12),
    "allowlist": Target(files.allowlist, 8),
    "capture": Target(files.capture, 9),
    # Short inputs become requests of 120 KB. The limits are those of diagnose() itself
    "diagnose": Target(deliveries.diagnose, 5, max_len=512, seconds=1.0, memory=64_000_000),
}


def check_time(target: Target, data: bytes, seconds: float) -> None:
    """Require that the fastest of some tries stays within *seconds*; other load on the machine slows some of them."""
    for _ in range(TRIES):
        start = time.thread_time()
        target.check(data)
        if (taken := time.thread_time() - start) <= seconds:
            return
    require(False, f"takes {taken * 1e3:.1f} ms, the limit is {seconds * 1e3:g} ms")


def check_memory(target: Target, data: bytes) -> None:
    """Require that the lowest peak of some tries stays within the limit; the first try also fills caches."""
    allowed = target.memory + 64 * len(data)
    for _ in range(TRIES):
        tracemalloc.start()
        try:
            target.check(data)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        if peak <= allowed:
            return
    require(False, f"takes {peak:,} bytes for an input of {len(data):,}, the limit is {allowed:,}")
