"""Run functions in threads, and wait until they end, even if the task is cancelled."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
    """Call *function* in a thread, with the caller's context variables."""

    def call() -> T:
        try:
            return function(*args, **kwargs)
        except StopIteration as error:  # before Python 3.12, it would never complete the future
            raise RuntimeError("a handler or store raised StopIteration") from error

    return asyncio.get_running_loop().run_in_executor(None, copy_context().run, call)


async def finish(future: asyncio.Future[T]) -> T:
    """Wait until *future* is done, then raise a cancellation if there was one: threads cannot be stopped."""
    cancellation = None
    with _shield():
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as error:
                cancellation = error
    if cancellation is not None:
        raise cancellation from future.exception()
    return future.result()


def _shield() -> AbstractContextManager[Any]:
    """Return a scope that other anyio scopes do not cancel. Without it, they cancel every iteration of the loop."""
    cancel_scope = getattr(sys.modules.get("anyio"), "CancelScope", None)
    return cancel_scope(shield=True) if cancel_scope else nullcontext()
