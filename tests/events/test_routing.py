"""Routers: registration and its mistakes, dispatch, and a router in place of a handler."""

import asyncio
import contextvars
import functools
import json
import subprocess
import sys
import threading
from functools import partial
from typing import Any, Literal

import django.test
import flask
import flask.views
import pytest
import starlette.testclient
from helpers.apps import django_app  # noqa: F401  configures Django
from helpers.marks import slow
from helpers.signer import SECRET
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from clerk_webhook_verify import (
    Event,
    UnknownEvent,
    Webhook,
    aws_lambda,
    django as django_adapter,
    flask as flask_adapter,
    starlette as starlette_adapter,
)
from clerk_webhook_verify.events import User, UserCreated, UserDeleted, UserEvent, UserUpdated
from clerk_webhook_verify.idempotency import AsyncOnce, MemoryStore, Once, Outcome
from clerk_webhook_verify.routing import AsyncRouter, Router
from clerk_webhook_verify.testing import make_event, signed_request

webhook = Webhook(SECRET)
variable = contextvars.ContextVar("variable", default="")


class OrderChanged(Event):
    type: Literal["order.paid", "order.sent"]
    data: dict[str, Any]


class OwnUserCreated(UserCreated):
    """Has no `type`, so no event has this class."""


def receive(event_type: str) -> Event:
    body = json.dumps({"type": event_type, "data": {"id": "user_1"}})
    return webhook.verify(webhook.signed_headers(body), body)


def type_of(event: Event) -> str:
    return event.type


async def type_of_later(event: Event) -> str:
    await asyncio.sleep(0)
    return event.type


class Later:
    async def __call__(self, event: Event) -> str:
        return event.type


def generate(event: Event):
    yield event


async def generate_later(event: Event):
    yield event


class Users:
    def save(self, event, session): ...

    def __call__(self, event, session): ...

    @classmethod
    def create(cls, event, session): ...

    @staticmethod
    def delete(event, session): ...


class Saved:
    def __init__(self, event, session): ...


NEED_MORE_THAN_THE_EVENT = {
    "function": lambda event, session: None,
    "no parameter": lambda: None,
    "keyword-only parameter": lambda event, *, session: None,
    "method": Users().save,
    "function of a class": Users.delete,
    "method without its object": lambda self, event: None,
    "class method": Users.create,
    "callable object": Users(),
    "class": Saved,
    "partial": partial(lambda event, session, tenant: None, tenant="acme"),
    "builtin": isinstance,
}
NEED_ONLY_THE_EVENT = {
    "default": lambda event, session=None: event.type,
    "keyword-only default": lambda event, *, session=None: event.type,
    "any arguments": lambda *args, **kwargs: args[0].type,
    "partial": partial(lambda event, session: event.type, session=None),
    "partial of a method": partial(Users().save, session=None),
    "builtin with a signature": [].append,
    "builtin without a signature": vars,
}


def call(router, event):
    return asyncio.run(router(event)) if isinstance(router, AsyncRouter) else router(event)


@pytest.fixture(params=[Router, AsyncRouter])
def router(request):
    return request.param()


