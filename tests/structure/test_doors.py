"""Who opens which address: every role's answer for every route, and strangers at every door and in every form.

A new route fails here until it stands in ANSWERS; a new form until it stands in FORMS. What each address needs (its
arguments, what is posted) is taken from VISITS of test_audited_views.py.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django import forms
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils.safestring import mark_safe
from rest_framework import serializers

from audit.record import record
from delivery.alerts.forms import AlertSettingsForm, RecipientForm
from delivery.alerts.models import AlertSettings
from delivery.events.forms import FeedSourceForm, PollSourceForm, WebhookSourceForm
from delivery.pilot.forms import FeedbackForm, PlanForm, StepForm
from delivery.release.forms import AnswerForm, ReleaseForm, RequestForm
from delivery.serializers import NoteSerializer
from delivery.views.certification import RunForm, SignForm
from delivery.views.forms import ActForm, BulkForm, DecisionForm, RevealForm, WhyForm
from delivery.views.forms import ReasonForm as DeliveryReasonForm
from delivery.webhooks.forms import EndpointForm
from delivery.workbench import UnknownDrug
from mapping.carrying import packed
from mapping.code_forms import CodeListForm, CrosswalkFileForm, DrugForm
from mapping.codes.crosswalk import Found
from mapping.codes.drugs import drug_code
from mapping.forms import HeadForm, PracticeDefaultForm, RuleForm
from mapping.import_forms import ChosenForm, DefaultsForm, UploadForm
from mapping.importers.base import ImportedField, ImportedTemplate
from mapping.queries import spec_of
from portal import keys
from portal.forms.audit import AuditSearchForm, PatientForm
from portal.forms.exports import AuditExportForm
from portal.forms.fhir import FhirForm
from portal.forms.folder import FolderForm
from portal.forms.hl7 import Hl7Form
from portal.forms.locations import LocationForm, NewLocationForm, ReasonForm, RoutesForm
from portal.forms.openapi import OpenApiForm
from portal.forms.partner import PartnerForm
from portal.forms.people import InviteForm, RoleForm
from portal.forms.retention import HoldForm, LiftForm, YearsForm
from portal.forms.scribes import AgreementForm, KeyForm, ScribeForm
from portal.forms.sftp import SftpForm
from portal.forms.sign_in_settings import GroupForm
from portal.forms.signin import CodeForm, EmergencyForm, ReplacePasswordForm, SignInForm
from portal.models import Connection, Environment, Location, Membership, Role, Scribe, User
from tests.cast import Cast, make_template
from tests.delivery.rows import make_delivery
from tests.structure.test_audited_views import NOTE, VISITS, World, names

pytestmark = pytest.mark.slow
OURS = ("audit", "portal", "mapping", "delivery")

#   yes  it opens, or the deed is done or answered in words      in   to the sign-in page
#   no   403: theirs, but not with this role                     key  401: only a scribe's key opens it
#   -    404: for this person there is no such thing             *    open to everybody
#
# Every person of the table holds one role at NORTH, whose things are asked for; `wide` is a director of all locations,
# `other` directs another practice.
ANSWERS = """
                             nobody  other  wide  director  editor  operator  auditor  clinician  metadata
