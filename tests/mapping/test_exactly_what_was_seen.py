"""What goes live, or is asked about, is what its person looked at: nobody else's save slips in between."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from mapping.models import MappingState, PracticeDefault, PublishRequest
from mapping.note import RuleSpec
from mapping.publishing import DraftChanged, NotADraft, fingerprint, publish, save_rules, start_draft
from mapping.queries import draft_of, spec_of
from mapping.views import imports, inheriting
from mapping.views import mapping as views
from tests.cast import NORTH_FIELDS
from tests.mapping.rehearsing import rehearsed
from tests.mapping.sharing import west
from tests.mapping.test_drift_pages import imported

KNEE = b"Template: Knee Visit\nOrder,Field ID,Label,Type\n1,K1,CC,Free text\n2,K2,Meds,Free text\n"


@pytest.fixture
def draft(cast):
    return start_draft(cast.north_mapping.template, cast.mel)


@pytest.mark.django_db
class TestWhatWasLookedAt:
    def test_a_draft_saved_meanwhile_is_not_published_by_what_was_seen_before(self, cast, draft):
        before = spec_of(draft)
        mark = fingerprint(before)
        rules = [*before.rules, RuleSpec("goals", "NF-07", position=9)]
        save_rules(draft, rules, before.catch_all_field_id, cast.mel)
        draft = rehearsed(draft, cast.mel)
        with pytest.raises(DraftChanged):
            publish(draft, cast.mel, "looked at", seen=mark)
        assert draft_of(draft.template) == draft

    def test_the_very_one_is_published(self, cast, draft):
        draft = rehearsed(draft, cast.mel)
        put = publish(draft, cast.mel, "looked at", seen=fingerprint(spec_of(draft)))
        assert put.state == MappingState.PUBLISHED

    def test_a_draft_that_somebody_saved_since_is_not_discarded_with_their_work(self, cast, client, draft):
        client.force_login(cast.mel)
        data = posted(draft) | {"action": "discard"}
        before = spec_of(draft)
        save_rules(draft, before.rules[1:], before.catch_all_field_id, cast.dana)
        page = client.post(f"/mapping/templates/{draft.template_id}/mapping/", data, follow=True)
        assert "Not discarded: somebody else saved this draft" in page.content.decode()
        assert spec_of(draft_of(draft.template)).rules == spec_of(draft).rules
        client.post(f"/mapping/templates/{draft.template_id}/mapping/", posted(draft) | {"action": "discard"})
        assert draft_of(draft.template) is None

    def test_unsaved_edits_come_along_to_the_newest_version_of_the_template(self, cast, client, draft):
        newest = imported(cast, [*NORTH_FIELDS, ("NF-08", "Orders", None)])
        client.force_login(cast.mel)
        data = posted(draft) | {"action": "renew", "rules-0-before": "CC: "}
        client.post(f"/mapping/templates/{draft.template_id}/mapping/", data)
        renewed = draft_of(draft.template)
        assert renewed.template_version == newest
        assert [rule.prefix for rule in spec_of(renewed).rules].count("CC: ") == 1

    def test_edits_that_cannot_be_saved_move_nothing_and_stay_on_the_page(self, cast, client, draft):
        imported(cast, [*NORTH_FIELDS, ("NF-08", "Orders", None)])
        client.force_login(cast.mel)
        data = posted(draft) | {"action": "renew", "rules-0-limit": "many"}
        answer = client.post(f"/mapping/templates/{draft.template_id}/mapping/", data)
        assert answer.status_code == 422
        assert 'value="many"' in answer.content.decode()
        assert draft_of(draft.template).template_version == draft.template_version

    @pytest.mark.parametrize("action, deed", [("inherit:plan", "take_over"), ("own:plan", "make_own")])
    def test_a_row_changed_at_the_very_moment_of_another_save_says_so(
        self, cast, client, draft, monkeypatch, action, deed
    ):
        monkeypatch.setattr(views, deed, raising(DraftChanged))
        client.force_login(cast.mel)
        page = client.post(f"/mapping/templates/{draft.template_id}/mapping/", {"action": action}, follow=True)
        assert "This draft was saved by somebody else meanwhile; nothing of yours was saved." in page.content.decode()

    def test_a_default_is_published_though_a_draft_was_begun_at_one_location_meanwhile(self, cast, client, monkeypatch):
        there = west(cast, rules=[("chief_complaint", "NF-01")])
        monkeypatch.setattr(inheriting, "propose", raising(NotADraft))
        client.force_login(cast.dana)
        address = f"/mapping/templates/{cast.north_mapping.template_id}/default/"
        data = {"sections": ["plan"], "scope": "every", "reason": "Same notes", "to": [there.template_id]}
        seen = re.search(r'name="seen" value="([^"]+)"', client.post(address, data).content.decode())[1]
        page = client.post(address, data | {"action": "publish", "seen": seen}, follow=True).content.decode()
        assert "West Clinic: somebody began a draft there meanwhile." in page
        assert PracticeDefault.objects.count() == 1

    def test_a_button_without_its_mark_publishes_nothing(self, cast, client, draft):
        rehearsed(draft, cast.mel)
        client.force_login(cast.mel)
        page = client.post(f"/mapping/templates/{draft.template_id}/mapping/", {"action": "live:"}, follow=True)
        assert "The draft was changed meanwhile; nothing was published." in page.content.decode()
        assert draft_of(draft.template) == draft


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action, deed", [("publish", "publish"), ("ask", "ask_second_person")])
def test_saving_and_what_follows_are_one_transaction(cast, client, draft, monkeypatch, action, deed):
    held = []
    monkeypatch.setattr(views, deed, watched(getattr(views, deed), held))
    client.force_login(cast.mel)
    client.post(f"/mapping/templates/{draft.template_id}/mapping/", posted(draft) | {"action": action, "reason": "Why"})
    assert held == [True]


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_published_is_saved_all_the_same(cast, client, draft):
    client.force_login(cast.mel)
    data = posted(draft) | {"action": "publish", "reason": "Why", "rules-0-before": "CC: "}
    answer = client.post(f"/mapping/templates/{draft.template_id}/mapping/", data)
    assert answer.status_code == 422, "nobody rehearsed it"
    assert any(rule.prefix == "CC: " for rule in spec_of(draft).rules)
    assert not PublishRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_import_is_compared_and_saved_in_one_transaction(cast, client, monkeypatch):
    held = []
    for deed in ("PreviewForm", "save_all"):
        real = getattr(imports, deed)
        monkeypatch.setattr(imports, deed, watched(real, held))
    client.force_login(cast.mel)
    page = client.post("/mapping/import/NORTH/", {"file": SimpleUploadedFile("knee.csv", KNEE)})
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]
    assert held == [False], "to look at it, nobody is kept waiting"
    data = {"token": token, "t0-include": "on", "t0-code": "KNEE", "t0-name": "Knee"}
    assert client.post("/mapping/import/NORTH/save/", data).status_code == 302
    assert held == [False, True, True]


def watched(deed, held):
    """The same deed; each time it is done, whether a transaction is open is put into `held`."""

    def done(*args, **options):
        held.append(connection.in_atomic_block)
        return deed(*args, **options)

    return done


def raising(error):
    def deed(*args, **options):
        raise error

    return deed


def posted(draft):
    """The mapping page's form as the draft stands."""
    form = views._form_of(spec_of(draft))
    rows = [line for line in form.rows.forms if line.initial]
    data = {"rules-TOTAL_FORMS": len(rows), "rules-INITIAL_FORMS": 0, "seen": fingerprint(spec_of(draft))}
    data |= {form.head[name].html_name: form.head[name].value() or "" for name in form.head.fields if name != "seen"}
    data |= {line[name].html_name: line[name].value() or "" for line in rows for name in line.fields}
    return data
