"""What a test needs from the machine: found, or the test is skipped with the reason; in CI absence is a failure.

SCRIBEPORT_REQUIRE_ALL=1 (set by .ci/run) turns every such skip into a failure, so that a green CI run has run everything.
"""

import os
import shutil
from typing import NoReturn

import pytest
import redis
from django.db import connection

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def missing(reason: str) -> NoReturn:
    """Skip this test because something is not here; fail where everything is required."""
    if os.environ.get("SCRIBEPORT_REQUIRE_ALL") == "1":
        pytest.fail(f"{reason} (SCRIBEPORT_REQUIRE_ALL=1: nothing may be skipped)", pytrace=False)
    pytest.skip(reason)


def chromium() -> str:
    """The path of an installed Chromium or Chrome."""
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return found
    missing(f"no browser on the path: none of {', '.join(CHROMIUM_NAMES)}")


@pytest.fixture
def postgres_only():
    """For tests of what only PostgreSQL does; runs where DATABASE_URL names one (.ci/run passes the suite on both)."""
    if connection.vendor != "postgresql":
        # Not `missing`: the same CI passes the suite a second time on PostgreSQL, where this does run.
        pytest.skip("needs PostgreSQL: set DATABASE_URL=postgres://…")


@pytest.fixture
def redis_url():
    """The address of a Redis that answers: REDIS_URL, or database 15 of the local one."""
    url = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/15"
    try:
        redis.Redis.from_url(url, socket_connect_timeout=2).ping()
    except redis.RedisError as error:
        missing(f"no Redis answers: {type(error).__name__}")
    return url
