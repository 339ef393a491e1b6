"""A draft is replayed over stored notes: what would change, be lost or newly held is listed, note by note."""

import pytest
from django.db import connection

from audit.models import AuditEvent
from delivery.models import NoteVersion
from delivery.rehearsal import newest_notes, rehearse
from mapping.going_live import DraftGone, keep_rehearsal
from mapping.models import Field, MappingVersion, Rehearsal
from mapping.note import RuleSpec
from mapping.publishing import discard_draft, publish, save_rules, start_draft
from mapping.queries import published_of, published_spec, spec_of
from tests.delivery.rows import note_version

pytestmark = pytest.mark.django_db
PLAN = ("plan", "PLAN", "Rest and fluids.", "NF-06", "")
COUGH = ("chief_complaint", "CC", "Cough.", "NF-01", "")


@pytest.fixture
def template(cast):
    return cast.north_mapping.template


def drafted(cast, template, *changes: RuleSpec, without: str = ""):
    """A draft of the mapping in force with these sections' rules replaced or taken away."""
    draft = start_draft(template, cast.mel)
    replaced = {rule.section_code for rule in changes} | {without}
    kept = [rule for rule in spec_of(draft).rules if rule.section_code not in replaced]
    return save_rules(draft, [*kept, *changes], "", cast.mel)


def findings(rehearsal: Rehearsal) -> list[tuple[list, list, list]]:
    return [(one["changed"], one["lost"], one["blocked"]) for one in rehearsal.findings]


def test_an_unchanged_draft_changes_no_note(cast, template):
    note_version(cast, sections=[COUGH, PLAN])
    found = rehearse(start_draft(template, cast.mel), cast.mel)
    assert (found.notes, found.findings) == (1, [])


def test_a_section_in_another_field_is_changed_and_no_other(cast, template):
    note_version(cast, sections=[COUGH, PLAN])
    found = rehearse(drafted(cast, template, RuleSpec("plan", "NF-07")), cast.mel)
    assert findings(found) == [(["plan"], [], [])]


def test_a_prefix_changes_its_own_section_alone(cast, template):
    rules = [RuleSpec("assessment", "NF-05", position=5), RuleSpec("plan", "NF-05", position=6)]
    note_version(cast, sections=[PLAN, ("assessment", "A", "Viral.", "", "")])
    joined = drafted(cast, template, *rules)
    first = rehearse(joined, cast.mel)
    assert findings(first) == [(["plan"], [], [])]


def test_a_section_without_a_rule_is_lost_and_its_notes_newly_held(cast, template):
    note_version(cast, sections=[COUGH, PLAN])
    note_version(cast, sections=[COUGH])
    found = rehearse(drafted(cast, template, without="plan"), cast.mel)
    assert findings(found) == [([], ["plan"], ["unmapped_section"])]
    assert (found.lost_notes, found.blocked_notes, found.notes) == (1, 1, 2)


@pytest.fixture
def catching(cast):
    """The location files what no rule takes in a catch-all field; its mapping in force and every draft name one."""
    cast.north.unmapped_policy = "catch-all"
    cast.north.save()
    MappingVersion.objects.filter(pk=cast.north_mapping.pk).update(catch_all_field_id="NF-07")


