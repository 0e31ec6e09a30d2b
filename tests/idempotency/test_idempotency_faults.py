"""Which faults does a message survive, handled once and never lost?

Each test prints its figures: pytest -s shows them. KILLS=200 kills so many workers a store, instead of a few.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections import Counter
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("workers are forked, killed and limited as on POSIX alone", allow_module_level=True)

from helpers import stores
from helpers.idempotency_worker import LEASE, MESSAGES, THREADS, Journal, open_store, transactions
from helpers.marks import slow

from clerk_webhook_verify.errors import StoreError
from clerk_webhook_verify.idempotency import AsyncOnce, MemoryStore, Once, Outcome, SQLiteStore
from clerk_webhook_verify.idempotency.redis import RedisStore

KILLS = int(os.environ.get("KILLS", "10"))
PROCESSES = 8
TESTS = Path(__file__).parents[1]
HOUR, WEEK = 3600, 7 * 86_400
REDIS_6 = pytest.param("redis_6", marks=pytest.mark.slow)  # redundant to Valkey
STORES = ["sqlite", "valkey", REDIS_6, "postgres"]


class Place:
    """A kind of store, the place of its data, and the journal of its workers."""

    def __init__(self, kind: str, where: str, folder: Path) -> None:
        self.kind, self.where, self._path = kind, where, folder / "journal"
        self.journal = Journal(self._path)
        self.started: list[subprocess.Popen] = []

    def store(self):
        return open_store(self.kind, self.where)

    def start(self, work: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "helpers.idempotency_worker", work, self.kind, self.where, str(self._path)]
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.started.append(subprocess.Popen(command, cwd=TESTS, **streams))
        return self.started[-1]

    def clear(self) -> None:
        """Whatever a test that failed left running."""
        for process in self.started:
            with process:
                process.kill()


@pytest.fixture
def place(request, tmp_path):
    """An empty store of the kind that is asked for."""
    kind = request.param
    if kind == "sqlite":
        where = str(tmp_path / "handled.db")
    elif kind == "postgres":
        where = request.getfixturevalue(kind).get_uri()
        with transactions(kind, where)() as connection:
            connection.execute("DROP TABLE IF EXISTS clerk_webhook_once")
        open_store(kind, where).create_table()
    else:
        where = request.getfixturevalue(kind).path
        request.getfixturevalue(kind).client().flushall()
    place = Place(kind, where, tmp_path)
    yield place
    place.clear()


on_each_store = pytest.mark.parametrize("place", STORES, indirect=True)


def is_done(store, message):
    """Claim the message like a worker, and release it."""
    outcome = store.claim(f"clerk:{message}", "the test", 60)
    store.release(f"clerk:{message}", "the test")
    return outcome is Outcome.DUPLICATE


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come about within a minute"
        time.sleep(0.005)


def handled(place):
    """How often each message was."""
    return place.journal.read()["finished"]


def ready(place, work, count):
    """So many workers that wait for the start."""
    workers = [place.start(work) for _ in range(count)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    return workers


def go_on(worker):
    worker.stdin.write("\n")
    worker.stdin.flush()


@pytest.mark.slow
@on_each_store
def test_of_64_threads_that_race_for_a_message_one_handles_it(place):
    workers = ready(place, "race", PROCESSES)
    said = Counter()
    for worker in workers:
        go_on(worker)
    for worker in workers:
        said.update(json.loads(worker.communicate()[0]))
    print(f"\n{place.kind}: {PROCESSES} processes of {THREADS} threads for {len(MESSAGES)} messages: {dict(said)}")
    assert handled(place) == Counter(MESSAGES)
    assert said["HANDLED"] == len(MESSAGES)
    assert said.total() == said["HANDLED"] + said["DUPLICATE"] + said["IN_PROGRESS"]
    assert said.total() == PROCESSES * THREADS * len(MESSAGES)


def kill_workers(place, work, check):
    """Three work at the same messages at a time; one of them is killed, another comes in its place, and so on."""
    chance = random.Random()

    def kill_one():
        time.sleep(chance.uniform(0, 0.15))  # from the opening of the store on, it may fall anywhere
        worker = working.pop(chance.randrange(len(working)))
        worker.kill()
        worker.communicate()
        assert worker.returncode < 0, "it was to be killed, and ended by itself"
        check()

    for first in range(0, KILLS, 20):
        working = []
        for worker in ready(place, work, min(20, KILLS - first)):
            go_on(worker)
            working.append(worker)
            if len(working) == 3:
                kill_one()
        while working:
            kill_one()
    (last,) = ready(place, f"{work}-last", 1)
    last.communicate("\n", timeout=60)
    assert last.returncode == 0


@pytest.mark.slow
@on_each_store
def test_what_a_killed_worker_left_is_handled_again_and_never_marked_done(place):
    store = place.store()

    def nothing_is_done_that_was_not_finished():
        steps = place.journal.read()
        done = {message for message in steps["received"].keys() - steps["finished"] if is_done(store, message)}
        assert done <= place.journal.read()["finished"].keys()

    kill_workers(place, "run", nothing_is_done_that_was_not_finished)
    steps = place.journal.read()
    received, finished = steps["received"].keys(), steps["finished"]
    killed_in_the_handler = (steps["begun"] - finished).total()
    print(
        f"\n{place.kind}: {KILLS} kills, {killed_in_the_handler} of them in a handler, {len(received)} messages, "
        f"{len(received - finished.keys())} lost, {(finished - Counter(received)).total()} handled again"
    )
    assert finished.keys() == received
    assert all(is_done(store, message) for message in received)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)
def test_with_the_mark_in_its_transaction_a_killed_workers_effect_is_there_exactly_once(place):
    with transactions(place.kind, place.where)() as connection:
        connection.execute("DROP TABLE IF EXISTS effects")
        connection.execute("CREATE TABLE effects (key text)")

    def rows():
        marked = "SELECT key FROM clerk_webhook_once WHERE key LIKE 'marked:%'"
        with transactions(place.kind, place.where)() as connection:
            read = "SELECT 'effect', key FROM effects UNION ALL SELECT 'mark', key FROM (" + marked + ") AS marks"
            found = connection.execute(read).fetchall()
        return [Counter(key for kind, key in found if kind == wanted) for wanted in ("effect", "mark")]

    def effects_and_marks_are_the_same():
        effects, marks = rows()
        assert effects == marks

    place.store().claim("so that the table is there", "the test", 60)
    kill_workers(place, "mark", effects_and_marks_are_the_same)
    effects, marks = rows()
    received = place.journal.read()["received"].keys()
    print(f"\n{place.kind}: {KILLS} kills, {len(received)} messages, {effects.total()} effects")
    assert effects == marks == Counter(f"marked:{message}" for message in received)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_marker_whose_transaction_has_begun_waits_for_another_to_commit(place):
    once, first = Once(place.store()), sqlite3.connect(place.where)
    once.run("msg_0", lambda _: None)
    assert once.mark(first, "msg_1") is Outcome.HANDLED
    writes, outcomes = threading.Event(), []

    def mark():
        second = sqlite3.connect(place.where, isolation_level=None, timeout=60)
        second.set_trace_callback(lambda statement: statement.startswith("UPDATE") and writes.set())
        second.execute("BEGIN")
        try:
            outcomes.append(once.mark(second, "msg_1"))
        except StoreError as error:
            outcomes.append(error)
        finally:
            writes.set()
            second.close()

    thread = threading.Thread(target=mark)
    thread.start()
    assert writes.wait(60)
    first.commit()
    thread.join()
    first.close()
    assert outcomes == [Outcome.DUPLICATE]


def impatient_store(place):
    """The store, with a client that does not try again by itself, for seconds."""
    if place.kind == "postgres":
        return place.store()
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return RedisStore(stores.Valkey(str(Path(place.where).parent), "").client(retry=Retry(NoBackoff(), 0)))


@pytest.mark.parametrize("place", ["valkey", REDIS_6, *slow("postgres")], indirect=True)
def test_a_restart_of_the_server_loses_nothing(place, request):
    server = request.getfixturevalue(place.kind)
    once, store = Once(impatient_store(place), lease=LEASE), impatient_store(place)
    away, back, enough, one_more = threading.Event(), threading.Event(), threading.Event(), threading.Semaphore(0)
    said, received = Counter(), set()

    def handle(message):
        place.journal.write(message, "finished")
        one_more.release()

    def deliver(first):
        """Like the sender: redeliver messages that failed or are in progress."""
        for number in itertools.count(first, 4):
            if enough.is_set():
                break
            message, outcome = f"msg_{number}", None
            received.add(message)
            while outcome not in (Outcome.HANDLED, Outcome.DUPLICATE):
                try:
                    outcome = once.run(message, handle)
                except StoreError:
                    outcome = None
                    said["StoreError"] += 1
                    away.set()
                    back.wait(60)

    threads = [threading.Thread(target=deliver, args=(first,), daemon=True) for first in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        assert one_more.acquire(timeout=60)
    server.stop()
    assert away.wait(60)
    getattr(server, "ensure_postgres_running", server.start)()
    unfinished = received - handled(place).keys()
    done = {message for message in unfinished if is_done(store, message)}
    assert done <= handled(place).keys()
    back.set()
    for _ in range(200):
        assert one_more.acquire(timeout=60)
    enough.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    finished = handled(place)
    again = (finished - Counter(received)).total()
    print(f"\n{place.kind}: {said['StoreError']} StoreErrors, {len(finished)} handled, {again} of them again")
    assert finished.keys() == received
    assert all(is_done(store, message) for message in received)


@pytest.mark.parametrize("place", ["valkey", REDIS_6], indirect=True)
def test_a_claim_that_the_client_sends_again_is_still_its_own(place):
    """redis-py sends a command again when the connection broke, and cannot know whether the first was carried out."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    broken = []

    class Breaking(redis.UnixDomainSocketConnection):
        def read_response(self, *arguments, **options):
            answer = super().read_response(*arguments, **options)
            if answer == 0 and not broken:  # the claim succeeded, but its response is lost
                broken.append(answer)
                self.disconnect()
                raise redis.ConnectionError("broken")
            return answer

    pool = redis.ConnectionPool(connection_class=Breaking, path=place.where, retry=Retry(NoBackoff(), 1))
    assert Once(RedisStore(redis.Redis(connection_pool=pool))).run("msg_1", lambda _: None) is Outcome.HANDLED
    assert broken


