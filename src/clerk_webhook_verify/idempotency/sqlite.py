"""SQLiteStore: for the processes of one machine, and for marking messages in the same transaction as the work."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TypeVar
from weakref import WeakSet

from .._frames import forget_on_error
from ..errors import StoreError
from ._store import Outcome

T = TypeVar("T")

_BUSY = 30.0  # seconds to wait for another writer
_SWEPT_AT_ONCE = 8  # rows checked with each claim: claims stay fast, and expired rows do not accumulate

# :now is the system clock. :uptime is the monotonic clock, which cannot be set, and restarts with the machine.
# A lease uses only :uptime, since a restart also ends all processes. A done mark expires when both clocks have passed
# its end, so that a system clock that is temporarily wrong does not end it. If `since` is in the future, the machine
# was restarted, and only :now counts.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS clerk_webhook_once (
    key TEXT PRIMARY KEY,
    owner TEXT,              -- NULL when done
    since REAL NOT NULL,     -- monotonic clock: when it was claimed or done
    until REAL NOT NULL,     -- monotonic clock: the end of the lease or the retention
    forget_at REAL NOT NULL  -- system clock: the same, in Unix seconds
) WITHOUT ROWID
"""
_TAKE = """
INSERT INTO clerk_webhook_once (key, owner, since, until, forget_at)
VALUES (:key, :owner, :uptime, :uptime + :seconds, :now + :seconds)
ON CONFLICT (key) DO UPDATE
SET owner = excluded.owner, since = excluded.since, until = excluded.until, forget_at = excluded.forget_at
WHERE NOT (since <= :uptime AND :uptime < until OR owner IS NULL AND :now < forget_at)
"""
_FIND = """
SELECT owner IS NULL FROM clerk_webhook_once
WHERE key = :key AND (since <= :uptime AND :uptime < until OR owner IS NULL AND :now < forget_at)
"""
_COMPLETE = """
INSERT INTO clerk_webhook_once (key, owner, since, until, forget_at)
VALUES (:key, NULL, :uptime, :uptime + :retention, :now + :retention)
ON CONFLICT (key) DO UPDATE
SET owner = NULL, since = excluded.since, until = excluded.until, forget_at = excluded.forget_at
WHERE owner = :owner
"""
_LOCK = "UPDATE clerk_webhook_once SET key = key WHERE FALSE"  # changes nothing, but waits for another writer
_RELEASE = "DELETE FROM clerk_webhook_once WHERE key = :key AND owner = :owner"
_FORGET = "DELETE FROM clerk_webhook_once WHERE key = :key"
_NEXT_FEW = """
SELECT key, NOT (since <= :uptime AND :uptime < until OR owner IS NULL AND :now < forget_at) FROM clerk_webhook_once
WHERE key > :swept_to ORDER BY key LIMIT :count
"""


