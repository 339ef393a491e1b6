"""The command's own judge against chart stores made up for it: each loss, double, overtaking and altered word is counted."""

from types import SimpleNamespace

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.chaos import receivers
from delivery.chaos.mortals import Mortal
from delivery.chaos.notes import Posted, body, mark_of, plan, sections
from delivery.chaos.receivers import RECEIVERS, charts, whole
from delivery.chaos.run import Chaos, Order, Standing
from delivery.chaos.verdict import behind_parked, judge, out_of_order, unresolved
from delivery.demo.world import Ports

PORTS = Ports(1, 2)
FAULTS = ("lost", "duplicated", "out_of_order", "unresolved")
# Two visits: one of two notes, the first amended once, and another visit of one note.
FIRST, AMENDED = Posted("chaos-0-0", 1, "E-0", 0), Posted("chaos-0-0", 2, "E-0", 1)
SECOND, OTHER = Posted("chaos-0-1", 1, "E-0", 2), Posted("chaos-1-0", 1, "E-1", 0)
ALL = [FIRST, AMENDED, SECOND, OTHER]
ONE_PAGE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def filing(posted):
    """The fields of a note's filing, as a chart holds it."""
    return {f"NF-{place:02}": part["text"] for place, part in enumerate(sections(posted.mark), start=1)}


class Store:
    """The receiver's own store, page by page, as its API tells it."""

    def __init__(self, rows, page=2):
        self.rows, self.page, self.asked = list(rows), page, []

    def get(self, url, params, timeout):
        self.asked.append((url, dict(params)))
        after = params["after"]
        found = self.rows[after : after + self.page]
        more = after + self.page if after + self.page < len(self.rows) else None
        answer = {"filings": [{"fields": fields} for fields in found], "next": more}
        return httpx2.Response(200, json=answer, request=httpx2.Request("GET", url))


@pytest.fixture
def count(monkeypatch):
    """What the command prints of a store and of the portal's states; what it said on the way is kept in `said`."""

    def counted(rows, accepted=ALL, receiver="readback", kills=3, **states):
        store = rows if isinstance(rows, Store) else Store(rows)
        monkeypatch.setattr(receivers.httpx2, "get", store.get)
        counted.said = []
        chaos = object.__new__(Chaos)
        chaos.order = Order(len(accepted), kills, RECEIVERS[receiver], 7)
        chaos.say, chaos.logs = counted.said.append, "logs"
        chaos.reaper = SimpleNamespace(done=kills, killed=["sent"] * kills, freezes=1, ended=[])
        known = {each.mark: "verified" for each in accepted} | states
        standing = Standing(known, dict.fromkeys(known, "no_answer"))
        scribes = SimpleNamespace(accepted=list(accepted), repeated=5)
        return chaos.outcome(scribes, standing, charts(PORTS), 12.345)

    return counted


def faults_of(found):
    return {word: found[word] for word in FAULTS if found[word]}


