"""Test whether the time of a check depends on the compared values or the secret.

    python tests/bench/timing.py   # 1,000,000 samples per row, two minutes
    python tests/bench/timing.py --samples 200_000 --limit 10 --attempts 3   # the short form, half a minute

The test is dudect's (Reparaz, Balasch, Verbauwhede 2017): inputs of two classes in random order, then Welch's t on all
timings and on those below each of fifty percentiles; the largest |t| is the result. Below 4.5 there is no difference,
above 10 there certainly is one. Inputs of both classes are created in the same way, as new objects, just before a block
of them is timed, so caches, hashes and memory addresses do not differ. The controls show that the test detects a leak,
and reports none without one. `==` on 47 characters is one memcmp, and its leak of a nanosecond is too small to detect
in all of `verify_signature`, so only the comparison is tested.
"""

import argparse
import datetime
import gc
import hmac
import math
import operator
import os
import platform
import random
import sys
import time
from array import array
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from unittest import mock

from clerk_webhook_verify import Webhook, WebhookVerificationError, __version__, _webhook

SEEN = 4.5  # |t|, from which on there is something
BLOCK = 5_000  # inputs at a time
BODY, MESSAGE_ID, NOW = b"{}", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_700_000_000
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
NEXT = str.maketrans(BASE64, BASE64[1:] + BASE64[:1])  # each character to another one


def new_secret() -> str:
    return "whsec_" + b64encode(os.urandom(24)).decode()


def clock() -> float:
    return float(NOW)


SECRETS = [new_secret() for _ in range(5)]
ONE, FIVE = Webhook(SECRETS[0], clock=clock), Webhook(SECRETS, clock=clock)
FIXED = new_secret()
LATER = Webhook(SECRETS, clock=lambda: NOW + 3600.0)  # to which valid deliveries are stale
EXPECTED = [Webhook(secret).sign(MESSAGE_ID, NOW, BODY) for secret in SECRETS]


def forged(near: bool, expected: str = EXPECTED[0]) -> str:
    """Return an entry that is wrong only in the last possible character, or in all of them."""
    first_wrong = len(expected) - 2 if near else len("v1,")
    others = "v1," + b64encode(os.urandom(32)).decode()
    return expected[:first_wrong] + expected[first_wrong].translate(NEXT) + others[first_wrong + 1 :]


def headers(entry: str) -> dict[str, str]:
    return {"svix-id": MESSAGE_ID, "svix-timestamp": str(NOW), "svix-signature": entry}


def refused(webhook: Webhook, given: dict[str, str]) -> None:
    try:
        webhook.verify_signature(given, BODY)
    except WebhookVerificationError:
        return
    raise AssertionError("accepted")


def early_exit(given: str, expected: str) -> bool:
    return len(given) == len(expected) and all(map(operator.eq, given, expected))


def fixed_or_random(fixed: bool) -> str:
    drawn = new_secret()
    return FIXED if fixed else drawn


def checked(entry: str) -> tuple[Any, ...]:
    return ONE, headers(entry)


@dataclass
class Row:
    """A measurement: *call* with the result of *prepare*. Only *text* depends on the class."""

    name: str
    call: Callable[..., object]
    prepare: Callable[[str], tuple[Any, ...]]
    text: Callable[[bool], str]
    leaks: bool | None = False  # True: a control, which must leak; None: either is correct
    comparison: Callable[[str, str], bool] = hmac.compare_digest  # the one inside of verify_signature


