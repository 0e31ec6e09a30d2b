"""What is left of a resource that was deleted."""

from ._data import Record


class DeletedObject(Record):
    """The id of what was deleted, and little else: the resource itself is gone."""

    object: str
    id: str | None = None
    slug: str | None = None
    deleted: bool
    external_id: str | None = None
    """Of users, where one was set."""
