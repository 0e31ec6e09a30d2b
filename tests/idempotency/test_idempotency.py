"""Is each message handled once, and never lost?"""

import asyncio
import contextlib
import functools
import importlib
import inspect
import logging
import operator
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import traceback
import unittest.mock
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from helpers import stores
from helpers.marks import needs_fork
from helpers.ports import free_port
from helpers.signer import SECRET
from hypothesis import given, strategies as st

import clerk_webhook_verify
from clerk_webhook_verify import Delivery, Webhook
from clerk_webhook_verify.errors import StoreError
from clerk_webhook_verify.events import UserDeleted
from clerk_webhook_verify.idempotency import AsyncOnce, MemoryStore, Once, Outcome, SQLiteStore
from clerk_webhook_verify.idempotency.postgres import PostgresStore
from clerk_webhook_verify.idempotency.redis import RedisStore
from clerk_webhook_verify.testing import check_store, make_event, signed_request


class Broken:
    """A store that is unavailable from the given step on."""

    def __init__(self, step: str = "claim") -> None:
        self.store, self.step = MemoryStore(), step

    def __getattr__(self, name):
        if name == self.step:
            raise StoreError("unavailable")
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
    """A store that records its calls."""

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


NOT_HANDLED = [("duplicate", "was handled before"), ("in_progress", "is being handled elsewhere")]


@pytest.mark.parametrize("asynchronous", [False, True])
class TestWhatAStoreIsTold:
    def run(self, asynchronous, store, handler, message="msg_1", **settings):
        if asynchronous:
            asyncio.run(AsyncOnce(store, **settings).run(message, handler))
        else:
            Once(store, **settings).run(message, handler)

    def test_a_store_gets_key_owner_and_defaults(self, asynchronous, caplog):
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

    def test_a_store_gets_the_settings(self, asynchronous):
        store = Recording()
        settings = {"lease": timedelta(minutes=5), "retention": timedelta(days=1), "namespace": "billing"}
        self.run(asynchronous, store, lambda _: None, **settings)
        owner = store.calls[0][2]
        assert store.calls == [("claim", "billing:msg_1", owner, 300.0), ("complete", "billing:msg_1", owner, 86_400.0)]

    def test_a_store_is_asked_to_release_when_the_handler_fails(self, asynchronous):
        store = Recording()
        with pytest.raises(ZeroDivisionError):
            self.run(asynchronous, store, lambda _: 1 / 0)
        owner = store.calls[0][2]
        assert store.calls == [("claim", "clerk:msg_1", owner, 60.0), ("release", "clerk:msg_1", owner)]

    @pytest.mark.parametrize(("stored", "reason"), NOT_HANDLED, ids=lambda each: each)
    def test_a_message_that_is_not_handled_leaves_one_info_record(self, asynchronous, stored, reason, caplog):
        store = MemoryStore()
        store.claim("clerk:msg%201", "owner", 60.0)
        if stored == "duplicate":
            store.complete("clerk:msg%201", "owner", 60.0)
        delivery = Delivery("msg 1", timestamp=0, body=b"{}", secret_fingerprint="")
        with caplog.at_level(logging.INFO, "clerk_webhook_verify"):
            for message in ("msg 1", delivery):
                self.run(asynchronous, store, pytest.fail, message=message)
        assert [record.getMessage() for record in caplog.records] == [f"{stored}: 'clerk:msg%201' {reason}"] * 2
        for record in caplog.records:
            assert (record.name, record.levelname) == ("clerk_webhook_verify", "INFO")
            assert (record.code, record.key, record.message_id) == (stored, "clerk:msg%201", "msg 1")

    def test_a_store_is_asked_to_forget(self, asynchronous):
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
        assert (record.code, record.key) == ("release_failed", "clerk:msg_1")
        assert record.getMessage() == "release_failed: the claim of 'clerk:msg_1' expires with its lease"
        assert record.exc_info[0] is StoreError

    def test_an_unavailable_store_raises_before_the_handler_runs(self):
        calls = []
        with pytest.raises(StoreError) as caught:
            Once(Broken()).run("msg_1", calls.append)
        assert (calls, caught.value.code) == ([], "store_unavailable")

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

    def test_a_handler_that_turns_out_to_be_asynchronous_is_rejected_and_the_claim_released(self, once):
        async def handle(_):
            raise AssertionError("it was run")

        for handler in (lambda _: handle(_), lambda _: asyncio.Future(loop=asyncio.new_event_loop())):
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
        assert record.getMessage().startswith("lease_lost: 'clerk:msg_1' was handled, but its lease expired")
        assert once.run("msg_1", lambda _: None) is Outcome.DUPLICATE

    def test_forget_lets_a_resend_through(self, once):
        once.run("msg_1", lambda _: None)
        once.forget("msg_1")
        assert once.run("msg_1", lambda _: None) is Outcome.HANDLED

    def test_namespaces_are_apart(self):
        store = MemoryStore()
        assert Once(store).run("msg_1", lambda _: None) is Outcome.HANDLED
        assert Once(store, namespace="billing").run("msg_1", lambda _: None) is Outcome.HANDLED

    def test_lease_and_retention_are_seconds_or_a_timedelta(self):
        once = Once(MemoryStore(), lease=timedelta(seconds=1), retention=timedelta(microseconds=1))
        assert once.run("msg_1", lambda _: None) is Outcome.HANDLED
        threading.Event().wait(0.001)
        assert once.run("msg_1", lambda _: None) is Outcome.HANDLED

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"lease": 0}, ValueError), ({"lease": -1}, ValueError), ({"lease": float("nan")}, ValueError),
            ({"retention": float("inf")}, ValueError), ({"lease": "60"}, TypeError), ({"lease": True}, TypeError),
            ({"retention": None}, TypeError),
        ],
        ids=repr,
    )  # fmt: skip
    def test_invalid_settings_are_an_error_that_names_them(self, options, error):
        (name, value), *_ = options.items()
        what = "must be a finite number" if error is ValueError else f"must be .* not {type(value).__name__}"
        with pytest.raises(error, match=f"^{name} {what}"):
            Once(MemoryStore(), **options)

    @pytest.mark.parametrize(
        ("message", "error"), [(None, TypeError), (b"msg_1", TypeError), ({}, TypeError), ("", ValueError)], ids=repr
    )
    def test_an_invalid_message_is_an_error(self, once, message, error):
        problem = "not be an empty message id" if error is ValueError else f"be .* not {type(message).__name__}"
        with pytest.raises(error, match=f"^message must {problem}$"):
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

    def test_an_unavailable_store_raises(self):
        with pytest.raises(StoreError):
            self.run("msg_1", lambda _: None, store=Broken())
        with pytest.raises(ZeroDivisionError):
            self.run("msg_1", lambda _: 1 / 0, store=Broken("release"))