ROWS = [
    Row("verify_signature: forged, near the right signature or far", refused, checked, forged),
    Row("the comparison alone: near or far", hmac.compare_digest, lambda entry: (entry, EXPECTED[0]), forged),
    Row(
        "verify_signature: forged, near the first of five secrets' or the last's",
        refused,
        lambda entry: (FIVE, headers(entry)),
        lambda last: forged(True, EXPECTED[-last]),
    ),
    Row(
        "verify_signature: stale, signed with the first of five secrets or the last",
        refused,
        lambda entry: (LATER, headers(entry)),
        lambda last: EXPECTED[-last],
        leaks=None,  # reveals which secret signed a valid delivery, which does not help to forge another one
    ),
    Row(
        "verify_signature: forged, one fixed secret or random ones",
        refused,
        lambda secret: (Webhook(secret, clock=clock), headers(forged(False))),
        fixed_or_random,
    ),
    Row("control, the same class twice: verify_signature", refused, checked, lambda _: forged(False)),
    Row(
        "control, the same class twice: the comparison alone",
        hmac.compare_digest,
        lambda entry: (entry, EXPECTED[0]),
        lambda _: forged(False),
    ),
    Row("control, ==: the comparison alone, near or far", operator.eq, lambda e: (e, EXPECTED[0]), forged, True),
    Row("control, early exit: verify_signature, near or far", refused, checked, forged, True, early_exit),
]


def timed(row: Row, samples: int) -> tuple[array, array]:
    """Nanoseconds a call, of each class."""
    now, call, times = time.perf_counter_ns, row.call, (array("q"), array("q"))
    with mock.patch.object(_webhook, "compare_digest", row.comparison):
        for block in range(-1, samples // BLOCK):  # the first one warms up
            classes = [random.getrandbits(1) for _ in range(BLOCK)]
            texts = [row.text(bool(each)).encode() for each in classes]
            inputs = [row.prepare(text.decode()) for text in texts]
            for which, given in zip(classes, inputs, strict=True):
                start = now()
                call(*given)
                taken = now() - start
                if block >= 0:
                    times[which].append(taken)
    return times


def worst(times: tuple[array, array]) -> tuple[float, float]:
    """The t that is farthest from 0, and by how many nanoseconds the faster halves of the classes differ."""
    pooled = sorted(times[0] + times[1])
    cuts = [pooled[-1], *(pooled[int(len(pooled) * (1 - 0.5 ** (step / 5)))] for step in range(1, 51))]
    ordered = [sorted(each) for each in times]
    sums = [[0, *accumulate(each)] for each in ordered]
    squares = [[0, *accumulate(taken * taken for taken in each)] for each in ordered]
    t = 0.0
    for cut in cuts:
        means, variances = [], []
        for each, total, square in zip(ordered, sums, squares, strict=True):
            n = bisect_right(each, cut)
            if n > 1:
                means.append(total[n] / n)
                variances.append((square[n] - total[n] ** 2 / n) / (n - 1) / n)
        if len(means) == 2 and any(variances):
            t = max(t, (means[1] - means[0]) / math.sqrt(sum(variances)), key=abs)
    halves = [total[len(total) // 2] / (len(total) // 2) for total in sums]
    return t, halves[1] - halves[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_000_000, help="of each row")
    parser.add_argument("--limit", type=float, default=SEEN, help="of |t|, for what must not leak")
    parser.add_argument("--attempts", type=int, default=1, help="per row: a busy machine shows what is not there")
    options = parser.parse_args()
    print(f"{datetime.date.today()}, Python {platform.python_version()}, clerk-webhook-verify {__version__}")
    print(f"{options.samples:,} samples a row\n")
    print(f"| {'what is timed':<75} | {'t':>8} | difference | wanted |\n|{'-' * 77}|{'-' * 9}:|{'-' * 11}:|{'-' * 8}|")
    gc.disable()
    wrong = 0
    for row in ROWS:
        for _ in range(options.attempts):
            t, difference = worst(timed(row, options.samples))
            gc.collect()
            is_wrong = row.leaks is not None and (abs(t) < SEEN if row.leaks else abs(t) >= options.limit)
            if not is_wrong:
                break
        wanted = {False: f"< {options.limit:g}", True: f"> {SEEN:g}", None: "any"}[row.leaks]
        if is_wrong:
            wrong, wanted = wrong + 1, wanted + " WRONG"
        print(f"| {row.name:<75} | {t:>8.2f} | {difference:>7.2f} ns | {wanted:<6} |", flush=True)
    print(f"\n{wrong} not as wanted")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
