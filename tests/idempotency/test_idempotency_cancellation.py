"""A cancellation never separates a handler from its mark: it is marked done if it ended, and otherwise released."""

import asyncio
import contextlib
import functools
import gc
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import StreamingResponse
from starlette.routing import Route

from clerk_webhook_verify.errors import StoreError
from clerk_webhook_verify.events import UserCreated
from clerk_webhook_verify.idempotency import AsyncOnce, MemoryStore, Once, Outcome
from clerk_webhook_verify.routing import AsyncRouter, Router
from clerk_webhook_verify.testing import make_event

TIMEOUT = 30  # seconds, if something hangs


class Gate:
    """A place in a thread: the test waits until the thread is there, and then lets it go on."""

    def __init__(self) -> None:
        self._arrived, self._open = threading.Event(), threading.Event()
        self.passed = threading.Event()

    def pass_through(self) -> None:
        self._arrived.set()
        assert self._open.wait(TIMEOUT)
        self.passed.set()

    async def arrived(self) -> None:
        await asyncio.sleep(0.001)
        while not self._arrived.is_set():
            await asyncio.sleep(0.001)

    def open(self) -> None:
        self._open.set()


class Gated(MemoryStore):
    """A store that stops in one of its methods, before or after its work, and notes its calls."""

    def __init__(self, method: str = "", *, after: bool = False) -> None:
        super().__init__()
        self.gate, self.calls, self._method, self._after = Gate(), [], method, after

    def _call(self, name, *arguments):
        self.calls.append(name)
        if name == self._method and not self._after:
            self.gate.pass_through()
        result = getattr(super(), name)(*arguments)
        if name == self._method and self._after:
            self.gate.pass_through()
        return result

    def claim(self, *arguments):
        return self._call("claim", *arguments)

    def complete(self, *arguments):
        return self._call("complete", *arguments)

    def release(self, *arguments):
        return self._call("release", *arguments)

    def forget(self, *arguments):
        return self._call("forget", *arguments)


def outcome_now(store: MemoryStore) -> Outcome | None:
    """Return the claim on msg_1 as another worker sees it: None if it is free."""
    return MemoryStore.claim(store, "clerk:msg_1", "another", 60)


def in_a_router(handler):
    router = AsyncRouter()
    router.on(UserCreated)(handler)
    return router


def in_nested_routers(handler):
    plain, router, outer = Router(), AsyncRouter(), AsyncRouter()
    plain.fallback(handler)
    router.fallback(plain)
    outer.fallback(router)
    return outer


class DerivedRouter(AsyncRouter):
    pass


def in_a_derived_router(handler):
    router = DerivedRouter()
    router.fallback(handler)
    return router


async def cancel_in(waiting, gate: Gate, times: int = 1) -> str:
    """Cancel *waiting* while a thread is at the gate, then open it; return how the wait ended."""
    task = asyncio.ensure_future(waiting)
    await gate.arrived()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done(), "the cancellation was raised before the thread ended"
    gate.open()
    try:
        await asyncio.wait_for(asyncio.shield(task), TIMEOUT)
    except asyncio.CancelledError:
        assert gate.passed.is_set()
        return "cancelled"
    return "ended"


