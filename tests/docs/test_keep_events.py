"""The table of docs/recipes/keep-events.md: is it bounded, and does it forget a user?"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from clerk_webhook_verify.events import EVENT_TYPES, Event
from clerk_webhook_verify.testing import make_event
from clerk_webhook_verify.testing.samples import SAMPLES

PAGE = Path(__file__).parents[2] / "docs" / "recipes" / "keep-events.md"
USERS = [f"user_2mXk1W5uJq8GiRfO3tZsPcLv{number:03}" for number in range(3)]
TYPES = ["user.created", "user.updated", "user.deleted", "session.created", "email.created", "sms.created"]
AT_MOST = 5


@pytest.fixture(scope="module")
def recipe():
    """The names of the page's first block, with a smaller limit."""
    code = re.search(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[1]
    namespace: dict = {}
    exec(code, namespace)
    namespace["KEEP_AT_MOST"] = AT_MOST
    return namespace


def event_of(event_type: str, user: str, message_id: str) -> Event:
    fields: dict = {"user_id": user} if event_type in {"session.created", "email.created", "sms.created"} else {}
    if event_type.startswith("user."):
        fields = {"id": user} if event_type == "user.deleted" else {"id": user, "first_name": f"name of {user}"}
    return make_event(EVENT_TYPES[event_type], message_id=message_id, **fields)


def stored(database: sqlite3.Connection) -> list[tuple[str, str, int]]:
    return database.execute("SELECT message_id, type, received_at FROM clerk_events").fetchall()


steps = st.lists(
    st.tuples(st.sampled_from(TYPES), st.sampled_from(USERS), st.integers(0, 9), st.integers(0, 200_000)), max_size=20
)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(steps=steps)
def test_the_table_is_bounded_and_forgets_deleted_users_in_any_order_of_events(recipe, tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("keep") / "events.db"
    now, deleted = 1_760_000_000, {}
    with closing(recipe["connect"](str(path))) as database:
        database.execute("PRAGMA synchronous = OFF")  # a test survives no power failure
        for event_type, user, number, seconds in steps:
            now += seconds
            recipe["keep"](database, event_of(event_type, user, f"msg_{user}_{TYPES.index(event_type)}{number}"), now)
            if event_type == "user.deleted":
                deleted.setdefault(user, now)
            deleted = {user: at for user, at in deleted.items() if at >= now - recipe["KEEP_FOR"]}
            rows = stored(database)
            assert len(rows) <= AT_MOST
            assert all(received >= now - recipe["KEEP_FOR"] for _, _, received in rows)
            assert {kind for _, kind, _ in rows} <= {"user.created", "user.updated", "session.created"}
            assert not any(user in message_id for user in deleted for message_id, _, _ in rows)
    content = path.read_bytes()
    assert not any(f"msg_{user}".encode() in content for user in deleted)  # unlike the body, not in base64


def test_a_stored_event_can_be_parsed_again_and_lacks_address_and_private_metadata(recipe, tmp_path):
    with closing(recipe["connect"](str(tmp_path / "events.db"))) as database:
        event = make_event(
            EVENT_TYPES["user.created"], id=USERS[0], first_name="Ada", private_metadata={"iban": "DE02"}
        )
        recipe["keep"](database, event)
        ((text,),) = database.execute("SELECT delivery FROM clerk_events").fetchall()
    again = recipe["Delivery"].from_json(text).parse()
    assert type(again) is type(event)
    assert (again.data.first_name, again.data.private_metadata, again.event_attributes) == ("Ada", {}, None)
    assert again.message_id == event.message_id


def test_every_kind_of_sample_can_be_stored(recipe, tmp_path):
    assert SAMPLES.keys() <= EVENT_TYPES.keys()
    recipe = recipe | {"KEEP_AT_MOST": 1000}
    with closing(recipe["connect"](str(tmp_path / "events.db"))) as database:
        for event_type in SAMPLES:
            if event_type != "user.deleted":
                recipe["store"](database, make_event(EVENT_TYPES[event_type]), 1_760_000_000)
        for text, event_type in database.execute("SELECT delivery, type FROM clerk_events"):
            assert recipe["Delivery"].from_json(text).parse().__class__ is EVENT_TYPES[event_type]
        assert len(stored(database)) == len(SAMPLES) - 1