delivery:deliveries          in      yes    yes   yes       no      yes       yes      yes        yes
delivery:rows                in      yes    yes   yes       no      yes       yes      yes        yes
delivery:columns             in      yes    yes   yes       no      yes       yes      yes        yes
delivery:narrow              in      yes    yes   yes       no      yes       yes      yes        yes
delivery:list-exports        in      yes    yes   yes       no      yes       yes      yes        yes
delivery:row-menu            in      -      yes   yes       no      yes       yes      yes        yes
delivery:releases            in      yes    yes   no        no      no        no       no         no
delivery:ehi-requests        in      yes    yes   no        no      no        no       no         no
delivery:ehi-answer          in      -      yes   no        no      no        no       no         no
delivery:search              in      yes    yes   yes       no      yes       yes      yes        yes
delivery:issues              in      yes    yes   yes       no      yes       yes      yes        yes
delivery:issue               in      -      yes   yes       no      yes       yes      yes        yes
delivery:issues-act          in      yes    yes   yes       no      yes       no       no         no
delivery:issue-act           in      -      yes   yes       no      yes       no       no         no
delivery:bulk                in      yes    yes   yes       no      yes       no       no         no
delivery:job                 in      -      yes   yes       no      yes       no       no         no
delivery:job-step            in      -      yes   yes       no      yes       no       no         no
delivery:why                 in      yes    yes   yes       no      yes       yes      yes        yes
delivery:report              in      yes    yes   yes       no      yes       yes      yes        yes
delivery:report-mailing      in      yes    yes   yes       no      yes       yes      yes        yes
delivery:report-file         in      yes    yes   yes       no      yes       yes      yes        yes
delivery:alerts              in      yes    yes   yes       no      yes       yes      yes        yes
delivery:alerts-take         in      yes    yes   yes       no      yes       no       no         no
delivery:alert               in      -      yes   yes       no      yes       yes      yes        yes
delivery:alert-take          in      -      yes   yes       no      yes       no       no         no
delivery:alert-settings      in      yes    yes   no        no      no        no       no         no
delivery:alert-recipient-new in      yes    yes   no        no      no        no       no         no
delivery:alert-recipient     in      -      yes   no        no      no        no       no         no
delivery:alert-recipient-act in      -      yes   no        no      no        no       no         no
delivery:completeness        in      yes    yes   yes       no      yes       yes      yes        yes
delivery:completeness-export in      yes    yes   yes       no      yes       yes      yes        yes
delivery:completeness-day    in      yes    yes   yes       no      yes       yes      yes        yes
delivery:completeness-day-export  in yes    yes   yes       no      yes       yes      yes        yes
delivery:why-visit           in      -      yes   yes       no      yes       yes      yes        yes
delivery:reveal-visit        in      -      yes   yes       no      yes       no       yes        no
delivery:above               in      yes    yes   yes       no      yes       yes      yes        yes
delivery:delivery            in      -      yes   yes       no      yes       yes      yes        yes
delivery:content             in      -      yes   yes       no      yes       no       yes        no
delivery:compare-chart       in      -      yes   yes       no      yes       no       yes        no
delivery:reveal              in      -      yes   yes       no      yes       no       yes        no
delivery:review              in      -      yes   no        no      no        no       yes        no
delivery:feedback            in      -      yes   no        no      no        no       yes        no
delivery:feedback-read       in      -      yes   yes       no      yes       no       yes        no
delivery:pilot               in      yes    yes   yes       no      yes       yes      yes        no
delivery:pilot-plan          in      yes    yes   yes       no      no        no       no         no
delivery:pilot-step          in      -      yes   yes       no      no        no       no         no
delivery:act                 in      -      yes   yes       no      yes       no       no         no
delivery:app-data            in      yes    yes   yes       no      yes       yes      yes        yes
delivery:events              in      yes    yes   yes       no      yes       yes      yes        yes
delivery:event-source        in      yes    yes   yes       no      no        no       no         no
delivery:event-secret        in      -      yes   yes       no      no        no       no         no
delivery:endpoint            in      -      yes   no        no      no        no       no         no
delivery:endpoint-act        in      -      yes   no        no      no        no       no         no
delivery:held                in      -      yes   yes       no      yes       no       no         no
delivery:misrouted           in      -      yes   yes       no      yes       no       no         no
delivery:probe               in      -      yes   yes       no      no        no       no         no
delivery:ways                in      yes    yes   yes       no      no        no       no         no
delivery:learning            in      yes    yes   yes       yes     no        no       yes        no
delivery:course              in      -      -     -         -       -         -        -          -
delivery:course-begin        in      yes    yes   yes       -       -         -        yes        -
delivery:course-note         in      -      -     -         -       -         -        -          -
delivery:course-leave        in      -      -     -         -       -         -        -          -
delivery:sheet               in      yes    yes   yes       no      no        no       no         no
delivery:sheet-file          in      yes    yes   yes       no      no        no       no         no
delivery:facts               in      yes    yes   yes       no      no        no       no         no
delivery:changes             in      yes    yes   yes       no      yes       yes      no         no
delivery:accept-change       in      -      yes   yes       no      no        no       no         no
delivery:certification       in      yes    yes   yes       no      yes       yes      no         no
delivery:certify             in      yes    yes   yes       no      no        no       no         no
delivery:certification-sign  in      -      -     -         no      no        no       no         no
delivery:certification-report in     -      yes   yes       no      yes       yes      no         no
delivery:certification-artefact in   -      yes   yes       no      yes       yes      no         no
delivery:probe-location      in      yes    yes   yes       no      no        no       no         no
delivery:test-connection     in      -      yes   yes       no      no        no       no         no
delivery:close-breaker       in      -      yes   yes       no      no        no       no         no
delivery:authorize           in      -      yes   -         -       -         -        -          -
delivery:authorized          in      yes    yes   yes       yes     yes       yes      yes        yes
delivery:check-scopes        in      -      yes   -         -       -         -        -          -
delivery:jwks                *       *      *     *         *       *         *        *          *
delivery:leave-recovery      in      no     no    no        no      no        no       no         no
delivery:preview             in      -      yes   yes       yes     no        no       no         no
delivery:rehearse            in      -      yes   yes       yes     no        no       no         no
delivery:rehearsal           in      -      yes   yes       yes     yes       yes      yes        yes
api:notes                    key     key    key   key       key     key       key      key        key
api:note                     key     key    key   key       key     key       key      key        key
api:retract                  key     key    key   key       key     key       key      key        key
api:delivery                 key     key    key   key       key     key       key      key        key
api:event                    key     key    key   key       key     key       key      key        key
api:schema                   *       *      *     *         *       *         *        *          *
api:docs                     *       *      *     *         *       *         *        *          *
portal:audit                 in      yes    yes   yes       no      no        yes      no         no
portal:audit-event           in      -      yes   yes       no      no        yes      no         no
portal:audit-export          in      yes    yes   yes       no      no        yes      no         no
portal:audit-patient         in      yes    yes   yes       no      no        yes      no         no
portal:audit-exports         in      yes    yes   yes       no      no        yes      no         no
portal:export                in      -      yes   -         -       -         -        -          -
portal:export-cancel         in      -      yes   -         -       -         -        -          -
portal:export-decide         in      -      yes   no        no      no        no       no         no
portal:export-file           in      -      yes   -         -       -         -        -          -
portal:retention             in      yes    yes   no        no      no        no       no         no
portal:retention-years       in      yes    yes   no        no      no        no       no         no
portal:hold-lift             in      -      yes   no        no      no        no       no         no
portal:purge-ask             in      -      yes   no        no      no        no       no         no
portal:purge-decide          in      -      yes   no        no      no        no       no         no
portal:home                  in      yes    yes   yes       yes     yes       yes      yes        yes
operator:metrics             -       -      -     -         -       -         -        -          -
portal:healthz               *       *      *     *         *       *         *        *          *
portal:readyz                *       *      *     *         *       *         *        *          *
portal:sign-in               *       *      *     *         *       *         *        *          *
portal:openid                -       -      -     -         -       -         -        -          -
portal:openid-callback       -       -      -     -         -       -         -        -          -
portal:second-step           *       *      *     *         *       *         *        *          *
portal:emergency             -       -      -     -         -       -         -        -          -
portal:emergency-review      in      -      yes   no        no      no        no       no         no
portal:second-factor         in      yes    yes   yes       yes     yes       yes      yes        yes
portal:sign-out              in      yes    yes   yes       yes     yes       yes      yes        yes
portal:password              in      yes    yes   yes       yes     yes       yes      yes        yes
portal:appearance            *       *      *     *         *       *         *        *          *
portal:connections           in      yes    yes   yes       no      yes       yes      no         no
portal:connection-new        in      yes    yes   no        no      no        no       no         no
portal:connection            in      -      yes   yes       no      yes       yes      no         no
portal:connection-edit       in      -      yes   no        no      no        no       no         no
portal:settings              in      yes    yes   yes       no      no        no       no         no
portal:location-new          in      yes    yes   no        no      no        no       no         no
portal:location              in      yes    yes   yes       no      no        no       no         no
portal:routes                in      yes    yes   yes       no      no        no       no         no
portal:location-lock         in      yes    yes   yes       no      no        no       no         no
portal:scribes               in      yes    yes   no        no      no        no       no         no
portal:key-new               in      -      yes   no        no      no        no       no         no
portal:key-revoke            in      -      yes   no        no      no        no       no         no
portal:agreements            in      yes    yes   no        no      no        no       no         no
portal:agreement-end         in      -      yes   no        no      no        no       no         no
portal:sign-in-settings      in      yes    yes   no        no      no        no       no         no
portal:group-remove          in      -      yes   no        no      no        no       no         no
portal:partner               in      yes    yes   no        no      no        no       no         no
portal:partner-step          in      yes    yes   no        no      no        no       no         no
portal:partner-file          in      -      yes   no        no      no        no       no         no
portal:people                in      yes    yes   no        no      no        no       no         no
portal:person-new            in      yes    yes   no        no      no        no       no         no
portal:person                in      -      yes   no        no      no        no       no         no
portal:role-revoke           in      -      yes   no        no      no        no       no         no
portal:account               in      -      yes   no        no      no        no       no         no
workbench:waiting            in      yes    yes   yes       yes     yes       yes      no         no
workbench:decide             in      -      yes   no        no      no        no       no         no
workbench:words              in      -      yes   no        no      no        no       no         no
codes:drugs                  in      yes    yes   yes       yes     yes       yes      no         no
codes:drug-new               in      yes    yes   no        no      no        no       no         no
codes:drug                   in      -      yes   no        no      no        no       no         no
codes:drug-remove            in      -      yes   no        no      no        no       no         no
codes:drug-import            in      yes    yes   no        no      no        no       no         no
codes:drug-import-save       in      yes    yes   no        no      no        no       no         no
codes:diagnoses              in      yes    yes   yes       yes     yes       yes      no         no
codes:diagnosis-upload       in      yes    yes   no        no      no        no       no         no
codes:diagnosis-remove       in      -      yes   no        no      no        no       no         no
mapping:templates            in      yes    yes   yes       yes     yes       yes      yes        yes
mapping:import               in      yes    yes   yes       yes     no        no       no         no
delivery:discover            in      yes    yes   yes       yes     no        no       no         no
mapping:import-columns       in      yes    yes   yes       yes     no        no       no         no
mapping:import-save          in      yes    yes   yes       yes     no        no       no         no
mapping:template             in      -      yes   yes       yes     yes       yes      yes        yes
mapping:template-version     in      -      yes   yes       yes     yes       yes      yes        yes
mapping:defaults             in      -      yes   yes       yes     no        no       no         no
mapping:mapping              in      -      yes   yes       yes     yes       yes      yes        yes
mapping:check                in      -      yes   yes       yes     no        no       no         no
mapping:accept               in      -      yes   yes       yes     no        no       no         no
mapping:drift                in      -      yes   yes       yes     yes       yes      yes        yes
mapping:compare              in      yes    yes   yes       yes     yes       yes      yes        yes
mapping:values               in      -      yes   yes       yes     yes       yes      yes        yes
mapping:copy                 in      -      yes   yes       yes     no        no       no         no
mapping:default              in      yes    yes   yes       yes     yes       yes      yes        yes
mapping:make-default         in      -      yes   no        no      no        no       no         no
mapping:return               in      -      yes   yes       yes     no        no       no         no
mapping:version              in      -      yes   yes       yes     yes       yes      yes        yes
"""


@dataclass(frozen=True)
class Answers:
    """One line of the table: a route and what each person is answered."""

    route: str
    by: dict[str, str]


def table() -> dict[str, Answers]:
    head, *lines = [line.split() for line in ANSWERS.strip().splitlines()]
    return {route: Answers(route, dict(zip(head, answers, strict=True))) for route, *answers in lines}


ROLES = {
    "director": Role.DIRECTOR,
    "editor": Role.MAPPING_EDITOR,
    "operator": Role.OPERATOR,
    "auditor": Role.AUDITOR,
    "clinician": Role.CLINICIAN,
    "metadata": Role.METADATA_ONLY,
}
PEOPLE = ("nobody", "other", "wide", *ROLES)
# Whoever directs, everywhere or at one location, is asked on the servers too: no other role opens an address that neither
# opens. What the databases tell a stranger is asked further down, of somebody who holds every role.
ON_SERVERS_TOO = {"wide", "director"}


@pytest.fixture
def world(cast, monkeypatch) -> World:
    monkeypatch.setattr("delivery.bell.publish", lambda task, identifier: None)
    delivery = make_delivery(cast)
    event = record("note.view", practice="lakeside", location="NORTH", subject_bidx=delivery.note_version.patient_bidx)
    return World(cast, delivery, event)


def person(cast: Cast, who: str) -> User | None:
    if who in ("nobody", "other", "wide"):
        return {"nobody": None, "other": cast.sam, "wide": cast.dana}[who]
    user = User.objects.create_user(f"only-{who}")
    Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=ROLES[who])
    return user


def client_of(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def asked(world: World, route: str, client: Client) -> Any:
    """The answer to the first visit of a route, whatever it changed taken back."""
    visit = VISITS[route][0]
    before = SimpleCookie(client.cookies)  # signing out is taken back too
    with transaction.atomic():
        address = reverse(route, args=visit.args(world))
        data = visit.post(world) if callable(visit.post) else visit.post
        if route.startswith("api:") and data is not None:
            response = client.post(address, json.dumps(data), content_type="application/json")
        else:
            response = client.get(address, visit.query) if data is None else client.post(address, data)
        transaction.set_rollback(True)
    client.cookies = before
    return response


@pytest.fixture
def undrawn(monkeypatch) -> None:
    """Views decide, look up and answer; what they would show is not put into words."""
    monkeypatch.setattr("django.template.base.Template.render", lambda template, context: mark_safe(""))


def said(response: Any) -> str:
    if response.status_code in (401, 403, 404):
        return {401: "key", 403: "no", 404: "-"}[response.status_code]
    to_sign_in = response.status_code == 302 and response.url.startswith(f"{reverse('portal:sign-in')}?next=")
    return "in" if to_sign_in else "yes"


def test_every_route_stands_in_the_table():
    routes = names(get_resolver())
    assert routes - table().keys() == set(), "add these to ANSWERS: who opens them?"
    assert table().keys() - routes == set(), "these are gone"


@pytest.mark.parametrize(
    "who", [who if who in ON_SERVERS_TOO else pytest.param(who, marks=pytest.mark.alike) for who in PEOPLE]
)
def test_each_person_is_answered_as_the_table_says(world, who):
    client = client_of(person(world.cast, who))
    found = {route: said(asked(world, route, client)) for route in table()}
    expected = {route: line.by[who].replace("*", "yes") for route, line in table().items()}
    assert {route: answer for route, answer in found.items() if answer != expected[route]} == {}


def test_an_open_door_is_open_to_everybody():
    for line in table().values():
        assert "*" not in line.by.values() or set(line.by.values()) == {"*"}, line.route


def test_nobody_opens_anything_without_signing_in():
    closed = {line.route: line.by["nobody"] for line in table().values() if line.by["nobody"] != "*"}
    assert closed.pop("operator:metrics") == "-"  # by its own token or network; for people it does not exist
    # Without a sign-in service; tests/portal/openid says who passes where there is one.
    assert {closed.pop(f"portal:{name}") for name in ("openid", "openid-callback", "emergency")} == {"-"}
    assert set(closed.values()) == {"in", "key"}


def test_metadata_only_reads_no_content():
    """Nobody with this role alone sees a note, a patient, a message or a mapping's preview."""
    for route in ("delivery:content", "delivery:reveal", "delivery:preview", "delivery:review"):
        assert table()[route].by["metadata"] == "no"


