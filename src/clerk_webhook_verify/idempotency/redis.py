"""RedisStore: for several machines, on Redis 6 or later, or Valkey."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from ..errors import StoreError
from ._client_errors import loaded_exceptions
from ._store import Outcome

_CLIENT_ERRORS = (
    "redis.exceptions.RedisError",
    "redis.exceptions.RedisClusterException",  # a cluster is unreachable; not a RedisError
    "valkey.exceptions.ValkeyError",
    "valkey.exceptions.ValkeyClusterException",
)

# A value is "done" or the owner of the claim. Each method must be atomic, and Redis 6 has no SET NX GET: hence scripts.
# After a broken connection the client retries a script that may have run: it must recognize its own claim.
_CLAIM = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
local value = redis.call('GET', KEYS[1])
if value == 'done' then return 1 elseif value == ARGV[1] then return 0 end
return 2
"""
_COMPLETE = """
local value = redis.call('GET', KEYS[1])
if value and value ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], 'done', 'PX', ARGV[2])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class RedisStore:
    """Remembers in Redis or Valkey, with one round trip per method call. Time is the server's clock.

    As durable as the server's memory: after a restart without ``appendonly``, a failover to a replica that lags behind,
    or an eviction under another ``maxmemory-policy`` than ``noeviction``, a message may be handled again; none is lost.

    Args:
        client: A client of the package redis or valkey, for one server or a cluster. Not an asynchronous one:
            ``AsyncOnce`` calls this one in a thread.
    Raises:
        TypeError: *client* is asynchronous, or not a client.
    """

    def __init__(self, client: Any) -> None:
        if not callable(getattr(client, "register_script", None)) or iscoroutinefunction(client.execute_command):
            kind = f"{type(client).__module__}.{type(client).__name__}"
            raise TypeError(f"client must be a redis.Redis or valkey.Valkey, also for AsyncOnce, not {kind}")
        self._client = client
        self._claim, self._complete, self._release = map(client.register_script, (_CLAIM, _COMPLETE, _RELEASE))

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """See :class:`Store`."""
        reply: int = _call(self._claim, keys=[key], args=[owner, _milliseconds(lease)])
        return (None, Outcome.DUPLICATE, Outcome.IN_PROGRESS)[reply]

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """See :class:`Store`."""
        return bool(_call(self._complete, keys=[key], args=[owner, _milliseconds(retention)]))

    def release(self, key: str, owner: str) -> None:
        """See :class:`Store`."""
        _call(self._release, keys=[key], args=[owner])

    def forget(self, key: str) -> None:
        """See :class:`Store`."""
        _call(self._client.delete, key)


def _call(command: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return command(*args, **kwargs)
    except loaded_exceptions(*_CLIENT_ERRORS) as error:
        problem = f"Redis is unreachable or rejected the command ({type(error).__name__}): check the server"
        raise StoreError(problem) from error


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
