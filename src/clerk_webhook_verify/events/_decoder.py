"""From parsed JSON to the frozen dataclasses, driven by their own fields."""

from __future__ import annotations

import re
from dataclasses import fields

from .._record import create, set_attributes
from ._catalog import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: What decides in an annotation: is it a tuple, and does it name a class of ours? Only those begin with a capital.
_ANNOTATION = re.compile(r"(tuple\[)?([A-Z]\w*)?")


class _Readers(dict[str, "Callable[[Any], Any]"]):
    """By the name of a data class, the function that turns a JSON object into an instance of it; made when asked for.

    It never fails: what has another form than declared stays as it is. Keys that are no field are left out; a field
    that is absent or null reads as None, or as the empty tuple where a list is declared. Annotations are ``str``,
    ``X | None`` or ``tuple[X, ...]``; the class X is looked up, and so its module imported, when the first one arrives.
    """

    def __missing__(self, class_name: str) -> Callable[[Any], Any]:
        read = self[class_name] = _make_reader(load(class_name))
        return read


readers = _Readers()


def _make_reader(cls: Any) -> Callable[[Any], Any]:
    blank: dict[str, Any] = {}
    lists: list[tuple[str, str]] = []
    objects: list[tuple[str, str]] = []
    for field in fields(cls):
        is_list, class_name = _ANNOTATION.findall(str(field.type))[0]
        blank[field.name] = () if is_list else None
        if is_list:
            lists.append((field.name, class_name))
        elif class_name:
            objects.append((field.name, class_name))
    size = len(blank)

    def read(value: Any) -> Any:
        if type(value) is not dict:
            return value
        values: dict[str, Any] = blank | value
        if len(values) != size:  # a key that is no field: seldom, and dearer
            values = {name: value.get(name, default) for name, default in blank.items()}
        for name, class_name in lists:
            items = values[name]
            if type(items) is list:
                if not items:
                    values[name] = ()
                elif class_name:
                    values[name] = tuple(map(readers[class_name], items))
                else:
                    values[name] = tuple(items)
            elif items is None:
                values[name] = ()
        for name, class_name in objects:
            item = values[name]
            if item is not None:
                values[name] = readers[class_name](item)
        record: Any = create(cls)
        set_attributes(record, values)
        return record

    return read