# --- strangers ----------------------------------------------------------------------------------------------------


def patterns(resolver: URLResolver, within: str = "", names_before: frozenset = frozenset()) -> dict[str, set[str]]:
    """Per route the names of what stands in its address."""
    found: dict[str, set[str]] = {}
    for pattern in resolver.url_patterns:
        own = names_before | set(pattern.pattern.converters)
        if isinstance(pattern, URLPattern):
            found[f"{within}{pattern.name}"] = set(own)
        else:
            inner = f"{within}{pattern.namespace}:" if pattern.namespace else within
            found |= patterns(pattern, inner, frozenset(own))
    return found


# They name a deed, a view or a version of what stands before them; a role names the course one begins oneself.
WORDS = {"verb", "tab", "kind", "number", "role"}
# A connection's public keys, for eCW to fetch: no secret and no name stands in them. And the address of eCW's webhooks,
# which answers whatever is not signed for it with 401, whether it exists or not.
PUBLISHED = {"delivery:jwks", "api:event"}
WITH_OBJECT = sorted(route for route, own in patterns(get_resolver()).items() if own - WORDS and route not in PUBLISHED)


def test_the_routes_with_an_object_in_their_address_are_known():
    assert len(WITH_OBJECT) >= 27
    assert {"portal:location", "delivery:delivery", "mapping:template", "api:note"} <= set(WITH_OBJECT)


