"""Who, where, and how to reach their EHR; the site's shell. Imports audit only."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
