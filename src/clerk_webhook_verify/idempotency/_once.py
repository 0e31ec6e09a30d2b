"""Once and AsyncOnce: claim, run, complete; or release, when the handler raises."""

from __future__ import annotations

import asyncio
import logging
import math
from datetime import timedelta
from inspect import isawaitable, iscoroutinefunction
from secrets import token_hex

from ._store import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar

    from ._store import Store

    P = ParamSpec("P")
    T = TypeVar("T")

    class _HasMessageId(Protocol):
        @property
        def message_id(self) -> str: ...

    Message: TypeAlias = _HasMessageId | str

_WEEK = 7 * 86_400
_logger = logging.getLogger("clerk_webhook_verify")


class _Settings:
    """What Once and AsyncOnce have in common."""

    def __init__(
        self,
        store: Store,
        *,
        lease: float | timedelta = 60.0,
        retention: float | timedelta = _WEEK,
        namespace: str = "clerk",
    ) -> None:
        if not isinstance(namespace, str):
            raise TypeError(f"namespace must be a str, not {type(namespace).__name__}")
        self._store = store
        self._lease = _seconds("lease", lease)
        self._retention = _seconds("retention", retention)
        self._namespace = namespace

    def _key(self, message: Message) -> str:
        message_id = message if isinstance(message, str) else getattr(message, "message_id", None)
        if not isinstance(message_id, str):
            raise TypeError(f"message must be an event, a delivery or a message id, not {type(message).__name__}")
        if not message_id:
            raise ValueError("message must be a message id that is not empty")
        return f"{self._namespace}:{message_id}"

    def _release(self, key: str, owner: str) -> None:
        """Never raises: the handler's exception is on its way, and the lease runs out by itself."""
        try:
            self._store.release(key, owner)
        except Exception:  # a store of the user's own may raise anything
            _logger.warning("release_failed: the claim of %r runs out with its lease", key, exc_info=True)

    def _complete(self, key: str, owner: str) -> None:
        if not self._store.complete(key, owner, self._retention):
            _logger.warning(
                "lease_lost: %r was handled, but its lease ran out before and another took it: set lease= to more "
                "than the handler's longest time",
                key,
                extra={"code": "lease_lost", "key": key},
            )


class Once(_Settings):
    """Handles each message once, from any thread.

    Args:
        store: Remembers what was handled.
        lease: Seconds, or a timedelta, for which a claim holds whose owner says no more. Set more than the handler's
            longest time, and far less than the day over which the sender goes on retrying.
        retention: Seconds, or a timedelta, for which a handled message is remembered. The sender retries for 27 h 35 m,
            with jitter up to 33 h, and a person may resend days later: hence a week.
        namespace: Tells two consumers apart that share a store, since both get the same message ids.
    Raises:
        TypeError, ValueError: An argument is of a wrong type, or not positive.

    Source: Svix, "Retry schedule".
    """

    def run(self, message: Message, handler: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Outcome:
        """Call ``handler(*args, **kwargs)``, unless *message* was handled before or is being handled now.

        Work that fails must raise: whatever is raised releases the claim and is raised on, so that the sender's retry
        finds the message unhandled. What the handler returns is not looked at.

        Args:
            message: A verified event or delivery, or its message id.
            handler: A plain function.
            *args: Its own.
            **kwargs: Its own.
        Returns:
            ``HANDLED``, ``DUPLICATE`` or ``IN_PROGRESS``; answer its ``status_code``.
        Raises:
            StoreError: The store is out of reach. From the claim, the handler has not run: answer 500.
            TypeError: *handler* is asynchronous: use ``AsyncOnce``.
        """
        key, owner = self._key(message), token_hex(16)
        outcome = self._store.claim(key, owner, self._lease)
        if outcome is not None:
            return outcome
        try:
            answer = handler(*args, **kwargs)
            if isawaitable(answer):
                close = getattr(answer, "close", None)
                if close is not None:
                    close()  # else it would warn that it was never awaited
                raise TypeError("the handler is asynchronous and was not run: use await AsyncOnce(...).run(...)")
        except BaseException:
            self._release(key, owner)
            raise
        self._complete(key, owner)
        return Outcome.HANDLED

    def mark(self, connection: Any, message: Message) -> Outcome:
        """Mark *message* handled inside the open transaction of your own connection, and do the work in the same.

        The mark commits with the work or not at all. Nothing is claimed, nothing to be released.

        Args:
            connection: To the database where the work lives: of ``sqlite3`` with a ``SQLiteStore``, of ``psycopg`` with
                a ``PostgresStore``.
            message: A verified event or delivery, or its message id.
        Returns:
            ``HANDLED``: do the work now. ``DUPLICATE``: it was done. ``IN_PROGRESS``: a ``run`` is at it.
        Raises:
            StoreError: The database is out of reach or busy: roll back and answer 500.
            TypeError: The connection would commit the mark alone, or the store has no transactions to share.
        """
        mark = getattr(self._store, "mark", None)
        if mark is None:
            raise TypeError(f"{type(self._store).__name__} shares no transaction: use SQLiteStore or PostgresStore")
        outcome: Outcome = mark(connection, self._key(message), self._retention)
        return outcome

    def forget(self, message: Message) -> None:
        """Forget *message*, before a deliberate resend, which keeps its id.

        Raises:
            StoreError: The store is out of reach.
        """
        self._store.forget(self._key(message))


class AsyncOnce(_Settings):
    """:class:`Once` for asyncio, with the same arguments. Any store will do: its calls run in a thread."""

    async def run(
        self, message: Message, handler: Callable[P, Awaitable[object] | object], /, *args: P.args, **kwargs: P.kwargs
    ) -> Outcome:
        """As :meth:`Once.run`; a plain function runs in a thread.

        A cancellation waits for what runs in a thread, releases the claim, and is raised on.
        """
        key, owner = self._key(message), token_hex(16)
        try:
            outcome = await _to_the_end(self._store.claim, key, owner, self._lease)
        except asyncio.CancelledError:
            await _to_the_end(self._release, key, owner)
            raise
        if outcome is not None:
            return outcome
        try:
            if iscoroutinefunction(handler) or iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004
                await handler(*args, **kwargs)  # type: ignore[misc]
            else:
                answer = await _to_the_end(handler, *args, **kwargs)
                if isawaitable(answer):  # a function that only made a coroutine
                    await answer
        except BaseException:
            await _to_the_end(self._release, key, owner)
            raise
        await _to_the_end(self._complete, key, owner)
        return Outcome.HANDLED

    async def forget(self, message: Message) -> None:
        """As :meth:`Once.forget`."""
        await _to_the_end(self._store.forget, self._key(message))


async def _to_the_end(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run *function* in a thread. A cancellation is raised when it has ended, not before: no thread can be stopped."""
    task = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # looked at, so that nobody warns that it never was
        raise cancelled
    return task.result()


def _seconds(name: str, value: float | timedelta) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise TypeError(f"{name} must be seconds or a timedelta, not {type(value).__name__}")
    if not 0 < seconds < math.inf:
        raise ValueError(f"{name} must be a finite number of seconds, more than 0")
    return float(seconds)
