"""SQLiteStore: for the processes of one machine, and for marking a message in the same transaction as the work."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from time import monotonic, sleep, time
from typing import TypeVar
from weakref import WeakSet

from ..errors import StoreError
from ._store import Outcome

T = TypeVar("T")

_BUSY = 30.0  # seconds to wait for another writer
_SWEPT_AT_ONCE = 8  # rows checked with each claim: as many expire as are added, and a claim stays quick
_CLAIMS_KEPT = 86_400.0  # seconds after its lease for which an abandoned claim stays in the table

# Leases use the monotonic clock, so that setting the system clock does not change them. It restarts with the machine,
# which also ends every process that had a claim. Done marks outlive restarts, so they use the system clock.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS clerk_webhook_once (
    key TEXT PRIMARY KEY,
    owner TEXT,             -- NULL when done
    claimed_at REAL,        -- monotonic clock
    claimed_until REAL,
    forget_at REAL NOT NULL -- Unix seconds
) WITHOUT ROWID
"""
_TAKE = """
INSERT INTO clerk_webhook_once (key, owner, claimed_at, claimed_until, forget_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE
SET owner = excluded.owner, claimed_at = excluded.claimed_at, claimed_until = excluded.claimed_until,
    forget_at = excluded.forget_at
WHERE CASE WHEN owner IS NULL THEN forget_at <= ? ELSE claimed_at > ? OR claimed_until <= ? END
"""
_COMPLETE = """
INSERT INTO clerk_webhook_once (key, forget_at) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE
SET owner = NULL, claimed_at = NULL, claimed_until = NULL, forget_at = excluded.forget_at
WHERE owner = ?
"""