def generator(*_):
    yield pytest.fail("it was run")


async def asynchronous(*_):
    pytest.fail("it was run")


async def asynchronous_generator(*_):
    yield pytest.fail("it was run")


def forms_of(function):
    """The same function as a method, in an object, in partials of all these, and so on."""

    class Forms:
        __call__ = function
        static = staticmethod(function)
        method = function

    class Nested:
        __call__ = Forms()

    return {
        "function": function,
        "lambda with defaults": functools.partial(function),
        "partial with arguments": functools.partial(function, 1, 2),
        "bound method": Forms().method,
        "static method": Forms.static,
        "object": Forms(),
        "object in an object": Nested(),
        "partial of a bound method": functools.partial(Forms().method),
        "partial of an object": functools.partial(Forms()),
        "partial of a partial": functools.partial(functools.partial(function), 1),
        "bound __call__": Forms().__call__,
    }


def run(asynchronous, store, message, handler, *args, **settings):
    """Run a message with AsyncOnce if *asynchronous* is true, otherwise with Once."""
    if asynchronous:
        return asyncio.run(asyncio.wait_for(AsyncOnce(store, **settings).run(message, handler, *args), 30))
    return Once(store, **settings).run(message, handler, *args)


both = pytest.mark.parametrize("asynchronously", [False, True], ids=["Once", "AsyncOnce"])


class TestHandlersThatCallingDoesNotRun:
    @both
    @pytest.mark.parametrize("handler", forms_of(generator).values(), ids=forms_of(generator))
    def test_a_generator_function_is_rejected_before_anything_is_claimed(self, handler, asynchronously):
        store = Recording()
        with pytest.raises(TypeError, match="handler is a generator function"):
            run(asynchronously, store, "msg_1", handler)
        assert store.calls == []

    @both
    @pytest.mark.parametrize("handler", forms_of(asynchronous_generator).values(), ids=forms_of(generator))
    def test_an_asynchronous_generator_function_is_rejected_before_anything_is_claimed(self, handler, asynchronously):
        store = Recording()
        with pytest.raises(TypeError, match="handler is a generator function"):
            run(asynchronously, store, "msg_1", handler)
        assert store.calls == []

    @pytest.mark.parametrize("handler", forms_of(asynchronous).values(), ids=forms_of(asynchronous))
    def test_once_rejects_an_asynchronous_function_before_anything_is_claimed(self, handler):
        store = Recording()
        with pytest.raises(TypeError, match="use await AsyncOnce"):
            Once(store).run("msg_1", handler)
        assert store.calls == []

    @both
    @pytest.mark.parametrize("handler", [None, "handle", 7], ids=repr)
    def test_a_handler_that_is_not_callable_is_rejected_before_anything_is_claimed(self, handler, asynchronously):
        store = Recording()
        with pytest.raises(TypeError, match=f"must be a function, not {type(handler).__name__}"):
            run(asynchronously, store, "msg_1", handler)
        assert store.calls == []

    @both
    @pytest.mark.parametrize("body", [generator, asynchronous_generator])
    def test_a_generator_that_a_function_returns_is_rejected_and_the_claim_released(self, body, asynchronously):
        store = MemoryStore()
        with pytest.raises(TypeError, match=r"returned a (async_)?generator, whose body was not run"):
            run(asynchronously, store, "msg_1", lambda message: body(message))
        assert run(asynchronously, store, "msg_1", lambda _: None) is Outcome.HANDLED

    @pytest.mark.parametrize("body", [generator, asynchronous, asynchronous_generator])
    def test_a_coroutine_that_an_asynchronous_handler_returns_unawaited_is_rejected(self, body):
        async def handle(message):
            return body(message)

        store = MemoryStore()
        with pytest.raises(TypeError, match="whose body was not run"):
            run(True, store, "msg_1", handle)
        assert run(True, store, "msg_1", lambda _: None) is Outcome.HANDLED

    @pytest.mark.parametrize(
        "handler",
        [
            print, [].append, functools.partial(print, "a"), str, unittest.mock.Mock(), operator.attrgetter("upper"),
            functools.lru_cache(lambda _: None), contextlib.nullcontext, "".join,
        ],
        ids=lambda handler: type(handler).__name__,
    )  # fmt: skip
    @both
    def test_every_other_callable_is_run(self, handler, asynchronously):
        assert run(asynchronously, MemoryStore(), "msg_1", handler) is Outcome.HANDLED


class Out(StopIteration):
    """A subclass, which asyncio treats as the return value of a coroutine."""


