"""Where somebody learns, nothing counts: in no figure, report, alert, list or proof of real locations, for nobody else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.alerts.conditions import conditions
from delivery.alerts.forms import RecipientForm
from delivery.alerts.models import AlertSettings
from delivery.certification.models import CertificationRun
from delivery.certification.standing import standing, where
from delivery.certification.subject import subject_of
from delivery.metrics import exposition
from delivery.models import Delivery
from delivery.path.steps import path_of
from delivery.ways import canary
from delivery.ways.models import CapabilityProbe
from mapping.queries import learned_labels
from portal.forms.people import RoleForm
from portal.forms.scribes import KeyForm
from portal.models import Location
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db(transaction=True)
REAL = ["/", "/deliveries/", "/deliveries/reports/", "/deliveries/completeness/", "/mapping/", "/settings/"]


@pytest.fixture
def practised(cast, begin, cleo) -> Location:
    """Cleo's location, with notes that wait there and one that failed."""
    at = begin(cleo, "clinician").location
    make_delivery(cast, "rejected", location=at, reason_code="ae")
    return at


class TestOnScreen:
    @pytest.mark.parametrize("address", REAL)
    def test_nobody_elses_page_speaks_of_it(self, cast, practised, client, address):
        client.force_login(cast.dana)
        page = client.get(address)
        assert page.status_code == 200
        assert practised.code not in page.content.decode()
        assert "Nothing here reaches a real chart" not in page.content.decode()

    def test_the_persons_own_pages_do_not_either_until_they_choose_it(self, practised, client, cleo):
        client.force_login(cleo)
        page = client.get("/deliveries/").content.decode()
        assert "Practice, Synthetic" not in page
        assert f"?location={practised.code}" not in page, "nor does the list of locations offer it"

    def test_chosen_it_is_in_view_alone_under_a_banner(self, cast, practised, client, cleo):
        real = make_delivery(cast, "verified")
        client.force_login(cleo)
        page = client.get(f"/deliveries/?location={practised.code}").content.decode()
        assert "Nothing here reaches a real chart" in page
        assert f"/deliveries/{real.pk}/" not in page
        own = Delivery.objects.filter(location=practised).first()
        assert f"/deliveries/{own.pk}/" in page

    def test_nobody_else_can_choose_it(self, cast, practised, client):
        client.force_login(cast.dana)
        assert client.get(f"/deliveries/?location={practised.code}").status_code == 404
        client.force_login(cast.sam)
        assert client.get(f"/deliveries/?location={practised.code}").status_code == 404

    def test_back_at_real_work_the_banner_is_gone(self, practised, client, cleo):
        client.force_login(cleo)
        client.get(f"/deliveries/?location={practised.code}")
        assert "Nothing here reaches a real chart" not in client.get("/?location=all").content.decode()

    def test_a_report_counts_real_locations_only(self, cast, practised, client):
        make_delivery(cast, "verified")
        client.force_login(cast.dana)
        day = timezone.now().date().isoformat()
        text = client.get(f"/deliveries/reports/file/csv/?kind=month&day={day}").content.decode()
        assert '"NORTH","Notes received","1"' in text
        assert practised.code not in text


class TestElsewhere:
    def test_no_figure_for_machines_counts_it(self, cast, practised):
        said = exposition().decode()
        assert practised.code not in said
        make_delivery(cast, "rejected", reason_code="ae")
        assert 'location="NORTH"' in exposition().decode()

    def test_no_alert_comes_of_it(self, cast, practised):
        make_delivery(cast, "unknown", location=practised)
        found = conditions(cast.practice, AlertSettings(practice=cast.practice), timezone.now() + timedelta(days=2))
        assert practised not in [one.location for one in found]

    def test_no_form_offers_it(self, cast, practised):
        for form in (KeyForm(cast.practice), RoleForm(cast.practice), RecipientForm(cast.practice, None)):
            for field in form.fields.values():
                if hasattr(field, "queryset") and field.queryset.model is Location:
                    assert practised not in field.queryset
                    assert cast.north in field.queryset

    def test_no_daily_probe_goes_there(self, practised):
        CapabilityProbe.objects.create(location=practised, by="x", findings=[])
        assert practised not in canary.due(timezone.now() + timedelta(days=9))

    def test_the_path_of_a_real_location_does_not_wait_for_its_templates(self, cast, begin):
        at = begin(cast.dana, "director").location
        (phase,) = [one for one in path_of(cast.north, frozenset({"director"})) if one.name == "Templates and mapping"]
        assert all(at.code not in step.says for step in phase.steps)

    def test_a_run_there_certifies_nothing_else_and_no_run_is_asked_for_there(self, cast, practised):
        now = timezone.now()
        CertificationRun.objects.create(
            location=practised, state="passed", by="x", subject=subject_of(cast.north), started_at=now, finished_at=now
        )
        assert standing(cast.north).run is None
        cast.north.environment = "production"
        assert where(cast.north) != practised.code

    def test_its_mappings_teach_the_suggestions_nothing(self, cast, practised):
        assert all(taught.locations <= 2 for taught in learned_labels(cast.practice).values())
        assert "additional notes" not in learned_labels(cast.practice) or cast.south_mapping
