"""A practice with a simulated eCW to learn on, and a person for each course; a worker's work is done by hand."""

import pytest

from delivery.certification import settling
from delivery.learning import setting_up
from delivery.learning.tables import Course
from portal.models import Membership, Role, User


@pytest.fixture
def ecw_to_learn_on(sandbox_process, settings):
    settings.PRACTICE_ECW = f"http://127.0.0.1:{sandbox_process.http}"
    settings.LINGER_SECONDS = 0.0
    settings.SETTLE_SECONDS = settings.DOUBT_SETTLE_SECONDS = 0.1
    sandbox_process.api("POST", "/reset")
    sandbox_process.api("PUT", "/faults", {"faults": []})
    return sandbox_process


@pytest.fixture
def cleo(cast) -> User:
    """A clinician at NORTH."""
    user = User.objects.create_user("cleo", first_name="Cleo")
    Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=Role.CLINICIAN)
    return user


@pytest.fixture
def begin(cast, ecw_to_learn_on):
    def begun(user: User, role: str) -> Course:
        made = setting_up.begin(user, cast.practice, role)
        return Course.objects.select_related("location__practice").get(pk=made.pk)

    return begun


@pytest.fixture
def work():
    """Do what a worker would, until everything at a location has come to its end."""

    def done(location) -> None:
        from delivery.models import Delivery

        ids = list(Delivery.objects.filter(location=location).values_list("pk", flat=True))
        settling.settled(ids, settling.by_hand, 10)

    return done
