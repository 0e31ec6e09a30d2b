"""Route events to handlers: ``@router.on(UserCreated)`` above a function, then ``router(event)``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import isawaitable, signature
from typing import Any, Protocol, TypeVar, overload

from ._callables import is_async, is_generator
from ._threads import finish, in_thread
from .events import EVENT_TYPES, Event

__all__ = ["AsyncRouter", "Router"]

Handler = Callable[[Any], Any]

H = TypeVar("H", bound=Callable[[Event], object])
R = TypeVar("R")
E_co = TypeVar("E_co", bound=Event, covariant=True)
E1 = TypeVar("E1", bound=Event)
E2 = TypeVar("E2", bound=Event)
E3 = TypeVar("E3", bound=Event)
E4 = TypeVar("E4", bound=Event)
E5 = TypeVar("E5", bound=Event)
E6 = TypeVar("E6", bound=Event)


class _Decorator(Protocol[E_co]):
    """Registers a handler for these or all events, and returns it unchanged."""

    @overload
    def __call__(self, handler: H, /) -> H: ...
    @overload
    def __call__(self, handler: Callable[[E_co], R], /) -> Callable[[E_co], R]: ...


class _Routes:
    def __init__(self) -> None:
        self._handlers: dict[str | None, Handler] = {}  # the fallback's key is None

    @property
    def types(self) -> tuple[str, ...]:
        """The event types with a handler, sorted. Select them for the endpoint in Clerk's dashboard."""
        return tuple(sorted(event_type for event_type in self._handlers if event_type is not None))

    @overload
    def on(self, e1: type[E1], /) -> _Decorator[E1]: ...
    @overload
    def on(self, e1: type[E1], e2: type[E2], /) -> _Decorator[E1 | E2]: ...
    @overload
    def on(self, e1: type[E1], e2: type[E2], e3: type[E3], /) -> _Decorator[E1 | E2 | E3]: ...
    @overload
    def on(self, e1: type[E1], e2: type[E2], e3: type[E3], e4: type[E4], /) -> _Decorator[E1 | E2 | E3 | E4]: ...
    @overload
    def on(
        self, e1: type[E1], e2: type[E2], e3: type[E3], e4: type[E4], e5: type[E5], /
    ) -> _Decorator[E1 | E2 | E3 | E4 | E5]: ...
    @overload
    def on(
        self, e1: type[E1], e2: type[E2], e3: type[E3], e4: type[E4], e5: type[E5], e6: type[E6], /
    ) -> _Decorator[E1 | E2 | E3 | E4 | E5 | E6]: ...
    @overload
    def on(self, event_type: type[Event] | str, /, *event_types: type[Event] | str) -> Callable[[H], H]: ...
    def on(self, *event_types: type[Event] | str) -> Callable[[Any], Any]:
        """Register the decorated function for these event types.

        Args:
            *event_types: Classes that declare an event type, or types as strings, such as ``"user.somethingNew"``.
                Type checkers expect a function that accepts the union of up to six classes, otherwise any ``Event``.
        Returns:
            The decorator, which returns the function unchanged.
        Raises:
            TypeError: An argument declares no event type, as ``Event`` does; or the function cannot be called with only
                the event, is a generator function, or is asynchronous in a ``Router``.
            ValueError: A type is empty, or already has a handler.
        """
        types = [event_type for each in event_types for event_type in _types_of(each)]
        if not types:
            raise TypeError("on() needs an event class or type: write @router.on(UserCreated)")
        if len(set(types)) < len(types):
            raise ValueError(f"on() got a duplicate event type: remove one of {', '.join(types)}")

        def register(handler: Handler) -> Handler:
            self._check(handler)
            self._add(dict.fromkeys(types, handler))
            return handler

        return register

    def fallback(self, handler: H) -> H:
        """Register the decorated function for all other events. Without a fallback they are ignored.

        Raises:
            TypeError: As for :meth:`on`.
            ValueError: There already is a fallback.
        """
        self._check(handler)
        self._add({None: handler})
        return handler

    def _check(self, handler: Handler) -> None:
        if not callable(handler):
            raise TypeError(f"a handler must be a function or another callable, not {_name(handler)}")
        if is_generator(handler):
            raise TypeError("the handler is a generator function, so calling it runs nothing: remove its yield")
        try:
            parameters = signature(handler, follow_wrapped=False)  # a decorator may pass more to what it wraps
        except (ValueError, NameError):  # a builtin has no signature; Python 3.14 may fail to resolve annotations
            return
        try:
            parameters.bind(None)
        except TypeError:
            name = getattr(handler, "__qualname__", type(handler).__name__)
            raise TypeError(
                f"{name}({', '.join(parameters.parameters)}) cannot be called with only the event: make all other "
                "parameters optional, or bind them (a bound method, functools.partial)"
            ) from None

    def _add(self, handlers: Mapping[Any, Handler]) -> None:
        """Register all of them, or none if one is already registered."""
        for event_type in handlers:
            if event_type in self._handlers:
                name, kind = (repr(event_type), "handler") if event_type else ("the router", "fallback")
                raise ValueError(f"{name} already has a {kind}: call both functions from one {kind}")
        self._handlers.update(handlers)

    def _include(self, other: _Routes, kind: type[_Routes]) -> None:
        if not isinstance(other, kind):
            raise TypeError(f"this router can only include another {kind.__name__}, not {_name(other)}")
        self._add(other._handlers)

    def _handler_for(self, event: Event) -> Handler | None:
        if not isinstance(event, Event):
            raise TypeError(f"a router accepts events from verify() or Delivery.parse(), not {_name(event)}")
        return self._handlers.get(event.type, self._handlers.get(None))


