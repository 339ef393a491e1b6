"""Imported by the nursery of a chaos run before its first fork: the product, loaded and not yet at work."""

import os
from importlib import import_module

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

# What a worker or web process would load by itself after its start; only its speed depends on this list.
for name in (
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "celery.worker.components",
    "celery.worker.consumer",
    "delivery.chaos.web",
    "delivery.chaos.worker",
    "delivery.tasks",
    "drf_spectacular.contrib",
    "gunicorn.workers.gthread",
    "portal.urls",
):
    import_module(name)
