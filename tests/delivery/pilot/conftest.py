"""Fixtures of the pilot's tests: somebody acts."""

import pytest

from audit.record import Actor, acting


@pytest.fixture
def as_dana(cast):
    with acting(Actor("user", str(cast.dana.pk), name="dana")):
        yield cast.dana