class TestAsyncio:
    @pytest.fixture(params=["with anyio", "without anyio"], autouse=True)
    def _with_and_without_anyio(self, request, monkeypatch):
        if request.param == "without anyio":
            monkeypatch.setitem(sys.modules, "anyio", None)

    @pytest.mark.parametrize("times", [1, 2, 50])
    def test_a_plain_handler_runs_to_its_end_and_is_marked_done(self, times):
        store, gate = Gated(), Gate()

        def handle(_):
            gate.pass_through()

        assert asyncio.run(cancel_in(AsyncOnce(store).run("msg_1", handle), gate, times)) == "cancelled"
        assert store.calls == ["claim", "complete"]
        assert outcome_now(store) is Outcome.DUPLICATE

    @pytest.mark.parametrize("error", [ZeroDivisionError, StopIteration, StoreError("away")], ids=repr)
    @pytest.mark.parametrize("times", [1, 50])
    @pytest.mark.slow
    def test_a_plain_handler_that_fails_is_released(self, error, times, caplog):
        store, gate = Gated(), Gate()

        def handle(_):
            gate.pass_through()
            raise error

        assert asyncio.run(cancel_in(AsyncOnce(store).run("msg_1", handle), gate, times)) == "cancelled"
        assert store.calls == ["claim", "release"]
        assert outcome_now(store) is None
        gc.collect()
        assert not caplog.records, "asyncio reports an exception that was never retrieved"

    @pytest.mark.parametrize("route", [in_a_router, in_nested_routers, in_a_derived_router])
    def test_a_plain_handler_of_an_async_router_runs_to_its_end_and_is_marked_done(self, route):
        store, gate = Gated(), Gate()
        event, router = make_event(UserCreated, message_id="msg_1"), route(lambda _: gate.pass_through())
        running = AsyncOnce(store).run(event, router)
        assert asyncio.run(cancel_in(running, gate)) == "cancelled"
        assert store.calls == ["claim", "complete"]
        assert outcome_now(store) is Outcome.DUPLICATE

    def test_an_async_handler_of_an_async_router_is_cancelled_and_released(self):
        store, steps = Gated(), []

        async def handle(_):
            steps.append("begun")
            await asyncio.sleep(TIMEOUT)

        async def main():
            event = make_event(UserCreated, message_id="msg_1")
            task = asyncio.ensure_future(AsyncOnce(store).run(event, in_a_router(handle)))
            while not steps:
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            return task.cancelled()

        assert asyncio.run(main())
        assert store.calls == ["claim", "release"]

    def test_a_handler_that_waits_for_a_thread_is_handled_when_it_gets_one(self):
        """The client that hung up retries, and finds a duplicate: a full queue would never get shorter otherwise."""
        store, gate, handled = Gated(), Gate(), []

        async def main():
            with ThreadPoolExecutor(1) as executor:
                loop = asyncio.get_running_loop()
                loop.set_default_executor(executor)
                occupied = loop.run_in_executor(None, gate.pass_through)
                waiting = cancel_in(AsyncOnce(store).run("msg_1", handled.append), gate)
                return await waiting, await occupied

        assert asyncio.run(main())[0] == "cancelled"
        assert (handled, outcome_now(store)) == (["msg_1"], Outcome.DUPLICATE)

    def test_an_asynchronous_handler_is_cancelled_and_released(self):
        store, steps = Gated(), []

        async def handle(_):
            steps.append("begun")
            await asyncio.sleep(TIMEOUT)
            steps.append("ended")

        async def main():
            task = asyncio.ensure_future(AsyncOnce(store).run("msg_1", handle))
            while not steps:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert (steps, store.calls) == (["begun"], ["claim", "release"])
        assert outcome_now(store) is None

    def test_an_asynchronous_handler_that_ends_in_spite_of_it_is_marked_done(self):
        store, begun = Gated(), []

        async def handle(_):
            begun.append(True)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(TIMEOUT)

        async def main():
            task = asyncio.ensure_future(AsyncOnce(store).run("msg_1", handle))
            while not begun:
                await asyncio.sleep(0)
            task.cancel()
            return await task

        assert asyncio.run(main()) is Outcome.HANDLED
        assert outcome_now(store) is Outcome.DUPLICATE

    @pytest.mark.parametrize("after", [False, True], ids=["before it is stored", "after it was stored"])
    @pytest.mark.parametrize("times", [1, 50])
    @pytest.mark.slow
    def test_a_cancellation_during_the_claim_releases_it_and_an_asynchronous_handler_does_not_begin(self, times, after):
        store = Gated("claim", after=after)

        async def handle(_):
            pytest.fail("it was run")

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for handler in (handle, functools.partial(handle), lambda message: handle(message)):
                store.__init__("claim", after=after)
                waiting = AsyncOnce(store).run("msg_1", handler)
                assert asyncio.run(cancel_in(waiting, store.gate, times)) == "cancelled"
                assert store.calls == ["claim", "release"]
                assert outcome_now(store) is None
            gc.collect()
        assert not caught, "a coroutine was never awaited"

    def test_a_cancellation_during_the_claim_releases_it_if_the_handler_returned_another_awaitable(self):
        class Later:
            def __await__(self):
                pytest.fail("it was awaited")

        store = Gated("claim")
        assert asyncio.run(cancel_in(AsyncOnce(store).run("msg_1", lambda _: Later()), store.gate)) == "cancelled"
        assert store.calls == ["claim", "release"]

    def test_a_cancellation_during_the_claim_of_a_plain_handler_does_not_prevent_it(self):
        store, handled = Gated("claim"), []
        assert asyncio.run(cancel_in(AsyncOnce(store).run("msg_1", handled.append), store.gate)) == "cancelled"
        assert (handled, outcome_now(store)) == (["msg_1"], Outcome.DUPLICATE)

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_a_cancellation_during_a_claim_that_is_not_obtained_releases_nothing(self, asynchronous):
        store = Gated("claim")
        MemoryStore.claim(store, "clerk:msg_1", "first", 60)

        async def handle(_):
            pytest.fail("it was run")

        waiting = AsyncOnce(store).run("msg_1", handle if asynchronous else pytest.fail)
        assert asyncio.run(cancel_in(waiting, store.gate)) == "cancelled"
        assert store.calls == ["claim"]
        assert outcome_now(store) is Outcome.IN_PROGRESS

    def test_a_cancellation_during_a_claim_that_fails_releases_nothing(self):
        store, gate = Gated(), Gate()

        def claim(*_):
            gate.pass_through()
            raise StoreError("away")

        store.claim = claim
        assert asyncio.run(cancel_in(AsyncOnce(store).run("msg_1", pytest.fail), gate)) == "cancelled"
        assert store.calls == []

    @pytest.mark.parametrize("after", [False, True], ids=["before it is stored", "after it was stored"])
    @pytest.mark.parametrize("asynchronous", [True, False])
    @pytest.mark.parametrize("times", [1, 50])
    def test_a_cancellation_while_a_message_is_marked_done_does_not_prevent_the_mark(self, times, asynchronous, after):
        store, handled = Gated("complete", after=after), []

        async def handle(message):
            handled.append(message)

        waiting = AsyncOnce(store).run("msg_1", handle if asynchronous else handled.append)
        assert asyncio.run(cancel_in(waiting, store.gate, times)) == "cancelled"
        assert (handled, store.calls) == (["msg_1"], ["claim", "complete"])
        assert outcome_now(store) is Outcome.DUPLICATE

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_a_cancellation_while_a_message_cannot_be_marked_done_leaves_a_log_record(
        self, asynchronous, monkeypatch, caplog
    ):
        """The caller gets the cancellation, so that only the log shows that the message will be handled again."""
        store = Gated("complete")

        async def handle(_):
            pass

        def fail(*_):
            store.calls.append("complete")
            store.gate.pass_through()
            raise OSError

        store.complete = fail
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
        waiting = AsyncOnce(store).run("msg_1", handle if asynchronous else lambda _: None)
        assert asyncio.run(cancel_in(waiting, store.gate)) == "cancelled"
        assert set(store.calls) == {"claim", "complete"}
        assert store.calls.count("complete") > 3
        assert [record.code for record in caplog.records] == ["complete_failed"]
        assert outcome_now(store) is Outcome.IN_PROGRESS

    @pytest.mark.parametrize("asynchronous", [True, False])
    @pytest.mark.parametrize("times", [1, 50])
    def test_a_cancellation_while_a_claim_is_released_does_not_prevent_the_release(self, times, asynchronous):
        store = Gated("release")

        async def fail(_):
            raise ZeroDivisionError

        waiting = AsyncOnce(store).run("msg_1", fail if asynchronous else lambda _: 1 / 0)
        assert asyncio.run(cancel_in(waiting, store.gate, times)) == "cancelled"
        assert outcome_now(store) is None

    def test_a_cancellation_while_a_message_is_forgotten_does_not_prevent_it(self):
        store = Gated("forget")
        Once(store).run("msg_1", lambda _: None)
        assert asyncio.run(cancel_in(AsyncOnce(store).forget("msg_1"), store.gate)) == "cancelled"
        assert outcome_now(store) is None

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_wait_for_ends_in_its_timeout_and_the_message_is_marked_done_or_released(self, asynchronous):
        store, gate = Gated(), Gate()

        async def handle(_):
            await asyncio.sleep(TIMEOUT)

        def handle_in_a_thread(_):
            gate.pass_through()

        async def main():
            asyncio.get_running_loop().call_later(0.1, gate.open)
            run = AsyncOnce(store).run("msg_1", handle if asynchronous else handle_in_a_thread)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(run, 0.02)

        asyncio.run(main())
        assert outcome_now(store) is (None if asynchronous else Outcome.DUPLICATE)

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout is new in Python 3.11")
    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_timeout_ends_in_its_timeout_and_the_message_is_marked_done_or_released(self, asynchronous):
        store, gate = Gated(), Gate()

        async def handle(_):
            await asyncio.sleep(TIMEOUT)

        def handle_in_a_thread(_):
            gate.pass_through()

        async def main():
            asyncio.get_running_loop().call_later(0.1, gate.open)
            with pytest.raises(asyncio.TimeoutError):
                async with asyncio.timeout(0.02):
                    await AsyncOnce(store).run("msg_1", handle if asynchronous else handle_in_a_thread)
            assert asyncio.current_task().cancelling() == 0

        asyncio.run(main())
        assert outcome_now(store) is (None if asynchronous else Outcome.DUPLICATE)

    def test_the_end_of_the_loop_waits_for_a_plain_handler(self):
        store, gate = Gated(), Gate()

        async def main():
            task = asyncio.ensure_future(AsyncOnce(store).run("msg_1", lambda _: gate.pass_through()))
            await gate.arrived()
            asyncio.get_running_loop().call_later(0.05, gate.open)
            return task

        assert asyncio.run(main()).cancelled()
        assert outcome_now(store) is Outcome.DUPLICATE

    def test_context_variables_reach_the_handler(self):
        from contextvars import ContextVar

        variable, seen = ContextVar("variable"), []

        async def main():
            variable.set("the caller's")
            await AsyncOnce(MemoryStore()).run("msg_1", lambda _: seen.append(variable.get()))

        asyncio.run(main())
        assert seen == ["the caller's"]


