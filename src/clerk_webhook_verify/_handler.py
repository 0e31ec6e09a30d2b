"""Handlers: check their parameters, call them if they are methods, and turn their return value into a status code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from inspect import Parameter, Signature, isclass, isfunction, signature
from typing import Any

from ._callables import is_generator
from .events import EVENT_TYPES, Event
from .routing import AsyncRouter, Router

_ENDINGS = {"event": ("event", "evt"), "request": ("request", "req"), "context": ("context", "ctx")}


class OutcomeValue(str):
    """FastAPI passes this value to the response class: its type distinguishes it from the application's strings."""

    __slots__ = ()


class Outcome(Enum):
    """The result of processing a message. A handler may return it: adapters respond with its ``status_code``."""

    HANDLED = OutcomeValue("handled")  #: The handler ran without raising.
    DUPLICATE = OutcomeValue("duplicate")  #: The message was handled before.
    IN_PROGRESS = OutcomeValue("in_progress")  #: Another worker is handling it: 409 makes Clerk retry.

    @property
    def status_code(self) -> int:
        """409 for ``IN_PROGRESS``, otherwise 204."""
        return 409 if self is Outcome.IN_PROGRESS else 204


def status_code_of(returned: object) -> int | None:
    """Return the status code for a handler's return value; None if it is neither an outcome nor None."""
    if returned is None:
        return 204
    return returned.status_code if isinstance(returned, Outcome) else None


def checked_handler(handler: Any, arguments: Sequence[str], *, more: bool = False, instead_of_method: str = "") -> Any:
    """Return *handler*; for a router, a function that passes it only the event.

    Finds bugs when the application starts, not when an event arrives. The annotations and names of the parameters show
    what the handler expects; if they are unknown, it is accepted.

    Args:
        handler: A function, a method or another callable object.
        arguments: The adapter's arguments in order: ``event``, and ``request`` or ``context``.
        more: Whether URL variables follow.
        instead_of_method: What to do if it is a method, which the decorator does not support.
    Raises:
        TypeError: It is not a function, is a generator function, or accepts other arguments or another order.
    """
    if isinstance(handler, Router | AsyncRouter):
        return _handler_of(handler)
    usage = f"write def handler({', '.join(arguments)}{', **url_variables' if more else ''})"
    function = handler.__func__ if isinstance(handler, staticmethod | classmethod) else handler
    if not callable(function) or isclass(function):
        kind = f"the class {function.__name__}" if isclass(function) else f"a {type(function).__name__}"
        raise TypeError(f"the decorator is for a function or method, not {kind}; {usage}")
    if is_generator(function):
        raise TypeError(f"calling a generator function runs nothing: {usage}, without yield")
    try:
        parameters = list(signature(function, follow_wrapped=False).parameters.values())
        wrapped = [_expected(parameter) for parameter in signature(function).parameters.values()]
    except (ValueError, NameError):  # a builtin has no signature; Python 3.14 may fail to resolve annotations
        return handler
    name = getattr(function, "__qualname__", type(function).__name__)
    lengths = _lengths_of_self(handler, parameters)
    shows_no_self = 0 in lengths and bool(parameters) and _expected(parameters[0]) == arguments[0]
    if instead_of_method and (isinstance(handler, staticmethod) or (1 in lengths and not shows_no_self)):
        raise TypeError(f"{name} is a method: {instead_of_method}")
    accepted = any(_accepts(parameters[length:], arguments, more) for length in lengths)
    # A decorator may pass more arguments to the function that it wraps, but not in reverse order
    reversed_inside = len(arguments) > 1 and [each for each in wrapped if each] == [*arguments][::-1]
    if not accepted or reversed_inside:
        given = ", ".join(parameter.name for parameter in parameters)
        raise TypeError(f"{name}({given}) does not accept ({', '.join(arguments)}) in this order; {usage}")
    return handler


def is_self_of(handler: object, value: object, *bases: type) -> bool:
    """Return whether *value*, the first argument of a call, is the ``self`` or ``cls`` of the method *handler*.

    Instances of *bases* always are.
    """
    cls = value if isinstance(value, type) else type(value)
    defined_in = (getattr(handler, "__module__", None), _class_name(handler))
    return issubclass(cls, bases) or defined_in in [(base.__module__, base.__qualname__) for base in cls.__mro__]


def bind(handler: Any, *owner: object) -> Any:
    """Return *handler* bound to *owner*, its ``self`` or ``cls`` if it is a method."""
    return handler.__get__(owner[0], type(owner[0])) if owner and hasattr(handler, "__get__") else handler


def _handler_of(router: Router | AsyncRouter) -> Any:
    def route(*args: Any, **url_variables: Any) -> Any:
        return router(*(each for each in args if isinstance(each, Event)))

    async def route_async(*args: Any, **url_variables: Any) -> Any:
        return await route(*args)

    return route_async if isinstance(router, AsyncRouter) else route


def _class_name(handler: object) -> str:
    return str(getattr(handler, "__qualname__", "")).rpartition(".")[0]


def _lengths_of_self(handler: object, parameters: list[Parameter]) -> tuple[int, ...]:
    """Return how many parameters may precede the adapter's arguments."""
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
    expected = [_expected(parameter) for parameter in parameters if parameter.kind in positional]
    position = arguments.index("event")
    here = expected[position] if position < len(expected) else None
    return here == "event" if here else "event" not in expected


def _expected(parameter: Parameter) -> str | None:
    """Return which argument a parameter is for, by its annotation, otherwise its name; None if unknown."""
    words = re.findall(r"\w+", str(parameter.annotation))  # may be a string that cannot be resolved
    if any(cls.__name__ in words for cls in EVENT_TYPES.values()):
        return "event"
    name = parameter.name.strip("_").lower()
    by_annotation = [argument for argument in _ENDINGS if any(word.endswith(argument.title()) for word in words)]
    by_name = [argument for argument, endings in _ENDINGS.items() if name.endswith(endings)]
    return next(iter(by_annotation + by_name), None)
