"""The Django application `portal`."""

from django.apps import AppConfig

from portal.checks import networks

__all__ = ["PortalConfig", "networks"]


class PortalConfig(AppConfig):
    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"