class Router(_Routes):
    """Calls the handler that is registered for the event's type. Use it as a handler.

    >>> clerk_webhook(webhook)(router)  # doctest: +SKIP
    >>> once.run(event, router)  # doctest: +SKIP
    """

    def __call__(self, event: Event) -> Any:
        """Call the handler and return its result; None if there is no handler. Exceptions are not caught.

        Raises:
            TypeError: *event* is not an event.
        """
        handler = self._handler_for(event)
        return None if handler is None else handler(event)

    def include(self, other: Router) -> None:
        """Register the current handlers of *other*, or none of them if that fails.

        Raises:
            TypeError: *other* is not a router of the same kind.
            ValueError: A type of *other* already has a handler here, or both have a fallback.
        """
        self._include(other, Router)

    def _check(self, handler: Handler) -> None:
        super()._check(handler)
        if is_async(handler):
            raise TypeError("the handler is asynchronous: use AsyncRouter, and await router(event)")


class AsyncRouter(_Routes):
    """:class:`Router` for asyncio, whose handlers may be ``async def``. Use it as an asynchronous handler.

    A plain function runs in a thread, with the caller's context variables. A cancellation is raised after it has ended,
    since threads cannot be stopped.
    """

    async def __call__(self, event: Event) -> Any:
        """Call the handler as :meth:`Router.__call__` does, and await it."""
        handler = self._handler_for(event)
        if handler is None:
            return None
        if is_async(handler):
            return await handler(event)
        result = await finish(in_thread(handler, event))
        return await result if isawaitable(result) else result

    def include(self, other: AsyncRouter) -> None:
        """Include *other*, as :meth:`Router.include` does."""
        self._include(other, AsyncRouter)


def routed(handler: Any, message: Any) -> Any:
    """Return the handler that *handler* calls for *message* if it is an AsyncRouter, otherwise *handler* itself."""
    if type(handler).__call__ is not AsyncRouter.__call__:  # a subclass may override the call
        return handler
    chosen = handler._handler_for(message)
    return (lambda event: None) if chosen is None else routed(chosen, message)


def _types_of(item: object) -> list[str]:
    if isinstance(item, str):
        if not item:
            raise ValueError('an event type must not be empty: pass one such as "user.created"')
        return [item]
    types = [event_type for event_type, event_class in EVENT_TYPES.items() if event_class is item]
    if not types:
        raise TypeError(
            f"on() needs classes that declare an event type, such as UserCreated, or types as strings, not "
            f"{_name(item)}: write @router.on(UserCreated), or @router.fallback for all other events"
        )
    return types


def _name(item: object) -> str:
    return item.__qualname__ if isinstance(item, type) else f"a {type(item).__name__}"
