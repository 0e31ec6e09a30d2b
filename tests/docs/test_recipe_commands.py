"""The commands of docs/recipes/ create the tables, serve, and run the page's tests."""

import http.client
import os
import shlex
import subprocess
import sys

import pytest
from helpers import programs, recipes
from helpers.marks import needs_posix
from helpers.ports import free_port, wait_until_open
from helpers.signer import SECRET

from clerk_webhook_verify.testing import signed_request

pytestmark = [pytest.mark.slow, needs_posix]
NEEDS_A_PROJECT_OR_CLERK = ("python manage.py", "python backfill.py")  # tested in process


@pytest.mark.parametrize(
    ("pages", "event_type"),
    [
        (["mirror-users.md"], "user.created"),
        (["mirror-users.md", "user-before-webhook.md"], "user.created"),
        (["organization-roles.md"], "organizationMembership.created"),
        (["subscriptions.md"], "subscriptionItem.active"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else value,
)
def test_the_commands_create_the_tables_serve_and_pass_the_tests(postgres, tmp_path, pages, event_type):
    commands = [
        shlex.split(command)
        for page in pages
        for recipe in programs.recipes(recipes.RECIPES / page).values()
        for command in recipe.commands
        if not command.startswith(NEEDS_A_PROJECT_OR_CLERK)
    ]
    with recipes.installed(tmp_path, postgres, *pages) as uri:
        environment = os.environ | {"DATABASE_URL": uri, "CLERK_WEBHOOK_SIGNING_SECRET": SECRET}
        for program, *arguments in sorted(commands, key=lambda command: command[0] == "gunicorn"):  # its delivery last
            if program == "gunicorn":
                assert status_of_a_delivery(arguments, event_type, tmp_path, environment) == 204
            else:
                module = [] if program == "python" else ["-m", program]
                run = [sys.executable, *module, *arguments]
                done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stdout + done.stderr


def status_of_a_delivery(arguments: list[str], event_type, folder, environment) -> int:
    port, log = free_port(), folder / "gunicorn.log"
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *arguments]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        wait_until_open(port, server, log, 60)
        request = signed_request(event_type, secret=SECRET)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/webhooks/clerk", request.body, request.headers)
        status = connection.getresponse().status
        connection.close()
    finally:
        server.terminate()
        server.wait(30)
    return status
