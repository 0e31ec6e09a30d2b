"""The adapter as a Django app: its name, and the checks of the signing secret."""

import importlib
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest
from django.apps import apps
from django.core import checks
from django.core.checks.registry import registry
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from helpers.apps import django_app  # noqa: F401  configures Django
from helpers.signer import OTHER_SECRET, SECRET

import clerk_webhook_verify

NAME = "CLERK_WEBHOOK_SIGNING_SECRET"
PACKAGE = Path(clerk_webhook_verify.__file__).parent
W001, W002 = "clerk_webhook_verify.W001", "clerk_webhook_verify.W002"
E001, E002 = "clerk_webhook_verify.E001", "clerk_webhook_verify.E002"

MALFORMED = {
    "cut": "whsec_MfKQ9r8GKYqrTwjUPD8",
    "a secret key": "sk_live_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "a placeholder": "whsec_your_signing_secret",
    "quoted": f'"{SECRET}"',
    "two in one text": f"{SECRET},{OTHER_SECRET}",
    "the second of two": [SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8"],
    "an empty one of two": [SECRET, ""],
    "bytes": b"whsec_MfKQ9r8GKYqrTwjUPD8",
    "white space": "   ",
    "a number": 4_096_257,
    "a webhook": clerk_webhook_verify.Webhook(SECRET),
}


@pytest.fixture
def adapter(monkeypatch):
    """The adapter as in a new process, without views. Its registrations are removed after the test."""
    for name in [name for name in sys.modules if name.startswith("clerk_webhook_verify.django")]:
        monkeypatch.delitem(sys.modules, name)
    own_checks = {check for check in registry.registered_checks if check.__module__.startswith("django.core.")}
    monkeypatch.setattr(registry, "registered_checks", own_checks)
    monkeypatch.setattr(registry, "deployment_checks", set())
    monkeypatch.setattr(clerk_webhook_verify, "django", None)  # the import replaces it
    fresh = importlib.import_module("clerk_webhook_verify.django")
    with override_settings(INSTALLED_APPS=["clerk_webhook_verify.django"], ROOT_URLCONF=None):
        yield fresh


def view(request, event): ...


def reported(*, deploy=False) -> list[str]:
    """Return the sorted ids of the reported checks."""
    return sorted(str(message.id) for message in checks.run_checks(include_deployment_checks=deploy))


def urls(*views) -> ModuleType:
    module = ModuleType("urls")
    module.urlpatterns = [path(str(number), each) for number, each in enumerate(views)]
    return module


class TestTheApp:
    def test_django_finds_the_config_by_the_module_of_the_adapter(self, adapter):
        (config,) = apps.get_app_configs()
        assert (type(config).__name__, config.name) == ("ClerkWebhookVerifyConfig", "clerk_webhook_verify.django")

    def test_its_label_is_made_of_the_complete_name(self, adapter):
        assert [config.label for config in apps.get_app_configs()] == ["clerk_webhook_verify_django"]

    def test_it_has_no_models_and_django_reports_nothing_about_it(self, adapter):
        (config,) = apps.get_app_configs()
        assert list(config.get_models()) == []
        assert reported() == []

    def test_it_can_be_imported_and_used_before_the_apps_are_loaded(self):
        program = f"""
        from clerk_webhook_verify.django import apps, checks, clerk_webhook

        @clerk_webhook()
        def view(request, event): ...

        import django
        from django.conf import settings
        settings.configure(INSTALLED_APPS=["clerk_webhook_verify.django"], {NAME}="")
        django.setup()
        print(*(message.id for message in django.core.checks.run_checks()))
        """
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
        )
        assert (done.stderr, done.stdout) == ("", f"{W001}\n")

    def test_two_copies_under_other_names_are_two_apps_and_check_once_each(self, tmp_path):
        for name in ("shop", "blog"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").touch()
            shutil.copytree(PACKAGE, tmp_path / name / "clerk", ignore=shutil.ignore_patterns("__pycache__"))
        program = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import django
        from django.apps import apps
        from django.conf import settings
        settings.configure(INSTALLED_APPS=["shop.clerk.django", "blog.clerk.django"])
        django.setup()
        from shop.clerk.django import clerk_webhook
        clerk_webhook()
        print(*(config.label for config in apps.get_app_configs()))
        print(*(message.id for message in django.core.checks.run_checks()))
        print([name for name in sys.modules if name.startswith("clerk_webhook_verify")])
        """
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
        )
        assert (done.stderr, done.stdout) == ("", f"shop_clerk_django blog_clerk_django\n{W001}\n[]\n")


class TestAMissingSecret:
    @pytest.mark.parametrize("empty", [None, "", b"", [], ()], ids=repr)
    def test_is_reported_if_a_view_needs_it(self, adapter, empty):
        adapter.clerk_webhook()(view)
        with override_settings(**{NAME: empty}):
            assert reported() == [W001]
            assert reported(deploy=True) == [E001, W001]

    @pytest.mark.parametrize("empty", [None, "", b"", [], ()], ids=repr)
    def test_is_not_reported_if_no_view_needs_it(self, adapter, empty):
        adapter.clerk_webhook(clerk_webhook_verify.Webhook(SECRET))(view)
        with override_settings(**{NAME: empty}, ROOT_URLCONF=urls()):
            assert reported(deploy=True) == []

    def test_is_reported_if_the_variable_of_the_environment_is_empty(self, adapter, monkeypatch):
        adapter.clerk_webhook()
        monkeypatch.setenv(NAME, "")
        assert reported() == [W001]

    @pytest.mark.parametrize("variable", [NAME, "CLERK_WEBHOOK_SECRET"])
    def test_is_not_reported_if_the_environment_has_it(self, adapter, monkeypatch, variable):
        adapter.clerk_webhook()
        monkeypatch.setenv(variable, SECRET)
        assert reported(deploy=True) == []

    def test_is_reported_if_the_environment_has_it_but_the_setting_is_empty(self, adapter, monkeypatch):
        monkeypatch.setenv(NAME, SECRET)
        with override_settings(**{NAME: ""}):
            assert reported() == [W002]

    def test_is_reported_if_only_the_urls_import_the_view(self, adapter, tmp_path, monkeypatch):
        text = (
            "from clerk_webhook_verify.django import clerk_webhook\n@clerk_webhook()\ndef view(request, event): ...\n"
        )
        (tmp_path / "included_urls.py").write_text(f"{text}urlpatterns = []\n")
        (tmp_path / "root_urls.py").write_text(
            "from django.urls import include, path\nurlpatterns = [path('', include('included_urls'))]\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        with override_settings(ROOT_URLCONF="root_urls"):
            assert reported() == [W001]

    @pytest.mark.parametrize("on", ["a method", "the class"])
    def test_is_reported_for_a_view_class(self, adapter, on):
        decorator = method_decorator(adapter.clerk_webhook(), **({} if on == "a method" else {"name": "dispatch"}))

        class Hook(View):
            def post(self, request, event): ...

        if on == "a method":
            Hook.post = decorator(Hook.post)
        else:
            decorator(Hook)
        assert reported() == [W001]

    def test_message_names_the_variable_that_is_set_instead(self, adapter, monkeypatch):
        adapter.clerk_webhook()
        monkeypatch.setenv("CLERK_SIGNING_SECRET", SECRET)
        (message,) = checks.run_checks()
        assert "(set instead: CLERK_SIGNING_SECRET)" in message.msg
        assert SECRET not in str(message)

    def test_an_error_in_the_urls_is_raised_as_by_the_checks_of_django(self, adapter):
        with override_settings(ROOT_URLCONF="no_such_urls"), pytest.raises(ModuleNotFoundError, match="no_such_urls"):
            checks.run_checks(tags=[checks.Tags.security])


class TestAMalformedSecret:
    @pytest.mark.parametrize("secret", MALFORMED.values(), ids=MALFORMED)
    def test_in_the_settings_is_reported_although_no_view_needs_it(self, adapter, secret):
        with override_settings(**{NAME: secret}):
            assert reported() == [W002]
            assert reported(deploy=True) == [E002, W002]

    @pytest.mark.parametrize("kind", ["cut", "a secret key", "a placeholder", "quoted", "white space"])
    def test_in_the_environment_is_reported_although_no_view_needs_it(self, adapter, monkeypatch, kind):
        monkeypatch.setenv(NAME, MALFORMED[kind])
        assert reported(deploy=True) == [E002, W002]

    def test_the_environment_may_contain_several(self, adapter, monkeypatch):
        monkeypatch.setenv(NAME, f"{SECRET},{OTHER_SECRET}")
        assert reported() == []

    @pytest.mark.parametrize("secret", MALFORMED.values(), ids=MALFORMED)
    def test_message_and_hint_omit_its_value(self, adapter, secret):
        values = {str(each) for each in (secret if isinstance(secret, list) else [secret]) if each}
        values = {value.strip().strip('"').removeprefix("whsec_") for value in values} - {""}
        with override_settings(**{NAME: secret}):
            (message,) = checks.run_checks()
        assert not [value for value in values if value in f"{message} {message!r} {message.hint}"]

    def test_message_shows_which_of_several_secrets_is_malformed(self, adapter):
        with override_settings(**{NAME: MALFORMED["the second of two"]}):
            (message,) = checks.run_checks()
        assert "number 2 of 2" in message.msg


class TestAValidSecret:
    @pytest.mark.parametrize(
        "secret", [SECRET, SECRET.encode(), [SECRET, OTHER_SECRET], (SECRET,), f" {SECRET}\n"], ids=repr
    )
    def test_a_valid_secret_is_not_reported(self, adapter, secret):
        adapter.clerk_webhook()
        with override_settings(**{NAME: secret}):
            assert reported(deploy=True) == []


class TestTheCommand:
    def test_check_prints_a_warning_and_check_deploy_fails(self, adapter, capsys):
        with override_settings(**{NAME: "whsec_..."}):
            call_command("check")
            assert f"WARNINGS:\n?: ({W002}) Views with @clerk_webhook() respond with 500: " in capsys.readouterr().err
            with pytest.raises(SystemCheckError, match=f"ERRORS:\n.*{E002}"):
                call_command("check", deploy=True)

    def test_the_checks_belong_to_the_tag_security(self, adapter, capsys):
        with override_settings(**{NAME: "whsec_..."}):
            call_command("check", tags=["urls"])
            assert W002 not in capsys.readouterr().err
            call_command("check", tags=["security"])
            assert W002 in capsys.readouterr().err

    def test_a_check_can_be_silenced(self, adapter, capsys):
        with override_settings(**{NAME: "whsec_..."}, SILENCED_SYSTEM_CHECKS=[W002]):
            call_command("check")
        assert "1 silenced" in capsys.readouterr().out
