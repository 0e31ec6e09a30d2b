"""The response of each adapter if a handler returns the Outcome of Once."""

import copy
import enum
import json
import pickle
import subprocess
import sys
from typing import Annotated

import django.test
import fastapi
import fastapi.testclient
import pytest
from fastapi.responses import HTMLResponse
from helpers.adapters import ADAPTERS, in_fastapi, in_flask, in_lambda, in_starlette
from helpers.signer import SECRET

from clerk_webhook_verify import Event, Webhook, aws_lambda, django as django_adapter
from clerk_webhook_verify.fastapi import ClerkWebhook
from clerk_webhook_verify.idempotency import AsyncOnce, MemoryStore, Once, Outcome
from clerk_webhook_verify.routing import Router
from clerk_webhook_verify.testing import signed_request


class Busy(MemoryStore):
    """Another worker has claimed every message."""

    def claim(self, key: str, owner: str, lease: float) -> Outcome:
        return Outcome.IN_PROGRESS


class OwnEnum(enum.Enum):
    IN_PROGRESS = "in_progress"


class OwnStringEnum(str, enum.Enum):
    IN_PROGRESS = "in_progress"


class OwnString(str):
    status_code = 409


def signed():
    return signed_request("user.created", secret=SECRET)


@pytest.mark.parametrize("respond", ADAPTERS.values(), ids=ADAPTERS)
class TestEveryAdapter:
    @pytest.mark.parametrize(
        ("outcome", "status"), [(Outcome.HANDLED, 204), (Outcome.DUPLICATE, 204), (Outcome.IN_PROGRESS, 409)]
    )
    def test_an_outcome_becomes_a_response_with_its_status_code_and_no_body(self, respond, outcome, status):
        sent = signed()
        response = respond(lambda event: outcome, sent.headers, sent.body)
        assert (response.status, response.body) == (status, b"")

    def test_responds_409_while_another_worker_handles_the_message(self, respond):
        once, sent, handled = Once(Busy()), signed(), []
        assert respond(lambda event: once.run(event, handled.append), sent.headers, sent.body).status == 409
        assert handled == []

    def test_responds_204_to_a_handled_message_and_to_its_duplicate(self, respond):
        once, sent, handled = Once(MemoryStore()), signed(), []
        for _ in range(2):
            assert respond(lambda event: once.run(event, handled.append), sent.headers, sent.body).status == 204
        assert len(handled) == 1

    def test_responds_204_if_the_handler_returns_nothing(self, respond):
        sent = signed()
        assert respond(lambda event: None, sent.headers, sent.body).status == 204


def test_every_decorator_responds_with_the_status_code_of_a_routers_outcome():
    router, once = Router(), Once(Busy())

    @router.fallback
    def handle(event: Event) -> Outcome:
        return once.run(event, print)

    sent = signed()
    for respond in (in_flask, in_starlette, ADAPTERS["django"], in_lambda):
        assert respond(router, sent.headers, sent.body).status == 409


def test_responds_with_the_status_code_of_an_outcome_of_async_once():
    once, sent = AsyncOnce(Busy()), signed()

    async def handle(event: Event) -> Outcome:
        return await once.run(event, print)

    assert in_flask(handle, sent.headers, sent.body).status == 409
    # A plain function of Starlette's may return a coroutine
    assert in_starlette(handle, sent.headers, sent.body).status == 409


class TestAnApplicationsOwnValue:
    @pytest.mark.parametrize("own", ["in_progress", OwnString("in_progress"), OwnStringEnum.IN_PROGRESS], ids=repr)
    def test_a_string_is_the_body_of_a_response_in_flask(self, own):
        sent = signed()
        response = in_flask(lambda event: own, sent.headers, sent.body)
        assert (response.status, response.body) == (200, b"in_progress")

    def test_a_pair_with_a_status_is_a_response_in_flask(self):
        sent = signed()
        assert in_flask(lambda event: ("busy", 409), sent.headers, sent.body)[::2] == (409, b"busy")

    @pytest.mark.parametrize(
        "own", ["in_progress", OwnString("in_progress"), OwnStringEnum.IN_PROGRESS, OwnEnum.IN_PROGRESS, 409], ids=repr
    )
    @pytest.mark.parametrize("later", [False, True])
    def test_a_string_number_or_enum_is_json_with_the_endpoints_status_in_fastapi(self, own, later):
        sent = signed()
        assert in_fastapi(lambda event: own, sent.headers, sent.body, later=later).status == 204
        app, clerk = fastapi.FastAPI(), ClerkWebhook(Webhook(SECRET))

        @app.post("/", **{**clerk.openapi, "status_code": 200})
        def hook(event: Annotated[Event, fastapi.Depends(clerk)]):
            return own

        response = fastapi.testclient.TestClient(app).post("/", content=sent.body, headers=sent.headers)
        assert (response.status_code, response.json()) == (200, getattr(own, "value", own))

    @pytest.mark.parametrize("own", ["in_progress", OwnEnum.IN_PROGRESS, {"statusCode": 409}, 409], ids=repr)
    def test_any_value_is_passed_on_to_lambda(self, own):
        sent = signed()
        handle = aws_lambda.clerk_webhook(Webhook(SECRET))(lambda event, context: own)
        assert handle({"headers": sent.headers, "body": sent.body.decode()}, None) is own

    def test_a_string_is_passed_on_to_django_which_raises(self):
        sent = signed()
        request = django.test.RequestFactory().post("/", sent.body, "application/json", headers=sent.headers)
        view = django_adapter.clerk_webhook(Webhook(SECRET))(lambda request, event: "in_progress")
        assert view(request) == "in_progress"