class TestStopIteration:
    """A future cannot store one, and a coroutine cannot raise one."""

    @both
    @pytest.mark.parametrize("error", [StopIteration, Out, StopAsyncIteration])
    def test_raised_by_a_handler_it_reaches_the_caller_and_the_claim_is_released(self, error, asynchronously):
        def fail(_):
            raise error("of the handler")

        store = MemoryStore()
        with pytest.raises((error, RuntimeError)) as caught:
            run(asynchronously, store, "msg_1", fail)
        assert isinstance(caught.value, error) or isinstance(caught.value.__cause__, error)
        assert run(asynchronously, store, "msg_1", lambda _: None) is Outcome.HANDLED

    @pytest.mark.parametrize("error", [StopIteration, Out])
    def test_raised_by_an_asynchronous_handler_it_reaches_the_caller_and_the_claim_is_released(self, error):
        async def fail(_):
            raise error("of the handler")

        store = MemoryStore()
        with pytest.raises(RuntimeError) as caught:
            run(True, store, "msg_1", fail)
        assert isinstance(caught.value.__cause__, error)
        assert run(True, store, "msg_1", lambda _: None) is Outcome.HANDLED

    @both
    @pytest.mark.parametrize("error", [StopIteration, Out])
    def test_raised_by_a_store_it_reaches_the_caller(self, error, asynchronously):
        store, calls = MemoryStore(), []
        store.claim = raises(error("of the store"))
        with pytest.raises((error, RuntimeError)) as caught:
            run(asynchronously, store, "msg_1", calls.append)
        assert isinstance(caught.value, error) or isinstance(caught.value.__cause__, error)
        assert calls == []

    def test_raised_by_forget_it_reaches_the_caller(self):
        store = MemoryStore()
        store.forget = raises(Out("of the store"))
        with pytest.raises(RuntimeError) as caught:
            asyncio.run(asyncio.wait_for(AsyncOnce(store).forget("msg_1"), 30))
        assert isinstance(caught.value.__cause__, Out)


class Failing(MemoryStore):
    """A store that cannot mark a message done the first few times."""

    def __init__(self, *errors) -> None:
        super().__init__()
        self.errors, self.completions = list(errors), 0

    def complete(self, *arguments):
        self.completions += 1
        if self.errors:
            raise self.errors.pop(0)
        return super().complete(*arguments)


@pytest.fixture
def pauses(monkeypatch):
    """Nothing is waited for: the clock is set forward, and the pauses are noted."""
    pauses, monotonic = [], time.monotonic
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setattr("time.monotonic", lambda: monotonic() + sum(pauses))
    return pauses


async def handle_later(message, calls):
    await asyncio.sleep(0)
    calls.append(message)


def handle_now(message, calls):
    calls.append(message)


each_kind = pytest.mark.parametrize(
    ("asynchronously", "handler"),
    [(False, handle_now), (True, handle_now), (True, handle_later)],
    ids=["Once", "AsyncOnce-plain", "AsyncOnce-async"],
)
FAILURES = [
    StoreError("unavailable"),
    OSError("broken"),
    StopIteration(),
    Out(),
    ValueError("a bug"),
    asyncio.TimeoutError(),
]


@each_kind
class TestAMessageThatCannotBeMarkedDone:
    @pytest.mark.parametrize("error", FAILURES, ids=repr)
    def test_is_marked_at_another_attempt_whatever_the_store_raised(
        self, asynchronously, handler, error, pauses, caplog
    ):
        store, calls = Failing(error, error, error), []
        assert run(asynchronously, store, "msg_1", handler, calls) is Outcome.HANDLED
        assert (calls, pauses) == (["msg_1"], [0.05, 0.1, 0.2])
        assert run(asynchronously, store, "msg_1", handler, calls) is Outcome.DUPLICATE
        assert not caplog.records

    def test_is_not_logged_as_a_lost_lease_if_the_response_to_a_successful_attempt_was_lost(
        self, asynchronously, handler, pauses, caplog
    ):
        class Breaking(Failing):
            def complete(self, *arguments):
                if self.completions == 0:
                    MemoryStore.complete(self, *arguments)
                return super().complete(*arguments)

        store = Breaking(ConnectionError())
        assert run(asynchronously, store, "msg_1", handler, []) is Outcome.HANDLED
        assert run(asynchronously, store, "msg_1", handler, []) is Outcome.DUPLICATE
        assert not caplog.records

    @pytest.mark.parametrize("error", FAILURES, ids=repr)
    def test_raises_a_store_error_with_handled_set(self, asynchronously, handler, error, pauses, caplog):
        store, calls = Failing(*[error] * 100), []
        reason = "unavailable" if isinstance(error, StoreError) else type(error).__name__
        with pytest.raises(
            StoreError, match=rf"^the message was handled .* could not be marked done: {reason}$"
        ) as caught:
            run(asynchronously, store, "msg_1", handler, calls)
        assert (calls, caught.value.handled, caught.value.__cause__) == (["msg_1"], True, error)
        assert sum(pauses) < 2
        assert store.completions == len(pauses) + 1
        assert store.claim("clerk:msg_1", "another", 60) is Outcome.IN_PROGRESS, "the claim was released"
        (record,) = caplog.records
        assert (record.levelname, record.code, record.key) == ("WARNING", "complete_failed", "clerk:msg_1")
        assert record.exc_info[1] is error

    def test_is_not_tried_again_once_two_seconds_have_passed(self, asynchronously, handler, pauses):
        class Slow(Failing):
            def complete(self, *arguments):
                time.sleep(0.9)
                return super().complete(*arguments)

        store = Slow(*[OSError()] * 100)
        with pytest.raises(StoreError):
            run(asynchronously, store, "msg_1", handler, [])
        assert pauses == [0.9, 0.05, 0.9, 0.1, 0.9]  # the third attempt began after 1.95 s

    @pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), SystemExit(), GeneratorExit()], ids=repr)
    def test_is_marked_although_the_wait_was_interrupted(self, asynchronously, handler, interrupt, pauses):
        """A signal or gevent's timeout, which is not an Exception either, can interrupt the wait for the store."""
        store, calls = Failing(interrupt), []
        with pytest.raises(type(interrupt)):
            run_without_timeout(asynchronously, store, "msg_1", handler, calls)
        assert run(asynchronously, store, "msg_1", handler, calls) is Outcome.DUPLICATE
        assert calls == ["msg_1"]

    def test_raises_the_interrupt_if_no_attempt_succeeds(self, asynchronously, handler, pauses):
        store = Failing(KeyboardInterrupt(), *[OSError()] * 100)
        with pytest.raises(KeyboardInterrupt):
            run_without_timeout(asynchronously, store, "msg_1", handler, [])
        assert store.claim("clerk:msg_1", "another", 60) is Outcome.IN_PROGRESS

    def test_does_not_run_its_work_again_in_the_documented_fallback(self, asynchronously, handler, pauses):
        calls = []
        try:
            run(asynchronously, Failing(*[OSError()] * 100), "msg_1", handler, calls)
        except StoreError as error:
            if not error.handled:
                calls.append("again")
        assert calls == ["msg_1"]


