"""A worker process of the fault tests, which race, kill and starve it.

    python -m helpers.idempotency_worker WORK STORE PLACE JOURNAL

It writes each step to the journal, which survives kill -9. A message that was received and not acknowledged is
redelivered to the next worker, as by a queue or a sender.
"""

import faulthandler
import json
import os
import resource
import sqlite3
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

from clerk_webhook_verify.errors import StoreError
from clerk_webhook_verify.idempotency import Once, Outcome, Store
from helpers import stores

MESSAGES = [f"msg_{number}" for number in range(1000)]
THREADS = 8
LEASE = 0.3  # seconds, much longer than a handler here


def open_store(kind: str, place: str) -> Store:
    if kind == "sqlite":
        return stores.sqlite_store(place)
    if kind == "postgres":
        return stores.postgres_store(place)
    return stores.redis_store(stores.Valkey(str(Path(place).parent), binary=""))


class Journal:
    """Lines of a step and a message. No line spans two pages, because a kill could truncate it."""

    def __init__(self, path: object) -> None:
        self._file = os.open(str(path), os.O_RDWR | os.O_APPEND | os.O_CREAT)

    def write(self, message: str, step: str) -> None:
        os.write(self._file, f"{step} {message}".ljust(31).encode() + b"\n")

    def read(self) -> dict[str, Counter]:
        """How often each message was received, begun, finished and acknowledged."""
        steps: dict[str, Counter] = {step: Counter() for step in ("received", "begun", "finished", "acknowledged")}
        for line in os.pread(self._file, os.fstat(self._file).st_size, 0).decode().splitlines():
            step, message = line.split()
            steps[step][message] += 1
        return steps


def ready() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def race(store: Store, journal: Journal) -> None:
    """All threads run the same messages in the same order, through one store."""
    once, start, said = Once(store), threading.Barrier(THREADS + 1), []

    def run() -> None:
        start.wait()
        for message in MESSAGES:
            try:
                said.append(once.run(message, journal.write, "finished").name)
            except Exception as error:  # whatever it is, the test wants to see it
                said.append(repr(error))

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    ready()
    start.wait()
    for thread in threads:
        thread.join()
    print(json.dumps(Counter(said)))


def once(store: Store, journal: Journal) -> None:
    """Run one message, and leave as a process does: its store is closed."""
    message = sys.stdin.readline().strip()
    print(Once(store).run(message, journal.write, "finished").name)


def fill(store: Store, journal: Journal, place: str) -> None:
    """No file may grow from within a handler on: Python ignores SIGXFSZ, so SQLite sees the write fail."""
    once, answers = Once(store, lease=LEASE), []

    def room(limit: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    def run(message: str, then: Callable[[], None] = lambda: None) -> None:
        def handle(message: str) -> None:
            journal.write(message, "finished")
            then()

        try:
            answers.append(once.run(message, handle).name)
        except StoreError as error:
            answers.append(str(error))

    run("msg_0")
    run("msg_1", lambda: room(os.path.getsize(place + "-wal")))
    run("msg_2")
    room(resource.RLIM_INFINITY)
    time.sleep(2 * LEASE)
    for message in ("msg_0", "msg_1", "msg_2", "msg_1", "msg_2"):
        run(message)
    print(json.dumps(answers))


def deliver(run: Callable[[str], Outcome], journal: Journal, fresh: Iterable[str]) -> None:
    """Yield the messages of killed workers first, then new ones."""
    steps = journal.read()
    again = [message for message in steps["received"] if message not in steps["acknowledged"]]
    waiting = deque([*again, None])
    while waiting:
        message = waiting.popleft()
        if message is None:
            message = next(fresh, None)
            if message is None:
                continue
            waiting.append(None)
        journal.write(message, "received")
        if run(message) is Outcome.IN_PROGRESS:
            waiting.append(message)
            time.sleep(LEASE / 100)
        else:
            journal.write(message, "acknowledged")


def new_messages(journal: Journal) -> Iterable[str]:
    numbers = (int(message.removeprefix("msg_")) for message in journal.read()["received"])
    return (f"msg_{number}" for number in count(max(numbers, default=-1) + 1))


def run(store: Store, journal: Journal, fresh: Iterable[str]) -> None:
    once = Once(store, lease=LEASE)

    def handle(message: str) -> None:
        journal.write(message, "begun")
        time.sleep(0.0005)  # the work, so that a kill may fall into it
        journal.write(message, "finished")

    deliver(lambda message: once.run(message, handle), journal, fresh)


def mark(store: Store, journal: Journal, fresh: Iterable[str], transaction: Callable) -> None:
    """The mark and the effect in one transaction."""
    once = Once(store, namespace="marked")

    def handle(message: str) -> Outcome:
        with transaction() as connection:
            outcome = once.mark(connection, message)
            if outcome is Outcome.HANDLED:
                connection.execute(f"INSERT INTO effects VALUES ('marked:{message}')")
        return outcome

    deliver(handle, journal, fresh)


def transactions(kind: str, place: str) -> Callable:
    if kind == "postgres":
        return stores.Pool(place).connection
    connection = sqlite3.connect(place, timeout=60)
    connection.execute("PRAGMA journal_mode = WAL")
    return lambda: connection


def main(work: str, kind: str, place: str, path: str) -> None:
    store, journal = open_store(kind, place), Journal(path)
    faulthandler.dump_traceback_later(300, exit=True)  # if it hangs, print where
    if work in ("race", "once"):
        return {"race": race, "once": once}[work](store, journal)
    if work == "fill":
        return fill(store, journal, place)
    ready()
    fresh = iter(()) if work.endswith("-last") else new_messages(journal)
    if work.startswith("mark"):
        return mark(store, journal, fresh, transactions(kind, place))
    return run(store, journal, fresh)


if __name__ == "__main__":
    main(*sys.argv[1:])
