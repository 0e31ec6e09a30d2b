"""Is each message handled once, and never lost?"""

import asyncio
import contextlib
import functools
import gc
import importlib
import inspect
import logging
import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from helpers import stores
from helpers.marks import needs_fork
from helpers.ports import free_port
from helpers.signer import SECRET

import clerk_webhook_verify
from clerk_webhook_verify import Webhook
from clerk_webhook_verify.errors import StoreError
from clerk_webhook_verify.events import UserDeleted
from clerk_webhook_verify.idempotency import AsyncOnce, MemoryStore, Once, Outcome, SQLiteStore
from clerk_webhook_verify.idempotency.postgres import PostgresStore
from clerk_webhook_verify.idempotency.redis import RedisStore
from clerk_webhook_verify.testing import check_store, make_event, signed_request


class Broken:
    """A store that is out of reach from the step that is named."""

    def __init__(self, step: str = "claim") -> None:
        self.store, self.step = MemoryStore(), step

    def __getattr__(self, name):
        if name == self.step:
            raise StoreError("out of reach")
        return getattr(self.store, name)


def raises(error):
    """A function that raises *error*."""

    def function(*args, **kwargs):
        raise error

    return function


class Double:
    """A client or a connection with just these attributes."""

    def __init__(self, **attributes) -> None:
        vars(self).update(attributes)

    def execute_command(self): ...


class Recording:
    """A store that knows what it was told."""

    def __init__(self) -> None:
        self.store, self.calls = MemoryStore(), []

    def __getattr__(self, name):
        def recorded(*arguments):
            self.calls.append((name, *arguments))
            return getattr(self.store, name)(*arguments)

        return recorded


@pytest.fixture
def once():
    return Once(MemoryStore())


def test_annotations_resolve_with_the_standard_library_only():
    program = f"""
import sys
sys.path.insert(0, {str(Path(clerk_webhook_verify.__file__).parent.parent)!r})
from inspect import isfunction
from typing import get_type_hints
from clerk_webhook_verify import idempotency
from clerk_webhook_verify.idempotency.postgres import PostgresStore
from clerk_webhook_verify.idempotency.redis import RedisStore

for each in [PostgresStore, RedisStore, *(getattr(idempotency, name) for name in idempotency.__all__)]:
    get_type_hints(each)
    for name, member in vars(each).items():
        if isfunction(member):
            print(each.__name__, name, *get_type_hints(member))
"""
    command = [sys.executable, "-I", "-S", "-c", program]  # -S: without site-packages
    resolved = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "Once run message handler args kwargs return" in resolved
    assert "PostgresStore __init__ connect return" in resolved


@pytest.mark.parametrize("asynchronous", [False, True])
class TestWhatAStoreIsTold:
    def run(self, asynchronous, store, handler, **settings):
        if asynchronous:
            asyncio.run(AsyncOnce(store, **settings).run("msg_1", handler))
        else:
            Once(store, **settings).run("msg_1", handler)

    def test_by_default(self, asynchronous, caplog):
        owners = []
        for store in (Recording(), Recording()):
            self.run(asynchronous, store, lambda _: None)
            owner = store.calls[0][2]
            assert store.calls == [("claim", "clerk:msg_1", owner, 60.0), ("complete", "clerk:msg_1", owner, 604_800.0)]
            assert [type(call[-1]) for call in store.calls] == [float, float]
            owners.append(owner)
        assert owners[0] != owners[1]
        assert all(re.fullmatch("[0-9a-f]{32}", owner) for owner in owners)
        assert not caplog.records

    def test_by_the_settings(self, asynchronous):
        store = Recording()
        settings = {"lease": timedelta(minutes=5), "retention": timedelta(days=1), "namespace": "billing"}
        self.run(asynchronous, store, lambda _: None, **settings)
        owner = store.calls[0][2]
        assert store.calls == [("claim", "billing:msg_1", owner, 300.0), ("complete", "billing:msg_1", owner, 86_400.0)]

    def test_when_the_handler_fails(self, asynchronous):
        store = Recording()
        with pytest.raises(ZeroDivisionError):
            self.run(asynchronous, store, lambda _: 1 / 0)
        owner = store.calls[0][2]
        assert store.calls == [("claim", "clerk:msg_1", owner, 60.0), ("release", "clerk:msg_1", owner)]

    def test_when_it_should_forget(self, asynchronous):
        store = Recording()
        if asynchronous:
            asyncio.run(AsyncOnce(store).forget("msg_1"))
        else:
            Once(store).forget("msg_1")
        assert store.calls == [("forget", "clerk:msg_1")]


