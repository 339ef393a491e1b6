"""The mapping page's form: one row per section and rule, read back as the frozen rules that `apply` carries out."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.forms.formsets import BaseFormSet, formset_factory

from mapping.models import RuleKind, Template
from mapping.note import MappingSpec, RuleSpec
from mapping.queries import draft_of, field_specs, newest_version
from mapping.sections import CODES, is_code, name_of
from mapping.transfer import MARKS

SEPARATORS = {"\n\n": "a blank line", "\n": "a new line", " ": "a space", ", ": "a comma", "; ": "a semicolon"}
LIMIT_ACTIONS = [("refuse", "hold the note"), ("truncate", "cut at a word and mark it")]
# Eleven inputs a row: Django takes 1,000 of a form.
MOST_RULES = 85
LAST_PLACE = 9999


# What the page calls an entry, where that is another word than its name.
SAID = {
    "before": "prefix",
    "separator": "joined after",
    "position": "place in the field",
    "limit_action": "over the limit",
    "heading": "heading to split at",
    "field_id": "field",
    "kind": "take",
}


class DraftInvalid(ValueError):
    """The posted form is not a mapping yet: its message says in plain words what to correct."""


def escaped(separator: str) -> str:
    """A separator as a form value: line ends survive the browser only as backslash and n."""
    return separator.encode("unicode_escape").decode()


def unescaped(value: str) -> str:
    """The separator a form value stands for; anything malformed is refused by the caller as a ValueError."""
    return value.encode("latin-1", "backslashreplace").decode("unicode_escape")


class TypedText(forms.CharField):
    """Text as it was typed: spaces at the ends count, line ends become single newlines."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, strip=False, widget=forms.Textarea(attrs={"rows": 1}), **options)

    def clean(self, value: Any) -> str:
        return super().clean(str(value or "").replace("\r\n", "\n").replace("\r", "\n"))


class RuleForm(forms.Form):
    """One rule; a row whose field is left open is no rule."""

    section_code = forms.CharField(max_length=60, widget=forms.HiddenInput)
    field_id = forms.CharField(max_length=80, required=False, strip=False)
    kind = forms.ChoiceField(choices=RuleKind.choices, required=False)
    heading = forms.CharField(max_length=100, required=False)
    before = TypedText(max_length=200)
    separator = forms.CharField(max_length=40, required=False, strip=False)
    default = TypedText(max_length=2000)
    limit = forms.IntegerField(min_value=1, max_value=10_000_000, required=False)
    limit_action = forms.ChoiceField(choices=LIMIT_ACTIONS, required=False)
    position = forms.IntegerField(min_value=1, max_value=LAST_PLACE, required=False)
    # "how:field id" of a copied or inherited row: the mark goes when a person chooses another field.
    origin = forms.CharField(max_length=100, required=False, strip=False, widget=forms.HiddenInput)

    def clean_section_code(self) -> str:
        code: str = self.cleaned_data["section_code"]
        if not is_code(code):
            raise forms.ValidationError("A code has small letters, digits and underscores, and begins with a letter.")
        return code

    def clean_separator(self) -> str:
        try:
            return unescaped(self.cleaned_data["separator"])
        except ValueError:
            raise forms.ValidationError("Choose one of the separators.") from None

    def spec(self, place: int) -> RuleSpec | None:
        """The rule of a valid row, `place` being its order where none was typed; None where no field is chosen."""
        given = self.cleaned_data
        if not given["field_id"]:
            return None
        return RuleSpec(
            section_code=given["section_code"],
            field_id=given["field_id"],
            kind=given["kind"] or RuleKind.COPY.value,
            prefix=given["before"],
            separator=given["separator"] or "\n\n",
            default=given["default"],
            limit=given["limit"],
            limit_action=given["limit_action"] or "refuse",
            heading=given["heading"] if given["kind"] == RuleKind.SPLIT else "",
            position=given["position"] or place,
            origin=_origin(given["origin"], given["field_id"]),
        )


class _Shared(dict[str, forms.Field]):
    """Fields that all forms of a set use together: no row changes them, and copying them took longer than cleaning."""

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, forms.Field]:
        return dict(self)


RuleForm.base_fields = _Shared(RuleForm.base_fields)


def _origin(posted: str, field_id: str) -> str:
    how, _, of = posted.partition(":")
    return how if of == field_id and how in MARKS else ""


