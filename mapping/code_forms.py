"""The forms of codes: a newer list of diagnoses."""

from django import forms
from django.core.files.uploadedfile import UploadedFile

from mapping.codes.icd10 import CodeList
from mapping.codes.icd10_files import ENDINGS, MAX_BYTES, ListRefused, read


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
