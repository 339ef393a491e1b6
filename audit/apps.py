"""The Django application `audit`."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AuditConfig(AppConfig):
    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Each app's checks.py, and the configuration.py in which it names the models whose changes are recorded."""
        autodiscover_modules("checks", "deploy_checks", "configuration")
