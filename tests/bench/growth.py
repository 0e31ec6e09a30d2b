"""Measure how the cost of a delivery grows with its body, secrets, signatures, headers, fields and threads.

    python tests/bench/growth.py --rounds 15                                 # half a minute
    python tests/bench/growth.py --plots docs/_static  # minutes; docs/growth.md has the pictures and the slopes

All series of a table are measured in turns, in process time, and each figure is the best of its rounds, because noise
only adds time. The library's lines must be straight, and not much steeper than those of the limit, which is the
unavoidable work. Throughput of threads is measured in wall-clock time, so other processes reduce it.
"""

import argparse
import base64
import datetime
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hmac import compare_digest
from importlib.metadata import version
from pathlib import Path

import standardwebhooks
import svix.webhooks
from core import LIBRARY, SECRET, SVIX, bare_hmac
from lines import Figures, draw, fitted, is_library, table

from clerk_webhook_verify import Webhook

BEND, R2 = 0.15, 0.98  # the maximum distance of a point from the straight line, and the minimum R²
LOSS = 0.5  # the minimum throughput, on a shared machine
SLICE = 0.002  # seconds a measurement
THREADS = (1, 2, 4, 8)
STANDARD = standardwebhooks.Webhook(SECRET)
Series = dict[str, Callable[[], object]]


def filled(size: int) -> bytes:
    start, end = b'{"type":"user.created","data":{"id":"user_1","last_name":"', b'"}}'
    return start + b"x" * (size - len(start) - len(end)) + end


SMALL = filled(1_000)


