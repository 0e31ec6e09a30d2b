"""RedisStore: for several machines, on Redis 6 or later, or Valkey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._callables import is_async
from .._frames import forget_on_error
from ..errors import StoreError
from ._store import Outcome, loaded_exceptions

_PREFIX = "clerk_webhook_once:"  # other keys in the database may start with a namespace such as "clerk:"
_CLIENT_ERRORS = (
    "redis.exceptions.RedisError",
    "redis.exceptions.RedisClusterException",  # unreachable cluster; not a RedisError
    "valkey.exceptions.ValkeyError",
    "valkey.exceptions.ValkeyClusterException",
)

# A value is "done" or the owner of the claim. Scripts are atomic, and Redis 6 has no SET NX GET. The client retries a
# script after a connection error, so the script must recognize its own claim.
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
    """Stores in Redis or Valkey, with one round trip per method call. The time is the server's.

    If the server loses data, a message may be handled again, but none is lost. That happens in a restart without
    ``appendonly``, a failover to a lagging replica, or if ``maxmemory-policy`` is not ``noeviction``.

    Args:
        client: A synchronous client of redis or valkey, also for ``AsyncOnce``; for one server or a cluster.
    Raises:
        TypeError: *client* is asynchronous, or not a client.
    """

    @forget_on_error
    def __init__(self, client: Any) -> None:
        if not callable(getattr(client, "register_script", None)) or is_async(client.execute_command):
            kind = f"{type(client).__module__}.{type(client).__name__}"
            raise TypeError(f"client must be a redis.Redis or valkey.Valkey, also for AsyncOnce, not {kind}")
        self._client = client
        self._claim, self._complete, self._release = map(client.register_script, (_CLAIM, _COMPLETE, _RELEASE))

    @forget_on_error
    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """See :class:`Store`."""
        reply: int = _call(self._claim, keys=[_PREFIX + key], args=[owner, _milliseconds(lease)])
        return (None, Outcome.DUPLICATE, Outcome.IN_PROGRESS)[reply]

    @forget_on_error
    def complete(self, key: str, owner: str, retention: float) -> bool:
        """See :class:`Store`."""
        return bool(_call(self._complete, keys=[_PREFIX + key], args=[owner, _milliseconds(retention)]))

    @forget_on_error
    def release(self, key: str, owner: str) -> None:
        """See :class:`Store`."""
        _call(self._release, keys=[_PREFIX + key], args=[owner])

    @forget_on_error
    def forget(self, key: str) -> None:
        """See :class:`Store`."""
        _call(self._client.delete, _PREFIX + key)


def _call(command: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return command(*args, **kwargs)
    except loaded_exceptions(*_CLIENT_ERRORS) as error:
        problem = f"Redis is unreachable or rejected the command ({type(error).__name__}): check the server"
        raise StoreError(problem) from error


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
