"""The programs of docs/recipes/, on a real database, and the orders in which webhooks may arrive."""

import contextlib
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from hypothesis import strategies as st

from clerk_webhook_verify import Event
from clerk_webhook_verify.events import User, UserCreated, UserDeleted, UserUpdated
from clerk_webhook_verify.testing import make_event, sample

from . import programs
from .signer import SECRET

RECIPES = programs.DOCS / "recipes"
NOT_INTEGERS = ["some string", None, 1.5, True]  # an updated_at that cannot be compared


def write(folder: Path, *pages: str) -> None:
    """Write the programs of these pages into *folder*."""
    for page in pages:
        for recipe in programs.recipes(RECIPES / page).values():
            for name, text in recipe.programs.items():
                file = folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8")


def make_packages(app: Path) -> None:
    """Add the files that Django's startapp creates."""
    for folder in {file.parent for file in app.rglob("*.py")} | {app / "management"}:
        (folder / "__init__.py").touch()


@contextlib.contextmanager
def installed(folder: Path, server, *pages: str) -> Iterator[str]:
    """Let the programs of these pages be imported, with an empty database, whose connection string it returns."""
    import psycopg

    write(folder, *pages)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS recipes WITH (FORCE)")
        connection.execute("CREATE DATABASE recipes")
    uri = server.get_uri().replace("/postgres?", "/recipes?")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", uri)
        patch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)  # read at import
        patch.syspath_prepend(str(folder))
        yield uri
        for name in {file.stem for file in folder.glob("*.py")}:
            module = sys.modules.pop(name, None)
            if hasattr(module, "engine"):
                module.engine.dispose()


def create_tables(module: ModuleType) -> None:
    """Run a module like `python module.py`."""
    module.Base.metadata.create_all(module.engine)
    module.store.create_table()


def run_tests_of(name: str) -> None:
    """Run the tests in a program of a page."""
    module = importlib.import_module(name)
    tests = [function for test, function in vars(module).items() if test.startswith("test_")]
    assert tests
    for test in tests:
        test()


# --- Events that may arrive in any order and any number of times


class State(NamedTuple):
    user_id: str
    updated_at: int
    first_name: str


class Message(NamedTuple):
    kind: str  # user.created, user.updated, user.deleted, or backfill: a user as the REST API returned it
    state: State

    def event(self) -> Event:
        message_id = re.sub(r"\W", "_", f"{self.kind} {self.state.user_id} {self.state.first_name}")
        if self.kind == "user.deleted":
            return make_event(UserDeleted, message_id=message_id, id=self.state.user_id)
        event_class = UserCreated if self.kind == "user.created" else UserUpdated
        return make_event(event_class, message_id=message_id, **self._values())

    def user(self) -> User:
        return User.from_dict(sample("user.created", **self._values())["data"])

    def _values(self) -> dict[str, object]:
        user_id, updated_at, first_name = self.state
        return {"id": user_id, "updated_at": updated_at, "first_name": first_name, "last_name": None}


class History(NamedTuple):
    messages: list[Message]  # in the order of arrival
    newest: dict[str, set[State]]  # by user: several only if they have the same updated_at; none if it was deleted


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Lives of some users. Each message arrives at least once; the REST API may return any state, also an old one."""
    due, repeated, newest = [], [], {}
    for user_id in ("user_1", "user_2"):
        times = sorted(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
        states = [State(user_id, time, f"name {number}") for number, time in enumerate(times)]
        kinds = ["user.created", *["user.updated"] * len(states[1:])]
        due += map(Message, kinds, states)
        repeated += [Message("backfill", state) for state in states]
        newest[user_id] = {state for state in states if state.updated_at == times[-1]}
        if draw(st.booleans()):
            due.append(Message("user.deleted", states[-1]))
            newest[user_id] = set()
    repeated += due
    extra = draw(st.lists(st.sampled_from(repeated), max_size=8))
    return History(draw(st.permutations(due + extra)), newest)
