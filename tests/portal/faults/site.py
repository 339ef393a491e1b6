"""The site's settings with more views, which fail (urls.py); for gunicorn and for everything.py."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "tests.portal.faults.urls"
CANARY = "Okafor-Canary-7731"
