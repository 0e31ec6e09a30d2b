"""Test endpoints on real servers under mixed traffic: no 5xx, no growth, no good delivery rejected.

    python tests/proof/soak/run.py --seconds 600     # --seconds 10 is the short form
    python tests/proof/soak/run.py --seconds 60 --servers "Flask on gunicorn"

Each server gets good, forged, stale, oversized, half-closed and aborted requests, and one slow client fewer than
gunicorn has threads. Through nginx it gets half as many more requests, and twice as many slow clients as threads. After
one fifth and four fifths of the time and at the end, all senders stop and the servers are measured; tracemalloc runs in
the last fifth. Prints Markdown: "none" is a connection that was closed without a response, "left" a sender that gave
up. Exits with 1 if a check fails.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from senders import RATES, SLOW, Senders
from serving import NGINX, SERVERS, THREADS, Server, served

EXPECTED = {
    "good": {"204"},
    "forged": {"400"},
    "unsigned": {"400", "none"},  # rejected unread, like the next
    "stale": {"400"},
    "oversized": {"413", "none"},  # closing may reset the connection while the sender writes, and discard the response
    "oversized, chunked": {"413", "none"},
    "half closed": {"400", "none"},
    "closed": {"left"},
    "slow but good": {"204"},
    "body stalls": {"408", "left", "none"},
    "body drips": {"408", "left", "none"},
    "head stalls": {"left", "none"},
}
REFUSED_UNREAD = ("unsigned", "oversized", "oversized, chunked")
READ_BY_THE_ADAPTER = {"body stalls": {"408"}, "body drips": {"408"}}  # which gives them ten seconds
GROWTH = {  # from one measurement to another
    "KB resident": (0, 1, 4_000),
    "blocks": (0, 1, 2_000),
    "bytes traced": (1, 2, 500_000),
    "files": (0, 2, 0),
    "threads": (0, 2, min(32, (os.cpu_count() or 1) + 4)),  # asyncio's own pool, which fills as it is used
}


def measured(server: Server) -> dict[str, int]:
    """Measure the server when it has no traffic and no connections."""
    files = [server.usage()["files"]]
    while len(files) < 20 and files[-3:] != [files[-1]] * 3:
        time.sleep(1)
        files.append(server.usage()["files"])
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/memory") as answer:
        memory = json.load(answer)
    usage = server.usage()
    return {
        "KB resident": usage["resident"],
        "KB at most": usage["peak"],
        "blocks": memory["blocks"],
        "bytes traced": memory["traced"],
        "files": files[-1],
        "threads": usage["threads"],
    }


async def soak(servers: dict[str, Server], seconds: float, rate: float, seed: int) -> dict[str, tuple]:
    """Run the traffic; return the senders and the three measurements of each server."""
    lanes = {name: [Senders("direct", server.port, f"{seed} {name}")] for name, server in servers.items()}
    if NGINX:
        for name, server in servers.items():
            lanes[name].append(Senders("nginx", server.proxied, f"{seed} {name}"))
    measurements = []
    for fifths in (1, 3, 1):
        for direct, *proxied in lanes.values():
            direct.start(rate, THREADS - 1)
            for lane in proxied:
                lane.start(rate / 2, THREADS * 2)
        await asyncio.sleep(seconds * fifths / 5)
        await asyncio.gather(*(lane.stop() for both in lanes.values() for lane in both))
        measurements.append({name: measured(server) for name, server in servers.items()})
    return {name: (lanes[name], [each[name] for each in measurements]) for name in servers}


def failures(name: str, server: Server, lanes: list[Senders], measurements: list[dict]) -> list[str]:
    found = []
    for lane in lanes:
        bounded = lane.name == "direct" and name.startswith("Starlette")
        for kind, expected in (EXPECTED | READ_BY_THE_ADAPTER if bounded else EXPECTED).items():
            statuses = lane.statuses[kind]
            if unexpected := set(statuses) - expected:
                found.append(f"{lane.name}, {kind}: {', '.join(sorted(unexpected))}")
            if kind in RATES and not statuses:
                found.append(f"{lane.name}, {kind}: never sent")
            if kind in REFUSED_UNREAD and statuses["none"] > statuses.total() / 2:
                found.append(f"{lane.name}, {kind}: rarely answered")
    handled = Counter(server.handled.read_text().splitlines())
    accepted = Counter(message_id for lane in lanes for message_id in lane.accepted)
    if handled != accepted:
        found.append(f"{handled.total()} handled, {accepted.total()} answered 204")
    if "Traceback" in server.log.read_text():
        found.append("a traceback in the log")
    for each, (before, after, limit) in GROWTH.items():
        if measurements[after][each] - measurements[before][each] > limit:
            found.append(f"{each} grew")
    return found


def quantiles(seconds: list[float]) -> list[str]:
    """Median, 99th percentile and the longest, in milliseconds."""
    ordered = sorted(seconds) or [0.0]
    return [f"{ordered[int(part * (len(ordered) - 1))] * 1000:,.0f}" for part in (0.5, 0.99, 1)]


def table(columns: list[str], rows: list[list[str]]) -> None:
    print()
    for cells in (columns, ["---"] * len(columns), *rows):
        print(f"| {' | '.join(cells)} |")


def show(lanes: list[Senders], measurements: list[dict]) -> None:
    rows = []
    for lane in lanes:
        for kind in (*RATES, *SLOW):
            statuses = lane.statuses[kind]
            answers = ", ".join(f"{status}: {count:,}" for status, count in statuses.most_common())
            times = quantiles(lane.seconds[kind]) if kind == "good" else [""] * 3
            rows.append([f"{lane.name}, {kind}", f"{statuses.total():,}", answers, *times])
    table(["", "sent", "answers", "median, ms", "99 %", "longest"], rows)
    rows = [[each, *(f"{measurement[each]:,}" for measurement in measurements)] for each in measurements[0]]
    table(["", "after a fifth", "after four", "at the end"], rows)


def print_versions() -> None:
    packages = ("clerk-webhook-verify", "flask", "starlette", "django", "gunicorn", "uvicorn", "h11", "hypercorn")
    found = [f"Python {platform.python_version()}", *(f"{package} {version(package)}" for package in packages)]
    if NGINX:
        found.append(subprocess.run([NGINX, "-v"], capture_output=True, text=True, check=True).stderr.split()[-1])
    load = f"load of {os.cpu_count()} cores {os.getloadavg()[0]:.1f}"
    print(f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC", *found, load, sep=", ")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS), metavar="NAME")
    parser.add_argument("--rate", type=float, default=1.0, help="1 is 30 good deliveries a second to each server")
    parser.add_argument("--seed", type=int, default=9)
    options = parser.parse_args()
    print_versions()
    if not NGINX:
        print("SKIPPED: all that goes through nginx, which is not in PATH")
    failed = 0
    with served({name: SERVERS[name] for name in options.servers}) as servers:
        for name, found in asyncio.run(soak(servers, options.seconds, options.rate, options.seed)).items():
            print(f"\n### {name}")
            show(*found)
            problems = failures(name, servers[name], *found)
            print("", *(f"- FAILED: {problem}" for problem in problems), sep="\n")
            failed += len(problems)
    print(f"{options.seconds:.0f} s, seed {options.seed}: {failed} checks failed, load {os.getloadavg()[0]:.1f}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
