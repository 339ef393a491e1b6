"""The second factor itself: seeds sealed, codes once, recovery codes once, and whom it is asked of."""

import re
from base64 import b32decode
from urllib.parse import unquote

import pytest
from django.db import connection

from audit.models import AuditEvent
from portal.factors import totp
from portal.factors.tables import RecoveryCode, SecondFactor
from portal.models import Membership, Role, User
from portal.rotation import sealed_columns
from tests.portal.factors.conftest import code_for, set_up


def events(name):
    return AuditEvent.objects.filter(event=name)


def test_a_factor_is_in_force_once_a_code_of_it_was_typed(cast):
    totp.begin(cast.dana)
    assert totp.factor_of(cast.dana) is None
    assert not totp.passes(cast.dana, code_for(cast.dana))
    assert totp.confirm(cast.dana, "000000" if code_for(cast.dana) != "000000" else "111111") is None
    assert len(totp.confirm(cast.dana, code_for(cast.dana))) == totp.RECOVERY_CODES
    assert totp.factor_of(cast.dana) is not None
    assert events("auth.factor.set").get().practice == "lakeside"


def test_the_seed_stands_nowhere_in_clear(cast):
    totp.begin(cast.dana)
    factor = SecondFactor.objects.get(pk=cast.dana.pk)
    seed = factor.seed()
    assert len(seed) == 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_seed FROM portal_secondfactor")
        kept = bytes(cursor.fetchone()[0])
    assert seed not in kept
    assert seed.hex().encode() not in kept
    assert ("secondfactor", "seed") in {(one.table, one.column) for one in sealed_columns()}, "rotation knows it"


def test_a_seed_copied_to_another_person_does_not_open(cast):
    totp.begin(cast.dana)
    stolen = SecondFactor.objects.get(pk=cast.dana.pk)
    moved = SecondFactor(user=cast.omar, sealed_seed=stolen.sealed_seed, made_at=stolen.made_at)
    with pytest.raises(Exception, match="does not belong to this row"):
        moved.seed()


def test_the_picture_and_the_letters_hold_the_same_seed(cast):
    factor = totp.begin(cast.dana)
    assert b32decode(totp.spelled(factor).replace(" ", "")) == factor.seed()
    assert unquote(totp.picture(factor)).startswith("data:image/svg+xml")


def test_a_code_is_taken_once(cast):
    set_up(cast.dana)
    code = code_for(cast.dana)
    assert totp.passes(cast.dana, code)
    assert not totp.passes(cast.dana, code)


def test_the_code_that_set_it_up_opens_nothing_afterwards(cast):
    totp.begin(cast.dana)
    code = code_for(cast.dana)
    totp.confirm(cast.dana, code)
    assert not totp.passes(cast.dana, code)


def test_an_older_code_is_not_taken_after_a_newer_one(cast):
    set_up(cast.dana)
    assert totp.passes(cast.dana, code_for(cast.dana))
    assert not totp.passes(cast.dana, code_for(cast.dana, ago=1))


@pytest.mark.parametrize("ago, good", [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_differ_by_one_step(cast, ago, good):
    set_up(cast.dana)
    assert totp.passes(cast.dana, code_for(cast.dana, ago=ago)) is good


@pytest.mark.parametrize("spell", ["{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}", " {0} ", "{0}\n"])
def test_a_code_may_be_typed_with_spaces(cast, spell):
    set_up(cast.dana)
    assert totp.passes(cast.dana, spell.format(code_for(cast.dana)))


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "abcdef", "-12345", "１２３４５６", "٣٤٥٦٧٨", "1e5000", "\0"]
)
def test_what_is_no_code_is_refused(cast, typed):
    set_up(cast.dana)
    assert not totp.passes(cast.dana, typed)


def test_anothers_code_is_worth_nothing(cast):
    set_up(cast.dana)
    set_up(cast.omar)
    assert not totp.passes(cast.dana, code_for(cast.omar))


def test_a_recovery_code_stands_in_once_however_it_is_spelled(cast):
    first, second, *_ = set_up(cast.dana)
    assert re.fullmatch(r"(\w{4}-){3}\w{4}", first)
    assert totp.passes(cast.dana, first.upper().replace("-", " "))
    assert not totp.passes(cast.dana, first)
    assert totp.passes(cast.dana, second)


def test_recovery_codes_are_kept_as_codes_of_their_person(cast):
    codes = set_up(cast.dana)
    kept = str(list(RecoveryCode.objects.values()))
    assert [code for code in codes if code in kept or code.replace("-", "") in kept] == []
    set_up(cast.omar)
    assert not totp.passes(cast.omar, codes[0])


def test_new_recovery_codes_end_the_old_ones(cast):
    (old, *_) = set_up(cast.dana)
    (new, *_) = totp.renew_codes(cast.dana)
    assert not totp.passes(cast.dana, old)
    assert totp.passes(cast.dana, new)
    assert RecoveryCode.objects.filter(user=cast.dana).count() == totp.RECOVERY_CODES
    assert events("auth.factor.codes").count() == 1


def test_a_factor_that_was_taken_away_leaves_nothing(cast):
    (code, *_) = set_up(cast.dana)
    totp.remove(cast.dana)
    assert not totp.passes(cast.dana, code)
    assert not RecoveryCode.objects.exists()
    assert events("auth.factor.remove").get().detail == {"user_id": cast.dana.pk}


def test_beginning_again_leaves_a_factor_in_force_as_it_is(cast):
    set_up(cast.dana)
    before = SecondFactor.objects.get(pk=cast.dana.pk).seed()
    totp.begin(cast.dana)
    assert SecondFactor.objects.get(pk=cast.dana.pk).seed() == before
    assert totp.confirm(cast.dana, code_for(cast.dana)) is None


def test_beginning_again_replaces_a_seed_that_was_never_confirmed(cast):
    before = totp.begin(cast.dana).seed()
    assert totp.begin(cast.dana).seed() != before


@pytest.mark.parametrize(
    "asked, of", [([], set()), (["everybody"], {"dana", "omar"}), (["operator"], {"omar"}), (["auditor"], set())]
)
def test_it_is_required_of_whom_the_setting_names(cast, settings, asked, of):
    settings.SECOND_FACTOR = asked
    assert {user.username for user in (cast.dana, cast.omar) if totp.is_required(user)} == of


def test_it_is_never_required_of_accounts_of_the_sign_in_service(cast, settings):
    settings.SECOND_FACTOR = ["everybody"]
    user = User.objects.create_user("olga", oidc_issuer="https://login.example.org", oidc_subject="1")
    Membership.objects.create(user=user, practice=cast.practice, role=Role.OPERATOR)
    assert not totp.is_required(user)
