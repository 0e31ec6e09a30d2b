"""The parts of docs/frameworks/django.md besides its examples, which run with those of all pages."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client, override_settings
from django.urls import path
from helpers.apps import django_app  # noqa: F401  configures Django
from helpers.signer import SECRET
from ninja import NinjaAPI

from clerk_webhook_verify import Event, Webhook
from clerk_webhook_verify.django import clerk_webhook
from clerk_webhook_verify.testing import signed_request

PAGE = (Path(__file__).parents[2] / "docs" / "frameworks" / "django.md").read_text("utf-8")
MANAGE = f"""
import sys
from django.conf import settings
from django.core.management import execute_from_command_line
settings.configure(
    INSTALLED_APPS=["clerk_webhook_verify.django"], CLERK_WEBHOOK_SIGNING_SECRET='"{SECRET}"', SECRET_KEY="x"
)
execute_from_command_line(sys.argv)
"""


def test_the_output_of_manage_py_check_is_as_shown(tmp_path):
    command, output = re.search(r"```text\n\$ python (manage.py check)\n(.*?)```", PAGE, re.DOTALL).groups()
    (tmp_path / "manage.py").write_text(MANAGE)
    done = subprocess.run(
        [sys.executable, *command.split()],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, output)


@pytest.mark.slow
def test_its_examples_run_in_a_process_of_their_own(tmp_path):
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    (tmp_path / "page.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_ninja_treats_the_event_of_a_decorated_operation_as_a_parameter():
    api = NinjaAPI(urls_namespace="decorated")

    @api.post("/clerk")
    @clerk_webhook(Webhook(SECRET))
    def operation(request, event: Event):
        raise AssertionError("never called")

    sent = signed_request("user.created", secret=SECRET)
    with override_settings(ROOT_URLCONF=(path("", api.urls),)):
        response = Client().post("/clerk", sent.body, "application/json", headers=sent.headers)
    assert response.status_code == 422
