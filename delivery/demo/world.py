"""Set the demonstration up through the same steps a director takes: import, map, publish, connect, probe."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
from django.db import transaction

from audit.record import record
from delivery.demo.clinics import CLINICS, Clinic
from delivery.models import ConnectionState
from delivery.probe import probe
from mapping.importers import read_file
from mapping.imports import save
from mapping.models import Template
from mapping.note import RuleSpec
from mapping.publishing import publish, save_rules, start_draft
from portal import keys
from portal.models import (
    Connection,
    ConnectionKind,
    Environment,
    Location,
    Membership,
    Part,
    Practice,
    Role,
    Route,
    Scribe,
    UnmappedPolicy,
    User,
)

PRACTICE = "lakeside"
SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - the simulated eCW's, which holds synthetic notes only


@dataclass(frozen=True)
class Ports:
    """Where the simulated eCW listens on this machine."""

    mllp: int
    http: int

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.http}"


def teach_sandbox(ports: Ports, clinics: Sequence[Clinic] = CLINICS) -> None:
    """Give the simulated eCW its clinics' templates."""
    for clinic in clinics:
        fields = [
            {
                "field_id": line.field_id,
                "label": line.label,
                "position": place,
                "kind": "free_text",
                "max_length": line.max_length,
                "required": False,
            }
            for place, line in enumerate(clinic.lines, start=1)
        ]
        url = f"{ports.base}/sandbox/api/facilities/{clinic.code}/templates/{clinic.template}"
        httpx2.put(url, json={"name": clinic.template_name, "fields": fields}).raise_for_status()


def exchange_fields(ports: Ports, location: str, pair: tuple[str, str]) -> None:
    """What an eCW update does behind everybody's back: two fields of the chart's template change places."""
    clinic = next(item for item in CLINICS if item.code == location)
    url = f"{ports.base}/sandbox/api/facilities/{clinic.code}/templates/{clinic.template}/swap"
    httpx2.post(url, json={"fields": list(pair)}).raise_for_status()


def set_up(ports: Ports, clinics: Sequence[Clinic] = CLINICS) -> tuple[str, str]:
    """The practice with its clinics, ready to send; returns a fresh API key and the director's password."""
    practice, _ = Practice.objects.get_or_create(code=PRACTICE, defaults={"name": "Lakeside Family & Sports Medicine"})
    director, password = person(practice)
    for clinic in clinics:
        prepare_clinic(practice, clinic, ports, director)
    scribe, _ = Scribe.objects.get_or_create(practice=practice, name="Murmur Scribe (demo)")
    with transaction.atomic():
        _, secret = keys.create(scribe, Environment.SANDBOX)
        record("system.demo", practice=practice.code, detail={"location": ", ".join(clinic.code for clinic in clinics)})
    return secret, password


def person(practice: Practice) -> tuple[User, str]:
    """The demonstration's director, with a new password each time it starts."""
    user, _ = User.objects.get_or_create(username="director", defaults={"first_name": "Dana", "last_name": "Rivera"})
    password = "-".join(secrets.choice(WORDS) for _ in range(4))
    user.set_password(password)
    user.save()
    Membership.objects.get_or_create(user=user, practice=practice, location=None, role=Role.DIRECTOR)
    return user, password


WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "islet", "juniper", "kestrel", "lagoon",
    "maple", "nectar", "otter", "pebble", "quartz", "river", "saffron", "tundra", "umber", "violet", "willow", "zephyr",
)  # fmt: skip


def prepare_clinic(practice: Practice, clinic: Clinic, ports: Ports, director: User) -> None:
    """A location with its connections, its template imported from eCW's export, its mapping published."""
    reader = connection(
        practice, f"{clinic.code} chart (Open API)", ConnectionKind.OPENAPI, reader_settings(clinic, ports)
    )
    sender = connection(practice, f"{clinic.code} notes (HL7)", ConnectionKind.HL7_MLLP, sender_settings(clinic, ports))
    location, _ = Location.objects.update_or_create(
        practice=practice,
        code=clinic.code,
        defaults={
            "name": clinic.name,
            "time_zone": clinic.time_zone,
            "environment": Environment.SANDBOX,
            "unmapped_policy": UnmappedPolicy.CATCH_ALL,
            "reading_connection": reader,
        },
    )
    Route.objects.get_or_create(location=location, part=Part.NOTE, position=1, defaults={"connection": sender})
    if not Template.objects.filter(location=location, code=clinic.template).exists():
        import_template(location, clinic, ports, director)
        publish_mapping(location, clinic, director)
    if not ConnectionState.objects.filter(connection=sender).exclude(profile="").exists():
        probe(sender, location)


def connection(practice: Practice, name: str, kind: ConnectionKind, settings: dict[str, Any]) -> Connection:
    row, _ = Connection.objects.update_or_create(
        practice=practice,
        name=name,
        defaults={"kind": kind, "environment": Environment.SANDBOX, "settings": settings},
    )
    if kind == ConnectionKind.OPENAPI:
        row.set_secrets({"token": SANDBOX_TOKEN})
        row.save()
    return row


def sender_settings(clinic: Clinic, ports: Ports) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": ports.mllp,
        "tls": False,  # the sandbox of this very machine; elsewhere TLS is on
        "sending_application": "SCRIBEPORT",
        "sending_facility": "LAKESIDE",
        "receiving_application": "ECW",
        "receiving_facility": clinic.code,
        "sockets": 2,
    }


def reader_settings(clinic: Clinic, ports: Ports) -> dict[str, Any]:
    return {"base_url": ports.base, "practice_code": "LAKESI", "facility": clinic.code}


def import_template(location: Location, clinic: Clinic, ports: Ports, director: User) -> None:
    """As a director does: download eCW's export, import it."""
    url = f"{ports.base}/sandbox/api/facilities/{clinic.code}/templates/{clinic.template}.csv"
    export = httpx2.get(url).raise_for_status()
    imported = read_file(f"{clinic.template}.csv", export.content)[0]
    save(location, imported, user=director, source=url, code=clinic.template, name=clinic.template_name)


def publish_mapping(location: Location, clinic: Clinic, director: User) -> None:
    template = Template.objects.get(location=location, code=clinic.template)
    lines = [(code, line.field_id) for line in clinic.lines for code in line.sections]
    rules = [RuleSpec(code, field_id, position=place) for place, (code, field_id) in enumerate(lines, start=1)]
    draft = save_rules(start_draft(template, director), rules, clinic.catch_all, director)
    publish(draft, director, reason="Demonstration: sections without a field of their own go under Additional Notes.")
