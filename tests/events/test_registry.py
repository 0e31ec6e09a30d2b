"""Event types that an application declares itself, and how a class and its type name meet."""

import importlib
import json
import subprocess
import sys
import textwrap
from dataclasses import field
from typing import Any, Literal

import pytest
from helpers.signer import SECRET, now, signed_headers

from clerk_webhook_verify import Event, UnknownEvent, Webhook
from clerk_webhook_verify.events import EVENT_TYPES, EmailAddress, Record, User, UserCreated

webhook = Webhook(SECRET, clock=now)


def receive(event_type: str, data: dict[str, Any]) -> Event:
    body = json.dumps({"type": event_type, "data": data}).encode()
    return webhook.verify(signed_headers(body), body)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module, imports it, and removes it afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def imported(name: str, source: str):
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return imported


class Invoice(Record):
    id: str
    payer: EmailAddress
    copies_to: list[EmailAddress]
    lines: tuple[dict[str, Any], ...] = ()
    state: Literal["open", "paid"] = "open"
    tags: list[str] = field(default_factory=lambda: ["new"])
    anything: Any


class InvoiceSent(Event):
    type: Literal["test.invoiceSent", "test.invoiceResent"]
    data: Invoice


class PaymentNoted(Event):
    type: Literal["test.paymentNoted"]
    data: dict[str, Any]


class TestADeclaredType:
    def test_arrives_as_its_class_with_its_data_class(self):
        event = receive("test.invoiceSent", {"id": "inv_1", "payer": {"id": "idn_1"}, "copies_to": [{"id": "idn_2"}]})
        assert isinstance(event, InvoiceSent)
        assert (event.data.id, event.data.payer.id, event.data.copies_to[0].id) == ("inv_1", "idn_1", "idn_2")
        assert EVENT_TYPES["test.invoiceSent"] is EVENT_TYPES["test.invoiceResent"] is InvoiceSent

    def test_a_declared_event_with_a_dict_as_data_keeps_the_dict(self):
        event = receive("test.paymentNoted", {"amount": 5})
        assert isinstance(event, PaymentNoted)
        assert event.data == {"amount": 5}

    def test_uses_the_defaults_of_its_data_class_for_missing_fields(self):
        data = receive("test.invoiceSent", {}).data
        assert (data.id, data.payer, data.copies_to, data.lines) == (None, None, [], ())
        assert (data.state, data.tags, data.anything) == ("open", ["new"], None)
        assert receive("test.invoiceSent", {}).data.tags is not data.tags

    @pytest.mark.parametrize("odd", [None, 5, "x", [], [5], {}, {"id": {}}])
    def test_a_declared_event_with_values_of_another_form_still_arrives(self, odd):
        fields = ["id", "payer", "copies_to", "lines", "state", "tags", "anything"]
        event = receive("test.invoiceSent", dict.fromkeys(fields, odd))
        assert event.raw["data"]["payer"] == odd
        assert event.data.state == odd
        assert event.data.anything == odd

    def test_a_declared_event_with_additional_fields_still_arrives(self):
        class Extended(Event):
            type: Literal["test.extended"]
            data: dict[str, Any]
            more: int

        assert isinstance(receive("test.extended", {}), Extended)


ANNOTATIONS = {
    "Any": "Any",
    "Literal": 'Literal["a", 5]',
    "a generic dict": "dict[str, dict[str, int]]",
    "a union of data classes": "User | EmailAddress | None",
    "an optional tuple": "tuple[EmailAddress, ...] | None",
    "a tuple of fixed length": "tuple[EmailAddress, str]",
    "bare list": "list",
    "bare typing.List": "typing.List",
    "the empty tuple": "tuple[()]",
    "Annotated": "Annotated[EmailAddress, 'note']",
    "a class of its own": "Local",
    "a callable": "Callable[[int], str]",
    "itself": "Holder | None",
    "a list of itself": "list[Holder]",
}
VALUES = [None, 5, "a", [], [{"id": "idn_1"}], {"id": "idn_1"}, [[{}]], {"value": {"value": {}}}]


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"], ids=["evaluated", "as text"])
@pytest.mark.parametrize("annotation", ANNOTATIONS.values(), ids=ANNOTATIONS)
def test_a_field_may_be_annotated_with(annotation, future, module):
    quoted = repr(annotation) if "Holder" in annotation and not future else annotation
    source = f"""
        {future}
        import typing
        from collections.abc import Callable
        from typing import Annotated, Any, Literal
        from clerk_webhook_verify import Event
        from clerk_webhook_verify.events import EmailAddress, Record, User

        class Local:
            pass

        class Holder(Record):
            value: {quoted}

        class Held(Event):
            type: Literal["test.held"]
            data: Holder
    """
    declared = module("declares_any_annotation", source)
    for value in VALUES:
        event = receive("test.held", {"value": value})
        assert type(event) is declared.Held
        assert type(event.data) is declared.Holder
        assert event.raw["data"]["value"] == value


def test_an_optional_tuple_of_data_classes_is_decoded_and_null_stays_none():
    class Optional(Record):
        addresses: tuple[EmailAddress, ...] | None = None

    assert Optional.from_dict({"addresses": [{"id": "idn_1"}]}).addresses == (EmailAddress.from_dict({"id": "idn_1"}),)
    assert Optional.from_dict({"addresses": None}).addresses is None
    assert Optional.from_dict({"addresses": []}).addresses == ()