class TestAStore:
    def test_that_holds_every_note_once_and_in_order_is_all_noughts(self, count):
        found = count(map(filing, ALL))
        assert faults_of(found) == {}
        assert (found["notes"], found["kills"], found["seconds"], found["seed"]) == (4, 3, 12.3, 7)
        assert count.said == []

    @pytest.mark.parametrize("missing", ALL)
    def test_that_lacks_a_note_has_lost_it_whichever_it_is(self, count, missing):
        assert faults_of(count(filing(each) for each in ALL if each != missing)) == {"lost": 1}
        assert count.said == [f"  lost: {missing.mark}, verified no_answer, filed 0 times"]

    def test_that_is_empty_has_lost_all(self, count):
        assert faults_of(count([])) == {"lost": 4}

    @pytest.mark.parametrize("doubled", ALL)
    def test_that_holds_a_note_twice_has_doubled_it_and_its_place_is_that_of_the_first(self, count, doubled):
        assert faults_of(count([*map(filing, ALL), filing(doubled)])) == {"duplicated": 1}
        assert count.said == [f"  duplicated: {doubled.mark}, verified no_answer, filed 2 times"]

    def test_that_holds_a_note_three_times_has_one_doubled_note_and_says_three(self, count):
        assert faults_of(count([*map(filing, ALL), filing(OTHER), filing(OTHER)])) == {"duplicated": 1}
        assert count.said[0].endswith("filed 3 times")

    def test_in_which_a_note_overtook_an_earlier_one_of_its_visit_is_out_of_order(self, count):
        assert faults_of(count(map(filing, [FIRST, SECOND, AMENDED, OTHER]))) == {"out_of_order": 1}
        assert count.said == [f"  out_of_order: {AMENDED.mark}, verified no_answer, filed 1 times"]

    def test_turned_round_has_every_note_but_the_last_of_each_visit_out_of_order(self, count):
        assert faults_of(count(map(filing, reversed(ALL)))) == {"out_of_order": 2}

    @pytest.mark.parametrize("field", ["NF-01", "NF-02"])
    def test_that_holds_a_note_without_one_word_has_lost_it(self, count, field):
        rows = [filing(each) for each in ALL]
        rows[2][field] = rows[2][field].rpartition(" ")[0]
        assert faults_of(count(rows)) == {"lost": 1}
        assert count.said == [f"  lost: {SECOND.mark}, verified no_answer, filed 1 times"]

    def test_that_holds_a_note_with_one_letter_changed_has_lost_it(self, count):
        rows = [filing(each) for each in ALL]
        rows[3]["NF-02"] = rows[3]["NF-02"].swapcase()
        assert faults_of(count(rows)) == {"lost": 1}

    def test_that_holds_a_note_torn_and_then_whole_has_doubled_it_and_counts_the_hole(self, count):
        torn = {"NF-01": filing(OTHER)["NF-01"]}
        assert faults_of(count([*map(filing, ALL), torn])) == {"lost": 1, "duplicated": 1}

    def test_in_which_one_note_wears_anothers_mark_has_lost_one_and_doubled_the_other(self, count):
        rows = [filing(each) for each in ALL]
        rows[3] = {name: text.replace(OTHER.mark, SECOND.mark) for name, text in rows[3].items()}
        assert faults_of(count(rows)) == {"lost": 2, "duplicated": 1}, (
            "the other is torn as well: its words are not its own"
        )

    def test_may_hold_probes_that_are_nobodys_note(self, count):
        probe = {"NF-01": "Scribeport connection probe."}
        assert faults_of(count([probe, *map(filing, ALL), probe, {}])) == {}

    def test_is_read_to_its_last_page_and_where_the_last_ended(self, count):
        store = Store(map(filing, ALL), page=1)
        assert faults_of(count(store)) == {}
        assert [query["after"] for _, query in store.asked] == [0, 1, 2, 3]
        assert {(url, query["fields"]) for url, query in store.asked} == {("http://127.0.0.1:2/sandbox/api/filings", 1)}

    def test_that_does_not_answer_is_no_empty_store(self, monkeypatch):
        down = httpx2.Response(500, request=httpx2.Request("GET", PORTS.base))
        monkeypatch.setattr(receivers.httpx2, "get", lambda *_, **__: down)
        with pytest.raises(httpx2.HTTPStatusError):
            charts(PORTS)

    @ONE_PAGE
    @given(notes=st.integers(2, 25), seed=st.integers(0, 10_000), data=st.data())
    def test_of_any_run_with_one_thing_done_to_it_shows_that_and_nothing_else(self, count, notes, seed, data):
        accepted = [posted for visit in plan(notes, seed) for posted in visit]
        rows = [filing(posted) for posted in accepted]
        at = data.draw(st.integers(0, notes - 1))
        deed = data.draw(st.sampled_from(["nothing", "remove", "double", "cut"]))
        if deed == "remove":
            del rows[at]
        if deed == "double":
            rows.insert(at, dict(rows[at]))
        if deed == "cut":
            rows[at] = {name: text[:-1] for name, text in rows[at].items()}
        shown = {"nothing": {}, "remove": {"lost": 1}, "double": {"duplicated": 1}, "cut": {"lost": 1}}
        assert faults_of(count(rows, accepted)) == shown[deed]


