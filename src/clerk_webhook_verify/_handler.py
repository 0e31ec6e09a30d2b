"""Check the parameters of a decorated handler, and call it if it is a method."""

from __future__ import annotations

import re
from collections.abc import Sequence
from inspect import Parameter, Signature, isclass, isfunction, signature
from typing import Any

from ._callables import is_generator
from .events import EVENT_TYPES, Event
from .routing import AsyncRouter, Router

_NAMES = {
    "event": re.compile(r".*(event|evt)"),
    "request": re.compile(r".*(request|req)"),
    "context": re.compile(r".*(context|ctx)"),
}


def check_handler(
    handler: object, arguments: Sequence[str], usage: str, *, more: bool = False, instead_of_method: str = ""
) -> None:
    """Raise unless *handler* accepts the adapter's arguments in their order.

    The annotations and names of its parameters show what it expects; if they are unknown, it is accepted. This finds
    bugs when the application starts, not when an event arrives.

    Args:
        handler: A function, a method or another callable object.
        arguments: The adapter's arguments in order: ``event``, and ``request`` or ``context``.
        usage: The correct line of code, for the message.
        more: Whether URL variables follow.
        instead_of_method: The correct line of code for a method, if the decorator cannot be used on one.
    Raises:
        TypeError: It is not a function, is a generator function, or accepts other arguments or another order.
    """
    function = handler.__func__ if isinstance(handler, staticmethod | classmethod) else handler
    if not callable(function) or isclass(function):
        kind = f"the class {function.__name__}" if isclass(function) else f"a {type(function).__name__}"
        raise TypeError(f"the decorator is for a function or method, not {kind}; write {usage}")
    if is_generator(function):
        raise TypeError(f"calling a generator function runs nothing: write {usage}, without yield")
    try:
        parameters = list(signature(function, follow_wrapped=False).parameters.values())
        wrapped = [_expected(each, arguments) for each in signature(function).parameters.values()]
    except (ValueError, NameError):  # a builtin has no signature; Python 3.14 may fail to resolve annotations
        return
    name = getattr(function, "__qualname__", type(function).__name__)
    lengths = _lengths_of_self(handler, parameters)
    shows_no_self = 0 in lengths and bool(parameters) and _expected(parameters[0], arguments) == arguments[0]
    if instead_of_method and (isinstance(handler, staticmethod) or (1 in lengths and not shows_no_self)):
        raise TypeError(f"{name} is a method: {instead_of_method}")
    accepted = any(_accepts(parameters[length:], arguments, more) for length in lengths)
    # A decorator may pass more arguments to the function that it wraps, but not in reverse order
    reversed_inside = len(arguments) > 1 and [each for each in wrapped if each] == [*arguments][::-1]
    if not accepted or reversed_inside:
        given = ", ".join(parameter.name for parameter in parameters)
        raise TypeError(f"{name}({given}) does not accept ({', '.join(arguments)}) in this order; write {usage}")


def as_handler(handler: Any) -> Any:
    """Return *handler*; for a router, a function that passes it only the event."""
    if not isinstance(handler, Router | AsyncRouter):
        return handler

    def route(*args: Any, **url_variables: Any) -> Any:
        return handler(*(each for each in args if isinstance(each, Event)))

    async def route_async(*args: Any, **url_variables: Any) -> Any:
        return await route(*args)

    return route_async if isinstance(handler, AsyncRouter) else route


def is_self_of(handler: object, value: object, *bases: type) -> bool:
    """Return whether *value*, the first argument of a call, is the ``self`` or ``cls`` of the method *handler*.

    Instances of *bases* always are.
    """
    cls = value if isinstance(value, type) else type(value)
    defined_in = (getattr(handler, "__module__", None), _class_name(handler))
    return issubclass(cls, bases) or defined_in in [(base.__module__, base.__qualname__) for base in cls.__mro__]


def bind(handler: Any, owner: object) -> Any:
    """Return *handler* bound to *owner*, its ``self`` or ``cls``."""
    return handler.__get__(owner, type(owner)) if hasattr(handler, "__get__") else handler


def _class_name(handler: object) -> str:
    return str(getattr(handler, "__qualname__", "")).rpartition(".")[0]


def _lengths_of_self(handler: object, parameters: list[Parameter]) -> tuple[int, ...]:
    """Return how many parameters may precede the adapter's arguments: one for ``self`` or ``cls``, or none."""
    if isinstance(handler, classmethod) or (parameters and parameters[0].name in ("self", "cls")):
        return (1,)
    class_name = _class_name(handler)
    if isfunction(handler) and class_name and not class_name.endswith("<locals>"):
        return (0, 1)  # self may have another name, or @staticmethod may be above the decorator
    return (0,)


def _accepts(parameters: list[Parameter], arguments: Sequence[str], more: bool) -> bool:
    own = Signature(parameters)
    try:
        own.bind_partial(*arguments) if more else own.bind(*arguments)
    except TypeError:
        return False
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    expected = [_expected(parameter, [*_NAMES]) for parameter in parameters if parameter.kind in positional]
    position = arguments.index("event")
    here = expected[position] if position < len(expected) else None
    return here == "event" if here else "event" not in expected


def _expected(parameter: Parameter, arguments: Sequence[str]) -> str | None:
    """Return which argument a parameter is for, by its annotation, otherwise its name; None if unknown."""
    words = re.findall(r"\w+", str(parameter.annotation))  # may be a string that cannot be resolved
    events = {cls.__name__ for cls in EVENT_TYPES.values()}
    for argument in arguments:
        if any(word.endswith(argument.title()) or (argument == "event" and word in events) for word in words):
            return argument
    name = parameter.name.strip("_").lower()
    return next((argument for argument in arguments if _NAMES[argument].fullmatch(name)), None)