class SQLiteStore:
    """Stores in a file, for all threads and processes of one machine. Restarts and crashes lose nothing.

    The file is in WAL mode with ``synchronous=NORMAL``: a power failure may lose the last changes, so that a message is
    handled again, but does not corrupt the file.

    Args:
        path: The file, created with mode 0600 if it does not exist. It must be on a local disk: locks are unreliable on
            network file systems. Relative paths and symbolic links are resolved once.
    Raises:
        ValueError: *path* is ``":memory:"``, empty or a URI.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        path = os.fsdecode(path)
        if path in ("", ":memory:") or path.startswith("file:"):
            raise ValueError(f"path must be a file, not {path!r}: to store in memory, use MemoryStore()")
        self._path = os.path.realpath(path)
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._inherited: sqlite3.Connection | None = None
        self._process = os.getpid()
        self._swept_to = ""
        _stores.add(self)

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """See :class:`Store`."""

        def step(connection: sqlite3.Connection) -> Outcome | None:
            outcome = _find(connection, key)  # most duplicates, since a read does not wait for writers
            if outcome is not None:
                return outcome
            try:  # including BEGIN: a signal handler may raise right after it
                connection.execute("BEGIN IMMEDIATE")
                self._sweep(connection)
                outcome = _take(connection, key, owner, lease)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
            return outcome

        return self._with_connection(step)

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """See :class:`Store`."""
        return self._write(_COMPLETE, key=key, owner=owner, retention=retention) > 0

    def release(self, key: str, owner: str) -> None:
        """See :class:`Store`."""
        self._write(_RELEASE, key=key, owner=owner)

    def forget(self, key: str) -> None:
        """See :class:`Store`."""
        self._write(_FORGET, key=key)

    @forget_on_error
    def mark(self, connection: sqlite3.Connection, key: str, retention: float) -> Outcome:
        """Mark *key* done in the open transaction of *connection*. Creates the table if it is missing."""
        if not hasattr(connection, "isolation_level"):
            raise TypeError(f"connection must be a sqlite3.Connection, not {type(connection).__name__}")
        commits_alone = connection.isolation_level is None or getattr(connection, "autocommit", -1) is True
        if commits_alone and not connection.in_transaction:
            raise TypeError("the connection is in autocommit mode: begin a transaction before once.mark()")
        try:
            _lock(connection)
            outcome = _take(connection, key, None, retention)
        except sqlite3.Error as error:
            raise _store_error(error, "the transaction's database") from error
        return outcome or Outcome.HANDLED

    def close(self) -> None:
        """Close the file. The next method call opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _sweep(self, connection: sqlite3.Connection) -> None:
        """Remove expired rows among the next few. An index by time would double the writes of each method."""
        values = {"swept_to": self._swept_to, "count": _SWEPT_AT_ONCE, **_clocks()}
        rows = connection.execute(_NEXT_FEW, values).fetchall()
        self._swept_to = rows[-1][0] if len(rows) == _SWEPT_AT_ONCE else ""
        for key, has_expired in rows:
            if has_expired:
                connection.execute(_FORGET, {"key": key})

    def _write(self, statement: str, **values: object) -> int:
        """Run a transaction of one statement, and return how many rows it changed."""
        return self._with_connection(lambda connection: connection.execute(statement, values | _clocks()).rowcount)

    def _with_connection(self, step: Callable[[sqlite3.Connection], T]) -> T:
        if self._process != os.getpid():
            # C code forked without _before_fork(). The parent's connection must be neither used nor closed here, so
            # keep a reference: https://sqlite.org/howtocorrupt.html, 2.6
            self._inherited = self._connection
            self._lock, self._connection, self._process = Lock(), None, os.getpid()
        with self._lock:
            try:
                connection = self._connection = self._connection or self._open()
                return step(connection)
            except (sqlite3.Error, OSError) as error:
                raise _store_error(error, repr(self._path)) from error

    def _open(self) -> sqlite3.Connection:
        # SQLite would create a file that everyone may read. Do not open an existing file here: closing it would release
        # all locks of this process (https://sqlite.org/howtocorrupt.html, 2.2)
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Retry while the file is locked: SQLite does not wait here if several processes open a new file."""
    deadline = time.monotonic() + _BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


_stores: WeakSet[SQLiteStore] = WeakSet()
_held: list[SQLiteStore] = []
_forking = Lock()  # for threads that fork at the same time


def _before_fork() -> None:
    """Close all stores, and lock them until after the fork.

    A child inherits SQLite's record of its locks, but not the locks, so another process could delete the WAL file that
    the child uses. And a lock that belongs to another thread would never be released in the child.
    """
    _forking.acquire()
    for store in list(_stores):
        store._lock.acquire()
        store._close()
        _held.append(store)


def _after_fork() -> None:
    while _held:
        _held.pop()._lock.release()
    _forking.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def _take(connection: sqlite3.Connection, key: str, owner: str | None, seconds: float) -> Outcome | None:
    """Claim *key* for *owner*; mark it done if *owner* is None. Return the outcome that prevents it, or None.

    *connection* is in a transaction that may write. *seconds* is the lease or the retention.
    """
    values = {"key": key, "owner": owner, "seconds": seconds, **_clocks()}
    if connection.execute(_TAKE, values).rowcount > 0:
        return None
    # If something else prevents it, such as a trigger, the message must not be handled either
    return _find(connection, key) or Outcome.IN_PROGRESS


def _find(connection: sqlite3.Connection, key: str) -> Outcome | None:
    """Return the outcome that prevents a claim of *key* now, or None."""
    cursor = connection.cursor()
    cursor.row_factory = None  # the user's connection may have one that returns dictionaries
    row = cursor.execute(_FIND, {"key": key, **_clocks()}).fetchone()
    if row is None:
        return None
    return Outcome.DUPLICATE if row[0] else Outcome.IN_PROGRESS


def _clocks() -> dict[str, float]:
    return {"now": time.time(), "uptime": time.monotonic()}


def _lock(connection: sqlite3.Connection) -> None:
    """Wait until no other connection writes, and create the table if it is missing.

    Read the clocks afterwards: a claim of another writer would be in the future. And do not read before: a transaction
    that has read does not wait for other writers, but fails.
    """
    try:
        connection.execute(_LOCK)
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        connection.execute(_SCHEMA)
        connection.execute(_LOCK)


def _store_error(error: Exception, where: str) -> StoreError:
    return StoreError(
        f"the SQLite store {where} is unavailable ({error}): check that the directory is writable, on a local disk and "
        "not full, and that an existing file is an intact SQLite database"
    )
