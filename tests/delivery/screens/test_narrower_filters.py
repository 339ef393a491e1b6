"""Narrowed by template, specialty, mapping, section, latency and being sent again: list, counts, chips, views, jobs, file."""

from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from delivery import bell, filters, queries, tabs
from delivery.bulk.plan import deed_named, plan
from delivery.bulk.running import run_jobs
from delivery.filters import LATENCIES, Filters
from delivery.models import Delivery, JobItem
from delivery.states import State
from mapping.models import MappingState, MappingVersion, Template
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
LIST = "/deliveries/"


@pytest.fixture
def scope(cast):
    return queries.Scope((cast.north, cast.south))


@pytest.fixture
def rows(cast) -> dict[str, Delivery]:
    """One delivery for each filter, and an ordinary one."""
    made = {
        "plain": make_delivery(cast),
        "cardiology": make_delivery(cast),
        "mapped": make_delivery(cast),
        "hpi": make_delivery(cast, State.MISFILED, outcomes=["verified", "missing", "verified"]),
        "exam": make_delivery(cast, State.MISFILED, outcomes=["verified", "moved", "altered"]),
        "slow": make_delivery(cast),
        "slower": make_delivery(cast),
        "again": make_delivery(cast, State.READY),
    }
    other = Template.objects.create(location=cast.north, code="CARD", name="Cardiology", specialty="Cardiology")
    mapping = MappingVersion.objects.create(
        template=other,
        template_version=other.versions.create(number=1, fingerprint="f" * 64, source="x.csv"),
        number=7,
        state=MappingState.PUBLISHED,
        published_at=timezone.now(),
    )
    change(made["cardiology"], template=other)
    change(made["mapped"], mapping_version=mapping)
    change(made["slow"], took_seconds=301)
    change(made["slower"], took_seconds=90_000)
    change(made["again"], replay_of=made["plain"])
    return made


def change(one: Delivery, **columns: object) -> None:
    Delivery.objects.filter(pk=one.pk).update(**columns)


def narrowed(scope, address: str) -> set[Delivery]:
    return set(queries.matching(scope, filters.read(QueryDict(address))))


def names(rows: dict[str, Delivery], found: set[Delivery]) -> set[str]:
    return {name for name, one in rows.items() if one in found}


EVERY = {"plain", "cardiology", "mapped", "hpi", "exam", "slow", "slower", "again"}
CASES = {
    "template=CARD": {"cardiology"},
    "template=CARD&template=nowhere": {"cardiology"},
    "template=nowhere": set(),
    "specialty=Cardiology": {"cardiology"},
    "specialty=cardiology": set(),
    "specialty=Cardiology&template=CARD": {"cardiology"},
    "specialty=Cardiology&template=nowhere": set(),
    "section=history_of_present_illness": {"hpi", "exam"},
    "section=physical_exam": {"exam"},
    "section=physical_exam&section=history_of_present_illness": {"hpi", "exam"},
    "section=exam": set(),
    "section=history_of_present%": EVERY,
    "took=1m": {"slow", "slower"},
    "took=5m": {"slow", "slower"},
    "took=15m": {"slower"},
    "took=24h": {"slower"},
    "took=2w": EVERY,
    "replayed=yes": {"again"},
    "replayed=no": EVERY - {"again"},
    "replayed=maybe": EVERY,
    "took=5m&state=held": set(),
    "section=physical_exam&state=misfiled&range=24h&replayed=no": {"exam"},
}


