"""What is fuzzed, and what holds of every input besides its target's own property: no hang, no memory without measure.

Each target is a function of bytes that returns, or raises where its property does not hold. None of them needs atheris.
"""

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from proof.fuzz import bodies, deliveries, files
from proof.fuzz.tape import hold

CORPUS = Path(__file__).with_name("corpus")
TRIES = 5  # the fastest counts


class Target(NamedTuple):
    check: Callable[[bytes], None]
    share: int  #: Of all executions, in percent.
    max_len: int = 4096  #: Bytes.
    seconds: float = 0.010  #: The most that an input may take, of this thread's own time.
    memory: int = 512 * 1024  #: Bytes at the peak that any input may take, besides 64 times its own.


TARGETS = {
    "headers": Target(deliveries.headers, 28),
    "secret": Target(deliveries.secret, 12),
    "timestamp": Target(deliveries.timestamp, 12),
    "payload": Target(bodies.payload, 14),
    "stored": Target(bodies.stored, 12),
    "allowlist": Target(files.allowlist, 8),
    "capture": Target(files.capture, 9),
    "diagnose": Target(deliveries.diagnose, 5, max_len=512, seconds=0.300),  # "up to a few tenths of a second"
}


def check_time(target: Target, data: bytes, seconds: float) -> None:
    """Whether the fastest of some tries stays within *seconds*, without what else the machine does meanwhile."""
    for _ in range(TRIES):
        start = time.thread_time()
        target.check(data)
        if (taken := time.thread_time() - start) <= seconds:
            return
    hold(False, f"takes {taken * 1e3:.1f} ms, {seconds * 1e3:g} ms are allowed")


def check_memory(target: Target, data: bytes) -> None:
    """Whether the peak stays within a multiple of the input; the lowest counts, since the first fills caches."""
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
    hold(False, f"takes {peak:,} bytes for an input of {len(data):,}, {allowed:,} are allowed")
