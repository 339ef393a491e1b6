"""Fixtures every test may use: the cast and somebody who acts; needs.py, browsing.py and processes.py add theirs."""

import os
import re
import shutil
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.test import TransactionTestCase, override_settings
from hypothesis import settings as hypothesis_settings
from whitenoise.middleware import WhiteNoiseMiddleware

from audit.record import Actor, acting
from tests.emptying import empty_database

SQLITE = "django.db.backends.sqlite3"
MADE_ANEW = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|\d\d:\d\d:\d\d")
ON_SERVERS = {"db", "transactional_db", "live_server", "redis_url", "postgres_only", "site"}
pytest_plugins = ["tests.needs", "tests.browsing", "tests.processes"]

# A busy machine makes a slow example, not a wrong one. Every run makes others up: a longer look is SCRIBEPORT_EXAMPLES.
EXAMPLES = int(os.environ.get("SCRIBEPORT_EXAMPLES", "50"))
hypothesis_settings.register_profile("suite", deadline=None, database=None, max_examples=EXAMPLES)
hypothesis_settings.load_profile("suite")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A test's name may not hold what each run makes anew: the two workers must collect the same names."""
    changing = isinstance(val, UUID | datetime) or (isinstance(val, str) and MADE_ANEW.search(val))
    return argname if changing else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--on-servers", action="store_true", help="only what touches a database, a broker or processes: the second run"
    )


def touches_servers(item: pytest.Item) -> bool:
    """Whether a test could come out otherwise on another database or broker."""
    if item.get_closest_marker("alike"):
        return False
    marked = any(item.get_closest_marker(mark) for mark in ("django_db", "process"))
    return marked or not ON_SERVERS.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.hookimpl(trylast=True)  # pytest-django sorts by kind of database test: the last word is ours
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What starts processes comes first, then browsers, then what is long.

    xdist's worksteal gives each worker a part of this order and moves what is left to whoever has nothing: processes
    start on one worker of a run and not on all at once, and none begins a long test when the others are done.
    """
    if config.getoption("--on-servers"):
        left = [item for item in items if not touches_servers(item)]
        items[:] = [item for item in items if touches_servers(item)]
        config.hook.pytest_deselected(items=left)
    items.sort(key=lambda item: [item.get_closest_marker(mark) is None for mark in ("process", "browser", "slow")])


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, tmp_path_factory):
    """SQLite as it is used, in a file: an in-memory database would be one connection shared by all threads."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] == SQLITE:
        database["TEST"]["NAME"] = str(Path(settings.DATA_DIR) / "tests.sqlite3")
        if "PYTEST_XDIST_WORKER" in os.environ:
            from tests.processes import migrated_once

            shutil.copy(migrated_once(tmp_path_factory.getbasetemp().parent), database["TEST"]["NAME"])


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb):
    """A file of the run's own data folder goes with it, and may be a copy that stands there before."""
    return settings.DATABASES["default"]["ENGINE"] == SQLITE or django_db_keepdb


@pytest.fixture(scope="session", autouse=True)
def emptied_after_transactions():
    """Django's own flush is refused by insert-only tables."""
    replaced = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = lambda case: empty_database()
    yield
    TransactionTestCase._fixture_teardown = replaced


@pytest.fixture(scope="session", autouse=True)
def quick_passwords():
    """Hashing as slow as in production would cost every test with the cast a second and a half."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once():
    """Every test's client makes the middleware anew, which would look for each of some hundred files again."""
    found: dict[tuple, dict] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def look_once(middleware: WhiteNoiseMiddleware) -> None:
        by = (middleware.static_prefix, middleware.max_age, settings.STATIC_URL, tuple(settings.STATICFILES_DIRS))
        if by not in found:
            look(middleware)
            found[by] = dict(middleware.files)
        middleware.files.update(found[by])

    WhiteNoiseMiddleware.add_files_from_finders = look_once
    yield
    WhiteNoiseMiddleware.add_files_from_finders = look


@pytest.fixture(autouse=True)
def somebody():
    """Every test acts as a named test actor unless it names another."""
    with acting(Actor("system", "tests", "tests")):
        yield


@pytest.fixture
def cast(db):
    from tests.recast import put_cast

    return put_cast()
