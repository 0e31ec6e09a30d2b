"""The folder works when it is copied into another package under another name."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import clerk_webhook_verify

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from shop.inbound import clerk
from shop.inbound.clerk.events import UserCreated
webhook = clerk.Webhook("whsec_" + "A" * 32)
body = b'{"type":"user.created","data":{"id":"user_1","email_addresses":[{"id":"a"}]}}'
event = webhook.verify(webhook.signed_headers(body), body)
assert type(event) is UserCreated, event
assert event.data.email_addresses[0].id == "a"
assert clerk.Delivery.from_json(event.delivery.to_json()).parse() == event
assert not any(name.startswith("clerk_webhook_verify") for name in sys.modules)
print(clerk.__version__)
"""

FLAGS = {
    "isolated": ["-I", "-S"],
    "strict about bytes": ["-bb", "-W", "error"],
    "without docstrings": ["-OO"],
    "development mode": ["-X", "dev", "-W", "error"],
}


@pytest.fixture(scope="module")
def vendored(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("vendored")
    (root / "shop" / "inbound").mkdir(parents=True)
    (root / "shop" / "__init__.py").touch()
    (root / "shop" / "inbound" / "__init__.py").touch()
    source = Path(clerk_webhook_verify.__file__).parent
    shutil.copytree(source, root / "shop" / "inbound" / "clerk", ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_it_works_under_another_name(vendored, flags):
    done = subprocess.run(
        [sys.executable, *flags, "-c", PROGRAM, str(vendored)], capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.stdout.strip()) == ("", clerk_webhook_verify.__version__)


def test_it_works_without_the_files_that_the_page_lists_as_optional(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "vendoring.md").read_text("utf-8")
    table = page.split("| group | files |")[1].split("\n\n")[0]
    left_out = {name for row in table.splitlines() for name in re.findall(r"`([\w.]+)`", row.split("|")[-2:][0])}
    assert {"cli", "idempotency", "flask.py", "starlette.py"} <= left_out
    (tmp_path / "shop" / "inbound").mkdir(parents=True)
    target = tmp_path / "shop" / "inbound" / "clerk"
    ignored = shutil.ignore_patterns("__pycache__", *left_out)
    shutil.copytree(Path(clerk_webhook_verify.__file__).parent, target, ignore=ignored)
    assert not {path.name for path in target.iterdir()} & left_out
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.strip()) == ("", clerk_webhook_verify.__version__)


def test_the_command_line_works_under_another_name(vendored):
    command = [sys.executable, "-bb", "-W", "error", "-m", "shop.inbound.clerk", "demo"]
    environment = os.environ | {"PYTHONPATH": str(vendored)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=vendored, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.rstrip().endswith(", 0 not as expected")
