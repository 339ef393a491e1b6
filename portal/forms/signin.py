"""Signing in, and replacing one's password."""

from django import forms
from django.contrib.auth.forms import PasswordChangeForm


class SignInForm(forms.Form):
    """Only what is typed; portal/signin.py decides."""

    username = forms.CharField(
        label="User name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        strip=False, max_length=512, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class CodeForm(forms.Form):
    """A code of the authenticator, or a recovery code."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="Six digits from your authenticator, or one of your recovery codes.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )


class EmergencyForm(SignInForm):
    """Everything at once: the way in while the sign-in service is away."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="Six digits from your authenticator, or one of your recovery codes.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )
    reason = forms.CharField(
        min_length=10,
        max_length=200,
        label="Why it cannot wait",
        help_text="Recorded in the audit log, and shown to others. No patient data.",
    )


class ReplacePasswordForm(PasswordChangeForm):
    """The old password once, the new one twice; Django's validators say what a good one needs."""

    field_order = ("old_password", "new_password1", "new_password2")
