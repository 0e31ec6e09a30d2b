"""Remove secrets, connection strings and bodies from tracebacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from traceback import clear_frames
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def forget_on_error(function: Callable[P, T]) -> Callable[P, T]:
    """Clear the local variables of *function*, which may be ``async def``, when it raises.

    Error trackers record the local variables of each frame. The traceback keeps its lines.
    """
    either: Any = function

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return either(*args, **kwargs)
        except BaseException as error:  # including KeyboardInterrupt and gevent's timeouts
            _clear(error)
            del args, kwargs
            raise

    @wraps(function)
    async def call_async(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return await either(*args, **kwargs)
        except BaseException as error:
            _clear(error)
            del args, kwargs
            raise

    return call_async if iscoroutinefunction(function) else call  # type: ignore[return-value]


def _clear(error: BaseException) -> None:
    clear_frames(error.__traceback__)
    for chained in (error.__cause__, error.__context__):
        if chained is not None and _was_caught_here(chained):
            clear_frames(chained.__traceback__)


def _was_caught_here(error: BaseException) -> bool:
    """Return whether this package caught *error*. If the caller did, it may need the variables of its frames."""
    trace = error.__traceback__  # begins in the frame that caught the error
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(f"{__package__}.")