class Clocks:
    """The system clock, which jumps, and the monotonic clock, which does not."""

    def __init__(self, monkeypatch) -> None:
        self.wall, self.since_start = 1_800_000_000.0, 5000.0
        monkeypatch.setattr("time.time", lambda: self.wall)
        monkeypatch.setattr("time.monotonic", lambda: self.since_start)

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.since_start += seconds


@pytest.fixture
def clocks(monkeypatch):
    return Clocks(monkeypatch)


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "handled.db")


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forward"])
def test_a_clock_that_jumps_moves_no_lease(clocks, store, jump):
    assert store.claim("a", "crashed", 60) is None
    clocks.wall += jump
    assert store.claim("a", "b", 60) is Outcome.IN_PROGRESS
    clocks.pass_by(59)
    assert store.claim("a", "b", 60) is Outcome.IN_PROGRESS
    clocks.pass_by(1)
    assert store.claim("a", "b", 60) is None


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forward"])
def test_a_clock_that_jumps_forgets_no_done_mark(clocks, store, jump):
    store.claim("a", "b", 60)
    clocks.wall += jump
    assert store.complete("a", "b", WEEK)
    clocks.wall -= jump
    assert store.claim("a", "c", 60) is Outcome.DUPLICATE
    clocks.pass_by(WEEK - HOUR - 1)
    assert store.claim("a", "c", 60) is Outcome.DUPLICATE
    clocks.pass_by(2 * HOUR + 1)
    assert store.claim("a", "c", 60) is None


