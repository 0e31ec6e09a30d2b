"""Install commands: from a clone until the first release, then from the package index, changed in one place."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/[a-z]*.md"))]
# A command, or a line of a requirements.txt
COMMAND = re.compile(r"pip install .*\bclerk-webhook-verify\b.*|^\S*clerk-webhook-verify(?:\[[\w,]+\])?$", re.MULTILINE)


@pytest.fixture(scope="module")
def install_commands():
    spec = importlib.util.spec_from_file_location("install_commands", ROOT / "docs" / "_ext" / "install_commands.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands_in(text: str) -> list[str]:
    return COMMAND.findall(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_install_command_of_a_page_installs_from_the_clone(page):
    for command in commands_in(page.read_text("utf-8")):
        assert command.count("clerk-webhook-verify") == command.count("./clerk-webhook-verify"), command


def test_the_pages_that_a_reader_starts_with_have_an_install_command():
    pages = {page.name for page in PAGES if commands_in(page.read_text("utf-8"))}
    assert pages >= {"README.md", "index.md", "tutorial.md", "flask.md", "fastapi.md", "django.md", "mirror-users.md"}


def test_the_extension_changes_every_install_command(install_commands):
    for page in PAGES:
        changed = install_commands.from_index(page.read_text("utf-8"))
        for command in commands_in(changed):
            assert "./" not in command
        assert len(commands_in(changed)) == len(commands_in(page.read_text("utf-8")))


PROJECT = {
    "conf.py": f"""
import sys
sys.path.insert(0, {str(ROOT / "docs" / "_ext")!r})
project = "example"
extensions = ["install_commands", "llms_txt", "myst_parser"]
""",
    "index.md": """
# Example

```shell
pip install './clerk-webhook-verify[flask]'
```

```{only} not released
Nothing is published yet.
```

```{toctree}
:caption: Pages

page
```
""",
    "page.md": "# Page\n\n    pip install ./clerk-webhook-verify gunicorn\n",
}


@pytest.mark.slow  # it needs Sphinx
@pytest.mark.parametrize("released", [False, True])
def test_one_setting_changes_all_pages_and_their_copies(released, tmp_path):
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text.lstrip())
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-D", f"released={int(released)}", ".", "html"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("index.html", "page.html", "llms-full.txt", "_sources/index.md.txt", "_sources/page.md.txt"):
        text = (tmp_path / "html" / name).read_text("utf-8")
        assert ("./clerk-webhook-verify" in text) is not released, name
    assert ("Nothing is published" in (tmp_path / "html" / "index.html").read_text("utf-8")) is not released
