"""The Celery application. Tasks are found in each app's tasks.py; nothing but ids travels through the broker."""

import logging.config
import os
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

import portal.embedded_broker  # noqa: F401 - makes its address known to Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


class NotAnId(TypeError):
    """A task was to carry something other than ids, or to wait in the broker. Never carries the value itself."""


class IdsOnly(Celery):
    """Refuses to publish anything but ids: what stands in a broker's memory and files is read by more than we know.

    Times, chains and retries are refused as well: they would live in the broker, where they are lost or doubled;
    here they are columns (`not_before`). A signal cannot do this: Celery swallows what a receiver raises.
    """

    def send_task(
        self,
        name: str,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        check_ids_only(name, args or (), kwargs or {}, options)
        return super().send_task(name, args, kwargs, **options)


# What says where and how a task is published; any other option could carry a value, a time or another task.
OPTIONS = frozenset(
    {
        "add_to_parent", "compression", "connection", "delivery_mode", "exchange", "exchange_type", "expires",
        "ignore_result", "immediate", "mandatory", "parent_id", "priority", "producer", "queue", "result_cls", "retry",
        "retry_policy", "root_id", "router", "routing_key", "serializer", "soft_time_limit", "task_id", "task_type",
        "time_limit",
    }
)  # fmt: skip


def check_ids_only(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Raises NotAnId, naming the task and the place, unless every argument is an integer or a UUID."""
    for place, value in enumerate(args):
        if not is_id(value):
            raise NotAnId(f"{name}: argument {place} is a {type(value).__name__}; a task carries ids only")
    if kwargs:
        raise NotAnId(f"{name}: {len(kwargs)} keyword argument(s); a task carries ids only, by position")
    if refused := sorted(option for option, value in options.items() if value and option not in OPTIONS):
        raise NotAnId(f"{name}: {', '.join(refused)}; times and order are columns of the delivery, not of the broker")
    if not is_id(options.get("task_id") or 0):
        raise NotAnId(f"{name}: a task's own id is a UUID")


def is_id(value: object) -> bool:
    """An integer, a UUID, or a UUID's text."""
    if isinstance(value, str):
        try:
            return str(UUID(value)) == value
        except ValueError:
            return False
    return isinstance(value, int | UUID) and not isinstance(value, bool)


def keep_our_logging(**_: object) -> None:
    """A receiver of this signal is how Celery is told to leave logging alone; workers that it forks get ours again."""
    logging.config.dictConfig(settings.LOGGING)


setup_logging.connect(keep_our_logging)
app = IdsOnly("scribeport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
