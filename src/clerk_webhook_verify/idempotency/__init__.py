"""Handle each message once: claim it, run its handler, mark it done; release the claim when the handler raises."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from inspect import isasyncgen, isawaitable, iscoroutine, isgenerator
from secrets import token_hex
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar
from urllib.parse import quote

from .._callables import is_async, is_generator
from .._frames import forget_on_error
from .._threads import finish, in_thread
from ..errors import StoreError
from ..routing import routed
from ._store import MemoryStore, Outcome, Store
from .postgres import PostgresStore
from .redis import RedisStore
from .sqlite import SQLiteStore

__all__ = ["AsyncOnce", "MemoryStore", "Once", "Outcome", "PostgresStore", "RedisStore", "SQLiteStore", "Store"]


class _HasMessageId(Protocol):
    @property
    def message_id(self) -> str: ...


Message: TypeAlias = _HasMessageId | str

M = TypeVar("M", bound=Message)
P = ParamSpec("P")

_LONGEST = 1000  # characters of a namespace and of a message id: PostgreSQL indexes keys of up to 2,704 bytes
_logger = logging.getLogger("clerk_webhook_verify")


class _Base:
    """The settings of Once and AsyncOnce, and their calls to the store."""

    def __init__(
        self,
        store: Store,
        *,
        lease: float | timedelta = 60.0,
        retention: float | timedelta = timedelta(days=7),
        namespace: str = "clerk",
    ) -> None:
        if not isinstance(namespace, str):
            raise TypeError(f"namespace must be a str, not {type(namespace).__name__}")
        self._store = store
        self._lease = _seconds("lease", lease)
        self._retention = _seconds("retention", retention)
        self._namespace = _quoted("namespace", namespace)

    def _key(self, message: Message) -> str:
        message_id = _message_id(message)
        if not isinstance(message_id, str):
            raise TypeError(f"message must be an event, a delivery or a message id, not {type(message).__name__}")
        if not message_id:
            raise ValueError("message must not be an empty message id")
        return f"{self._namespace}:{_quoted('message id', message_id)}"

    def _start(
        self, message: Message, key: str, owner: str, handle: Callable[[], object]
    ) -> tuple[Outcome, Awaitable[object] | None]:
        """Claim *key*, call the handler, and mark the message done.

        If the handler returns an awaitable, return it too: the caller must await it, and complete or release the claim.
        """
        outcome = self._store.claim(key, owner, self._lease)
        if outcome is not None:
            _log_not_handled(outcome, key, message)
            return outcome, None
        try:
            result = handle()
            if isawaitable(result):
                return Outcome.HANDLED, result
            _check_ran(result)
        except BaseException as error:
            self._release(key, owner, error)
            raise
        self._complete(key, owner)
        return Outcome.HANDLED, None

    def _complete(self, key: str, owner: str) -> None:
        """Mark the message done, with retries for 2 s: its handler has run, and must not run again."""
        deadline, pause = time.monotonic() + 2.0, 0.0
        interrupt: BaseException | None = None
        while True:
            try:
                if pause:
                    time.sleep(pause)
                completed = self._store.complete(key, owner, self._retention)
                break
            except BaseException as error:
                if not isinstance(error, Exception):  # KeyboardInterrupt, or a timeout of gevent
                    interrupt = error
                pause = 2 * pause or 0.05
                if time.monotonic() + pause > deadline:
                    # Logged too, since a cancelled task raises its cancellation instead of this error
                    _warn(
                        "complete_failed",
                        "%r was handled, but could not be marked done: a retry after its lease handles it again",
                        key,
                        error,
                    )
                    if interrupt is not None:
                        raise interrupt from None
                    reason = error if isinstance(error, StoreError) else type(error).__name__  # may contain a password
                    raise StoreError(
                        f"the message was handled (do not handle it again), but could not be marked done: {reason}",
                        handled=True,
                    ) from error
        if not completed and not pause:  # after a failure, an earlier attempt may have succeeded
            _warn(
                "lease_lost",
                "%r was handled, but its lease expired first and another worker claimed it: set lease= to more than "
                "the handler's longest run time",
                key,
            )
        if interrupt is not None:
            raise interrupt

    def _release(self, key: str, owner: str, error: BaseException | None = None) -> None:
        """Release the claim without raising, so that the handler's *error* reaches the caller."""
        if isinstance(error, StoreError):
            error.handled = False  # the handler may have processed another message
        try:
            self._store.release(key, owner)
        except Exception as failure:  # a custom store may raise anything
            _warn("release_failed", "the claim of %r expires with its lease", key, failure)


