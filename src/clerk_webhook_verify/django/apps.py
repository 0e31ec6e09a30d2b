"""The AppConfig for ``INSTALLED_APPS``."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register

from .checks import check_secret, check_secret_for_deployment


class ClerkWebhookVerifyConfig(AppConfig):
    """Registers the checks of the signing secret. The app has no models.

    https://docs.djangoproject.com/en/stable/topics/checks/
    """

    name = __name__.rpartition(".")[0]  # the package may be copied under another name
    label = name.replace(".", "_")  # the default is the last part, "django"
    verbose_name = "Clerk webhooks"

    def ready(self) -> None:
        """Register the checks."""
        register(check_secret, Tags.security)
        register(check_secret_for_deployment, Tags.security, deploy=True)
