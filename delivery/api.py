"""The scribe's API: post a note, read back its state, amend, retract. JSON only, bearer keys only.

Status codes: 201 after the commit; 400 not JSON or no Idempotency-Key; 401 no valid key; 403 not allowed here; 404 not
there (or not yours); 409 in flight; 411 no Content-Length; 413 too large; 422 wrong content, each problem with its
place; 503 not now.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial, wraps
from typing import Any, cast

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import (
    APIException,
    NotAuthenticated,
    NotFound,
    ParseError,
    PermissionDenied,
    ValidationError,
)
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.record import Actor, Entry, acting, record, record_many
from delivery import actions
from delivery.answers import delivery_answer, note_answer
from delivery.intake import accept
from delivery.models import Delivery, NoteVersion
from delivery.outgoing import open_body
from delivery.places import Refusal, key_of
from delivery.plainly_right import plainly_right
from delivery.posted import BadJson, PostedNote, Wrong, forbidden_characters, load, note_of
from delivery.serializers import (
    MOST_VERSIONS,
    DeliverySerializer,
    NoteAnswerSerializer,
    NoteSerializer,
    ProblemsSerializer,
    flat,
)
from delivery.suggested_codes import with_suggestions
from portal import keys
from portal.keyring import KeysUnavailable
from portal.models import ApiKey

MAX_PROBLEMS = 50


class BearerKey(BaseAuthentication):
    """`Authorization: Bearer <key>`; a wrong one is 401, whichever way it is wrong.

    Posting a note finds it by `key_of`: a key in memory does for now, as the note's own transaction asks for it again.
    """

    def __init__(self, find: Callable[[str], ApiKey | None] = keys.authenticate) -> None:
        self.find = find

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        return found(request, self.find)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Scribeport"'


def found(request: Request, find: Callable[[str], ApiKey | None]) -> tuple[Any, ApiKey] | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    key = find(secret.strip()) if scheme.lower() == "bearer" else None
    return (key.scribe, key) if key else None


class BearerKeyScheme(OpenApiAuthenticationExtension):
    """Says so in the OpenAPI document."""

    target_class = "delivery.api.BearerKey"
    match_subclasses = True
    name = "bearerKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A scribe's key, made under Settings, Scribes."}


class HasScope(BasePermission):
    """The key carries what this method needs: notes:read to look, notes:write to change."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, ApiKey):
            return False
        needed = "notes:read" if request.method == "GET" else "notes:write"
        if needed not in request.auth.scopes:
            raise PermissionDenied(f"This key lacks the scope {needed}.")
        return True


class NotNow(APIException):
    """The database cannot take the note at this moment; nothing of it was stored."""

    status_code = 503
    default_detail = "The note could not be stored just now. Nothing was kept; post it again with the same key."


class KeysAway(APIException):
    """Nothing of a note can be sealed or opened at this moment."""

    status_code = 503
    default_detail = (
        "The keys that protect patient data cannot be had just now. Nothing was kept; send the same request again."
    )


def problem_response(status: int, problems: list[Wrong] | tuple[Wrong, ...]) -> Response:
    rows = [{"pointer": wrong.pointer, "message": wrong.message} for wrong in problems[:MAX_PROBLEMS]]
    return Response({"problems": rows}, status=status)


