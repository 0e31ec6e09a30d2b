"""Calls that leave no secret, connection string or body in a traceback."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from traceback import clear_frames
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def forget_on_error(function: Callable[P, T]) -> Callable[P, T]:
    """Make *function*, which may be ``async def``, forget its arguments and local variables when it raises.

    Error trackers record the local variables of every frame of a traceback. The traceback keeps its lines.
    """
    either: Any = function

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return either(*args, **kwargs)
        except Exception as error:
            _clear(error)
            del args, kwargs
            raise

    @wraps(function)
    async def call_async(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return await either(*args, **kwargs)
        except Exception as error:
            _clear(error)
            del args, kwargs
            raise

    return call_async if iscoroutinefunction(function) else call  # type: ignore[return-value]


def _clear(error: Exception) -> None:
    for each in (error, error.__cause__, error.__context__):
        if each is not None:
            clear_frames(each.__traceback__)
