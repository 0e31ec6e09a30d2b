"""RedisStore: for several machines, on Redis 6 or later, or Valkey."""

from __future__ import annotations

from inspect import iscoroutinefunction

from ..errors import StoreError
from ._store import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# A value is "done" or the owner of the claim. Scripts, since Redis 6 has no SET NX GET, and a step must be atomic.
# A client whose connection breaks sends the step again, and must find its own claim to be its own.
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
    """Remembers in Redis or Valkey, by the server's clock, in one round trip a step.

    As safe as the server's memory: after a restart without ``appendonly``, a failover to a replica that lags behind, or
    an eviction under another ``maxmemory-policy`` than ``noeviction``, a message may be handled again; none is lost.

    Args:
        client: Yours, of the package redis or valkey, for one server or a cluster. Not its asynchronous kind:
            ``AsyncOnce`` calls this one in a thread.
    Raises:
        TypeError: It is asynchronous, or no client.
    """

    def __init__(self, client: Any) -> None:
        if not callable(getattr(client, "register_script", None)) or iscoroutinefunction(client.execute_command):
            kind = f"{type(client).__module__}.{type(client).__name__}"
            raise TypeError(
                f"client must be a redis.Redis or valkey.Valkey, not {kind}; AsyncOnce, too, takes that kind"
            )
        self._client = client
        self._claim, self._complete, self._release = map(client.register_script, (_CLAIM, _COMPLETE, _RELEASE))

    def claim(self, key: str, owner: str, lease: float) -> Outcome | None:
        """See :class:`Store`."""
        answer = self._call(self._run, self._claim, key, owner, _milliseconds(lease))
        return (None, Outcome.DUPLICATE, Outcome.IN_PROGRESS)[answer]

    def complete(self, key: str, owner: str, retention: float) -> bool:
        """See :class:`Store`."""
        return bool(self._call(self._run, self._complete, key, owner, _milliseconds(retention)))

    def release(self, key: str, owner: str) -> None:
        """See :class:`Store`."""
        self._call(self._run, self._release, key, owner)

    def forget(self, key: str) -> None:
        """See :class:`Store`."""
        self._call(self._client.delete, key)

    def _run(self, script: Any, key: str, *values: object) -> Any:
        """As calling *script*, which loads it where the server does not know it, but takes a tenth of a round trip."""
        try:
            return self._client.evalsha(script.sha, 1, key, *values)
        except Exception as error:
            if type(error).__name__ != "NoScriptError":  # of redis or valkey
                raise
        return script([key], values)

    def _call(self, step: Any, *arguments: Any) -> int:
        try:
            answer: int = step(*arguments)
        except Exception as error:  # redis and valkey have a tree of errors each, and neither is ours to import
            raise StoreError(f"Redis cannot be reached or refuses: {type(error).__name__}") from error
        return answer


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