def run_without_timeout(asynchronously, store, message, handler, *args):
    """As run(), but the event loop does not see the interrupt in a task that is waited for."""
    if asynchronously:
        return asyncio.run(AsyncOnce(store).run(message, handler, *args))
    return Once(store).run(message, handler, *args)


class TestStoreErrorsThatAreNotOfThisMessage:
    @both
    def test_a_store_that_is_unavailable_before_the_handler_reports_the_message_as_not_handled(self, asynchronously):
        with pytest.raises(StoreError) as caught:
            run(asynchronously, Broken(), "msg_1", pytest.fail)
        assert not caught.value.handled

    @both
    def test_a_store_error_about_another_message_does_not_report_this_message_as_handled(self, asynchronously, pauses):
        inner, store = Once(Failing(*[OSError()] * 100)), MemoryStore()
        with pytest.raises(StoreError) as caught:
            run(asynchronously, store, "msg_1", lambda _: inner.run("msg_2", lambda _: None))
        assert not caught.value.handled
        assert run(asynchronously, store, "msg_1", lambda _: None) is Outcome.HANDLED

    def test_a_store_error_about_another_message_in_an_asynchronous_handler_does_not_either(self, pauses):
        inner, store = AsyncOnce(Failing(*[OSError()] * 100)), MemoryStore()

        async def handle(_):
            await inner.run("msg_2", lambda _: None)

        with pytest.raises(StoreError) as caught:
            run(True, store, "msg_1", handle)
        assert not caught.value.handled
        assert run(True, store, "msg_1", lambda _: None) is Outcome.HANDLED


class TestLeasesInABusyPool:
    def test_a_plain_handlers_lease_starts_when_it_runs(self):
        """With one thread, each message is claimed only when all earlier ones are done."""
        store, steps, handled = Recording(), [], []

        async def main():
            with ThreadPoolExecutor(1) as executor:
                asyncio.get_running_loop().set_default_executor(executor)
                once = AsyncOnce(store)
                return await asyncio.gather(*[once.run(f"msg_{number}", handled.append) for number in range(40)])

        assert asyncio.run(main()) == [Outcome.HANDLED] * 40
        steps = [(call[0], call[1]) for call in store.calls]
        assert steps == [(step, f"clerk:{message}") for message in handled for step in ("claim", "complete")]

    def test_of_two_machines_with_busy_pools_one_handles_each_message(self):
        """The leases are as long as a few handlers: far less than the last message waits for a thread."""
        store, handled = MemoryStore(), []

        def handle(message):
            time.sleep(0.01)
            handled.append(message)

        async def machine():
            with ThreadPoolExecutor(2) as executor:
                asyncio.get_running_loop().set_default_executor(executor)
                once = AsyncOnce(store, lease=0.1)
                return await asyncio.gather(*[once.run(f"msg_{number}", handle) for number in range(40)])

        machines = [threading.Thread(target=asyncio.run, args=(machine(),)) for _ in range(2)]
        for each in machines:
            each.start()
        for each in machines:
            each.join()
        assert sorted(handled) == sorted(f"msg_{number}" for number in range(40))


def key_of(namespace, message):
    store = Recording()
    Once(store, namespace=namespace).run(message, lambda _: None)
    return store.calls[0][1]


encodable = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


IMPOSSIBLE = {
    "a surrogate": ("msg_\ud800", ValueError, "must not contain surrogates"),
    "a surrogate pair": ("\ud83d\ude00", ValueError, "must not contain surrogates"),
    "too long": ("a" * 1001, ValueError, "at most 1,000 characters"),
    "too long as encoded": ("\u6f22" * 112, ValueError, "at most 1,000 characters"),
}


