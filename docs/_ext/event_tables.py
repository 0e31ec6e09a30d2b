"""The directives ``event-types`` and ``event-fields``: every event, and every data class, read from the classes."""

import re
from dataclasses import fields
from inspect import cleandoc, isclass
from typing import get_args, get_type_hints

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from clerk_webhook_verify import events
from clerk_webhook_verify.events import EVENT_TYPES, Event, EventType, Record, UnknownEvent

MODULE = events.__name__


class EventTypes(SphinxDirective):
    """Writes reST, which docutils then reads as if it were in the page. A link to an event's class leads to its row."""

    def run(self):
        lines = _table("events", ["event type and class", "data and occasion"], _event_rows())
        (table,) = self.parse_text_to_nodes(StringList(list(lines)))
        for row, event_type in zip(list(table.findall(nodes.row))[1:], get_args(EventType), strict=True):
            name = f"{MODULE}.{EVENT_TYPES[event_type].__name__}"
            row["ids"].append(name)
            self.env.domains["py"].note_object(name, "class", name, location=row)
        return [table]


class EventFields(SphinxDirective):
    """Writes reST: an entry for each data class, with a table of its fields."""

    def run(self):
        lines = [line for cls in [Event, UnknownEvent, *_data_classes()] for line in _entry(cls)]
        return self.parse_text_to_nodes(StringList(lines))


def _entry(cls):
    comments = ModuleAnalyzer.for_module(cls.__module__).find_attr_docs()
    hints = get_type_hints(cls)
    rows = [
        (f"``{field.name}``", f"``{_spelled(hints[field.name])}``", _note(comments, cls, field.name))
        for field in fields(cls)
    ]
    options = ["   :no-index:"] if issubclass(cls, Event) else []  # the Python API has these two
    yield from ("", f".. py:class:: {MODULE}.{cls.__name__}", *options, "")
    for line in [*cleandoc(cls.__doc__).splitlines(), "", *_table("fields", ["field", "type", ""], rows)]:
        yield f"   {line}"


def _data_classes():
    """Each data class once, in the order in which the modules define them."""
    classes = {each: None for each in vars(events).values() if isclass(each) and issubclass(each, Record)}
    return sorted(classes.keys() - {Record}, key=lambda cls: (cls.__module__, list(vars(events)).index(cls.__name__)))


def _event_rows():
    for event_type in get_args(EventType):
        cls = EVENT_TYPES[event_type]
        data = _spelled(get_type_hints(cls)["data"])
        link = f":class:`~{MODULE}.{data}`" if data.isidentifier() else f"``{data}``"
        yield f"``{event_type}`` ``{cls.__name__}``", f"{link}: {' '.join(cleandoc(cls.__doc__).split())}"


def _note(comments, cls, field):
    """The docstring below a field; the class that a field is inherited from has it."""
    found = (comments.get((each.__name__, field)) for each in cls.__mro__)
    return " ".join(next((each for each in found if each), ())).strip()


def _spelled(hint):
    """An annotation as it stands in the source, without modules."""
    return re.sub(r"[\w.]+\.(?=\w)", "", hint.__name__ if type(hint) is type else repr(hint))


def _table(css_class, head, rows):
    yield from (".. list-table::", "   :header-rows: 1", f"   :class: {css_class}", "")
    for row in [head, *rows]:
        for number, cell in enumerate(row):
            yield f"   {'* - ' if number == 0 else '  - '}{cell}"
    yield ""


def setup(app: Sphinx):
    app.add_directive("event-types", EventTypes)
    app.add_directive("event-fields", EventFields)
    return {"parallel_read_safe": True}
