"""Publishes the failing task to the broker of the environment."""

from tests.portal.faults.tasks import fail

fail.apply_async((7,))
