"""The reference pages are complete, and the search finds the right pages."""

import importlib
import json
import pkgutil
import re
import runpy
import subprocess
import sys
from html import unescape
from pathlib import Path
from types import UnionType
from typing import Literal, ParamSpec, TypeVar, Union, get_origin

import pytest

import clerk_webhook_verify
from clerk_webhook_verify import cli
from clerk_webhook_verify.diagnose.causes import CAUSES
from clerk_webhook_verify.errors import WebhookError
from clerk_webhook_verify.events import EVENT_TYPES

pytestmark = pytest.mark.slow  # it needs Sphinx

ROOT = Path(__file__).parents[2]
PACKAGE = clerk_webhook_verify.__name__
INTERNAL = {
    f"{PACKAGE}.django.checks.expect_secret",  # called by the adapter
    f"{PACKAGE}.testing.samples.sample_payload",  # testing.sample returns them
    f"{PACKAGE}.testing.samples.SAMPLES",
}
SEARCHES = {
    "max_body": "reference",
    "rotate": "rotate-secret",
    "409": "idempotency",
    "raw body": "raw-body",
    "override_settings": "frameworks/django",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", output]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return output


def without_tags(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def text_of(page: Path) -> str:
    return without_tags(page.read_text("utf-8"))


def is_defined_in(module: str, value: object) -> bool:
    if type(value) in (TypeVar, ParamSpec):
        return False
    if module == f"{PACKAGE}.events":  # its names are those of all modules in it, and unions and literals of them
        return get_origin(value) in (UnionType, Union, Literal) or getattr(value, "__module__", "").startswith(module)
    return getattr(value, "__module__", "") == module


def public_names():
    """Yield the public names of each public module: those in __all__, or those that it defines."""
    for each in [None, *pkgutil.walk_packages(clerk_webhook_verify.__path__, f"{PACKAGE}.")]:
        name = each.name if each else PACKAGE
        if re.search(r"\._|\.cli\b", name):
            continue
        module = importlib.import_module(name)
        defined = [key for key, value in vars(module).items() if is_defined_in(name, value)]
        for key in getattr(module, "__all__", [key for key in defined if not key.startswith("_")]):
            yield f"{name}.{key}", getattr(module, key)


def test_every_public_name_has_an_entry(site):
    pages = "".join((site / page).read_text("utf-8") for page in ("reference.html", "events.html"))
    entries = set(re.findall(rf'id="({PACKAGE}[\w.]*)"', pages))
    documented = [value for name, value in public_names() if name in entries]
    missing = [
        name
        for name, value in public_names()
        if name not in entries | INTERNAL and not any(value is each for each in documented)
    ]
    assert missing == []


def test_the_walk_finds_the_public_names():
    names = {name.removeprefix(f"{PACKAGE}.") for name, _ in public_names()}
    assert len(names) > 200
    assert names >= {
        "verify",
        "Webhook",
        "errors.StoreError",
        "flask.clerk_webhook",
        "fastapi.ClerkWebhook",
        "aws_lambda.verify_delivery",
        "events.UserCreated",
        "events.AnyEvent",
        "testing.pytest_plugin.clerk_webhook_signer",
    }


@pytest.mark.parametrize("adapter", ["flask", "starlette", "fastapi", "django", "aws_lambda"])
def test_each_adapter_shows_its_options_with_their_types(site, adapter):
    page = text_of(site / "reference.html")
    entry = page.split(f"{PACKAGE}.{adapter}.{'ClerkWebhook' if adapter == 'fastapi' else 'clerk_webhook'}(")[1]
    signature, _, rest = entry.partition("Parameters:")
    text = rest.partition("Raises:")[0]
    options = {"webhook": "Webhook | None", "max_body": "int", "on_rejected": "OnRejected | None"}
    if adapter in ("starlette", "fastapi"):
        options["body_timeout"] = "float"
    if adapter != "fastapi":
        options["methods"] = "tuple[str, ...] | list[str]"
    for option, annotation in options.items():
        assert f"{option}: {annotation} = " in " ".join(signature.split())
        assert f"{option} – " in text


@pytest.mark.parametrize("page", ["reference.html", "events.html"])
def test_no_text_is_shown_as_a_type(site, page):
    assert "Return type:" not in text_of(site / page)
    assert "Type:" not in text_of(site / page)


def test_signatures_show_the_names_of_aliases(site):
    page = text_of(site / "reference.html")
    assert "→ AnyEvent" in page
    assert "Literal['user.created'" not in page
    assert "UserCreated | " not in page


def test_every_event_type_has_a_row(site):
    page = (site / "events.html").read_text("utf-8")
    for event_type, event_class in EVENT_TYPES.items():
        if event_class.__module__.startswith(f"{PACKAGE}.events"):
            row = page.split(f'id="{PACKAGE}.events.{event_class.__name__}"')[1].split("</tr>")[0]
            assert event_type in row


def test_every_option_of_every_command_has_an_entry(site, capsys):
    page = (site / "command-line.html").read_text("utf-8")
    for command in cli._COMMANDS:
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
        options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", capsys.readouterr().out, re.MULTILINE)) - {"--help"}
        for option in options:
            assert f'id="cmdoption-clerk-webhook-verify-{command}-{option.lstrip("-")}"' in page, (command, option)


def test_every_cause_is_listed_with_its_fix_and_a_link_to_its_example(site):
    page, examples = (site / "causes.html").read_text("utf-8"), (site / "invalid-signature.html").read_text("utf-8")
    for cause in CAUSES:
        link = rf'href="invalid-signature\.html#([\w-]+)"[^>]*>(?:<[^>]+>)*{cause.code}<'
        section = examples.split(f'id="{re.search(link, page)[1]}"')[1].split("<section")[0]
        assert f"rejected: {cause.code} (" in without_tags(section)


def test_every_error_is_on_the_page_of_errors(site):
    page = text_of(site / "errors.html")
    errors = [WebhookError]
    for error in errors:
        errors += error.__subclasses__()
    for error in errors[1:]:
        if error.__module__ == f"{PACKAGE}.errors" and not error.__subclasses__():
            assert error.__name__ in page
            assert error.code in page


@pytest.mark.parametrize(("query", "page"), SEARCHES.items())
def test_the_search_finds_the_right_page_first(site, query, page):
    text = (site / "searchindex.js").read_text("utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    # A main index entry that equals the query scores 100, a title at most 15: searchtools.js
    main = [entry for entry in index["indexentries"][query] if entry[2]]
    assert [index["docnames"][number] for number, _, _ in main] == [page]


def test_every_search_term_is_in_the_text_of_its_page(site):
    terms = runpy.run_path(str(ROOT / "docs" / "conf.py"))["search_terms"]
    assert terms.items() >= SEARCHES.items()
    for term, page in terms.items():
        assert term in text_of(site / f"{page}.html").lower(), (term, page)