class TestWhatIsFound:
    @pytest.mark.parametrize("address", CASES)
    def test_each_finds_its_own(self, rows, scope, address):
        assert names(rows, narrowed(scope, address)) == CASES[address]

    def test_a_mapping_version_finds_what_it_made(self, rows, scope):
        version = MappingVersion.objects.get(number=7)
        assert names(rows, narrowed(scope, f"mapping={version.pk}")) == {"mapped"}
        assert names(rows, narrowed(scope, "mapping=999999")) == set()
        assert names(rows, narrowed(scope, "mapping=x")) == EVERY

    def test_the_same_code_at_two_locations_finds_both_and_at_one_that_one(self, cast, scope):
        for place in (cast.north, cast.south):
            template = Template.objects.create(location=place, code="SAME", name="Same")
            change(make_delivery(cast, location=place), template=template)
        assert {one.location.code for one in narrowed(scope, "template=SAME")} == {"NORTH", "SOUTH"}
        assert {one.location.code for one in narrowed(scope, "template=SAME&at=SOUTH")} == {"SOUTH"}

    def test_nothing_of_another_practice_is_found_by_any(self, cast, scope, rows):
        theirs = make_delivery(cast, State.MISFILED, outcomes=["missing"] * 3, location=cast.elsewhere)
        template = Template.objects.create(location=cast.elsewhere, code="CARD", name="x", specialty="Cardiology")
        change(theirs, template=template, took_seconds=90_000, replay_of=rows["plain"])
        for address in CASES:
            assert theirs not in narrowed(scope, address), address

    @pytest.mark.parametrize("key", LATENCIES)
    def test_a_latency_is_more_than_it_says_and_never_of_what_is_not_verified(self, cast, scope, key):
        limit = LATENCIES[key][1]
        at, over, open_one = make_delivery(cast), make_delivery(cast), make_delivery(cast, State.READY)
        change(at, took_seconds=limit)
        change(over, took_seconds=limit + 1)
        Delivery.objects.filter(pk=open_one.pk).update(created_at=timezone.now() - timedelta(days=3))
        assert narrowed(scope, f"took={key}") == {over}

    def test_counts_by_state_are_those_of_the_narrowed_list(self, rows, scope):
        for address, expected in CASES.items():
            numbers = queries.counts(queries.matching(scope, filters.read(QueryDict(address))))
            assert numbers["all"] == len(expected), address
            wanted = [rows[name] for name in expected]
            assert numbers["misfiled"] == sum(one.state == "misfiled" for one in wanted), address

    def test_pages_by_keyset_show_each_once(self, cast, scope):
        for minutes in range(7):
            one = make_delivery(cast, received_at=timezone.now() - timedelta(minutes=minutes))
            change(one, took_seconds=400)
            make_delivery(cast, received_at=timezone.now() - timedelta(minutes=minutes))
        found, seen, cursor = queries.matching(scope, Filters(took="5m")), [], None
        while True:
            shown = queries.page(found, cursor, 2)
            seen += [one.pk for one in shown.deliveries]
            cursor = shown.older
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 7


INDEXES = {
    "took=5m": "delivery_slow",
    "section=hpi": "delivery_affected",
    "replayed=yes": "delivery_replayed",
    "template=NF": "delivery_by_template",
    "mapping=1": "delivery_by_mapping",
}


@pytest.mark.parametrize("address", INDEXES)
def test_each_has_an_index_that_its_counts_by_state_can_take(cast, scope, address):
    make_delivery(cast)
    Template.objects.filter(pk=cast.north.templates.first().pk).update(code="NF")
    found = queries.matching(scope, filters.read(QueryDict(address))).filter(state="verified").order_by().values("pk")
    with connection.cursor() as cursor:
        assert INDEXES[address] in connection.introspection.get_constraints(cursor, "delivery_delivery")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    explained = found.explain()
    assert "Index" in explained or "INDEX" in explained
    if connection.vendor == "sqlite":  # its partial indexes are taken only where the words are the same
        offered = {INDEXES[address], "delivery_by_state"}
        assert any(name in explained for name in offered), explained


