"""The data of events about deleted resources."""

from ._data import Record


class DeletedObject(Record):
    """A deleted resource: its id, and few other fields."""

    object: str
    id: str | None = None
    slug: str | None = None
    deleted: bool
    external_id: str | None = None
    """Of users that have one."""
