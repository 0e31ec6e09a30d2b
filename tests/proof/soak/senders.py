"""Requests of all kinds: good, forged, stale and oversized deliveries, slow clients, and clients that stop, half-close
or disconnect. Only hmac signs, and the bytes are written to the socket."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import get_args

from helpers.signer import OTHER_SECRET, SECRET, signed_headers

from clerk_webhook_verify.events import EventType
from clerk_webhook_verify.testing import sample

BODIES = [json.dumps(sample(event_type)).encode() for event_type in get_args(EventType)]
MAX_BODY = 1_048_576
PATIENCE = 15.0  # seconds: Clerk's sender waits no longer
HOLD = 30.0  # seconds that a slow sender stays: longer than a good one would wait for its thread
STALLING = ("body stalls", "body drips", "head stalls")
SLOW = ("slow but good", *STALLING)
RATES = {
    "good": 8.0,  # connections a second, with one to four deliveries each
    "forged": 3.0,
    "unsigned": 1.0,
    "stale": 3.0,
    "oversized": 0.5,
    "oversized, chunked": 0.5,
    "half closed": 2.0,
    "closed": 2.0,
}


class Senders:
    """All kinds of senders to one port, and the responses by kind."""

    def __init__(self, name: str, port: int, seed: str) -> None:
        self.name, self.port = name, port
        self.statuses: dict[str, Counter[str]] = defaultdict(Counter)
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.accepted: list[str] = []
        self._randoms = {kind: random.Random(f"{seed} {name} {kind}") for kind in (*RATES, *SLOW)}
        self._numbers = itertools.count()
        self._loops: list[asyncio.Task[None]] = []
        self._sending: set[asyncio.Task[None]] = set()

    def start(self, rate: float, slow: int, kinds: Iterable[str] = RATES) -> None:
        """Send *rate* times RATES a second, and from so many slow senders at any time."""
        self._loops = [asyncio.create_task(self._pace(kind, RATES[kind] * rate)) for kind in kinds]
        self._loops += [asyncio.create_task(self._take_turns(number)) for number in range(slow)]

    async def stop(self) -> None:
        """Let the good ones finish, and cut the slow ones off."""
        for task in self._loops:
            task.cancel()
        for task in self._sending:
            if task.get_name() in STALLING:
                task.cancel()
        await asyncio.gather(*self._loops, *self._sending, return_exceptions=True)

    async def _pace(self, kind: str, rate: float) -> None:
        while True:
            self._begin(kind)
            await asyncio.sleep(self._randoms[kind].expovariate(rate))

    async def _take_turns(self, number: int) -> None:
        for kind in itertools.islice(itertools.cycle(SLOW), number, None):
            await asyncio.wait([self._begin(kind)])

    def _begin(self, kind: str) -> asyncio.Task[None]:
        task = asyncio.create_task(self.send(kind), name=kind)
        self._sending.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled() and task.exception():
            self.statuses[task.get_name()][repr(task.exception())] += 1  # a bug here

    def message(self, kind: str) -> tuple[str, bytes, bytes]:
        """A message id, the head of a request and its body."""
        chance = self._randoms[kind]
        secret, age, body = SECRET, 0, chance.choice(BODIES)
        if kind == "stale":
            age = chance.choice([-3600, 3600])
        elif kind.startswith("oversized"):
            body = body.ljust(MAX_BODY + 1 + chance.randrange(70_000))
        elif kind == "good" and chance.random() < 0.02:
            body = body.ljust(MAX_BODY)
        tampered = kind == "forged" and chance.random() < 0.5
        if kind == "forged" and not tampered:
            secret = OTHER_SECRET
        message_id = f"msg_{kind}_{self.name}_{next(self._numbers)}".replace(" ", "-").replace(",", "")
        timestamp, family = int(time.time()) - age, chance.choice(["svix", "webhook"])
        headers = signed_headers(body, secret=secret, message_id=message_id, timestamp=timestamp, family=family)
        if tampered:
            body = body.replace(b'"type"', b'"typ3"', 1)
        elif kind == "unsigned":
            del headers[f"{family}-signature"]
        framing = f"Content-Length: {len(body)}"
        if kind == "oversized, chunked":
            parts = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
            framing = "Transfer-Encoding: chunked"
        lines = ["POST /soak HTTP/1.1", "Host: localhost", "Content-Type: application/json", framing]
        return message_id, "\r\n".join([*lines, *map(": ".join, headers.items()), "", ""]).encode(), body

    async def send(self, kind: str) -> None:
        chance = self._randoms[kind]
        messages = [self.message(kind) for _ in range(chance.randint(1, 4) if kind == "good" else 1)]
        part = chance.random()
        started = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for message_id, head, body in messages:
                cut = int(part * len(body))
                pieces: Iterable[bytes] = [head, body[:cut]]  # of a client that stops in the middle
                pause = 0.5 if kind in SLOW else 0.0
                if kind == "slow but good":
                    step = len(body) // 6 + 1
                    pieces = [head, *(body[start : start + step] for start in range(0, len(body), step))]
                elif kind == "body drips":
                    pieces = [head, *(body[at : at + 1] for at in range(len(body) - 1))]
                elif kind == "head stalls":
                    pieces = [head[: len(head) // 2]]
                elif kind not in ("body stalls", "half closed", "closed"):
                    pieces = [head, body[:cut], body[cut:]]
                answer = await exchange(reader, writer, pieces, HOLD if kind in STALLING else PATIENCE, pause, kind)
                status = "left" if answer is None else answer[9:12].decode() or "none"
                self.statuses[kind][status] += 1
                self.seconds[kind].append(time.monotonic() - started)
                if status.startswith("2"):
                    self.accepted.append(message_id)
                if status != "204" or b"connection: close" in answer.lower():
                    break
                started = time.monotonic()
        finally:
            writer.close()


async def exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    pieces: Iterable[bytes],
    patience: float,
    pause: float = 0.0,
    kind: str = "",
) -> bytes | None:
    """Write the pieces until the response: its head, empty if closed without one, None if the sender left first."""
    deadline = time.monotonic() + patience
    answer = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
    try:
        with suppress(ConnectionError):  # reset while writing; a response may have arrived before
            for piece in pieces:
                writer.write(piece)
                await (asyncio.wait([answer], timeout=pause) if pause else writer.drain())
                if answer.done() or time.monotonic() > deadline:
                    break
        if kind == "closed":
            return None
        if kind == "half closed":
            writer.write_eof()
        await asyncio.wait([answer], timeout=max(0.0, deadline - time.monotonic()))
        return answer.result() if answer.done() else None
    except (ConnectionError, asyncio.IncompleteReadError):
        return b""
    finally:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)