class Once(_Base):
    """Handles each message once, from any thread.

    Args:
        store: Stores which messages were handled.
        lease: How long a claim lasts if its owner crashes, in seconds or as a timedelta. Set it to more than the
            handler's longest run time, and far less than a day, the time over which Clerk retries.
        retention: How long a handled message is stored, in seconds or as a timedelta. Clerk retries for 27 h 35 m, with
            jitter up to 33 h, and a person may resend days later.
        namespace: Separates the consumers of a store, which get the same message ids.
    Raises:
        TypeError, ValueError: An argument has the wrong type, or is not positive.

    Source: Svix, "Retry schedule".
    """

    def run(
        self, message: M, handler: Callable[Concatenate[M, P], object], /, *args: P.args, **kwargs: P.kwargs
    ) -> Outcome:
        """Call ``handler(message, *args, **kwargs)``, unless *message* was handled before or is in progress.

        If the work fails, the handler must raise: any exception releases the claim and is re-raised, so that Clerk's
        retry is handled. The handler's return value is ignored.

        Args:
            message: A verified event or delivery, or its message id. It is passed to the handler unchanged.
            handler: A plain function.
            *args: Further arguments for the handler.
            **kwargs: Further keyword arguments for the handler.
        Returns:
            ``HANDLED``, ``DUPLICATE`` or ``IN_PROGRESS``; respond with its ``status_code``.
        Raises:
            StoreError: The store is unavailable: respond with 500. If ``handled`` is True, the handler has run, but the
                store could not mark the message done for 2 s: do not run it again.
            TypeError: *handler* is asynchronous (use ``AsyncOnce``), or a generator function: it did not run.
            ValueError: The message id is empty, longer than 1,000 characters (as percent-encoded), or has surrogates.
        """
        _check_handler(handler)
        if is_async(handler):
            raise TypeError(_ASYNCHRONOUS)
        key, owner = self._key(message), token_hex(16)
        outcome, pending = self._start(message, key, owner, partial(handler, message, *args, **kwargs))
        if pending is not None:
            _close(pending)
            self._release(key, owner)
            raise TypeError(_ASYNCHRONOUS)
        return outcome

    @forget_on_error
    def mark(self, connection: Any, message: Message) -> Outcome:
        """Mark *message* handled in the open transaction of your connection; do the work in the same transaction.

        The mark commits with the work or not at all. There is no claim to release.

        Args:
            connection: A connection to the database of the work: ``sqlite3`` for a ``SQLiteStore``, ``psycopg`` for a
                ``PostgresStore``.
            message: A verified event or delivery, or its message id.
        Returns:
            ``HANDLED``: do the work now. ``DUPLICATE``: it was done before. ``IN_PROGRESS``: a ``run`` claimed it.
        Raises:
            StoreError: The database is unavailable or busy: roll back and respond with 500.
            TypeError: The connection would commit the mark without the work, or the store has no transactions.
        """
        mark = getattr(self._store, "mark", None)
        if mark is None:
            raise TypeError(f"{type(self._store).__name__} has no transactions: use SQLiteStore or PostgresStore")
        key = self._key(message)
        outcome: Outcome = mark(connection, key, self._retention)
        if outcome is not Outcome.HANDLED:
            _log_not_handled(outcome, key, message)
        return outcome

    def forget(self, message: Message) -> None:
        """Forget *message*, so that a manual resend, which has the same id, is handled.

        Raises:
            StoreError: The store is unavailable.
        """
        self._store.forget(self._key(message))


