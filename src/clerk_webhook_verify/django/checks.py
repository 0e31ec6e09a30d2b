"""System checks: report a missing or malformed signing secret before the first webhook arrives."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.urls import get_resolver

from .._secret import ENVIRONMENT, parse_secrets
from ..errors import InvalidSecretError

_HINT = (
    f"Set {ENVIRONMENT[0]}, in the settings or in the environment, to the endpoint's signing secret (whsec_...). "
    "During a rotation, set a list of both in the settings."
)
_secret_is_needed = False  # not an attribute of the view, which decorators such as api_view() lose


def expect_secret() -> None:
    """Report a missing secret from now on."""
    global _secret_is_needed
    _secret_is_needed = True


def check_secret(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[checks.CheckMessage]:
    """Return a warning if the secret is malformed, or if it is missing and a view needs it."""
    return _check(checks.Warning, "W")


def check_secret_for_deployment(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[checks.CheckMessage]:
    """Return the same as an error, so that ``manage.py check --deploy`` fails."""
    return _check(checks.Error, "E")


def _check(kind: type[checks.Error] | type[checks.Warning], letter: str) -> list[checks.CheckMessage]:
    try:
        parse_secrets(getattr(settings, ENVIRONMENT[0], None))
    except (InvalidSecretError, TypeError) as error:
        is_set = getattr(settings, ENVIRONMENT[0], None) or any(os.environ.get(name) for name in ENVIRONMENT)
        if not is_set and getattr(settings, "ROOT_URLCONF", None):
            _ = get_resolver().url_patterns  # imports the views, as Django's own checks of URLs do
        if is_set or _secret_is_needed:
            text = f"Views with @clerk_webhook() respond with 500: {error}"
            return [kind(text, hint=_HINT, id=f"clerk_webhook_verify.{letter}{'002' if is_set else '001'}")]
    return []