class TestDispatch:
    def test_returns_what_the_handler_of_the_events_type_returned(self, router):
        @router.on(UserCreated, UserUpdated)
        def save(event):
            return "saved", event

        @router.on(UserDeleted)
        def delete(event):
            return "deleted", event

        created, deleted = receive("user.created"), receive("user.deleted")
        assert call(router, created) == ("saved", created)
        assert call(router, make_event(UserUpdated))[0] == "saved"
        assert call(router, deleted) == ("deleted", deleted)
        assert call(router, receive("session.created")) is None

    def test_a_class_with_several_types_is_registered_for_all_of_them(self, router):
        router.on(OrderChanged)(type_of)
        assert router.types == ("order.paid", "order.sent")
        assert call(router, receive("order.paid")) == "order.paid"
        assert call(router, receive("order.sent")) == "order.sent"

    def test_a_string_registers_unknown_and_known_types(self, router):
        router.on("routing.unknown", "user.created", UserDeleted)(lambda event: type(event))
        assert call(router, receive("routing.unknown")) is UnknownEvent
        assert call(router, receive("user.created")) is UserCreated
        assert call(router, receive("user.deleted")) is UserDeleted

    def test_an_event_of_a_derived_class_goes_to_the_handler_of_its_type(self, router):
        router.on(UserCreated)(type_of)
        created = make_event(UserCreated)
        own = OwnUserCreated(type=created.type, data=created.data, raw=created.raw, delivery=created.delivery)
        assert call(router, own) == "user.created"

    def test_the_fallback_gets_all_other_events(self, router):
        router.on(UserCreated)(lambda event: "created")

        @router.fallback
        def other(event):
            return event.type

        assert call(router, receive("user.created")) == "created"
        assert call(router, receive("user.updated")) == "user.updated"
        assert call(router, receive("routing.unknown")) == "routing.unknown"

    def test_types_are_sorted_and_do_not_contain_the_fallback(self, router):
        assert router.types == ()
        router.on(UserUpdated, "session.created")(type_of)
        router.on(UserCreated)(type_of)
        router.fallback(type_of)
        assert router.types == ("session.created", "user.created", "user.updated")

    def test_decorators_return_the_function_unchanged(self, router):
        assert router.on(UserCreated)(type_of) is type_of
        assert router.fallback(type_of) is type_of

    def test_a_handler_may_be_any_callable_and_have_no_truth_value(self, router):
        class Sized:
            def __call__(self, event):
                return event.type

            def __len__(self):
                return 0

        router.on(UserCreated)(Sized())
        router.on(UserUpdated)(partial(lambda word, event: word, "updated"))
        assert call(router, receive("user.created")) == "user.created"
        assert call(router, receive("user.updated")) == "updated"
        router.fallback(Sized())
        with pytest.raises(ValueError, match="already has a fallback"):
            router.fallback(type_of)

    @pytest.mark.parametrize("handler", NEED_ONLY_THE_EVENT.values(), ids=NEED_ONLY_THE_EVENT)
    def test_a_handler_may_have_other_parameters_that_are_optional_or_bound(self, router, handler):
        router.on(UserCreated)(handler)
        call(router, receive("user.created"))

    def test_a_decorator_may_add_arguments_to_the_handler_that_it_wraps(self, router):
        def save(event, session):
            return session

        @functools.wraps(save)
        def with_session(event):
            return save(event, "session")

        router.on(UserCreated)(with_session)
        assert call(router, receive("user.created")) == "session"

    @pytest.mark.parametrize("error", [LookupError("no"), KeyboardInterrupt(), TypeError("no")], ids=repr)
    def test_a_handlers_exception_passes_through(self, error):
        router = Router()

        @router.on(UserCreated)
        def fail(event):
            raise error

        with pytest.raises(type(error)) as raised:
            router(receive("user.created"))
        assert raised.value is error

    @pytest.mark.parametrize("wrong", [None, "user.created", {"type": "user.created"}, UserCreated], ids=repr)
    def test_rejects_what_is_not_an_event(self, router, wrong):
        router.fallback(type_of)
        with pytest.raises(TypeError, match=r"accepts events from verify\(\) or Delivery.parse\(\), not"):
            call(router, wrong)

    def test_rejects_a_delivery(self, router):
        with pytest.raises(TypeError, match="not a Delivery"):
            call(router, receive("user.created").delivery)


