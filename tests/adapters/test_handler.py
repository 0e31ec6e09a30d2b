"""Which functions and methods does each decorator accept, and does the event reach the right argument?"""

from __future__ import annotations

import asyncio
import functools
import inspect
import io
from types import ModuleType
from typing import Annotated, Any

import django.test
import flask
import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views import View as DjangoView
from flask.views import MethodView, View
from helpers.apps import django_app
from helpers.signer import SECRET
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from clerk_webhook_verify import (
    AnyEvent,
    Event,
    Webhook,
    aws_lambda,
    django as django_adapter,
    flask as flask_adapter,
    starlette as starlette_adapter,
)
from clerk_webhook_verify.events import KnownEvent, UserCreated
from clerk_webhook_verify.testing import signed_request

webhook = Webhook(SECRET)
in_flask = flask_adapter.clerk_webhook(webhook)
in_starlette = starlette_adapter.clerk_webhook(webhook)
in_django = django_adapter.clerk_webhook(webhook)
in_lambda = aws_lambda.clerk_webhook(webhook)


def delivery():
    return signed_request("user.created", secret=SECRET)


def post_to_flask(view, rule="/hook/<tenant>"):
    app, sent = flask.Flask(__name__), delivery()
    app.add_url_rule(rule, "hook", view, methods=["POST"])
    return app.test_client().post("/hook/acme", data=sent.body, headers=sent.headers)


def received(owner, event, tenant):
    """The response of every handler below, if its arguments are in the right order."""
    assert isinstance(event, UserCreated)
    return {"owner": owner.__name__ if inspect.isclass(owner) else type(owner).__name__, "tenant": tenant}


