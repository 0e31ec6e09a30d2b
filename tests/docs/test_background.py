"""A delivery that got a 2xx response is handled, whichever process is killed.

The programs are exactly those of docs/background.md. `DELIVERIES=500` makes the long form of the fault test.
"""

import contextlib
import http.client
import os
import random
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import programs, stores
from helpers.marks import needs_posix
from helpers.ports import free_port, wait_until_open
from helpers.servers import APPS
from helpers.signer import SECRET

from clerk_webhook_verify.testing import signed_request

pytestmark = [pytest.mark.slow, needs_posix]

RECIPES = programs.recipes(programs.DOCS / "background.md")
DELIVERIES = int(os.environ.get("DELIVERIES", "60"))
NOT_DONE_IN_TIME = 120 + DELIVERIES


def eventually(holds) -> None:
    deadline = time.monotonic() + NOT_DONE_IN_TIME
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


class Program:
    """A command of the page, in its own process group."""

    def __init__(self, command: str, folder: Path, **environment: str) -> None:
        self.command, self.folder, self.environment = shlex.split(command), folder, environment
        self.log = folder / f"{self.command[0]}-{self.command[-1]}.log"
        self.start()

    def start(self) -> None:
        program, *arguments = self.command
        command = [sys.executable, *arguments] if program == "python" else [sys.executable, "-m", program, *arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill -9, its children too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def kill_a_child(self) -> None:
        eventually(self._children)
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(self._children()), signal.SIGKILL)

    def _children(self) -> list[int]:
        listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        rows = [tuple(map(int, line.split())) for line in listing.splitlines()]
        return [pid for pid, parent in rows if parent == self.process.pid]


class Web(Program):
    """A command that serves, on a free port."""

    def __init__(self, command: str, folder: Path, **environment: str) -> None:
        self.port = free_port()
        super().__init__(
            command.format(port=self.port),
            folder,
            CLERK_WEBHOOK_SIGNING_SECRET=SECRET,
            GUNICORN_CMD_ARGS=f"--bind 127.0.0.1:{self.port}",
            **environment,
        )

    def start(self) -> None:
        super().start()
        wait_until_open(self.port, self.process, self.log, NOT_DONE_IN_TIME)

    def deliver(self, message_id: str) -> int:
        request = signed_request("user.created", secret=SECRET, message_id=message_id)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", "/webhooks/clerk", request.body, request.headers)
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def start(tmp_path):
    """Start commands in a new folder; kill the running ones at the end."""
    running: list[Program] = []

    def start(command: str, kind: type[Program] = Program, **environment: str) -> Program:
        running.append(kind(command, tmp_path, **environment))
        return running[-1]

    yield start
    for program in running:
        program.kill()


# --- In the process that responds


def test_a_task_in_the_process_that_responded_is_lost_with_it(start, tmp_path):
    os.mkfifo(tmp_path / "welcomed.txt")  # who opens it to write waits for a reader: the work is in its midst
    command = f"uvicorn --app-dir {APPS} --port {{port}} in_process:app"
    web = start(command, Web)
    assert web.deliver("msg_1") == 204
    web.kill()
    (tmp_path / "welcomed.txt").unlink()
    web.start()
    assert web.deliver("msg_2") == 204
    eventually((tmp_path / "welcomed.txt").exists)
    eventually((tmp_path / "welcomed.txt").read_text)
    assert (tmp_path / "welcomed.txt").read_text() == "msg_2\n"


# --- One machine


