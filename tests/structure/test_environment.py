"""A test run leaves the user's data folder alone, and its collector rests only while the tests are gathered."""

import gc
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import connection


def test_settings_use_a_temporary_data_folder():
    assert settings.DATA_DIR.is_relative_to(Path(tempfile.gettempdir()).resolve())
    assert settings.KEY_DIR.is_relative_to(settings.DATA_DIR)


def test_the_database_is_not_the_users(db):
    name = connection.settings_dict["NAME"]
    assert connection.vendor != "sqlite" or Path(name).is_relative_to(settings.DATA_DIR)
    assert connection.vendor == "sqlite" or name.startswith("test_")


def test_the_collector_works_again_and_leaves_alone_what_stays():
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10_000
