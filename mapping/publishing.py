"""The life of a mapping: a draft is started, changed, and published or discarded; published ones never change."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from audit.record import MAX_TEXT, Entry, record, record_many
from mapping.following import rules_of
from mapping.going_live import RETURNED, way
from mapping.inheritance import marked
from mapping.models import MappingState, MappingVersion, PracticeDefault, Rule, Template
from mapping.note import MappingSpec, Problem, RuleSpec
from mapping.queries import draft_of, field_specs, newest_version, published_of, spec_of
from mapping.transfer import Transfer
from mapping.validation import errors, validate, warnings
from portal.locations import keep_lock
from portal.models import User

# What else must pass before a mapping goes live, besides mapping/validation.py. Another app appends to it in its
# AppConfig.ready (delivery renders a sample message and checks it against the HL7 definitions). A check takes the
# spec about to be published and returns Problems; those of severity "error" make publishing impossible. It runs in
# the publishing transaction: no network, no writes.
CHECKS: list[Callable[[MappingSpec], Sequence[Problem]]] = []

# RuleSpec's fields that live in Rule.settings, with the values that need not be stored.
_SETTINGS = {
    "prefix": "",
    "separator": "\n\n",
    "default": "",
    "limit": None,
    "limit_action": "refuse",
    "heading": "",
    "origin": "",
}


class CannotPublish(Exception):
    """The mapping has errors; nothing was changed. `problems` names them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"The mapping cannot be published: {len(problems)} problem(s).")
        self.problems = tuple(problems)


class ReasonNeeded(CannotPublish):
    """The mapping has warnings, and nobody has said why it should go live all the same."""


class NotADraft(Exception):
    """Only a draft can be changed, published or discarded; this mapping is published or retired."""


class DraftChanged(Exception):
    """Somebody else saved this draft since it was opened; nothing was changed."""


def problems_of(mapping: MappingVersion) -> tuple[Problem, ...]:
    """All that stands against publishing this mapping now: validation's, then every check's."""
    return spec_problems(spec_of(mapping), mapping.template)


def spec_problems(spec: MappingSpec, template: Template, *, thorough: bool = True) -> tuple[Problem, ...]:
    """The same for a mapping that is not saved yet; at every edit without the checks, which may take half a second."""
    newest = newest_version(template)
    older = newest is not None and newest.pk != spec.template_version_id
    own = validate(
        spec,
        policy=template.location.unmapped_policy,
        newest_template_version_id=newest.pk if newest else None,
        newest_fields=field_specs(newest.pk) if newest and older else (),
    )
    if errors(own) or not thorough:
        return own  # checks may assume a mapping that is sound in itself
    return own + tuple(problem for check in CHECKS for problem in check(spec))


def fingerprint(spec: MappingSpec) -> str:
    """16 hex digits that change with any rule, the catch-all field or the template version."""
    rules = [replace(rule, id=None) for rule in spec.rules]
    return hashlib.sha256(repr((rules, spec.catch_all_field_id, spec.template_version_id)).encode()).hexdigest()[:16]


@transaction.atomic
def start_draft(template: Template, user: User) -> MappingVersion:
    """The template's draft: the one there is, else a copy of the mapping in force, for the newest template version."""
    _lock(template)
    existing = draft_of(template)
    if existing:
        return existing
    newest = newest_version(template)
    if newest is None:
        raise ValueError(f"template {template.code} has no imported version to map to")
    published = published_of(template)
    draft = MappingVersion.objects.create(
        template=template,
        template_version=newest,
        number=_next_number(template),
        catch_all_field_id=published.catch_all_field_id if published else "",
        based_on=published,
        follows=published.follows if published else None,
        changed_by=user,
    )
    if published:
        Rule.objects.bulk_create(_row(draft, rule) for rule in spec_of(published).rules)
    record_many([_entry(draft, "mapping.change", "draft started")])
    return draft