class OneMachine:
    def __init__(self, start, folder: Path) -> None:
        recipe = RECIPES["One machine"]
        for name, text in recipe.programs.items():
            (folder / name).write_text(text)
        web, self.worker_command = recipe.commands
        self._start, self._folder = start, folder
        self.web = start(web, Web)
        self.welcomed = folder / "welcomed.txt"

    def start_worker(self) -> Program:
        return self._start(self.worker_command, LEASE="1")

    def done(self) -> list[str]:
        return self.welcomed.read_text().split() if self.welcomed.is_file() else []

    def query(self, file: str, statement: str) -> list[tuple]:
        with contextlib.closing(sqlite3.connect(self._folder / file)) as connection, connection:
            return connection.execute(statement).fetchall()

    def is_claimed(self) -> bool:
        with contextlib.suppress(sqlite3.OperationalError):  # no table yet
            return bool(self.query("handled.db", "SELECT 1 FROM clerk_webhook_once WHERE owner IS NOT NULL"))
        return False

    def queue_is_empty(self) -> bool:
        return not self.query("queue/data.db", "SELECT 1 FROM ack_queue_default")


@pytest.fixture
def one_machine(start, tmp_path):
    return OneMachine(start, tmp_path)


def test_on_one_machine_what_a_killed_worker_had_in_hand_is_done_by_the_next(one_machine):
    os.mkfifo(one_machine.welcomed)
    assert one_machine.web.deliver("msg_1") == 204
    worker = one_machine.start_worker()
    eventually(one_machine.is_claimed)
    worker.kill()
    one_machine.welcomed.unlink()
    assert one_machine.web.deliver("msg_2") == 204
    one_machine.start_worker()
    eventually(lambda: sorted(one_machine.done()) == ["msg_1", "msg_2"])
    eventually(one_machine.queue_is_empty)


def test_on_one_machine_the_queue_outlives_the_process_that_responded(one_machine):
    assert one_machine.web.deliver("msg_1") == 204
    one_machine.web.kill()
    one_machine.start_worker()
    eventually(lambda: one_machine.done() == ["msg_1"])


def test_on_one_machine_work_that_fails_is_tried_again(one_machine):
    one_machine.welcomed.mkdir()  # cannot be opened
    worker = one_machine.start_worker()
    assert one_machine.web.deliver("msg_1") == 204
    eventually(lambda: "IsADirectoryError" in worker.log.read_text())
    one_machine.welcomed.rmdir()
    eventually(lambda: one_machine.done() == ["msg_1"])


def test_on_one_machine_several_workers_on_one_file_do_no_work_twice(one_machine):
    messages = [f"msg_{number}" for number in range(40)]
    one_machine.start_worker()
    for message_id in messages[:20]:
        assert one_machine.web.deliver(message_id) == 204
    one_machine.start_worker()
    for message_id in messages[20:] + messages:  # the second time as the sender's retries
        assert one_machine.web.deliver(message_id) == 204
    eventually(one_machine.queue_is_empty)
    assert sorted(one_machine.done()) == sorted(messages)


def test_on_one_machine_a_delivery_that_cannot_be_stored_gets_no_2xx(one_machine):
    assert one_machine.web.deliver("msg_0") == 204
    one_machine.query("queue/data.db", "DROP TABLE ack_queue_default")
    assert one_machine.web.deliver("msg_1") == 500


# --- Many machines


class ManyMachines:
    def __init__(self, start, folder: Path, uri: str, valkey: stores.Valkey) -> None:
        import psycopg

        recipe = RECIPES["Many machines"]
        for name, text in recipe.programs.items():
            (folder / name).write_text(text)
        migrate, web, self._worker_command, self._beat_command = recipe.commands
        self._environment = {"DATABASE_URL": uri, "BROKER_URL": f"redis+socket://{valkey.path}", "LEASE": "2"}
        self._start = start
        self.uri, self.valkey = uri, valkey
        self.database = psycopg.connect(uri, autocommit=True)
        for table in ("credits", "inbox", "clerk_webhook_once"):
            self.database.execute(f"DROP TABLE IF EXISTS {table}")
        assert start(migrate, **self._environment).process.wait(60) == 0
        self.web = start(web, Web, **self._environment)

    def start_worker(self) -> Program:
        return self._start(self._worker_command, **self._environment)

    def start_beat(self) -> Program:
        return self._start(self._beat_command, **self._environment)

    def query(self, statement: str):
        return self.database.execute(statement).fetchall()

    def done(self) -> list[str]:
        return [message_id for (message_id,) in self.query("SELECT message_id FROM credits ORDER BY message_id")]

    def inbox_is_empty(self) -> bool:
        return self.query("SELECT count(*) FROM inbox") == [(0,)]

    def calls(self) -> set:
        return set(self.query("SELECT called_at FROM inbox"))


