"""Sphinx builds these pages strictly: a warning is an error."""

import sys
from pathlib import Path

from clerk_webhook_verify import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "clerk-webhook-verify"
copyright = "2026, the clerk-webhook-verify authors"  # noqa: A001
release = __version__

extensions = ["event_tables", "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"clerk-webhook-verify {release}"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures would show the union of all event classes; the docstrings give the types
