"""The directive ``command-options``: the arguments and options of one command, read from its parser."""

import re
from argparse import SUPPRESS, Action, ArgumentParser, HelpFormatter
from collections.abc import Mapping
from importlib import import_module

from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from clerk_webhook_verify.cli import _Parser


class CommandOptions(SphinxDirective):
    """Writes reST, which docutils then reads as if it were in the page."""

    required_arguments = 1

    def run(self):
        (command,) = self.arguments
        return self.parse_text_to_nodes(StringList(list(_options_of(parser_of(command)))))


def parser_of(command: str) -> ArgumentParser:
    module = import_module(f"clerk_webhook_verify.cli.{command}")
    parser = _Parser(prog=f"clerk-webhook-verify {command}")
    module.add_arguments(parser)
    return parser


def sections_of(parser: ArgumentParser) -> list[tuple[str, str, list[Action]]]:
    """Return title, text and arguments of each group that the help of *parser* shows."""
    recorded = _Recorder(parser.prog)
    parser.formatter_class = lambda prog: recorded
    parser.format_help()
    return [(title, " ".join(texts), actions) for title, texts, actions in recorded.sections if title and actions]


class _Recorder(HelpFormatter):
    """Keeps what argparse passes to a formatter, instead of formatting it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self.sections = [("", [], [])]

    def start_section(self, heading):
        super().start_section(heading)
        self.sections.append((heading or "", [], []))

    def end_section(self):
        super().end_section()
        self.sections.append(("", [], []))

    def add_text(self, text):
        self.sections[-1][1].extend([text] if text else [])

    def add_arguments(self, actions):
        self.sections[-1][2].extend(actions)


def _options_of(parser):
    yield from ("", f".. program:: {parser.prog}", "")
    for title, text, actions in sections_of(parser):
        if title not in ("positional arguments", "options"):
            yield from (f".. rubric:: {_sentence(title)}", "", *([f"{_sentence(text)}.", ""] if text else []))
        for action in actions:
            if action.help == SUPPRESS or action.dest == "help":
                continue
            if isinstance(action.choices, Mapping):  # commands of the command, such as "secret generate"
                for inner in action.choices.values():
                    yield from (f".. rubric:: {inner.prog.removeprefix('clerk-webhook-verify ')}", "")
                    yield from _options_of(inner)
                continue
            yield from (f".. option:: {_signature(action)}", "", f"   {_sentence(action.help % vars(action))}", "")
    title, _, examples = (parser.epilog or "").partition(":\n")
    if title == "examples":
        yield from (".. rubric:: Examples", "", ".. code-block:: shell", "")
        yield from (f"   {line.strip()}" for line in examples.splitlines())
        yield ""


def _signature(action: Action) -> str:
    if not action.option_strings:
        return str(action.metavar or action.dest)
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return ", ".join(name + value for name in action.option_strings)


def _sentence(text: str) -> str:
    text = re.sub(r"([\\*`])", r"\\\1", text)
    text = re.sub(r"(?<!\S)--[a-z-]+", r"``\g<0>``", text)
    return text[:1].upper() + text[1:]


def setup(app: Sphinx):
    app.add_directive("command-options", CommandOptions)
    return {"parallel_read_safe": True}
