"""What events and their data have in common: frozen, compared by value, and silent about their content."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class Record:
    """Base of the frozen dataclasses, which leave to it what ``dataclass`` would else compile for each of them."""

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if type(self) is type(other) else NotImplemented

    __hash__: ClassVar[None]  # type: ignore[assignment]  # none, since a record can hold dicts

    def __repr__(self) -> str:
        """The type and the id alone: content is personal data and one-time codes, and error trackers print locals."""
        identity = self.__dict__.get("id")
        return f"{type(self).__name__}({f'id={identity[:64]!r}' if isinstance(identity, str) else ''})"

    if not TYPE_CHECKING:  # a checker that saw it would allow any name

        def __setattr__(self, name, value):
            # For the event classes: frozen=True guards Event's fields in them, and this all other names
            raise FrozenInstanceError(f"cannot assign to field {name!r}")


#: With these two, ``record = create(cls); set_attributes(record, values)`` makes an instance of a record class out of
#: a dict of all its fields. Its ``__init__``, which sets one after the other, takes twenty times as long for a user:
#: "what the tricks save" in the benchmark.
create = object.__new__
set_attributes = Record.__dict__["__dict__"].__set__