class TestInTheAddress:
    def test_every_one_is_kept_in_the_address_and_read_back(self):
        chosen = Filters(
            specialty=("Family medicine",),
            template=("FM", "IM"),
            mapping=("12",),
            section=("hpi", "uncoded"),
            took="15m",
            replayed="no",
        )
        assert filters.read(QueryDict(chosen.query())) == chosen
        assert chosen.narrow
        assert not chosen.few

    @pytest.mark.parametrize("name", ["specialty", "template", "mapping", "section", "took", "replayed"])
    def test_figures_of_the_whole_stand_aside_for_each(self, name):
        value = {"took": "5m", "replayed": "yes", "mapping": ("1",)}.get(name, ("x",))
        assert Filters(**{name: value}).narrow

    def test_each_value_is_a_chip_in_plain_words_that_takes_itself_away(self, rows, scope):
        version = MappingVersion.objects.get(number=7)
        chosen = Filters(
            state=("held",),
            specialty=("Cardiology",),
            template=("CARD",),
            mapping=(str(version.pk),),
            section=("physical_exam", "uncoded"),
            took="1h",
            replayed="yes",
        )
        chips = tabs.chips(chosen, scope)
        assert [chip.label for chip in chips] == [
            "Held",
            "Specialty Cardiology",
            "Template CARD",
            "NORTH CARD, mapping 7",
            "Wrong in it: physical exam",
            "Wrong in it: a section without a code, or an entry",
            "Verified after more than an hour",
            "Sent again",
        ]
        for chip in chips:
            rest = filters.read(QueryDict(chip.query))
            assert len(rest.chosen()) == len(chosen.chosen()) - 1
        assert tabs.chips(Filters(replayed="no"), scope)[0].label == "Not sent again"

    def test_the_mapping_of_another_practice_is_not_named(self, cast, scope):
        template = Template.objects.create(location=cast.elsewhere, code="SECRET", name="x")
        version = MappingVersion.objects.create(
            template=template,
            template_version=template.versions.create(number=1, fingerprint="e" * 64, source="x"),
            number=3,
        )
        (chip,) = tabs.chips(Filters(mapping=(str(version.pk),)), scope)
        assert chip.label == str(version.pk)

    def test_saved_views_keep_what_is_narrowed(self, cast, rows, scope):
        chosen = Filters(section=("physical_exam",), took="5m")
        for tab in tabs.tabs(chosen, queries.counts(queries.matching(scope, chosen))):
            kept = filters.read(QueryDict(tab.query))
            assert (kept.section, kept.took) == (chosen.section, chosen.took)


class TestThePage:
    @pytest.fixture
    def dana(self, cast, client):
        client.force_login(cast.dana)
        return client

    def text(self, client, address: str, **more) -> str:
        answer = client.get(address, **more)
        assert answer.status_code == 200
        return answer.content.decode()

    def test_the_list_shows_only_those_and_its_links_carry_the_filter_on(self, rows, dana):
        shown = self.text(dana, f"{LIST}?section=physical_exam")
        assert f'id="d{rows["exam"].pk}"' in shown
        assert shown.count('<tr id="d') == 1
        assert f"/deliveries/{rows['exam'].pk}/?section=physical_exam" in shown
        assert "/deliveries/bulk/verify/?section=physical_exam" in shown
        assert "/deliveries/list/exports/?section=physical_exam" in shown
        assert "More filters" in shown

    def test_the_form_offers_what_there_is_and_shows_what_is_chosen(self, rows, dana):
        shown = self.text(dana, f"{LIST}narrow/?template=CARD&section=physical_exam&took=1h&replayed=no&state=held")
        for words in ("CARD", "Cardiology", "NORTH CARD, mapping 7", "physical exam", "history of present illness"):
            assert words in shown
        assert shown.count(" checked") == 2
        assert '<option value="1h" selected>' in shown
        assert '<option value="no" selected>' in shown
        assert '<input type="hidden" name="state" value="held">' in shown
        assert 'type="hidden" name="template"' not in shown

    def test_fetched_into_the_page_it_is_the_form_alone(self, rows, dana):
        whole, part = (
            self.text(dana, f"{LIST}narrow/"),
            self.text(dana, f"{LIST}narrow/", headers={"hx-request": "true"}),
        )
        assert "<html" in whole
        assert part.lstrip().startswith("<form")

    def test_it_offers_nothing_of_other_places(self, cast, client, rows):
        client.force_login(cast.sam)
        shown = self.text(client, f"{LIST}narrow/?mapping={MappingVersion.objects.get(number=7).pk}")
        for words in ("mapping 7", "CARD", "Cardiology", "physical exam"):
            assert words not in shown

    def test_drafts_are_not_offered_and_a_long_list_ends(self, cast, scope, monkeypatch):
        template = cast.north.templates.first()
        version = template.versions.first()
        MappingVersion.objects.filter(template=template, state=MappingState.DRAFT).delete()
        MappingVersion.objects.create(template=template, template_version=version, number=90)
        assert "mapping 90" not in str(tabs.mappings(scope))
        monkeypatch.setattr(tabs, "OFFERED", 1)
        assert len(tabs.mappings(scope)) <= 1

    @pytest.mark.parametrize("address", ["template=CARD", "took=5m", "section=hpi", "replayed=yes", "mapping=1"])
    def test_an_open_page_asks_the_deliveries_once_a_tick(self, rows, dana, address):
        version = dana.get(f"{LIST}rows/?{address}").context["version"]
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answer = dana.get(f"{LIST}rows/?{address}", headers={"if-none-match": version})
        assert answer.status_code == 304
        assert len([one for one in asked if 'FROM "delivery_delivery"' in one["sql"]]) == 1


