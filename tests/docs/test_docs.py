"""The examples in the README and the documentation run."""

import logging
import re
from pathlib import Path

import pytest
from helpers import programs, transcripts
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from clerk_webhook_verify.diagnose.causes import CAUSES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/[a-z]*.md"))]
NEEDS_MANY_FRAMEWORKS = "others.md"  # six, which the extra "test" leaves out
WITH_EXAMPLES = [
    pytest.param(page, marks=pytest.mark.slow if page.name == NEEDS_MANY_FRAMEWORKS else ())
    for page in PAGES
    if "```python" in page.read_text("utf-8")
]
sybil = Sybil(parsers=[PythonCodeBlockParser()], path=str(ROOT), patterns=["*.md"])


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("clerk_webhook_verify")  # a page may add handlers and set a level
    monkeypatch.setattr(logger, "handlers", [*logger.handlers])
    monkeypatch.setattr(logger, "level", logger.level)
    document = sybil.parse(page)
    document.namespace["__name__"] = "__main__"  # a page is read like a script
    examples = list(document.examples())
    assert len(examples) == page.read_text("utf-8").count("```python")
    complete_programs = [text for recipe in programs.recipes(page).values() for text in recipe.programs.values()]
    for example in examples:
        if example.parsed not in complete_programs:
            example.evaluate()


def test_every_program_on_a_page_is_started_by_a_command_on_it():
    pages = {page.name: programs.recipes(page) for page in PAGES if programs.recipes(page)}
    assert list(pages) == ["background.md", "tutorial.md"]
    for recipe in (recipe for recipes in pages.values() for recipe in recipes.values()):
        for file in recipe.programs:
            module = re.compile(rf"\b{file.removesuffix('.py')}\b")
            assert any(module.search(command) for command in recipe.commands), f"no command starts {file}"


def test_the_quickstart_has_two_commands():
    block = (ROOT / "README.md").read_text("utf-8").split("## Quickstart\n\n```shell\n")[1].split("```")[0]
    assert len(block.splitlines()) == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_with_an_example_has_an_assert(page):
    blocks = page.read_text("utf-8").split("```python\n")[1:]
    if blocks:
        assert "assert " in "".join(block.split("```")[0] for block in blocks)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_transcript_is_the_output_of_its_command(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    transcripts.write_files(tmp_path)
    text = page.read_text("utf-8")
    blocks = transcripts.BLOCK.findall(text)
    assert len(blocks) == text.count("```console")
    for block in blocks:
        assert transcripts.replayed(block) == block


def test_every_cause_has_a_transcript():
    page = (ROOT / "docs" / "invalid-signature.md").read_text("utf-8")
    for cause in CAUSES:
        assert f"rejected: {cause.code} (" in page
