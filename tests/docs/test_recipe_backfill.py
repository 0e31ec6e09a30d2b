"""Is the backfill of docs/recipes/mirror-users.md complete, and safe to run again while webhooks arrive?"""

from types import SimpleNamespace

import pytest
from helpers import recipes
from helpers.clerk_stand_in import ClerkStandIn

from clerk_webhook_verify.events import OrganizationMembership, UserDeleted, UserUpdated
from clerk_webhook_verify.testing import make_event, sample

pytestmark = pytest.mark.slow  # it needs Clerk's client


@pytest.fixture(scope="module")
def recipe(postgres, tmp_path_factory):
    pytest.importorskip("clerk_backend_api")
    with recipes.installed(tmp_path_factory.mktemp("backfill"), postgres, "mirror-users.md", "user-before-webhook.md"):
        import backfill
        import clerk_api
        import mirror
        import signed_in
        import web

        recipes.create_tables(mirror)
        yield SimpleNamespace(backfill=backfill, clerk_api=clerk_api, mirror=mirror, signed_in=signed_in, web=web)


@pytest.fixture
def api():
    with ClerkStandIn() as api:
        yield api


class Mirror:
    """The recipe, with an empty table, pages of 3 users, and a client for the stand-in."""

    def __init__(self, recipe, clerk) -> None:
        self.recipe, self.clerk = recipe, clerk

    def backfill(self) -> None:
        self.recipe.backfill.backfill(self.clerk)

    def receive(self, event) -> None:
        with self.recipe.web.Session(self.recipe.mirror.engine) as session, session.begin():
            self.recipe.web.handle(session, event)

    def rows(self) -> dict[str, tuple]:
        user = self.recipe.mirror.ClerkUser
        with self.recipe.web.Session(self.recipe.mirror.engine) as session:
            return {each.id: (each.name, each.deleted) for each in session.query(user)}

    def users(self) -> set[str]:
        return {user_id for user_id, (_, deleted) in self.rows().items() if not deleted}


@pytest.fixture
def mirror(recipe, api, monkeypatch):
    monkeypatch.setattr(recipe.clerk_api, "PAGE", 3)
    with recipe.mirror.connect() as connection:
        connection.execute("DELETE FROM clerk_users")
    with api.client(recipe.clerk_api.RETRIES) as clerk:
        yield Mirror(recipe, clerk)


def numbered(count: int) -> list[str]:
    return [f"user_{number}" for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7, 9])
def test_all_users_of_all_pages_are_copied_and_a_second_run_changes_nothing(mirror, api, count):
    for user_id in numbered(count):
        api.add(user_id)
    mirror.backfill()
    rows = mirror.rows()
    assert mirror.users() == set(numbered(count))
    mirror.backfill()
    assert mirror.rows() == rows


@pytest.mark.parametrize("count", [3, 4, 5, 8])
def test_more_users_than_a_page_may_have_the_same_creation_time(mirror, api, count):
    api.add("user_first")
    for user_id in numbered(count):
        api.add(user_id, created_at=1_800_000_000_000)
    api.add("user_last", created_at=1_900_000_000_000)
    mirror.backfill()
    assert mirror.users() == {"user_first", *numbered(count), "user_last"}


def test_users_that_are_deleted_while_it_runs_shift_no_page(mirror, api):
    for user_id in numbered(9):
        api.add(user_id)

    def remove_the_first_user() -> None:
        api.users.pop(next(iter(api.users)), None)

    api.after_page = remove_the_first_user
    mirror.backfill()
    assert mirror.users() >= set(api.users)


def test_a_user_that_is_deleted_after_its_page_was_read_stays_deleted(mirror, api):
    api.add("user_1")
    api.after_page = lambda: mirror.receive(make_event(UserDeleted, id="user_1"))
    mirror.backfill()
    assert mirror.rows() == {"user_1": (None, True)}


def test_a_user_that_is_updated_after_its_page_was_read_keeps_the_newer_state(mirror, api):
    api.add("user_1", updated_at=1, first_name="Ada", last_name=None)
    newer = make_event(UserUpdated, id="user_1", updated_at=2, first_name="Grace", last_name=None)
    api.after_page = lambda: mirror.receive(newer)
    mirror.backfill()
    assert mirror.rows() == {"user_1": ("Grace", False)}


def test_a_user_that_is_created_while_it_runs_is_not_deleted(mirror, api):
    api.add("user_1")

    def create() -> None:
        mirror.receive(make_event(UserUpdated, id="user_2"))

    api.after_page = create
    mirror.backfill()
    assert mirror.users() == {"user_1", "user_2"}


def test_a_deletion_that_no_webhook_reported_is_found(mirror, api):
    for user_id in numbered(4):
        api.add(user_id)
    mirror.backfill()
    api.remove("user_1")
    mirror.backfill()
    assert mirror.users() == {"user_0", "user_2", "user_3"}
    assert mirror.rows()["user_1"] == (None, True)


def test_a_user_that_was_not_listed_but_exists_is_not_deleted(mirror, api):
    for user_id in numbered(2):
        api.add(user_id)
    mirror.backfill()
    hidden = api.users.pop("user_1")
    api.after_page = lambda: api.users.update(user_1=hidden)
    mirror.backfill()
    assert mirror.users() == {"user_0", "user_1"}
    assert api.requests[-1] == "/v1/users/user_1"


def test_the_key_of_another_instance_deletes_no_user(mirror, api):
    for user_id in numbered(2):
        api.add(user_id)
    mirror.backfill()
    api.users.clear()
    api.add("user_of_another_instance")
    with pytest.raises(RuntimeError, match="CLERK_SECRET_KEY"):
        mirror.backfill()
    assert mirror.users() >= {"user_0", "user_1"}


def test_a_request_that_was_rejected_for_its_rate_is_repeated(mirror, api):
    api.add("user_1")
    api.rejected = 3
    mirror.backfill()
    assert len(api.requests) == 4
    assert mirror.users() == {"user_1"}


def test_without_retries_a_429_is_an_error(recipe, api):
    from clerk_backend_api import Clerk
    from clerk_backend_api.models import ClerkBaseError

    api.rejected = 1
    with api.client(None) as clerk, pytest.raises(ClerkBaseError) as caught:
        list(recipe.clerk_api.pages(clerk))
    assert isinstance(clerk, Clerk)
    assert caught.value.status_code == 429


def test_a_user_who_signs_in_first_can_be_fetched_and_the_webhook_changes_nothing(mirror, recipe, api):
    api.add("user_1", updated_at=5, first_name="Ada", last_name=None)
    with recipe.web.Session(recipe.mirror.engine) as session, session.begin():
        recipe.signed_in.fetch(session, mirror.clerk, "user_1")
    mirror.receive(make_event(UserUpdated, id="user_1", updated_at=5, first_name="Ada", last_name=None))
    assert mirror.rows() == {"user_1": ("Ada", False)}


def test_the_membership_of_the_rest_api_reads_like_that_of_a_webhook(recipe):
    from clerk_backend_api import models

    data = sample("organizationMembership.created")["data"]
    read = OrganizationMembership.from_dict(models.OrganizationMembership(**data).model_dump(mode="json"))
    assert (read.id, read.role, read.updated_at) == (data["id"], data["role"], data["updated_at"])
    assert read.organization.id == data["organization"]["id"]
    assert read.public_user_data is not None
    assert read.public_user_data.user_id == data["public_user_data"]["user_id"]
