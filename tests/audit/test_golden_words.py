"""An event as a spreadsheet gets it, byte by byte, and as a person reads it, word by word."""

import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from audit.event import AuditEvent
from audit.exports import lines, safe, texts, unsafe, write_csv
from audit.middleware import short_hash
from audit.queries import Key
from audit.record import filter_detail
from audit.sentences import details, facts, sentence, spaced, what, who
from audit.whole import Finding

KEY = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def event(**columns) -> AuditEvent:
    made = {
        "id": KEY,
        "at": datetime(2026, 5, 1, 12, 0, tzinfo=UTC),
        "schema": 1,
        "event": "mapping.publish",
        "outcome": "ok",
        "actor_type": "user",
        "actor_id": "7",
        "actor_name": "d.rivera",
        "practice": "lakeside",
        "location": "NORTH",
        "object_type": "mapping",
        "object_id": "12",
        "detail": {"version": 3, "template": "FM-PROGRESS"},
        "row_mac": "ab" * 32,
        **columns,
    }
    return AuditEvent(xid=made.pop("xid", None), **made)


HEADING = (
    b'"id","xid","at","at_source","schema","event","outcome","outcome_class","actor_type","actor_id","actor_name",'
    b'"on_behalf_of","auth_method","session_hash","source_ip","user_agent_hash","practice","location","subject_bidx",'
    b'"encounter_bidx","object_type","object_id","object_version","data_category","purpose_of_use","recipient",'
    b'"correlation_id","reason","detail","row_mac","prefixed"\r\n'
)


class TestTheFile:
    def test_has_this_heading(self):
        assert list(lines([])) == [HEADING]

    def test_has_one_line_for_an_event(self):
        assert list(lines([event()]))[1] == (
            b'"01890a5d-ac96-774b-bcce-b302099a8057","","2026-05-01T12:00:00.000000Z","app","1","mapping.publish","ok",'
            b'"","user","7","d.rivera","","","","","","lakeside","NORTH","","","mapping","12","","[]","","","","",'
            b'"{""template"":""FM-PROGRESS"",""version"":3}","' + b"ab" * 32 + b'",""\r\n'
        )

    def test_names_the_columns_in_which_a_formula_was_made_text(self):
        (_, line) = lines([event(reason="=1+1", object_id="-5")])
        assert b'"\'=1+1"' in line
        assert b'"\'-5"' in line
        assert line.endswith(b',"object_id reason"\r\n')

    def test_counts_its_rows_without_the_heading(self):
        file = io.BytesIO()
        assert write_csv([event(), event()], file).rows == 2
        assert file.getvalue().count(b"\r\n") == 3

    def test_of_nothing_has_the_heading_alone(self):
        file = io.BytesIO()
        assert write_csv([], file).rows == 0
        assert file.getvalue() == HEADING

    def test_shows_a_transaction_number_where_there_is_one(self):
        assert texts(event(xid=77))[1] == "77"


class TestACell:
    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"])
    def test_that_begins_like_a_formula_gets_an_apostrophe(self, start):
        assert safe(start + "1") == "'" + start + "1"
        assert unsafe("'" + start + "1") == start + "1"

    @pytest.mark.parametrize("cell", ["", "7", "d.rivera", "a=b", "a-b", "'", "'quoted'", "1+1"])
    def test_that_does_not_stays_as_it_is(self, cell):
        assert safe(cell) == cell

    def test_that_begins_with_an_apostrophe_and_a_formula_gets_one_more(self):
        assert safe("'=1") == "''=1"
        assert unsafe("''=1") == "'=1"

    def test_after_a_semicolon_is_guarded_too(self):
        assert safe("a;=1") == "a;'=1"

    def test_after_a_line_end_is_guarded_too(self):
        assert safe("a\n=1") == "a\n'=1"


class TestWhoActed:
    @pytest.mark.parametrize(
        "kind, said",
        [
            ("api_key", "The scribe's key sp_test_1"),
            ("worker", "A worker sp_test_1"),
            ("command", "The command sp_test_1"),
            ("system", "Scribeport"),
            ("anonymous", "Somebody not signed in"),
        ],
    )
    def test_without_an_account_is_said_by_kind(self, kind, said):
        assert who(event(actor_type=kind, actor_id="sp_test_1"), {}) == said

    def test_a_person_is_named_by_the_name_readers_know(self):
        assert who(event(), {"7": "Dana Rivera"}) == "Dana Rivera"

    def test_a_person_nobody_knows_is_named_by_the_account(self):
        assert who(event(), {}) == "d.rivera"

    def test_a_person_without_any_name_is_named_by_the_number(self):
        assert who(event(actor_name=""), {}) == "User 7"


