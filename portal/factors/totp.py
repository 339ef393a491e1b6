"""Set up an authenticator, check its codes, hand out recovery codes: none is taken twice, none is kept in clear."""

import secrets
import time
from base64 import b32encode
from urllib.parse import quote, urlencode

import segno
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_otp.oath import TOTP

from audit.record import record
from portal import crypto
from portal.access import practice_code_of, roles_of
from portal.factors.tables import RecoveryCode, SecondFactor
from portal.models import User
from portal.people import ALPHABET

SEED_BYTES = 20  # RFC 4226, 4: at least 16, 20 recommended
STEP_SECONDS = 30
TOLERANCE = 1  # steps by which the telephone's clock may differ
RECOVERY_CODES = 10
EVERYBODY = "everybody"


def factor_of(user: User) -> SecondFactor | None:
    """The person's authenticator in force."""
    return SecondFactor.objects.filter(pk=user.pk, confirmed_at__isnull=False).first()


def is_required(user: User) -> bool:
    """Whether this person may do nothing before they have a second factor. The sign-in service has its own."""
    asked = set(settings.SECOND_FACTOR)
    return bool(asked) and not user.oidc_subject and (EVERYBODY in asked or bool(asked & roles_of(user)))


def begin(user: User) -> SecondFactor:
    """A new seed, not yet in force; replaces one that was never confirmed, and none that was."""
    seed = crypto.seal(secrets.token_bytes(SEED_BYTES), table="secondfactor", column="seed", row=user.pk)
    with transaction.atomic():
        SecondFactor.objects.filter(pk=user.pk, confirmed_at=None).delete()
        factor, _ = SecondFactor.objects.get_or_create(
            user=user, defaults={"sealed_seed": seed, "made_at": timezone.now()}
        )
    return factor


def spelled(factor: SecondFactor) -> str:
    """The seed as authenticators take it when it is typed: base32 in groups of four."""
    text = b32encode(factor.seed()).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def picture(factor: SecondFactor) -> str:
    """The QR code for the authenticator, as the address of an image that is its own content."""
    label = quote(f"Scribeport:{factor.user.username}")
    query = urlencode({"secret": b32encode(factor.seed()).decode(), "issuer": "Scribeport", "digits": 6})
    made: str = segno.make(f"otpauth://totp/{label}?{query}", error="m").svg_data_uri(scale=4, border=4)
    return made


def _step_of(factor: SecondFactor, typed: str, now: float) -> int | None:
    """The step a code belongs to, when it is one of these minutes and newer than the last that was taken."""
    if not (typed.isascii() and typed.isdigit() and len(typed) == 6):
        return None
    clock = TOTP(factor.seed(), step=STEP_SECONDS)
    clock.time = now
    good = clock.verify(int(typed), tolerance=TOLERANCE, min_t=factor.last_step + 1)
    return int(clock.t()) if good else None


def _take(factor: SecondFactor, typed: str) -> bool:
    step = _step_of(factor, typed, time.time())
    # Of two tries with one code at the same moment, one changes the row.
    rows = SecondFactor.objects.filter(pk=factor.pk, last_step=factor.last_step)
    return step is not None and rows.update(last_step=step) == 1


def _mac(user: User, code: str) -> str:
    return crypto.blind_index(f"recovery {user.pk}", "".join(code.split()).replace("-", ""))


def _use_recovery(user: User, typed: str) -> bool:
    unused = RecoveryCode.objects.filter(user=user, mac=_mac(user, typed), used_at=None)
    return unused.update(used_at=timezone.now()) == 1


def passes(user: User, typed: str) -> bool:
    """Whether this is a code of the person's authenticator, or a recovery code; either is used up by that."""
    factor = factor_of(user)
    plain = "".join(typed.split())
    return factor is not None and (_take(factor, plain) or _use_recovery(user, plain))


def confirm(user: User, typed: str) -> list[str] | None:
    """Put the authenticator in force by a code of it: the recovery codes, this once; None for a wrong code."""
    factor = SecondFactor.objects.filter(pk=user.pk, confirmed_at=None).first()
    with transaction.atomic():
        if factor is None or not _take(factor, "".join(typed.split())):
            return None
        SecondFactor.objects.filter(pk=user.pk).update(confirmed_at=timezone.now())
        _record("auth.factor.set", user)
        return _new_codes(user)


def renew_codes(user: User) -> list[str]:
    """Ten new recovery codes, this once; the old ones are worth nothing from now on."""
    with transaction.atomic():
        _record("auth.factor.codes", user)
        return _new_codes(user)


def _recovery_code() -> str:
    """Four groups of four: about 79 bits, without characters that look alike."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


def _new_codes(user: User) -> list[str]:
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, mac=_mac(user, code)) for code in codes)
    return codes


def remove(user: User) -> None:
    """Take the authenticator and its recovery codes away: the person's own wish, or a telephone was lost."""
    with transaction.atomic():
        SecondFactor.objects.filter(pk=user.pk).delete()
        RecoveryCode.objects.filter(user=user).delete()
        _record("auth.factor.remove", user)


def _record(event: str, user: User) -> None:
    record(
        event,
        practice=practice_code_of(user),
        object_type="user",
        object_id=str(user.pk),
        detail={"user_id": user.pk},
    )