@pytest.fixture
def many_machines(start, tmp_path, postgres, valkey):
    valkey.client().flushall()
    recipe = ManyMachines(start, tmp_path, postgres.get_uri(), valkey)
    yield recipe
    recipe.database.close()


def test_on_many_machines_killed_workers_lose_nothing_and_double_nothing(many_machines):
    messages = [f"msg_{number:05}" for number in range(DELIVERIES)]
    worker, _ = many_machines.start_worker(), many_machines.start_beat()
    kills = 0
    for first in range(0, DELIVERIES, 12):
        done = len(many_machines.done())
        for message_id in messages[first : first + 12] + messages[first : first + 3]:  # some as the sender's retries
            assert many_machines.web.deliver(message_id) == 204
        eventually(lambda done=done: len(many_machines.done()) > done)
        if kills % 2:
            worker.kill_a_child()
        else:
            worker.kill()
            worker.start()
        kills += 1
    eventually(many_machines.inbox_is_empty)
    assert many_machines.done() == messages
    print(f"{DELIVERIES} deliveries, {kills} kills, {len(many_machines.done())} effects")


def test_on_many_machines_a_broker_that_forgets_everything_loses_nothing(many_machines):
    assert many_machines.web.deliver("msg_1") == 204
    many_machines.valkey.client().flushall()
    many_machines.start_worker()
    many_machines.start_beat()
    eventually(lambda: many_machines.done() == ["msg_1"])


def test_on_many_machines_what_another_has_in_hand_stays_until_it_is_free(many_machines):
    store = stores.postgres_store(many_machines.uri)
    assert store.claim("clerk:msg_1", "another", 3600) is None
    many_machines.start_worker()
    many_machines.start_beat()
    assert many_machines.web.deliver("msg_1") == 204
    first = many_machines.calls()
    eventually(lambda: many_machines.calls() != first)
    assert many_machines.web.deliver("msg_2") == 204
    eventually(lambda: many_machines.done() == ["msg_2"])
    assert many_machines.query("SELECT message_id FROM inbox") == [("msg_1",)]
    store.release("clerk:msg_1", "another")
    eventually(lambda: many_machines.done() == ["msg_1", "msg_2"])


def test_on_many_machines_work_that_fails_is_tried_again(many_machines):
    many_machines.database.execute("ALTER TABLE credits RENAME TO not_there")
    worker, _ = many_machines.start_worker(), many_machines.start_beat()
    assert many_machines.web.deliver("msg_1") == 204
    eventually(lambda: "UndefinedTable" in worker.log.read_text())
    many_machines.database.execute("ALTER TABLE not_there RENAME TO credits")
    eventually(lambda: many_machines.done() == ["msg_1"])
    eventually(many_machines.inbox_is_empty)


def test_on_many_machines_a_delivery_that_cannot_be_stored_gets_no_2xx(many_machines):
    many_machines.database.execute("DROP TABLE inbox")
    assert many_machines.web.deliver("msg_1") == 500


def test_on_many_machines_an_unavailable_broker_causes_500_and_loses_nothing(many_machines):
    many_machines.valkey.stop()
    try:
        assert many_machines.web.deliver("msg_1") == 500
    finally:
        many_machines.valkey.start()
    many_machines.start_worker()
    many_machines.start_beat()
    eventually(lambda: many_machines.done() == ["msg_1"])
