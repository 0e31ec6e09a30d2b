"""Compare Once with the minimal write of each store, and measure the bytes per stored id.

    python tests/bench/idempotency.py           # without --ids, the bytes are of 100,000 ids

All in one run: the rounds are interleaved, and each figure is the median of its rounds. A run of Once writes twice, the
claim and the done mark, and "theirs" once. The script starts the servers on sockets.
"""

import argparse
import contextlib
import platform
import secrets
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from core import Table, medians

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers import stores

from clerk_webhook_verify.idempotency import MemoryStore, Once, SQLiteStore, Store
from clerk_webhook_verify.idempotency.postgres import PostgresStore
from clerk_webhook_verify.idempotency.redis import RedisStore

WEEK = 7 * 86_400
A_WEEKS_IDS = 7_000_000  # a million a day
ids = (f"msg_{number:09d}{secrets.token_hex(9)}" for number in count())  # as long as the sender's, and as ordered


def nothing(message: str) -> None:
    """The handler."""


def times(table: Table, name: str, store: Store, bare: Callable[[], object], most: float, calls: int) -> None:
    once = Once(store)
    once.run("msg_handled", nothing)
    run, duplicate, least = medians(
        lambda: once.run(next(ids), nothing),
        lambda: once.run("msg_handled", nothing),
        bare,
        calls=calls,
        rounds=41,
    )
    table.row(f"{name}: a message", run, least, most)
    table.row(f"{name}: a duplicate", duplicate, least)


def memory(table: Table) -> None:
    once = Once(MemoryStore())
    run, bare = medians(lambda: once.run(next(ids), nothing), lambda: nothing(next(ids)), calls=2000)
    over = run - bare > 10
    table.over += over
    print(f"{'MemoryStore: added to a message':<64} {run - bare:>7.2f} µs {'':>17} 10 µs{' OVER' if over else ''}")


def sqlite(table: Table, folder: Path) -> None:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for statement in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = NORMAL",
        "CREATE TABLE bare (key TEXT PRIMARY KEY) WITHOUT ROWID",
    ):
        connection.execute(statement)

    def bare() -> None:
        connection.execute("INSERT INTO bare VALUES (?)", (next(ids),))

    times(table, "SQLiteStore (theirs: INSERT)", SQLiteStore(folder / "handled.db"), bare, 5, 200)


def redis(table: Table, name: str, server: stores.Valkey) -> None:
    client = server.client()

    def bare() -> None:
        client.set(next(ids), "1", nx=True, ex=WEEK)

    times(table, f"RedisStore on {name} (theirs: SET NX)", RedisStore(client), bare, 2.5, 100)


def postgres(table: Table, uri: str) -> None:
    pool = stores.Pool(uri)
    with pool.connection() as connection:
        connection.execute("CREATE TABLE bare (key text PRIMARY KEY)")
    store = PostgresStore(pool.connection)
    store.create_table()

    def bare() -> None:
        with pool.connection() as connection:
            connection.execute("INSERT INTO bare VALUES (%s)", (next(ids),))

    times(table, "PostgresStore (theirs: INSERT)", store, bare, 2.5, 20)


def handle_all(store: Store, number: int) -> None:
    once = Once(store)
    for _ in range(number):
        once.run(next(ids), nothing)


def sqlite_bytes(folder: Path, number: int) -> float:
    store = SQLiteStore(folder / "bytes.db")
    handle_all(store, number)
    store.close()  # which moves all of it into the one file
    return (folder / "bytes.db").stat().st_size


def redis_bytes(server: stores.Valkey, number: int) -> float:
    client = server.client()
    client.flushall()
    before = client.info("memory")["used_memory"]
    handle_all(RedisStore(client), number)
    return client.info("memory")["used_memory"] - before


def postgres_bytes(uri: str, number: int) -> float:
    import psycopg

    pool = stores.Pool(f"{uri}&options=-c%20synchronous_commit%3Doff")  # do not measure the disk
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("TRUNCATE clerk_webhook_once")
        handle_all(PostgresStore(pool.connection), number)
        connection.execute("VACUUM clerk_webhook_once")
        return connection.execute("SELECT pg_total_relation_size('clerk_webhook_once')").fetchone()[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ids", type=int, default=100_000)
    number = parser.parse_args().ids
    table = Table()
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {
            "Valkey": stack.enter_context(stores.valkey()),
            "Redis 6": stack.enter_context(stores.redis_6()),
        }
        uri = stack.enter_context(stores.postgres()).get_uri()
        table.head("Once.run with an empty handler, theirs: a bare write, committed")
        memory(table)
        sqlite(table, folder)
        for name, server in servers.items():
            redis(table, name, server)
        postgres(table, uri)
        print(f"\n{f'{number:,} ids stored':<64} {'bytes each':>10} {'a million a day for a week':>27}")
        for name, size in sizes(folder, servers, uri, number):
            print(f"{name:<64} {size / number:>10.0f} {size / number * A_WEEKS_IDS / 1e9:>24.1f} GB")
    print(f"\n{table.over} over their limit")
    return 1 if table.over else 0


def sizes(folder: Path, servers: dict[str, stores.Valkey], uri: str, number: int) -> Iterator[tuple[str, float]]:
    yield "SQLiteStore, the file", sqlite_bytes(folder, number)
    for name, server in servers.items():
        yield f"RedisStore on {name}, used_memory", redis_bytes(server, number)
    yield "PostgresStore, pg_total_relation_size", postgres_bytes(uri, number)


if __name__ == "__main__":
    sys.exit(main())