class TestWhatThePortalSays:
    def test_of_a_note_that_waits_for_a_person_excuses_its_absence_and_is_counted(self, count):
        found = count([filing(each) for each in ALL if each != OTHER], **{OTHER.mark: "parked"})
        assert faults_of(found) == {}
        assert (found["parked"], found["parked_in_chart"], found["parked_for"]) == (1, 0, {"no_answer": 1})

    def test_of_a_note_that_waits_and_is_filed_all_the_same_is_counted_beside_it(self, count):
        found = count(map(filing, ALL), **{OTHER.mark: "parked", SECOND.mark: "parked"})
        assert (found["parked"], found["parked_in_chart"]) == (2, 2)

    def test_of_waiting_excuses_no_second_filing(self, count):
        found = count([*map(filing, ALL), filing(OTHER)], **{OTHER.mark: "parked"})
        assert faults_of(found) == {"duplicated": 1}

    def test_of_waiting_excuses_no_hole_in_what_was_filed(self, count):
        rows = [filing(each) for each in ALL]
        del rows[3]["NF-02"]
        assert faults_of(count(rows, **{OTHER.mark: "parked"})) == {"lost": 1}

    @pytest.mark.parametrize("state", ["held", "rejected", "misfiled", "cancelled"])
    def test_of_any_other_end_excuses_nothing(self, count, state):
        found = count([filing(each) for each in ALL if each != OTHER], **{OTHER.mark: state})
        assert faults_of(found) == {"lost": 1, "unresolved": 1}

    def test_of_a_note_that_is_overtaken_excuses_it_as_long_as_the_newer_is_there(self, count):
        assert faults_of(count(map(filing, [AMENDED, SECOND, OTHER]), **{FIRST.mark: "superseded"})) == {}
        assert faults_of(count(map(filing, [SECOND, OTHER]), **{FIRST.mark: "superseded"})) == {"lost": 1}

    def test_is_summed_by_state(self, count):
        found = count(map(filing, ALL), **{OTHER.mark: "parked", FIRST.mark: "superseded"})
        assert found["states"] == {"parked": 1, "superseded": 1, "verified": 2}

    @pytest.mark.parametrize("receiver, unsettled", [("readback", 4), ("both", 4), ("dedupe", 0), ("blind", 0)])
    def test_as_accepted_is_an_end_where_the_chart_cannot_be_asked(self, count, receiver, unsettled):
        found = count(map(filing, ALL), receiver=receiver, **{each.mark: "accepted" for each in ALL})
        assert (found["unresolved"], found["receiver"]) == (unsettled, receiver)

    @pytest.mark.parametrize("receiver", RECEIVERS)
    def test_does_not_excuse_a_receiver_of_any_kind_from_holding_each_note(self, count, receiver):
        found = count([], receiver=receiver, **{each.mark: "accepted" for each in ALL})
        assert found["lost"] == 4


class TestTheObject:
    def test_names_every_step_with_the_kills_there_and_what_else_befell(self, count):
        found = count(map(filing, ALL), kills=2)
        assert found["killed_at"]["sent"] == sum(found["killed_at"].values()) == 2
        assert (found["freezes"], found["posts_repeated"], found["ended_unasked"]) == (1, 5, 0)

    def test_says_of_a_process_that_ended_by_itself_where_to_look(self):
        chaos = object.__new__(Chaos)
        said = []
        chaos.say, chaos.logs = said.append, "logs"
        chaos.reaper = SimpleNamespace(ended=["worker 1 ended with 1"])
        chaos.tell_verdict(judge([], [], {}, readable=True), Standing({}, {}), receivers.Charts((), ()))
        assert said == ["  worker 1 ended with 1, and nobody had killed it; see logs"]

    def test_holds_no_word_of_a_note(self, count):
        found = count(map(filing, ALL))
        assert not any(part["text"] in repr(found) for each in ALL for part in sections(each.mark))


class TestOrder:
    def test_is_judged_by_first_filings_so_a_late_repeat_is_no_overtaking(self):
        assert out_of_order(ALL, [each.mark for each in (*ALL, FIRST)]) == []

    def test_of_what_nobody_posted_is_nobodys(self):
        assert out_of_order(ALL, ["[stranger-0-0 v1]", SECOND.mark, "[stranger-0-0 v2]"]) == []

    def test_is_not_broken_by_a_gap(self):
        assert out_of_order(ALL, [FIRST.mark, SECOND.mark]) == []

    @given(st.permutations(range(6)))
    def test_names_just_those_that_come_after_a_later_one(self, places):
        posted = [Posted(f"n-{place}", 1, "E", place) for place in range(6)]
        late = [place for at, place in enumerate(places) if any(before > place for before in places[:at])]
        assert out_of_order(posted, [posted[place].mark for place in places]) == [posted[place].mark for place in late]


