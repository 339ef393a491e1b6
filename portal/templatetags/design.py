"""Tags of the design system: pills, tones and the environment badge. See docs/design-system.md."""

from functools import lru_cache

from django import template
from django.template.loader import render_to_string

register = template.Library()

ICONS = {
    "ok": "check-circle",
    "wait": "clock",
    "act": "exclamation-triangle",
    "warn": "exclamation-circle",
    "off": "minus-circle",
}
MESSAGE_TONES = {"success": "ok", "info": "wait", "warning": "warn", "error": "act", "debug": "off"}


@register.simple_tag
@lru_cache(maxsize=512)
def pill(tone: str, label: str, icon: str = "") -> str:
    """A status as word and icon: {% pill "ok" "Verified in the chart" %}; tones: ok, wait, act, warn, off.

    Kept once drawn: there are a few dozen, and a list shows fifty at a time.
    """
    return render_to_string("includes/pill.html", {"tone": tone, "label": label, "icon": icon or ICONS[tone]})


@register.inclusion_tag("includes/env.html")
def env_badge(environment: str) -> dict[str, str]:
    """Sandbox grey, Production outlined in red: {% env_badge location.environment %}."""
    return {"environment": environment}


@register.filter
def tone_icon(tone: str) -> str:
    """The icon that goes with a tone."""
    return ICONS.get(tone, "information-circle")


@register.filter
def message_tone(level: str) -> str:
    """The tone of one of Django's message levels (level_tag)."""
    return MESSAGE_TONES.get(level, "off")
