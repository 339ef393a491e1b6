"""The PDF summary where it is long, empty, odd or narrowed: its numbers and that nothing else gets in."""

import io

import pypdf
import pytest

from audit import summary as summaries
from audit.context import Actor, acting
from audit.queries import Scope, Search
from audit.record import record
from audit.summary import summary

pytestmark = pytest.mark.django_db


def text_of(content: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def made(search: Search | None = None, *filters: str, names: dict[str, str] | None = None, by: str = "Dana") -> str:
    return text_of(summary(search or Search(Scope("lakeside")), filters, names or {}, by).content)


def some(event: str = "note.view", count: int = 1, **columns) -> None:
    for _ in range(count):
        record(event, **{"practice": "lakeside", "location": "NORTH"} | columns)


@pytest.mark.parametrize("outcome, word", [("ok", "done ok"), ("denied", "refused denied"), ("error", "failed error")])
def test_how_it_ended_is_told_in_words_with_its_number(outcome, word):
    some("authz.denied", 3, outcome=outcome)
    assert f"{word} 3" in made()


def test_the_most_frequent_comes_first():
    some("mapping.publish")
    some("note.view", 4)
    text = made()
    assert text.index("note.view") < text.index("mapping.publish")
    assert "note.view 4" in text


def test_a_person_without_a_name_stands_there_by_number():
    with acting(Actor("user", "77", "gone")):
        some()
    assert "77 77 1" in made(names={"7": "Somebody Else"})


def test_an_action_of_no_person_and_no_place_has_its_row():
    with acting(Actor("anonymous", "", "")):
        some("authz.denied", location="")
    assert "no location" in made()


def test_the_installations_own_events_are_named_so():
    some("system.start", practice="", location="")
    some("note.view")
    text = made(Search(Scope("")))
    assert "none: the installation itself" in text
    assert "note.view" not in text


@pytest.mark.parametrize(
    "locations, words",
    [(None, "Locations all"), (frozenset({"SOUTH", "NORTH"}), "Locations NORTH, SOUTH"), (frozenset(), "Events 0")],
)
def test_it_says_of_which_locations_it_is(locations, words):
    some()
    assert words in made(Search(Scope("lakeside", locations)))


def test_the_first_and_last_time_are_told_in_utc_and_none_of_nothing():
    assert "From, to none" in made()
    some(count=2)
    assert made().count("Z to ") == 1


def test_a_long_table_is_cut_and_the_count_is_not(monkeypatch):
    monkeypatch.setattr(summaries, "MOST", 3)
    for number in range(5):
        with acting(Actor("user", f"zed{number}", "x")):
            some()
    text = made()
    assert "Events 5" in text
    assert [f"zed{number}" in text for number in range(5)] == [True, True, True, False, False]


@pytest.mark.parametrize(
    "odd", ["<b>bold</b>", "a & b", "&lt;", "<para>", "</para>", "<img src='x'/>", "]]>", "%s {0}"]
)
def test_marks_in_a_name_or_a_filter_are_text(odd):
    with acting(Actor("user", "7", "dana")):
        some()
    text = made(None, f"trace={odd}", names={"7": odd}, by=odd)
    assert text.count(" ".join(odd.split())) >= 3


@pytest.mark.parametrize("odd", ["\0", "\x1b[31m", "\u202e", "a\ud800b", "", "\n\n", "x" * 1000])
def test_no_text_breaks_the_document(odd):
    some()
    assert "Audit log: summary" in made(None, f"trace={odd}", names={"tests": odd}, by=odd)


def test_no_patient_stands_in_it_unless_the_filter_names_one():
    some(subject_bidx="a" * 32, encounter_bidx="b" * 32)
    text = made()
    assert "a" * 32 not in text
    assert "b" * 32 not in text


def test_no_reason_and_no_detail_stands_in_it():
    some("mapping.publish", reason="Because of Lena", detail={"template": "FM-PROGRESS"})
    assert "Lena" not in made()
    assert "FM-PROGRESS" not in made()


def test_it_changes_nothing_and_records_nothing_itself(django_assert_max_num_queries):
    from audit.models import AuditEvent

    some()
    before = AuditEvent.objects.count()
    with django_assert_max_num_queries(16):
        made()
    assert AuditEvent.objects.count() == before


def test_its_title_names_no_practice():
    reader = pypdf.PdfReader(io.BytesIO(summary(Search(Scope("lakeside")), [], {}, "Dana").content))
    assert reader.metadata.title == "Audit log: summary"
    assert "lakeside" not in str(dict(reader.metadata))