class TestOnce:
    def test_the_second_time_is_a_duplicate(self, once):
        calls = []
        assert once.run("msg_1", calls.append) is Outcome.HANDLED
        assert once.run("msg_1", calls.append) is Outcome.DUPLICATE
        assert once.run("msg_2", calls.append) is Outcome.HANDLED
        assert calls == ["msg_1", "msg_2"]

    def test_an_event_a_delivery_and_the_id_are_one_message(self, once):
        event = make_event(UserDeleted, id="user_1")
        assert once.run(event, lambda _: None) is Outcome.HANDLED
        assert once.run(event.delivery, lambda _: None) is Outcome.DUPLICATE
        assert once.run(event.message_id, lambda _: None) is Outcome.DUPLICATE

    def test_a_delivery_that_is_verified_twice_is_handled_once(self, once):
        request = signed_request("user.created", secret=SECRET)
        webhook = Webhook(SECRET)
        outcomes = [once.run(webhook.verify(request.headers, request.body), lambda _: None) for _ in range(2)]
        assert [outcome.status_code for outcome in outcomes] == [204, 204]
        assert outcomes == [Outcome.HANDLED, Outcome.DUPLICATE]

    def test_what_is_being_handled_is_in_progress(self, once):
        def handle(_):
            assert once.run("msg_1", lambda _: None) is Outcome.IN_PROGRESS

        assert once.run("msg_1", handle) is Outcome.HANDLED
        assert Outcome.IN_PROGRESS.status_code == 409

    def test_an_outcome_can_be_counted_by_its_name(self):
        assert [outcome.value for outcome in Outcome] == ["handled", "duplicate", "in_progress"]

    @pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
    def test_whatever_the_handler_raises_releases_and_is_raised_on(self, once, raised):
        def fail(_):
            raise raised("once")

        with pytest.raises(raised, match="once"):
            once.run("msg_1", fail)
        assert once.run("msg_1", lambda _: None) is Outcome.HANDLED

    def test_a_release_that_fails_does_not_replace_the_handlers_exception(self, caplog):
        with pytest.raises(ZeroDivisionError):
            Once(Broken("release")).run("msg_1", lambda _: 1 / 0)
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("clerk_webhook_verify", "WARNING")
        assert record.getMessage() == "release_failed: the claim of 'clerk:msg_1' runs out with its lease"
        assert record.exc_info[0] is StoreError

    def test_a_store_out_of_reach_is_told_before_the_handler_runs(self):
        calls = []
        with pytest.raises(StoreError) as caught:
            Once(Broken()).run("msg_1", calls.append)
        assert (calls, caught.value.code) == ([], "store_unavailable")
        with pytest.raises(StoreError):
            Once(Broken("complete")).run("msg_1", calls.append)
        assert calls == ["msg_1"]

    @pytest.mark.parametrize("returned", [None, False, 5])
    def test_any_return_value_of_the_handler_is_success(self, once, returned):
        assert once.run("msg_1", lambda _: returned) is Outcome.HANDLED

    def test_the_handler_gets_the_message_first_then_its_other_arguments(self, once):
        event, calls = make_event(UserDeleted, id="user_1"), []

        def handle(*args, **kwargs):
            calls.append((args, kwargs))

        for message in (event, event.delivery, event.message_id):
            assert once.run(message, handle, 1, tenant="acme") is Outcome.HANDLED
            once.forget(message)
        assert calls == [((message, 1), {"tenant": "acme"}) for message in (event, event.delivery, event.message_id)]

    def test_an_asynchronous_handler_is_refused_and_the_claim_released(self, once):
        async def handle(_):
            raise AssertionError("it was run")

        for handler in (handle, lambda _: handle(_), lambda _: asyncio.Future(loop=asyncio.new_event_loop())):
            with pytest.raises(TypeError, match="AsyncOnce"):
                once.run("msg_1", handler)
        assert once.run("msg_1", lambda _: None) is Outcome.HANDLED

    def test_what_an_asynchronous_handler_began_is_closed(self, once):
        async def handle(_): ...

        begun = handle("msg_1")
        with pytest.raises(TypeError, match="AsyncOnce"):
            once.run("msg_1", lambda _: begun)
        assert inspect.getcoroutinestate(begun) == inspect.CORO_CLOSED

    def test_a_lost_lease_is_logged_and_the_work_was_done(self, caplog):
        store = MemoryStore()
        once = Once(store, lease=0.001)

        def handle(_):
            threading.Event().wait(0.01)
            assert once.run("msg_1", lambda _: None) is Outcome.HANDLED

        with caplog.at_level(logging.WARNING, "clerk_webhook_verify"):
            assert once.run("msg_1", handle) is Outcome.HANDLED
        (record,) = caplog.records
        assert (record.name, record.code, record.key) == ("clerk_webhook_verify", "lease_lost", "clerk:msg_1")
        assert record.getMessage().startswith("lease_lost: 'clerk:msg_1' was handled, but its lease ran out")
        assert once.run("msg_1", lambda _: None) is Outcome.DUPLICATE

    def test_forget_lets_a_resend_through(self, once):
        once.run("msg_1", lambda _: None)
        once.forget("msg_1")
        assert once.run("msg_1", lambda _: None) is Outcome.HANDLED

    def test_namespaces_are_apart(self):
        store = MemoryStore()
        assert Once(store).run("msg_1", lambda _: None) is Outcome.HANDLED
        assert Once(store, namespace="billing").run("msg_1", lambda _: None) is Outcome.HANDLED

    def test_seconds_or_a_timedelta(self):
        once = Once(MemoryStore(), lease=timedelta(seconds=1), retention=timedelta(microseconds=1))
        assert once.run("msg_1", lambda _: None) is Outcome.HANDLED
        threading.Event().wait(0.001)
        assert once.run("msg_1", lambda _: None) is Outcome.HANDLED

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"lease": 0}, ValueError), ({"lease": -1}, ValueError), ({"lease": float("nan")}, ValueError),
            ({"retention": float("inf")}, ValueError), ({"lease": "60"}, TypeError), ({"lease": True}, TypeError),
            ({"retention": None}, TypeError), ({"namespace": b"clerk"}, TypeError),
        ],
        ids=repr,
    )  # fmt: skip
    def test_settings_that_are_none(self, options, error):
        (name, value), *_ = options.items()
        what = "must be a finite number" if error is ValueError else f"must be .* not {type(value).__name__}"
        with pytest.raises(error, match=f"^{name} {what}"):
            Once(MemoryStore(), **options)

    @pytest.mark.parametrize(
        ("message", "error"), [(None, TypeError), (b"msg_1", TypeError), ({}, TypeError), ("", ValueError)], ids=repr
    )
    def test_what_is_no_message(self, once, message, error):
        what = "a message id that is not empty" if error is ValueError else f".* not {type(message).__name__}"
        with pytest.raises(error, match=f"^message must be {what}$"):
            once.run(message, lambda _: None)


