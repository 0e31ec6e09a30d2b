"""The skill for coding agents: its format, its location in the package, and that its code blocks run."""

import json
import re
import shlex
import subprocess
import sys
import tarfile
import zipfile
from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import Client, override_settings
from helpers.apps import django_app  # noqa: F401  configures Django
from helpers.signer import SECRET
from starlette.testclient import TestClient

import clerk_webhook_verify
from clerk_webhook_verify import cli
from clerk_webhook_verify.idempotency import Outcome
from clerk_webhook_verify.testing import signed_request

ROOT = Path(__file__).parents[2]
PLACE = Path(".agents", "skills", "clerk-webhook-verify", "SKILL.md")
SKILL = Path(clerk_webhook_verify.__file__).parent / PLACE
TEXT = SKILL.read_text("utf-8")
_, *_sections = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)
SECTIONS = dict(zip(_sections[::2], _sections[1::2], strict=True))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

FLASK, TESTS = "Flask, with Router and Once", "Tests of the Flask example, with pytest"


def code(title: str, language: str = "python") -> str:
    (found,) = (text for kind, text in BLOCK.findall(SECTIONS[title]) if kind == language)
    return found


def post_to_flask(example, sent) -> int:
    return example["app"].test_client().post("/webhooks/clerk", data=sent.body, headers=sent.headers).status_code


def post_to_asgi(example, sent) -> int:
    return TestClient(example["app"]).post("/webhooks/clerk", content=sent.body, headers=sent.headers).status_code


def post_to_django(example, sent) -> int:
    with override_settings(ROOT_URLCONF=tuple(example["urlpatterns"])):
        client = Client(enforce_csrf_checks=True)
        return client.post("/webhooks/clerk", sent.body, "application/json", headers=sent.headers).status_code


def invoke_lambda(example, sent) -> int:
    return example["handler"]({"headers": sent.headers, "body": sent.body.decode()}, None)["statusCode"]


EXAMPLES = {
    FLASK: post_to_flask,
    "Starlette": post_to_asgi,
    "FastAPI": post_to_asgi,
    "Django": post_to_django,
    "AWS Lambda": invoke_lambda,
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs an example in an empty folder, with a secret in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)

    def run(title: str) -> dict:
        namespace: dict = {"__name__": "example"}
        exec(code(title), namespace)
        return namespace

    return run


class TestItsForm:
    def test_front_matter_has_the_name_of_the_folder_and_a_description(self):
        front = re.match(r"---\nname: (.+)\ndescription: (.+)\n---\n\n# ", TEXT)
        assert front
        assert front[1] == SKILL.parent.name
        assert 1 <= len(json.loads(front[2])) <= 1024  # a quoted string of YAML, as of JSON

    def test_it_has_fewer_than_150_lines_and_ten_mistakes(self):
        assert len(TEXT.splitlines()) < 150
        assert re.findall(r"^(\d+)\. ", SECTIONS["Ten mistakes to avoid"], re.MULTILINE) == [*map(str, range(1, 11))]

    def test_every_section_with_code_is_run_by_a_test(self):
        assert {title for title, text in SECTIONS.items() if "```" in text} == {*EXAMPLES, TESTS}
        assert len(BLOCK.findall(TEXT)) == TEXT.count("```") / 2 == len(EXAMPLES) + 2


class TestItsExamples:
    @pytest.mark.parametrize(("title", "post"), EXAMPLES.items(), ids=EXAMPLES)
    def test_accepts_a_delivery_and_rejects_a_forgery(self, run, title, post):
        example = run(title)
        assert post(example, signed_request("user.created", secret=SECRET)) == 204
        assert post(example, signed_request("session.created", secret=SECRET)) == 204
        assert post(example, signed_request("user.created", secret=SECRET, fault="tampered")) == 400

    @pytest.mark.parametrize("title", [title for title in EXAMPLES if title != FLASK])
    def test_each_example_of_the_skill_handles_the_event(self, run, title, capsys):
        EXAMPLES[title](run(title), signed_request("user.created", secret=SECRET))
        assert capsys.readouterr().out == "welcome Ada Björk\n"

    def test_the_flask_example_handles_a_message_once(self, run):
        example = run(FLASK)
        for first_name in ("Ada", "Grace"):
            sent = signed_request("user.created", secret=SECRET, message_id="msg_1", first_name=first_name)
            assert post_to_flask(example, sent) == 204
        assert list(example["names"].values()) == ["Ada Björk"]

    def test_the_flask_example_responds_409_while_another_worker_handles_the_message(self, run):
        example = run(FLASK)
        example["once"] = SimpleNamespace(run=lambda event, handler: Outcome.IN_PROGRESS)
        assert post_to_flask(example, signed_request("user.created", secret=SECRET)) == 409

    def test_the_tests_of_the_skill_pass(self, pytester, monkeypatch):
        monkeypatch.syspath_prepend(pytester.path)
        pytester.makepyfile(app=code(FLASK), test_app=code(TESTS))
        command, _ = (shlex.split(line, comments=True) for line in code(TESTS, "shell").splitlines())
        assert command.pop(0) == "pytest"
        pytester.runpytest_inprocess("-p", "no:cacheprovider", *command).assert_outcomes(passed=2)

    def test_its_diagnose_command_finds_the_cause(self, run, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        sent = signed_request("user.created", secret=SECRET, fault="reserialized")
        capture = {"headers": sent.headers, "body_b64": b64encode(sent.body).decode()}
        (tmp_path / "capture.ndjson").write_text(json.dumps(capture))
        _, command = (shlex.split(line, comments=True) for line in code(TESTS, "shell").splitlines())
        assert command.pop(0) == "clerk-webhook-verify"
        assert cli.main(command) == 1
        assert capsys.readouterr().out.startswith("rejected: reserialized_body (confirmed)")


class TestWhereItShips:
    def test_the_page_prints_its_path(self):
        page = (ROOT / "docs" / "coding-agents.md").read_text("utf-8")
        (command,) = re.findall(r"```shell\n(.+)\n```", page)
        _, *arguments = shlex.split(command)
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, Path(done.stdout.rstrip("\n")).read_text("utf-8")) == (0, TEXT)

    def test_the_skill_has_no_copy_at_top_level(self):
        assert not (ROOT / ".agents").exists()

    @pytest.mark.slow
    def test_it_is_in_the_wheel_and_in_the_source_distribution(self, tmp_path):
        command = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (wheel,), (source,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
        with zipfile.ZipFile(wheel) as archive:
            assert f"clerk_webhook_verify/{PLACE.as_posix()}" in archive.namelist()
        with tarfile.open(source) as archive:
            assert f"{source.name[:-7]}/src/clerk_webhook_verify/{PLACE.as_posix()}" in archive.getnames()
