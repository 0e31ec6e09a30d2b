"""Install commands: from a clone until the first release, then from the package index.

Every page writes ``./clerk-webhook-verify``: the clone is next to what the reader builds. If ``released`` is True in
conf.py, the pages are built without the ``./``, and the parts in ``{only} not released`` are left out.
"""

from pathlib import Path

CLONE = "./clerk-webhook-verify"


def from_index(text: str) -> str:
    """Return *text* with the package's name in place of the clone's folder."""
    return text.replace(CLONE, CLONE.removeprefix("./"))


def _set_tag(app, config):
    if config.released:
        app.tags.add("released")


def _rewrite(app, docname, source):
    if app.config.released:
        source[0] = from_index(source[0])


def _rewrite_copies(app, exception):
    """Rewrite the pages for language models, which are copies of the sources."""
    if exception or not app.config.released:
        return
    for file in [*Path(app.outdir).glob("_sources/**/*.txt"), *Path(app.outdir).glob("llms-full.txt")]:
        file.write_text(from_index(file.read_text("utf-8")), "utf-8")


def setup(app):
    app.add_config_value("released", False, "env")
    app.connect("config-inited", _set_tag)
    app.connect("source-read", _rewrite)
    app.connect("build-finished", _rewrite_copies, priority=900)  # after llms_txt
    return {"parallel_read_safe": True, "parallel_write_safe": True}