def by_position(view):
    """A framework that passes the variables of the URL by position."""
    return lambda tenant: view(tenant)


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def careless(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Post(MethodView):
    @in_flask
    def post(self, event, tenant):
        return received(self, event, tenant)


class Inherited(Post):
    pass


class CallsSuper(Post):
    def post(self, tenant):
        return super().post(tenant=tenant)


class OtherName(MethodView):
    @in_flask
    def post(this, incoming, tenant):  # noqa: N805
        return received(this, incoming, tenant)


class Once(MethodView):
    init_every_request = False

    @in_flask
    def post(self, event: Event, tenant: str):
        return received(self, event, tenant)


class Later(MethodView):
    @in_flask
    async def post(self, event, tenant):
        return received(self, event, tenant)


class Dispatch(View):
    methods = ("POST",)

    @in_flask
    def dispatch_request(self, event, tenant):
        return received(self, event, tenant)


class Static(MethodView):
    @staticmethod
    @in_flask
    def post(event, tenant):
        return received(None, event, tenant)


class StaticInside(MethodView):
    @in_flask
    @staticmethod
    def post(event, tenant):
        return received(None, event, tenant)


class OfClass(MethodView):
    @classmethod
    @in_flask
    def post(cls, event, tenant):
        return received(cls, event, tenant)


class OfClassInside(MethodView):
    @in_flask
    @classmethod
    def post(cls, event, tenant):
        return received(cls, event, tenant)


class Logged(MethodView):
    @logged
    @in_flask
    @logged
    def post(self, event, tenant):
        return received(self, event, tenant)


class Careless(MethodView):
    @careless
    @in_flask
    def post(self, event, tenant):
        return received(self, event, tenant)


def post_later(self, event, tenant):
    return received(self, event, tenant)


class Assigned(MethodView):
    post = in_flask(post_later)


class Object:
    def __call__(self, event, tenant):
        return received(self, event, tenant)


class WithObject(MethodView):
    post = in_flask(Object())


class Plain:
    """Of no framework."""

    def undecorated(self, event, tenant):
        return received(self, event, tenant)

    @in_flask
    def decorated(self, event, tenant):
        return received(self, event, tenant)

    @staticmethod
    @in_flask
    def static(event, tenant):
        return received(None, event, tenant)

    @classmethod
    @in_flask
    def of_class(cls, event, tenant):
        return received(cls, event, tenant)

    @in_flask
    @classmethod
    def of_class_inside(cls, event, tenant):
        return received(cls, event, tenant)


class InheritsPlain(Plain):
    pass


class TestFlask:
    @pytest.mark.parametrize(
        ("view_class", "owner"),
        [
            *((cls, cls.__name__) for cls in (Post, Inherited, CallsSuper, OtherName, Once, Later, Dispatch)),
            *((cls, cls.__name__) for cls in (OfClass, OfClassInside, Logged, Careless, Assigned)),
            (Static, "NoneType"),
            (StaticInside, "NoneType"),
            (WithObject, "Object"),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_a_method_of_a_view_class_gets_self_the_event_and_the_variables(self, view_class, owner):
        response = post_to_flask(view_class.as_view("hook"))
        assert response.json == {"owner": owner, "tenant": "acme"}

    @pytest.mark.parametrize(
        ("view", "owner"),
        [
            (in_flask(Plain().undecorated), "Plain"),
            (Plain().decorated, "Plain"),
            (Plain().static, "NoneType"),
            (Plain.static, "NoneType"),
            (Plain.of_class, "Plain"),
            (Plain.of_class_inside, "Plain"),
            (Plain().of_class_inside, "Plain"),
            (InheritsPlain.of_class_inside, "InheritsPlain"),
            (in_flask(Object()), "Object"),
            (in_flask(functools.partial(received, None)), "NoneType"),
            (in_flask(lambda event, tenant: received(None, event, tenant)), "NoneType"),
            (in_flask(lambda *args, **kwargs: received(None, *args, **kwargs)), "NoneType"),
        ],
    )
    @pytest.mark.parametrize("passes", [lambda view: view, by_position], ids=["by keyword", "by position"])
    def test_a_bound_method_or_another_callable_gets_the_event_first(self, view, owner, passes):
        view = passes(view)
        assert post_to_flask(view).json == {"owner": owner, "tenant": "acme"}

    def test_decorators_of_a_view_class_are_a_type_error_when_the_view_is_made(self):
        class Hook(MethodView):
            decorators = (in_flask,)

            def post(self, event):
                raise AssertionError("never called")

        with pytest.raises(TypeError, match=r"does not accept \(event\)"):
            Hook.as_view("hook")


class TestStarlette:
    def post(self, endpoint):
        sent = delivery()
        client = TestClient(Starlette(routes=[Route("/hook/{tenant}", endpoint, methods=["POST"])]))
        return client.post("/hook/acme", content=sent.body, headers=sent.headers).json()

    def test_methods_of_endpoint_classes(self):
        class Hook(HTTPEndpoint):
            @in_starlette
            async def post(self, request, event):
                return JSONResponse(received(self, event, request.path_params["tenant"]))

        class Inherits(Hook):
            pass

        class InThread(HTTPEndpoint):
            @in_starlette
            def post(this, incoming, verified):  # noqa: N805
                return JSONResponse(received(this, verified, incoming.path_params["tenant"]))

        class IsStatic(HTTPEndpoint):
            @staticmethod
            @in_starlette
            def post(request, event):
                return JSONResponse(received(None, event, request.path_params["tenant"]))

        class IsOfClass(HTTPEndpoint):
            @classmethod
            @in_starlette
            async def post(cls, request, event):
                return JSONResponse(received(cls, event, request.path_params["tenant"]))

        class IsOfClassInside(HTTPEndpoint):
            @in_starlette
            @classmethod
            async def post(cls, request, event):
                return JSONResponse(received(cls, event, request.path_params["tenant"]))

        class IsStaticInside(HTTPEndpoint):
            @in_starlette
            @staticmethod
            async def post(request, event):
                return JSONResponse(received(None, event, request.path_params["tenant"]))

        for cls in (Hook, Inherits, InThread, IsOfClass, IsOfClassInside):
            assert self.post(cls) == {"owner": cls.__name__, "tenant": "acme"}
        for cls in (IsStatic, IsStaticInside):
            assert self.post(cls)["tenant"] == "acme"
        assert self.post(IsOfClassInside.post)["owner"] == "IsOfClassInside"
        assert self.post(Hook.post.__get__(Hook({"type": "http"}, None, None)))["owner"] == "Hook"

    def test_a_class_or_its_dispatch_is_a_type_error(self):
        with pytest.raises(TypeError, match="for a function or method, not the class Hook; write"):

            @in_starlette
            class Hook(HTTPEndpoint):
                pass

        with pytest.raises(TypeError, match=r"dispatch\(self\) does not accept \(request, event\)"):

            class Other(HTTPEndpoint):
                @in_starlette
                async def dispatch(self):
                    raise AssertionError("never called")


class DjangoMethods(DjangoView):
    def post(self, request, event): ...
    def other_name(this, incoming, verified): ...  # noqa: N805
    def swapped(self, event, request): ...
    @staticmethod
    def static(request, event): ...
    @classmethod
    def of_class(cls, request, event): ...


class TestDjango:
    csrf_checked = django.test.Client(enforce_csrf_checks=True)

    def post(self, view):
        sent = delivery()
        urls = ModuleType("urls")
        urls.urlpatterns = [django_app.path("hook/<str:tenant>", view)]
        with django.test.override_settings(ROOT_URLCONF=urls):
            return self.csrf_checked.post("/hook/acme", sent.body, "application/json", headers=sent.headers)

    def test_method_decorator_on_dispatch(self):
        @method_decorator(in_django, name="dispatch")
        class Hook(DjangoView):
            def post(self, request, event, tenant):
                return django_app.JsonResponse(received(self, event, tenant))

        class Inherits(Hook):
            pass

        for cls in (Hook, Inherits):
            assert self.post(cls.as_view()).json() == {"owner": cls.__name__, "tenant": "acme"}

    @pytest.mark.parametrize("fault", [None, "tampered"])
    @pytest.mark.parametrize("returns", [None, "a response"])
    def test_method_decorator_on_dispatch_of_an_async_class(self, fault, returns):
        @method_decorator(in_django, name="dispatch")
        class Hook(DjangoView):
            async def post(self, request, event, tenant):
                content = received(self, event, tenant)
                return django_app.JsonResponse(content) if returns else None

        sent = signed_request("user.created", secret=SECRET, fault=fault)
        headers = [(name.encode(), value.encode()) for name, value in sent.headers.items()]
        scope = {"method": "POST", "path": "/", "headers": headers}
        request = ASGIRequest(scope, io.BytesIO(sent.body))
        response = asyncio.run(Hook.as_view()(request, tenant="acme"))
        assert response.status_code == (400 if fault else 200 if returns else 204)

    def test_method_decorator_on_a_method(self):
        class Hook(DjangoView):
            @method_decorator(in_django)
            def post(self, request, event, tenant):
                return django_app.JsonResponse(received(self, event, tenant))

        sent = delivery()
        request = django.test.RequestFactory().post("/", sent.body, "application/json", headers=sent.headers)
        assert Hook.as_view()(request, tenant="acme").status_code == 200

    @pytest.mark.parametrize("name", ["post", "other_name", "swapped", "static", "of_class"])
    def test_on_a_method_it_is_a_type_error_since_django_would_ask_for_a_csrf_token(self, name):
        with pytest.raises(TypeError, match=r'write @method_decorator\(clerk_webhook\(...\), name="dispatch"\)'):
            in_django(vars(DjangoMethods)[name])

    def test_a_static_function_in_a_class_is_not_a_method(self):
        class Hooks:
            @staticmethod
            @in_django
            def hook(request, event, tenant):
                return django_app.JsonResponse(received(None, event, tenant))

        assert self.post(Hooks.hook).json()["tenant"] == "acme"


class TestLambda:
    def test_a_method_can_be_decorated_for_lambda(self):
        class Hook:
            @in_lambda
            def handle(self, event, context):
                return received(self, event, context)

            @staticmethod
            @in_lambda
            def static(event, context):
                return received(None, event, context)

            @in_lambda
            @classmethod
            def of_class(cls, event, context):
                return received(cls, event, context)

            def plain(self, event, context):
                return received(self, event, context)

        sent = delivery()
        lambda_event = {"headers": sent.headers, "body": sent.body.decode()}
        assert Hook().handle(lambda_event, "acme") == {"owner": "Hook", "tenant": "acme"}
        assert Hook.static(lambda_event, "acme")["tenant"] == "acme"
        assert Hook.of_class(lambda_event, "acme") == {"owner": "Hook", "tenant": "acme"}
        assert in_lambda(Hook().plain)(lambda_event, "acme") == {"owner": "Hook", "tenant": "acme"}


class AsyncObject:
    async def __call__(self, event, context): ...


async def later(event, context): ...


@pytest.mark.parametrize(
    "handler",
    [later, AsyncObject(), functools.partial(later), AsyncObject().__call__, staticmethod(later)],
    ids=["function", "object", "partial", "method", "static method"],
)
def test_an_async_handler_for_lambda_is_a_type_error(handler):
    with pytest.raises(TypeError, match=r"does not await an async handler: write def handler\(event, context\)"):
        in_lambda(handler)


# Handlers that expect their arguments in this order. The annotations of this file are text, as its first import says.
def event_first(event): ...
def event_then_variable(event, tenant): ...
def event_annotated(delivery: Event, tenant: str): ...
def union_annotated(delivery: AnyEvent | None, more: Any = None): ...
def events_then_context(event, context): ...
def created_then_context(delivery: UserCreated, context: LambdaContext): ...  # noqa: F821  a name that is unknown
def request_then_event(request, event): ...
def annotated_request_then_event(incoming: Request, delivery: Event): ...
def annotated_http_request(incoming: HttpRequest, delivery: Annotated[KnownEvent, "or none"]): ...
def unresolvable(incoming: unknown.Request, delivery: "unknown.Event[int]"): ...  # noqa: F821, UP037
def names_with_underscores(_request, _event): ...
def context_then_event(context, event): ...
def variable_then_event(tenant, event): ...
def variable_then_annotated(tenant: str, delivery: Event): ...
def event_then_request(event, request): ...
def annotated_event_then_request(delivery: Event, incoming: Request): ...
def shows_nothing(first, second): ...
def request_only(request): ...
def request_then_payload(request, payload): ...
def annotated_request_only(incoming: Request): ...
def in_camel_case(clerkEvent, httpRequest): ...  # noqa: N803
def takes_anything(*args, **kwargs): ...
def takes_keywords(**kwargs): ...
def takes_nothing(): ...
def needs_more(request, event, *, database): ...
def takes_too_many(first, second, third): ...


@logged
def wraps_event_then_request(event, request): ...


@logged
def wraps_request_then_event(request, event): ...


@logged
def wraps_context_then_event(context, event): ...


class Handlers:
    def request_then_event(self, request, event): ...
    def event_then_request(self, event, request): ...
    def variable_then_event(self, tenant, event): ...
    def __call__(self, request, event): ...


EVENT = "def handler(event, **url_variables)"
REQUEST_EVENT = "def handler(request, event"
EVENT_CONTEXT = "def handler(event, context)"


@pytest.mark.parametrize(
    ("decorator", "line", "accepted", "rejected"),
    [
        (
            in_flask,
            EVENT,
            [
                *(event_first, event_then_variable, event_annotated, union_annotated, shows_nothing, takes_anything),
                *(takes_too_many, Handlers().event_then_request),
            ],
            [
                *(request_then_event, annotated_request_then_event, context_then_event, variable_then_event),
                *(variable_then_annotated, takes_keywords, takes_nothing, needs_more, unresolvable),
                *(request_only, request_then_payload, annotated_request_only),
                *(Handlers.request_then_event, Handlers.variable_then_event, Handlers()),
            ],
        ),
        (
            in_starlette,
            REQUEST_EVENT,
            [
                *(request_then_event, annotated_request_then_event, annotated_http_request, unresolvable),
                *(names_with_underscores, shows_nothing, takes_anything, wraps_request_then_event, variable_then_event),
                *(Handlers(), Handlers.request_then_event, functools.partial(takes_too_many, 1)),
            ],
            [
                *(event_then_request, annotated_event_then_request, event_then_variable, event_annotated, event_first),
                *(union_annotated, takes_keywords, takes_nothing, needs_more, takes_too_many, in_camel_case),
                *(wraps_event_then_request, Handlers.event_then_request, Handlers().event_then_request),
                functools.partial(event_then_request),
            ],
        ),
        (
            in_django,
            REQUEST_EVENT,
            [
                *(request_then_event, annotated_request_then_event, annotated_http_request, unresolvable),
                *(names_with_underscores, shows_nothing, takes_anything, wraps_request_then_event, takes_too_many),
                *(Handlers(), Handlers().request_then_event, needs_more),
            ],
            [
                *(event_then_request, annotated_event_then_request, event_then_variable, event_annotated, event_first),
                *(takes_keywords, takes_nothing, wraps_event_then_request, Handlers().event_then_request),
            ],
        ),
        (
            in_lambda,
            EVENT_CONTEXT,
            [
                *(events_then_context, created_then_context, event_annotated, union_annotated, shows_nothing),
                *(takes_anything, Handlers().event_then_request, functools.partial(takes_too_many, 1)),
            ],
            [
                *(context_then_event, request_then_event, variable_then_event, variable_then_annotated, event_first),
                *(request_then_payload, request_only),
                *(takes_keywords, takes_nothing, takes_too_many, wraps_context_then_event),
            ],
        ),
    ],
    ids=["flask", "starlette", "django", "aws_lambda"],
)
class TestTheOrderOfTheArguments:
    def test_a_handler_that_shows_the_right_order_or_none_is_accepted(self, decorator, line, accepted, rejected):
        for handler in accepted:
            assert callable(decorator(handler))

    def test_a_handler_that_shows_another_order_is_a_type_error_with_the_right_line(
        self, decorator, line, accepted, rejected
    ):
        for handler in rejected:
            with pytest.raises(TypeError) as caught:
                decorator(handler)
            assert line in str(caught.value), handler

    @pytest.mark.parametrize("handler", [None, "hook", 5, Handlers, type("Hook", (), {})], ids=repr)
    def test_what_is_not_a_function_is_a_type_error(self, decorator, line, accepted, rejected, handler):
        with pytest.raises(TypeError, match="the decorator is for a function or method, not"):
            decorator(handler)

    def test_a_generator_function_is_a_type_error(self, decorator, line, accepted, rejected):
        def generator(*args):
            yield args

        async def async_generator(*args):
            yield args

        for handler in (generator, async_generator, functools.partial(generator), staticmethod(generator)):
            with pytest.raises(TypeError, match="calling a generator function runs nothing: write def"):
                decorator(handler)

    def test_a_builtin_that_has_no_signature_is_accepted(self, decorator, line, accepted, rejected):
        assert callable(decorator(dict().pop))  # noqa: C408


def test_an_annotation_without_text_is_read_too():
    def swapped(first: Event, second: Request): ...

    swapped.__annotations__ = {"first": Event, "second": Request}
    with pytest.raises(TypeError, match=r"swapped\(first, second\) does not accept \(request, event\) in this order"):
        in_starlette(swapped)
    swapped.__annotations__ = {"first": Request, "second": KnownEvent}
    assert in_starlette(swapped)


def test_the_error_shows_no_default_value():
    def hook(tenant, event, password="pa55word"): ...

    with pytest.raises(TypeError) as caught:
        in_flask(hook)
    assert "pa55word" not in str(caught.value)