class TestManyAtOnce:
    def test_all_that_match_are_counted_taken_and_nothing_else(self, cast, rows, scope, client, monkeypatch):
        monkeypatch.setattr(bell, "publish", lambda task, identifier: None)
        seen = plan(scope, Filters(section=("history_of_present_illness",)), deed_named("verify"))
        assert (seen.total, seen.able) == (2, 2)
        client.force_login(cast.dana)
        words = {"reason": "looked at the template with eCW"}
        answer = client.post(f"{LIST}bulk/verify/?section=history_of_present_illness", words)
        assert answer.status_code == 302
        taken = set(JobItem.objects.values_list("delivery", flat=True))
        assert taken == {rows["hpi"].pk, rows["exam"].pk}
        run_jobs("w1", lambda: False)
        event = AuditEvent.objects.get(event="job.begin")
        assert "section=history_of_present_illness" in str(event.detail)


class TestRetrying:
    """Waiting after a try that failed: a view of its own, as no state says so."""

    @pytest.fixture
    def retried(self, cast) -> Delivery:
        make_delivery(cast, State.READY)
        make_delivery(cast, State.VERIFIED, tries=["unavailable", "accepted"])
        make_delivery(cast, State.HELD, tries=["unavailable"])
        return make_delivery(cast, State.READY, tries=["unavailable"] * 2, reason_code="connection_refused")

    def test_it_finds_what_waits_after_a_failure_and_nothing_else(self, retried, scope):
        assert narrowed(scope, "state=retrying") == {retried}
        assert retried in narrowed(scope, "state=waiting")
        assert len(narrowed(scope, "state=retrying&state=held")) == 2
        assert len(narrowed(scope, "state=retrying&state=attention")) == 2
        assert narrowed(scope, "state=retrying&provider=nobody") == set()

    @pytest.mark.parametrize("few", [True, False])
    def test_its_number_is_counted_with_the_others(self, retried, scope, few):
        numbers = queries.counts(queries.matching(scope, Filters()), few)
        assert (numbers["retrying"], numbers["ready"], numbers["waiting"], numbers["all"]) == (1, 2, 2, 4)
        assert queries.counts(queries.matching(queries.Scope(()), Filters()))["retrying"] == 0

    def test_it_is_a_saved_view_with_its_number_and_has_a_chip(self, cast, retried, scope):
        chosen = Filters(state=("retrying",))
        counted = queries.counts(queries.matching(scope, filters.all_states(chosen)))
        shown = tabs.tabs(chosen, counted)
        (tab,) = [one for one in shown if one.label == "Retrying"]
        assert (tab.count, tab.current, tab.query) == ("1", True, "state=retrying")
        assert tabs.chips(chosen, scope)[0].label == "Retrying"

    def test_an_open_page_learns_of_one_more(self, cast, retried, scope):
        seen = []
        for _ in range(2):
            found = queries.matching(scope, Filters(state=("retrying",)))
            seen.append(queries.look(queries.matching(scope, Filters()), found, None, few=False))
            make_delivery(cast, State.READY, tries=["unavailable"])
        assert seen[0] != seen[1]
