"""Ways into the chart by hand: what has vanished since, what could not be asked, the order of fields, the catalogue."""

import pytest

from delivery.channels.base import Chart, ChartNote
from delivery.ways.capabilities import KEPT_IN_VIEW, NO, UNKNOWN, YES, Capability, newest, order, standings, unasked
from delivery.ways.catalogue import BY_KEY, WAYS, best_grade, grade_words, way_of
from delivery.ways.models import CapabilityProbe
from mapping.note import FieldValue
from portal.models import Connection, ConnectionKind


def run(location, *findings) -> CapabilityProbe:
    return CapabilityProbe.objects.create(location=location, by="Daily probe", findings=list(findings))


@pytest.mark.django_db
class TestStandings:
    def kept(self, location, *outcomes: str, key: str = "write") -> None:
        for outcome in outcomes:
            run(location, vars(Capability(1, "line", key, key, outcome)))

    def test_what_was_last_there_is_looked_for_in_so_many_runs_and_no_further(self, cast):
        self.kept(cast.north, YES, *[NO] * (KEPT_IN_VIEW - 1))
        gone = [Capability(1, "line", "write", "write", NO)]
        assert standings(cast.north, gone)[0].vanished is not None
        self.kept(cast.north, NO)
        assert standings(cast.north, gone)[0].vanished is None

    def test_it_vanished_since_the_last_run_in_which_it_was_there(self, cast):
        self.kept(cast.north, YES, YES, NO)
        there = CapabilityProbe.objects.order_by("-pk")[1]
        (row,) = standings(cast.north, [Capability(1, "line", "write", "write", NO)])
        assert row.vanished == there.at

    def test_another_connections_row_of_the_same_name_says_nothing(self, cast):
        self.kept(cast.north, YES)
        assert standings(cast.north, [Capability(2, "line", "write", "write", NO)])[0].vanished is None

    def test_the_newest_is_read_as_it_was_kept(self, cast):
        self.kept(cast.north, YES)
        made, rows = newest(cast.north)
        assert (made.by, [row.capability.outcome for row in rows]) == ("Daily probe", [YES])

    @pytest.mark.parametrize(
        "key, asked, carried",
        [
            ("section:A", {"write": YES, "read_back": YES}, False),  # asked to the end: it is gone
            ("section:A", {"write": NO}, True),
            ("section:A", {"write": YES, "read_back": NO}, True),
            ("section:A", {"write": YES, "read_back": YES, "sections": UNKNOWN}, True),
            ("order", {"write": UNKNOWN}, True),
            ("scope:x.read", {"answers": NO}, True),
            ("scope:x.read", {"answers": YES}, False),
            ("scope:x.read", {"answers": YES, "scopes": UNKNOWN}, True),
            ("reads:Patient", {"answers": YES, "methods": UNKNOWN}, True),
            ("answer_time", {"write": NO}, True),
            ("answer_time", {"write": YES}, False),
            ("write", {"answers": NO}, False),  # always a row of its own
            ("section:A", {}, False),  # its connection is not used any more
        ],
    )
    def test_a_row_that_could_not_be_asked_for_stays_and_is_not_known(self, cast, key, asked, carried):
        self.kept(cast.north, YES, key=key)
        found = [Capability(1, "line", name, name, outcome) for name, outcome in asked.items()]
        rows = unasked(cast.north, found)
        assert [(row.key, row.outcome) for row in rows] == ([(key, UNKNOWN)] if carried else [])


class TestOrder:
    BLANK = Capability(1, "line", "", "", UNKNOWN)

    def asked(self, sent: str, charted: str, *, grade: str = "field", control_id: str = "C1") -> Capability:
        class Note:
            values = tuple(FieldValue(one, one, place, "x", ()) for place, one in enumerate(sent.split()))

        Note.control_id = "C1"
        filing = ChartNote(control_id, dict.fromkeys(charted.split(), "x"))
        return order(Note, Chart((filing,), {}, grade), self.BLANK)

    @pytest.mark.parametrize(
        "sent, charted, outcome, fact",
        [
            ("A B C", "A B C", YES, "as sent"),
            ("A B C", "A C", YES, "as sent"),  # what is missing is a section's row, not the order's
            ("A B C", "C B A", NO, "C A"),
            ("A B C", "B A C", NO, "B A"),
            ("A B", "X A Y B", YES, "as sent"),  # fields of others between them
            ("A B", "", YES, "as sent"),
        ],
    )
    def test_the_fields_that_stand_elsewhere_are_named(self, sent, charted, outcome, fact):
        found = self.asked(sent, charted)
        assert (found.outcome, found.fact) == (outcome, fact)

    def test_of_documents_and_of_a_note_that_is_not_there_nothing_is_said(self):
        assert self.asked("A B", "B A", grade="section").outcome == UNKNOWN
        assert self.asked("A B", "B A", control_id="C2").outcome == UNKNOWN


class TestCatalogue:
    def test_every_way_says_what_it_does_what_it_does_not_and_what_is_assumed(self):
        for way in WAYS:
            assert way.does, way.key
            assert way.does_not, way.key
            assert way.assumed, way.key
            assert way.needs, way.key
        assert len(BY_KEY) == len(WAYS)

    @pytest.mark.parametrize("kind", ConnectionKind.values)
    @pytest.mark.parametrize("own", [{}, {"profile": "document"}, {"profile": "document", "document_form": "ccda"}])
    def test_every_connection_there_can_be_has_a_way(self, kind, own):
        assert way_of(Connection(kind=kind, settings=own)) in WAYS

    @pytest.mark.parametrize("kind", ConnectionKind.values)
    @pytest.mark.parametrize("reader", [None, "openapi", "fhir"])
    def test_of_what_is_left_as_a_file_nothing_is_read_back_whoever_reads(self, kind, reader):
        made, by = Connection(kind=kind, settings={}), Connection(kind=reader, settings={}) if reader else None
        if way_of(made).key == "ccda" or by is None:
            assert best_grade(made, by) == "none"
        else:
            assert best_grade(made, by) in ("none", "field", "section")

    @pytest.mark.parametrize("form", ["pdf", "text", "ccda"])
    def test_a_pdf_alone_is_proved_as_a_whole_and_not_by_section(self, form):
        made = Connection(kind="fhir", settings={"profile": "document", "document_form": form})
        assert best_grade(made, Connection(kind="fhir", settings={})) == ("document" if form == "pdf" else "section")

    def test_a_pdf_set_but_not_sent_as_a_document_is_proved_by_section(self):
        made = Connection(kind="fhir", settings={"document_form": "pdf"})
        assert best_grade(made, Connection(kind="fhir", settings={})) == "section"

    @pytest.mark.parametrize("grade", ["", "made-up"])
    def test_a_grade_that_is_none_claims_nothing(self, grade):
        assert grade_words(grade) == "nothing proved yet"
