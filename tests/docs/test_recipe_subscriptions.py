"""docs/recipes/subscriptions.md: who may use a plan, after any events and at any time."""

from datetime import datetime, timedelta, timezone
from itertools import permutations

import pytest
from helpers import recipes
from helpers.signer import SECRET

from clerk_webhook_verify.events import (
    EVENT_TYPES,
    SubscriptionItem,
    SubscriptionItemActive,
    SubscriptionItemCanceled,
    SubscriptionItemUpdated,
)
from clerk_webhook_verify.testing import make_event, sample, signed_request

END = datetime(2026, 12, 15, tzinfo=timezone.utc)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def recipe(postgres, tmp_path_factory):
    with recipes.installed(tmp_path_factory.mktemp("subscriptions"), postgres, "subscriptions.md"):
        import entitlements

        recipes.create_tables(entitlements)
        yield entitlements


@pytest.fixture
def session(recipe):
    with recipe.Session(recipe.engine) as session:
        yield session


def milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def test_the_tests_on_the_page_pass(recipe):
    recipes.run_tests_of("test_entitlements")


@pytest.mark.parametrize(
    ("status", "period_end", "past_due_at", "ends"),
    [
        ("active", END, None, END + 7 * DAY),
        ("active", None, None, None),
        ("canceled", END, None, END),
        ("canceled", None, None, "never began"),
        ("past_due", END, END, END + 7 * DAY),
        ("past_due", END, None, "never began"),
        ("upcoming", END, None, "never began"),
        ("incomplete", END, None, "never began"),
        ("abandoned", END, None, "never began"),
        ("ended", END, None, "never began"),
        ("expired", END, None, "never began"),
        ("a status that Clerk adds later", END, None, "never began"),
        (None, END, None, "never began"),
    ],
)
def test_access_by_status_ends_when_the_page_says(recipe, status, period_end, past_due_at, ends):
    item = recipe.Item(status=status, period_end=period_end, past_due_at=past_due_at)
    began = END - 10 * DAY
    if ends == "never began":
        assert not item.entitles(began)
    elif ends is None:
        assert item.entitles(END + 1000 * DAY)
    else:
        assert item.entitles(ends - timedelta(seconds=1))
        assert not item.entitles(ends)


@pytest.mark.parametrize("event_type", [name for name in EVENT_TYPES if name.startswith("subscriptionItem.")])
def test_every_event_of_an_item_is_saved(recipe, session, event_type):
    event = make_event(EVENT_TYPES[event_type], id="subi_1")
    recipe.handle(session, event)
    assert session.get_one(recipe.Item, "subi_1").plan == "starter"


def test_other_events_are_ignored(recipe, session):
    for event_type in ("paymentAttempt.updated", "subscription.updated", "user.created"):
        recipe.handle(session, make_event(EVENT_TYPES[event_type]))
    assert session.query(recipe.Item).all() == []


def test_a_renewal_that_arrives_before_the_cancellation_of_the_period_before_wins(recipe):
    canceled = make_event(SubscriptionItemCanceled, id="subi_1", status="canceled", updated_at=1_700_000_000_000)
    renewed = make_event(
        SubscriptionItemUpdated,
        id="subi_1",
        status="active",
        period_end=milliseconds(END),
        updated_at=1_700_000_000_001,
    )
    for order in permutations([canceled, renewed, canceled]):
        with recipe.Session(recipe.engine) as session:
            for event in order:
                recipe.handle(session, event)
            assert recipe.plans(session, renewed.data.payer.user_id, END) == {"starter"}


def test_an_organization_that_pays_is_the_owner(recipe, session):
    payer = sample("subscriptionItem.active")["data"]["payer"] | {
        "organization_id": "org_1",
        "organization_name": "Engines",
    }
    event = make_event(SubscriptionItemActive, payer=payer, period_end=None)
    recipe.handle(session, event)
    assert recipe.plans(session, "org_1") == {"starter"}
    assert recipe.plans(session, payer["user_id"]) == set()


def test_an_item_that_lacks_everything_but_its_id_and_time_is_kept_and_entitles_to_nothing(recipe, session):
    recipe.save(session, SubscriptionItem.from_dict({"id": "subi_1", "updated_at": milliseconds(END)}), None)
    assert session.get_one(recipe.Item, "subi_1").owner is None


@pytest.mark.parametrize("updated_at", recipes.NOT_INTEGERS)
def test_an_item_whose_updated_at_is_not_an_integer_is_skipped_with_a_warning(recipe, session, updated_at, caplog):
    recipe.handle(session, make_event(SubscriptionItemActive, id="subi_1", updated_at=updated_at))
    assert session.get(recipe.Item, "subi_1") is None
    assert [record.getMessage() for record in caplog.records] == [
        "skipped the subscription item 'subi_1': updated_at is not an integer"
    ]


@pytest.mark.slow
def test_an_item_of_the_rest_api_is_saved_like_that_of_a_webhook(recipe, session):
    models = pytest.importorskip("clerk_backend_api").models
    answer = {
        "object": "commerce_subscription_item",
        "id": "subi_1",
        "instance_id": "ins_1",
        "status": "canceled",
        "plan_id": "cplan_1",
        "plan_period": "month",
        "payer_id": "cpayer_1",
        "is_free_trial": False,
        "period_start": milliseconds(END - 30 * DAY),
        "period_end": milliseconds(END),
        "canceled_at": milliseconds(END - DAY),
        "past_due_at": None,
        "ended_at": None,
        "updated_at": milliseconds(END - DAY),
    }
    item = models.CommerceSubscriptionItem.model_validate(answer)
    recipe.save(session, SubscriptionItem.from_dict(item.model_dump(mode="json")), "user_1")
    saved = session.get_one(recipe.Item, "subi_1")
    assert (saved.owner, saved.status, saved.period_end) == ("user_1", "canceled", END)


def test_times_in_seconds_are_read_too(recipe, session):
    seconds = int(END.timestamp())
    recipe.handle(session, make_event(SubscriptionItemActive, id="subi_1", period_end=seconds, updated_at=seconds))
    assert session.get_one(recipe.Item, "subi_1").period_end == END


def test_the_endpoint_saves_a_signed_event_once(recipe):
    client = recipe.app.test_client()
    request = signed_request("subscriptionItem.active", secret=SECRET)
    for _ in range(2):
        assert client.post("/webhooks/clerk", data=request.body, headers=request.headers).status_code == 204
    with recipe.Session(recipe.engine) as session, session.begin():
        item = session.query(recipe.Item).one()
        assert item.status == "active"
        session.delete(item)
