"""The complete programs of the documentation, which have separate tests.

A ```python block is a program if the paragraph before it begins with its file's name, as in "`web.py` responds ...:".
"""

import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[2] / "docs"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_PROGRAM = re.compile(r"^`([\w/]+\.py)`(?:[^\n]|\n(?!\n))*:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMANDS = re.compile(r"^ *```shell\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)  # also in a list


class Recipe(NamedTuple):
    programs: dict[str, str]
    commands: list[str]


def recipes(page: Path) -> dict[str, Recipe]:
    """The programs of a page, and the commands that start them, by the heading above."""
    _, *parts = _HEADING.split(page.read_text("utf-8"))
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    found = {
        title: Recipe(
            programs=dict(_PROGRAM.findall(text)),
            commands=[line.strip() for line in "".join(_COMMANDS.findall(text)).splitlines()],
        )
        for title, text in sections.items()
    }
    return {title: recipe for title, recipe in found.items() if recipe.programs}
