"""A day that somebody may leave out: one that has a midnight in every zone, and a day after it."""

from datetime import date

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

FIRST, LAST = date(1900, 1, 1), date(2999, 12, 31)
WORDS = "Choose a day from 1900 to 2999."


class DayField(forms.DateField):
    """The browser's own calendar."""

    def __init__(self, label: str) -> None:
        bounds = [MinValueValidator(FIRST, WORDS), MaxValueValidator(LAST, WORDS)]
        widget = forms.DateInput(attrs={"type": "date"})
        super().__init__(label=label, required=False, widget=widget, validators=bounds)
