"""The Django application `delivery`."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.utils.module_loading import import_string

from mapping.note import MappingSpec, Problem


def sample_message(spec: MappingSpec) -> Sequence[Problem]:
    """delivery/sample_message.py, loaded when first needed: its HL7 definitions cost 0.2 s that no start should pay."""
    problems: Sequence[Problem] = import_string("delivery.sample_message.check")(spec)
    return problems


class DeliveryConfig(AppConfig):
    name = "delivery"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A mapping goes live only when the message it makes passes two independent parsers."""
        checks = import_string("mapping.publishing.CHECKS")
        if sample_message not in checks:
            checks.append(sample_message)
