"""Does the table of docs/recipes/mirror-users.md end in Clerk's own state, whatever arrives, and in whatever order?"""

import os
import re
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from helpers import programs, recipes
from helpers.recipes import Message, State, histories
from helpers.signer import SECRET
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from clerk_webhook_verify.events import UserCreated, UserDeleted, UserUpdated
from clerk_webhook_verify.idempotency import Outcome
from clerk_webhook_verify.testing import make_event, signed_request

OLD, NEW = State("user_1", 1, "Ada"), State("user_1", 2, "Grace")


@pytest.fixture(scope="module")
def recipe(postgres, tmp_path_factory):
    with recipes.installed(tmp_path_factory.mktemp("mirror"), postgres, "mirror-users.md"):
        import mirror
        import web

        recipes.create_tables(mirror)
        yield SimpleNamespace(mirror=mirror, web=web)


@pytest.fixture
def session(recipe):
    """A session whose changes are rolled back."""
    with recipe.mirror.engine.connect() as connection:
        with recipe.web.Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        connection.rollback()


def deliver(recipe, session, message: Message) -> None:
    """Handle an event like the endpoint, in the session's transaction, or like the backfill."""
    if message.kind == "backfill":
        recipe.mirror.save(session, message.user())
    else:
        event = message.event()
        if recipe.web.once.mark(session.connection().connection.driver_connection, event) is Outcome.HANDLED:
            recipe.web.handle(session, event)


def row(recipe, session, user_id: str = "user_1"):
    return session.get(recipe.mirror.ClerkUser, user_id, populate_existing=True)


def test_the_tests_on_the_page_pass(recipe):
    recipes.run_tests_of("test_mirror")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(histories())
def test_any_order_and_repetition_ends_in_the_newest_state(recipe, session, history):
    with session.begin_nested() as example:
        for message in history.messages:
            deliver(recipe, session, message)
        for user_id, newest in history.newest.items():
            user = row(recipe, session, user_id)
            assert user.deleted == (not newest)
            if newest:
                assert State(user_id, user.updated_at, user.name) in newest
            else:
                assert (user.email, user.name) == (None, None)
        session.expunge_all()
        example.rollback()


def test_a_repeated_older_event_of_the_same_millisecond_changes_nothing(recipe, session):
    first, second = State("user_1", 1, "Ada"), State("user_1", 1, "Grace")
    for state in (first, second, first):
        deliver(recipe, session, Message("user.updated", state))
    assert row(recipe, session).name == "Grace"


def test_a_user_without_an_email_address_is_saved(recipe, session):
    event = make_event(UserCreated, id="user_1", email_addresses=[], primary_email_address_id=None, first_name="Ada")
    recipe.web.handle(session, event)
    assert row(recipe, session).email is None


@pytest.mark.parametrize("updated_at", recipes.NOT_INTEGERS)
def test_a_user_whose_updated_at_is_not_an_integer_is_skipped_with_a_warning(recipe, session, updated_at, caplog):
    recipe.web.handle(session, make_event(UserUpdated, id="user_1", updated_at=updated_at))
    assert row(recipe, session) is None
    assert [record.getMessage() for record in caplog.records] == [
        "skipped the user 'user_1': updated_at is not an integer"
    ]


def test_an_error_of_the_database_shows_no_parameters(recipe, session):
    with pytest.raises(DBAPIError) as raised:
        session.execute(text("SELECT 1 / 0 WHERE :email LIKE '%'"), {"email": "ada@example.com"})
    assert "ada@example.com" not in str(raised.value)


def test_every_engine_in_the_documentation_hides_parameters():
    pages = [page.read_text("utf-8") for page in programs.DOCS.rglob("*.md")]
    engines = [line for page in pages for line in page.splitlines() if "= create_engine(" in line]
    assert len(engines) >= 5
    assert all("hide_parameters=True" in engine for engine in engines)


