"""Filters of the delivery pages: hidden characters made visible, times at the location, values for headers."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html

from delivery.comparison import seen as with_hidden_shown
from delivery.words import OutcomeWords
from delivery.words import outcome_words as words_of

register = template.Library()


@register.filter
def seen(text: str) -> str:
    """The text with bidirectional and zero-width characters written out."""
    return with_hidden_shown(text)


@register.filter
def moment(at: datetime | None, zone: str) -> str:
    """A time at the location, for people and (in the attribute) for machines, to the second."""
    if at is None:
        return ""
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), moment_text(at, zone))


@register.filter
def moment_text(at: datetime, zone: str) -> str:
    """The same as text alone, for where no element may stand."""
    return at.astimezone(ZoneInfo(zone)).strftime("%d %b %Y, %H:%M:%S %Z")


@register.filter
def as_header(value: str) -> str:
    """A value as a JSON string, for hx-headers inside a single-quoted attribute (the template escapes it)."""
    return json.dumps(value)


@register.filter
def under(mapping: dict[object, object], key: object) -> object:
    """The mapping's value of a key; None where it has none."""
    return mapping.get(key)


@register.filter
def outcome_words(outcome: str) -> OutcomeWords:
    """The words, tone and icon of a section's outcome."""
    return words_of(outcome)
