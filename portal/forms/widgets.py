"""Widgets that never show again what was typed into them."""

from typing import Any

from django import forms


class SecretTextarea(forms.Textarea):
    """For keys in PEM: stays empty after a mistake elsewhere in the form, as a password field does."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"rows": 5, "class": "mono", "autocomplete": "off", "spellcheck": "false", **(attrs or {})})

    def format_value(self, value: Any) -> None:
        return None


class SecretInput(forms.PasswordInput):
    """For tokens. No browser should offer to keep it."""

    def __init__(self) -> None:
        super().__init__({"autocomplete": "off", "class": "mono"}, render_value=False)