@pytest.mark.parametrize("states", [(OLD, NEW), (NEW, OLD)], ids=["older first", "newer first"])
def test_two_workers_at_the_same_time_leave_the_newer_state(recipe, states):
    mirror, (first, second) = recipe.mirror, states
    with mirror.engine.connect() as one, mirror.engine.connect() as other:
        pid = other.connection.driver_connection.info.backend_pid
        mirror.save(one, Message("user.updated", first).user())

        def work() -> None:
            mirror.save(other, Message("user.updated", second).user())
            other.commit()

        worker = threading.Thread(target=work)
        worker.start()
        wait_until_blocked(mirror, pid)
        one.commit()
        worker.join(30)
    with recipe.web.Session(mirror.engine) as session, session.begin():
        user = row(recipe, session)
        assert user.name == "Grace"
        session.delete(user)


def wait_until_blocked(mirror, pid: int) -> None:
    deadline = time.monotonic() + 30
    with mirror.connect(autocommit=True) as connection:
        while connection.execute("SELECT cardinality(pg_blocking_pids(%s))", [pid]).fetchone() == (0,):
            assert time.monotonic() < deadline, "the second worker does not wait for the first"


def test_the_endpoint_handles_each_message_once_and_retries_what_failed(recipe, monkeypatch):
    handled, handle = [], recipe.web.handle

    def fail_once(session, event) -> None:
        handle(session, event)
        handled.append(event.type)
        if len(handled) == 1:
            raise ZeroDivisionError

    monkeypatch.setattr(recipe.web, "handle", fail_once)
    client = recipe.web.app.test_client()
    request = signed_request("user.created", secret=SECRET)
    responses = [client.post("/webhooks/clerk", data=request.body, headers=request.headers) for _ in range(3)]
    assert [response.status_code for response in responses] == [500, 204, 204]
    assert handled == ["user.created"] * 2


def test_the_deletion_of_an_unknown_user_is_kept(recipe, session):
    recipe.web.handle(session, make_event(UserDeleted, id="user_1"))
    assert row(recipe, session).deleted


SQLITE = """
from test_mirror import *
from web import app
from clerk_webhook_verify.testing import signed_request

test_the_newest_state_wins_in_any_order()
test_a_deleted_user_stays_deleted_in_any_order()
request = signed_request("user.created")
for _ in range(2):
    assert app.test_client().post("/webhooks/clerk", data=request.body, headers=request.headers).status_code == 204
for values in ({"updated_at": "some string"}, {"updated_at": 2_000_000_000_000, "first_name": "Grace"}):
    request = signed_request("user.updated", **values)
    assert app.test_client().post("/webhooks/clerk", data=request.body, headers=request.headers).status_code == 204
with Session(engine) as session:
    assert session.query(ClerkUser).one().name == "Grace Björk"
"""


