"""The CSV: every row and column, no cell a spreadsheet would run, every value recoverable."""

import csv
import hashlib
import io
import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from audit.exports import COLUMNS, STARTS, lines, safe, unsafe, write_csv
from audit.models import AuditEvent
from audit.queries import Scope, Search, every
from audit.record import Entry, record_many


def event(**changes) -> AuditEvent:
    columns = {"id": uuid.uuid4(), "at": datetime(2026, 5, 1, 12, tzinfo=UTC), "schema": 1, "xid": None}
    return AuditEvent(**columns | changes)


def written(*events: AuditEvent) -> list[dict[str, str]]:
    text = b"".join(lines(events)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_column_of_the_event_is_there():
    (row,) = written(event(reason="Because", detail={"delivery_id": 3}, data_category=["hpi"]))
    assert list(row) == [*COLUMNS, "prefixed"]
    assert {"id", "at", "actor_id", "source_ip", "row_mac", "detail", "correlation_id"} <= row.keys()
    assert row["reason"] == "Because"
    assert json.loads(row["detail"]) == {"delivery_id": 3}
    assert json.loads(row["data_category"]) == ["hpi"]
    assert (row["xid"], row["prefixed"]) == ("", "")


def test_times_are_utc_whatever_zone_they_came_in():
    (row,) = written(event(at=datetime(2026, 5, 1, 8, 0, 0, 5, tzinfo=timezone(timedelta(hours=-4)))))
    assert row["at"] == "2026-05-01T12:00:00.000005Z"


def test_S14_a_formula_becomes_text_and_is_said_to_have_been_changed():
    (row,) = written(event(actor_name="=HYPERLINK(0)", reason="-2", object_id="@x", location="NORTH"))
    assert (row["actor_name"], row["reason"], row["object_id"]) == ("'=HYPERLINK(0)", "'-2", "'@x")
    assert set(row["prefixed"].split()) == {"actor_name", "reason", "object_id"}


def test_an_apostrophe_of_the_value_itself_can_be_had_back():
    (row,) = written(event(reason="'=1", actor_name="'a"))
    assert (row["reason"], row["actor_name"], row["prefixed"]) == ("''=1", "'a", "reason")
    assert unsafe(row["reason"]) == "'=1"


dangerous = st.text(st.sampled_from([*STARTS, '"', "'", ";", ",", "a", " ", "é"]), max_size=8)
anything = dangerous | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(anything)
def test_S14_no_text_begins_like_a_formula_and_each_can_be_had_back(text):
    assert not safe(text).startswith(STARTS)
    assert unsafe(safe(text)) == text


@given(st.lists(st.fixed_dictionaries({"reason": anything, "actor_name": anything, "object_id": anything}), max_size=4))
def test_every_value_can_be_had_back_from_the_file(rows):
    read = written(*(event(**row) for row in rows))
    assert len(read) == len(rows)
    for row, original in zip(read, rows, strict=True):
        marked = row["prefixed"].split()
        assert {name: unsafe(row[name]) if name in marked else row[name] for name in original} == original
        assert not any(row[name].startswith(STARTS) for name in COLUMNS)


@given(anything, anything, st.sampled_from(";\t"))
def test_S14_where_semicolons_or_tabs_separate_no_cell_begins_like_a_formula(first, second, separator):
    text = b"".join(lines([event(reason=first, recipient=second)])).decode()
    for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        assert not any(cell.startswith(STARTS) for cell in line)


def test_the_file_has_as_many_rows_as_it_says_and_the_hash_it_says(db):
    record_many([Entry("note.view", practice="lakeside", object_id=str(n)) for n in range(45)])
    record_many([Entry("note.view", practice="harbor")])
    file = io.BytesIO()
    export = write_csv(every(Search(Scope("lakeside")), size=10), file)
    assert export.rows == 45
    assert export.sha256 == hashlib.sha256(file.getvalue()).hexdigest()
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode(), newline="")))
    assert [row["object_id"] for row in rows] == [str(n) for n in reversed(range(45))]


def test_nothing_found_is_a_heading_alone():
    file = io.BytesIO()
    assert write_csv([], file).rows == 0
    assert file.getvalue().count(b"\r\n") == 1
