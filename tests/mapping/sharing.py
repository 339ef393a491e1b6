"""What tests of the practice default need: a third clinic whose template has NORTH's field ids, and a default."""

from mapping.models import MappingVersion, PracticeDefault
from mapping.practice_default import publish_default
from mapping.publishing import publish, save_rules, start_draft
from mapping.queries import spec_of
from portal.models import Location
from tests.cast import NORTH_FIELDS, NORTH_RULES, Cast, make_template
from tests.cast import publish as in_force
from tests.mapping.rehearsing import rehearsed

EVERY = [code for code, _ in NORTH_RULES]
REASON = "The same notes, the same places"


def west(cast: Cast, rules=NORTH_RULES, fields=NORTH_FIELDS) -> MappingVersion:
    """A mapping in force at a third clinic, whose template is like NORTH's, all but what is asked for."""
    location = Location.objects.create(practice=cast.practice, code="WEST", name="West Clinic")
    return in_force(make_template(location, "FM-PROGRESS", "Family Medicine Progress Note", fields), rules)


def shared(cast: Cast, sections=tuple(EVERY), code: str = "", source: MappingVersion | None = None) -> PracticeDefault:
    """A default taken from NORTH's mapping in force, or from another."""
    return publish_default(source or cast.north_mapping, sections, code, cast.dana, REASON)


def changed(cast: Cast, mapping: MappingVersion, *rules) -> MappingVersion:
    """The next mapping in force of a template: these rules replace those of their sections."""
    codes = {rule.section_code for rule in rules}
    draft = start_draft(mapping.template, cast.dana)
    kept = [rule for rule in spec_of(draft).rules if rule.section_code not in codes]
    return live(cast, save_rules(draft, [*kept, *rules], "", cast.dana))


def live(cast: Cast, draft: MappingVersion) -> MappingVersion:
    """The draft, rehearsed and published."""
    return publish(rehearsed(draft, cast.dana), cast.dana, "rehearsed")


def placed(mapping: MappingVersion) -> dict[str, tuple[str, str]]:
    """Per section its field and the mark of how it got there."""
    return {rule.section_code: (rule.field_id, rule.origin) for rule in spec_of(mapping).rules}
