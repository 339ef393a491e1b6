"""What a measurement counts: which note arrived, which was lost, filed twice or is still on its way, and how it says so."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import httpx2
import pytest
from django.core.management import CommandError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from delivery.bench import results, run, site
from delivery.bench.load import Posted
from delivery.bench.notes import CLINICS, CODES, note
from delivery.bench.release import _holds, _sections
from delivery.bench.results import Journey, backlog, journeys, losses, percentile, rate, times, unsettled
from delivery.bench.screens import Timings, figures, ms
from delivery.demo.run import DemoFailed
from delivery.demo.world import Ports
from delivery.management.commands import bench as command_module
from delivery.models import Delivery, Note
from delivery.states import State
from tests.delivery.rows import make_delivery

seconds = st.floats(0.001, 1e6, allow_nan=False)


def way(control_id, accepted=2.0, sent=0.0, answered=1.0, verified=3.0):
    return Journey(sent, answered, control_id, "verified", accepted, verified)


def posted(number, status=201):
    return Posted(number, 0.0, 1.0, status)


@given(st.lists(seconds, min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_its_share_lies_at_or_below_it(values, share):
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert percentile(values[::-1], share) == found


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(400, 599), max_size=4))
def test_each_note_that_was_taken_is_lost_or_filed_and_of_the_filed_those_filed_again_are_doubled(filings, refusals):
    notes = [posted(number) for number in range(len(filings))] + [posted(100, status) for status in refusals]
    ways = [way(f"C{number}") for number in range(len(filings))]
    filed = Counter({f"C{number}": count for number, count in enumerate(filings)})
    found = losses(notes, ways, filed)
    assert (found["lost"], found["duplicated"]) == (filings.count(0), sum(count > 1 for count in filings))
    assert found["refused"] == len(refusals)


@given(st.sets(st.integers(0, 9)))
def test_a_note_without_a_row_is_lost_whatever_the_chart_holds(without):
    ways = [way(f"C{number}") for number in range(10) if number not in without]
    filed = Counter({f"C{number}": 1 for number in range(10)})
    assert losses([posted(number) for number in range(10)], ways, filed)["lost"] == len(without)


@given(st.lists(st.tuples(seconds, seconds), max_size=20), seconds)
def test_a_backlog_is_never_negative_and_empties_when_all_have_arrived(moments, at):
    ways = [way("C", answered=one, accepted=one + more) for one, more in moments]
    assert 0 <= backlog(ways, at) <= len(ways)
    assert backlog(ways, 3e6) == 0
    assert backlog([way("C", answered=one, accepted=0.0) for one, _ in moments], 3e6) == len(moments)


def test_a_rate_leaves_out_what_has_not_come():
    assert rate([0.0, 0.0], 5.0) == 0.0
    assert rate([0.0, 15.0, 10.0], 5.0) == 0.2


def test_a_refused_note_counts_neither_as_accepted_nor_in_the_times():
    refused = Posted(1, 0.0, 9.0, 503)
    found = times([Posted(0, 0.0, 1.0, 201), refused], [way("A", answered=1.0)])
    assert found["accept_p99_ms"] == 1000.0
    assert found["accepted_per_second"] == 0.1


def test_of_nothing_that_arrived_every_time_is_nought_and_everything_is_backlog():
    found = times([posted(0), posted(1)], [way("A", accepted=0.0, verified=0.0), way("B", accepted=0.0, verified=0.0)])
    assert (found["delivered_per_second"], found["verified_p95_s"], found["end_to_end_p99_ms"]) == (0.0, 0.0, 0.0)
    assert found["backlog_at_end"] == 2


class TestTheRowsOfARun:
    @pytest.fixture
    def made(self, cast):
        """Deliveries of the run, and one of another."""
        rows = [make_delivery(cast, state) for state in (State.VERIFIED, State.ACCEPTED, State.READY, State.VERIFIED)]
        names = ["run-0000000", "run-0000001", "run-0000002", "warm-0000000"]
        for row, name in zip(rows, names, strict=True):
            Note.objects.filter(pk=row.note_id).update(source_note_id=name)
        return rows

    def test_are_those_of_its_own_notes_that_were_taken(self, made):
        found = journeys("run", [posted(0), posted(1, 503), posted(2)])
        assert {one.control_id for one in found} == {made[0].control_id, made[2].control_id}

    def test_have_nought_for_what_has_not_come_and_unix_seconds_for_what_has(self, made):
        now = timezone.now()
        Delivery.objects.filter(pk=made[0].pk).update(accepted_at=now, verified_at=now + timedelta(seconds=2))
        Delivery.objects.filter(pk=made[2].pk).update(accepted_at=None, verified_at=None)
        by_id = {one.control_id: one for one in journeys("run", [posted(0), posted(2)])}
        done, waiting = by_id[made[0].control_id], by_id[made[2].control_id]
        assert (done.accepted, done.verified - done.accepted) == (pytest.approx(now.timestamp()), pytest.approx(2.0))
        assert (waiting.accepted, waiting.verified, waiting.state) == (0.0, 0.0, "ready")

    def test_are_unsettled_until_verified_or_at_another_end(self, cast, made):
        assert (unsettled("run"), unsettled("warm"), unsettled("other")) == (2, 0, 0)
        for state in (State.PARKED, State.HELD, State.SENDING, State.UNKNOWN):
            Note.objects.filter(pk=make_delivery(cast, state).note_id).update(source_note_id=f"end-{state}")
        assert unsettled("end") == 2


def test_filings_are_counted_over_every_page_of_the_receivers_store(monkeypatch):
    pages = {0: (["A", "B", "A"], 3), 3: (["A", "C"], None)}
    asked = []

    def get(url, params):
        asked.append(params["after"])
        rows, after = pages[params["after"]]
        answer = {"filings": [{"control_id": each} for each in rows], "next": after}
        return httpx2.Response(200, json=answer, request=httpx2.Request("GET", url))

    monkeypatch.setattr(results.httpx2, "get", get)
    assert results.filings(Ports(1, 2)) == {"A": 3, "B": 1, "C": 1}
    assert asked == [0, 3]


@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_two_measured_notes_share_no_encounter_and_no_id(one, other):
    first, second = note("run", one), note("run", other)
    for place in ("source_note_id", "encounter"):
        assert (first[place] == second[place]) == (one == other)
    assert note("warm", one)["encounter"] != first["encounter"]
    assert first["location"] == CLINICS[one % 2].code
    assert [part["code"] for part in first["sections"]] == list(CODES)


def test_memory_is_told_of_each_group_and_of_all():
    assert run.memory({"web": 100.04, "worker": 50.06}) == {"web": 100.0, "worker": 50.1, "sum": 150.1}
    assert run.family(SimpleNamespace(process=None))() == []


@pytest.mark.parametrize(
    "text, words, held",
    [
        ("PLAN:\nRest\nHPI:\nCough", ["Rest", "Cough"], True),
        ("PLAN:\nRest", ["Rest", "Cough"], False),
        ("PLAN:\nREST", ["Rest"], False),
        ("anything", [], False),
    ],
)
def test_an_exported_text_holds_every_section_or_is_not_equal(text, words, held):
    assert _holds(text, words) is held


def test_the_sections_of_an_exported_document_are_its_paragraphs_in_order_whatever_stands_in_them():
    raw = b'<a xmlns="urn:hl7-org:v3"><paragraph>One<br/>two</paragraph><b><paragraph>&lt;3</paragraph></b></a>'
    assert _sections(raw) == ["Onetwo", "<3"]
    assert _sections(b'<a xmlns="urn:other"><paragraph>One</paragraph></a>') == []


def test_a_warm_up_query_is_never_the_slowest_that_is_told():
    timings = Timings()
    timings.screens |= {"first_screen": [0.1], "filtered_state": [0.2]}
    timings.queries |= {("", "WARM"): [9.0], ("first_screen", "SELECT 1"): [0.05]}
    found = figures(timings)
    assert (found["slowest_query"], found["slowest_query_p95_ms"], found["queries_with_p95_over_100_ms"]) == (
        "SELECT 1", 50.0, 0
    )  # fmt: skip
    assert (ms(None), ms(0.0123456)) == (0.0, 12.3)


class TestThePlace:
    def test_on_sqlite_is_a_folder_of_its_own_without_the_users_broker(self, monkeypatch, tmp_path):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        monkeypatch.setenv("REDIS_URL", "redis://users.own")
        monkeypatch.setenv("DATABASE_URL", "postgres://users.own")
        monkeypatch.setenv("SCRIBEPORT_PRODUCTION", "1")
        found = site.environment("sqlite", "chaos")
        assert found["DATABASE_URL"] == f"sqlite:///{found[site.FOLDER]}/chaos.sqlite3"
        assert (found["REDIS_URL"], found[site.SERVER]) == ("", "")
        assert "SCRIBEPORT_PRODUCTION" not in found

    def test_is_another_each_time_down_to_its_queue(self, monkeypatch, tmp_path):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        one, other = site.environment("sqlite"), site.environment("sqlite")
        assert not {one[name] for name in (site.FOLDER, "SCRIBEPORT_QUEUE")} & set(other.values())

    def test_is_read_back_from_the_environment_and_gone_when_removed(self, monkeypatch, tmp_path):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        for name, value in site.environment("sqlite").items():
            monkeypatch.setenv(name, value)
        place = site.here()
        assert place.folder.is_dir()
        place.remove()
        place.remove()
        assert not place.folder.exists()

    def test_names_its_database(self):
        place = site.Site(None, "postgres://h/postgres", "postgres://u@h:5432/scribeport_bench_0a1b", "", "q")
        assert place.database == "scribeport_bench_0a1b"

    def test_takes_the_broker_that_is_given_and_none_where_nobody_answers(self, monkeypatch):
        monkeypatch.setenv("REDIS_URL", "redis://given")
        assert site.reachable_redis() == "redis://given"
        monkeypatch.delenv("REDIS_URL")
        monkeypatch.setattr(site, "REDIS", "redis://127.0.0.1:9/0")
        assert site.reachable_redis() == ""


class TestTheCommand:
    def options(self, *words):
        return vars(command_module.Command().create_parser("manage.py", "bench").parse_args(words))

    def test_floods_with_eight_connections_where_nothing_is_said(self):
        found = self.options()
        assert (found["notes"], found["rate"], found["clients"], found["database"]) == (3000, 0.0, 8, "postgres")

    @pytest.mark.parametrize("error, words", [(DemoFailed("no worker"), "no worker"), (KeyboardInterrupt(), "stopped")])
    def test_that_fails_or_is_interrupted_closes_all_and_leaves_no_place(self, monkeypatch, error, words):
        done = []

        def fail(*_):
            raise error

        monkeypatch.setattr(site, "here", lambda: SimpleNamespace(remove=lambda: done.append("removed")))
        monkeypatch.setattr(command_module, "call_command", lambda *_, **__: None)
        made = SimpleNamespace(measure=fail, close=lambda: done.append("closed"))
        monkeypatch.setattr(command_module, "Bench", lambda *_: made)
        with pytest.raises(CommandError, match=words):
            command_module.Command().measure(self.options())
        assert done == ["closed", "removed"]