def as_problems(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exceptions in the one shape that every refusal of this API has."""
    if isinstance(error, (DatabaseError, InterfaceError)):
        error = NotNow()  # as early as the key is looked up
    if isinstance(error, KeysUnavailable):
        error = KeysAway()
    if not isinstance(error, APIException):
        return None
    response = problem_response(error.status_code, [Wrong("", str(error.detail))])
    header = getattr(error, "auth_header", None)
    if header:
        response["WWW-Authenticate"] = header
    if error.status_code == 503:
        response["Retry-After"] = "5"
    return response


class ScribeView(APIView):
    """What every address of the API shares: the key, its scope, its name in the audit log."""

    authentication_classes = [BearerKey]
    permission_classes = [HasScope]

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return as_problems

    @property
    def key(self) -> ApiKey:
        return cast(ApiKey, self.request.auth)

    def actor(self) -> Actor:
        address = self.request.META.get("REMOTE_ADDR", "")
        return Actor("api_key", self.key.prefix, self.key.scribe.name, auth_method="bearer", source_ip=address)

    def version_of(self, note_id: str | None = None) -> NoteVersion:
        """The newest version of a note by our id, or one by the scribe's id and version; else 404."""
        versions = NoteVersion.objects.filter(note__scribe=self.key.scribe).select_related("note__location__practice")
        if note_id is not None:
            matching = versions.filter(note_id=note_id)
        else:
            sought, number = asked_for(self.request)
            matching = versions.filter(note__source_note_id=sought)
            matching = matching.filter(number=number) if number else matching
        found = matching.order_by("-number").first()
        if found is None:
            raise NotFound("There is no such note for this key.")
        return found


def asked_for(request: Request) -> tuple[str, int | None]:
    """The scribe's note id and, where one is named, the version; 400 in plain words for anything else."""
    source_note_id, number = (request.query_params.get(name) for name in ("source_note_id", "version"))
    if not source_note_id:
        raise ParseError("Name the note: ?source_note_id=…, your own id of it; &version=… if you mean one version.")
    if number is None:
        return source_note_id, None
    if not (number.isascii() and number.isdecimal() and len(number) <= 7 and 1 <= int(number) <= MOST_VERSIONS):
        raise ParseError(f"The parameter version must be a whole number from 1 to {MOST_VERSIONS:,}.")
    return source_note_id, int(number)


def as_actor(method: Callable[..., Response]) -> Callable[..., Response]:
    """Run a method as the key's scribe, in one transaction with its audit events; a database in trouble is 503."""

    @wraps(method)
    def run(view: ScribeView, *args: Any, **kwargs: Any) -> Response:
        try:
            with acting(view.actor()):
                return method(view, *args, **kwargs)
        except DatabaseError:
            raise NotNow from None

    return run


class NotesView(ScribeView):
    """Post a note; find one by the scribe's own id."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [BearerKey(key_of)] if self.request and self.request.method == "POST" else [BearerKey()]

    @extend_schema(
        operation_id="post_note",
        request=NoteSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True)],
        responses={
            201: NoteAnswerSerializer,
            **{
                status: OpenApiResponse(ProblemsSerializer, description=words)
                for status, words in {
                    400: "Not JSON, or no Idempotency-Key",
                    401: "No valid key",
                    403: "Not allowed for this location; nothing was stored",
                    409: "The same key or note is being taken in at this moment",
                    411: "Sent in chunks, without a Content-Length",
                    413: "Larger than the limit",
                    422: "Wrong content, each problem with its place",
                    503: "Not now; nothing was stored",
                }.items()
            },
        },
    )
    @as_actor
    def post(self, request: Request) -> Response:
        try:
            return Response(accept_request(self.key, request._request), status=201)
        except Refusal as refusal:
            if BearerKey().authenticate(request) is None:
                raise NotAuthenticated from None
            record_refusal(self.key, refusal)
            return problem_response(refusal.status, refusal.problems)

    @extend_schema(
        operation_id="find_note",
        parameters=[OpenApiParameter("source_note_id", str, required=True), OpenApiParameter("version", int)],
        responses={200: NoteAnswerSerializer, 400: ProblemsSerializer, 404: ProblemsSerializer},
    )
    @as_actor
    def get(self, request: Request) -> Response:
        return Response(seen(self.version_of()))


class NoteView(ScribeView):
    """One note by our id."""

    @extend_schema(operation_id="read_note", responses={200: NoteAnswerSerializer, 404: ProblemsSerializer})
    @as_actor
    def get(self, request: Request, note_id: str) -> Response:
        return Response(seen(self.version_of(note_id)))


class RetractView(ScribeView):
    """Ask to withdraw a note: cancelled where it has not been sent, else a task for a person."""

    @extend_schema(
        operation_id="retract_note", request=None, responses={200: NoteAnswerSerializer, 404: ProblemsSerializer}
    )
    @as_actor
    def post(self, request: Request, note_id: str) -> Response:
        version = self.version_of(note_id)
        with transaction.atomic():
            actions.retract(version.note)
        version.refresh_from_db()
        return Response(seen(version))


class DeliveryView(ScribeView):
    """One delivery's state and per-section outcome."""

    @extend_schema(operation_id="read_delivery", responses={200: DeliverySerializer, 404: ProblemsSerializer})
    @as_actor
    def get(self, request: Request, delivery_id: int) -> Response:
        mine = Delivery.objects.filter(pk=delivery_id, note__scribe=self.key.scribe)
        delivery = mine.select_related("note_version__note__location__practice").first()
        if delivery is None:
            raise NotFound("There is no such delivery for this key.")
        with transaction.atomic():
            record_many([view_entry(delivery.note_version)])
        answer, opened = delivery_answer(delivery), partial(open_body, delivery)
        return Response(with_suggestions(answer, opened, delivery.practice_id, delivery.created_at.date()))


def accept_request(key: ApiKey, request: HttpRequest) -> dict[str, Any]:
    """Check a request from the outside in: size, key, JSON, shape, characters; then take the note in."""
    if not request.META.get("CONTENT_LENGTH") and request.headers.get("Transfer-Encoding"):
        raise Refusal(411, [Wrong("", "Send the note whole, with a Content-Length; a body in chunks is not read.")])
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_NOTE_BYTES:
        limit = settings.MAX_NOTE_BYTES // 1024
        raise Refusal(413, [Wrong("", f"The note is larger than {limit} KB; send attachments separately.")])
    idempotency_key = request.headers.get("Idempotency-Key", "").strip()
    if not 1 <= len(idempotency_key) <= 255:
        raise Refusal(400, [Wrong("", "Send an Idempotency-Key header (1 to 255 characters), new for each note.")])
    body = request.body
    try:
        data = load(body)
    except BadJson as error:
        raise Refusal(400, [error.wrong]) from None
    problems = wrong_content(data)
    if problems:
        raise Refusal(422, problems)
    answer = accept(key, data, body, idempotency_key)
    return advised(answer, partial(note_of, data), key.scribe.practice_id)


def advised(answer: dict[str, Any], opened: Callable[[], PostedNote], practice_id: int) -> dict[str, Any]:
    """A note's answer with what may have been meant by codes that are held; the stored answer stays without."""
    received = datetime.fromisoformat(answer["received_at"]).date()
    rows = [with_suggestions(each, opened, practice_id, received) for each in answer["deliveries"]]
    return {**answer, "deliveries": rows}


def wrong_content(data: Any) -> list[Wrong]:
    if not isinstance(data, dict):
        return [Wrong("", "A note is a JSON object.")]
    return [] if plainly_right(data) else all_wrong(data)


def all_wrong(data: dict[str, Any]) -> list[Wrong]:
    """Everything wrong with it, each with its place."""
    found = forbidden_characters(data)
    try:
        note_shape().run_validation(data)
    except ValidationError as error:
        found += flat(error.detail)
    return found


_shapes = threading.local()


def note_shape() -> NoteSerializer:
    """This thread's serializer: making one anew copies every field, which costs four times the validation."""
    if not hasattr(_shapes, "note"):
        _shapes.note = NoteSerializer()
    shape: NoteSerializer = _shapes.note
    return shape


def record_refusal(key: ApiKey, refusal: Refusal) -> None:
    """That something was refused, and where in it, is recorded; nothing of its content is."""
    first = refusal.problems[0].pointer if refusal.problems else ""
    with transaction.atomic():
        record(
            "note.refuse",
            outcome="denied",
            outcome_class=str(refusal.status),
            practice=key.scribe.practice.code,
            object_type="scribe",
            object_id=str(key.scribe_id),
            detail={"problem": first[:100], "status": refusal.status},
        )


def view_entry(version: NoteVersion) -> Entry:
    return Entry(
        "note.view",
        practice=version.note.location.practice.code,
        location=version.note.location.code,
        subject_bidx=version.patient_bidx,
        encounter_bidx=version.encounter_bidx,
        object_type="note",
        object_id=str(version.note_id),
        object_version=str(version.number),
        correlation_id=version.correlation_id,
    )


def seen(version: NoteVersion) -> dict[str, Any]:
    """A version's answer, the look at it recorded."""
    with transaction.atomic():
        record_many([view_entry(version)])
    deliveries = list(version.deliveries.order_by("pk"))
    answer = note_answer(version.note, version, deliveries, version.note.location.code)
    return advised(answer, lambda: open_body(deliveries[0]), version.note.practice_id)