class TestASectionThatFallsToTheCatchAll:
    def draft(self, cast, template):
        draft = start_draft(template, cast.mel)
        return save_rules(
            draft, [rule for rule in spec_of(draft).rules if rule.section_code != "plan"], "NF-07", cast.mel
        )

    def test_is_named_as_such_and_not_as_merely_changed(self, cast, template, catching):
        note_version(cast, sections=[COUGH, PLAN])
        found = rehearse(self.draft(cast, template), cast.mel)
        assert findings(found) == [([], [], [])]
        assert found.findings[0]["caught"] == ["plan"]
        assert (found.caught_notes, found.changed_notes, found.lost_notes) == (1, 0, 0)
        assert AuditEvent.objects.get(event="mapping.rehearse").detail["caught"] == 1

    def test_is_not_named_where_the_catch_all_has_it_today(self, cast, template, catching):
        note_version(cast, sections=[COUGH, ("goals", "GOALS", "Walk.", "", "")])
        assert rehearse(self.draft(cast, template), cast.mel).findings == []

    def test_heads_the_page(self, cast, mel, template, catching):
        note_version(cast, sections=[COUGH, PLAN])
        self.draft(cast, template)
        page = mel.post(f"/deliveries/rehearse/{template.pk}/", {}, follow=True).content.decode()
        assert "In 1 note a section would fall to the catch-all field" in page
        assert '<td data-label="To catch-all"><span class="text-act">Plan</span>' in page

    def test_of_a_rehearsal_kept_before_they_were_told_apart_reads_as_changed(self, cast, mel, template):
        version = note_version(cast, sections=[COUGH])
        kept = rehearse(start_draft(template, cast.mel), cast.mel)
        old = {"note": str(version.pk), "changed": ["plan"], "lost": [], "blocked": [], "freed": False}
        Rehearsal.objects.filter(pk=kept.pk).update(findings=[old])
        assert "Plan" in mel.get(f"/deliveries/rehearsals/{kept.pk}/").content.decode()


def test_one_planted_regression_among_many_notes_is_listed(cast, template):
    for _ in range(29):
        note_version(cast, sections=[COUGH])
    planted = note_version(cast, sections=[COUGH, ("plan", "PLAN", "x" * 300, "", "")])
    for _ in range(10):
        note_version(cast, sections=[COUGH, PLAN])
    draft = drafted(cast, template, RuleSpec("plan", "NF-06", limit=200, position=6))
    found = rehearse(draft, cast.mel)
    assert found.notes == 40
    assert [one["note"] for one in found.findings] == [str(planted.pk)]
    assert found.findings[0]["blocked"] == ["over_limit"]


def test_what_is_cut_is_changed(cast, template):
    note_version(cast, sections=[("plan", "PLAN", "word " * 100, "", "")])
    cut = RuleSpec("plan", "NF-06", limit=50, limit_action="truncate", position=6)
    assert findings(rehearse(drafted(cast, template, cut), cast.mel)) == [(["plan"], [], [])]


def test_a_note_held_today_that_would_go_is_named_as_freed(cast, template):
    note_version(cast, sections=[COUGH, ("goals", "GOALS", "Walk.", "", "")])
    found = rehearse(drafted(cast, template, RuleSpec("goals", "NF-07", position=9)), cast.mel)
    assert found.findings[0]["freed"]
    assert found.blocked_notes == 0


def test_only_the_newest_notes_of_this_template_are_replayed(cast, template):
    for _ in range(3):
        note_version(cast, sections=[COUGH])
    note_version(cast, sections=[COUGH], location=cast.south)
    newest = list(newest_notes(template, 2))
    assert len(newest) == 2
    assert rehearse(start_draft(template, cast.mel), cast.mel, 2).notes == 2
    assert rehearse(start_draft(template, cast.mel), cast.mel).notes == 3


def test_a_note_that_cannot_be_opened_is_listed_and_not_passed_over(cast, template):
    version = note_version(cast, sections=[COUGH])
    type(version).objects.update(sealed_body=b"1garbage")
    found = rehearse(start_draft(template, cast.mel), cast.mel)
    assert findings(found) == [([], [], ["cannot_open"])]
    assert found.notes == 0, "it was not replayed"


def test_nothing_of_a_note_is_kept_in_what_was_found(cast, template):
    note_version(cast, sections=[COUGH, ("", "ZEBRA HUNT", "Okapi tracks.", "", ""), PLAN])
    found = rehearse(drafted(cast, template, without="plan"), cast.mel)
    kept = str(found.findings)
    assert not [word for word in ("ZEBRA", "Okapi", "Okafor", "Rest", "Cough") if word in kept]
    event = AuditEvent.objects.get(event="mapping.rehearse")
    assert event.detail["lost"] == 1
    assert event.actor_name == "tests"


@pytest.fixture
def mel(cast, client):
    client.force_login(cast.mel)
    return client