class SQLiteStore:
    """Remembers in a file, for all threads and processes of one machine. Survives restarts and killed processes.

    The file is in WAL mode with ``synchronous=NORMAL``: a process that crashes loses nothing. A power failure may lose
    the last changes before it, so that a message is handled again, but does not corrupt the file.

    Args:
        path: The file, created with mode 0600 if it does not exist. It must be on a local disk: locks are unreliable on
            network file systems.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._inherited: sqlite3.Connection | None = None
        self._process = os.getpid()
        self._swept_to = ""
        _stores.add(self)

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """See :class:`Store`."""

        def step(connection: sqlite3.Connection) -> Outcome | None:
            self._sweep(connection)
            return _take(connection, key, owner, lease, lease + _CLAIMS_KEPT)

        # A read does not wait for a writer: most duplicates end here
        seen = self._with_connection(lambda connection: _outcome(connection, key, time(), monotonic()))
        return seen or self._transaction(step)

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """See :class:`Store`."""
        return self._write(_COMPLETE, (key, time() + retention, owner)) > 0

    def release(self, key: str, owner: str) -> None:
        """See :class:`Store`."""
        self._write("DELETE FROM clerk_webhook_once WHERE key = ? AND owner = ?", (key, owner))

    def forget(self, key: str) -> None:
        """See :class:`Store`."""
        self._write("DELETE FROM clerk_webhook_once WHERE key = ?", (key,))

    def mark(self, connection: sqlite3.Connection, key: str, retention: float) -> Outcome:
        """Mark *key* done inside the open transaction of *connection*. Creates the table if it is missing."""
        commits_alone = connection.isolation_level is None or getattr(connection, "autocommit", -1) is True
        if commits_alone and not connection.in_transaction:
            raise TypeError("the connection commits each statement by itself: begin a transaction before once.mark()")
        try:
            outcome = _take_in(connection, key, retention)
        except sqlite3.Error as error:
            raise _store_error(error, "the transaction's database") from error
        return outcome or Outcome.HANDLED

    def close(self) -> None:
        """Close the file. The next call opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _sweep(self, connection: sqlite3.Connection) -> None:
        """Remove the expired ones of the next few rows. An index by time would double the writes of each method."""
        rows = connection.execute(
            "SELECT key, forget_at FROM clerk_webhook_once WHERE key > ? ORDER BY key LIMIT ?",
            (self._swept_to, _SWEPT_AT_ONCE),
        ).fetchall()
        self._swept_to = rows[-1][0] if len(rows) == _SWEPT_AT_ONCE else ""
        now = time()
        for key, forget_at in rows:
            if forget_at <= now:
                connection.execute("DELETE FROM clerk_webhook_once WHERE key = ?", (key,))

    def _transaction(self, step: Callable[[sqlite3.Connection], T]) -> T:
        def transaction(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = step(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
            return result

        return self._with_connection(transaction)

    def _write(self, statement: str, values: tuple[object, ...]) -> int:
        """Run a transaction of one statement, and return how many rows it changed."""
        return self._with_connection(lambda connection: connection.execute(statement, values).rowcount)

    def _with_connection(self, step: Callable[[sqlite3.Connection], T]) -> T:
        if self._process != os.getpid():
            # A C library forked, so _before_fork was not called. The parent's connection must not be used or even
            # closed here, so it is kept referenced: https://sqlite.org/howtocorrupt.html, 2.6
            self._inherited = self._connection
            self._lock, self._connection, self._process = Lock(), None, os.getpid()
        with self._lock:
            try:
                connection = self._connection = self._connection or self._open()
                return step(connection)
            except (sqlite3.Error, OSError) as error:
                raise _store_error(error, repr(self._path)) from error

    def _open(self) -> sqlite3.Connection:
        # SQLite would create a file that everyone may read. An existing file must not be opened here: closing it would
        # drop the locks of all connections of this process to it (https://sqlite.org/howtocorrupt.html, 2.2)
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
    """Retry while the file is locked: several processes may open a new file at once, and here SQLite does not wait."""
    deadline = monotonic() + _BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or monotonic() > deadline:
                raise
            sleep(0.01)
        else:
            return


_stores: WeakSet[SQLiteStore] = WeakSet()
_held: list[SQLiteStore] = []


def _before_fork() -> None:
    """Close all stores, and lock them until after the fork.

    A child inherits SQLite's record of its locks, but not the locks, so another process would delete the WAL file that
    the child still uses. And a lock that another thread of the parent has at that moment would never be released in the
    child.
    """
    for store in list(_stores):
        store._lock.acquire()
        store._close()
        _held.append(store)


def _after_fork() -> None:
    while _held:
        _held.pop()._lock.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def _take(connection: sqlite3.Connection, key: str, owner: str | None, lease: float, kept: float) -> Outcome | None:
    """Claim *key* for *owner*, or mark it done if *owner* is None. Return the outcome that prevented it, or None."""
    now, since_start = time(), monotonic()
    values = (key, owner, since_start, since_start + lease, now + kept, now, since_start, since_start)
    return None if connection.execute(_TAKE, values).rowcount > 0 else _outcome(connection, key, now, since_start)


def _outcome(connection: sqlite3.Connection, key: str, now: float, since_start: float) -> Outcome | None:
    """Return the outcome that prevents a claim of *key* now, or None."""
    row = connection.execute(
        "SELECT owner, claimed_at, claimed_until, forget_at FROM clerk_webhook_once WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    owner, claimed_at, claimed_until, forget_at = row
    if owner is None:
        return Outcome.DUPLICATE if now < forget_at else None
    return Outcome.IN_PROGRESS if claimed_at <= since_start < claimed_until else None


def _take_in(connection: sqlite3.Connection, key: str, retention: float) -> Outcome | None:
    """Mark *key* done, and create the table if it is missing.

    It is not looked for first: a transaction that has read something does not wait for another writer, but fails.
    """
    try:
        return _take(connection, key, None, 0, retention)
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
    connection.execute(_SCHEMA)
    return _take(connection, key, None, 0, retention)


def _store_error(error: Exception, where: str) -> StoreError:
    return StoreError(
        f"the SQLite store {where} cannot be used: {error}; it needs a writable directory on a local disk with free "
        "space; if the file exists, it must be an intact SQLite database"
    )
