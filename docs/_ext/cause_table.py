"""The directive ``cause-table``: each cause that ``diagnose`` can find, with its fix, read from the library's table."""

import re
from pathlib import Path

from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from clerk_webhook_verify.diagnose.causes import CAUSES

EXAMPLES = "invalid-signature.md"


class CauseTable(SphinxDirective):
    """Writes Markdown, which MyST then reads as if it were in the page."""

    def run(self):
        page = Path(self.env.srcdir, EXAMPLES)
        self.env.note_dependency(page)
        lines = ["| cause | when the error is | fix |", "|---|---|---|"]
        for cause, heading in zip(CAUSES, headings(page.read_text("utf-8")), strict=True):
            errors = ", ".join(f"`{code}`" for code in _codes(cause))
            lines.append(f"| [`{cause.code}`]({EXAMPLES}#{_anchor(heading)}) | {errors} | {_escaped(cause.fix)} |")
        return self.parse_text_to_nodes(StringList(lines))


def headings(text):
    """Return the heading of the example of each cause."""
    for cause in CAUSES:
        before, _, _ = text.partition(f"rejected: {cause.code} (")
        yield re.findall(r"^###? (.+)$", before, re.MULTILINE)[-1]


def _codes(cause):
    """Return the codes of the errors that the cause explains, those of derived classes instead of a base class."""
    for error in cause.explains:
        classes = error.__subclasses__() or [error]
        yield from (each.code for each in classes)


def _anchor(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _escaped(text):
    return re.sub(r"([|<>*\[\]])", r"\\\1", text)


def setup(app: Sphinx):
    app.add_directive("cause-table", CauseTable)
    return {"parallel_read_safe": True}