@pytest.mark.slow
def test_the_changes_for_sqlite_work(tmp_path):
    recipes.write(tmp_path, "mirror-users.md")
    file, page = tmp_path / "mirror.py", (recipes.RECIPES / "mirror-users.md").read_text("utf-8")
    mirror = file.read_text("utf-8")
    changes = re.findall(r"```diff\n(.*?)```", page, re.DOTALL)
    assert changes
    for change in changes:
        before, after = (
            "".join(line[1:] if line.strip() else line for line in change.splitlines(True) if line[0] != sign)
            for sign in "+-"
        )
        assert mirror.count(before) == 1, before
        mirror = mirror.replace(before, after)
    assert "postgres" not in mirror
    file.write_text(mirror, "utf-8")
    for command in (["mirror.py"], ["-c", SQLITE]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=os.environ | {"CLERK_WEBHOOK_SIGNING_SECRET": SECRET},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


# --- Django: a separate project, since a process has one settings module

PROJECT = """
import os
from urllib.parse import parse_qs, urlsplit

uri = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": uri.path.strip("/"), "USER": uri.username,
    "HOST": parse_qs(uri.query)["host"][0],
}}
INSTALLED_APPS = ["accounts"]
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "of the tests"
LOGGING_CONFIG = None
"""
URLS = """
from django.urls import path
from accounts.views import clerk

urlpatterns = [path("webhooks/clerk", clerk)]
"""
DJANGO = """
import django
from django.core.management import call_command

django.setup()
call_command("makemigrations", "accounts", verbosity=0)
call_command("migrate", "accounts", verbosity=0)

from django.db import connection, transaction
from django.test import Client
from helpers.clerk_stand_in import ClerkStandIn
from helpers.recipes import NOT_INTEGERS, State, histories
from helpers.signer import SECRET
from hypothesis import given, settings

from accounts import views
from accounts.management.commands import backfill_users
from accounts.mirror import connect, save
from accounts.models import ClerkUser
from clerk_webhook_verify.idempotency import Outcome
from clerk_webhook_verify.testing import signed_request


def deliver(message):
    if message.kind == "backfill":
        return save(message.user())
    event = message.event()
    with connect() as psycopg_connection:
        if views.once.mark(psycopg_connection, event) is Outcome.HANDLED:
            views.handle(event)


@settings(deadline=None, max_examples=100)
@given(histories())
def any_order_and_repetition_ends_in_the_newest_state(history):
    with transaction.atomic():
        for message in history.messages:
            deliver(message)
        for user_id, newest in history.newest.items():
            user = ClerkUser.objects.get(id=user_id)
            assert user.deleted == (not newest)
            if newest:
                assert State(user_id, user.updated_at, user.name) in newest
            else:
                assert (user.email, user.name) == (None, None)
        transaction.set_rollback(True)


any_order_and_repetition_ends_in_the_newest_state()

for updated_at in NOT_INTEGERS:
    request = signed_request("user.created", secret=SECRET, updated_at=updated_at)
    response = Client().post("/webhooks/clerk", request.body, "application/json", headers=request.headers)
    assert response.status_code == 204, response
assert not ClerkUser.objects.exists()
request = signed_request("user.created", secret=SECRET)
for _ in range(2):
    response = Client().post("/webhooks/clerk", request.body, "application/json", headers=request.headers)
    assert response.status_code == 204, response
assert ClerkUser.objects.filter(deleted=False).count() == 1
user_id = ClerkUser.objects.get().id

with ClerkStandIn() as api, api.client(backfill_users.RETRIES) as clerk:
    api.add(user_id, updated_at=2_000_000_000_000, first_name="Grace", last_name=None)
    for number in range(5):
        api.add(f"user_{number}")
    backfill_users.backfill(clerk)
    assert ClerkUser.objects.filter(deleted=False).count() == 6
    assert ClerkUser.objects.get(id=user_id).name == "Grace"
    api.remove("user_3")
    backfill_users.backfill(clerk)
    assert ClerkUser.objects.get(id="user_3").deleted
    assert ClerkUser.objects.filter(deleted=False).count() == 5
    for each in list(api.users):
        api.remove(each)
    api.add("user_of_another_instance")
    try:
        backfill_users.backfill(clerk)
    except backfill_users.CommandError as error:
        assert "CLERK_SECRET_KEY" in str(error)
    else:
        raise AssertionError("users were deleted because of another instance's key")
"""


@pytest.mark.slow
def test_django_ends_in_the_newest_state_and_fills_its_table_from_the_rest_api(postgres, tmp_path):
    pytest.importorskip("clerk_backend_api")
    with recipes.installed(tmp_path, postgres, "mirror-users.md") as uri:
        recipes.make_packages(tmp_path / "accounts")
        (tmp_path / "project.py").write_text(PROJECT)
        (tmp_path / "urls.py").write_text(URLS)
        environment = {
            "DATABASE_URL": uri,
            "DJANGO_SETTINGS_MODULE": "project",
            "CLERK_WEBHOOK_SIGNING_SECRET": SECRET,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
        }
        command = [sys.executable, "-c", DJANGO]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