class PracticeDefaultForm(forms.Form):
    """What of a mapping in force the practice's locations are to share, and why."""

    sections = forms.MultipleChoiceField(error_messages={"required": "Choose at least one section."})
    scope = forms.ChoiceField(choices=[("every", "Every template"), ("code", "This template's code")])
    reason = forms.CharField(
        min_length=5, max_length=200, error_messages={"required": "Say why: the log keeps it, and people read it."}
    )

    def __init__(self, spec: MappingSpec, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        codes = dict.fromkeys(rule.section_code for rule in spec.rules)
        self.fields["sections"].choices = [(code, name_of(code)) for code in codes]  # type: ignore[attr-defined]


RuleFormSet = formset_factory(RuleForm, extra=0, max_num=MOST_RULES, absolute_max=MOST_RULES, validate_max=True)


class HeadForm(forms.Form):
    """What belongs to the whole mapping. `seen` is the fingerprint of the draft the editor started from."""

    catch_all_field_id = forms.CharField(max_length=80, required=False, strip=False)
    seen = forms.CharField(max_length=16, required=False, widget=forms.HiddenInput)


class MappingForm:
    """The head and the rows together, as posted or as a spec has them."""

    def __init__(self, data: Mapping[str, Any] | None = None, initial: list[dict[str, Any]] | None = None) -> None:
        self.data: Mapping[str, Any] = data or {}
        self.head = HeadForm(data)
        self.rows: BaseFormSet[RuleForm] = RuleFormSet(data, initial=initial, prefix="rules")

    def is_valid(self) -> bool:
        return all([self.head.is_valid(), self.rows.is_valid()])

    def rules(self) -> tuple[RuleSpec, ...]:
        """The rules of a valid form, in the order of their rows; those without a typed place come after all others."""
        last = max((row.cleaned_data["position"] or 0 for row in self.rows.forms), default=0)
        rules = []
        for row in self.rows.forms:
            rule = row.spec(min(last + 1, LAST_PLACE))
            if rule is not None:
                rules.append(rule)
                last = max(last, rule.position)
        return tuple(rules)

    def complaints(self) -> Iterator[str]:
        """Every complaint of an invalid form, naming its section and what was asked."""
        for row in self.rows.forms:
            code = str(row["section_code"].value() or "")
            section = (name_of(code) if is_code(code) else code) or "A row without section"
            for name, messages in row.errors.items():
                yield from (f"{section}, {SAID.get(name, name.replace('_', ' '))}: {message}" for message in messages)
        yield from map(str, self.rows.non_form_errors())
        for messages in self.head.errors.values():
            yield from map(str, messages)


def draft_spec(template: Template, data: Mapping[str, Any]) -> MappingSpec:
    """The mapping as it stands in the page's form, saved or not. Raises DraftInvalid with what to correct."""
    form = MappingForm(data)
    if not form.is_valid():
        raise DraftInvalid(" ".join(form.complaints()))
    return spec_in(form, template)


def spec_in(form: MappingForm, template: Template) -> MappingSpec:
    """What a valid form holds, for the template version of the draft, or the newest where there is no draft."""
    draft = draft_of(template)
    version = draft.template_version if draft else newest_version(template)
    return MappingSpec(
        template_code=template.code,
        template_name=template.name,
        fields=field_specs(version.pk) if version else (),
        rules=form.rules(),
        catch_all_field_id=form.head.cleaned_data["catch_all_field_id"],
        mapping_version_id=draft.pk if draft else None,
        template_version_id=version.pk if version else None,
    )


def initial_rows(spec: MappingSpec, extra: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The form's rows for a spec: every rule, an open row for each section without one, and for each of `extra`."""
    ruled = {rule.section_code for rule in spec.rules}
    rows = [
        {
            "section_code": rule.section_code,
            "field_id": rule.field_id,
            "kind": rule.kind,
            "heading": rule.heading,
            "before": rule.prefix,
            "separator": escaped(rule.separator),
            "default": rule.default,
            "limit": rule.limit,
            "limit_action": rule.limit_action,
            "position": rule.position,
            "origin": f"{rule.origin}:{rule.field_id}" if rule.origin else "",
        }
        for rule in spec.rules
    ]
    open_codes = [code for code in CODES if code not in ruled]
    return rows + [{"section_code": code, "separator": escaped("\n\n")} for code in (*open_codes, *extra)]
