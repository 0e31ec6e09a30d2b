"""Annotations that resolve at run time, and the libraries that read them."""

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import cattrs
import fastapi
import fastapi.testclient
import msgspec
import pydantic
import pytest

import clerk_webhook_verify
from clerk_webhook_verify import events
from clerk_webhook_verify.events import EVENT_TYPES, Event, Record, User
from clerk_webhook_verify.testing import sample

USER_JSON = sample("user.created")["data"]
USER = User.from_dict(USER_JSON)
DATA_CLASSES = sorted(
    {cls for _, cls in inspect.getmembers(events, inspect.isclass) if issubclass(cls, Record)} - {Record}, key=str
)

#: Without these a module of the package cannot be imported.
NEEDS = {"flask", "starlette", "fastapi", "django", "django.apps", "django.checks", "testing.pytest_plugin"}


def modules():
    for each in pkgutil.walk_packages(clerk_webhook_verify.__path__, "clerk_webhook_verify."):
        if not each.name.endswith("__main__"):
            yield each.name.removeprefix("clerk_webhook_verify.")


def unresolved(module_name: str) -> list[str]:
    """The classes, functions and methods of a module whose annotations cannot be resolved."""
    module = importlib.import_module(f"clerk_webhook_verify.{module_name}")
    found = []
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__ or not callable(value):
            continue
        members = [value]
        if inspect.isclass(value):
            members += [getattr(each, "__func__", getattr(each, "fget", each)) for each in vars(value).values()]
        for member in members:
            try:
                if inspect.isclass(member) or inspect.isfunction(member):
                    get_type_hints(member)
            except Exception as error:
                found.append(f"{name}.{getattr(member, '__name__', '')}: {error}")
    return found


@pytest.mark.parametrize("module", list(modules()))
def test_all_annotations_resolve_in(module):
    assert unresolved(module) == []


def test_annotations_resolve_with_only_the_standard_library():
    names = [name for name in modules() if name not in NEEDS]
    code = f"""
import importlib, inspect, sys
from typing import get_type_hints
sys.path.insert(0, {str(Path(clerk_webhook_verify.__file__).parents[1])!r})
{inspect.getsource(unresolved)}
print([problem for name in {names!r} for problem in unresolved(name)])
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


class TestTheRegistryAndTheUnions:
    def test_known_event_contains_every_registered_class_of_the_package(self):
        known = {cls for cls in EVENT_TYPES.values() if cls.__module__.startswith("clerk_webhook_verify.")}
        assert set(get_args(events.KnownEvent)) == known

    def test_event_type_contains_every_registered_type_of_the_package(self):
        known = {name for name, cls in EVENT_TYPES.items() if cls.__module__.startswith("clerk_webhook_verify.")}
        assert set(get_args(events.EventType)) == known

    @pytest.mark.parametrize("family", ["User", "Session", "Organization", "Role", "Message", "Billing", "Waitlist"])
    def test_the_union_and_the_literal_of_a_family_agree(self, family):
        classes = get_args(getattr(events, f"{family}Event"))
        names = get_args(getattr(events, f"{family}EventType"))
        assert [EVENT_TYPES[name] for name in names] == list(classes)
        assert {cls.__module__ for cls in classes} == {classes[0].__module__}
        defined = inspect.getmembers(sys.modules[classes[0].__module__], inspect.isclass)
        assert {cls for _, cls in defined if issubclass(cls, Event) and cls is not Event} == set(classes)

    @pytest.mark.parametrize("name", get_args(events.EventType))
    def test_the_annotation_of_type_is_the_literal_that_registered_the_class(self, name):
        hint = get_type_hints(EVENT_TYPES[name])["type"]
        assert get_origin(hint) is Literal
        assert get_args(hint) == (name,)


class TestPydantic:
    def test_validates_and_dumps_a_user(self):
        adapter = pydantic.TypeAdapter(User)
        user = adapter.validate_python(USER_JSON)
        assert user == USER
        assert adapter.validate_json(adapter.dump_json(user)) == user
        assert adapter.dump_python(user) == dataclasses.asdict(user)

    def test_rejects_an_invalid_user(self):
        with pytest.raises(pydantic.ValidationError):
            pydantic.TypeAdapter(User).validate_python({"id": 5})

    def test_makes_a_json_schema(self):
        schema = pydantic.TypeAdapter(User).json_schema()
        assert schema["properties"]["email_addresses"]["items"] == {"$ref": "#/$defs/EmailAddress"}
        assert "first_name" not in schema["required"]
        assert "id" in schema["required"]

    def test_accepts_a_user_as_the_field_of_a_model(self):
        class Account(pydantic.BaseModel):
            user: User
            plan: str

        account = Account.model_validate({"user": USER_JSON, "plan": "free"})
        assert account.user == USER
        assert Account.model_validate_json(account.model_dump_json()) == account
        assert Account(user=USER, plan="free") == account

    @pytest.mark.parametrize("cls", DATA_CLASSES, ids=lambda cls: cls.__name__)
    def test_makes_a_json_schema_of(self, cls):
        assert pydantic.TypeAdapter(cls).json_schema()["type"] == "object"


def test_fastapi_accepts_a_user_as_response_model_and_describes_it():
    app = fastapi.FastAPI()

    @app.get("/me", response_model=User)
    def me() -> User:
        return USER

    client = fastapi.testclient.TestClient(app)
    assert client.get("/me").json() == pydantic.TypeAdapter(User).dump_python(USER, mode="json")
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert "primary_email_address_id" in schemas["User"]["properties"]


@pytest.mark.parametrize("cls", DATA_CLASSES, ids=lambda cls: cls.__name__)
def test_msgspec_and_cattrs_know_the_class(cls):
    assert msgspec.json.schema(cls)
    assert cattrs.Converter().get_structure_hook(cls)


def test_msgspec_converts_a_user():
    assert msgspec.convert(USER_JSON, User) == USER
    assert msgspec.json.decode(msgspec.json.encode(USER), type=User) == USER


def test_cattrs_structures_a_user():
    assert cattrs.structure(USER_JSON, User) == USER


def test_dataclasses_fields_asdict_and_replace_work():
    assert [field.name for field in dataclasses.fields(USER)][:2] == ["id", "object"]
    assert User.from_dict(dataclasses.asdict(USER)) == USER
    other = dataclasses.replace(USER, first_name="Grace")
    assert (other.first_name, other.last_name) == ("Grace", USER.last_name)
    with pytest.raises(TypeError, match="User has no frist_name"):
        dataclasses.replace(USER, frist_name="Grace")
    with pytest.raises(TypeError, match=r"Email needs id, object"):
        events.Email()


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, lambda user: pickle.loads(pickle.dumps(user))])
def test_copy_and_pickle_keep_the_value(take):
    assert take(USER) == USER