class TestThePage:
    def test_saves_what_is_on_the_mapping_page_and_shows_what_was_found(self, cast, mel, template):
        note_version(cast, sections=[COUGH, PLAN])
        draft = drafted(cast, template, without="plan")
        page = mel.post(f"/deliveries/rehearse/{template.pk}/", {}, follow=True).content.decode()
        assert "1 note would lose a section, 1 would be held" in page
        assert "Plan no longer goes to Treatment Plan (NF-06)." in page
        assert "Lee" in page
        assert "Okafor" not in page
        assert f"Publish mapping {draft.number}" in page

    def test_publishes_the_draft_that_was_looked_at(self, cast, mel, template):
        note_version(cast, sections=[COUGH])
        drafted(cast, template, RuleSpec("plan", "NF-07", position=6))
        page = mel.post(f"/deliveries/rehearse/{template.pk}/", {}, follow=True).content.decode()
        button = page.split('name="action" value="live:')[1].split('"')[0]
        address = f"/mapping/templates/{template.pk}/mapping/"
        mel.post(address, {"action": f"live:{button}", "reason": "seen"})
        assert {rule.section_code: rule.field_id for rule in published_spec(template).rules}["plan"] == "NF-07"

    def test_of_a_draft_that_changed_since_asks_for_another(self, cast, mel, template):
        note_version(cast, sections=[COUGH])
        draft = drafted(cast, template, RuleSpec("plan", "NF-07", position=6))
        kept = rehearse(draft, cast.mel)
        save_rules(draft, [RuleSpec("plan", "NF-06")], "", cast.mel)
        page = mel.get(f"/deliveries/rehearsals/{kept.pk}/").content.decode()
        assert "rehearse again" in page
        assert "live:" not in page
        address = f"/mapping/templates/{template.pk}/mapping/"
        mel.post(address, {"action": f"live:{kept.fingerprint}", "reason": "seen"})
        assert published_of(template) == cast.north_mapping

    def test_of_a_location_without_notes_says_so(self, cast, mel, template):
        start_draft(template, cast.mel)
        page = mel.post(f"/deliveries/rehearse/{template.pk}/", {}, follow=True).content.decode()
        assert "no stored note" in page
        assert "This rehearsal does not count" in page
        assert "Not known: nothing was replayed." in page
        assert "live:" not in page

    def test_without_a_note_leads_to_the_second_person_who_can_publish_from_it(self, cast, mel, template):
        draft = start_draft(template, cast.mel)
        page = mel.post(f"/deliveries/rehearse/{template.pk}/", {}, follow=True).content.decode()
        asking = page.split('name="action" value="ask:')[1].split('"')[0]
        address = f"/mapping/templates/{template.pk}/mapping/"
        assert "Say why" in mel.post(address, {"action": f"ask:{asking}"}, follow=True).content.decode()
        assert (
            "changed meanwhile" in mel.post(address, {"action": "ask:0", "reason": "x"}, follow=True).content.decode()
        )
        mel.post(address, {"action": f"ask:{asking}", "reason": "A new clinic, no notes yet"})
        rehearsal = f"/deliveries/rehearsals/{Rehearsal.objects.get(mapping=draft).pk}/"
        assert "You asked for a second person" in mel.get(rehearsal).content.decode()
        mel.force_login(cast.dana)
        assert f"live:{asking}" in mel.get(rehearsal).content.decode()
        mel.post(address, {"action": f"live:{asking}", "reason": "looked at it"})
        assert published_of(template) == draft

    def test_of_a_draft_with_errors_does_not_offer_to_publish(self, cast, mel, template):
        drafted(cast, template, RuleSpec("plan", "NF-06", limit=99999))
        page = mel.post(f"/deliveries/rehearse/{template.pk}/", {}, follow=True).content.decode()
        assert "publishing is not possible" in page

    def test_without_a_draft_says_what_happened(self, mel, template):
        page = mel.post(f"/deliveries/rehearse/{template.pk}/", {}, follow=True).content.decode()
        assert "nothing was rehearsed" in page
        assert not Rehearsal.objects.exists()

    def test_is_closed_to_strangers_and_a_rehearsal_to_those_who_only_read(self, cast, client, template):
        kept = rehearse(start_draft(template, cast.mel), cast.mel)
        for person, looks, acts in ((cast.sam, 404, 404), (cast.omar, 200, 403)):
            client.force_login(person)
            assert client.get(f"/deliveries/rehearsals/{kept.pk}/").status_code == looks
            assert client.post(f"/deliveries/rehearse/{template.pk}/", {}).status_code == acts