class TestKeys:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (("clerk", "eu:msg_1"), ("clerk:eu", "msg_1")), (("", "a:b"), ("a", "b")), ((":", "a"), ("", ":a")),
            (("a:", "b"), ("a", ":b")), (("", ":"), (":", "")), (("a", "b%3Ac"), ("a%3Ab", "c")),
            (("a", "b%3A"), ("a", "b:")), (("", "msg_1"), ("clerk", "msg_1")), (("a", "B"), ("a", "b")),
            (("a", "b "), ("a", "b")), (("a", "\u00e9"), ("a", "e\u0301")),
        ],
        ids=repr,
    )  # fmt: skip
    def test_a_namespace_and_an_id_have_a_key_of_their_own(self, one, other):
        assert key_of(one[0], one[1] or "x") != key_of(other[0], other[1] or "x")

    @given(encodable, encodable.filter(bool), encodable, encodable.filter(bool))
    def test_keys_are_the_same_only_if_namespace_and_id_are(self, namespace, message, another, other):
        assert (key_of(namespace, message) == key_of(another, other)) == ((namespace, message) == (another, other))
        assert key_of(namespace, message).isascii()

    @pytest.mark.parametrize(
        "message", ["msg_1", "\0", "msg 1", "\u6f22", "\U0001f600", "%" * 256, "a" * 1000, "A" * 1000]
    )
    @pytest.mark.parametrize(
        "kind",
        ["memory", "sqlite", "valkey", pytest.param("redis_6", marks=pytest.mark.slow), "postgres"],
    )
    def test_every_store_can_store_every_key(self, kind, message, request, tmp_path):
        if kind == "memory":
            store = MemoryStore()
        elif kind == "sqlite":
            store = SQLiteStore(tmp_path / "handled.db")
        elif kind == "postgres":
            store = stores.postgres_store(request.getfixturevalue("uri"))
        else:
            store = RedisStore(request.getfixturevalue(kind).client())
        once = Once(store, namespace="n\0:" + "a" * 990)
        assert once.run(message, lambda _: None) is Outcome.HANDLED
        assert once.run(message, lambda _: None) is Outcome.DUPLICATE
        once.forget(message)
        assert once.run(message, lambda _: None) is Outcome.HANDLED

    @pytest.mark.parametrize(
        ("message", "error", "match"),
        [
            *IMPOSSIBLE.values(),
            ("", ValueError, "must not be an empty"),
            (None, TypeError, "not NoneType"),
            (b"msg_1", TypeError, "not bytes"),
            ({"message_id": "msg_1"}, TypeError, "not dict"),
        ],
        ids=[*IMPOSSIBLE, "empty", "None", "bytes", "dict"],
    )
    @pytest.mark.parametrize("method", ["run", "mark", "forget", "AsyncOnce.run", "AsyncOnce.forget"])
    def test_an_id_that_a_store_cannot_store_is_rejected_before_anything_is_claimed(
        self, method, message, error, match
    ):
        store = Recording()
        calls = {
            "run": lambda: Once(store).run(message, pytest.fail),
            "mark": lambda: Once(store).mark(None, message),
            "forget": lambda: Once(store).forget(message),
            "AsyncOnce.run": lambda: asyncio.run(AsyncOnce(store).run(message, pytest.fail)),
            "AsyncOnce.forget": lambda: asyncio.run(AsyncOnce(store).forget(message)),
        }
        with pytest.raises(error, match=match) as caught:
            calls[method]()
        assert type(caught.value) is error
        assert store.calls == []

    @pytest.mark.parametrize("kind", [Once, AsyncOnce])
    @pytest.mark.parametrize(
        ("namespace", "error", "match"),
        [*IMPOSSIBLE.values(), (b"clerk", TypeError, "not bytes"), (None, TypeError, "not NoneType")],
        ids=[*IMPOSSIBLE, "bytes", "None"],
    )
    def test_a_namespace_that_a_store_cannot_store_is_rejected_at_construction(self, kind, namespace, error, match):
        with pytest.raises(error, match=f"^namespace must .*{match.removeprefix('must ')}") as caught:
            kind(MemoryStore(), namespace=namespace)
        assert type(caught.value) is error

    def test_redis_keys_of_the_application_are_not_changed(self, valkey):
        client = valkey.client()
        client.flushall()
        own = {"clerk:msg_1": b"mine", ":msg_1": b"mine", "msg_1": b"done"}
        client.mset(own)
        for namespace in ("clerk", ""):
            once = Once(RedisStore(client), namespace=namespace)
            assert once.run("msg_1", lambda _: None) is Outcome.HANDLED
            once.forget("msg_1")
        assert {name.decode(): client.get(name) for name in client.keys("*")} == own


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

    def test_check_store_rejects_a_store_that_forgets_at_once(self):
        with pytest.raises(AssertionError, match="must be IN_PROGRESS"):
            check_store(_Forgetful)

    @pytest.mark.parametrize("step", ["complete", "release"])
    def test_check_store_rejects_a_store_that_ignores_the_owner(self, step):
        store = MemoryStore()
        broken = MemoryStore()
        vars(broken).update(vars(store))
        if step == "complete":
            broken.complete = lambda key, owner, retention: True
        else:
            broken.release = lambda key, owner: store.forget(key)
        with pytest.raises(AssertionError, match="breaks its contract"):
            check_store(lambda: broken)

    @pytest.mark.parametrize("change", [str.lower, lambda key: key[:255]], ids=["ignores case", "cuts keys"])
    def test_a_store_that_confuses_keys_breaks_it(self, change):
        class Careless(MemoryStore):
            def claim(self, key, *arguments):
                return super().claim(change(key), *arguments)

        store = Careless()
        with pytest.raises(AssertionError, match="keys of 2,001 characters that differ in case"):
            check_store(lambda: store)

    def test_check_store_raises_the_error_of_make_store(self):
        stores = [MemoryStore()] * 5  # one to start with, one more, and three of the eight of the threads

        def make_store():
            if not stores:
                raise RuntimeError("no more connections")
            return stores.pop()

        with pytest.raises(RuntimeError, match="no more connections"):
            check_store(make_store)


class _Forgetful(MemoryStore):
    def claim(self, key, owner, lease):
        return None