class TestWaiting:
    def test_behind_a_parked_version_are_the_newer_ones_of_its_own_note_alone(self):
        states = {FIRST.mark: "parked", AMENDED.mark: "ready", SECOND.mark: "ready", OTHER.mark: "ready"}
        assert behind_parked(ALL, states) == {AMENDED.mark}

    def test_is_not_what_an_older_version_does_when_the_newer_is_parked(self):
        assert behind_parked(ALL, {FIRST.mark: "ready", AMENDED.mark: "parked"}) == set()

    @pytest.mark.parametrize("state", ["sending", "unknown", "accepted", "held"])
    def test_is_not_what_a_version_does_that_has_begun_its_way(self, state):
        states = {FIRST.mark: "parked", AMENDED.mark: state, SECOND.mark: "verified", OTHER.mark: "verified"}
        assert behind_parked(ALL, states) == set()
        assert unresolved(ALL, states, readable=True) == [AMENDED.mark]

    def test_counts_from_the_oldest_parked_version(self):
        third = Posted("chaos-0-0", 3, "E-0", 3)
        states = {FIRST.mark: "parked", AMENDED.mark: "ready", third.mark: "parked"}
        assert behind_parked([*ALL, third], states) == {AMENDED.mark}


class TestAMark:
    @given(st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True), st.integers(1, 999))
    def test_is_read_back_from_wherever_it_stands(self, note, version):
        mark = Posted(note, version, "E", 0).mark
        assert mark_of({"A": "no mark", "B": f"before {mark} after"}) == mark

    @pytest.mark.parametrize("text", ["", "[]", "[a v]", "[a b v1]", "a v1", "[a v1", "(a v1)", "[ v1]"])
    def test_that_is_none_is_not_taken_for_one(self, text):
        assert mark_of({"A": text}) == ""

    def test_of_two_in_a_filing_is_the_first(self):
        assert mark_of({"A": f"{FIRST.mark} {AMENDED.mark}", "B": SECOND.mark}) == FIRST.mark

    @given(st.integers(0, 10_000))
    def test_makes_the_same_sections_each_time_and_others_for_every_version(self, number):
        one, two = Posted(f"n-{number}", 1, "E", 0), Posted(f"n-{number}", 2, "E", 1)
        assert sections(one.mark) == sections(one.mark)
        assert not whole(one.mark, filing(two))
        assert {part["code"] for part in sections(one.mark)} == {part["code"] for part in sections(two.mark)}


class TestANote:
    @given(st.integers(1, 80), st.integers(0, 500))
    def test_of_a_visit_never_fills_a_field_that_another_of_it_fills(self, notes, seed):
        for visit in plan(notes, seed):
            codes = [
                part["code"]
                for note in {each.note for each in visit}
                for part in sections(Posted(note, 1, "E", 0).mark)
            ]
            assert len(codes) == len(set(codes))

    def test_is_of_one_patient_a_visit_and_says_so_in_every_version(self):
        posted = [body(each, "NORTH") for each in (FIRST, AMENDED, SECOND)]
        assert {(each["patient"]["id"], each["encounter"]["id"]) for each in posted} == {("P-E-0", "E-0")}
        assert [(each["source_note_id"], each["version"]) for each in posted] == [
            ("chaos-0-0", 1), ("chaos-0-0", 2), ("chaos-0-1", 1)
        ]  # fmt: skip

    def test_of_another_prefix_is_of_another_run(self):
        names = [{each.note for visit in plan(20, 1, prefix) for each in visit} for prefix in ("chaos", "again")]
        assert not names[0] & names[1]


def test_a_place_that_was_never_filled_is_hit_by_no_signal(monkeypatch):
    class Unborn(Mortal):
        def pid(self):
            return 0

        def exit_code(self):
            return None

    monkeypatch.setattr("os.killpg", lambda *_: pytest.fail("there is nobody"))
    unborn = Unborn("web", "web")
    unborn.kill()
    assert unborn.wait(0.0)
    assert not unborn.is_due
