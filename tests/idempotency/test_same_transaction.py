"""The mark is committed with the work in transactions of Django and SQLAlchemy."""

import subprocess
import sys

import pytest
from helpers import stores

from clerk_webhook_verify.idempotency import Once, Outcome


def test_sqlalchemy(uri):
    import psycopg
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(uri))
    once = Once(stores.postgres_store(uri))

    def handle(message_id: str, *, fail: bool = False) -> Outcome:
        with Session(engine) as session, session.begin():
            outcome = once.mark(session.connection().connection.driver_connection, message_id)
            if fail:
                raise ZeroDivisionError
        return outcome

    with pytest.raises(ZeroDivisionError):
        handle("msg_1", fail=True)
    assert [handle("msg_1"), handle("msg_1")] == [Outcome.HANDLED, Outcome.DUPLICATE]
    engine.dispose()


DJANGO = """
import sys
import django
from django.conf import settings

_, host = sys.argv[1].split("host=")
settings.configure(
    DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": host,
        "ATOMIC_REQUESTS": True,
    }},
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", LOGGING_CONFIG=None,
)
django.setup()

import psycopg
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from clerk_webhook_verify.idempotency import Once, Outcome
from clerk_webhook_verify.idempotency.postgres import PostgresStore

once = Once(PostgresStore(lambda: psycopg.connect(sys.argv[1])))


def mark(message_id):
    connection.ensure_connection()
    return once.mark(connection.connection, message_id)


def marked_view(request, message_id, fail):
    outcome = mark(message_id)
    if fail == "yes":
        raise ZeroDivisionError
    return HttpResponse(status=outcome.status_code, headers={"Outcome": outcome.name})


def run_view(request, message_id, fail):
    outcome = once.run(message_id, lambda _: None)
    if fail == "yes":
        raise ZeroDivisionError
    return HttpResponse(status=outcome.status_code, headers={"Outcome": outcome.name})


urlpatterns = [path("mark/<message_id>/<fail>", marked_view), path("run/<message_id>/<fail>", run_view)]
client = Client(raise_request_exception=False)

# ATOMIC_REQUESTS: the view's transaction takes the mark along
assert client.get("/mark/msg_2/yes").status_code == 500
assert client.get("/mark/msg_2/no")["Outcome"] == "HANDLED"
assert client.get("/mark/msg_2/no")["Outcome"] == "DUPLICATE"
# a mark by run() stands, although the view's work was rolled back: the page warns of it
assert client.get("/run/msg_3/yes").status_code == 500
assert client.get("/run/msg_3/no")["Outcome"] == "DUPLICATE"

# autocommit, and the block that the page shows
try:
    mark("msg_4")
except TypeError as error:
    assert "is in autocommit mode" in str(error)
else:
    raise AssertionError("the mark was committed alone")
with transaction.atomic():
    assert mark("msg_4") is Outcome.HANDLED
with transaction.atomic():
    assert mark("msg_4") is Outcome.DUPLICATE
"""


def test_django(uri):
    done = subprocess.run([sys.executable, "-c", DJANGO, uri], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
