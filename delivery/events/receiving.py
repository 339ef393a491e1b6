"""The address eCW's webhooks come to: signed, not too many, stored before the answer. No session, no cookie, no form.

200 stored, or known already · 401 not signed by a secret of this source, or no such source · 400 signed, but no event
that can be read · 411, 413 no length, or over 64 KB · 429 more than this source may send · 503 not now: send it again.
"""

import hashlib
import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from audit.record import Actor, acting, record
from delivery import two_secrets
from delivery.events.limiter import Limiter
from delivery.events.models import EventSource, SourceState, Way
from delivery.events.settings import WebhookSettings
from delivery.events.signature import NotSigned, check
from delivery.events.taking import Taken, ignore, take
from delivery.events.told import Unreadable, happening
from portal.keyring import KeysUnavailable

LARGEST = 64 * 1024
REFUSAL_EVERY = timedelta(minutes=1)  # so much the audit log hears of a forger at most
limiter = Limiter(settings.EVENTS_PER_SECOND)


@csrf_exempt
@login_not_required
@require_POST
def receive(request: HttpRequest, public_id: uuid.UUID) -> JsonResponse:
    """One webhook. The order matters: what costs nothing is asked first."""
    if not limiter.allows(f"{public_id}"):
        return _too_many()
    length = request.META.get("CONTENT_LENGTH", "")
    if not length.isdecimal():
        return _answer(411, "Send it with a Content-Length.")
    if len(length) > 9 or int(length) > LARGEST:  # Python reads no number of thousands of digits
        return _answer(413, "An event is at most 64 KB.")
    try:
        return _received(request, public_id)
    except (DatabaseError, InterfaceError, KeysUnavailable):
        return _answer(503, "Not stored just now; send it again.", {"Retry-After": "5"})


def _received(request: HttpRequest, public_id: uuid.UUID) -> JsonResponse:
    rows = EventSource.objects.select_related("location__practice")
    source = rows.filter(public_id=public_id, way=Way.WEBHOOK, enabled=True).first()
    if source is None:
        return _answer(401, "Not signed for this address.")
    if not limiter.allows_all(f"{source.pk}"):
        return _too_many()
    address = request.META.get("REMOTE_ADDR", "")
    with acting(Actor("system", f"event source {source.pk}", "eCW webhook", auth_method="hmac", source_ip=address)):
        try:
            return _answer(200, _taken(source, request).word)
        except NotSigned as wrong:
            _record_refusal(source, wrong.reason)
            return _answer(401, "Not signed for this address.")
        except Unreadable as wrong:
            _note_trouble(source)
            return _answer(400, f"Signed, but the {wrong.place} of the event cannot be read.")


def _taken(source: EventSource, request: HttpRequest) -> Taken:
    now, own = timezone.now(), WebhookSettings.read(source.settings)
    body = request.body
    signed = check(own, two_secrets.good(source), request.headers, body, now)
    told = happening(own, body, signed.id, now)
    if told is None:
        return ignore(source, signed.id or hashlib.sha256(body).hexdigest())
    return take(source, told)


def _too_many() -> JsonResponse:
    return _answer(429, "Too many at once.", {"Retry-After": "1"})


def _answer(status: int, words: str, headers: dict[str, str] | None = None) -> JsonResponse:
    answer = JsonResponse({"message": words}, status=status, headers=headers)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # Django would write a line for each of a flood
    return answer


def _record_refusal(source: EventSource, reason: str) -> None:
    """One audit row a minute for each source: a forger must not fill the log."""
    now = timezone.now()
    state, _ = SourceState.objects.get_or_create(source=source)
    if state.refused_at and state.refused_at > now - REFUSAL_EVERY:
        return
    with transaction.atomic():
        due = SourceState.objects.filter(pk=source.pk, refused_at=state.refused_at)
        if due.update(refused_at=now):
            record(
                "event.refuse",
                outcome="denied",
                outcome_class=reason,
                practice=source.location.practice.code,
                location=source.location.code,
                object_type="event_source",
                object_id=str(source.pk),
                detail={"source": source.pk, "reason": reason},
            )


def _note_trouble(source: EventSource) -> None:
    SourceState.objects.update_or_create(
        source=source, defaults={"trouble": "event_unreadable", "trouble_at": timezone.now()}
    )
