"""Do the roles of docs/recipes/organization-roles.md follow Clerk's, in whatever order events arrive?"""

from itertools import permutations

import pytest
from helpers import recipes
from helpers.signer import SECRET

from clerk_webhook_verify.events import (
    OrganizationDeleted,
    OrganizationMembershipCreated,
    OrganizationMembershipDeleted,
    OrganizationMembershipUpdated,
    UserDeleted,
)
from clerk_webhook_verify.testing import make_event, signed_request

JOINED = make_event(OrganizationMembershipCreated, id="orgmem_1", role="org:member", updated_at=1)
PROMOTED = make_event(OrganizationMembershipUpdated, id="orgmem_1", role="org:admin", updated_at=2)
USER, ORGANIZATION = JOINED.data.public_user_data.user_id, JOINED.data.organization.id


@pytest.fixture(scope="module")
def recipe(postgres, tmp_path_factory):
    with recipes.installed(tmp_path_factory.mktemp("roles"), postgres, "organization-roles.md"):
        import roles

        recipes.create_tables(roles)
        yield roles


@pytest.fixture
def session(recipe):
    with recipe.Session(recipe.engine) as session:
        yield session


def test_the_tests_on_the_page_pass(recipe):
    recipes.run_tests_of("test_roles")


@pytest.mark.parametrize(
    "deletion",
    [
        make_event(OrganizationMembershipDeleted, id="orgmem_1", updated_at=2),
        make_event(OrganizationDeleted, id=ORGANIZATION),
        make_event(UserDeleted, id=USER),
    ],
    ids=lambda event: event.type,
)
def test_a_deletion_ends_the_role_in_any_order(recipe, deletion):
    for order in permutations([JOINED, PROMOTED, deletion, JOINED]):
        with recipe.Session(recipe.engine) as session:
            for event in order:
                recipe.handle(session, event)
            assert recipe.roles(session, USER) == {}
            assert not recipe.may(session, USER, "read", ORGANIZATION)


def test_the_newest_role_wins_in_any_order(recipe):
    for order in permutations([JOINED, PROMOTED, JOINED]):
        with recipe.Session(recipe.engine) as session:
            for event in order:
                recipe.handle(session, event)
            assert recipe.may(session, USER, "write", ORGANIZATION)


def test_an_unknown_role_permits_nothing(recipe, session):
    recipe.handle(session, make_event(OrganizationMembershipCreated, role="org:owner"))
    assert recipe.roles(session, USER) == {ORGANIZATION: "org:owner"}
    assert not recipe.may(session, USER, "read", ORGANIZATION)


def test_a_role_of_one_organization_permits_nothing_in_another_one(recipe, session):
    recipe.handle(session, PROMOTED)
    assert not recipe.may(session, USER, "read", "org_other")


def test_a_membership_without_its_user_is_kept_and_gives_no_role(recipe, session):
    recipe.handle(session, make_event(OrganizationMembershipCreated, id="orgmem_1", public_user_data=None))
    assert session.get_one(recipe.Member, "orgmem_1").user_id is None
    assert recipe.roles(session, USER) == {}


@pytest.mark.parametrize("updated_at", recipes.NOT_INTEGERS)
def test_a_membership_whose_updated_at_is_not_an_integer_is_skipped_with_a_warning(recipe, session, updated_at, caplog):
    recipe.handle(session, make_event(OrganizationMembershipCreated, id="orgmem_1", updated_at=updated_at))
    assert session.get(recipe.Member, "orgmem_1") is None
    assert [record.getMessage() for record in caplog.records] == [
        "skipped the membership 'orgmem_1': updated_at is not an integer"
    ]


def test_the_endpoint_saves_a_signed_event_once(recipe):
    client = recipe.app.test_client()
    request = signed_request("organizationMembership.created", secret=SECRET)
    for _ in range(2):
        assert client.post("/webhooks/clerk", data=request.body, headers=request.headers).status_code == 204
    with recipe.Session(recipe.engine) as session, session.begin():
        member = session.query(recipe.Member).one()
        assert member.role == "org:admin"
        session.delete(member)