@pytest.fixture
def stranger(world, cast) -> Client:
    """Holds every role of the other practice, so that only the object can be what is refused."""
    for role in set(Role) - {Role.DIRECTOR}:
        Membership.objects.create(user=cast.sam, practice=cast.elsewhere.practice, location=None, role=role)
    return client_of(cast.sam)


def foreign_key(world: World, scopes: tuple[str, ...] = ("notes:read", "notes:write")) -> dict[str, str]:
    scribe = Scribe.objects.create(practice=world.cast.elsewhere.practice, name="Whisper")
    _, bearer = keys.create(scribe, Environment.SANDBOX, scopes=scopes)
    return {"Authorization": f"Bearer {bearer}", "Idempotency-Key": uuid.uuid4().hex}


def to_south(world: World, args: list[Any]) -> list[Any]:
    """Both practices have a location NORTH: SOUTH is lakeside's alone."""
    return ["SOUTH" if argument == "NORTH" else argument for argument in args]


def test_S05_for_a_stranger_no_object_of_another_practice_exists(world, stranger, undrawn):
    """405 where an address knows one method only: it says nothing about the object, and the other method says 404."""
    api, found = foreign_key(world), {}
    for route in WITH_OBJECT:
        if "*" in table()[route].by.values():
            continue  # open to everybody: public keys
        for place, visit in enumerate(VISITS[route]):
            with transaction.atomic():
                address = reverse(route, args=to_south(world, visit.args(world)))
                headers = api if route.startswith("api:") else {}
                answers = (
                    stranger.get(address, headers=headers),
                    stranger.post(address, {"reason": "Curious"}, headers=headers),
                )
                found[route, place] = {answer.status_code for answer in answers}
                transaction.set_rollback(True)
    assert {key: statuses for key, statuses in found.items() if 404 not in statuses or statuses - {404, 405}} == {}