def signed(body: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """Return svix-* and webhook-* headers that stay valid during a measurement."""
    library = LIBRARY.signed_headers(body, timestamp=int(time.time()) + 240)  # peers allow 300 s
    return library, {name.replace("svix", "webhook"): value for name, value in library.items()}


def body_size(kilobytes: int) -> Series:
    body = filled(kilobytes * 1000)
    headers, standard = signed(body)
    return {
        "this library": lambda: LIBRARY.verify_signature(headers, body),
        "svix": lambda: SVIX.verify(body, headers),
        "standardwebhooks": lambda: STANDARD.verify(body, standard, json_parse=False),
        "HMAC alone": lambda: bare_hmac(body),
    }


def secrets(count: int) -> Series:
    others = ["whsec_" + base64.b64encode(os.urandom(24)).decode() for _ in range(count - 1)]
    library, theirs = Webhook([*others, SECRET]), [*map(svix.webhooks.Webhook, others), SVIX]
    headers, _ = signed(SMALL)

    def one_after_the_other() -> None:
        for each in theirs:
            try:
                return each.verify(SMALL, headers)
            except svix.webhooks.WebhookVerificationError:
                pass
        raise AssertionError("refused")

    return {
        "this library": lambda: library.verify_signature(headers, SMALL),
        "svix, tried for each": one_after_the_other,
        "HMACs alone": lambda: [bare_hmac(SMALL) for _ in range(count)],
    }


def signatures(count: int) -> Series:
    headers, standard = signed(SMALL)
    right = headers["svix-signature"]
    entries = ["v1," + base64.b64encode(os.urandom(32)).decode() for _ in range(count - 1)]
    for each in (headers, standard):
        each[next(reversed(each))] = text = " ".join([*entries, right])
    return {
        "this library": lambda: LIBRARY.verify_signature(headers, SMALL),
        "svix": lambda: SVIX.verify(SMALL, headers),
        "standardwebhooks": lambda: STANDARD.verify(SMALL, standard, json_parse=False),
        "HMAC and compare_digest alone": lambda: (
            bare_hmac(SMALL),
            [compare_digest(e, right) for e in text.split(" ")],
        ),
    }


def headers(count: int) -> Series:
    given, standard = ({f"X-Header-{n}": "x" for n in range(count - 3)} | own for own in signed(SMALL))
    likely = {f"Sec-Header-{n}": "x" for n in range(count - 3)} | signed(SMALL)[0]

    def looked_at() -> None:
        bare_hmac(SMALL)
        for name, _ in given.items():
            name[0]

    return {
        "this library": lambda: LIBRARY.verify_signature(given, SMALL),
        "this library, all names begin with s": lambda: LIBRARY.verify_signature(likely, SMALL),
        "svix": lambda: SVIX.verify(SMALL, given),
        "standardwebhooks": lambda: STANDARD.verify(SMALL, standard, json_parse=False),
        "HMAC and name[0] alone": looked_at,
    }


def unknown_fields(count: int) -> Series:
    data = {"id": "user_1"} | {f"unknown_{n}": n for n in range(count)}
    body = json.dumps({"type": "user.created", "data": data}).encode()
    headers, standard = signed(body)
    return {
        "this library, typed": lambda: LIBRARY.verify(headers, body),
        "svix and json.loads": lambda: (SVIX.verify(body, headers), json.loads(body)),
        "standardwebhooks": lambda: STANDARD.verify(body, standard),
        "HMAC and json.loads alone": lambda: (bare_hmac(body), json.loads(body)),
    }


@dataclass
class Question:
    slug: str
    unit: str
    axis: str
    points: tuple[int, ...]
    series: Callable[[int], Series]  # this library first, the limit last
    most: tuple[float, ...]  # of the limit's slope, for each series of this library
    scale: str = "linear"


QUESTIONS = [
    Question("body", "KB", "KB of body", (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000), body_size, (1.1,), "log"),
    Question("secrets", "secret", "secrets", (1, 8, 16, 24, 32, 40, 48, 56, 64), secrets, (1.6,)),
    Question("signatures", "signature", "signatures", (1, 10, 25, 40, 55, 70, 85, 100), signatures, (1.3,)),
    Question("headers", "header", "headers", (3, 10, 25, 40, 55, 70, 85, 100), headers, (2.0, 7.0)),
    Question(
        "fields", "field", "unknown fields", (0, 1000, 2500, 4000, 5500, 7000, 8500, 10_000), unknown_fields, (1.6,)
    ),
]


def measured(question: Question, rounds: int) -> Figures:
    """Microseconds, by series and point."""
    by_point = [question.series(point) for point in question.points]
    best = {name: [float("inf")] * len(by_point) for name in by_point[0]}
    calls: dict[tuple[str, int], int] = {}
    for _ in range(rounds):
        for at, series in enumerate(by_point):
            for name, call in series.items():
                count = calls.get((name, at), 1)
                start = time.process_time()  # in which other processes have no part
                for _ in range(count):
                    call()
                taken = (time.process_time() - start) / count
                calls[name, at] = max(1, round(SLICE / taken))
                best[name][at] = min(best[name][at], taken * 1e6)
    return best


def per_second(call: Callable[[], object], threads: int, calls: int) -> float:
    barrier, spans = threading.Barrier(threads), []

    def work() -> None:
        barrier.wait()
        start = time.perf_counter()
        for _ in range(calls // threads):
            call()
        spans.append((start, time.perf_counter()))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    starts, ends = zip(*spans, strict=True)
    return calls / (max(ends) - min(starts))


def throughput(rounds: int) -> Figures:
    """Deliveries a second, by series and number of threads."""
    best: Figures = {}
    for kilobytes, calls in ((1, 4000), (4, 4000), (1000, 40)):
        series = {f"{name}, {kilobytes:,} KB": call for name, call in body_size(kilobytes).items()}
        best |= {name: [0.0] * len(THREADS) for name in series}
        for _ in range(rounds):
            for at, threads in enumerate(THREADS):
                for name, call in series.items():
                    best[name][at] = max(best[name][at], per_second(call, threads, calls))
    return best


def line_table(question: Question, figures: Figures) -> str:
    lines = [fitted(question.points, ys) for ys in figures.values()]
    rows = [
        *(
            [f"{point:,}", *(f"{each:,.1f} µs" for each in row)]
            for point, *row in zip(question.points, *figures.values(), strict=True)
        ),
        [f"**one more {question.unit}**", *(f"**{line.slope * 1000:,.0f} ns**" for line in lines)],
        ["times the limit's", *(f"{line.slope / lines[-1].slope:.2f}" for line in lines)],
        ["farthest from the line", *(f"{line.bend:.1%}" for line in lines)],
        ["R²", *(f"{line.r2:.4f}" for line in lines)],
    ]
    return table([question.axis, *figures], rows)


def wrong_lines(question: Question, figures: Figures) -> Iterator[str]:
    least = fitted(question.points, [*figures.values()][-1])
    library = [(name, fitted(question.points, ys)) for name, ys in figures.items() if is_library(name)]
    for (name, line), most in zip(library, question.most, strict=True):
        if line.bend > BEND or line.r2 < R2:
            yield f"{question.slug}: {name}: not straight"
        if line.slope > most * least.slope:
            yield f"{question.slug}: {name}: {line.slope / least.slope:.2f} times the limit's slope, allowed {most}"


def wrong_throughput(figures: Figures) -> Iterator[str]:
    for name, library in figures.items():
        if is_library(name) and min(library) < LOSS * library[0]:
            yield f"threads: {name}: threads are in each other's way"
    if max(figures["this library, 1,000 KB"]) < LOSS * max(figures["HMAC alone, 1,000 KB"]):
        yield "threads: this library, 1,000 KB: gains less from them than HMAC alone"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--plots", type=Path, help="the folder for growth-*.svg; needs matplotlib")
    options = parser.parse_args()
    peers = ", ".join(f"{name} {version(name)}" for name in ("clerk-webhook-verify", "svix", "standardwebhooks"))
    print(f"Measured on {datetime.date.today()}: Python {platform.python_version()}, {peers}, {os.cpu_count()} cores.")
    wrong: list[str] = []

    for question in QUESTIONS:
        figures = measured(question, options.rounds)
        wrong += wrong_lines(question, figures)
        print(f"\n{question.slug}\n\n{line_table(question, figures)}", flush=True)
        if options.plots:
            file = options.plots / f"growth-{question.slug}.svg"
            draw(file, (question.axis, "microseconds a delivery"), question.points, figures, question.scale)

    figures = throughput(options.rounds)
    head = ["", *(f"{count} thread{'s' * (count > 1)}" for count in THREADS)]
    rates = table(head, ([name, *(f"{each:,.0f}/s" for each in row)] for name, row in figures.items()))
    wrong += wrong_throughput(figures)
    print(f"\nthreads\n\n{rates}")
    if options.plots:
        shown = {name: ys for name, ys in figures.items() if is_library(name) or "1,000" in name}
        times_one = {name: [each / ys[0] for each in ys] for name, ys in shown.items()}
        draw(options.plots / "growth-threads.svg", ("threads", "throughput, times one thread's"), THREADS, times_one)

    print("\n" + ("\n".join(wrong) or "all straight, none steeper than allowed"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
