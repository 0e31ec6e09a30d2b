"""A newcomer who follows docs/tutorial.md and docs/local-testing.md exactly sees the output on them.

Costs 20 s on two cores, most of it for pip in an empty environment. The files, the commands and their output are
those of the pages; only the ports are others. The folder contains only a clone.
"""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from helpers import programs
from helpers.marks import needs_posix
from helpers.ports import wait_until_open
from helpers.signer import signed_headers

pytestmark = [
    pytest.mark.slow,
    needs_posix,
]

TUTORIAL, LOCAL_TESTING = programs.DOCS / "tutorial.md", programs.DOCS / "local-testing.md"
IN_EVERY_TERMINAL = [". .venv/bin/activate", "set -a; . ./.env; set +a"]
CHANGES = [
    (r"\x1b\[[\d;]*m", ""),  # colours
    (r"msg_\w+", "MESSAGE"),
    (r"secret(?: fingerprints:)? [0-9a-f]{12}\b", "secret FINGERPRINT"),
    (r"\d\d/\w{3}/\d{4} |\d\d:\d\d:\d\d", "TIME"),
    (r"\d+\.\d{3} s", "SECONDS"),
    (r" +\d+ ms", " MILLISECONDS"),
    (r"is 6\d\d s old", "is AGE old"),
    (r"127\.0\.0\.1:\d+ - ", "CLIENT - "),
]