class TestMistakes:
    """Each is an error at registration, which then changes nothing."""

    @pytest.fixture(autouse=True)
    def _registered(self, router):
        router.on(UserCreated)(type_of)
        router.on("routing.unknown")(type_of)
        router.fallback(type_of)
        yield
        assert router.types == ("routing.unknown", "user.created")
        assert call(router, receive("user.created")) == "user.created"
        assert call(router, receive("user.updated")) == "user.updated"

    @pytest.mark.parametrize(
        "event_types",
        [
            [UserCreated],
            ["user.created"],
            ["routing.unknown"],
            [UserUpdated, "user.created"],
            [UserUpdated, UserCreated],
        ],
        ids=repr,
    )
    def test_a_type_that_has_a_handler(self, router, event_types):
        with pytest.raises(ValueError, match="already has a handler: call both functions from one handler"):
            router.on(*event_types)(lambda event: "second")

    @pytest.mark.parametrize("event_types", [[UserUpdated, UserUpdated], [UserUpdated, "user.updated"]], ids=repr)
    def test_a_type_twice_in_one_call(self, router, event_types):
        with pytest.raises(ValueError, match=r"a duplicate event type: remove one of user\.updated, user\.updated"):
            router.on(*event_types)

    def test_a_second_fallback_is_a_value_error(self, router):
        with pytest.raises(ValueError, match="already has a fallback: call both functions from one fallback"):
            router.fallback(lambda event: "second")

    def test_on_without_an_event_type_is_a_type_error(self, router):
        with pytest.raises(TypeError, match=r"write @router\.on\(UserCreated\)"):
            router.on()

    def test_an_empty_event_type_is_a_value_error(self, router):
        with pytest.raises(ValueError, match="an event type must not be empty"):
            router.on(UserUpdated, "")

    @pytest.mark.parametrize(
        ("wrong", "shown"),
        [
            (Event, "Event"),
            (UnknownEvent, "UnknownEvent"),
            (OwnUserCreated, "OwnUserCreated"),
            (User, "User"),
            (UserEvent, "a UnionType"),
            (dict, "dict"),
            (b"user.created", "a bytes"),
            (["user.created"], "a list"),
            (None, "a NoneType"),
            (make_event(UserUpdated), "a UserUpdated"),
        ],
        ids=lambda each: each if isinstance(each, str) else None,
    )
    def test_an_argument_that_is_not_the_class_of_an_event_type(self, router, wrong, shown):
        with pytest.raises(TypeError, match=rf"not {shown}: write @router.on\(UserCreated\), or @router.fallback"):
            router.on(UserUpdated, wrong)

    def test_on_without_parentheses_is_a_type_error(self, router):
        with pytest.raises(TypeError, match=r"not a function: write @router\.on\(UserCreated\)"):

            @router.on
            def save(event): ...

    @pytest.mark.parametrize("wrong", [None, "save", 5])
    def test_a_handler_that_is_not_callable(self, router, wrong):
        with pytest.raises(TypeError, match=f"must be a function or another callable, not a {type(wrong).__name__}"):
            router.on(UserUpdated)(wrong)
        with pytest.raises(TypeError, match="must be a function"):
            Router().fallback(wrong)

    @pytest.mark.parametrize("wrong", [generate, generate_later, partial(generate)], ids=["sync", "async", "partial"])
    def test_a_generator_as_handler_is_a_type_error(self, router, wrong):
        with pytest.raises(TypeError, match="remove its yield"):
            router.on(UserUpdated)(wrong)

    @pytest.mark.parametrize(
        "wrong",
        [type_of_later, Later(), partial(type_of_later), AsyncRouter()],
        ids=["function", "object", "partial", "router"],
    )
    def test_an_async_handler_on_a_plain_router(self, wrong):
        router = Router()
        for register in (router.on(UserUpdated), router.fallback):
            with pytest.raises(TypeError, match="use AsyncRouter"):
                register(wrong)
        assert router.types == ()
        assert router(receive("user.created")) is None

    @pytest.mark.parametrize("wrong", NEED_MORE_THAN_THE_EVENT.values(), ids=NEED_MORE_THAN_THE_EVENT)
    def test_a_handler_that_needs_more_than_the_event_is_a_type_error(self, router, wrong):
        for register in (router.on(UserUpdated), type(router)().fallback):
            with pytest.raises(TypeError, match="cannot be called with only the event: make all other parameters opt"):
                register(wrong)

    def test_the_error_shows_the_handlers_parameters_and_no_default(self, router):
        def save(event, session, key="whsec_"): ...

        with pytest.raises(TypeError, match=r"save\(event, session, key\) cannot be called"):
            router.on(UserUpdated)(save)

    def test_including_a_router_with_a_registered_type(self, router):
        other = type(router)()
        other.on(UserUpdated, "user.created")(lambda event: "second")
        with pytest.raises(ValueError, match=r"'user\.created' already has a handler"):
            router.include(other)

    def test_including_a_router_with_a_second_fallback(self, router):
        other = type(router)()
        other.on(UserUpdated)(lambda event: "second")
        other.fallback(lambda event: "second")
        with pytest.raises(ValueError, match="already has a fallback"):
            router.include(other)

    def test_a_router_cannot_include_itself(self, router):
        with pytest.raises(ValueError, match="already"):
            router.include(router)

    def test_including_a_router_of_the_other_kind(self, router):
        other = Router() if isinstance(router, AsyncRouter) else AsyncRouter()
        other.on(UserUpdated)(type_of)
        with pytest.raises(TypeError, match=rf"another {type(router).__name__}, not a {type(other).__name__}$"):
            router.include(other)

    @pytest.mark.parametrize("wrong", [None, type_of, Router, AsyncRouter], ids=["None", "function", "class", "other"])
    def test_a_router_can_only_include_another_router(self, router, wrong):
        with pytest.raises(TypeError, match="can only include another"):
            router.include(wrong)


