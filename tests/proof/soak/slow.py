"""Test which servers disconnect slow clients, when, and how good deliveries fare next to many of them.

    python tests/proof/soak/slow.py    # 3 minutes

First a slow client of each kind connects to each server for half a minute, with short time limits. Then good deliveries
arrive, a few per second, next to clients that stop in the middle of a body. It measures servers that run the library,
and checks no limits.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[2]))

from run import print_versions, quantiles, table
from senders import PATIENCE, Senders, exchange
from serving import GUNICORN, NGINX, SERVERS, THREADS, UVICORN, Server, served

T = TypeVar("T")
HALF_A_MINUTE = 30.0
BOUNDED = {
    "gunicorn --timeout 5, Flask": f"{GUNICORN} --timeout 5 --workers 5 apps:in_flask",
    "gunicorn --timeout 5 --threads 16, Flask": f"{GUNICORN} --timeout 5 --threads 16 apps:in_flask",
    "gunicorn --timeout 5 -k asgi, Starlette": f"{GUNICORN} --timeout 5 -k asgi apps:in_starlette",
    "gunicorn --timeout 5 -k asgi, Django": f"{GUNICORN} --timeout 5 -k asgi apps:asgi",
    "uvicorn --timeout-keep-alive 5, Starlette": f"{UVICORN} --timeout-keep-alive 5 apps:in_starlette",
    "uvicorn --timeout-keep-alive 5, Django": f"{UVICORN} --timeout-keep-alive 5 --lifespan off apps:asgi",
    "hypercorn --read-timeout 5, Starlette": "hypercorn --read-timeout 5 --bind 127.0.0.1:{port} apps:in_starlette",
    "hypercorn --read-timeout 5, Django": "hypercorn --read-timeout 5 --bind 127.0.0.1:{port} apps:asgi",
}
BESIDE = {"Flask on gunicorn, 2 workers": f"{GUNICORN} --workers 2 apps:in_flask", **SERVERS}


def slow_senders() -> dict[str, Iterable[bytes]]:
    _, head, body = Senders("slow", 0, "9").message("slow but good")

    def bytewise(content: bytes) -> Iterable[bytes]:
        return (content[at : at + 1] for at in range(len(content)))

    return {
        "nothing": [],
        "half a head": [head[: len(head) // 2]],
        "a head, byte by byte": bytewise(head),
        "half a body": [head, body[: len(body) // 2]],
        "a body, byte by byte": itertools.chain([head], bytewise(body)),
    }


async def ended(port: int, pieces: Iterable[bytes]) -> str:
    """How a server ended a slow sender, and after how many seconds."""
    started = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        answer = await exchange(reader, writer, pieces, HALF_A_MINUTE, pause=0.5)
    finally:
        writer.close()
    if answer is None:
        return "held"
    return f"{answer[9:12].decode() or 'closed'}, {time.monotonic() - started:.0f} s"


async def beside(port: int, slow: int) -> str:
    """Send good deliveries for 15 s, next to this many slow clients, which reconnect when disconnected."""

    async def stay() -> None:
        while True:
            await ended(port, slow_senders()["a body, byte by byte"])

    staying = [asyncio.create_task(stay()) for _ in range(slow)]
    good = Senders("beside", port, "9")
    good.start(0.5, 0, ["good"])
    await asyncio.sleep(PATIENCE)
    await good.stop()
    for task in staying:
        task.cancel()
    await asyncio.gather(*staying, return_exceptions=True)
    statuses, seconds = good.statuses["good"], good.seconds["good"]
    median, _, longest = quantiles(seconds)
    return f"{statuses['204']} of {statuses.total()}: {median}, {longest}"


def in_each(commands: dict[str, str], measure: Callable[[Server], Awaitable[T]]) -> dict[str, T]:
    """Measure all servers at the same time."""

    async def gather(servers: dict[str, Server]) -> dict[str, T]:
        return dict(zip(servers, await asyncio.gather(*map(measure, servers.values())), strict=True))

    with served(commands) as servers:
        return asyncio.run(gather(servers))


async def endings(port: int) -> list[str]:
    return await asyncio.gather(*(ended(port, pieces) for pieces in slow_senders().values()))


def main() -> None:
    print_versions()
    found = in_each(BOUNDED, lambda server: endings(server.port))
    if NGINX:
        behind = {"nginx, both timeouts 5s, Flask": SERVERS["Flask on gunicorn"]}
        found |= in_each(behind, lambda server: endings(server.proxied))
    table(["who sends", *slow_senders()], [[name, *cells] for name, cells in found.items()])
    few, many = THREADS - 1, THREADS + 8
    columns = {
        f"{few} slow": in_each(BESIDE, lambda server: beside(server.port, few)),
        f"{many} slow": in_each(BESIDE, lambda server: beside(server.port, many)),
    }
    if NGINX:
        columns[f"{many} slow, through nginx"] = in_each(BESIDE, lambda server: beside(server.proxied, many))
    rows = [[name, *(column[name] for column in columns.values())] for name in BESIDE]
    table(["answered 204 in 15 s: median, longest, ms", *columns], rows)


if __name__ == "__main__":
    main()