class TestTwoClassesForOneType:
    def test_the_second_is_rejected_and_the_first_named(self):
        with pytest.raises(TypeError, match=r"'user\.created' already has the class .*events\.user\.UserCreated"):

            class Mine(Event):
                type: Literal["test.mine", "user.created"]
                data: dict[str, Any]

        assert EVENT_TYPES["user.created"] is UserCreated
        assert "test.mine" not in EVENT_TYPES

    def test_a_class_of_the_same_name_replaces_the_first_as_after_a_reload(self, module):
        source = """
            from typing import Any, Literal
            from clerk_webhook_verify import Event

            class Reloaded(Event):
                type: Literal["test.reloaded"]
                data: dict[str, Any]
        """
        first = module("reloaded_module", source)
        class_before = first.Reloaded
        again = importlib.reload(first)
        assert again.Reloaded is not class_before
        assert EVENT_TYPES["test.reloaded"] is again.Reloaded
        assert type(receive("test.reloaded", {})) is again.Reloaded

    @pytest.mark.parametrize("wrong", ["", 5, b"x", None])
    def test_an_event_type_that_is_empty_or_not_text_is_rejected(self, wrong):
        with pytest.raises(TypeError, match=r"Wrong\.type: an event type must be a str that is not empty"):
            type("Wrong", (Event,), {"__annotations__": {"type": Literal[wrong]}})

    def test_a_subclass_without_a_type_of_its_own_registers_nothing(self):
        class Mine(UserCreated):
            """With helpers of the application."""

        class Base(Event):
            data: dict[str, Any]

        class AnyType(Event):
            type: str

        assert EVENT_TYPES["user.created"] is UserCreated
        assert not {Mine, Base, AnyType} & set(EVENT_TYPES.values())


class TestAnnotationsAsText:
    def test_data_may_be_defined_below_the_event(self, module):
        declared = module(
            "declared_below",
            """
            from __future__ import annotations
            from typing import Literal as OneOf
            from clerk_webhook_verify import Event
            from clerk_webhook_verify.events import Record

            class Below(Event):
                type: OneOf["test.below"]
                data: Later

            class Later(Record):
                id: str
            """,
        )
        assert EVENT_TYPES["test.below"] is declared.Below
        assert isinstance(receive("test.below", {"id": "x"}).data, declared.Later)

    def test_data_that_only_type_checkers_can_resolve_stays_a_dict_and_warns(self, module):
        module(
            "declared_for_checkers",
            """
            from __future__ import annotations
            from typing import TYPE_CHECKING, Literal
            from clerk_webhook_verify import Event
            if TYPE_CHECKING:
                from elsewhere import Data

            class ForCheckers(Event):
                type: Literal["test.forCheckers"]
                data: Data
            """,
        )
        with pytest.warns(RuntimeWarning, match="cannot resolve .*ForCheckers .*Data.*not under TYPE_CHECKING"):
            event = receive("test.forCheckers", {"id": "x"})
        assert event.data == {"id": "x"}
        assert type(event).__name__ == "ForCheckers"

    def test_an_unresolvable_type_is_rejected_when_the_class_is_declared(self, module):
        with pytest.raises(TypeError, match=r"Broken\.type: name 'Literal' is not defined; import it at module level"):
            module(
                "declared_without_literal",
                """
                from __future__ import annotations
                from clerk_webhook_verify import Event

                class Broken(Event):
                    type: Literal["test.broken"]
                """,
            )


def test_the_registry_is_read_only():
    with pytest.raises(TypeError, match="does not support item assignment"):
        EVENT_TYPES["x"] = UserCreated  # type: ignore[index]
    with pytest.raises(TypeError, match="does not support item deletion"):
        del EVENT_TYPES["user.created"]  # type: ignore[attr-defined]


class TestFromDict:
    def test_reads_a_user_as_clerks_rest_api_returns_it(self):
        user = User.from_dict({"id": "user_1", "email_addresses": [{"id": "idn_1", "unknown": 5}], "new": True})
        assert isinstance(user, User)
        assert user.email_addresses == (EmailAddress.from_dict({"id": "idn_1"}),)
        assert (user.first_name, user.phone_numbers) == (None, ())

    def test_reads_the_data_of_an_unknown_event(self):
        event = receive("user.somethingNew", {"id": "user_1"})
        assert isinstance(event, UnknownEvent)
        assert User.from_dict(event.data).id == "user_1"

    @pytest.mark.parametrize("wrong", [None, [], [("id", "user_1")], "x", 5])
    def test_rejects_anything_but_a_mapping(self, wrong):
        with pytest.raises(TypeError, match=rf"User\.from_dict\(\) needs a mapping, not {type(wrong).__name__}"):
            User.from_dict(wrong)


def test_an_event_class_can_be_declared_with_only_the_standard_library():
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from typing import Any, Literal
from clerk_webhook_verify import Event
from clerk_webhook_verify.events import EVENT_TYPES
class Mine(Event):
    type: Literal["mine"]
    data: dict[str, Any]
assert EVENT_TYPES["mine"] is Mine
"""
    root = importlib.import_module("clerk_webhook_verify").__path__[0]
    command = [sys.executable, "-I", "-S", "-c", code, f"{root}/.."]
    subprocess.run(command, check=True)