class TestInclude:
    def test_registers_the_handlers_and_the_fallback_of_the_other_router(self, router):
        other = type(router)()
        other.on(UserUpdated)(lambda event: "updated")
        other.fallback(lambda event: "other")
        router.on(UserCreated)(lambda event: "created")
        router.include(other)
        assert router.types == ("user.created", "user.updated")
        assert [call(router, receive(f"user.{verb}")) for verb in ("created", "updated", "deleted")] == [
            "created", "updated", "other",
        ]  # fmt: skip
        assert other.types == ("user.updated",)

    def test_keeps_a_fallback_when_the_other_router_has_none(self, router):
        router.fallback(lambda event: "fallback")
        router.include(type(router)())
        assert call(router, receive("user.created")) == "fallback"

    def test_does_not_follow_later_registrations(self, router):
        other = type(router)()
        router.include(other)
        other.on(UserCreated)(type_of)
        assert router.types == ()

    def test_accepts_a_derived_router_and_works_in_one(self, router):
        derived = type("Derived", (type(router),), {})()
        derived.on(UserCreated)(type_of)
        router.include(derived)
        router.on(UserUpdated)(type_of)
        other = type(derived)()
        other.include(router)
        assert other.types == ("user.created", "user.updated")

    def test_a_router_may_also_be_a_handler_of_another_one(self):
        inner, outer, outermost = Router(), Router(), AsyncRouter()
        inner.on(UserCreated)(type_of)
        outer.fallback(inner)
        outermost.fallback(outer)
        assert asyncio.run(outermost(receive("user.created"))) == "user.created"
        assert asyncio.run(outermost(receive("user.updated"))) is None


class TestAsyncRouter:
    @pytest.mark.parametrize(
        "handler",
        [type_of_later, Later(), partial(type_of_later), lambda event: type_of_later(event)],
        ids=["function", "object", "partial", "awaitable"],
    )
    def test_awaits_an_async_handler(self, handler):
        router = AsyncRouter()
        router.on(UserCreated)(handler)
        router.fallback(handler)
        assert asyncio.run(router(receive("user.created"))) == "user.created"
        assert asyncio.run(router(receive("user.updated"))) == "user.updated"

    def test_runs_an_async_handler_on_the_loop_and_a_plain_one_in_a_thread_with_context(self):
        router = AsyncRouter()

        @router.on(UserCreated)
        async def on_the_loop(event):
            return threading.current_thread(), variable.get()

        @router.on(UserUpdated)
        def in_a_thread(event):
            return threading.current_thread(), variable.get()

        async def main():
            variable.set("kept")
            return await router(receive("user.created")), await router(receive("user.updated"))

        (first, first_value), (second, second_value) = asyncio.run(main())
        assert first is threading.main_thread()
        assert second is not threading.main_thread()
        assert first_value == second_value == "kept"

    def test_handlers_exceptions_pass_through(self):
        router, error = AsyncRouter(), LookupError("no")

        @router.on(UserCreated)
        async def fail_later(event):
            raise error

        @router.on(UserUpdated)
        def fail(event):
            raise error

        for event_type in ("user.created", "user.updated"):
            with pytest.raises(LookupError) as raised:
                asyncio.run(router(receive(event_type)))
            assert raised.value is error

    def test_stop_iteration_in_a_thread_is_a_runtime_error_and_does_not_hang(self):
        router = AsyncRouter()
        router.on(UserCreated)(lambda event: next(iter(())))
        with pytest.raises(RuntimeError, match="raised StopIteration"):
            asyncio.run(asyncio.wait_for(router(receive("user.created")), 10))

    @pytest.mark.parametrize("is_async", [True, False])
    def test_a_cancellation_reaches_an_async_handler_and_waits_for_a_plain_one(self, is_async):
        router, started, done, seen = AsyncRouter(), threading.Event(), threading.Event(), []

        @router.on(UserCreated)
        async def wait_later(event):
            started.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        @router.on(UserUpdated)
        def wait(event):
            started.set()
            done.wait(10)
            seen.append("finished")

        async def main():
            task = asyncio.ensure_future(router(receive("user.created" if is_async else "user.updated")))
            await asyncio.to_thread(started.wait)
            task.cancel()
            await asyncio.sleep(0.01)
            assert task.done() is is_async
            done.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert seen == ["cancelled" if is_async else "finished"]

        asyncio.run(main())


