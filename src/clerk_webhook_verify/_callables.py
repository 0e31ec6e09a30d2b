"""What a call of a handler runs: a handler may be a function, a method, a partial or an object."""

from __future__ import annotations

from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, ismethod, isroutine
from typing import Any


def is_async(handler: object) -> bool:
    """Return whether calling *handler* returns a coroutine."""
    return iscoroutinefunction(function_of(handler))


def is_generator(handler: object) -> bool:
    """Return whether calling *handler* returns a generator, synchronous or not, and so runs nothing."""
    function = function_of(handler)
    return isgeneratorfunction(function) or isasyncgenfunction(function)


def function_of(handler: Any) -> object:
    """Return the function that a call of *handler* runs, which may be inside partials, methods and objects."""
    while True:
        if isinstance(handler, partial):
            handler = handler.func
        elif ismethod(handler) or isinstance(handler, staticmethod | classmethod):
            handler = handler.__func__
        elif isroutine(handler):
            return handler
        else:
            handler = type(handler).__call__
