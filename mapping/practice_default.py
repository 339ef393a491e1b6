"""The life of a practice default: taken from a mapping in force, proposed to the locations, taken over row by row."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max

from audit.record import record
from mapping.following import default_for, rules_of
from mapping.inheritance import Followed, by_section, followed, inherited, own, refusal
from mapping.models import MappingState, MappingVersion, PracticeDefault, Template
from mapping.publishing import NotADraft, fingerprint, save_rules, start_draft
from mapping.queries import draft_of, spec_of
from portal.models import Practice, User


class NotInForce(Exception):
    """A default is taken from a mapping that is in force; this one is a draft or retired."""


class CannotInherit(Exception):
    """The row cannot be taken over: its message says why."""


@transaction.atomic
def publish_default(
    source: MappingVersion, sections: Sequence[str], template_code: str, user: User, reason: str
) -> PracticeDefault:
    """Make these sections of a mapping in force what the practice's locations share. Changes no mapping.

    `template_code` "" is for every template without a default of its own. Raises NotInForce; ValueError without a
    section that the mapping has, or without a reason.
    """
    practice = Practice.objects.select_for_update(no_key=True).get(pk=source.template.location.practice_id)
    source = MappingVersion.objects.select_related("template__location__practice").get(pk=source.pk)
    if source.state != MappingState.PUBLISHED:
        raise NotInForce
    codes = [code for code in by_section(spec_of(source).rules) if code in sections]
    if not codes or not reason.strip():
        raise ValueError("a practice default needs a section and a reason")
    before = PracticeDefault.objects.filter(practice=practice, template_code=template_code)
    number = (before.aggregate(last=Max("number"))["last"] or 0) + 1
    made = PracticeDefault.objects.create(
        practice=practice,
        template_code=template_code,
        number=number,
        taken_from=source,
        sections=codes,
        reason=reason.strip()[:200],
        published_by=user,
    )
    record(
        "mapping.default",
        practice=practice.code,
        object_type="practice_default",
        object_id=str(made.pk),
        object_version=str(number),
        reason=made.reason,
        detail={"template": template_code, "version": number, "source": source.pk, "sections": len(codes)},
    )
    return made


@transaction.atomic
def propose(template: Template, default: PracticeDefault, user: User) -> Followed:
    """A draft of the template's mapping in force that follows this default; nothing goes live.

    Raises NotADraft where there is a draft in the making: that one is a person's work.
    """
    Template.objects.select_for_update(no_key=True).get(pk=template.pk)
    if draft_of(template) is not None:
        raise NotADraft
    return follow(start_draft(template, user), default, user)


@transaction.atomic
def follow(draft: MappingVersion, default: PracticeDefault, user: User) -> Followed:
    """Let a draft take over a default; rows of its own stay, and what its template cannot take is named."""
    spec = spec_of(draft)
    found = followed(spec.rules, rules_of(draft.follows), rules_of(default), spec.fields)
    save_rules(draft, found.rules, spec.catch_all_field_id, user, fingerprint(spec), follows=default)
    location = draft.template.location
    record(
        "mapping.inherit",
        practice=location.practice.code,
        location=location.code,
        object_type="mapping",
        object_id=str(draft.pk),
        object_version=str(draft.number),
        detail={
            "template": draft.template.code,
            "version": draft.number,
            "source": default.pk,
            "taken": len(found.taken),
            "dropped": len(found.dropped),
            "refused": len(found.refused),
        },
    )
    return found


@transaction.atomic
def take_over(draft: MappingVersion, section_code: str, user: User) -> MappingVersion:
    """Return one section of a draft to the default it follows, or to the one in force. Raises CannotInherit."""
    default = draft.follows or default_for(draft.template)
    theirs = by_section(rules_of(default))[section_code]
    if not theirs:
        raise CannotInherit("The practice default has no row for this section.")
    spec = spec_of(draft)
    why = refusal(theirs, spec.fields)
    if why:
        raise CannotInherit(why)
    rest = [rule for rule in spec.rules if rule.section_code != section_code]
    rules = [*rest, *inherited(theirs)]
    return save_rules(draft, rules, spec.catch_all_field_id, user, fingerprint(spec), follows=default)


@transaction.atomic
def make_own(draft: MappingVersion, section_code: str, user: User) -> MappingVersion:
    """Keep one section of a draft as it is, as the location's own: no later default changes it."""
    spec = spec_of(draft)
    rules = [own([rule])[0] if rule.section_code == section_code else rule for rule in spec.rules]
    return save_rules(draft, rules, spec.catch_all_field_id, user, fingerprint(spec))
