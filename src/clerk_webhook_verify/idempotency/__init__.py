"""Handle each message once: claim it, do the work, mark it done.

>>> from clerk_webhook_verify.idempotency import Once, SQLiteStore  # doctest: +SKIP
>>> once = Once(SQLiteStore("handled.db"))  # doctest: +SKIP
>>> return once.run(event, handle)  # the adapter responds with its status code  # doctest: +SKIP
"""

from ._once import AsyncOnce, Once
from ._store import Outcome, Store
from .memory import MemoryStore
from .postgres import PostgresStore
from .redis import RedisStore
from .sqlite import SQLiteStore

__all__ = ["AsyncOnce", "MemoryStore", "Once", "Outcome", "PostgresStore", "RedisStore", "SQLiteStore", "Store"]