@on_each_store
def test_who_comes_late_completes_nothing_that_another_has(place, caplog):
    store = place.store()

    def late(_):
        until(lambda: store.claim("clerk:msg_1", "another", 60) is None)

    assert Once(store, lease=0.05).run("msg_1", late) is Outcome.HANDLED
    assert [record.code for record in caplog.records] == ["lease_lost"]
    assert store.claim("clerk:msg_1", "a third", 60) is Outcome.IN_PROGRESS
    assert store.complete("clerk:msg_1", "another", 60)


@on_each_store
def test_who_comes_late_releases_nothing_that_another_has(place):
    store = place.store()

    def late(_):
        until(lambda: store.claim("clerk:msg_1", "another", 60) is None)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Once(store, lease=0.05).run("msg_1", late)
    assert store.claim("clerk:msg_1", "a third", 60) is Outcome.IN_PROGRESS


@on_each_store
def test_a_handler_slower_than_its_lease_completes_if_no_other_worker_claims_it(place, caplog):
    store = place.store()

    def late(_):
        time.sleep(0.02)  # no call shows whether the lease has expired without claiming it

    assert Once(store, lease=0.001).run("msg_1", late) is Outcome.HANDLED
    assert not caplog.records
    assert is_done(store, "msg_1")


class Gated:
    """A store whose calls wait in their threads for the gate."""

    def __init__(self) -> None:
        self.store, self.gate = MemoryStore(), threading.Event()

    def __getattr__(self, name):
        def step(*arguments):
            assert self.gate.wait(30)
            return getattr(self.store, name)(*arguments)

        return step


