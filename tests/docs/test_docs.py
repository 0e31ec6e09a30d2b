"""The examples in the README and the documentation run."""

import logging
import re
from pathlib import Path

import pytest
from helpers import programs, transcripts
from helpers.apps import django_app  # noqa: F401  configures Django, for all pages
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from clerk_webhook_verify.diagnose.causes import CAUSES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/[a-z]*.md"))]
NEEDS_MORE_PACKAGES = {  # which the extra "test" leaves out
    "azure-functions.md",
    "google-cloud-functions.md",
    "mangum-chalice.md",
    "others.md",
    "send-mail.md",
}
WITH_EXAMPLES = [
    pytest.param(page, marks=pytest.mark.slow if page.name in NEEDS_MORE_PACKAGES else ())
    for page in PAGES[1:]
    if page.name != "index.md"  # it has the README's example, which test_readme.py runs
    if "```python" in page.read_text("utf-8")
]
WITH_TRANSCRIPTS = [
    pytest.param(page, marks=pytest.mark.slow if page.name == "invalid-signature.md" else ())  # it has every cause
    for page in PAGES
    if "```console" in page.read_text("utf-8")
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


def test_every_program_on_a_page_is_started_by_a_command_or_imported_on_it():
    pages = {page.name: programs.recipes(page).values() for page in PAGES if programs.recipes(page)}
    assert {"background.md", "tutorial.md", "mirror-users.md"} <= set(pages)
    for page, found in pages.items():
        commands = [command for recipe in found for command in recipe.commands]
        files = {file: text for recipe in found for file, text in recipe.programs.items()}
        for file in files:
            name = file.split("/")[0].removesuffix(".py")  # of a file in a folder, the command names the folder
            others = [text for other, text in files.items() if other != file]
            started = any(re.search(rf"\b{name}\b", command) for command in commands)
            assert started or any(f"from {name} import" in text for text in others), f"nothing starts {page}'s {file}"


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
def test_every_page_with_an_example_has_an_assert(page):
    blocks = page.read_text("utf-8").split("```python\n")[1:]
    assert "assert " in "".join(block.split("```")[0] for block in blocks)


def test_the_index_has_the_install_command_and_the_example_of_the_readme():
    index, readme = ((ROOT / page).read_text("utf-8") for page in ("docs/index.md", "README.md"))
    for language in ("shell", "python"):
        assert index.split(f"```{language}\n")[1].split("```")[0] == readme.split(f"```{language}\n")[1].split("```")[0]


@pytest.mark.parametrize("page", WITH_TRANSCRIPTS, ids=lambda page: page.name)
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
