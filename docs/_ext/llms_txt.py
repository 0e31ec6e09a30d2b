"""Writes llms.txt, a list of the pages for language models, and llms-full.txt, the pages themselves.

The pages are Markdown already. Those with generated parts, such as the Python API, are rendered as text.
https://llmstxt.org
"""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.text import TextBuilder

GENERATED = ("```{eval-rst}", "```{cause-table}")


def _write(app: Sphinx, exception: Exception | None):
    if exception or app.builder.name != "html":
        return
    index = app.env.get_doctree(app.config.root_doc)
    entries = [f"# {app.config.project}", "", f"> {_first_paragraph(index)}"]
    contents = []
    for toctree in index.findall(addnodes.toctree):
        entries += ["", f"## {toctree['caption']}", ""]
        for page in _with_subpages(app, toctree["includefiles"]):
            source = Path(app.env.doc2path(page)).read_text("utf-8")
            is_rendered = any(directive in source for directive in GENERATED)
            uri = app.builder.get_target_uri(page) if is_rendered else f"_sources/{page}.md.txt"
            description = _first_paragraph(app.env.get_doctree(page)).partition(". ")[0].rstrip(".:")
            entries.append(f"- [{app.env.titles[page].astext()}]({uri})" + (description and f": {description}"))
            contents.append(_as_text(app, page) if is_rendered else source)
    Path(app.outdir, "llms.txt").write_text("\n".join([*entries, ""]), "utf-8")
    Path(app.outdir, "llms-full.txt").write_text("\n\n".join(contents), "utf-8")


def _with_subpages(app, pages):
    for page in pages:
        yield page
        yield from _with_subpages(app, app.env.toctree_includes.get(page, []))


def _first_paragraph(doctree):
    """Return the first one that is not in a list, a table or a directive."""
    paragraphs = (each for each in doctree.findall(nodes.paragraph) if isinstance(each.parent, nodes.section))
    return " ".join(next(paragraphs, nodes.paragraph()).astext().split())


def _as_text(app, page):
    builder = TextBuilder(app, app.env)
    builder.init()
    doctree = app.env.get_and_resolve_doctree(page, builder)
    translator = builder.create_translator(doctree, builder)
    doctree.walkabout(translator)
    return translator.body


def setup(app: Sphinx):
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