@transaction.atomic
def save_rules(
    draft: MappingVersion,
    rules: Sequence[RuleSpec],
    catch_all_field_id: str,
    user: User,
    seen: str = "",
    follows: PracticeDefault | None = None,
) -> MappingVersion:
    """Replace the draft's rules and catch-all field. `seen` is the fingerprint of what the editor started from.

    With `follows` it follows that practice default from now on. A row that does otherwise than the default it follows
    loses its mark as inherited.
    """
    draft = _locked_draft(draft)
    before = spec_of(draft)
    if seen and seen != fingerprint(before):
        raise DraftChanged
    default = follows or draft.follows
    rules = marked(rules, rules_of(default) if default else ())
    changes = _changes(before.rules, rules)
    if default != draft.follows:
        changes.append(f"follows {default}")
    if catch_all_field_id != before.catch_all_field_id:
        changes.append(f"catch-all {catch_all_field_id or 'none'}")
    if not changes:
        return draft
    draft.rules.all().delete()
    Rule.objects.bulk_create(_row(draft, rule) for rule in rules)
    draft.catch_all_field_id = catch_all_field_id
    draft.changed_by = user
    draft.follows = default
    draft.save(update_fields=["catch_all_field_id", "changed_by", "follows"])
    record_many([_entry(draft, "mapping.change", change) for change in changes])
    return draft


@transaction.atomic
def renew_template(draft: MappingVersion, user: User) -> MappingVersion:
    """Move the draft to the newest version of its template; rules stay, and validation names those that now miss."""
    draft = _locked_draft(draft)
    newest = newest_version(draft.template)
    if newest is not None and newest.pk != draft.template_version_id:
        draft.template_version = newest
        draft.changed_by = user
        draft.save(update_fields=["template_version", "changed_by"])
        record_many([_entry(draft, "mapping.change", f"template version {newest.number}")])
    return draft


@transaction.atomic
def publish(draft: MappingVersion, user: User, reason: str = "", seen: str | None = None) -> MappingVersion:
    """Put the draft in force and retire the one before, in one transaction with the audit record.

    `seen` is the fingerprint of what was looked at. Raises CannotPublish for errors, ReasonNeeded for warnings without
    a reason, NotRehearsed, NotADraft, DraftChanged where `seen` is given and it is another by now.
    """
    draft = _locked_draft(draft)
    if seen is not None and seen != fingerprint(spec_of(draft)):
        raise DraftChanged
    problems = problems_of(draft)
    if errors(problems):
        raise CannotPublish(errors(problems))
    if warnings(problems) and not reason.strip():
        raise ReasonNeeded(warnings(problems))
    how = way(draft, fingerprint(spec_of(draft)), user)
    return _put_in_force(draft, user, reason, problems, how)


def _put_in_force(
    draft: MappingVersion, user: User, reason: str, problems: Sequence[Problem], how: str
) -> MappingVersion:
    MappingVersion.objects.filter(template=draft.template, state=MappingState.PUBLISHED).update(
        state=MappingState.RETIRED
    )
    draft.state = MappingState.PUBLISHED
    draft.published_at = timezone.now()
    draft.published_by = user
    draft.publish_reason = reason.strip()[:200]
    draft.save(update_fields=["state", "published_at", "published_by", "publish_reason"])
    detail = {
        "template": draft.template.code,
        "version": draft.number,
        "warnings": len(warnings(tuple(problems))),
        "way": how,
    }
    record("mapping.publish", **_columns(draft), reason=draft.publish_reason, detail=detail)
    keep_lock(draft.template.location)
    return draft


