"""The PDF summary of a search: its counts, its words, and that it stays within what the search may see."""

import io

import pypdf
import pytest

from audit.anchors import anchor_all
from audit.context import Actor, acting
from audit.queries import Scope, Search
from audit.record import record
from audit.summary import summary
from tests.audit.log import note, seal_now


def text_of(content: bytes) -> str:
    return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def made(search: Search, *filters: str, names: dict[str, str] | None = None) -> tuple[str, int]:
    found = summary(search, filters, names or {}, "Dana Rivera")
    return text_of(found.content), found.events


@pytest.fixture
def log(db):
    with acting(Actor("user", "7", "dana")):
        record("note.view", practice="lakeside", location="NORTH")
        record("note.view", practice="lakeside", location="SOUTH")
    with acting(Actor("user", "8", "ava")):
        record("authz.denied", practice="lakeside", outcome="denied")
        record("note.view", practice="harbor", location="NORTH")


def test_it_counts_by_deed_person_place_and_outcome(log):
    text, events = made(Search(Scope("lakeside")), names={"7": "Dana <Rivera> & Co", "8": "Ava Ito"})
    assert events == 3
    for words in ("viewed a note", "Dana <Rivera> & Co", "Ava Ito", "SOUTH", "no location", "refused", "Narrowed to"):
        assert words in text
    assert "nothing: every event" in text
    assert "harbor" not in text


def test_it_stays_within_the_readers_locations(log):
    text, events = made(Search(Scope("lakeside", frozenset({"NORTH"})), event="note.view"), "event=note.view")
    assert events == 1
    assert "event=note.view" in text
    assert "SOUTH" not in text


def test_of_nothing_it_says_so(log):
    text, events = made(Search(Scope("lakeside"), event="mapping.publish"))
    assert events == 0
    assert "none" in text


def test_what_the_fonts_lack_breaks_nothing(log):
    text, _ = made(Search(Scope("lakeside")), names={"7": "Ł\u202e黒"})
    assert "???" in text


def test_the_same_search_makes_the_same_bytes(log):
    search = Search(Scope("lakeside"))
    assert summary(search, [], {}, "x").content == summary(search, [], {}, "x").content


@pytest.mark.django_db(transaction=True)
def test_it_names_the_checkpoint_that_covers_the_log(db):
    note(count=2)
    seal_now()
    assert "no anchored checkpoint" in made(Search(Scope("lakeside")))[0]
    anchor_all()
    assert "checkpoint of 2 leaves" in made(Search(Scope("lakeside")))[0]