class AsyncOnce(_Base):
    """:class:`Once` for asyncio, with the same arguments.

    Any store works: its methods run in threads of the event loop's default executor.
    """

    async def run(
        self,
        message: M,
        handler: Callable[Concatenate[M, P], Awaitable[object] | object],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Outcome:
        """Call ``handler(message, *args, **kwargs)`` as :meth:`Once.run` does; a plain function runs in a thread.

        A plain function cannot be cancelled: it runs to its end, is marked done or released, and then the cancellation
        is raised. An asynchronous handler is cancelled, and its claim is released. ``StopIteration`` becomes the cause
        of a ``RuntimeError``, as in every coroutine.
        """
        _check_handler(handler)
        key, owner = self._key(message), token_hex(16)
        # A plain handler of an AsyncRouter then runs in the same thread as its claim and mark, as every plain handler
        handle = partial(routed(handler, message), message, *args, **kwargs)
        starting = in_thread(self._start, message, key, owner, handle)
        try:
            outcome, pending = await finish(starting)
        except asyncio.CancelledError:
            if starting.exception() is None and starting.result()[1] is not None:
                _close(starting.result()[1])
                await finish(in_thread(self._release, key, owner))
            raise
        if pending is None:
            return outcome
        try:
            _check_ran(await pending)
        except BaseException as error:
            await finish(in_thread(self._release, key, owner, error))
            raise
        await finish(in_thread(self._complete, key, owner))
        return outcome

    async def forget(self, message: Message) -> None:
        """Forget *message*, as :meth:`Once.forget` does."""
        await finish(in_thread(self._store.forget, self._key(message)))


_ASYNCHRONOUS = "the handler is asynchronous and was not run: use await AsyncOnce(...).run(...)"


def _message_id(message: Message) -> Any:
    return message if isinstance(message, str) else getattr(message, "message_id", None)


def _log_not_handled(outcome: Outcome, key: str, message: Message) -> None:
    reason = "was handled before" if outcome is Outcome.DUPLICATE else "is being handled elsewhere"
    extra = {"code": outcome.value, "key": key, "message_id": _message_id(message)}
    _logger.info("%s: %r %s", outcome.value, key, reason, extra=extra)


def _warn(code: str, problem: str, key: str, error: BaseException | None = None) -> None:
    _logger.warning(f"{code}: {problem}", key, exc_info=error, extra={"code": code, "key": key})


def _check_handler(handler: object) -> None:
    if not callable(handler):
        raise TypeError(f"handler must be a function, not {type(handler).__name__}")
    if is_generator(handler):
        raise TypeError("handler is a generator function, so calling it runs nothing: remove its yield")


def _check_ran(result: object) -> None:
    """Raise if the handler returned a generator or coroutine, whose body has not run."""
    if isgenerator(result) or isasyncgen(result) or iscoroutine(result):
        _close(result)
        kind = type(result).__name__
        raise TypeError(f"the handler returned a {kind}, whose body was not run: iterate over it or await it")


def _close(pending: object) -> None:
    if iscoroutine(pending):
        pending.close()  # prevents the warning that it was never awaited


def _quoted(name: str, text: str) -> str:
    """Percent-encode *text*, so that keys are ASCII and a colon is always the separator."""
    try:
        quoted = quote(text, safe="")
    except UnicodeEncodeError:
        raise ValueError(f"{name} must not contain surrogates") from None
    if len(quoted) > _LONGEST:
        raise ValueError(f"{name} must be at most {_LONGEST:,} characters long, as percent-encoded")
    return quoted


def _seconds(name: str, value: float | timedelta) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise TypeError(f"{name} must be seconds or a timedelta, not {type(value).__name__}")
    if not 0 < seconds < math.inf:
        raise ValueError(f"{name} must be a finite number of seconds, more than 0")
    return float(seconds)