@pytest.mark.parametrize("method", ["get", "post"])
def test_S05_what_never_was_is_answered_like_what_is_anothers(world, method, undrawn):
    """A number too large for a database's column, too: an error would tell the two apart."""
    dana, scribe = client_of(world.cast.dana), Client(headers=foreign_key(world))
    for route in WITH_OBJECT:
        client = scribe if route.startswith("api:") else dana
        for number in (10**9, 2**63) if "int" in converters(route) else (0,):
            kinds = {"int": number, "uuid": uuid.uuid4(), "str": "NOWHERE", "slug": "lock"}
            args = [kinds[kind] for kind in converters(route)]
            assert getattr(client, method)(reverse(route, args=args)).status_code in (404, 405), (route, number)


def converters(route: str) -> list[str]:
    """The kinds of what stands in a route's address, in order: int, uuid, str, slug."""
    namespace, _, name = route.partition(":")
    (own,) = [
        each for each in get_resolver().url_patterns if isinstance(each, URLResolver) and each.namespace == namespace
    ]
    (pattern,) = [each for each in own.url_patterns if each.name == name]
    return [
        type(one).__name__.removesuffix("Converter").lower().replace("string", "str")
        for one in pattern.pattern.converters.values()
    ]


def test_pages_without_an_object_show_a_stranger_nothing_of_another_practice(world, stranger):
    canaries = ("Lakeside", "lakeside", "South Clinic", "eCW sandbox HL7", "Murmur", "omar", "FM-PROGRESS", "SOUTH")
    for route in sorted(table().keys() - set(WITH_OBJECT) - PUBLISHED):
        if VISITS[route][0].post is not None or route.startswith("api:"):
            continue
        response = stranger.get(reverse(route, args=VISITS[route][0].args(world)))
        text = b"".join(response.streaming_content).decode() if response.streaming else response.content.decode()
        assert [canary for canary in canaries if canary in text] == [], route


