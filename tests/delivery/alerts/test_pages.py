"""The pages of alerts: who sees which, who acknowledges, who sets up recipients; tests with their result on the page."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from delivery.alerts import queries, recipients
from delivery.alerts.conditions import Condition
from delivery.alerts.course import acknowledge, open_one, recover
from delivery.alerts.forms import RecipientForm
from delivery.alerts.models import Alert, AlertNotice, AlertRecipient, AlertSettings
from delivery.alerts.recipients import Wanted
from portal.models import Membership, Role

pytestmark = pytest.mark.django_db
PAGE = "/deliveries/alerts/"
FORM = {"way": "email", "address": "it@lakeside.example", "level": "1", "time_zone": "America/New_York"}


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def an_alert(cast, kind="uncertain", location="north", practice=None, **more) -> Alert:
    place = getattr(cast, location) if location else None
    return open_one(practice or cast.practice, Condition(kind, place, **more), timezone.now())


def text_of(response, status=200) -> str:
    assert response.status_code == status
    return response.content.decode()


class TestTheList:
    def test_shows_what_goes_on_before_what_recovered(self, cast):
        recover(an_alert(cast, "drift", label="Progress Note"), timezone.now())
        an_alert(cast, count=7)
        text = text_of(client_of(cast.dana).get(PAGE))
        assert text.index("Outcome uncertain") < text.index("Recovered in the last") < text.index("Template changed")

    def test_of_ones_own_locations_only(self, cast):
        an_alert(cast, location="south", label="south-thing")
        an_alert(cast, "worker_away", location=None, label="host-alpha")
        text = text_of(client_of(cast.omar).get(PAGE))
        assert "south-thing" not in text
        assert "host-alpha" not in text
        wide = text_of(client_of(cast.dana).get(PAGE))
        assert "south-thing" in wide
        assert "host-alpha" in wide

    def test_nothing_of_another_practice(self, cast):
        an_alert(cast, label="lakeside-thing")
        an_alert(cast, "worker_away", location=None, label="host-alpha")
        text = text_of(client_of(cast.sam).get(PAGE))
        assert "Nothing is wrong" in text
        assert "thing" not in text.replace("Nothing", "")

    def test_offers_acknowledging_to_those_who_act(self, cast):
        an_alert(cast)
        assert "Acknowledge<" in text_of(client_of(cast.omar).get(PAGE))
        assert "Acknowledge<" not in text_of(client_of(cast.ava).get(PAGE))

    @pytest.mark.parametrize("who", ["dana", "omar", "ava"])
    def test_costs_as_many_queries_for_thirty_alerts_as_for_one(self, cast, who):
        client = client_of(getattr(cast, who))
        asked = []
        for numbers in (range(1), range(1, 31)):
            for number in numbers:
                place = ("north", "south", None)[number % 3]
                acknowledge(an_alert(cast, subject=f"connection:{number}", location=place), cast.dana, timezone.now())
                an_alert(cast, "drift", subject=f"template:{number}", location=place)
            client.get(PAGE)
            with CaptureQueriesContext(connection) as seen:
                client.get(PAGE)
            asked.append(len(seen))
        assert asked[0] == asked[1] <= 16

    def test_a_person_of_one_location_acknowledges_there_and_not_for_the_whole_practice(self, cast):
        here, wide = an_alert(cast, subject="connection:1"), an_alert(cast, "worker_away", location=None)
        rows = {one.alert.pk: one.may_acknowledge for one in client_of(cast.omar).get(PAGE).context["going"]}
        assert rows == {here.pk: True}
        rows = {one.alert.pk: one.may_acknowledge for one in client_of(cast.dana).get(PAGE).context["going"]}
        assert rows == {here.pk: True, wide.pk: True}
        rows = {one.alert.pk: one.may_acknowledge for one in client_of(cast.ava).get(PAGE).context["going"]}
        assert not any(rows.values())


class TestTheOpenPage:
    """It asks every two seconds; nothing is rendered while nothing changed, and no session is extended by it."""

    @pytest.fixture
    def dana(self, cast) -> Client:
        return client_of(cast.dana)

    def tick(self, client: Client, version: str):
        return client.get(PAGE, headers={"hx-request": "true", "x-poll": "1", "if-none-match": version})

    def test_nothing_changed_is_one_read_of_the_alerts_and_no_word(self, cast, dana):
        an_alert(cast)
        version = dana.get(PAGE).context["version"]
        with CaptureQueriesContext(connection) as seen:
            answer = self.tick(dana, version)
        assert (answer.status_code, answer.content) == (304, b"")
        assert len([one for one in seen if '"delivery_alert"' in one["sql"]]) == 1
        assert not any(one["sql"].startswith(("INSERT", "UPDATE", "DELETE")) for one in seen)

    def test_each_change_brings_the_list_alone(self, cast, dana):
        one = an_alert(cast)
        changes = [
            lambda: an_alert(cast, "drift", label="Progress Note"),
            lambda: acknowledge(one, cast.omar, timezone.now()),
            lambda: Alert.objects.filter(pk=one.pk).update(count=9),
            lambda: recover(Alert.objects.get(pk=one.pk), timezone.now()),
        ]
        version = dana.get(PAGE).context["version"]
        for change in changes:
            change()
            answer = self.tick(dana, version)
            assert answer.status_code == 200
            assert answer.content.decode().lstrip().startswith('<div id="live"')
            version = answer.context["version"]
            assert self.tick(dana, version).status_code == 304

    def test_ages_go_on_by_the_minute(self, cast):
        found, now = [an_alert(cast)], timezone.now().replace(second=1)
        same, later = now + timedelta(seconds=30), now + timedelta(minutes=1)
        assert queries.version(found, now) == queries.version(found, same) != queries.version(found, later)


@pytest.mark.parametrize(
    "kind, count, said",
    [
        ("uncertain", 1, "1 delivery"),
        ("uncertain", 3, "3 deliveries"),
        ("ending", 1, "1 day left"),
        ("agreement_ending", 30, "30 days left"),
        ("connection_failing", 7, "7 times"),
        ("drift", 0, ""),
    ],
)
def test_a_number_says_of_what(cast, kind, count, said):
    shown = queries.row(an_alert(cast, kind, count=count), False, timezone.now())
    assert (shown.number, shown.about) == (said, said)


class TestOne:
    def test_says_what_to_do_and_who_was_told(self, cast):
        alert = an_alert(cast, "connection_failing", subject=f"connection:{cast.hl7.pk}", reason_code="connect_timeout")
        text = text_of(client_of(cast.dana).get(f"{PAGE}{alert.pk}/"))
        for part in ("Test the connection", "dana", f"/connections/{cast.hl7.pk}/", "Waits"):
            assert part in text

    def test_hides_addresses_from_those_who_only_look(self, cast):
        recipients.create(cast.practice, Wanted("email", "it@lakeside.example"))
        alert = an_alert(cast)
        assert "it@lakeside.example" not in text_of(client_of(cast.ava).get(f"{PAGE}{alert.pk}/"))
        assert "it@lakeside.example" in text_of(client_of(cast.omar).get(f"{PAGE}{alert.pk}/"))

    def test_says_so_when_nobody_was_told(self, cast):
        cast.dana.email = ""
        cast.dana.save()
        assert "Nobody:" in text_of(client_of(cast.omar).get(f"{PAGE}{an_alert(cast).pk}/"))

    @pytest.mark.parametrize(
        "subject", ["connection:9", "template:4", "agreement:1", "worker:alpha", "connection:x", ""]
    )
    def test_opens_whatever_its_subject(self, cast, subject):
        alert = an_alert(cast, "ending", subject=subject)
        text_of(client_of(cast.dana).get(f"{PAGE}{alert.pk}/"))

    def test_a_kind_of_a_newer_version_is_shown_by_its_code(self, cast):
        alert = an_alert(cast)
        Alert.objects.update(kind="from_tomorrow")
        assert "from_tomorrow" in text_of(client_of(cast.dana).get(f"{PAGE}{alert.pk}/"))
        text_of(client_of(cast.dana).get(PAGE))

    def test_of_another_location_or_practice_does_not_exist(self, cast):
        south, whole = an_alert(cast, location="south"), an_alert(cast, "worker_away", location=None)
        for user, alert in ((cast.omar, south), (cast.sam, south), (cast.sam, whole)):
            assert client_of(user).get(f"{PAGE}{alert.pk}/").status_code == 404
            assert client_of(user).post(f"{PAGE}{alert.pk}/acknowledge/").status_code == 404

    def test_of_the_whole_practice_is_not_for_the_role_at_one_location(self, cast):
        whole = an_alert(cast, "worker_away", location=None)
        assert client_of(cast.omar).get(f"{PAGE}{whole.pk}/").status_code == 403


class TestAcknowledging:
    def test_is_written_down_with_the_person(self, cast):
        alert = an_alert(cast)
        client_of(cast.omar).post(f"{PAGE}{alert.pk}/acknowledge/")
        alert.refresh_from_db()
        assert (alert.state, alert.acknowledged_by) == ("acknowledged", cast.omar)
        event = AuditEvent.objects.filter(event="alert.change").order_by("at").last()
        assert (event.detail["state"], event.actor_name) == ("acknowledged", "omar")

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.CLINICIAN, Role.METADATA_ONLY, Role.MAPPING_EDITOR])
    def test_needs_a_role_that_acts(self, cast, role):
        alert = an_alert(cast)
        Membership.objects.filter(user=cast.omar).update(role=role)
        for address in (f"{PAGE}{alert.pk}/acknowledge/", f"{PAGE}acknowledge/"):
            assert client_of(cast.omar).post(address).status_code == 403
        alert.refresh_from_db()
        assert alert.state == "open"

    def test_all_takes_those_of_ones_own_locations_only(self, cast):
        north, south = an_alert(cast), an_alert(cast, location="south")
        whole = an_alert(cast, "worker_away", location=None)
        client_of(cast.omar).post(f"{PAGE}acknowledge/")
        states = {one.pk: one.state for one in Alert.objects.all()}
        assert states == {north.pk: "acknowledged", south.pk: "open", whole.pk: "open"}
        client_of(cast.dana).post(f"{PAGE}acknowledge/")
        assert set(Alert.objects.values_list("state", flat=True)) == {"acknowledged"}

    def test_the_second_person_is_told_that_somebody_has_it(self, cast):
        alert = an_alert(cast)
        client_of(cast.omar).post(f"{PAGE}{alert.pk}/acknowledge/")
        page = client_of(cast.dana).post(f"{PAGE}{alert.pk}/acknowledge/", follow=True)
        assert "somebody has it already" in text_of(page)

    def test_looking_changes_nothing(self, cast):
        alert = an_alert(cast)
        assert client_of(cast.omar).get(f"{PAGE}{alert.pk}/acknowledge/").status_code == 405


class TestRecipients:
    def test_are_set_up_changed_and_removed_each_recorded(self, cast):
        client = client_of(cast.dana)
        client.post(
            f"{PAGE}recipients/new/", {**FORM, "quiet_from": "22:00", "quiet_until": "06:30", "kinds": ["drift"]}
        )
        row = AlertRecipient.objects.get()
        assert (row.address, row.kinds, f"{row.quiet_from:%H:%M}") == ("it@lakeside.example", ["drift"], "22:00")
        client.post(f"{PAGE}recipients/{row.pk}/", {**FORM, "address": "new@lakeside.example"})
        row.refresh_from_db()
        assert (row.address, row.kinds, row.enabled) == ("new@lakeside.example", [], False)
        client.post(f"{PAGE}recipients/{row.pk}/remove/")
        assert not AlertRecipient.objects.exists()
        deeds = AuditEvent.objects.filter(event="alert.recipient").order_by("at")
        assert [event.detail["deed"] for event in deeds] == ["created", "off", "removed"]

    def test_a_webhooks_secret_is_shown_once(self, cast):
        client = client_of(cast.dana)
        made = client.post(f"{PAGE}recipients/new/", {**FORM, "way": "webhook", "address": "http://127.0.0.1:9/x"})
        assert "whsec_" in text_of(made)
        row = AlertRecipient.objects.get()
        assert "whsec_" not in text_of(client.get(f"{PAGE}recipients/{row.pk}/"))
        assert "whsec_" in text_of(client.post(f"{PAGE}recipients/{row.pk}/secret/"))

    def test_an_e_mail_address_has_no_secret(self, cast):
        row, secret = recipients.create(cast.practice, Wanted("email", "it@lakeside.example"))
        assert secret == ""
        assert client_of(cast.dana).post(f"{PAGE}recipients/{row.pk}/secret/").status_code == 404

    def test_the_test_button_says_what_the_server_said(self, cast, settings):
        row, _ = recipients.create(cast.practice, Wanted("email", "it@lakeside.example"))
        client = client_of(cast.dana)
        settings.EMAIL_HOST = ""
        assert "has no mail server" in text_of(client.post(f"{PAGE}recipients/{row.pk}/test/", follow=True))
        settings.EMAIL_HOST = "mail.tests"
        assert "was taken" in text_of(client.post(f"{PAGE}recipients/{row.pk}/test/", follow=True))
        assert [one.to for one in mail.outbox] == [["it@lakeside.example"]]

    def test_a_webhook_nobody_listens_at_says_so(self, cast):
        row, _ = recipients.create(cast.practice, Wanted("webhook", "http://127.0.0.1:1/x"))
        page = client_of(cast.dana).post(f"{PAGE}recipients/{row.pk}/test/", follow=True)
        assert "Nobody listens at its address" in text_of(page)

    @pytest.mark.parametrize(
        "changes, field",
        [
            ({"address": "nobody"}, "address"),
            ({"address": "a@b\nBcc: c@d.example"}, "address"),
            ({"way": "webhook", "address": "ftp://127.0.0.1/x"}, "address"),
            ({"way": "webhook", "address": "http://169.254.169.254/latest"}, "address"),
            ({"way": "webhook", "address": "http://8.8.8.8/"}, "address"),
            ({"way": "pigeon"}, "way"),
            ({"level": "3"}, "level"),
            ({"kinds": ["weather"]}, "kinds"),
            ({"quiet_from": "22:00"}, "quiet_until"),
            ({"quiet_from": "25:00", "quiet_until": "06:00"}, "quiet_from"),
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"location": "999999"}, "location"),
        ],
    )
    def test_what_cannot_be_a_recipient_is_refused_by_name(self, cast, changes, field):
        form = RecipientForm(cast.practice, None, {**FORM, **changes})
        assert field in form.errors
        answer = client_of(cast.dana).post(f"{PAGE}recipients/new/", {**FORM, **changes})
        assert answer.status_code == 422
        assert not AlertRecipient.objects.exists()

    def test_the_way_stays(self, cast):
        row, _ = recipients.create(cast.practice, Wanted("email", "it@lakeside.example"))
        form = RecipientForm(cast.practice, row, {**FORM, "way": "webhook", "address": "new@lakeside.example"})
        assert form.is_valid()
        assert form.wanted().way == "email"
        with pytest.raises(ValueError, match="another way"):
            recipients.change(row, Wanted("webhook", "http://127.0.0.1:9/"))

    def test_are_the_directors_of_the_whole_practice_to_set(self, cast):
        row, _ = recipients.create(cast.practice, Wanted("email", "it@lakeside.example"))
        Membership.objects.filter(user=cast.omar).update(role=Role.DIRECTOR)
        for path in ("settings/", "recipients/new/", f"recipients/{row.pk}/"):
            assert client_of(cast.omar).get(f"{PAGE}{path}").status_code == 403
        assert client_of(cast.sam).get(f"{PAGE}recipients/{row.pk}/").status_code == 404
        assert client_of(cast.sam).post(f"{PAGE}recipients/{row.pk}/remove/").status_code == 404
        assert client_of(cast.dana).post(f"{PAGE}recipients/{row.pk}/explode/").status_code == 404
        assert AlertRecipient.objects.count() == 1

    def test_removing_one_takes_what_waits_for_it_along(self, cast):
        row, _ = recipients.create(cast.practice, Wanted("email", "it@lakeside.example"))
        an_alert(cast)
        recipients.remove(row)
        assert not AlertNotice.objects.exists()

    def test_changes_of_the_configuration_are_recorded_without_the_secret(self, cast):
        recipients.create(cast.practice, Wanted("webhook", "http://127.0.0.1:9/x"))
        events = AuditEvent.objects.filter(event="config.change")
        assert any(event.detail["model"].endswith("alertrecipient") for event in events)
        assert not any("sealed" in str(event.detail["fields"]) for event in events)


class TestSettings:
    def test_limits_are_kept_and_recorded(self, cast):
        sent = {"uncertain_minutes": "45", "silence_minutes": "0", "escalate_minutes": "10", "near_days": "30"}
        client_of(cast.dana).post(f"{PAGE}settings/", sent)
        kept = AlertSettings.objects.get()
        assert (kept.practice, kept.uncertain_minutes, kept.silence_minutes) == (cast.practice, 45, 0)
        assert AuditEvent.objects.get(event="alert.settings").detail["escalate"] == 10

    @pytest.mark.parametrize("wrong", [{"uncertain_minutes": "1"}, {"near_days": "91"}, {"escalate_minutes": "-5"},
                                       {"silence_minutes": "x"}])  # fmt: skip
    def test_limits_without_sense_are_refused(self, cast, wrong):
        sent = {"uncertain_minutes": "45", "silence_minutes": "0", "escalate_minutes": "10", "near_days": "30", **wrong}
        assert client_of(cast.dana).post(f"{PAGE}settings/", sent).status_code == 422
        assert not AlertSettings.objects.exists()

    def test_the_page_says_who_stands_in_and_that_there_is_no_mail_server(self, cast, settings):
        settings.EMAIL_HOST = ""
        text = text_of(client_of(cast.dana).get(f"{PAGE}settings/"))
        assert "has no mail server" in text
        assert "North Clinic</strong>: dana" in text

    def test_once_somebody_is_named_nobody_stands_in_there(self, cast):
        recipients.create(cast.practice, Wanted("email", "it@lakeside.example", location=cast.north))
        text = text_of(client_of(cast.dana).get(f"{PAGE}settings/"))
        assert "South Clinic</strong>: dana" in text
        assert "North Clinic</strong>" not in text