class TestMemoryStore:
    def test_a_lease_and_a_retention_end_to_the_second(self, monkeypatch):
        store, clock = MemoryStore(), [100.0]
        monkeypatch.setattr("time.monotonic", lambda: clock[0])
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
    def test_only_its_owner_can_read_the_file(self, tmp_path):
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

    @pytest.mark.parametrize(
        "path",
        ["", ":memory:", "file::memory:", "file::memory:?cache=shared", "file:x?mode=memory", "file:x.db", b":memory:"],
    )
    def test_a_path_that_is_not_a_file_is_rejected_at_construction(self, path):
        with pytest.raises(ValueError, match=r"path must be a file.*use MemoryStore\(\)"):
            SQLiteStore(path)
        if path:
            with pytest.raises(ValueError, match=r"use MemoryStore\(\)"):
                SQLiteStore(Path(os.fsdecode(path)))

    def test_a_symbolic_link_to_a_file_that_does_not_exist_yet_is_followed(self, tmp_path):
        (tmp_path / "link.db").symlink_to(tmp_path / "handled.db")
        store = SQLiteStore(tmp_path / "link.db")
        assert store.claim("a", "b", 60) is None
        assert stat.S_IMODE((tmp_path / "handled.db").stat().st_mode) == 0o600
        assert SQLiteStore(tmp_path / "handled.db").claim("a", "c", 60) is Outcome.IN_PROGRESS

    @pytest.mark.parametrize("link", ["file", "folder", "chain"])
    def test_all_paths_of_a_file_are_one_store_and_a_link_is_resolved_once(self, tmp_path, link):
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
        place = tmp_path / "link" / "handled.db" if link == "folder" else tmp_path / "link"
        target = "one" if link == "folder" else "one/handled.db"
        if link == "chain":
            (tmp_path / "middle").symlink_to(tmp_path / "one" / "handled.db")
            target = "middle"
        (tmp_path / "link").symlink_to(tmp_path / target)
        store = SQLiteStore(place)
        assert store.claim("a", "b", 60) is None
        store.close()
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to(tmp_path / target.replace("one", "two"))
        assert store.claim("a", "c", 60) is Outcome.IN_PROGRESS
        assert SQLiteStore(tmp_path / "one" / "handled.db").claim("a", "c", 60) is Outcome.IN_PROGRESS

    def test_a_relative_path_is_resolved_once(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        store = SQLiteStore("handled.db")
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert store.claim("a", "b", 60) is None
        assert (tmp_path / "handled.db").exists()

    def test_a_link_to_itself_is_a_store_error(self, tmp_path):
        (tmp_path / "loop.db").symlink_to(tmp_path / "loop.db")
        with pytest.raises(StoreError):
            SQLiteStore(tmp_path / "loop.db").claim("a", "b", 60)

    @pytest.mark.parametrize("trigger", ["INSERT", "UPDATE"])
    def test_a_claim_that_changes_no_row_is_not_obtained(self, tmp_path, trigger):
        """Nothing prevents it, and yet nothing was written: if the message were handled, another could have it too."""
        store = SQLiteStore(tmp_path / "handled.db")
        for number in range(8):
            store.claim(f"another {number}", "b", 60)
        if trigger == "UPDATE":
            store.claim("clerk:msg_1", "crashed", 1e-9)
        once = Once(SQLiteStore(tmp_path / "handled.db"))  # removes expired rows among the first eight only
        with contextlib.closing(sqlite3.connect(tmp_path / "handled.db")) as other:
            other.execute(f"CREATE TRIGGER t BEFORE {trigger} ON clerk_webhook_once BEGIN SELECT RAISE(IGNORE); END")
            assert once.run("msg_1", pytest.fail) is Outcome.IN_PROGRESS
            assert once.mark(other, "msg_1") is Outcome.IN_PROGRESS

    def test_a_claim_before_a_restart_of_the_machine_is_void(self, tmp_path, monkeypatch):
        store = SQLiteStore(tmp_path / "handled.db")
        monkeypatch.setattr("time.monotonic", lambda: 1000.0)
        assert store.claim("a", "b", 60) is None
        assert store.claim("a", "c", 60) is Outcome.IN_PROGRESS
        monkeypatch.setattr("time.monotonic", lambda: 5.0)
        assert store.claim("a", "c", 60) is None

    def test_what_cannot_be_opened_is_a_store_error_with_its_cause(self, tmp_path):
        (tmp_path / "corrupt.db").write_bytes(b"not a database" * 100)
        for path in (tmp_path, tmp_path / "corrupt.db", tmp_path / "no" / "such" / "folder"):
            with pytest.raises(StoreError, match="is unavailable") as caught:
                SQLiteStore(path).claim("a", "b", 1)
            assert isinstance(caught.value.__cause__, sqlite3.Error | OSError)

    def test_it_goes_on_after_an_error(self, tmp_path):
        store = SQLiteStore(tmp_path / "handled.db")
        store.claim("a", "b", 60)
        other = sqlite3.connect(tmp_path / "handled.db")
        for breaks, repairs in (
            ("ALTER TABLE clerk_webhook_once RENAME TO away", "ALTER TABLE away RENAME TO clerk_webhook_once"),
            (
                "CREATE TRIGGER t BEFORE INSERT ON clerk_webhook_once BEGIN SELECT RAISE(FAIL, 'no'); END",
                "DROP TRIGGER t",
            ),
        ):
            other.execute(breaks)
            with pytest.raises(StoreError):
                store.claim("b", "b", 60)
            other.execute(repairs)
        other.close()
        assert store.claim("b", "b", 60) is None

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no timer that sends a signal")
    def test_a_signal_handler_that_raises_during_a_claim_leaves_no_transaction_open(self, tmp_path):
        def expire(*_):
            raise ZeroDivisionError

        store = SQLiteStore(tmp_path / "handled.db")
        store.claim("a", "b", 60)
        writer = sqlite3.connect(tmp_path / "handled.db", isolation_level=None, check_same_thread=False)
        writer.execute("BEGIN IMMEDIATE")
        end = threading.Timer(0.1, writer.rollback)
        end.start()
        previous = signal.signal(signal.SIGALRM, expire)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.02)  # while the claim waits for the writer
            with pytest.raises(ZeroDivisionError):
                store.claim("b", "b", 60)
        finally:
            signal.signal(signal.SIGALRM, previous)
            end.join()
        writer.execute("BEGIN IMMEDIATE")
        writer.close()
        assert store.claim("b", "b", 60) is None

    def test_a_new_file_that_others_open_at_the_same_moment_is_waited_for(self, tmp_path, monkeypatch):
        """SQLite ignores its timeout if two connections change a file's mode; the fault tests cause this race."""
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
    def test_a_sqlite_store_can_be_used_after_a_fork(self, tmp_path):
        store = SQLiteStore(tmp_path / "handled.db")
        store.claim("a", "parent", 60)
        child = os.fork()
        if not child:
            os._exit(0 if store.claim("a", "child", 60) is Outcome.IN_PROGRESS else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.complete("a", "parent", 60)

    def test_another_process_opens_the_file_again(self, tmp_path, monkeypatch):
        store = SQLiteStore(tmp_path / "handled.db")
        store.claim("a", "parent", 60)
        monkeypatch.setattr(os, "getpid", lambda: -1)
        assert store.claim("a", "child", 60) is Outcome.IN_PROGRESS


DAY = 86_400


class TestClocksOfSQLite:
    @pytest.fixture
    def clocks(self, monkeypatch):
        clocks = Double(wall=1_800_000_000.0, uptime=5000.0)
        monkeypatch.setattr("time.time", lambda: clocks.wall)
        monkeypatch.setattr("time.monotonic", lambda: clocks.uptime)
        return clocks

    def handled(self, tmp_path, number=30):
        """A store in which so many messages are done for a week."""
        store = SQLiteStore(tmp_path / "handled.db")
        for each in range(number):
            assert store.claim(f"done {each:02}", "a", 60) is None
            assert store.complete(f"done {each:02}", "a", 7 * DAY)
        return store

    def outcomes(self, store):
        return {store.claim(f"done {each:02}", "b", 60) for each in range(30)}

    @pytest.mark.parametrize("ahead", [8 * DAY, 365 * DAY, -365 * DAY], ids=lambda seconds: f"{seconds // DAY} days")
    @pytest.mark.parametrize("who", ["the same store", "another store", "a transaction"])
    def test_a_system_clock_that_is_wrong_for_a_while_forgets_no_message(self, clocks, tmp_path, ahead, who):
        store = self.handled(tmp_path)
        other = store if who == "the same store" else SQLiteStore(tmp_path / "handled.db")
        clocks.wall += ahead
        for each in range(30):  # more than enough for a sweep of the complete table
            if who == "a transaction":
                with contextlib.closing(sqlite3.connect(tmp_path / "handled.db")) as connection, connection:
                    assert other.mark(connection, f"done {each:02}", 7 * DAY) is Outcome.DUPLICATE
            else:
                assert other.claim(f"new {each:02}", "b", 60) is None
                assert other.claim(f"done {each:02}", "b", 60) is Outcome.DUPLICATE
        clocks.wall -= ahead
        assert self.outcomes(store) == {Outcome.DUPLICATE}

    def test_a_wrong_system_clock_in_another_process_forgets_no_message(self, tmp_path):
        store = self.handled(tmp_path)
        program = f"""
import time
ahead = time.time() + 30 * 86_400
time.time = lambda: ahead
from clerk_webhook_verify.idempotency import SQLiteStore
store = SQLiteStore({str(tmp_path / "handled.db")!r})
for each in range(30):
    assert store.claim(f"new {{each}}", "b", 60) is None
"""
        subprocess.run([sys.executable, "-c", program], check=True)
        assert self.outcomes(store) == {Outcome.DUPLICATE}

    @pytest.mark.parametrize("ahead", [8 * DAY, -8 * DAY], ids=["ahead", "behind"])
    def test_a_system_clock_that_is_wrong_for_a_while_ends_no_lease(self, clocks, tmp_path, ahead):
        store = SQLiteStore(tmp_path / "handled.db")
        assert store.claim("running", "a", 60) is None
        clocks.wall += ahead
        for each in range(10):
            store.claim(f"new {each}", "b", 60)
        assert store.claim("running", "b", 60) is Outcome.IN_PROGRESS

    def test_a_message_that_was_marked_done_while_the_clock_was_behind_is_remembered_for_its_retention(
        self, clocks, tmp_path
    ):
        clocks.wall -= 365 * DAY
        store = self.handled(tmp_path)
        clocks.wall += 365 * DAY
        assert self.outcomes(store) == {Outcome.DUPLICATE}
        clocks.uptime += 7 * DAY
        clocks.wall += 7 * DAY
        assert self.outcomes(store) == {None}

    def test_a_message_is_forgotten_when_both_clocks_have_passed_its_retention(self, clocks, tmp_path):
        store = self.handled(tmp_path)
        clocks.wall += 7 * DAY
        clocks.uptime += 7 * DAY - 1
        assert self.outcomes(store) == {Outcome.DUPLICATE}
        clocks.wall -= 1
        clocks.uptime += 1
        assert self.outcomes(store) == {Outcome.DUPLICATE}
        clocks.wall += 1
        assert self.outcomes(store) == {None}

    def test_its_row_is_removed_when_both_clocks_have_passed_its_retention(self, clocks, tmp_path):
        store = self.handled(tmp_path)
        clocks.wall, clocks.uptime = clocks.wall + 7 * DAY, clocks.uptime + 7 * DAY
        for each in range(30):
            store.claim(f"new {each}", "b", 60)
        with contextlib.closing(sqlite3.connect(tmp_path / "handled.db")) as rows:
            assert rows.execute("SELECT count(*) FROM clerk_webhook_once WHERE key LIKE 'done%'").fetchone() == (0,)

    def test_after_a_restart_of_the_machine_only_the_system_clock_counts(self, clocks, tmp_path):
        store = self.handled(tmp_path)
        clocks.wall, clocks.uptime = clocks.wall + 7 * DAY - 1, 60.0
        assert self.outcomes(store) == {Outcome.DUPLICATE}
        clocks.wall += 1
        assert self.outcomes(store) == {None}


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

    @pytest.mark.parametrize(("stored", "reason"), NOT_HANDLED, ids=lambda each: each)
    def test_a_message_that_is_not_marked_leaves_one_info_record(self, once, path, stored, reason, caplog):
        store = SQLiteStore(path)
        store.claim("clerk:msg_1", "owner", 60)
        if stored == "duplicate":
            store.complete("clerk:msg_1", "owner", 60)
        with caplog.at_level(logging.INFO, "clerk_webhook_verify"):
            assert self.handle(once, path).value == stored
        (record,) = caplog.records
        assert (record.levelname, record.getMessage()) == ("INFO", f"{stored}: 'clerk:msg_1' {reason}")
        assert (record.code, record.key, record.message_id) == (stored, "clerk:msg_1", "msg_1")

    def test_a_connection_that_commits_each_statement_is_rejected(self, once, path):
        connection = sqlite3.connect(path, isolation_level=None)
        with pytest.raises(TypeError, match="begin a transaction"):
            once.mark(connection, "msg_1")
        connection.close()

    def test_a_second_mark_waits_and_then_reports_a_busy_database(self, once, path):
        first, second = sqlite3.connect(path), sqlite3.connect(path, timeout=0.05)
        assert once.mark(first, "msg_1") is Outcome.HANDLED
        with pytest.raises(StoreError, match="locked"):
            once.mark(second, "msg_1")
        first.commit()
        assert once.mark(second, "msg_1") is Outcome.DUPLICATE
        first.close()
        second.close()

    def test_a_claim_that_is_made_while_the_marker_waits_is_in_progress(self, once, path):
        """Its time is later than the one at which the marker began to wait, which does not mean a restart."""

        class Late(sqlite3.Connection):
            waited = False

            def execute(self, *arguments):
                if not self.waited:
                    self.waited = True
                    assert SQLiteStore(path).claim("clerk:msg_1", "meanwhile", 60) is None
                return super().execute(*arguments)

        SQLiteStore(path).claim("so that the table exists", "a", 60)
        with contextlib.closing(sqlite3.connect(path, factory=Late)) as connection:
            assert once.mark(connection, "msg_1") is Outcome.IN_PROGRESS

    def test_a_connection_whose_rows_are_dictionaries_can_be_used(self, once, path):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.row_factory = lambda cursor, row: {"unexpected": row}
            assert once.mark(connection, "msg_1") is Outcome.HANDLED
            assert once.mark(connection, "msg_1") is Outcome.DUPLICATE
            assert once.mark(connection, "msg_2") is Outcome.HANDLED

    @pytest.mark.parametrize("store", [MemoryStore()])
    def test_a_store_without_transactions_shares_none(self, store):
        with pytest.raises(TypeError, match="MemoryStore has no transactions"):
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

    def test_a_connection_whose_rows_are_dictionaries_can_be_used(self, once, connect):
        from psycopg.rows import dict_row

        connection = connect(row_factory=dict_row)
        assert once.mark(connection, "msg_6") is Outcome.HANDLED
        connection.commit()
        assert once.mark(connection, "msg_6") is Outcome.DUPLICATE
        connection.rollback()
        assert once.run("msg_7", lambda _: self._is_in_progress(once, connection)) is Outcome.HANDLED

    def _is_in_progress(self, once, connection):
        assert once.mark(connection, "msg_7") is Outcome.IN_PROGRESS
        connection.rollback()

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

    def test_autocommit_is_rejected_outside_of_a_transaction(self, once, connect):
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

    def test_a_claim_that_waits_for_another_transaction_keeps_no_expired_row_locked(self, uri):
        import psycopg

        store = stores.postgres_store(uri)
        store.claim("expired", "x", 1e-6)
        with psycopg.connect(uri) as marking, psycopg.connect(uri, autocommit=True) as watching:
            assert Once(store).mark(marking, "msg_8") is Outcome.HANDLED
            waiting = threading.Thread(target=stores.postgres_store(uri).claim, args=("clerk:msg_8", "x", 60))
            waiting.start()  # its first claim removes expired rows
            deadline = time.monotonic() + 10
            while not watching.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                assert time.monotonic() < deadline, "the claim did not wait for the mark"
            watching.execute("SET lock_timeout = '5s'")
            other = PostgresStore(lambda: contextlib.nullcontext(watching))
            assert other.claim("expired", "y", 60) is None
        waiting.join()

    def test_an_unavailable_postgres_or_a_missing_table_is_a_store_error(self, uri):
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

    def test_a_postgres_store_needs_a_function_that_connects(self):
        with pytest.raises(TypeError, match="must be callable"):
            PostgresStore("postgresql://localhost")

    @pytest.mark.parametrize("password", ["pa55%word", "pa55 word", "pa55@[word"])
    def test_a_malformed_connection_string_is_a_store_error_that_does_not_show_the_password(self, password):
        import psycopg

        store = PostgresStore(functools.partial(psycopg.connect, f"postgresql://user:{password}@localhost/app"))
        with pytest.raises(StoreError, match="percent-encode") as caught:
            store.claim("a", "b", 1)
        assert "pa55" not in "".join(traceback.format_exception(caught.value))

    def test_an_asynchronous_connection_is_rejected(self):
        import psycopg

        connect = functools.partial(psycopg.AsyncConnection.connect, "postgresql://localhost")
        with pytest.raises(TypeError, match="must not be asynchronous"):
            PostgresStore(connect)
        connection = object.__new__(psycopg.AsyncConnection)
        with pytest.raises(TypeError, match=r"must be a psycopg\.Connection, not AsyncConnection"):
            Once(PostgresStore(psycopg.connect)).mark(connection, "msg_1")


CALLS = {
    "claim": lambda store: store.claim("a", "b", 1),
    "complete": lambda store: store.complete("a", "b", 1),
    "release": lambda store: store.release("a", "b"),
    "forget": lambda store: store.forget("a"),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
each_library = pytest.mark.parametrize(("library", "name"), [("redis", "Redis"), ("valkey", "Valkey")])


def unreachable(library: str, name: str):
    """A client that fails immediately, instead of retrying for seconds."""
    module, retry = importlib.import_module(library), importlib.import_module(f"{library}.retry")
    no_backoff = importlib.import_module(f"{library}.backoff").NoBackoff()
    return getattr(module, name)(port=free_port(), retry=retry.Retry(no_backoff, 0))


def test_any_error_is_raised_unchanged_if_no_client_library_is_loaded(monkeypatch):
    for name in ("redis.exceptions", "valkey.exceptions", "psycopg"):
        monkeypatch.setitem(sys.modules, name, None)
    client = Double(register_script=lambda script: None, delete=raises(KeyError("REDIS_URL")))
    for store in (RedisStore(client), PostgresStore(raises(KeyError("DATABASE_URL")))):
        with pytest.raises(KeyError, match="_URL"):
            store.forget("a")


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

    def test_a_redis_store_needs_a_synchronous_client(self):
        import redis.asyncio

        for client in ("redis://localhost", redis.asyncio.Redis()):
            with pytest.raises(TypeError, match=r"must be a redis.Redis"):
                RedisStore(client)
