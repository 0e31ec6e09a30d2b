"""PostgresStore: for several machines, and for marking messages in the same transaction as the work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import count
from typing import Any, TypeVar

from .._callables import is_async
from .._frames import forget_on_error
from ..errors import StoreError
from ._store import Outcome, loaded_exceptions

T = TypeVar("T")

_IDLE = 0  # psycopg.pq.TransactionStatus.IDLE: no transaction is open

_TABLE = """
CREATE TABLE IF NOT EXISTS clerk_webhook_once (
    key text PRIMARY KEY,
    owner text,                       -- NULL when done
    expires_at timestamptz NOT NULL   -- the end of the lease or the retention
)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS clerk_webhook_once_expires_at ON clerk_webhook_once (expires_at)"
# clock_timestamp() is the current time; now() is the start of the transaction, and can use an index.
# Without NOT EXISTS, ON CONFLICT would write a row lock for each duplicate
_TAKE = """
INSERT INTO clerk_webhook_once AS old (key, owner, expires_at)
SELECT %(key)s, %(owner)s::text, clock_timestamp() + %(seconds)s * interval '1 second'
WHERE NOT EXISTS (SELECT FROM clerk_webhook_once WHERE key = %(key)s AND owner IS NULL AND expires_at > now())
ON CONFLICT (key) DO UPDATE
SET owner = excluded.owner, expires_at = excluded.expires_at
WHERE old.expires_at <= clock_timestamp()
RETURNING 1
"""
_COMPLETE = """
INSERT INTO clerk_webhook_once AS old (key, owner, expires_at)
VALUES (%(key)s, NULL, clock_timestamp() + %(retention)s * interval '1 second')
ON CONFLICT (key) DO UPDATE
SET owner = NULL, expires_at = excluded.expires_at
WHERE old.owner = %(owner)s
RETURNING 1
"""
_FIND_DONE = "SELECT 1 FROM clerk_webhook_once WHERE key = %(key)s AND owner IS NULL"
_RELEASE = "DELETE FROM clerk_webhook_once WHERE key = %(key)s AND owner = %(owner)s"
_FORGET = "DELETE FROM clerk_webhook_once WHERE key = %(key)s"
_DROP_EXPIRED = """
DELETE FROM clerk_webhook_once WHERE key IN (
    SELECT key FROM clerk_webhook_once WHERE expires_at <= now() LIMIT 256 FOR UPDATE SKIP LOCKED)
"""


class PostgresStore:
    """Stores in a PostgreSQL table, in short transactions. The time is the server's.

    Args:
        connect: Called as ``with connect() as connection`` for each transaction; leaving the block must commit. Pass
            the ``connection`` method of a psycopg_pool pool, or, slower, ``functools.partial(psycopg.connect, "...")``.
    Raises:
        TypeError: *connect* is not callable, or is asynchronous.
    """

    @forget_on_error
    def __init__(self, connect: Callable[[], AbstractContextManager[Any]]) -> None:
        if not callable(connect):
            raise TypeError(f"connect must be callable, such as a pool's .connection, not {type(connect).__name__}")
        if is_async(connect):
            raise TypeError("connect must not be asynchronous, also for AsyncOnce: use psycopg.connect")
        # Wrapped, since the repr() of a partial shows its connection string
        self._connect: Callable[[], AbstractContextManager[Any]] = lambda: connect()
        self._claims = count()

    def create_table(self) -> None:
        """Create the table ``clerk_webhook_once`` unless it exists. Call it once, where you run migrations.

        Raises:
            StoreError: The database is unavailable, or does not permit it.
        """
        self._transaction(lambda connection: (connection.execute(_TABLE), connection.execute(_INDEX)))

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """See :class:`Store`."""
        if next(self._claims) % 64 == 0:  # in a transaction of its own, so that it cannot cause a deadlock
            self._transaction(lambda connection: connection.execute(_DROP_EXPIRED))
        return self._transaction(lambda connection: _take(connection, key, owner, lease))

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """See :class:`Store`."""
        values = {"key": key, "owner": owner, "retention": retention}
        return self._transaction(lambda connection: connection.execute(_COMPLETE, values).fetchone() is not None)

    def release(self, key: str, owner: str) -> None:
        """See :class:`Store`."""
        self._transaction(lambda connection: connection.execute(_RELEASE, {"key": key, "owner": owner}))

    def forget(self, key: str) -> None:
        """See :class:`Store`."""
        self._transaction(lambda connection: connection.execute(_FORGET, {"key": key}))

    @forget_on_error
    def mark(self, connection: Any, key: str, retention: float) -> Outcome:
        """Mark *key* done in the open transaction of *connection*, a connection to a database with the table."""
        if not hasattr(connection, "autocommit") or is_async(connection.execute):
            raise TypeError(f"connection must be a psycopg.Connection, not {type(connection).__name__}")
        if connection.autocommit and connection.info.transaction_status == _IDLE:
            raise TypeError(
                "the connection is in autocommit mode: use `with connection.transaction():` around once.mark() and the "
                "work"
            )
        try:
            return _take(connection, key, None, retention) or Outcome.HANDLED
        except loaded_exceptions("psycopg.Error") as error:
            raise _store_error(error) from error

    def _opened(self) -> AbstractContextManager[Any]:
        try:
            return self._connect()
        except loaded_exceptions("psycopg.ProgrammingError"):  # may quote the password
            raise StoreError(
                "the connection string is malformed: percent-encode special characters of the password in a URL"
            ) from None

    @forget_on_error
    def _transaction(self, step: Callable[[Any], T]) -> T:
        try:
            with self._opened() as connection:
                return step(connection)
        except loaded_exceptions("psycopg.Error") as error:  # psycopg_pool's errors derive from it
            raise _store_error(error) from error


def _take(connection: Any, key: str, owner: str | None, seconds: float) -> Outcome | None:
    """Claim *key* for *owner*; mark it done if *owner* is None. Return the outcome that prevents it, or None."""
    values = {"key": key, "owner": owner, "seconds": seconds}
    if connection.execute(_TAKE, values).fetchone():
        return None
    return Outcome.DUPLICATE if connection.execute(_FIND_DONE, values).fetchone() else Outcome.IN_PROGRESS


def _store_error(error: Exception) -> StoreError:
    return StoreError(
        f"PostgreSQL is unreachable or rejected the statement ({type(error).__name__}): check the server, and that "
        "create_table() was called"
    )
