"""The Django application `corsac.django`: with it in INSTALLED_APPS, `manage.py check` checks the policy."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from corsac.django.checks import check_middleware, check_policy

__all__ = ["CorsacConfig"]


class CorsacConfig(AppConfig):
    """Registers the system checks."""

    name = "corsac.django"
    label = "corsac"
    verbose_name = "corsac"

    def ready(self) -> None:
        """Is called by Django when all applications are there."""
        register(check_policy, Tags.security)
        register(check_middleware, Tags.security)