class TestOnce:
    def test_runs_a_router(self):
        router, seen = Router(), []
        router.on(UserCreated)(seen.append)
        once, event = Once(MemoryStore()), receive("user.created")
        assert [once.run(event, router), once.run(event, router)] == [Outcome.HANDLED, Outcome.DUPLICATE]
        assert seen == [event]

    def test_a_failing_handler_of_a_router_leaves_the_message_unhandled(self):
        router = Router()
        router.on(UserCreated)(lambda event: 1 / 0)
        once, event = Once(MemoryStore()), receive("user.created")
        with pytest.raises(ZeroDivisionError):
            once.run(event, router)
        assert once.run(event, type_of) is Outcome.HANDLED

    def test_rejects_an_async_router_like_any_async_handler(self):
        once, event, seen = Once(MemoryStore()), receive("user.created"), []
        router = AsyncRouter()
        router.on(UserCreated)(seen.append)
        with pytest.raises(TypeError) as of_function:
            once.run(event, type_of_later)
        with pytest.raises(TypeError) as of_router:
            once.run(event, router)
        assert str(of_router.value) == str(of_function.value)
        assert seen == []
        assert once.run(event, type_of) is Outcome.HANDLED

    def test_async_once_runs_routers_of_both_kinds(self):
        async def main(router):
            once, event = AsyncOnce(MemoryStore()), receive("user.created")
            return [await once.run(event, router), await once.run(event, router)]

        for kind in (Router, AsyncRouter):
            router, seen = kind(), []
            router.on(UserCreated)(seen.append)
            assert asyncio.run(main(router)) == [Outcome.HANDLED, Outcome.DUPLICATE]
            assert [event.type for event in seen] == ["user.created"]

    def test_async_once_calls_a_derived_router_that_changes_the_call(self):
        seen = []

        class Noted(AsyncRouter):
            async def __call__(self, event):
                seen.append("call")
                return await super().__call__(event)

        router, event = Noted(), receive("user.created")
        router.on(UserCreated)(lambda event: seen.append(event.type))
        assert asyncio.run(AsyncOnce(MemoryStore()).run(event, router)) is Outcome.HANDLED
        assert seen == ["call", "user.created"]

    def test_async_once_marks_an_event_done_that_has_no_handler(self):
        once, event = AsyncOnce(MemoryStore()), receive("user.created")

        async def main():
            return [await once.run(event, AsyncRouter()), await once.run(event, type_of)]

        assert asyncio.run(main()) == [Outcome.HANDLED, Outcome.DUPLICATE]

    def test_async_once_does_not_hang_on_a_router_that_is_its_own_fallback(self):
        router = AsyncRouter()
        router.fallback(router)
        with pytest.raises(RecursionError):
            asyncio.run(AsyncOnce(MemoryStore()).run(receive("user.created"), router))

    def test_async_once_rejects_a_message_id_for_an_async_router_before_anything_is_claimed(self):
        once = AsyncOnce(MemoryStore())

        async def main():
            with pytest.raises(TypeError, match="a router accepts"):
                await once.run("msg_1", AsyncRouter())
            return await once.run("msg_1", str.upper)

        assert asyncio.run(main()) is Outcome.HANDLED


