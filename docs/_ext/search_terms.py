"""What readers search for and no title contains: ``search_terms`` in conf.py has the page that is shown first.

Each term becomes a main entry of the page in the index, which the search ranks above titles and text. Without it, the
search skips numbers such as 409.
"""

from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


class AddEntries(SphinxTransform):
    default_priority = 800  # before Sphinx collects the entries

    def apply(self, **kwargs):
        terms = [term for term, page in self.config.search_terms.items() if page == self.env.docname]
        if terms:
            entries = [("single", term, "", "main", None) for term in terms]
            self.document.insert(0, addnodes.index(entries=entries))


def setup(app: Sphinx):
    app.add_config_value("search_terms", {}, "env")
    app.add_transform(AddEntries)
    return {"parallel_read_safe": True}
