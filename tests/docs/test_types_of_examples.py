"""Do mypy --strict and pyright accept the Python examples of the README, the documentation and the skill?"""

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import programs, recipes

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SKILL = "src/clerk_webhook_verify/.agents/skills/clerk-webhook-verify/SKILL.md"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/[a-z]*.md")), ROOT / SKILL]
BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
MODULES = {  # the blocks of each module, on pages where several frameworks use the same name
    "docs/raw-body.md": [[0, 1], [0, 2, 3], [0, 4]],
    SKILL: [[0], [1], [2], [3], [4], [5]],
}
WRONG_ON_PURPOSE = {  # how a line begins that no type checker accepts, and the reason for it
    "assert SvixWebhook(SECRET).verify(body, headers) is None": "shows that svix returns no event",
    "    webhook.verify(body, headers)": "shows the TypeError for swapped arguments",
    '    webhook.verify(headers, {"type": "user.created"})': "shows the TypeError for a body that is not raw",
    "    app.wsgi_app = ProxyFix(": "as in Flask's manual: https://github.com/python/mypy/issues/2427",
}
# Some libraries have no annotations; neither have their decorators and base classes.
MYPY = """
[mypy]
strict = true
python_version = 3.10
explicit_package_bases = true
plugins = mypy_django_plugin.main
[mypy.plugins.django-stubs]
django_settings_module = "project"
[mypy-bottle,celery,rest_framework.*,sanic_testing.*]
ignore_missing_imports = true
[mypy-docs_background_1.*,docs_frameworks_django_0,docs_frameworks_others_0]
disallow_untyped_decorators = false
disallow_subclassing_any = false
"""
PYRIGHT = {
    "typeCheckingMode": "standard",
    "pythonVersion": "3.10",
    "useLibraryCodeForTypes": False,  # do not guess the types of these libraries
    "reportPossiblyUnboundVariable": "none",  # an assert about a variable that an except clause sets
}
PROJECT = """
SECRET_KEY = "of the tests"
INSTALLED_APPS = ["accounts"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
"""


def modules_of(page: Path) -> Iterator[tuple[str, str]]:
    """The files of a page and their text: its programs, and modules of its other blocks, by default one."""
    path = page.relative_to(ROOT).as_posix()
    name = re.sub(r"\W", "_", path.removesuffix(".md"))
    blocks = [textwrap.dedent(text) for _, text in BLOCK.findall(page.read_text("utf-8"))]
    assert len(blocks) == page.read_text("utf-8").count("```python")
    for number, section in enumerate(programs.recipes(page).values()):
        files = "|".join(file.removesuffix(".py") for file in section.programs)
        for file, text in section.programs.items():
            blocks.remove(text)
            if page.parent == recipes.RECIPES:  # these pages import from each other
                yield file, text
            else:  # a package per section: the files of another one may have the same names
                yield f"{name}_{number}/{file}", re.sub(rf"^from ({files}) ", r"from .\1 ", text, flags=re.MULTILINE)
    modules = MODULES.get(path, [[*range(len(blocks))]] if blocks else [])
    assert {block for module in modules for block in module} == {*range(len(blocks))}
    for number, module in enumerate(modules):
        text = "\n".join(blocks[block] for block in module)
        yield f"{name}_{number}.py", text.replace("from app import", f"from {name}_0 import")  # the skill's tests


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("clerk_backend_api")
    folder = tmp_path_factory.mktemp("examples")
    wrong = set()
    for file, text in (module for page in PAGES for module in modules_of(page)):
        lines = text.splitlines()
        for number, line in enumerate(lines):
            for start in WRONG_ON_PURPOSE:
                if line.startswith(start):
                    lines[number] = line.split("  #")[0] + "  # type: ignore"  # which mypy reports if not necessary
                    wrong.add(start)
        path = folder / file
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines), "utf-8")
    assert wrong == {*WRONG_ON_PURPOSE}
    recipes.make_packages(folder / "accounts")
    (folder / "mypy.ini").write_text(MYPY)
    (folder / "project.py").write_text(PROJECT)
    (folder / "pyrightconfig.json").write_text(json.dumps(PYRIGHT))
    return folder


@pytest.mark.parametrize(
    "command",
    [["mypy", "--no-incremental", "."], ["basedpyright", "--pythonpath", sys.executable, "."]],
    ids=["mypy", "pyright"],
)
def test_a_type_checker_accepts_the_examples(folder, command):
    run = [sys.executable, "-m", *command]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