class CountingLoop(asyncio.SelectorEventLoop):
    """Count scheduled calls: anyio schedules a cancellation in each iteration of the loop until the task ends."""

    scheduled = 0

    def call_soon(self, *args, **kwargs):
        self.scheduled += 1
        return super().call_soon(*args, **kwargs)


def run_counted(main):
    loop = CountingLoop()
    try:
        loop.run_until_complete(main)
        return loop.scheduled
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def slow_store(method, seconds=0.2):
    store = MemoryStore()
    original = getattr(store, method)

    def slow(*arguments):
        time.sleep(seconds)
        return original(*arguments)

    setattr(store, method, slow)
    return store


def slow_handler(_):
    time.sleep(0.2)


async def quick_handler(_):
    pass


async def failing_handler(_):
    raise ZeroDivisionError


async def endless_handler(_):
    await asyncio.sleep(TIMEOUT)


WAITS = {
    "plain handler": (MemoryStore, slow_handler, Outcome.DUPLICATE),
    "asynchronous handler": (MemoryStore, endless_handler, None),
    "claim, plain": (lambda: slow_store("claim"), print, Outcome.DUPLICATE),
    "claim, asynchronous": (lambda: slow_store("claim"), endless_handler, None),
    "complete": (lambda: slow_store("complete"), quick_handler, Outcome.DUPLICATE),
    "release": (lambda: slow_store("release"), failing_handler, None),
    "release after the cancellation": (lambda: slow_store("release"), endless_handler, None),
}
each_wait = pytest.mark.parametrize(("make_store", "handler", "outcome"), WAITS.values(), ids=WAITS)


