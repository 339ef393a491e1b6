"""An authenticator in a test's hand."""

import time

import pytest
from django_otp.oath import totp

from portal.factors import totp as factors
from portal.factors.tables import SecondFactor


def code_for(user, ago=0):
    """What the person's authenticator shows now, or did some steps ago."""
    return f"{totp(SecondFactor.objects.get(pk=user.pk).seed(), t0=ago * 30):06d}"


def set_up(user):
    """Put a second factor in force; its recovery codes. The code that was used for it may be forgotten."""
    factors.begin(user)
    codes = factors.confirm(user, code_for(user))
    SecondFactor.objects.filter(pk=user.pk).update(last_step=-1)
    return codes


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    """The clock in the middle of a step, so that none ends within a test."""
    now = time.time() // 30 * 30 + 15
    monkeypatch.setattr("django_otp.oath.time", lambda: now)
    monkeypatch.setattr("portal.factors.totp.time.time", lambda: now)
