"""The directive ``event-tables``: every event and every data class with its fields, read from the classes."""

import re
from dataclasses import fields
from inspect import cleandoc, isclass
from typing import get_args, get_type_hints

from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from clerk_webhook_verify import events
from clerk_webhook_verify.events import EVENT_TYPES, Event, EventType, Record, UnknownEvent


class EventTables(SphinxDirective):
    """Writes reST, which docutils then reads as if it stood in the page."""

    def run(self):
        lines = ["", ".. rubric:: Event types", "", *_table(["type", "class", "data", "when"], _event_rows())]
        for cls in [Event, UnknownEvent, *_data_classes()]:
            comments = ModuleAnalyzer.for_module(cls.__module__).find_attr_docs()
            hints = get_type_hints(cls)
            rows = [
                (f"``{field.name}``", f"``{_spelled(hints[field.name])}``", _note(comments, cls, field.name))
                for field in fields(cls)
            ]
            lines += ["", f".. rubric:: {cls.__name__}", "", *cleandoc(cls.__doc__).splitlines(), ""]
            lines += _table(["field", "type", ""], rows)
        return self.parse_text_to_nodes(StringList(lines))


def _data_classes():
    """Each data class once, in the order in which the modules define them."""
    classes = {each: None for each in vars(events).values() if isclass(each) and issubclass(each, Record)}
    return sorted(classes.keys() - {Record}, key=lambda cls: (cls.__module__, list(vars(events)).index(cls.__name__)))


def _event_rows():
    for event_type in get_args(EventType):
        cls = EVENT_TYPES[event_type]
        data = _spelled(get_type_hints(cls)["data"])
        yield f"``{event_type}``", f"``{cls.__name__}``", f"``{data}``", " ".join(cleandoc(cls.__doc__).split())


def _note(comments, cls, field):
    """The docstring below a field; the class that a field is inherited from has it."""
    found = (comments.get((each.__name__, field)) for each in cls.__mro__)
    return " ".join(next((each for each in found if each), ())).strip()


def _spelled(hint):
    """An annotation as it stands in the source, without modules."""
    return re.sub(r"[\w.]+\.(?=\w)", "", hint.__name__ if type(hint) is type else repr(hint))


def _table(head, rows):
    yield from (".. list-table::", "   :header-rows: 1", "")
    for row in [head, *rows]:
        for number, cell in enumerate(row):
            yield f"   {'* - ' if number == 0 else '  - '}{cell}"
    yield ""


def setup(app: Sphinx):
    app.add_directive("event-tables", EventTables)
    return {"parallel_read_safe": True}
