"""Frozen dataclasses, and decoders that create them from JSON objects."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from .._frames import forget_on_error

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        """Mark a class for type checkers only: typing has it since Python 3.11."""
        return lambda cls: cls


R = TypeVar("R", bound="Record")

#: Converts a JSON value to the type of an annotation. A value of another form stays unchanged.
Decoder = Callable[[Any], Any]


@dataclass_transform(eq_default=False, frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Frozen:
    """Base class that makes each subclass a frozen, keyword-only dataclass without a hash.

    All subclasses share one ``__init__``: compiling one for each would make the import 50 ms slower.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(init=False, repr=False, eq=False, kw_only=True)(cls)

    def __init__(self, /, **values: Any) -> None:
        attributes = {each.name: _default(each) for each in _fields(type(self))} | values
        missing = [name for name, value in attributes.items() if value is MISSING]
        unknown = attributes.keys() - {each.name for each in _fields(type(self))}
        if missing or unknown:
            problem = f"needs {', '.join(missing)}" if missing else f"has no {', '.join(sorted(unknown))}"
            raise TypeError(f"{type(self).__name__} {problem}")
        vars(self).update(attributes)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        names = [each.name for each in _fields(type(self)) if each.compare]
        return [getattr(self, name) for name in names] == [getattr(other, name) for name in names]


def _reject_change(self: object, name: str, *value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


for _method in ("__setattr__", "__delattr__"):  # in the class, they would make type checkers allow any attribute
    setattr(Frozen, _method, _reject_change)


class Record(Frozen):
    """Base of all data classes."""

    @classmethod
    @forget_on_error
    def from_dict(cls: type[R], mapping: Mapping[str, Any]) -> R:
        """Create an instance from parsed JSON, as leniently as events are decoded.

        Use it for stored payloads, :attr:`UnknownEvent.data`, and users from Clerk's REST API, which have this form.

        Args:
            mapping: A JSON object. Unknown keys are ignored. A missing field gets its default, otherwise None or an
                empty list or tuple. A value of an undeclared form is kept unchanged.
        Raises:
            TypeError: *mapping* is not a mapping.
        """
        if not isinstance(mapping, Mapping):
            raise TypeError(f"{cls.__name__}.from_dict() needs a mapping, not {type(mapping).__name__}")
        record: R = record_decoder(cls)(dict(mapping))  # type: ignore[arg-type]  # a class has a hash, its instances have none
        return record

    def __repr__(self) -> str:
        """Show only the type and the id: other data is personal, and error trackers store local variables."""
        identity = vars(self).get("id")
        return f"{type(self).__name__}({f'id={identity[:64]!r}' if isinstance(identity, str) else ''})"


def _fields(cls: type[Frozen]) -> tuple[Field[Any], ...]:
    return fields(cls)  # type: ignore[arg-type]  # every subclass is a dataclass


def _default(of: Field[Any]) -> Any:
    """Return a field's default; MISSING if it has none."""
    return of.default if of.default_factory is MISSING else of.default_factory()


@cache
def record_decoder(cls: type[Record]) -> Decoder:
    """Return a decoder that turns a dict into an instance of *cls*."""
    plan = None

    def decode(value: Any) -> Any:
        nonlocal plan
        if not isinstance(value, dict):
            return value
        if plan is None:  # not earlier: a class may refer to itself
            plan = _plan(cls)
        defaults, decoders = plan
        attributes = {**defaults, **value}
        if len(attributes) > len(defaults):  # unknown keys
            attributes = {name: attributes[name] for name in defaults}
        for name, decode_field in decoders.items():
            attributes[name] = decode_field(attributes[name])
        record = object.__new__(cls)  # not __init__: it rejects missing fields
        object.__setattr__(record, "__dict__", attributes)
        return record

    return decode


def _plan(cls: type[Record]) -> tuple[dict[str, Any], dict[str, Decoder]]:
    """Return the defaults of all fields of *cls*, and the decoders of the fields that need one."""
    hints = resolve_hints(cls)
    defaults: dict[str, Any] = {}
    decoders: dict[str, Decoder] = {}
    for each in _fields(cls):
        decoder = decoder_for(hints.get(each.name))
        if each.default_factory is not MISSING:
            defaults[each.name] = MISSING
            decoders[each.name] = _unless_missing(each.default_factory, decoder)
        else:
            defaults[each.name] = None if each.default is MISSING else each.default
            if decoder:
                decoders[each.name] = decoder
    return defaults, decoders


def decoder_for(annotation: Any) -> Decoder | None:
    """Return the decoder for *annotation*; None if values stay unchanged.

    Only data classes and lists are decoded, also nested and optional: ``X``, ``X | None``, ``tuple[X, ...]``.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        decoders = [decoder for decoder in map(decoder_for, arguments) if decoder]
        return _unless_none(decoders[0]) if len(decoders) == 1 else None
    if arguments and (origin is list or (origin is tuple and arguments[1:] == (...,))):
        return _list_decoder(origin, decoder_for(arguments[0]))
    if origin is None and isinstance(annotation, type) and issubclass(annotation, Record):
        return record_decoder(annotation)  # type: ignore[arg-type]  # as above
    return None


def _unless_missing(make_default: Callable[[], Any], decode: Decoder | None) -> Decoder:
    def decode_or_default(value: Any) -> Any:
        if value is MISSING:
            return make_default()
        return value if decode is None else decode(value)

    return decode_or_default


def _unless_none(decode: Decoder) -> Decoder:
    return lambda value: None if value is None else decode(value)


def _list_decoder(kind: type[list[Any]] | type[tuple[Any, ...]], decode_item: Decoder | None) -> Decoder:
    def decode(value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            return kind() if value is None else value
        return kind(map(decode_item, value)) if decode_item and value else kind(value)

    return decode


def resolve_hints(cls: type[Frozen]) -> dict[str, Any]:
    """Return the annotations of *cls* as types; empty, with a warning, if they cannot be resolved."""
    try:
        return get_type_hints(cls)
    except Exception as error:  # an annotation can be any expression; its errors must not lose an event
        warnings.warn(
            f"cannot resolve the annotations of {cls.__qualname__} ({error}), so its fields contain plain JSON: "
            "import the names at module level, not under TYPE_CHECKING",
            RuntimeWarning,
            stacklevel=2,
        )
        return {}