class TestWhatWasDone:
    @pytest.mark.parametrize(
        "name, said",
        [
            ("auth.login.fail", "failed to sign in"),
            ("authz.denied", "was refused"),
            ("note.view", "viewed a note"),
            ("mapping.publish", "published a mapping"),
            ("delivery.unknown", "does not know the outcome"),
            ("delivery.misfiled", "read the chart back and found differences"),
            ("disclosure.out", "sent patient data to a recipient"),
            ("audit.loss", "took note that anchored events are lost"),
            ("system.recovery_mode", "entered or left recovery mode"),
        ],
    )
    def test_completes_a_sentence(self, name, said):
        assert what(event(event=name)) == said

    def test_is_a_whole_sentence_with_who_did_it(self):
        assert sentence(event(), {"7": "Dana Rivera"}) == "Dana Rivera published a mapping"

    def test_to_the_configuration_names_the_thing(self):
        detail = {"model": "portal.location", "deed": "update"}
        assert what(event(event="config.change", detail=detail)) == "changed a location"

    def test_to_a_thing_this_version_does_not_know_is_named_by_its_type(self):
        detail = {"model": "portal.gone", "deed": "delete"}
        assert what(event(event="config.change", object_type="old_thing", detail=detail)) == "deleted an old thing"

    def test_in_a_detail_is_in_the_order_of_its_words(self):
        assert details(event()) == [("template", "FM-PROGRESS"), ("version", "3")]

    def test_in_short_is_joined_by_dots(self):
        assert facts(event()) == "template FM-PROGRESS · version 3"

    def test_in_short_leaves_hashes_out(self):
        assert facts(event(detail={"wire_sha256": "ab" * 32, "part": "note"})) == "part note"

    def test_says_truths_and_lists_as_words(self):
        assert details(event(detail={"on": True, "off": False, "fields": ["a", "b"]})) == [
            ("fields", "a, b"),
            ("off", "no"),
            ("on", "yes"),
        ]

    def test_in_code_becomes_words(self):
        assert spaced("api_key_prefix") == "api key prefix"


class TestAQuery:
    def test_that_is_short_is_recorded_part_by_part(self):
        assert filter_detail("event=note.view&outcome=denied") == ["event=note.view", "outcome=denied"]

    def test_that_is_empty_has_no_parts(self):
        assert filter_detail("") == filter_detail("&&") == []

    def test_with_a_long_part_is_cut_at_120_characters(self):
        assert filter_detail("q=" + "a" * 200) == ["q=" + "a" * 118]

    def test_with_thirteen_parts_says_that_one_is_left_out(self):
        query = "&".join(f"p{number}=1" for number in range(13))
        assert filter_detail(query)[-1] == "and 1 more"
        assert len(filter_detail(query)) == 13

    def test_with_twelve_parts_is_whole(self):
        query = "&".join(f"p{number}=1" for number in range(12))
        assert filter_detail(query) == query.split("&")


class TestAKey:
    TEXT = f"2026-05-01T12:00:00+00:00~{KEY}"

    def test_is_its_hour_and_id(self):
        assert str(Key(datetime(2026, 5, 1, 12, 0, tzinfo=UTC), KEY)) == self.TEXT

    def test_is_read_back(self):
        assert Key.read(self.TEXT) == Key(datetime(2026, 5, 1, 12, 0, tzinfo=UTC), KEY)

    def test_of_microseconds_is_read_back(self):
        made = Key(datetime(2026, 5, 1, 12, 0, tzinfo=UTC) + timedelta(microseconds=1), KEY)
        assert Key.read(str(made)) == made

    @pytest.mark.parametrize("text", ["", "~", "x~y", f"2026-05-01T12:00:00~{KEY}", "2026-05-01T12:00:00+00:00~7"])
    def test_that_is_none_is_none(self, text):
        assert Key.read(text) is None


class TestAFinding:
    def test_names_tree_place_and_event(self):
        assert str(Finding("a/202605", "the event was changed", 7, str(KEY))) == (
            f"a/202605, leaf 7: the event was changed ({KEY})"
        )

    def test_without_a_place_leaves_it_out(self):
        assert str(Finding("events", "no leaf")) == "events: no leaf"

    def test_at_the_first_leaf_names_it(self):
        assert str(Finding("a/202605", "gone", 0)) == "a/202605, leaf 0: gone"


def test_a_session_stands_in_the_log_as_sixteen_hex_digits():
    """SHA-256 of "abc" begins ba7816bf8f01cfea (FIPS 180-4)."""
    assert short_hash("abc") == "ba7816bf8f01cfea"
    assert short_hash("") == ""
