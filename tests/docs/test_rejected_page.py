"""Do the rotated files on the page about rejected webhooks stay private and limited in size?"""

import logging
import os
import re
import stat
from pathlib import Path

import pytest
from helpers.signer import SECRET

from clerk_webhook_verify.testing import signed_request

PAGE = (Path(__file__).parents[2] / "docs" / "rejected.md").read_text("utf-8")
LIMIT = 10_000  # bytes of a file, instead of ten million


@pytest.fixture
def application(tmp_path, monkeypatch):
    """The first program on the page, with smaller files."""
    monkeypatch.chdir(tmp_path)
    old_mask = os.umask(0o022)
    program = re.search(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]
    assert program.count("maxBytes=10_000_000, backupCount=2") == 1
    namespace = {"__name__": "application"}
    exec(program.replace("10_000_000", str(LIMIT)), namespace)
    yield namespace
    namespace["rejected_log"].removeHandler(namespace["file"])
    namespace["file"].close()
    os.umask(old_mask)


def test_every_file_is_private_and_all_together_are_limited(application, tmp_path):
    client = application["app"].test_client()
    for _ in range(40):
        sent = signed_request("user.created", secret=SECRET, fault="tampered")
        assert client.post("/webhooks/clerk", data=sent.body, headers=sent.headers).status_code == 400
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["rejected.ndjson", "rejected.ndjson.1", "rejected.ndjson.2"]
    assert all(0 < file.stat().st_size <= LIMIT for file in files)
    if os.name == "posix":
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 3
    assert sent.headers["svix-id"] in files[0].read_text()


def test_bodies_reach_no_handler_of_the_root_logger(application, monkeypatch):
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    application["app"].test_client().post("/webhooks/clerk", data=b"personal", headers={"svix-id": "msg_1"})
    assert [record.name for record in records] == ["clerk_webhook_verify"]


def test_the_cause_is_found_with_three_commands():
    section = PAGE.split("## From a 400 in production to its cause")[1].split("\n## ")[0]
    commands = re.findall(r"^\$ (.*)", section, re.MULTILINE)
    assert len(commands) == 3
    assert "rejected: reserialized_body (confirmed)" in section
