"""Find out what calling a handler runs: it may be a function, a method, a partial or an object."""

from __future__ import annotations

from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, ismethod, isroutine
from typing import Any


def is_async(handler: object) -> bool:
    """Return whether calling *handler* returns a coroutine."""
    return iscoroutinefunction(_function(handler))


def is_generator(handler: object) -> bool:
    """Return whether calling *handler* returns a generator, synchronous or not, without running anything."""
    function = _function(handler)
    return isgeneratorfunction(function) or isasyncgenfunction(function)


def _function(handler: Any) -> object:
    """Return the function that *handler* calls, through partials, methods and callable objects."""
    while True:
        if isinstance(handler, partial):
            handler = handler.func
        elif ismethod(handler) or isinstance(handler, staticmethod | classmethod):
            handler = handler.__func__
        elif isroutine(handler):
            return handler
        else:
            handler = type(handler).__call__
