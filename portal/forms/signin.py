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


class ReplacePasswordForm(PasswordChangeForm):
    """The old password once, the new one twice; Django's validators say what a good one needs."""

    field_order = ("old_password", "new_password1", "new_password2")
