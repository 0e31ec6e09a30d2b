"""The directive ``event-tables``: every event and every data class with its fields, read from the classes."""

from dataclasses import fields, is_dataclass
from inspect import cleandoc

from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from clerk_webhook_verify import events
from clerk_webhook_verify.events._catalog import EVENTS, NAMES


class EventTables(SphinxDirective):
    """Writes reST, which docutils then reads as if it stood in the page."""

    def run(self):
        lines = ["", ".. rubric:: Event types", "", *_table(["type", "class", "data", "when"], _event_rows())]
        for module, names in NAMES.items():
            comments = ModuleAnalyzer.for_module(f"{events.__name__}.{module}").find_attr_docs()
            for name in names:
                cls = getattr(events, name)
                if not is_dataclass(cls) or cls.__name__ != name:
                    continue  # a union, a function, or another name for a class that has its table already
                rows = [
                    (f"``{field.name}``", f"``{field.type}``", " ".join(comments.get((name, field.name), ())).strip())
                    for field in fields(cls)
                ]
                lines += ["", f".. rubric:: {name}", "", *cleandoc(cls.__doc__).splitlines(), ""]
                lines += _table(["field", "type", ""], rows)
        return self.parse_text_to_nodes(StringList(lines))


def _event_rows():
    for event_type, (_, name) in EVENTS.items():
        cls = getattr(events, name)
        yield f"``{event_type}``", f"``{name}``", f"``{cls.__annotations__['data']}``", cls.__doc__


def _table(head, rows):
    yield from (".. list-table::", "   :header-rows: 1", "")
    for row in [head, *rows]:
        for number, cell in enumerate(row):
            yield f"   {'* - ' if number == 0 else '  - '}{cell}"
    yield ""


def setup(app: Sphinx):
    app.add_directive("event-tables", EventTables)
    return {"parallel_read_safe": True}