@transaction.atomic
def return_to(mapping: MappingVersion, user: User, reason: str = "") -> MappingVersion:
    """Put an earlier mapping in force again: as a new version with its rules, through the same checks.

    It was in force before, so it needs no rehearsal. A draft in the making stays as it is. Raises CannotPublish, and
    NotADraft for a mapping that was never published.
    """
    _lock(mapping.template)
    if mapping.state != MappingState.RETIRED:
        raise NotADraft
    again = MappingVersion(
        template=mapping.template,
        template_version_id=mapping.template_version_id,
        number=_next_number(mapping.template),
        state=MappingState.RETIRED,  # until it passes: a template has one draft, and that one may be somebody's work
        catch_all_field_id=mapping.catch_all_field_id,
        based_on=mapping,
        follows=mapping.follows,
        changed_by=user,
    )
    again.save()
    Rule.objects.bulk_create(_row(again, rule) for rule in spec_of(mapping).rules)
    problems = problems_of(again)
    if errors(problems):
        raise CannotPublish(errors(problems))
    said = reason.strip() or f"Back to mapping {mapping.number}."
    return _put_in_force(again, user, said, problems, RETURNED)


@transaction.atomic
def start_copy(template: Template, source: MappingVersion, placed: Transfer, user: User) -> MappingVersion:
    """A draft of another mapping's rules as `placed` in this template's newest version. NotADraft where it has one."""
    _lock(template)
    if draft_of(template) is not None:
        raise NotADraft
    draft = start_draft(template, user)
    renew_template(draft, user)
    detail = {"template": template.code, "version": draft.number, "source": source.pk, "left": len(placed.left)}
    save_rules(draft, placed.rules, placed.catch_all_field_id, user)
    record("mapping.copy", **_columns(draft), detail=detail)
    return draft


@transaction.atomic
def discard_draft(draft: MappingVersion, seen: str = "") -> None:
    """Delete a draft with its rules; the mapping in force stays in force. DraftChanged where `seen` is another."""
    draft = _locked_draft(draft)
    if seen and seen != fingerprint(spec_of(draft)):
        raise DraftChanged
    record("mapping.discard", **_columns(draft), detail={"template": draft.template.code, "rules": draft.rules.count()})
    draft.delete()


def _next_number(template: Template) -> int:
    last: int = MappingVersion.objects.filter(template=template).aggregate(last=Max("number"))["last"] or 0
    return last + 1


def _lock(template: Template) -> None:
    """One editor at a time per template (SQLite's transactions are single-writer anyway)."""
    Template.objects.select_for_update(no_key=True).get(pk=template.pk)


def _locked_draft(mapping: MappingVersion) -> MappingVersion:
    _lock(mapping.template)
    current = MappingVersion.objects.select_related("template__location__practice").filter(pk=mapping.pk).first()
    if current is None or current.state != MappingState.DRAFT:
        raise NotADraft
    return current


def _row(draft: MappingVersion, rule: RuleSpec) -> Rule:
    settings = {name: value for name, usual in _SETTINGS.items() if (value := getattr(rule, name)) != usual}
    return Rule(
        mapping=draft,
        section_code=rule.section_code,
        field_id=rule.field_id,
        kind=rule.kind,
        settings=settings,
        position=rule.position,
    )


def _changes(before: Sequence[RuleSpec], after: Sequence[RuleSpec]) -> list[str]:
    old, new = ({replace(rule, id=None) for rule in rules} for rules in (before, after))
    removed = [f"{rule.section_code} > {rule.field_id} removed" for rule in old - new]
    added = [f"{rule.section_code} > {rule.field_id} set" for rule in new - old]
    return sorted(removed) + sorted(added)


def _columns(mapping: MappingVersion) -> dict[str, Any]:
    location = mapping.template.location
    return {
        "practice": location.practice.code,
        "location": location.code,
        "object_type": "mapping",
        "object_id": str(mapping.pk),
        "object_version": str(mapping.number),
    }


def _entry(mapping: MappingVersion, event: str, rule: str) -> Entry:
    detail = {"template": mapping.template.code, "rule": rule[:MAX_TEXT]}
    return Entry(event, **_columns(mapping), detail=detail)
