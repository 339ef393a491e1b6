"""200 ways to spoil order, id, length and encoding: each is stopped at publishing, and before a socket opens, by its row."""

import hashlib
import random
import socket
from dataclasses import dataclass, replace

import pytest
from django.db import transaction

from delivery.asked import kept
from delivery.models import Delivery, Wire
from delivery.opening import open_channel
from delivery.outgoing import prepare
from delivery.states import State
from mapping import queries
from mapping.apply import HOLD, apply
from mapping.models import Field, Rule, TemplateVersion
from mapping.note import FieldSpec, RuleSpec, Section
from mapping.publishing import CannotPublish, problems_of, publish, save_rules, start_draft
from mapping.queries import field_specs, spec_of
from mapping.sendable import UNSENDABLE, unsendable
from mapping.validation import errors
from tests.delivery.conftest import a_note
from tests.delivery.rows import as_due
from tests.delivery.test_sending import post, read_profile, run_lanes
from tests.mapping.specs import spec

EACH = 50
USED = ["NF-01", "NF-02", "NF-03", "NF-04", "NF-05", "NF-06"]
CODES = {
    "chief_complaint": "NF-01",
    "history_of_present_illness": "NF-02",
    "review_of_systems": "NF-03",
    "physical_exam": "NF-04",
    "assessment": "NF-05",
    "plan": "NF-06",
}
TEXT = "Synthetic text of four hundred characters. " * 10
# Characters that databases store and no message carries; NUL and half surrogates are tried without a database below.
STORED = [
    chr(code) for code in (*range(1, 9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0x85, 0x9F, 0xFDD0, 0xFFFE, 0xFFFF)
]


@dataclass(frozen=True)
class Mutation:
    """One way to spoil things. `fields`: the template as imported again; `rules`: the mapping's rules; `row`: who is named."""

    said: str
    row: str
    fields: tuple[FieldSpec, ...] | None = None
    rules: tuple[RuleSpec, ...] | None = None


def reordered(chance: random.Random, fields: tuple[FieldSpec, ...], rules: tuple[RuleSpec, ...]) -> Mutation:
    places = list(range(1, len(fields) + 1))
    while list(places[: len(USED)]) == sorted(places[: len(USED)]):
        chance.shuffle(places)
    moved = tuple(replace(field, position=place) for field, place in zip(fields, places, strict=True))
    return Mutation(f"order {places}", "", fields=moved)


def renamed(chance: random.Random, fields: tuple[FieldSpec, ...], rules: tuple[RuleSpec, ...]) -> Mutation:
    """A field id that is another, however alike: in the template as imported again, or in a rule."""
    at = chance.randrange(len(USED))
    old = USED[at]
    place = chance.randrange(len(old))
    ways = [
        old.lower(),
        old + " ",
        " " + old,
        old[:place] + old[place + 1 :],
        old[:place] + chance.choice("XYZ890|^&~") + old[place + 1 :],
        old.replace("-", "–"),
        old + "0",
        old.replace("0", "O"),
    ]
    new = chance.choice([way for way in ways if way not in USED])
    if chance.random() < 0.5:
        return Mutation(
            f"template id {new!r}", old, fields=(*fields[:at], replace(fields[at], field_id=new), *fields[at + 1 :])
        )
    changed = tuple(replace(rule, field_id=new) if rule.field_id == old else rule for rule in rules)
    return Mutation(f"rule id {new!r}", new, rules=changed)


def shortened(chance: random.Random, fields: tuple[FieldSpec, ...], rules: tuple[RuleSpec, ...]) -> Mutation:
    """A field that takes less than its rule allows (a limit of 500) and than the note's text has (430)."""
    at = chance.randrange(len(USED))
    short = replace(fields[at], max_length=chance.randrange(1, len(TEXT) - 1))
    return Mutation(f"length {short.max_length}", USED[at], fields=(*fields[:at], short, *fields[at + 1 :]))


def garbled(chance: random.Random, fields: tuple[FieldSpec, ...], rules: tuple[RuleSpec, ...]) -> Mutation:
    at = chance.randrange(len(rules))
    bad = chance.choice(STORED)
    prefix = "Said: " if chance.random() < 0.5 else ""
    place = chance.randrange(len(prefix) + 1)
    spoilt = replace(rules[at], prefix=prefix[:place] + bad + prefix[place:])
    return Mutation(f"encoding {bad!r}", rules[at].field_id, rules=(*rules[:at], spoilt, *rules[at + 1 :]))


WAYS = {"order": reordered, "id": renamed, "length": shortened, "encoding": garbled}


def mutations(kind: str, fields, rules) -> list[Mutation]:
    chance = random.Random(f"2026-11-22 {kind}")
    found: dict[tuple, Mutation] = {}
    while len(found) < EACH:
        made = WAYS[kind](chance, fields, rules)
        found[made.fields, made.rules] = made
    return list(found.values())


def import_again(template, fields) -> None:
    """What the import would save, straight into the tables: positions may be given in any order."""
    mark = hashlib.sha256(repr(fields).encode()).hexdigest()
    version = TemplateVersion.objects.create(template=template, number=2, fingerprint=mark, source="changed")
    Field.objects.bulk_create(
        Field(
            version=version,
            field_id=field.field_id,
            label=field.label,
            position=field.position,
            kind=field.kind,
            max_length=field.max_length,
        )
        for field in fields
    )


@pytest.fixture
def base(cast):
    """NORTH's fields, and its rules with a limit each that its field allows."""
    mapping = cast.north_mapping
    fields = field_specs(mapping.template_version_id)
    rules = tuple(
        RuleSpec(code, field_id, limit=500, position=place) for place, (code, field_id) in enumerate(CODES.items(), 1)
    )
    return fields, rules


def assert_named(problems, mutation: Mutation) -> None:
    assert problems, mutation.said
    for problem in problems:
        assert problem.pointer.startswith(("/rules/", "/fields/")), (mutation.said, problem)
        assert problem.field_id, (mutation.said, problem)
    if mutation.row:
        assert mutation.row in {problem.field_id for problem in problems}, (mutation.said, problems)


@pytest.mark.alike  # what is judged is compared in Python; the tests below are passed on the servers too
@pytest.mark.parametrize("kind", WAYS)
def test_no_mutation_can_be_published(cast, base, kind):
    fields, rules = base
    draft = start_draft(cast.north_mapping.template, cast.mel)
    save_rules(draft, rules, "", cast.mel)
    for mutation in mutations(kind, fields, rules):
        with transaction.atomic():
            if mutation.fields:
                import_again(draft.template, mutation.fields)
            if mutation.rules:
                save_rules(draft, mutation.rules, "", cast.mel)
            with pytest.raises(CannotPublish) as caught:
                publish(draft, cast.mel, "a reason does not help")
            assert_named([item for item in caught.value.problems if item.severity == "error"], mutation)
            transaction.set_rollback(True)
    assert errors(problems_of(draft)) == (), "unspoilt, nothing stands against it"


@pytest.fixture
def no_socket(monkeypatch):
    """Every attempt to connect anywhere, the database's own apart."""
    tried: list[object] = []

    def refuse(*arguments, **options):
        tried.append(arguments)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


@pytest.mark.alike
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", WAYS)
def test_no_mutation_reaches_a_socket(cast, scribe, base, no_socket, kind):
    """The whole lane, with a note whose every section has 430 characters and a mapping that is spoilt while it waits."""
    fields, rules = base
    mapping = cast.north_mapping
    sections = [{"code": code, "title": code, "text": TEXT} for code in CODES]
    for number, mutation in enumerate(mutations(kind, fields, rules)):
        pk = post(scribe, f"{kind}-{number}", sections=sections)
        assert Delivery.objects.get(pk=pk).state == State.READY, "fit to go until then"
        if mutation.fields:
            import_again(mapping.template, mutation.fields)
        if mutation.rules:
            damage(mapping, mutation.rules)
        if number % 25 == 0:  # the whole lane takes a second each
            run_lanes()
            delivery = Delivery.objects.get(pk=pk)
            assert (delivery.state, no_socket) == (State.HELD, []), mutation.said
            assert not Wire.objects.filter(delivery=delivery).exists()
            assert_named([Named(problem) for problem in delivery.problems], mutation)
        else:
            ready, stopped = prepared(pk)
            assert ready == [], mutation.said
            assert [item.state for item in stopped] == [State.HELD], mutation.said
            assert_named(stopped[0].problems, mutation)
            Delivery.objects.filter(pk=pk).update(lane=None)
        TemplateVersion.objects.filter(template=mapping.template, number=2).delete()
        damage(mapping, spec_rules(cast))
    post(scribe, f"{kind}-unspoilt", sections=sections)
    run_lanes()
    assert no_socket, "unspoilt, a socket is tried"


def prepared(pk: int):
    """What the lane does with a due delivery before it opens anything."""
    delivery = Delivery.objects.get(pk=pk)
    return prepare([as_due(delivery)], open_channel(delivery.connection))


class Named:
    """A stored problem, asked like one."""

    def __init__(self, stored: dict) -> None:
        self.pointer, self.field_id = stored["pointer"], stored["field_id"]

    def __repr__(self) -> str:
        return f"{self.pointer} {self.field_id}"


def spec_rules(cast) -> tuple[RuleSpec, ...]:
    return tuple(RuleSpec(code, field_id, position=place) for place, (code, field_id) in enumerate(CODES.items(), 1))


def damage(mapping, rules) -> None:
    """The rows of a published mapping, changed behind the program's back, and read anew."""
    for rule in rules:
        Rule.objects.filter(mapping=mapping, section_code=rule.section_code).update(
            field_id=rule.field_id, settings={"prefix": rule.prefix} if rule.prefix else {}
        )
    queries._cached.cache_clear()
    kept._held = None  # a published mapping's rows never change, so that they raise no revision
    assert spec_of(mapping).rules


@pytest.mark.django_db(transaction=True)
def test_a_note_that_uses_no_changed_field_keeps_flowing(cast, scribe, base, no_socket):
    fields, _rules = base
    uses = post(scribe, 1, sections=[{"code": "plan", "title": "PLAN", "text": "Rest."}])
    import_again(
        cast.north_mapping.template,
        [replace(field, kind="structured") if field.field_id == "NF-06" else field for field in fields],
    )
    run_lanes()
    assert no_socket == [], "the only note there is cannot go"
    post(scribe, 2, sections=[{"code": "chief_complaint", "title": "CC", "text": "Cough."}])
    run_lanes()
    held = Delivery.objects.get(pk=uses)
    assert (held.state, held.reason_code) == (State.HELD, "template_drift")
    assert "takes coded entries" in held.problems[0]["message"]
    assert no_socket, "the other note was to be sent"


@pytest.mark.parametrize("bad", ["\0", "\x0b", "\x1c", "\ud800", "\ufffe"])
def test_what_no_database_stores_is_refused_as_well(bad):
    for name, rule in {
        "default": RuleSpec("plan", "F1", default=bad),
        "separator": RuleSpec("plan", "F1", separator=bad),
        "field identifier": RuleSpec("plan", f"F{bad}"),
    }.items():
        (problem,) = unsendable([rule])
        assert (problem.code, problem.field_id) == ("unsendable_rule", rule.field_id)
        assert f"the {name} holds" in problem.message
        assert bad not in problem.message


def test_a_garbled_rule_holds_only_the_notes_that_use_it():
    made = spec([RuleSpec("plan", "F1", prefix="\x1c"), ("goals", "F1"), ("assessment", "F2")])
    (problem,) = apply(made, [Section(0, "plan", "PLAN", "Rest.")], HOLD).problems
    assert (problem.code, problem.section_code, problem.field_id) == ("unsendable_rule", "plan", "F1")
    assert apply(made, [Section(0, "assessment", "A", "Well.")], HOLD).problems == ()
    assert apply(made, [Section(0, "goals", "G", "Walk.")], HOLD).problems == (), "the same field by another row"


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_is_away_is_not_knocked_at_for_a_note_that_cannot_go(cast, scribe, base, no_socket):
    """The note that can go is tried and keeps its place; the one beside it is held in the same round."""
    fields, _rules = base
    cannot = post(scribe, 1, sections=[{"code": "plan", "title": "PLAN", "text": "Rest."}])
    can = post(scribe, 2, sections=[{"code": "chief_complaint", "title": "CC", "text": "Cough."}])
    import_again(cast.north_mapping.template, [field for field in fields if field.field_id != "NF-06"])
    read_profile(cast, "readback")
    run_lanes()
    assert len(no_socket) == 1
    assert Delivery.objects.get(pk=cannot).state == State.HELD
    waits = Delivery.objects.get(pk=can)
    assert (waits.state, waits.attempts) == (State.READY, 0)
    assert not Wire.objects.exists(), "nothing was claimed for a receiver that was not there"


@pytest.mark.parametrize("text", ["tab\tand\nline\r\nends", "é • “quotes” – SpO₂ 🙂", "| ^ & ~ \\"])
def test_what_people_write_can_be_sent(text):
    assert not UNSENDABLE.search(text)


def test_the_note_of_these_tests_is_one_the_api_takes():
    assert a_note(sections=[])["location"] == "NORTH"