class TestAsyncOnce:
    def run(self, *arguments, store=None, **keywords):
        return asyncio.run(AsyncOnce(store or MemoryStore()).run(*arguments, **keywords))

    def test_a_coroutine_function_runs_on_the_loop_and_any_other_in_a_thread(self):
        threads = []

        async def on_the_loop(message, word):
            threads.append(threading.current_thread())

        def in_a_thread(message, word):
            threads.append(threading.current_thread())

        class Callable:
            async def __call__(self, message, word):
                threads.append(threading.current_thread())

        handlers = [
            on_the_loop,
            functools.partial(on_the_loop),
            Callable(),
            lambda message, word: on_the_loop(message, word),
            in_a_thread,
        ]
        for handler in handlers:
            assert self.run("msg_1", handler, "word") is Outcome.HANDLED
        main = threading.main_thread()
        assert [thread is main for thread in threads] == [True, True, True, True, False]

    @pytest.mark.parametrize("asynchronous", [True, False])
    @pytest.mark.parametrize("returned", [None, False, 5])
    def test_any_return_value_of_the_handler_is_success(self, asynchronous, returned):
        async def handle(message):
            return returned

        assert self.run("msg_1", handle if asynchronous else lambda _: returned) is Outcome.HANDLED

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_the_handler_gets_the_message_first_then_its_other_arguments(self, asynchronous):
        event, calls = make_event(UserDeleted, id="user_1"), []

        def handle(*args, **kwargs):
            calls.append((args, kwargs))

        async def handle_on_the_loop(*args, **kwargs):
            handle(*args, **kwargs)

        for message in (event, event.delivery, event.message_id):
            handler = handle_on_the_loop if asynchronous else handle
            assert self.run(message, handler, 1, tenant="acme") is Outcome.HANDLED
        assert calls == [((message, 1), {"tenant": "acme"}) for message in (event, event.delivery, event.message_id)]

    def test_the_second_time_is_a_duplicate_until_it_is_forgotten(self):
        async def main():
            once = AsyncOnce(MemoryStore())
            outcomes = [await once.run("msg_1", lambda _: None) for _ in range(2)]
            await once.forget("msg_1")
            return [*outcomes, await once.run("msg_1", lambda _: None)]

        assert asyncio.run(main()) == [Outcome.HANDLED, Outcome.DUPLICATE, Outcome.HANDLED]

    def test_the_stores_calls_never_run_on_the_event_loop(self):
        class Watched(MemoryStore):
            def claim(self, *arguments):
                assert threading.current_thread() is not threading.main_thread()
                return super().claim(*arguments)

        assert self.run("msg_1", lambda _: None, store=Watched()) is Outcome.HANDLED

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_whatever_the_handler_raises_releases_and_is_raised_on(self, asynchronous):
        async def fail(_):
            raise ZeroDivisionError

        store = MemoryStore()
        with pytest.raises(ZeroDivisionError):
            self.run("msg_1", fail if asynchronous else lambda _: 1 / 0, store=store)
        assert self.run("msg_1", lambda _: None, store=store) is Outcome.HANDLED

    def test_a_store_out_of_reach(self):
        with pytest.raises(StoreError):
            self.run("msg_1", lambda _: None, store=Broken())
        with pytest.raises(ZeroDivisionError):
            self.run("msg_1", lambda _: 1 / 0, store=Broken("release"))

    def test_a_cancelled_handler_releases(self):
        store, started = MemoryStore(), threading.Event()

        async def main():
            async def handle(_):
                started.set()
                await asyncio.sleep(60)

            task = asyncio.ensure_future(AsyncOnce(store).run("msg_1", handle))
            await asyncio.to_thread(started.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert self.run("msg_1", lambda _: None, store=store) is Outcome.HANDLED

    def test_a_plain_function_is_waited_for_before_its_claim_is_released(self):
        store, started, go_on, steps = MemoryStore(), threading.Event(), threading.Event(), []

        class Watched(MemoryStore):
            def release(self, *arguments):
                steps.append("released")
                super().release(*arguments)

        def handle(_):
            started.set()
            go_on.wait(30)
            steps.append("ended")

        async def main():
            task = asyncio.ensure_future(AsyncOnce(Watched()).run("msg_1", handle))
            await asyncio.to_thread(started.wait)
            for _ in range(3):
                task.cancel()
                await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert steps == ["ended", "released"]
        assert store.claim("clerk:msg_1", "x", 1) is None

    def test_what_a_plain_function_raised_after_it_was_cancelled_is_logged_by_nobody(self, caplog):
        started, go_on = threading.Event(), threading.Event()

        def handle(_):
            started.set()
            go_on.wait(30)
            raise ZeroDivisionError

        async def main():
            task = asyncio.ensure_future(AsyncOnce(MemoryStore()).run("msg_1", handle))
            await asyncio.to_thread(started.wait)
            task.cancel()
            await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        gc.collect()
        assert not caplog.records, "asyncio tells of an exception that nobody looked at"

    def test_a_claim_that_is_cancelled_is_given_back(self):
        started, go_on = threading.Event(), threading.Event()

        class Slow(MemoryStore):
            def claim(self, *arguments):
                outcome = super().claim(*arguments)
                started.set()
                go_on.wait(30)
                return outcome

        store = Slow()

        async def main():
            task = asyncio.ensure_future(AsyncOnce(store).run("msg_1", lambda _: None))
            await asyncio.to_thread(started.wait)
            task.cancel()
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert self.run("msg_1", lambda _: None, store=store) is Outcome.HANDLED


class TestStores:
    """Every store keeps the contract."""

    def test_memory(self):
        store = MemoryStore()
        check_store(lambda: store)

    def test_sqlite(self, tmp_path):
        check_store(lambda: SQLiteStore(tmp_path / "handled.db"))

    def test_valkey(self, valkey):
        check_store(lambda: RedisStore(valkey.client()))
        check_store(lambda: RedisStore(valkey.client(decode_responses=True)))

    def test_valkey_with_its_own_client(self, valkey):
        client = pytest.importorskip("valkey").Valkey(unix_socket_path=valkey.path)
        client.script_flush()
        check_store(lambda: RedisStore(client))

    @pytest.mark.slow
    def test_redis_6(self, redis_6):
        assert redis_6.client().info()["redis_version"].startswith("6.")
        check_store(lambda: RedisStore(redis_6.client()))

    def test_postgres(self, uri):
        check_store(lambda: stores.postgres_store(uri))

    def test_one_that_forgets_at_once_breaks_it(self):
        with pytest.raises(AssertionError, match="must be IN_PROGRESS"):
            check_store(_Forgetful)

    @pytest.mark.parametrize("step", ["complete", "release"])
    def test_one_that_looks_at_no_owner_breaks_it(self, step):
        store = MemoryStore()
        broken = MemoryStore()
        vars(broken).update(vars(store))
        if step == "complete":
            broken.complete = lambda key, owner, retention: True
        else:
            broken.release = lambda key, owner: store.forget(key)
        with pytest.raises(AssertionError, match="breaks its contract"):
            check_store(lambda: broken)


class _Forgetful(MemoryStore):
    def claim(self, key, owner, lease):
        return None


class TestMemoryStore:
    def test_a_lease_and_a_retention_end_to_the_second(self, monkeypatch):
        store, clock = MemoryStore(), [100.0]
        monkeypatch.setattr("clerk_webhook_verify.idempotency.memory.monotonic", lambda: clock[0])
        for number in range(10):  # more than are looked through for expired ones
            assert store.claim(f"long {number}", "x", 86_400) is None
        assert store.claim("a", "x", 60) is None
        for clock[0], outcome in ((159.9, Outcome.IN_PROGRESS), (160.0, None)):
            assert store.claim("a", "y", 60) is outcome
        assert store.complete("a", "y", 600)
        for clock[0], outcome in ((759.9, Outcome.DUPLICATE), (760.0, None)):
            assert store.claim("a", "z", 60) is outcome

    def test_what_is_not_there_is_released_and_forgotten_all_the_same(self):
        store = MemoryStore()
        assert store.release("a", "x") is None
        assert store.forget("a") is None

    def test_no_step_looks_at_an_entry_without_the_lock(self):
        store = MemoryStore()

        class Watched(str):
            __slots__ = ()
            __eq__ = str.__eq__

            def __hash__(self):
                assert store._lock.locked()
                return super().__hash__()

        key = Watched("a")
        assert store.claim(key, "x", 60) is None
        assert store.complete(key, "x", 60)
        store.release(key, "x")
        store.forget(key)
        assert store.claim(key, "y", 60) is None

    def test_what_has_expired_is_dropped(self):
        store = MemoryStore()
        for number in range(20):
            store.claim(str(number), "a", 0.0001)
        threading.Event().wait(0.001)
        for number in range(4):
            store.claim(f"new {number}", "a", 60)
        assert len(store._entries) == 4


class TestSQLiteStore:
    def test_the_file_is_for_its_owner_alone(self, tmp_path):
        store = SQLiteStore(tmp_path / "handled.db")
        store.claim("a", "b", 1)
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
        store.close()
        store.close()
        assert store.claim("a", "c", 1) is Outcome.IN_PROGRESS

    def test_expired_rows_are_removed_a_few_at_a_time(self, tmp_path):
        store = SQLiteStore(tmp_path / "handled.db")
        for number in range(20):
            store.claim(f"a{number}", "x", 60)
            store.complete(f"a{number}", "x", 1e-9)
        rows = sqlite3.connect(tmp_path / "handled.db")
        counts = []
        for number in range(4):
            store.claim(f"b{number}", "x", 60)
            counts.append(rows.execute("SELECT count(*) FROM clerk_webhook_once").fetchone()[0])
        assert counts[-1] == 4
        rows.close()

    def test_a_claim_before_a_restart_of_the_machine_is_void(self, tmp_path, monkeypatch):
        store = SQLiteStore(tmp_path / "handled.db")
        monkeypatch.setattr("clerk_webhook_verify.idempotency.sqlite.monotonic", lambda: 1000.0)
        assert store.claim("a", "b", 60) is None
        assert store.claim("a", "c", 60) is Outcome.IN_PROGRESS
        monkeypatch.setattr("clerk_webhook_verify.idempotency.sqlite.monotonic", lambda: 5.0)
        assert store.claim("a", "c", 60) is None

    def test_what_cannot_be_opened_is_a_store_error_with_its_cause(self, tmp_path):
        (tmp_path / "corrupt.db").write_bytes(b"not a database" * 100)
        for path in (tmp_path, tmp_path / "corrupt.db", tmp_path / "no" / "such" / "folder"):
            with pytest.raises(StoreError, match="cannot be used") as caught:
                SQLiteStore(path).claim("a", "b", 1)
            assert isinstance(caught.value.__cause__, sqlite3.Error | OSError)

    def test_it_goes_on_after_an_error(self, tmp_path):
        store = SQLiteStore(tmp_path / "handled.db")
        store.claim("a", "b", 60)
        other = sqlite3.connect(tmp_path / "handled.db")
        for breaks, mends in (
            ("ALTER TABLE clerk_webhook_once RENAME TO away", "ALTER TABLE away RENAME TO clerk_webhook_once"),
            (
                "CREATE TRIGGER t BEFORE INSERT ON clerk_webhook_once BEGIN SELECT RAISE(FAIL, 'no'); END",
                "DROP TRIGGER t",
            ),
        ):
            other.execute(breaks)
            with pytest.raises(StoreError):
                store.claim("b", "b", 60)
            other.execute(mends)
        other.close()
        assert store.claim("b", "b", 60) is None

    def test_a_new_file_that_others_open_at_the_same_moment_is_waited_for(self, tmp_path, monkeypatch):
        """SQLite refuses at once where two change a file's mode, whatever its timeout; the fault tests race for it."""
        refusals = []

        class Contended(sqlite3.Connection):
            def execute(self, statement, *values):
                if "journal_mode" in statement and len(refusals) < 2:
                    refusals.append(statement)
                    raise sqlite3.OperationalError("database is locked")
                return super().execute(statement, *values)

        monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Contended))
        assert SQLiteStore(tmp_path / "handled.db").claim("a", "b", 60) is None
        refusals.clear()
        monkeypatch.setattr("clerk_webhook_verify.idempotency.sqlite._BUSY", 0)
        with pytest.raises(StoreError, match="locked"):
            SQLiteStore(tmp_path / "another.db").claim("a", "b", 60)

    @needs_fork
    def test_it_survives_a_fork(self, tmp_path):
        store = SQLiteStore(tmp_path / "handled.db")
        store.claim("a", "parent", 60)
        child = os.fork()
        if not child:
            os._exit(0 if store.claim("a", "child", 60) is Outcome.IN_PROGRESS else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.complete("a", "parent", 60)

    def test_another_process_opens_the_file_anew(self, tmp_path, monkeypatch):
        store = SQLiteStore(tmp_path / "handled.db")
        store.claim("a", "parent", 60)
        monkeypatch.setattr(os, "getpid", lambda: -1)
        assert store.claim("a", "child", 60) is Outcome.IN_PROGRESS


class TestMarkInSQLite:
    @pytest.fixture
    def path(self, tmp_path):
        with sqlite3.connect(tmp_path / "app.db") as connection:
            connection.execute("CREATE TABLE work (message_id TEXT)")
        connection.close()
        return tmp_path / "app.db"

    @pytest.fixture
    def once(self, path):
        return Once(SQLiteStore(path))

    def effects(self, path) -> int:
        with sqlite3.connect(path) as connection:
            count = connection.execute("SELECT count(*) FROM work").fetchone()[0]
        connection.close()
        return count

    def handle(self, once, path, fail=False, **options):
        connection = sqlite3.connect(path, **options)
        try:
            with connection:
                if options:
                    connection.execute("BEGIN")
                outcome = once.mark(connection, "msg_1")
                if outcome is Outcome.HANDLED:
                    connection.execute("INSERT INTO work VALUES ('msg_1')")
                if fail:
                    raise ZeroDivisionError
        finally:
            connection.close()
        return outcome

    @pytest.mark.parametrize("options", [{}, {"isolation_level": None}], ids=repr)
    def test_the_mark_commits_with_the_work_or_not_at_all(self, once, path, options):
        with pytest.raises(ZeroDivisionError):
            self.handle(once, path, fail=True, **options)
        assert self.effects(path) == 0
        assert self.handle(once, path, **options) is Outcome.HANDLED
        assert self.handle(once, path, **options) is Outcome.DUPLICATE
        assert self.effects(path) == 1
        assert once.run("msg_1", lambda _: None) is Outcome.DUPLICATE

    def test_what_a_run_has_claimed_is_in_progress(self, once, path):
        def handle(_):
            assert self.handle(once, path) is Outcome.IN_PROGRESS

        assert once.run("msg_1", handle) is Outcome.HANDLED

    def test_a_connection_that_commits_each_statement_is_refused(self, once, path):
        connection = sqlite3.connect(path, isolation_level=None)
        with pytest.raises(TypeError, match="begin a transaction"):
            once.mark(connection, "msg_1")
        connection.close()

    def test_a_second_marker_waits_and_then_is_told_that_the_database_is_busy(self, once, path):
        first, second = sqlite3.connect(path), sqlite3.connect(path, timeout=0.05)
        assert once.mark(first, "msg_1") is Outcome.HANDLED
        with pytest.raises(StoreError, match="locked"):
            once.mark(second, "msg_1")
        first.commit()
        assert once.mark(second, "msg_1") is Outcome.DUPLICATE
        first.close()
        second.close()

    @pytest.mark.parametrize("store", [MemoryStore()])
    def test_a_store_without_transactions_shares_none(self, store):
        with pytest.raises(TypeError, match="MemoryStore shares no transaction"):
            Once(store).mark(None, "msg_1")


class TestMarkInPostgres:
    @pytest.fixture
    def once(self, uri):
        return Once(stores.postgres_store(uri))

    @pytest.fixture
    def connect(self, uri):
        import psycopg

        opened = []

        def connect(**options):
            opened.append(psycopg.connect(uri, **options))
            return opened[-1]

        yield connect
        for connection in opened:
            connection.close()

    def test_the_mark_commits_with_the_work_or_not_at_all(self, once, connect):
        connection = connect()
        assert once.mark(connection, "msg_1") is Outcome.HANDLED
        connection.rollback()
        assert once.mark(connection, "msg_1") is Outcome.HANDLED
        connection.commit()
        assert once.mark(connection, "msg_1") is Outcome.DUPLICATE
        connection.rollback()
        assert once.run("msg_1", lambda _: None) is Outcome.DUPLICATE

    def test_a_second_marker_waits_and_then_sees_a_duplicate(self, once, connect):
        first, second = connect(), connect()
        once.mark(first, "msg_2")
        waiting, outcomes = threading.Event(), []

        def wait():
            waiting.set()
            outcomes.append(once.mark(second, "msg_2"))

        thread = threading.Thread(target=wait)
        thread.start()
        waiting.wait()
        first.commit()
        thread.join()
        assert outcomes == [Outcome.DUPLICATE]

    def test_a_serialization_failure_is_a_store_error(self, once, connect):
        first, second = connect(), connect()
        second.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        second.execute("SELECT count(*) FROM clerk_webhook_once")
        once.mark(first, "msg_3")
        first.commit()
        with pytest.raises(StoreError) as caught:
            once.mark(second, "msg_3")
        assert type(caught.value.__cause__).__name__ == "SerializationFailure"

    def test_what_a_run_has_claimed_is_in_progress(self, once, connect):
        def handle(_):
            connection = connect()
            assert once.mark(connection, "msg_4") is Outcome.IN_PROGRESS
            connection.rollback()

        assert once.run("msg_4", handle) is Outcome.HANDLED

    def test_autocommit_is_refused_outside_of_a_transaction(self, once, connect):
        connection = connect(autocommit=True)
        with pytest.raises(TypeError, match=r"connection.transaction\(\)"):
            once.mark(connection, "msg_5")
        with connection.transaction():
            assert once.mark(connection, "msg_5") is Outcome.HANDLED
        assert once.run("msg_5", lambda _: None) is Outcome.DUPLICATE


class TestPostgresStore:
    def test_expired_rows_are_removed_now_and_then(self, uri):
        store = stores.postgres_store(uri)
        for number in range(8):
            store.claim(f"a{number}", "x", 60)
            store.complete(f"a{number}", "x", 1e-6)
        fresh = stores.postgres_store(uri)
        fresh.claim("b", "x", 60)
        assert fresh.complete("a0", "y", 60)

    def test_out_of_reach_and_without_its_table(self, uri):
        import psycopg

        away = PostgresStore(functools.partial(psycopg.connect, "host=/no/such/folder"))
        with pytest.raises(StoreError, match="create_table") as caught:
            away.claim("a", "b", 1)
        assert isinstance(caught.value.__cause__, psycopg.OperationalError)

    def test_an_error_that_is_not_psycopgs_is_raised_unchanged(self):
        """A bug in this package, or in the user's connect(), must not look like an outage."""
        import psycopg

        connection = Double(autocommit=False)
        store = PostgresStore(lambda: contextlib.nullcontext(connection))
        for error, expected, match in (
            (TypeError("a bug"), TypeError, "a bug"),
            (psycopg.errors.DeadlockDetected(), StoreError, "DeadlockDetected"),
        ):
            connection.execute = raises(error)
            with pytest.raises(expected, match=match):
                store.claim("a", "b", 1)
            with pytest.raises(expected, match=match):
                store.mark(connection, "a", 1)
        with pytest.raises(KeyError, match="DATABASE_URL"):
            PostgresStore(raises(KeyError("DATABASE_URL"))).claim("a", "b", 1)

    def test_what_is_no_way_to_connect(self):
        with pytest.raises(TypeError, match="must be callable"):
            PostgresStore("postgresql://localhost")


CALLS = {
    "claim": lambda store: store.claim("a", "b", 1),
    "complete": lambda store: store.complete("a", "b", 1),
    "release": lambda store: store.release("a", "b"),
    "forget": lambda store: store.forget("a"),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
each_library = pytest.mark.parametrize(("library", "name"), [("redis", "Redis"), ("valkey", "Valkey")])


def unreachable(library: str, name: str):
    """A client that gives up at once, instead of retrying for seconds."""
    module, retry = importlib.import_module(library), importlib.import_module(f"{library}.retry")
    no_backoff = importlib.import_module(f"{library}.backoff").NoBackoff()
    return getattr(module, name)(port=free_port(), retry=retry.Retry(no_backoff, 0))


class TestRedisStore:
    @each_call
    @each_library
    def test_an_unreachable_server_is_a_store_error(self, library, name, call):
        module = pytest.importorskip(library)
        store = RedisStore(unreachable(library, name))
        with pytest.raises(StoreError, match=r"^Redis is unreachable .*ConnectionError") as caught:
            call(store)
        assert isinstance(caught.value.__cause__, module.ConnectionError)

    @each_library
    def test_an_unreachable_cluster_is_a_store_error(self, library, name):
        error = getattr(pytest.importorskip(f"{library}.exceptions"), f"{name}ClusterException")("no reachable node")
        with pytest.raises(StoreError, match="ClusterException") as caught:
            RedisStore(Double(register_script=lambda script: raises(error))).claim("a", "b", 1)
        assert caught.value.__cause__ is error

    @each_call
    @pytest.mark.parametrize("error", [TypeError("a bug"), RuntimeError("a bug"), OSError("a bug")], ids=repr)
    def test_an_error_that_is_not_the_client_librarys_is_raised_unchanged(self, call, error):
        """A bug in this package must not look like an outage."""
        client = Double(register_script=lambda script: raises(error), delete=raises(error))
        with pytest.raises(type(error)) as caught:
            call(RedisStore(client))
        assert caught.value is error

    @each_library
    def test_one_client_library_is_enough(self, library, name, monkeypatch):
        module = pytest.importorskip(library)
        client = unreachable(library, name)
        (other,) = {"redis", "valkey"} - {library}
        for loaded in (other, f"{other}.exceptions"):
            monkeypatch.setitem(sys.modules, loaded, None)  # an import of it fails
        with pytest.raises(StoreError) as caught:
            RedisStore(client).claim("a", "b", 1)
        assert isinstance(caught.value.__cause__, module.ConnectionError)

    def test_what_is_no_client_of_the_right_kind(self):
        import redis.asyncio

        for client in ("redis://localhost", redis.asyncio.Redis()):
            with pytest.raises(TypeError, match=r"must be a redis.Redis"):
                RedisStore(client)
