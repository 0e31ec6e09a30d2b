"""The README's example, commands, picture and figures."""

import re
import sys
from pathlib import Path

import pytest

import clerk_webhook_verify
from clerk_webhook_verify.testing import signed_request

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
CORE = ("_secret", "_headers", "_timestamp", "_signature", "_webhook", "_payload")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (example,) = blocks("python")
    namespace: dict = {"__name__": "example"}
    exec(compile(example, "README.md", "exec"), namespace)
    return namespace["app"].test_client()


def post(client, **data) -> int:
    request = signed_request("user.created", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", **data)
    return client.post("/webhooks/clerk", headers=request.headers, data=request.body).status_code


def test_the_example_greets_a_user_by_the_primary_email_address(client, capsys):
    assert post(client) == 204
    assert re.fullmatch(r"welcome, \S+@\S+\n", capsys.readouterr().out)


def test_the_example_greets_a_user_without_an_email_address_by_the_id(client, capsys):
    assert post(client, email_addresses=[], primary_email_address_id=None, id="user_1") == 204
    assert capsys.readouterr().out == "welcome, user_1\n"


def test_the_example_rejects_a_forgery(client, capsys):
    assert post(client, fault="other_secret") == 400
    assert not capsys.readouterr().out


def test_the_example_has_ten_to_fifteen_lines_of_code():
    (example,) = blocks("python")
    assert 10 <= len([line for line in example.splitlines() if line]) <= 15


def test_the_quickstart_has_two_commands():
    (block,) = re.findall(r"^## Quickstart\n\n```shell\n(.*?)```", README, re.MULTILINE | re.DOTALL)
    assert len(block.splitlines()) == 2


def test_the_readmes_line_count_of_the_core_is_about_right():
    package = Path(clerk_webhook_verify.__file__).parent
    lines = sum(len((package / f"{name}.py").read_text("utf-8").splitlines()) for name in CORE)
    said = int(re.search(r"about (\d+) lines in six files", README)[1])
    assert abs(lines - said) <= 25


def test_the_picture_shows_what_diagnose_prints(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")
    monkeypatch.delitem(sys.modules, "terminal_svg", raising=False)
    import terminal_svg

    assert terminal_svg.PICTURE.read_text("utf-8") == terminal_svg.draw(terminal_svg.output())


def test_every_link_leads_to_a_file_of_the_repository():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).is_file()] == []