def sections(page: Path) -> dict[str, str]:
    _, *parts = re.split(r"^##+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def blocks(kind: str, text: str) -> list[list[str]]:
    return [block.splitlines() for block in re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def commands(page: Path, section: str) -> list[str]:
    return [line for block in blocks("shell", sections(page)[section]) for line in block]


def free_ports(*ports: str) -> dict[str, str]:
    with contextlib.ExitStack() as opened:
        listeners = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in ports]
        return {port: str(each.getsockname()[1]) for port, each in zip(ports, listeners, strict=True)}


def replaced(text: str, ports: dict[str, str]) -> str:
    return re.sub(rf"\b(?:{'|'.join(ports)})\b", lambda port: ports[port[0]], text)


def without_what_changes(text: str) -> str:
    for pattern, name in CHANGES:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return text


class Newcomer:
    """Follows the pages in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, ""  #: The output of the servers, with the pages' ports.
        self._logs = 0
        self.ports = free_ports("3000", "3001", "8000")  #: By the pages' ports.
        self._page_ports = {free: port for port, free in self.ports.items()}
        own = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        self._environment = {n: v for n, v in os.environ.items() if n not in own and "SECRET" not in n} | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",  # a terminal shows each line at once
        }

    def start(self, lines: list[str], output) -> subprocess.Popen:
        script = replaced("\n".join(lines), self.ports)
        return subprocess.Popen(
            ["sh", "-ec", script],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, lines: list[str], seconds: float = 30) -> tuple[int, str]:
        """Return the exit code and the output."""
        with self.start(lines, subprocess.PIPE) as process:
            try:
                printed, _ = process.communicate(timeout=seconds)
            finally:
                kill(process)
        return process.returncode, replaced(printed.decode(), self._page_ports)

    @contextlib.contextmanager
    def running(self, command: str) -> Iterator[None]:
        """A server that is up; ended as by Ctrl-C."""
        self._logs += 1
        log = self.folder.with_name(f"{self._logs}.log")
        with log.open("wb") as output:
            process = self.start([*IN_EVERY_TERMINAL, f"exec {command}"], output)
        try:
            wait_until_open(int(self.ports[re.search(r"--port (\d+)", command)[1]]), process, log)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, signal.SIGINT)
                process.wait(10)
            kill(process)
            self.seen += replaced(log.read_text(), self._page_ports)

    def check_transcripts(self, page: Path, *titles: str) -> None:
        """Check that the commands of these sections print the output on the page."""
        for lines in (block for title in titles for block in blocks("text", sections(page)[title])):
            if lines[0].startswith("$ "):
                assert without_what_changes(self._again(lines)) == without_what_changes("\n".join(lines) + "\n")

    def _again(self, lines: list[str]) -> str:
        again = ""
        for command in (line for line in lines if line.startswith("$ ")):
            code, printed = self.run([*IN_EVERY_TERMINAL, command.removeprefix("$ ")])
            again += f"{command}\n{printed}" + (f"[exit code {code}]\n" if code else "")
        return again

    def check_logs(self, page: Path) -> None:
        """Check that the servers printed the log lines on the page."""
        seen, self.seen = without_what_changes(self.seen), ""
        for lines in blocks("text", page.read_text("utf-8")):
            if not lines[0].startswith("$ "):
                assert without_what_changes("\n".join(lines) + "\n") in seen


def kill(process: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    newcomer = Newcomer(tmp_path_factory.mktemp("newcomer") / "project")
    newcomer.folder.mkdir()
    clone = newcomer.folder / "clerk-webhook-verify"
    shutil.copytree(programs.DOCS.parent, clone, ignore=shutil.ignore_patterns(".git", ".venv*", ".*_cache", "dist"))
    try:
        for recipe in programs.recipes(TUTORIAL).values():
            for name, text in recipe.programs.items():
                (newcomer.folder / name).write_text(text)
        lines = [*commands(TUTORIAL, "Install"), *commands(TUTORIAL, "Create a signing secret")]
        code, printed = newcomer.run(lines, seconds=300)
        assert code == 0, printed
        yield newcomer
    finally:
        shutil.rmtree(newcomer.folder)


def test_the_tutorial_ends_in_verified_events(newcomer):
    (start_flask,) = commands(TUTORIAL, "Write the endpoint")
    (start_fastapi,) = commands(TUTORIAL, "Or write it with FastAPI")
    assert commands(TUTORIAL, "Send a test event") == IN_EVERY_TERMINAL
    assert (newcomer.folder / ".env").stat().st_mode & 0o077 == 0
    for start in start_flask, start_fastapi:
        code, printed = newcomer.run([". .venv/bin/activate", start])  # the secret is forgotten
        assert code == 1
        newcomer.seen += printed
    with newcomer.running(start_flask):
        newcomer.check_transcripts(TUTORIAL, "Send a test event", "If something fails")
        connection = HTTPConnection("127.0.0.1", int(newcomer.ports["3000"]), timeout=10)
        connection.request("POST", "/webhooks/clerk", b'{"type": "user.created"}')
        assert connection.getresponse().status == 400
        connection.close()
    with newcomer.running(start_fastapi):
        newcomer.check_transcripts(TUTORIAL, "Send a test event")
    newcomer.check_logs(TUTORIAL)


def test_local_testing_shows_stores_and_replays_deliveries(newcomer):
    start_app, start_listen = commands(LOCAL_TESTING, "Show and store deliveries with listen")
    capture = newcomer.folder / "capture.ndjson"
    with contextlib.ExitStack() as app, newcomer.running(start_listen):
        app.enter_context(newcomer.running(start_app))
        titles = ["Show and store deliveries with listen", "With a fresh signature", "With new message ids"]
        newcomer.check_transcripts(LOCAL_TESTING, *titles)
        fresh = capture.read_bytes()
        capture.write_bytes(b"".join(ten_minutes_older(line, newcomer.folder) for line in fresh.splitlines()))
        newcomer.check_transcripts(LOCAL_TESTING, "With the stored headers", "Test the endpoint with doctor")
        newcomer.check_transcripts(LOCAL_TESTING, *failures_before_the_last())
        app.close()
        newcomer.check_transcripts(LOCAL_TESTING, "The application does not run")
    newcomer.check_logs(LOCAL_TESTING)


def failures_before_the_last() -> list[str]:
    titles = list(sections(LOCAL_TESTING))
    assert titles[-1] == "The application does not run"
    return titles[titles.index("Troubleshooting") : -1]


def ten_minutes_older(line: bytes, folder: Path) -> bytes:
    record = json.loads(line)
    secret = (folder / ".env").read_text().strip().partition("=")[2]
    body, then = base64.b64decode(record["body_b64"]), int(time.time()) - 600
    record["headers"] |= signed_headers(body, message_id=record["svix_id"], timestamp=then, secret=secret)
    return json.dumps(record).encode() + b"\n"
