"""The forms of an import: the file, then each template of it with its code and name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from mapping.columns import NO_ROW, Column
from mapping.defaults import VISIT_TYPES
from mapping.importers import READERS, limited
from mapping.importers.base import MAX_BYTES, ImportedTemplate, ImportRefused
from mapping.importers.headers import Known
from mapping.importers.reading import Reading
from mapping.imports import Comparison, compare
from mapping.models import ColumnMeaning, Template
from portal.models import Location

CODE = r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,59}$"


class UploadForm(forms.Form):
    """A template file of at most 5 MB, and whether its columns are to be looked at even where they are understood."""

    file = forms.FileField(
        label="Template file",
        help_text=f"{', '.join(sorted(READERS))}; one row per field with its field identifier, up to 5 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": ",".join(sorted(READERS))}),
        allow_empty_file=True,
    )

    match = forms.BooleanField(
        label="Let me say what each column holds",
        required=False,
        help_text="Asked in any case where no column of field identifiers is recognized.",
    )

    def reading(self, known: Known) -> Reading:
        """Read the file of a valid form; raises ImportRefused."""
        upload: UploadedFile = self.cleaned_data["file"]
        if (upload.size or 0) > MAX_BYTES:
            raise ImportRefused(f"The file has {(upload.size or 0) / 1024 / 1024:.1f} MB; 5 MB are the most.")
        return limited.read(upload.name or "", upload.read(), known)


class ColumnsForm:
    """What was said of a file's columns: the row that names them, and per column what it holds."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        row = str(data.get("header_row", ""))
        self.row = NO_ROW if row == "none" else int(row) if row.isascii() and row.isdigit() and len(row) < 8 else None
        self.only_row = data.get("action") == "row"
        given = {name.removeprefix("column-"): str(value) for name, value in data.items() if name.startswith("column-")}
        self.said = {
            int(place): value if value in ColumnMeaning.values else ""
            for place, value in given.items()
            if place.isascii() and place.isdigit() and len(place) < 5
        }

    def filled(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The columns with what was said of them, for showing the page again."""
        return tuple(replace(column, said=self.said.get(column.place, "")) for column in columns)


class ChosenForm(forms.Form):
    """Whether and under which code and name a template of the file is saved."""

    include = forms.BooleanField(label="Import this template", required=False, initial=True)
    code = forms.RegexField(
        CODE,
        label="Code",
        help_text="What the scribe names it by: letters, digits, dots and dashes.",
        error_messages={"invalid": "Use letters, digits, dots, dashes and underscores; begin with a letter or digit."},
    )
    name = forms.CharField(label="Name", max_length=200)
    rename = forms.BooleanField(required=False)
    seen = forms.CharField(required=False)  # the standing (Previewed) that the page showed, or that was ticked


class DefaultsForm(forms.Form):
    """The visit types for which a template is used when the scribe names none."""

    visit_types = forms.MultipleChoiceField(
        label="Use for these visits when the scribe names no template",
        choices=list(VISIT_TYPES.items()),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


@dataclass(frozen=True)
class Previewed:
    """One template of the file as the preview shows it, under the code and name that were typed.

    `retyped`: under another code than the file gives it.
    """

    imported: ImportedTemplate
    form: ChosenForm
    comparison: Comparison
    retyped: bool = False

    @property
    def new_name(self) -> str:
        """The name that an existing template is not called by; "" where there is none to be renamed."""
        stored = self.comparison.template
        return self.imported.name if stored is not None and stored.name != self.imported.name else ""

    @property
    def standing(self) -> str:
        """What the person has to have looked at before an existing template is saved over; "" for a new one."""
        stored = self.comparison.template
        if stored is None:
            return ""
        facts = (stored.pk, stored.name, self.new_name, self.comparison.number, self.comparison.mapping)
        return sha256(repr(facts).encode()).hexdigest()[:16]

    @property
    def was_shown(self) -> bool:
        return not self.standing or self.form.cleaned_data["seen"] == self.standing

    @property
    def renamed(self) -> bool:
        return bool(self.new_name and self.form.cleaned_data["rename"])


class PreviewForm:
    """All templates of a file together; rows that were refused must be let go knowingly.

    What saving does to a template that is there already has to have been on the page: where another code or name was
    typed since, or somebody else saved or published meanwhile, it is shown and asked once more.
    """

    def __init__(
        self, templates: Sequence[ImportedTemplate], location: Location, data: Mapping[str, Any] | None = None
    ) -> None:
        self.items = [self._previewed(place, item, location, data) for place, item in enumerate(templates)]
        self.refused = sum(len(item.refused) for item in templates)
        self.agreed = bool(data and data.get("without_refused"))
        self.problems: list[str] = []

    @staticmethod
    def _previewed(place: int, item: ImportedTemplate, location: Location, data: Mapping[str, Any] | None) -> Previewed:
        form = ChosenForm(data, prefix=f"t{place}", initial={"code": item.code, "name": item.name})
        if not form.is_valid():
            return Previewed(item, form, compare(location, item))
        typed = replace(item, code=form.cleaned_data["code"], name=form.cleaned_data["name"])
        return Previewed(typed, form, compare(location, typed), retyped=typed.code != item.code)

    def is_valid(self) -> bool:
        """Whether something was chosen, under distinct codes, nothing unseen, and refused rows are let go knowingly."""
        if not all(item.form.is_valid() for item in self.items):
            return False
        chosen = self._included()
        codes = [item.imported.code for item in chosen]
        if not chosen:
            self.problems.append("Choose at least one template.")
        if len(set(codes)) < len(codes):
            self.problems.append("Give each template a code of its own.")
        stored = [(item, item.comparison.template) for item in chosen if not item.was_shown]
        self.problems.extend(_unseen(item, template) for item, template in stored if template is not None)
        if any(item.imported.refused for item in chosen) and not self.agreed:
            self.problems.append("Say that the refused rows may be left out, or repair the file and choose it again.")
        return not self.problems

    def chosen(self) -> list[ImportedTemplate]:
        """The templates to save, under the codes and names that were typed."""
        return [item.imported for item in self._included()]

    def renamed(self) -> set[str]:
        """The codes of the templates that are to be called as in the form from now on."""
        return {item.imported.code for item in self._included() if item.renamed}

    def _included(self) -> list[Previewed]:
        return [item for item in self.items if item.form.cleaned_data["include"]]


def _unseen(item: Previewed, stored: Template) -> str:
    look = f"{stored.code} is a template of {stored.location.name} already, called “{stored.name}”."
    if item.retyped:
        return f"{look} See below what saving makes of it; then tick that it is meant, or type another code."
    return f"{look} See below what saving makes of it, and save again if that is meant."
