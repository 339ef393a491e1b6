"""The fixed cast of the tests: one practice with two different clinics, its people, and a stranger's practice.

NORTH (template FM-PROGRESS) and SOUTH (template SM-VISIT) have different field ids and a different order. Dana directs
the whole practice; Mel edits NORTH's mappings; Omar operates NORTH; Ava audits; Sam belongs to another practice.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from mapping.models import Field, MappingVersion, Rule, Template, TemplateVersion
from portal.models import (
    Connection,
    Environment,
    Location,
    Membership,
    Part,
    Practice,
    Role,
    Route,
    Scribe,
    User,
)

NORTH_FIELDS = [
    ("NF-01", "Chief Complaint", 500),
    ("NF-02", "HPI", 12000),
    ("NF-03", "ROS", 12000),
    ("NF-04", "Examination", 12000),
    ("NF-05", "Assessment", 12000),
    ("NF-06", "Treatment Plan", 12000),
    ("NF-07", "Notes", None),
]
SOUTH_FIELDS = [
    ("S.100", "Reason for Appointment", 500),
    ("S.300", "Physical Exam", 12000),
    ("S.200", "History of Present Illness", 12000),
    ("S.400", "Assessment / Plan", 12000),
    ("S.900", "Additional Notes", None),
]
NORTH_RULES = [
    ("chief_complaint", "NF-01"),
    ("history_of_present_illness", "NF-02"),
    ("review_of_systems", "NF-03"),
    ("physical_exam", "NF-04"),
    ("assessment", "NF-05"),
    ("plan", "NF-06"),
]
SOUTH_RULES = [
    ("chief_complaint", "S.100"),
    ("physical_exam", "S.300"),
    ("history_of_present_illness", "S.200"),
    ("assessment", "S.400"),
    ("plan", "S.400"),
    ("assessment_and_plan", "S.400"),
]


@dataclass
class Cast:
    practice: Practice
    north: Location
    south: Location
    elsewhere: Location
    hl7: Connection
    reader: Connection
    scribe: Scribe
    dana: User
    mel: User
    omar: User
    ava: User
    sam: User
    north_mapping: MappingVersion
    south_mapping: MappingVersion


def make_template(location: Location, code: str, name: str, fields: list, default_for=("in_person", "telehealth")):
    template = Template.objects.create(location=location, code=code, name=name, default_for=list(default_for))
    version = TemplateVersion.objects.create(template=template, number=1, fingerprint="0" * 64, source="cast")
    Field.objects.bulk_create(
        Field(version=version, field_id=field_id, label=label, position=place, max_length=limit)
        for place, (field_id, label, limit) in enumerate(fields, start=1)
    )
    return version


def publish(version: TemplateVersion, rules: list, catch_all: str = "") -> MappingVersion:
    mapping = MappingVersion.objects.create(
        template=version.template,
        template_version=version,
        number=1,
        state="published",
        catch_all_field_id=catch_all,
        published_at=timezone.now(),
    )
    Rule.objects.bulk_create(
        Rule(mapping=mapping, section_code=code, field_id=field_id, position=place)
        for place, (code, field_id) in enumerate(rules, start=1)
    )
    return mapping


def make_cast() -> Cast:
    practice = Practice.objects.create(code="lakeside", name="Lakeside Family Medicine")
    other = Practice.objects.create(code="harbor", name="Harbor Pediatrics")
    hl7 = Connection.objects.create(
        practice=practice,
        name="eCW sandbox HL7",
        kind="hl7",
        environment=Environment.SANDBOX,
        settings={"host": "127.0.0.1", "port": 1, "receiving_facility": "NORTH", "sockets": 2},
    )
    reader = Connection.objects.create(
        practice=practice,
        name="eCW sandbox Open API",
        kind="openapi",
        environment=Environment.SANDBOX,
        settings={"base_url": "http://127.0.0.1:1", "practice_code": "LAKESI", "facility": "NORTH"},
    )
    reader.set_secrets({"token": "sandbox-token"})
    reader.save()
    north = Location.objects.create(practice=practice, code="NORTH", name="North Clinic", reading_connection=reader)
    south = Location.objects.create(practice=practice, code="SOUTH", name="South Clinic", reading_connection=reader)
    elsewhere = Location.objects.create(practice=other, code="NORTH", name="Harbor North")
    for location in (north, south):
        Route.objects.create(location=location, part=Part.NOTE, connection=hl7)
    north_mapping = publish(
        make_template(north, "FM-PROGRESS", "Family Medicine Progress Note", NORTH_FIELDS), NORTH_RULES
    )
    south_mapping = publish(make_template(south, "SM-VISIT", "Sports Medicine Visit", SOUTH_FIELDS), SOUTH_RULES)

    def person(name: str, role: str, where: Location | None, of: Practice = practice) -> User:
        user = User.objects.create_user(username=name, email=f"{name}@example.org", password="correct-horse-battery")
        Membership.objects.create(user=user, practice=of, location=where, role=role)
        return user

    return Cast(
        practice=practice,
        north=north,
        south=south,
        elsewhere=elsewhere,
        hl7=hl7,
        reader=reader,
        scribe=Scribe.objects.create(practice=practice, name="Murmur Scribe"),
        dana=person("dana", Role.DIRECTOR, None),
        mel=person("mel", Role.MAPPING_EDITOR, north),
        omar=person("omar", Role.OPERATOR, north),
        ava=person("ava", Role.AUDITOR, None),
        sam=person("sam", Role.DIRECTOR, None, of=other),
        north_mapping=north_mapping,
        south_mapping=south_mapping,
    )


def has_the_installation_alone(cast: Cast) -> None:
    """Take the stranger's practice away: Lakeside is the only one."""
    cast.sam.memberships.all().delete()
    Location.objects.filter(practice=cast.elsewhere.practice).delete()
    Practice.objects.exclude(pk=cast.practice.pk).delete()
