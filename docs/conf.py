"""Sphinx builds these pages strictly: a warning is an error."""

import sys
from pathlib import Path

from clerk_webhook_verify import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "clerk-webhook-verify"
copyright = "2026, the clerk-webhook-verify authors"  # noqa: A001
release = __version__

# The one change when the first release is on the package index; the README has a line of its own
released = False

extensions = [
    "annotations",
    "cause_table",
    "command_options",
    "event_tables",
    "install_commands",
    "llms_txt",
    "myst_parser",
    "search_terms",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
smartquotes_action = "D"  # dashes only: quotation marks stay as they are searched for
html_theme = "furo"
html_title = f"clerk-webhook-verify {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_js_files = ["pages.js"]
search_terms = {  # the page that the search shows first
    "400": "invalid-signature",
    "404": "troubleshooting",
    "408": "errors",
    "409": "idempotency",
    "413": "errors",
    "422": "troubleshooting",
    "500": "errors",
    "body_timeout": "reference",
    "fingerprint": "rotate-secret",
    "invalid signature": "invalid-signature",
    "max_body": "reference",
    "ngrok": "local-testing",
    "on_rejected": "rejected",
    "override_settings": "frameworks/django",
    "raw body": "raw-body",
    "replay": "retries",
    "rotate": "rotate-secret",
}
copybutton_prompt_text = "$ "  # a transcript's commands are copied, without prompt and output

napoleon_numpy_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 60
python_use_unqualified_type_names = True
