"""Reading the log page by page: nothing lost, nothing twice, whatever the times, sizes and filters."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.event import AuditEvent
from audit.queries import Key, Scope, Search, before, every, found, page, visible

LAKESIDE = Scope("lakeside")
START = datetime(2026, 5, 1, tzinfo=UTC)
on_one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)


def event(second: float = 0, **changes) -> AuditEvent:
    columns = {"id": uuid.uuid4(), "at": START + timedelta(seconds=second), "schema": 1, "practice": "lakeside"}
    return AuditEvent(
        **columns | {"event": "note.view", "outcome": "ok", "actor_type": "user", "actor_id": "7"} | changes
    )


def write(*events: AuditEvent) -> list[AuditEvent]:
    """In any order: that of writing does not matter."""
    shuffled = list(events)
    random.Random(len(events)).shuffle(shuffled)
    AuditEvent.objects.bulk_create(shuffled)
    return list(events)


def newest_first(events: list[AuditEvent]) -> list[uuid.UUID]:
    return [one.id for one in sorted(events, key=lambda one: (one.at, one.id), reverse=True)]


def read(search: Search, size: int) -> list[uuid.UUID]:
    """Every page after the other, by the keys alone."""
    seen, key = [], None
    while True:
        part = page(search, key, size)
        assert len(part.events) <= size
        seen += [one.id for one in part.events]
        if part.older is None:
            return seen
        key = Key.read(str(part.older))
        assert key == part.older


@on_one_database
@given(seconds=st.lists(st.integers(0, 5), max_size=25), size=st.integers(1, 9))
def test_every_event_stands_on_exactly_one_page(db, seconds, size):
    """Many share a second: the id decides between them."""
    practice = uuid.uuid4().hex[:20]
    events = write(*(event(second, practice=practice) for second in seconds))
    search = Search(Scope(practice))
    assert read(search, size) == newest_first(events)
    assert [one.id for one in every(search, size)] == newest_first(events)


def test_what_is_written_while_somebody_turns_pages_moves_nothing(db):
    events = write(*(event(second) for second in range(10)))
    first = page(Search(LAKESIDE), size=4)
    write(event(100), event(101))
    second = page(Search(LAKESIDE), first.older, 4)
    assert [one.id for one in (*first.events, *second.events)] == newest_first(events)[:8]


def test_a_page_that_is_just_full_has_no_next_one(db):
    write(*(event(second) for second in range(6)))
    assert page(Search(LAKESIDE), size=6).older is None
    assert page(Search(LAKESIDE), size=5).older is not None


def test_no_event_is_an_empty_page(db):
    assert page(Search(LAKESIDE)).events == ()
    assert list(every(Search(LAKESIDE))) == []


@given(st.text(max_size=60))
def test_an_address_that_is_no_key_begins_at_the_newest(text):
    key = Key.read(text)
    assert key is None or str(key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        "2026-05-01~",
        f"~{uuid.uuid4()}",
        f"2026-05-01T00:00:00~{uuid.UUID(int=1)}",
        f"2026-05-01T00:00:00+00:00~{'x' * 36}",
        "2026-99-01T00:00:00+00:00~" + str(uuid.UUID(int=1)),
    ],
)
def test_a_broken_or_zoneless_key_is_none(text):
    assert Key.read(text) is None


def test_without_a_key_nothing_is_left_out(db):
    write(event(1), event(2))
    assert before(visible(LAKESIDE), None).count() == 2


def test_the_event_of_the_key_itself_is_not_shown_again(db):
    (one,) = write(event(1))
    assert not before(visible(LAKESIDE), Key(one.at, one.id)).exists()


# --- filters -------------------------------------------------------------------------------------------------------

CHANGES = {
    "outcome": "denied",
    "actor_type": "worker",
    "actor_id": "9",
    "object_type": "delivery",
    "object_id": "12",
    "correlation_id": "c-1",
    "subject_bidx": "f" * 32,
    "event": "note.list",
}


@pytest.mark.parametrize("column", CHANGES)
def test_each_filter_finds_its_own_alone(db, column):
    wanted = event(1, **{column: CHANGES[column]})
    write(event(0), wanted, event(2))
    filter_ = "subject" if column == "subject_bidx" else column
    assert [one.id for one in found(Search(LAKESIDE, **{filter_: CHANGES[column]}))] == [wanted.id]


def test_all_filters_together_narrow_to_what_has_all(db):
    whole = event(1, **CHANGES)
    write(whole, *(event(2, **{**CHANGES, column: "x"}) for column in CHANGES if column != "event"))
    search = Search(
        LAKESIDE, subject="f" * 32, **{name: value for name, value in CHANGES.items() if name != "subject_bidx"}
    )
    assert [one.id for one in found(search)] == [whole.id]


@pytest.mark.parametrize(
    "family, inside, outside",
    [
        ("note.", ["note.view", "note.list", "note.a", "note.zz"], ["note", "notes.view", "notf.view", "note/"]),
        ("auth.", ["auth.login.ok"], ["authz.denied", "auth"]),
    ],
)
def test_a_family_is_its_own_names_and_no_others(db, family, inside, outside):
    write(*(event(n, event=name) for n, name in enumerate([*inside, *outside])))
    assert {one.event for one in found(Search(LAKESIDE, event=family))} == set(inside)


@pytest.mark.parametrize(
    "since, until, seconds",
    [(None, None, [0, 1, 2, 3]), (1, None, [1, 2, 3]), (None, 2, [0, 1]), (1, 3, [1, 2]), (2, 2, [])],
)
def test_the_beginning_belongs_to_a_range_and_the_end_does_not(db, since, until, seconds):
    write(*(event(second) for second in range(4)))
    limits = {
        name: START + timedelta(seconds=value)
        for name, value in (("since", since), ("until", until))
        if value is not None
    }
    shown = sorted((one.at - START).seconds for one in found(Search(LAKESIDE, **limits)))
    assert shown == seconds


# --- scopes --------------------------------------------------------------------------------------------------------


def test_another_practice_is_never_found_whatever_is_asked(db):
    write(event(1, practice="harbor", **{name: value for name, value in CHANGES.items() if name != "event"}))
    assert not found(Search(LAKESIDE, subject="f" * 32)).exists()
    assert not found(Search(LAKESIDE)).exists()


def test_a_practice_is_its_whole_code_not_a_beginning_of_it(db):
    write(event(1, practice="lakeside-2"))
    assert not visible(LAKESIDE).exists()


def test_a_scope_of_locations_shows_these_and_not_what_has_none(db):
    write(event(0), event(1, location="NORTH"), event(2, location="SOUTH"))
    shown = visible(Scope("lakeside", frozenset({"NORTH"})))
    assert [one.location for one in shown] == ["NORTH"]


def test_a_scope_of_no_location_shows_nothing(db):
    write(event(0), event(1, location="NORTH"))
    assert not visible(Scope("lakeside", frozenset())).exists()


def test_the_scope_of_nobody_shows_what_belongs_to_nobody(db):
    write(event(0), event(1, practice=""))
    assert [one.practice for one in visible(Scope(""))] == [""]