def respond_in_flask(router, sent):
    app = flask.Flask(__name__)
    app.post("/hook", endpoint="hook")(flask_adapter.clerk_webhook(webhook)(router))
    response = app.test_client().post("/hook", data=sent.body, headers=sent.headers)
    return response.status_code, response.text


def respond_in_starlette(router, sent):
    app = Starlette(routes=[Route("/hook", starlette_adapter.clerk_webhook(webhook)(router), methods=["POST"])])
    response = starlette.testclient.TestClient(app).post("/hook", content=sent.body, headers=sent.headers)
    return response.status_code, response.text


def respond_in_django(router, sent):
    view = django_adapter.clerk_webhook(webhook)(router)
    request = django.test.RequestFactory().post("/", sent.body, "application/json", headers=sent.headers)
    response = asyncio.run(view(request)) if isinstance(router, AsyncRouter) else view(request)
    return response.status_code, response.content.decode()


def respond_in_lambda(router, sent):
    response = aws_lambda.clerk_webhook(webhook)(router)({"headers": sent.headers, "body": sent.body.decode()}, None)
    return response["statusCode"], response["body"]


RESPONSES = {
    respond_in_flask: lambda: ("created", 201),
    respond_in_starlette: lambda: Response("created", 201),
    respond_in_django: lambda: django.http.HttpResponse("created", status=201),
    respond_in_lambda: lambda: {"statusCode": 201, "body": "created"},
}
ASYNC = [respond_in_flask, respond_in_starlette, respond_in_django]


@pytest.mark.parametrize(
    ("respond", "kind"),
    [(respond, Router) for respond in RESPONSES] + [(respond, AsyncRouter) for respond in ASYNC],
    ids=lambda each: each.__name__,
)
class TestAdapters:
    """A decorator accepts a router as it accepts a handler."""

    def test_the_handlers_response_is_the_response(self, respond, kind):
        router = kind()
        router.on(UserCreated)(lambda event: RESPONSES[respond]())
        assert respond(router, signed_request("user.created", secret=SECRET)) == (201, "created")

    def test_an_ignored_event_gets_204(self, respond, kind):
        assert respond(kind(), signed_request("user.created", secret=SECRET)) == (204, "")

    def test_a_rejected_request_reaches_no_handler(self, respond, kind):
        router, seen = kind(), []
        router.fallback(seen.append)
        assert respond(router, signed_request("user.created", secret=SECRET, fault="tampered"))[0] == 400
        assert seen == []


@pytest.mark.parametrize("respond", ASYNC, ids=lambda each: each.__name__)
def test_an_async_handler_of_a_router_is_awaited_in_an_adapter(respond):
    router = AsyncRouter()

    @router.on(UserCreated)
    async def create(event: UserCreated):
        await asyncio.sleep(0)
        return RESPONSES[respond]()

    assert respond(router, signed_request("user.created", secret=SECRET)) == (201, "created")


def test_a_decorated_router_ignores_self_and_url_variables():
    router = Router()
    router.on(UserCreated)(type_of)

    class Hook(flask.views.MethodView):
        post = flask_adapter.clerk_webhook(webhook)(router)

    app = flask.Flask(__name__)
    app.add_url_rule("/<tenant>/hook", view_func=Hook.as_view("hook"))
    sent = signed_request("user.created", secret=SECRET)
    assert app.test_client().post("/acme/hook", data=sent.body, headers=sent.headers).text == "user.created"


def test_lambda_rejects_an_async_router_like_any_async_handler():
    async def handle(event, context): ...

    messages = []
    for wrong in (handle, AsyncRouter()):
        with pytest.raises(TypeError) as raised:
            aws_lambda.clerk_webhook(webhook)(wrong)
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("module", ["routing", "starlette", "aws_lambda", *slow("flask", "django")])
def test_importing_loads_no_database_client_in(module):
    code = f"""
import sys
import clerk_webhook_verify.{module}
print({{"sqlite3", "redis", "valkey", "psycopg"}} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
