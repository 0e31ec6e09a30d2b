"""Once and AsyncOnce: claim a message, run its handler, complete the claim; release it when the handler raises."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from inspect import isawaitable, iscoroutine, iscoroutinefunction
from secrets import token_hex
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

from ._store import Outcome, Store


class _HasMessageId(Protocol):
    @property
    def message_id(self) -> str: ...


Message: TypeAlias = _HasMessageId | str

M = TypeVar("M", bound=Message)
P = ParamSpec("P")
T = TypeVar("T")

_WEEK = 7 * 86_400
_logger = logging.getLogger("clerk_webhook_verify")


class _Base:
    """What Once and AsyncOnce have in common: the settings, and the calls to the store that log."""

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

    def _complete(self, key: str, owner: str) -> None:
        if not self._store.complete(key, owner, self._retention):
            _logger.warning(
                "lease_lost: %r was handled, but its lease ran out first and another worker claimed it: set lease= to "
                "more than the handler's longest run time",
                key,
                extra={"code": "lease_lost", "key": key},
            )

    def _release(self, key: str, owner: str) -> None:
        """Release the claim without raising, so that the handler's own exception reaches the caller."""
        try:
            self._store.release(key, owner)
        except Exception:  # a user's own store may raise anything
            _logger.warning("release_failed: the claim of %r runs out with its lease", key, exc_info=True)


class Once(_Base):
    """Handles each message once, from any thread.

    Args:
        store: Remembers which messages were handled.
        lease: How long a claim lasts when its owner crashes, in seconds or as a timedelta. Set it to more than the
            handler's longest run time, and to far less than the day over which the sender retries.
        retention: How long a handled message is remembered, in seconds or as a timedelta. The sender retries for
            27 h 35 m, with jitter up to 33 h, and a person may resend days later: hence a week.
        namespace: Keeps consumers apart that share a store, since all of them get the same message ids.
    Raises:
        TypeError, ValueError: An argument has a wrong type, or is not positive.

    Source: Svix, "Retry schedule".
    """

    def run(
        self, message: M, handler: Callable[Concatenate[M, P], object], /, *args: P.args, **kwargs: P.kwargs
    ) -> Outcome:
        """Call ``handler(message, *args, **kwargs)``, unless *message* was handled before or is in progress.

        Work that fails must raise: any exception releases the claim and is re-raised, so that the sender's retry finds
        the message unhandled. The handler's return value is ignored.

        Args:
            message: A verified event or delivery, or its message id. The handler gets it as it is.
            handler: A plain function.
            *args: Further arguments for the handler.
            **kwargs: Further keyword arguments for the handler.
        Returns:
            ``HANDLED``, ``DUPLICATE`` or ``IN_PROGRESS``; respond with its ``status_code``.
        Raises:
            StoreError: The store is unavailable: respond with 500. The handler has not run, or ran without being marked
                done.
            TypeError: *handler* is asynchronous: use ``AsyncOnce``.
        """
        key, owner = self._key(message), token_hex(16)
        outcome = self._store.claim(key, owner, self._lease)
        if outcome is not None:
            return outcome
        try:
            result = handler(message, *args, **kwargs)
            if isawaitable(result):
                if iscoroutine(result):
                    result.close()  # prevents the warning that it was never awaited
                raise TypeError("the handler is asynchronous and was not run: use await AsyncOnce(...).run(...)")
        except BaseException:
            self._release(key, owner)
            raise
        self._complete(key, owner)
        return Outcome.HANDLED

    def mark(self, connection: Any, message: Message) -> Outcome:
        """Mark *message* handled inside your connection's open transaction; do the work in the same transaction.

        The mark commits with the work or not at all. There is no claim, so there is nothing to release.

        Args:
            connection: A connection to the database where the work is stored: of ``sqlite3`` with a ``SQLiteStore``, of
                ``psycopg`` with a ``PostgresStore``.
            message: A verified event or delivery, or its message id.
        Returns:
            ``HANDLED``: do the work now. ``DUPLICATE``: it was done before. ``IN_PROGRESS``: a ``run`` has claimed it.
        Raises:
            StoreError: The database is unavailable or busy: roll back and respond with 500.
            TypeError: The connection would commit the mark without the work, or the store has no transactions to share.
        """
        mark = getattr(self._store, "mark", None)
        if mark is None:
            raise TypeError(f"{type(self._store).__name__} shares no transaction: use SQLiteStore or PostgresStore")
        outcome: Outcome = mark(connection, self._key(message), self._retention)
        return outcome

    def forget(self, message: Message) -> None:
        """Forget *message*, so that a deliberate resend, which has the same id, is handled.

        Raises:
            StoreError: The store is unavailable.
        """
        self._store.forget(self._key(message))


class AsyncOnce(_Base):
    """:class:`Once` for asyncio, with the same arguments. Any store works: its methods run in a thread."""

    async def run(
        self,
        message: M,
        handler: Callable[Concatenate[M, P], Awaitable[object] | object],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Outcome:
        """Call ``handler(message, *args, **kwargs)`` as :meth:`Once.run` does; a plain function runs in a thread.

        A cancellation waits for the thread to end, releases the claim, and is re-raised.
        """
        key, owner = self._key(message), token_hex(16)
        try:
            outcome = await _run_to_completion(self._store.claim, key, owner, self._lease)
        except asyncio.CancelledError:
            await _run_to_completion(self._release, key, owner)
            raise
        if outcome is not None:
            return outcome
        try:
            # the second test is for an object whose class defines "async def __call__"
            if iscoroutinefunction(handler) or iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004
                result = handler(message, *args, **kwargs)
            else:
                result = await _run_to_completion(handler, message, *args, **kwargs)
            if isawaitable(result):
                await result
        except BaseException:
            await _run_to_completion(self._release, key, owner)
            raise
        await _run_to_completion(self._complete, key, owner)
        return Outcome.HANDLED

    async def forget(self, message: Message) -> None:
        """Forget *message*, as :meth:`Once.forget` does."""
        await _run_to_completion(self._store.forget, self._key(message))


async def _run_to_completion(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run *function* in a thread. A cancellation is raised only when it has ended, since a thread cannot be stopped."""
    task = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # otherwise asyncio logs that the exception was never retrieved
        raise cancelled
    return task.result()


def _seconds(name: str, value: float | timedelta) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise TypeError(f"{name} must be seconds or a timedelta, not {type(value).__name__}")
    if not 0 < seconds < math.inf:
        raise ValueError(f"{name} must be a finite number of seconds, more than 0")
    return float(seconds)