def test_S05_a_colleagues_address_does_not_open_a_strangers_role(world, cast):
    """Two objects in one address must belong together."""
    strangers_role = cast.sam.memberships.first()
    client = client_of(cast.dana)
    address = reverse("portal:role-revoke", args=[cast.mel.pk, strangers_role.pk])
    assert client.post(address).status_code == 404
    other_colleagues = cast.omar.memberships.first()
    assert client.post(reverse("portal:role-revoke", args=[cast.mel.pk, other_colleagues.pk])).status_code == 404
    assert Membership.objects.filter(pk__in=[strangers_role.pk, other_colleagues.pk]).count() == 2


def test_a_strangers_location_in_the_query_is_not_there(world, stranger):
    for route in ("portal:home", "portal:connections", "delivery:deliveries", "mapping:templates", "portal:audit"):
        assert stranger.get(reverse(route), {"location": "SOUTH"}).status_code == 404, route


def test_a_strangers_note_cannot_be_previewed_with_ones_own_template(world, cast, stranger):
    mine = make_template(cast.elsewhere, "PEDS", "Pediatric visit", [("P-1", "Plan", None)])
    data = {"rules-TOTAL_FORMS": "0", "rules-INITIAL_FORMS": "0", "preview_note": str(world.delivery.note_version_id)}
    assert stranger.post(reverse("delivery:preview", args=[mine.template_id]), data).status_code == 404


def test_an_import_that_another_person_previewed_is_not_saved(world, cast, stranger):
    template = ImportedTemplate("Visit", "VISIT", (ImportedField("F-1", "Plan", 1),))
    theirs = packed([template], "visit.csv", cast.south, cast.dana)
    answer = stranger.post(reverse("mapping:import-save", args=["NORTH"]), {"token": theirs, "t0-code": "VISIT"})
    assert answer.status_code == 422
    assert not cast.elsewhere.templates.exists()


def test_a_person_of_another_practice_cannot_be_searched_for_in_the_log(world, stranger, cast):
    assert (
        "This search cannot be made"
        in stranger.get(reverse("portal:audit"), {"who": str(cast.dana.pk)}).content.decode()
    )


