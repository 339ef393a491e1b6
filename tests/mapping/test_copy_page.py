"""Copying the mapping in force to other locations: what is offered, to whom, what becomes of each row, and at once."""

import pytest
from django.db import connection
from django.urls import reverse

from audit.models import AuditEvent
from mapping.going_live import NotRehearsed
from mapping.models import MappingVersion
from mapping.note import RuleSpec
from mapping.practice_default import propose
from mapping.publishing import publish, start_draft
from mapping.queries import draft_of, published_of, spec_of
from mapping.sections import name_of
from portal.models import Location
from tests.cast import make_template
from tests.mapping.sharing import changed, live, placed, shared, west


@pytest.fixture
def address(cast):
    return reverse("mapping:copy", args=[cast.north_mapping.template_id])


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def said(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_each_other_template_is_offered_with_what_would_find_a_field(cast, dana, address):
    page = said(dana.get(address))
    assert cast.south.name in page
    assert f'value="{cast.south_mapping.template_id}"' in page
    assert f'value="{cast.north_mapping.template_id}"' not in page


def test_a_copy_is_a_draft_there_whose_rows_say_how_they_got_their_field(cast, dana, address):
    answer = dana.post(address, {"to": [cast.south_mapping.template_id]}, follow=True)
    draft = draft_of(cast.south_mapping.template)
    origins = {rule.origin for rule in spec_of(draft).rules}
    assert origins <= {"id", "suggested", ""}
    assert origins & {"id", "suggested"}
    assert f"a draft with {draft.rules.count()} rules" in said(answer)
    assert published_of(cast.south_mapping.template) == cast.south_mapping, "nothing goes live by it"
    board = said(dana.get(reverse("mapping:mapping", args=[cast.south_mapping.template_id])))
    assert "Suggested" in board or "suggest" in board


def test_rows_with_the_same_identifier_keep_it_and_the_rest_follow_a_suggestion_or_are_named(cast, dana, address):
    rules = spec_of(cast.north_mapping).rules
    first, second = rules[0], rules[1]
    fields = [(first.field_id, "Anything at all", None), ("Z9", "History of present illness", None)]
    other = make_template(cast.south, "COPIED", "Copied", fields, default_for=[]).template
    answer = dana.post(address, {"to": [other.pk]}, follow=True)
    placed = {rule.section_code: (rule.field_id, rule.origin) for rule in spec_of(draft_of(other)).rules}
    assert placed[first.section_code] == (first.field_id, "id")
    assert placed["history_of_present_illness"] == ("Z9", "suggested")
    assert second.section_code in placed or "Without a field:" in said(answer)
    assert len(placed) < len({rule.section_code for rule in rules})
    assert "Without a field:" in said(answer)


def test_what_is_mapped_there_and_placed_nowhere_stays_and_is_named(cast, dana, address):
    template = cast.south_mapping.template
    own = {rule.section_code: rule.field_id for rule in spec_of(cast.south_mapping).rules}
    placed = {rule.section_code for rule in spec_of(cast.north_mapping).rules}
    assert own.keys() - placed, "else this shows nothing"
    page = said(dana.get(address))
    answer = said(dana.post(address, {"to": [template.pk]}, follow=True))
    after = {rule.section_code: (rule.field_id, rule.origin) for rule in spec_of(draft_of(template)).rules}
    for code in own.keys() - placed:
        assert after[code] == (own[code], "")
        assert name_of(code) in page
    assert "Kept as it is there: " in answer
    assert own.keys() <= after.keys(), "no section that had a field is without one"


def test_a_template_with_a_draft_is_shown_and_not_overwritten(cast, dana, address):
    theirs = start_draft(cast.south_mapping.template, cast.dana)
    before = spec_of(theirs)
    assert "Has a draft already" in said(dana.get(address))
    answer = dana.post(address, {"to": [cast.south_mapping.template_id]}, follow=True)
    assert "Nothing was copied" in said(answer)
    assert spec_of(draft_of(cast.south_mapping.template)) == before


def test_nothing_chosen_copies_nothing(cast, dana, address):
    for posted in ({}, {"to": [""]}, {"to": ["0"]}, {"to": ["nonsense"]}, {"to": [cast.north_mapping.template_id]}):
        assert "Nothing was copied" in said(dana.post(address, posted, follow=True))
    assert not AuditEvent.objects.filter(event="mapping.copy").exists()


def test_a_template_of_another_practice_is_neither_shown_nor_written_to(cast, dana, address):
    stranger = make_template(cast.elsewhere, "FOREIGN", "Foreign Visit", [("F1", "Plan", None)]).template
    assert "Foreign Visit" not in said(dana.get(address))
    answer = dana.post(address, {"to": [stranger.pk]}, follow=True)
    assert "Nothing was copied" in said(answer)
    assert draft_of(stranger) is None


def test_the_page_of_another_practice_s_template_is_not_there(cast, client, address):
    client.force_login(cast.sam)
    assert client.get(address).status_code == 404
    assert client.post(address, {"to": [cast.south_mapping.template_id]}).status_code == 404
    assert draft_of(cast.south_mapping.template) is None


def test_an_editor_of_one_location_copies_only_where_they_may_edit(cast, client, address):
    client.force_login(cast.mel)
    page = said(client.get(address))
    assert f'value="{cast.south_mapping.template_id}"' not in page
    client.post(address, {"to": [cast.south_mapping.template_id]})
    assert draft_of(cast.south_mapping.template) is None


def test_a_location_of_the_practice_made_since_is_offered_once_it_has_a_template(cast, dana, address):
    new = Location.objects.create(practice=cast.north.practice, code="EAST", name="East Clinic")
    assert "East Clinic: East Visit" not in said(dana.get(address))
    make_template(new, "EV", "East Visit", [("E1", "Plan", None)])
    assert "East Clinic: East Visit" in said(dana.get(address))


def test_without_a_mapping_in_force_there_is_nothing_to_copy(cast, dana):
    bare = make_template(cast.north, "BARE", "Bare", [("A", "A", None)]).template
    assert dana.get(reverse("mapping:copy", args=[bare.pk])).status_code == 404


def test_of_several_chosen_one_with_a_draft_meanwhile_is_named_and_the_others_are_made(cast, dana, address):
    """Somebody begins a draft between the look at the list and the copy."""
    other = make_template(cast.south, "OTHER", "Other Visit", [("O1", "Plan", None)], default_for=[]).template
    template = cast.south_mapping.template
    begun = []

    def meanwhile(execute, sql, params, many, context):
        if not begun and sql.startswith("INSERT") and "mapping_mappingversion" in sql:
            begun.append(True)
            start_draft(template, cast.dana)  # the copy of the other template is under way
        return execute(sql, params, many, context)

    with connection.execute_wrapper(meanwhile):
        answer = dana.post(address, {"to": [other.pk, template.pk]}, follow=True)
    page = said(answer)
    assert answer.status_code == 200
    assert draft_of(other) is not None
    assert f"{cast.south.name}: somebody began a draft there meanwhile." in page
    assert MappingVersion.objects.filter(template=template, state="draft").count() == 1


def test_the_copy_is_of_the_mapping_in_force_and_not_of_a_draft(cast, dana, address):
    draft = start_draft(cast.north_mapping.template, cast.mel)
    draft.rules.all().delete()
    dana.post(address, {"to": [cast.south_mapping.template_id]})
    copied = AuditEvent.objects.get(event="mapping.copy")
    assert copied.detail["source"] == cast.north_mapping.pk
    assert spec_of(draft_of(cast.south_mapping.template)).rules


def test_a_copy_needs_a_rehearsal_or_a_second_person_like_any_change(cast, dana, address):
    dana.post(address, {"to": [cast.south_mapping.template_id]})
    draft = draft_of(cast.south_mapping.template)
    with pytest.raises(NotRehearsed):
        publish(draft, cast.dana, "copied from North")


def test_a_row_inherited_there_and_copied_the_same_goes_on_being_inherited(cast, dana):
    inheriting = west(cast)
    propose(inheriting.template, shared(cast, ["plan", "assessment"]), cast.dana)
    live(cast, draft_of(inheriting.template))
    changed(cast, cast.north_mapping, RuleSpec("plan", "NF-07"))
    page = said(dana.get(reverse("mapping:copy", args=[cast.north_mapping.template_id])))
    assert 'Stays as it is there">Assessment</td>' in page
    dana.post(reverse("mapping:copy", args=[cast.north_mapping.template_id]), {"to": [inheriting.template_id]})
    there = placed(draft_of(inheriting.template))
    assert there["assessment"] == ("NF-05", "default")
    assert there["plan"] == ("NF-07", "id")
