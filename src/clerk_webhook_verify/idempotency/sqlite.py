"""SQLiteStore: the embedded default, for the processes of one machine. And the mark within a user's own transaction."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from threading import Lock
from time import monotonic, sleep, time
from weakref import WeakSet

from ..errors import StoreError
from ._store import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

_BUSY = 30.0  # seconds to wait for another writer
_SWEPT_AT_ONCE = 8  # rows looked at with each claim: enough to keep up, too few to be felt
_CLAIMS_KEPT = 86_400.0  # seconds for which a claim is remembered whose owner never came back

# A lease is measured by the clock that counts from the machine's start, which nobody sets: an hour more or less on the
# wall changes nothing. After a restart it starts anew, and so does every process that may have held a claim.
# A done mark outlives restarts, and so is measured by the wall.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS clerk_webhook_once (
    key TEXT PRIMARY KEY,
    owner TEXT,             -- NULL when done
    claimed_at REAL,        -- since the machine's start
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
    """Remembers in a file, for all threads and processes of one machine, through restarts and kills.

    It is in WAL mode with ``synchronous=NORMAL``: a crash of the process loses nothing; a loss of power may lose the
    last steps before it, so that a message may be handled again, and never leaves the file corrupt.

    Args:
        path: Of the file, which is made with mode 0600 when it is not there. On a disk of this machine: the locks of
            network file systems are not to be trusted.
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

        # Who only reads waits for no writer: most of those who race for a message are told so
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
        """Mark *key* done inside the open transaction of *connection*. The table is made there if need be."""
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
        """Remove what has expired among the next few rows. An index by time would double what every step writes."""
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
        """A transaction of one statement; gives how many rows it wrote."""
        return self._with_connection(lambda connection: connection.execute(statement, values).rowcount)

    def _with_connection(self, step: Callable[[sqlite3.Connection], T]) -> T:
        if self._process != os.getpid():  # a connection must not be used, nor even closed, on the other side of a fork,
            # where a C program forked and no _before_fork was called
            self._inherited = self._connection
            self._lock, self._connection, self._process = Lock(), None, os.getpid()
        with self._lock:
            try:
                connection = self._connection = self._connection or self._open()
                return step(connection)
            except (sqlite3.Error, OSError) as error:
                raise _store_error(error, repr(self._path)) from error

    def _open(self) -> sqlite3.Connection:
        # SQLite would make it readable by everyone. A file that is there is not opened here: closing it would drop all
        # locks that this process holds on it, those of other connections too (sqlite.org/howtocorrupt.html, 2.2)
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
    """SQLite waits for nobody when it changes the mode, and several processes may open a new file at once."""
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
    """Close all stores and keep them so: a child inherits what SQLite takes for its locks, without the locks.

    Its file would be swept away under it by the next process that closes it, and a mutex that another thread had would
    never be free.
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
    """Take *key*, done where *owner* is None; else gives what keeps it from being taken."""
    now, since_start = time(), monotonic()
    values = (key, owner, since_start, since_start + lease, now + kept, now, since_start, since_start)
    return None if connection.execute(_TAKE, values).rowcount > 0 else _outcome(connection, key, now, since_start)


def _outcome(connection: sqlite3.Connection, key: str, now: float, since_start: float) -> Outcome | None:
    """What keeps *key* from being taken at this moment; None: nothing."""
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
    """The table is made where it is missing, and not looked for: a transaction that has read waits for no writer."""
    try:
        return _take(connection, key, None, 0, retention)
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
    connection.execute(_SCHEMA)
    return _take(connection, key, None, 0, retention)


def _store_error(error: Exception, where: str) -> StoreError:
    return StoreError(
        f"the SQLite store {where} cannot be used: {error}; it needs a writable directory on a local disk with room, "
        "and a file that is its own"
    )
