"""docs/recipes/user-before-webhook.md keeps events that arrive before their user."""

import threading
from itertools import permutations
from types import SimpleNamespace

import pytest
from helpers import recipes

from clerk_webhook_verify.events import OrganizationMembershipCreated, UserCreated, UserDeleted
from clerk_webhook_verify.testing import make_event

pytestmark = pytest.mark.slow  # it needs Clerk's client

JOINED = make_event(OrganizationMembershipCreated)
USER = JOINED.data.public_user_data.user_id
CREATED = make_event(UserCreated, id=USER, first_name="Ada", last_name=None)
DELETED = make_event(UserDeleted, id=USER)
EVENTS = [JOINED, CREATED, DELETED]
ORDERS = [pytest.param(order, id=", ".join(event.type for event in order)) for order in permutations(EVENTS)]


@pytest.fixture(scope="module")
def recipe(postgres, tmp_path_factory):
    pytest.importorskip("clerk_backend_api")
    folder = tmp_path_factory.mktemp("signed_in")
    with recipes.installed(folder, postgres, "mirror-users.md", "user-before-webhook.md"):
        import members
        import mirror
        import signed_in
        import web

        recipes.create_tables(mirror)
        yield SimpleNamespace(members=members, mirror=mirror, signed_in=signed_in, web=web)


def test_the_tests_on_the_page_pass(recipe):
    recipes.run_tests_of("test_signed_in")


def test_requests_at_the_same_time_insert_one_user(recipe):
    found, engine = [], recipe.mirror.engine
    start = threading.Barrier(4)

    def request() -> None:
        with recipe.web.Session(engine) as session, session.begin():
            start.wait(30)
            found.append(recipe.signed_in.current_user(session, USER).id)

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [USER] * 4
    with recipe.web.Session(engine) as session, session.begin():
        session.delete(session.get_one(recipe.mirror.ClerkUser, USER))


@pytest.mark.parametrize("order", ORDERS)
def test_no_order_violates_the_foreign_key_or_restores_a_deleted_user(recipe, order):
    with recipe.web.Session(recipe.mirror.engine) as session:
        for event in order:
            if event is JOINED:
                recipe.members.add_member(session, event)
            else:
                recipe.web.handle(session, event)
        assert session.get_one(recipe.members.Membership, JOINED.data.id).user_id == USER
        assert session.get_one(recipe.mirror.ClerkUser, USER).deleted
        assert recipe.signed_in.current_user(session, USER) is None