async def ends(message, steps):
    await asyncio.sleep(0)
    steps.append("begun")
    await asyncio.sleep(0.001)
    steps.append("ended")


async def fails(message, steps):
    await ends(message, steps)
    steps.remove("ended")
    raise ZeroDivisionError


def in_a_thread(message, steps):
    steps.append("ended")


def cancelled_at(suspension, handler, store, steps):
    """Run *handler* once, and cancel it at the given suspension; return the number of suspensions."""
    seen = 0

    @types.coroutine
    def watched(coroutine):
        nonlocal seen
        answer = None
        while True:
            store.gate.clear()
            try:
                waits_for = coroutine.send(answer) if not isinstance(answer, BaseException) else coroutine.throw(answer)
            except StopIteration as end:
                return end.value
            loop, seen = asyncio.get_running_loop(), seen + 1
            if seen == suspension:
                loop.call_soon(task.cancel)
            loop.call_soon(store.gate.set)
            try:
                answer = yield waits_for
            except BaseException as error:
                answer = error

    async def main():
        nonlocal task
        task = asyncio.current_task()
        return await watched(AsyncOnce(store).run("msg_1", handler, steps))

    task = None
    try:
        outcome = asyncio.run(main())
    except asyncio.CancelledError:
        outcome = "cancelled"
    except ZeroDivisionError:
        outcome = "failed"
    return outcome, seen


@pytest.mark.parametrize("handler", [ends, fails, in_a_thread])
def test_cancelled_at_any_await_a_run_releases_or_completes(handler):
    _, suspensions = cancelled_at(0, handler, Gated(), [])
    for suspension in range(1, suspensions + 1):
        store, steps = Gated(), []
        assert cancelled_at(suspension, handler, store, steps)[0] == "cancelled"
        found = store.store.claim("clerk:msg_1", "another", 60)
        assert found in (None, Outcome.DUPLICATE), "the claim was left"
        assert "ended" in steps or found is None, "done, but the handler did not end"
    print(f"\n{handler.__name__}: {suspensions} awaits")
    assert suspensions >= (1 if handler is in_a_thread else 3)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.slow
def test_a_full_disk_is_a_store_error_until_there_is_room(place):
    answers = json.loads(place.start("fill").communicate(timeout=60)[0])
    print(f"\n{answers[1]}")
    first, completing, claiming, *afterwards = answers
    assert first == "HANDLED"
    assert "was handled" in completing
    for each in (completing, claiming):
        assert "is unavailable" in each
        assert "not full" in each
    assert afterwards == ["DUPLICATE", "HANDLED", "HANDLED", "DUPLICATE", "DUPLICATE"]
    assert handled(place) == {"msg_0": 1, "msg_1": 2, "msg_2": 1}


@contextlib.contextmanager
def read_only_folder():
    """Every folder is writable for root, so the test needs another user."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as folder:
        yield_to = Path(folder)
        SQLiteStore(yield_to / "there.db").claim("a", "b", 60)
        for path in (yield_to, *yield_to.iterdir()):
            path.chmod(0o555)
        if root:
            os.seteuid(65_534)
        try:
            yield yield_to
        finally:
            if root:
                os.seteuid(0)
            yield_to.chmod(0o755)


@pytest.mark.parametrize("name", ["there.db", "new.db"])
def test_a_read_only_folder_is_a_store_error_with_a_fix(name):
    with read_only_folder() as folder, pytest.raises(StoreError, match="directory is writable") as caught:
        SQLiteStore(folder / name).claim("b", "b", 60)
    assert str(folder / name) in str(caught.value)


def test_a_file_that_was_damaged_is_a_store_error_and_nothing_is_handled(tmp_path):
    path = tmp_path / "handled.db"
    store = SQLiteStore(path)
    for number in range(500):
        store.claim(f"clerk:msg_{number}", "a", 60)
    store.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    with pytest.raises(StoreError, match=r"malformed.*check .* intact SQLite database"):
        Once(SQLiteStore(path)).run("msg_1", pytest.fail)


def elsewhere(place, message):
    """Return the output of a process that runs the message and exits: the last one removes SQLite's files."""
    return place.start("once").communicate(f"{message}\n", timeout=60)[0].strip()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_second_store_on_the_same_file_leaves_the_first_its_locks(place):
    """A process that closes any descriptor of a file loses all its locks on that file."""
    first, second = place.store(), place.store()
    assert first.claim("clerk:msg_1", "first", 60) is None
    assert second.claim("clerk:msg_1", "second", 60) is Outcome.IN_PROGRESS
    assert elsewhere(place, "msg_2") == "HANDLED"
    assert first.claim("clerk:msg_3", "first", 60) is None
    assert elsewhere(place, "msg_3") == "IN_PROGRESS"


