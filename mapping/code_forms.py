"""The forms of codes: a newer list of diagnoses, a crosswalk's file, one drug of it."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from mapping.codes.drug_files import DrugRow, NotADrug, drug_row, drugs_in
from mapping.codes.icd10 import CodeList
from mapping.codes.icd10_files import ENDINGS, MAX_BYTES, ListRefused, read
from mapping.importers import SHEETS, base, limited
from mapping.importers.base import ImportRefused, RefusedRow
from mapping.models import CrosswalkDrug


class CodeListForm(forms.Form):
    """A list as CMS publishes it, and from which day of visit on it counts."""

    file = forms.FileField(
        label="List",
        help_text="ICD-10-CM as TXT or CSV, each line beginning with a code: CMS's order file or codes file, for one.",
        widget=forms.ClearableFileInput(attrs={"accept": ",".join(ENDINGS)}),
    )
    name = forms.CharField(label="Name", max_length=80, help_text="Such as “October 2026”.")
    in_force_from = forms.DateField(
        label="For visits from",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="A diagnosis is judged by the list in force on the day of the visit.",
    )

    def codes(self) -> CodeList:
        """Read the file of a valid form; raises ListRefused."""
        upload: UploadedFile = self.cleaned_data["file"]
        if (upload.size or 0) > MAX_BYTES:
            raise ListRefused(f"The file has more than {MAX_BYTES // 1024 // 1024} MB.")
        return read(upload.name or "", upload.read(), self.cleaned_data["name"])


class CrosswalkFileForm(forms.Form):
    """A crosswalk as CSV or Excel, up to 5 MB and 2,000 rows."""

    file = forms.FileField(
        label="Crosswalk file",
        help_text=f"{', '.join(sorted(SHEETS))}; one row a drug, up to 5 MB and {base.MAX_ROWS:,} rows.",
        widget=forms.ClearableFileInput(attrs={"accept": ",".join(sorted(SHEETS))}),
        allow_empty_file=True,
    )

    def rows(self) -> tuple[list[DrugRow], list[RefusedRow]]:
        """Read the file of a valid form; raises ImportRefused."""
        upload: UploadedFile = self.cleaned_data["file"]
        if (upload.size or 0) > base.MAX_BYTES:
            raise ImportRefused(f"The file has {(upload.size or 0) / 1024 / 1024:.1f} MB; 5 MB are the most.")
        return drugs_in(limited.read(upload.name or "", upload.read()))


class DrugForm(forms.Form):
    """One drug of the crosswalk, by hand."""

    ndc = forms.CharField(
        label="NDC",
        max_length=20,
        required=False,
        help_text="With hyphens (4-4-2, 5-3-2, 5-4-1) or all 11 digits.",
    )
    rxcui = forms.CharField(label="RxNorm code (RxCUI)", max_length=20, required=False)
    name = forms.CharField(label="Drug", max_length=200)
    ecw_id = forms.CharField(label="eCW drug ID", max_length=40)
    strength = forms.CharField(label="Strength", max_length=80, required=False)
    formulation = forms.CharField(label="Formulation", max_length=80, required=False)

    def __init__(self, drug: CrosswalkDrug | None, data: Any = None) -> None:
        said = {}
        if drug is not None:
            said = {name: getattr(drug, name) for name in ("rxcui", "name", "ecw_id", "strength", "formulation")}
            said["ndc"] = drug.ndc_written
        super().__init__(data, initial=said)
        if drug is not None:  # the code is what notes are matched by: another code is another drug
            self.fields["ndc"].disabled = self.fields["rxcui"].disabled = True

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not self.fields["ndc"].disabled:
            try:
                cleaned["row"] = drug_row(cleaned)
            except NotADrug as error:
                self.add_error(None, str(error))
        return cleaned