class TestWhatIsGoneMeanwhile:
    def test_a_note_deleted_since_is_counted_and_not_called_none(self, cast, mel, template):
        gone = note_version(cast, sections=[COUGH, PLAN])
        kept = rehearse(drafted(cast, template, without="plan"), cast.mel)
        address = f"/deliveries/rehearsals/{kept.pk}/"
        assert "no longer stored" not in mel.get(address).content.decode()
        NoteVersion.objects.filter(pk=gone.pk).delete()
        page = " ".join(mel.get(address).content.decode().split())
        assert "1 more note would come out otherwise and is no longer stored" in page
        assert ">None.</p>" not in page

    def test_a_note_deleted_beside_one_that_is_there_leaves_that_one(self, cast, mel, template):
        gone, _there = (note_version(cast, sections=[COUGH, PLAN]) for _ in range(2))
        kept = rehearse(drafted(cast, template, without="plan"), cast.mel)
        NoteVersion.objects.filter(pk=gone.pk).delete()
        page = " ".join(mel.get(f"/deliveries/rehearsals/{kept.pk}/").content.decode().split())
        assert '<span class="count">1</span>' in page
        assert "1 more note would come out otherwise" in page

    def test_a_draft_discarded_during_the_replay_keeps_nothing(self, cast, template):
        note_version(cast, sections=[COUGH])
        draft = start_draft(template, cast.mel)
        discard_draft(draft)
        with pytest.raises(DraftGone):
            keep_rehearsal(draft, "0" * 16, cast.mel, 1, [])
        assert not Rehearsal.objects.exists()

    def test_a_draft_published_during_the_replay_keeps_nothing(self, cast, template):
        note_version(cast, sections=[COUGH])
        draft = start_draft(template, cast.mel)
        rehearse(draft, cast.mel)
        publish(draft, cast.mel, "looked at it")
        with pytest.raises(DraftGone):
            keep_rehearsal(draft, "0" * 16, cast.mel, 1, [])
        assert Rehearsal.objects.count() == 1

    def test_the_page_says_so_and_leads_back(self, cast, mel, template):
        note_version(cast, sections=[COUGH])
        draft = start_draft(template, cast.mel)
        discarded = []

        def meanwhile(execute, sql, params, many, context):
            if not discarded and "delivery_noteversion" in sql:
                discarded.append(True)
                discard_draft(draft)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(meanwhile):
            answer = mel.post(f"/deliveries/rehearse/{template.pk}/", {}, follow=True)
        assert "while it was rehearsed; nothing was kept" in answer.content.decode()
        assert not Rehearsal.objects.exists()


def test_going_live_unrehearsed_is_refused_with_both_ways_out(cast, mel, template):
    from tests.mapping.test_mapping_page import form_of

    draft = start_draft(template, cast.mel)
    answer = mel.post(f"/mapping/templates/{template.pk}/mapping/", form_of(draft, "publish", reason="now"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This change was not rehearsed" in page
    assert "Ask a second person" in page
    mel.post(f"/mapping/templates/{template.pk}/mapping/", form_of(draft, "ask", reason="The clinic waits"))
    assert "You asked for a second person" in mel.get(f"/mapping/templates/{template.pk}/mapping/").content.decode()


def test_a_required_field_that_becomes_empty_holds_and_is_found(cast, template):
    Field.objects.filter(field_id="NF-07").update(required=True)
    note_version(cast, sections=[COUGH])
    published = published_of(template)
    found = rehearse(drafted(cast, template, RuleSpec("goals", "NF-07", position=7)), cast.mel)
    assert found.in_force == published
    assert found.blocked_notes == 0, "it is held by the mapping in force as well"
