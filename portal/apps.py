"""The Django application `portal`."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import import_string

from portal.celery import app as celery_app  # here and not in portal/__init__.py, which gunicorn's master loads too
from portal.checks import networks, sign_in

__all__ = ["PortalConfig", "celery_app", "networks", "sign_in"]


class PortalConfig(AppConfig):
    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The triggers that tell a changed configuration are looked after whenever the database is migrated."""
        post_migrate.connect(import_string("portal.revision.watch"), sender=self)
