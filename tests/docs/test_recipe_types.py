"""Do mypy and pyright accept the programs of docs/recipes/?"""

import json
import subprocess
import sys

import pytest
from helpers import recipes

pytestmark = pytest.mark.slow

PAGES = ["mirror-users.md", "user-before-webhook.md", "organization-roles.md", "subscriptions.md"]
MYPY = """
[mypy]
strict = true
plugins = mypy_django_plugin.main
[mypy.plugins.django-stubs]
django_settings_module = "project"
"""
PROJECT = """
SECRET_KEY = "of the tests"
INSTALLED_APPS = ["accounts"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
"""


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("clerk_backend_api")
    recipes.write(tmp_path, *PAGES)
    recipes.make_packages(tmp_path / "accounts")
    (tmp_path / "mypy.ini").write_text(MYPY)
    (tmp_path / "project.py").write_text(PROJECT)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "standard"}))
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [["mypy", "--no-incremental", "."], ["basedpyright", "--pythonpath", sys.executable, "."]],
    ids=["mypy", "pyright"],
)
def test_a_type_checker_accepts_the_programs(folder, command):
    run = [sys.executable, "-m", *command]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