class TestFastAPI:
    @pytest.mark.parametrize("annotation", [Outcome, "Outcome", Outcome | None, str, None], ids=str)
    @pytest.mark.parametrize("later", [False, True])
    def test_an_outcome_counts_whatever_the_return_annotation_is(self, annotation, later):
        sent = signed()
        response = in_fastapi(
            lambda event: Outcome.IN_PROGRESS, sent.headers, sent.body, later=later, annotation=annotation
        )
        assert (response.status, response.body) == (409, b"")

    def test_an_outcome_replaces_the_endpoints_own_status(self):
        app, clerk, sent = fastapi.FastAPI(), ClerkWebhook(Webhook(SECRET)), signed()

        @app.post("/", **{**clerk.openapi, "status_code": 202})
        def hook(event: Annotated[Event, fastapi.Depends(clerk)], response: fastapi.Response) -> Outcome:
            response.status_code = 201
            response.headers["x-own"] = "kept"
            return Outcome.IN_PROGRESS

        response = fastapi.testclient.TestClient(app).post("/", content=sent.body, headers=sent.headers)
        assert (response.status_code, response.headers["x-own"]) == (409, "kept")
        assert response.headers["content-length"] == "0"

    def test_an_outcome_counts_in_an_application_with_a_response_class_of_its_own(self):
        app, clerk, sent = fastapi.FastAPI(default_response_class=HTMLResponse), ClerkWebhook(Webhook(SECRET)), signed()
        app.post("/", **clerk.openapi)(outcome_of(clerk))
        response = fastapi.testclient.TestClient(app).post("/", content=sent.body, headers=sent.headers)
        assert (response.status_code, response.content) == (409, b"")

    def test_a_response_is_sent_unchanged_and_background_tasks_run(self):
        app, clerk, sent, ran = fastapi.FastAPI(), ClerkWebhook(Webhook(SECRET)), signed(), []

        @app.post("/own", **clerk.openapi)
        def own(event: Annotated[Event, fastapi.Depends(clerk)]):
            return HTMLResponse("in_progress", 200)

        @app.post("/tasks", **clerk.openapi)
        def tasks(event: Annotated[Event, fastapi.Depends(clerk)], background: fastapi.BackgroundTasks):
            background.add_task(ran.append, event.message_id)
            return Outcome.HANDLED

        client = fastapi.testclient.TestClient(app)
        assert client.post("/own", content=sent.body, headers=sent.headers).text == "in_progress"
        assert client.post("/tasks", content=sent.body, headers=sent.headers).status_code == 204
        assert ran == [sent.headers["svix-id"]]

    def test_the_openapi_page_lists_409(self):
        app, clerk = fastapi.FastAPI(), ClerkWebhook(Webhook(SECRET))
        app.post("/", **clerk.openapi)(outcome_of(clerk))
        page = fastapi.testclient.TestClient(app).get("/openapi.json").json()
        assert page["paths"]["/"]["post"]["responses"].keys() >= {"204", "400", "409", "413"}


def outcome_of(clerk):
    def hook(event: Annotated[Event, fastapi.Depends(clerk)]) -> Outcome:
        return Outcome.IN_PROGRESS

    return hook


class TestTheValue:
    def test_it_is_a_string_that_selects_its_outcome(self):
        for outcome in Outcome:
            assert outcome.value == outcome.name.lower()
            assert Outcome(outcome.name.lower()) is outcome
            assert json.dumps(outcome.value) == json.dumps(outcome.name.lower())

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_an_outcome_survives_pickle_and_copy(self, protocol):
        for outcome in Outcome:
            assert pickle.loads(pickle.dumps(outcome, protocol)) is outcome
            assert copy.deepcopy(outcome) is copy.copy(outcome) is outcome


def test_an_adapter_imports_no_database_client_and_no_sqlite3():
    code = "import sys, clerk_webhook_verify.aws_lambda; print({'sqlite3', 'redis', 'psycopg'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