def fork(child):
    """Exit with 0 if *child* returns true; end it if it hangs."""
    process = os.fork()
    if process:
        return process
    signal.alarm(30)
    try:
        os._exit(0 if child() else 1)
    finally:
        os._exit(2)


def exit_code(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_parent_and_child_of_a_fork_go_on_each_by_itself(place):
    store = place.store()
    assert store.claim("clerk:msg_1", "parent", 60) is None
    (to_parent, from_child), (to_child, from_parent) = os.pipe(), os.pipe()

    def child():
        outcomes = [store.claim(f"clerk:msg_{number}", "child", 60) for number in (1, 2)]
        os.write(from_child, b".")
        os.read(to_child, 1)
        outcomes.append(store.claim("clerk:msg_3", "child", 60))
        os.write(from_child, b".")
        os.read(to_child, 1)
        return outcomes == [Outcome.IN_PROGRESS, None, None]

    process = fork(child)
    os.read(to_parent, 1)
    assert store.complete("clerk:msg_1", "parent", WEEK)
    store.close()
    assert elsewhere(place, "msg_2") == "IN_PROGRESS"
    os.write(from_parent, b".")
    os.read(to_parent, 1)
    assert elsewhere(place, "msg_3") == "IN_PROGRESS"
    assert store.claim("clerk:msg_3", "parent", 60) is Outcome.IN_PROGRESS
    os.write(from_parent, b".")
    assert exit_code(process) == 0
    for end in (to_parent, from_child, to_child, from_parent):
        os.close(end)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_child_forked_while_another_thread_uses_the_store_finds_it_free(place):
    store, enough = place.store(), threading.Event()
    store.claim("clerk:msg_0", "parent", 60)

    def use():
        for number in itertools.count(1):
            store.claim(f"clerk:msg_{number}", "parent", 60)
            if enough.is_set():
                break

    thread = threading.Thread(target=use)
    thread.start()
    try:
        for _ in range(20):
            assert exit_code(fork(lambda: store.claim("clerk:msg_0", "child", 60) is Outcome.IN_PROGRESS)) == 0
    finally:
        enough.set()
        thread.join()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.slow
def test_children_of_threads_that_fork_at_once_find_the_store_free(place):
    store, exit_codes = place.store(), []
    store.claim("clerk:msg_0", "parent", 60)

    def fork_often():
        for _ in range(30):
            assert store.claim("clerk:msg_0", "parent", 60) is Outcome.IN_PROGRESS
            exit_codes.append(exit_code(fork(lambda: store.claim("clerk:msg_0", "child", 60) is Outcome.IN_PROGRESS)))

    threads = [threading.Thread(target=fork_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert exit_codes == [0] * 120


@pytest.mark.slow
def test_of_several_processes_that_open_a_new_file_at_once_each_gets_in(tmp_path):
    for number in range(60):
        store = SQLiteStore(tmp_path / f"{number}.db")
        gate, closed = os.pipe()

        def child(store=store, gate=gate, closed=closed):
            os.close(closed)
            os.read(gate, 1)  # until the parent closes its end, for all at once
            return store.claim("clerk:msg_1", str(os.getpid()), 60) in (None, Outcome.IN_PROGRESS)

        children = [fork(child) for _ in range(6)]
        os.close(closed)
        assert [exit_code(process) for process in children] == [0] * 6
        os.close(gate)
