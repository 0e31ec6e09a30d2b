"""The extension that writes llms.txt and llms-full.txt with the documentation."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # it needs Sphinx

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "conf.py": f"""
import sys
sys.path.insert(0, {str(DOCS / "_ext")!r})
project = "example"
extensions = ["llms_txt", "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
""",
    "index.md": """
# Example

An example. It has four pages.

```{toctree}
:caption: Guides

guide
part/index
```

```{toctree}
:caption: More

api
```
""",
    "guide.md": "# A guide\n\n- a list\n\nDo this. Then that:\n\n```python\nassert 'Markdown'\n```\n",
    "part/index.md": "# A part\n\nIt has a page below it:\n\n```{toctree}\nbelow\n```\n",
    "part/below.md": "# Below\n\n| a | table |\n|---|---|\n| 1 | 2 |\n",
    "api.md": "# API\n\n```{eval-rst}\n.. autofunction:: clerk_webhook_verify.verify\n```\n",
}


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    source = tmp_path_factory.mktemp("docs")
    for name, text in PAGES.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text.lstrip())
    build(source, "html")
    return source / "html"


def build(source: Path, builder: str) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", builder, ".", builder]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_llms_txt_lists_each_page_below_the_caption_of_its_toctree(output):
    assert (output / "llms.txt").read_text("utf-8") == (
        "# example\n\n> An example. It has four pages.\n\n"
        "## Guides\n\n"
        "- [A guide](_sources/guide.md.txt): Do this\n"
        "- [A part](_sources/part/index.md.txt): It has a page below it\n"
        "- [Below](_sources/part/below.md.txt)\n\n"
        "## More\n\n"
        "- [API](api.html)\n"
    )


def test_every_link_of_llms_txt_leads_to_a_file(output):
    lines = (output / "llms.txt").read_text("utf-8").splitlines()
    links = [line.partition("](")[2].partition(")")[0] for line in lines if line.startswith("- ")]
    assert len(links) == 4
    assert all((output / link).is_file() for link in links)


def test_llms_full_txt_contains_the_markdown_of_the_pages(output):
    text = (output / "llms-full.txt").read_text("utf-8")
    assert text.startswith(PAGES["guide.md"])
    assert text.index("# A guide") < text.index("# A part") < text.index("# Below")


def test_llms_full_txt_contains_the_python_api_instead_of_its_directives(output):
    text = (output / "llms-full.txt").read_text("utf-8")
    assert "clerk_webhook_verify.verify(headers" in text
    assert "Verify one delivery and return its event." in text
    assert "eval-rst" not in text


def test_a_second_build_writes_the_same(output):
    before = {name: (output / name).read_text("utf-8") for name in ("llms.txt", "llms-full.txt")}
    for name in before:
        (output / name).unlink()
    build(output.parent, "html")
    assert {name: (output / name).read_text("utf-8") for name in before} == before


def test_other_builders_write_neither(output):
    build(output.parent, "text")
    assert not (output.parent / "text" / "llms.txt").exists()


def test_the_documentation_uses_the_extension():
    assert '"llms_txt"' in (DOCS / "conf.py").read_text("utf-8")