def test_a_scribe_learns_nothing_of_another_practices_locations(world):
    """SOUTH exists at lakeside, NOWHERE nowhere: the answers are the same."""
    answers, headers = [], foreign_key(world)
    for code in ("SOUTH", "NOWHERE"):
        body, once = json.dumps({**NOTE, "location": code}), {**headers, "Idempotency-Key": code}
        response = Client().post(reverse("api:notes"), body, content_type="application/json", headers=once)
        answers.append((response.status_code, response.content.decode().replace(code, "…")))
    assert answers[0] == answers[1]
    assert answers[0][0] in (403, 404, 422)


def test_a_scribe_finds_no_note_of_another_practice_by_its_own_id(world):
    client = Client(headers=foreign_key(world))
    source = world.delivery.note.source_note_id
    assert client.get(reverse("api:notes"), {"source_note_id": source}).status_code == 404


# --- related fields -----------------------------------------------------------------------------------------------

UNKNOWN_DRUG = UnknownDrug(Found(drug_code("0093111301", ""), None, "ambiguous", "as:0093111301"))
# How each form is made for lakeside. A form with no field that names another row says so by being made all the same.
FORMS: dict[type[forms.BaseForm], Callable[[Cast, Any], forms.BaseForm]] = {
    AgreementForm: lambda cast, data: AgreementForm(cast.practice, data),
    AlertSettingsForm: lambda cast, data: AlertSettingsForm(data, instance=AlertSettings(practice=cast.practice)),
    RecipientForm: lambda cast, data: RecipientForm(cast.practice, None, data),
    BulkForm: lambda cast, data: BulkForm(data),
    WhyForm: lambda cast, data: WhyForm(data),
    FeedbackForm: lambda cast, data: FeedbackForm(data),
    PlanForm: lambda cast, data: PlanForm(data, known=[("DR7", "Ann Lee")]),
    StepForm: lambda cast, data: StepForm(data),
    RunForm: lambda cast, data: RunForm(data),
    SignForm: lambda cast, data: SignForm(data),
    FeedSourceForm: lambda cast, data: FeedSourceForm(cast.north, None, data),
    PollSourceForm: lambda cast, data: PollSourceForm(cast.north, None, data),
    WebhookSourceForm: lambda cast, data: WebhookSourceForm(cast.north, None, data),
    EndpointForm: lambda cast, data: EndpointForm("sandbox", None, data),
    AuditSearchForm: lambda cast, data: AuditSearchForm(data or {}, []),
    YearsForm: lambda cast, data: YearsForm(data),
    LiftForm: lambda cast, data: LiftForm(data),
    HoldForm: lambda cast, data: HoldForm([], [], "UTC", data),
    ReleaseForm: lambda cast, data: ReleaseForm(data),
    RequestForm: lambda cast, data: RequestForm(data),
    AnswerForm: lambda cast, data: AnswerForm(date(2026, 7, 1), data),
    PartnerForm: lambda cast, data: PartnerForm(data),
    PatientForm: lambda cast, data: PatientForm(data),
    AuditExportForm: lambda cast, data: AuditExportForm("", True, data),
    CodeForm: lambda cast, data: CodeForm(data),
    EmergencyForm: lambda cast, data: EmergencyForm(data),
    CodeListForm: lambda cast, data: CodeListForm(data),
    CrosswalkFileForm: lambda cast, data: CrosswalkFileForm(data),
    DecisionForm: lambda cast, data: DecisionForm(UNKNOWN_DRUG, [], data),
    DrugForm: lambda cast, data: DrugForm(None, data),
    ChosenForm: lambda cast, data: ChosenForm(data),
    DefaultsForm: lambda cast, data: DefaultsForm(data),
    ActForm: lambda cast, data: ActForm(data),
    DeliveryReasonForm: lambda cast, data: DeliveryReasonForm(data),
    FhirForm: lambda cast, data: FhirForm(cast.practice, None, data),
    GroupForm: lambda cast, data: GroupForm(cast.practice, data),
    HeadForm: lambda cast, data: HeadForm(data),
    Hl7Form: lambda cast, data: Hl7Form(cast.practice, None, data),
    InviteForm: lambda cast, data: InviteForm(cast.practice, data),
    KeyForm: lambda cast, data: KeyForm(cast.practice, data),
    LocationForm: lambda cast, data: LocationForm(cast.north, data),
    NewLocationForm: lambda cast, data: NewLocationForm(cast.practice, data),
    FolderForm: lambda cast, data: FolderForm(cast.practice, None, data),
    SftpForm: lambda cast, data: SftpForm(cast.practice, None, data),
    OpenApiForm: lambda cast, data: OpenApiForm(cast.practice, None, data),
    PracticeDefaultForm: lambda cast, data: PracticeDefaultForm(spec_of(cast.north_mapping), data),
    ReasonForm: lambda cast, data: ReasonForm(data),
    ReplacePasswordForm: lambda cast, data: ReplacePasswordForm(cast.dana, data),
    RevealForm: lambda cast, data: RevealForm(data),
    RoleForm: lambda cast, data: RoleForm(cast.practice, data),
    RoutesForm: lambda cast, data: RoutesForm(cast.north, "note", data),
    RuleForm: lambda cast, data: RuleForm(data),
    ScribeForm: lambda cast, data: ScribeForm(cast.practice, data),
    SignInForm: lambda cast, data: SignInForm(data),
    UploadForm: lambda cast, data: UploadForm(data),
}
BASES = {"ConnectionForm", "DropForm", "SourceForm", "TlsForm"}  # never shown by themselves