async def run(store, handler):
    with contextlib.suppress(ZeroDivisionError):
        await AsyncOnce(store).run("msg_1", handler)
    await anyio.sleep(0)
    pytest.fail("it was not cancelled")


class TestAnyio:
    @each_wait
    def test_an_anyio_deadline_does_not_separate_handler_and_mark_and_the_wait_is_idle(
        self, make_store, handler, outcome
    ):
        store = make_store()

        async def main():
            with anyio.move_on_after(0.02) as scope:
                await run(store, handler)
            assert scope.cancelled_caught

        assert run_counted(main()) < 500
        assert outcome_now(store) is outcome

    @each_wait
    @pytest.mark.slow
    def test_a_cancelled_anyio_task_group_does_not_separate_handler_and_mark_and_the_wait_is_idle(
        self, make_store, handler, outcome
    ):
        store = make_store()

        async def main():
            async with anyio.create_task_group() as group:
                group.start_soon(run, store, handler)
                await anyio.sleep(0.02)
                group.cancel_scope.cancel()

        assert run_counted(main()) < 500
        assert outcome_now(store) is outcome

    @pytest.mark.parametrize("handler", [slow_handler, quick_handler])
    def test_the_wait_is_idle_in_an_anyio_scope_that_was_cancelled_before(self, handler):
        store = MemoryStore()

        async def main():
            with anyio.CancelScope() as scope:
                scope.cancel()
                await AsyncOnce(store).run("msg_1", handler)

        assert run_counted(main()) < 500
        assert outcome_now(store) in (None, Outcome.DUPLICATE)

    def test_an_asyncio_cancellation_in_an_anyio_scope_is_raised_after_the_thread_has_ended(self):
        store, gate = Gated(), Gate()

        async def main():
            with anyio.CancelScope():
                await AsyncOnce(store).run("msg_1", lambda _: gate.pass_through())

        assert asyncio.run(cancel_in(main(), gate, 3)) == "cancelled"
        assert outcome_now(store) is Outcome.DUPLICATE

    @pytest.mark.slow
    def test_waiting_in_a_cancelled_anyio_scope_takes_almost_no_cpu_time(self):
        async def main():
            with anyio.move_on_after(0.01):
                await AsyncOnce(MemoryStore()).run("msg_1", lambda _: time.sleep(2))

        before = time.process_time()
        asyncio.run(main())
        assert time.process_time() - before < 0.2

    def test_anyio_is_not_imported(self):
        program = """
import asyncio, sys
from clerk_webhook_verify.idempotency import AsyncOnce, MemoryStore
asyncio.run(AsyncOnce(MemoryStore()).run("msg_1", lambda _: None))
assert "anyio" not in sys.modules
"""
        subprocess.run([sys.executable, "-c", program], check=True)


class TestStarlette:
    """If a client disconnects, Starlette cancels its handler in an anyio scope."""

    def test_a_client_that_disconnects_does_not_separate_handler_and_mark(self):
        store, gate = Gated(), Gate()

        async def work():
            await AsyncOnce(store).run("msg_1", lambda _: gate.pass_through())
            yield b"handled"

        async def pass_on(request, call_next):
            return await call_next(request)

        application = Starlette(
            routes=[Route("/", lambda request: StreamingResponse(work()))],
            middleware=[Middleware(BaseHTTPMiddleware, dispatch=pass_on)],
        )
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
            "path": "/", "raw_path": b"/", "root_path": "", "query_string": b"", "headers": [], "scheme": "http",
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
        }  # fmt: skip
        messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive():
            for message in messages:
                return message
            await gate.arrived()
            asyncio.get_running_loop().call_later(0.2, gate.open)
            return {"type": "http.disconnect"}

        async def send(message):
            pass

        scheduled = run_counted(asyncio.wait_for(application(scope, receive, send), TIMEOUT))
        assert gate.passed.wait(TIMEOUT)
        assert outcome_now(store) is Outcome.DUPLICATE
        assert store.calls == ["claim", "complete"]
        assert scheduled < 1000
