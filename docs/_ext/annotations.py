"""The Python API shows the types of annotations, with the names of aliases: ``AnyEvent``, not a union of 60 classes."""

from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

import clerk_webhook_verify
from clerk_webhook_verify import events, testing
from clerk_webhook_verify._receiver import OnRejected

ALIASES = {
    "AnyEvent": events.AnyEvent,
    "KnownEvent": events.KnownEvent,
    "EventType": events.EventType,
    "Fault": testing.Fault,
    "OnRejected": OnRejected,
    "Headers": clerk_webhook_verify.Headers,
    "Secret": clerk_webhook_verify.Secret,
    "Body": clerk_webhook_verify.Body,
}


def _use_names(app, what, name, obj, options, signature, return_annotation):
    return _named(signature), _named(return_annotation)


def _named(text):
    for name, alias in ALIASES.items():
        for mode in ("smart", "fully-qualified"):
            text = text and text.replace(stringify_annotation(alias, mode), name)
    return text


def _keep_colons(app, what, name, obj, options, lines):
    """Mark the type as empty where napoleon would read the words before a colon as one: "The event: a class of"."""
    if what in ("attribute", "data", "property") and lines:
        lines[0] = f": {lines[0]}"
    for number, line in enumerate(lines[:-1], start=1):
        if line.strip() == "Returns:":
            text = lines[number].lstrip()
            lines[number] = f"{' ' * (len(lines[number]) - len(text))}: {text}"


def setup(app: Sphinx):
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-signature", _use_names)
    app.connect("autodoc-process-docstring", _keep_colons, priority=400)  # napoleon has 500
    return {"parallel_read_safe": True}