def heirs(of: type) -> set[type]:
    return {heir for child in of.__subclasses__() for heir in ({child} | heirs(child))}


def ours(of: type) -> set[type]:
    return {one for one in heirs(of) if one.__module__.partition(".")[0] in OURS and one.__name__ not in BASES}


def test_every_form_is_tried_with_a_foreign_object():
    made_by_sets = {one for one in ours(forms.BaseForm) if one.__module__.endswith("formsets")}
    assert ours(forms.BaseForm) - made_by_sets == FORMS.keys(), "add the form to FORMS"


def related(form: forms.BaseForm) -> dict[str, forms.ModelChoiceField]:
    return {name: field for name, field in form.fields.items() if isinstance(field, forms.ModelChoiceField)}


@pytest.fixture
def foreign(cast) -> dict[type, Any]:
    """One row of another practice for each model that a form can name."""
    practice = cast.elsewhere.practice
    connection = Connection.objects.create(
        practice=practice,
        name="Harbor HL7",
        kind="hl7",
        environment="sandbox",
        settings={"host": "127.0.0.1", "port": 1},
    )
    return {
        Location: cast.elsewhere,
        Connection: connection,
        Scribe: Scribe.objects.create(practice=practice, name="Whisper"),
    }


def test_S05_no_form_takes_another_practices_row(cast, foreign):
    tried = []
    for make in FORMS.values():
        for name, field in related(make(cast, None)).items():
            row = foreign[field.queryset.model]
            many = isinstance(field, forms.ModelMultipleChoiceField)
            blank = make(cast, None)
            form = make(cast, {blank.add_prefix(name): [row.pk] if many else row.pk})
            form.is_valid()
            codes = [error.code for error in form.errors.as_data().get(name, [])]
            assert codes == ["invalid_choice"], f"{type(form).__name__}.{name} takes a row of another practice"
            tried.append(f"{type(form).__name__}.{name}")
    assert len(tried) >= 7, tried


def test_S05_no_form_offers_another_practices_row(cast, foreign):
    for make in FORMS.values():
        for name, field in related(make(cast, None)).items():
            offered = set(field.queryset.values_list("pk", flat=True))
            assert foreign[field.queryset.model].pk not in offered, name


def test_a_connection_of_the_other_environment_is_as_strange(cast):
    production = Connection.objects.create(
        practice=cast.practice, name="Live", kind="hl7", environment="production", settings={}
    )
    assert RoutesForm(cast.north, "note", {"note-route0": production.pk}).errors["route0"]


def test_no_serializer_names_a_row_directly():
    """The API's references are codes, which intake looks up within the key's own practice."""
    naming = [
        f"{one.__name__}.{name}"
        for one in ours(serializers.BaseSerializer)
        for name, field in getattr(one, "_declared_fields", {}).items()
        if isinstance(field, serializers.RelatedField | serializers.ManyRelatedField | serializers.ModelSerializer)
    ]
    assert naming == []
    assert "location" in NoteSerializer().fields


# --- forms from elsewhere -----------------------------------------------------------------------------------------


def test_S04_no_address_takes_a_form_that_our_own_pages_did_not_make(world, undrawn):
    """Every address but the scribe's API and eCW's webhooks, which go by keys and never by a cookie."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.cast.dana)
    taken = {}
    for route in table():
        if route.startswith("api:") or route == "operator:metrics":
            continue
        with transaction.atomic():
            address = reverse(route, args=VISITS[route][0].args(world))
            taken[route] = client.post(address, {"reason": "From elsewhere"}).status_code
            transaction.set_rollback(True)
    assert {route: status for route, status in taken.items() if status != 403} == {}


def test_S04_a_persons_session_opens_nothing_of_the_scribes_api(world):
    client = client_of(world.cast.dana)
    for route in (one for one in table() if one.startswith("api:") and one not in ("api:schema", "api:docs")):
        address = reverse(route, args=VISITS[route][0].args(world))
        assert {client.get(address).status_code, client.post(address).status_code} <= {401, 405}, route
