"""Practices, locations, people, connections into eCW, routes, agreements and the scribes' keys."""

import json
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from audit.configuration import Configuration, ConfigurationQuerySet
from portal import crypto
from portal.exports.tables import ExportJob, ExportPiece
from portal.factors.tables import EmergencyAccess, RecoveryCode, SecondFactor
from portal.partner_table import PartnerItem, PartnerState, PartnerStep

__all__ = [
    "Agreement", "AgreementKind", "ApiKey", "Connection", "ConnectionKind", "EmergencyAccess", "Environment",
    "ExportJob", "ExportPiece", "GroupRole", "Location", "Membership", "OAuthGrant", "Part", "PartnerItem",
    "PartnerState", "PartnerStep", "Practice", "RecoveryCode", "Role", "Route", "Scribe", "SecondFactor",
    "SignInAttempt", "UnmappedPolicy", "User",
]  # fmt: skip


class Environment(models.TextChoices):
    """Sandbox and production never mix: a location, its connections and the keys that post to it agree."""

    SANDBOX = "sandbox", "Sandbox"
    PRODUCTION = "production", "Production"


class UnmappedPolicy(models.TextChoices):
    """What becomes of a section that no rule maps."""

    HOLD = "hold", "Hold the note for a person"
    CATCH_ALL = "catch-all", "File it, under its title, in the catch-all field"


class Role(models.TextChoices):
    """What a person may do at a location."""

    DIRECTOR = "director", "IT director"
    MAPPING_EDITOR = "mapping_editor", "Mapping editor"
    OPERATOR = "operator", "Operator"
    AUDITOR = "auditor", "Auditor"
    CLINICIAN = "clinician", "Clinician"
    METADATA_ONLY = "metadata_only", "Metadata only"


class Part(models.TextChoices):
    """The parts a note travels in; each is one delivery."""

    NOTE = "note", "Note sections"
    DIAGNOSES = "diagnoses", "Diagnoses"
    MEDICATIONS = "medications", "Medications"
    ALLERGIES = "allergies", "Allergies"
    IMMUNIZATIONS = "immunizations", "Immunizations"
    OBSERVATIONS = "observations", "Observations"
    ATTACHMENTS = "attachments", "Documents"


class ConnectionKind(models.TextChoices):
    """The ways into (and out of) an eCW system."""

    HL7_MLLP = "hl7", "HL7 v2 over MLLP"
    OPENAPI = "openapi", "Open API"
    FHIR = "fhir", "FHIR R4"
    CCDA_FOLDER = "ccda-folder", "C-CDA to a folder"
    CCDA_SFTP = "ccda-sftp", "C-CDA by SFTP"


class Practice(Configuration):
    """A practice (tenant): owns locations, people and agreements."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.code


class Location(Configuration):
    """One site of a practice: its own templates, mappings, connections and policies."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="locations")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=60, default="America/New_York")
    environment = models.CharField(max_length=12, choices=Environment, default=Environment.SANDBOX)
    unmapped_policy = models.CharField(max_length=12, choices=UnmappedPolicy, default=UnmappedPolicy.HOLD)
    reading_connection = models.ForeignKey(
        "Connection", on_delete=models.PROTECT, null=True, blank=True, related_name="read_for"
    )
    # How eCW calls this location: MSH-6 and the Open API's facility. Empty: what the connection says.
    facility = models.CharField(max_length=180, blank=True, default="", db_default="")
    # Whoever holds a role here is signed out after so many idle minutes (portal/idle.py).
    idle_minutes = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(2), MaxValueValidator(30)]
    )
    # Whether a part that its way refuses, or cannot take for so long, goes by the next one (delivery/fallback.py).
    fallback = models.BooleanField(default=False, db_default=False)
    fallback_minutes = models.PositiveSmallIntegerField(
        default=30, db_default=30, validators=[MinValueValidator(5), MaxValueValidator(720)]
    )
    # Whether every note waits until a clinician has looked at it (delivery/reviewing.py).
    review_first = models.BooleanField(default=False, db_default=False)
    # Somebody learns here (delivery/learning/): seen by nobody else, in no figure, and never production.
    for_learning = models.BooleanField(default=False, db_default=False)
    # Production sending stays locked until the roll-out's gates open it; others write it through portal.
    locked_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "code"], name="location_code_per_practice"),
            models.CheckConstraint(
                condition=Q(for_learning=False) | Q(environment="sandbox"), name="nobody_learns_in_production"
            ),
        ]
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class People(UserManager.from_queryset(ConfigurationQuerySet)):  # type: ignore[misc]  # a class made at run time
    """Django's manager of users, over a queryset that records bulk writes."""

    use_in_migrations = False


class User(Configuration, AbstractUser):
    """A person who signs in. (Custom from the first migration: it cannot be added later without pain.)"""

    # The identity provider's (issuer, subject); empty for local accounts.
    oidc_issuer = models.CharField(max_length=255, blank=True)
    oidc_subject = models.CharField(max_length=255, blank=True)
    # Set while the password is one that somebody else chose: it ends then, and is replaced at the first sign-in.
    one_time_until = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = People()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["oidc_issuer", "oidc_subject"],
                condition=~Q(oidc_subject=""),
                name="one_user_per_oidc_subject",
            )
        ]


class SignInAttempt(models.Model):
    """One try to sign in with a local account (portal/signin.py slows down by counting them)."""

    account = models.CharField(max_length=32)  # blind index of what was typed
    source = models.CharField(max_length=45)
    at = models.DateTimeField()
    ok = models.BooleanField()

    class Meta:
        indexes = [
            models.Index(fields=["account", "at"], name="signin_account"),
            models.Index(fields=["source", "at"], name="signin_source"),
        ]

    def __str__(self) -> str:
        return f"{self.account[:8]} {'ok' if self.ok else 'failed'}"


class Membership(Configuration):
    """A person's role at one location, or at every location of the practice when `location` is empty."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="memberships")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)

    class Meta:
        # Two, as an empty location equals no other: SQLite has no "nulls not distinct", and PostgreSQL only since 15.
        constraints = [
            models.UniqueConstraint(fields=["user", "practice", "location", "role"], name="role_once"),
            models.UniqueConstraint(
                fields=["user", "practice", "role"], condition=Q(location=None), name="role_once_everywhere"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user.username}, {self.role} at {self.location.code if self.location else 'every location'}"


class GroupRole(Configuration):
    """What a group of the identity provider stands for here: a role at one location, or at all of the practice."""

    practice = models.ForeignKey(Practice, on_delete=models.CASCADE, related_name="group_roles")
    group = models.CharField(max_length=200)  # as the provider's claim spells it
    location = models.ForeignKey(Location, on_delete=models.CASCADE, null=True, blank=True, related_name="group_roles")
    role = models.CharField(max_length=20, choices=Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "group", "location", "role"], name="group_role_once"),
            models.UniqueConstraint(
                fields=["practice", "group", "role"], condition=Q(location=None), name="group_role_once_everywhere"
            ),
        ]
        ordering = ["group", "role"]

    def __str__(self) -> str:
        return f"{self.role} at {self.location.code if self.location else 'every location'}"


class Connection(Configuration):
    """One way to reach an eCW system of one environment. Secrets are sealed; settings are not secret.

    `settings` for HL7: host, port, tls (bool), server_name, ca_pem, sending_application, sending_facility,
    receiving_application, receiving_facility, version, processing_id, ack_seconds, sockets, ack_mode.
    For the Open API: base_url, practice_code, settle_seconds. `secrets`: token, client_key_pem, client_cert_pem.
    For FHIR: docs/channels/fhir.md. `secrets`: client_secret, signing_key_pem; its tokens are in OAuthGrant.
    For C-CDA to a folder or by SFTP: docs/channels/ccda.md. `secrets`: password, private_key.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="connections")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=ConnectionKind)
    environment = models.CharField(max_length=12, choices=Environment)
    settings = models.JSONField(default=dict, blank=True)
    sealed_secrets = models.BinaryField(null=True, blank=True)
    secrets_set_at = models.JSONField(default=dict, blank=True)  # name of a secret -> ISO time: all that is shown of it
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Raised by every change: workers that hold an open client compare it and reconnect.
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "name"], name="connection_name_per_practice")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def secrets(self) -> dict[str, str]:
        """The opened secrets; never shown, logged or put into an exception."""
        if not self.sealed_secrets:
            return {}
        plain = crypto.unseal(self.sealed_secrets, table="connection", column="secrets", row=self.pk)
        opened: dict[str, str] = json.loads(plain)
        return opened

    def set_secrets(self, values: dict[str, Any]) -> None:
        """Seal the secrets for this row; the row must have been saved once (its key is in the AAD)."""
        if self.pk is None:
            raise ValueError("save the connection before sealing its secrets")
        self.sealed_secrets = crypto.seal(
            json.dumps(values).encode(), table="connection", column="secrets", row=self.pk
        )


class OAuthGrant(models.Model):
    """What an authorization server has granted a connection: tokens, sealed, and whose turn it is to renew them.

    Written by portal/tokens.py alone. `generation` rises with every token stored; `renewing_until` is compared with
    the database's clock only.
    """

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="grant")
    sealed_tokens = models.BinaryField(null=True, blank=True)  # JSON: access_token, refresh_token
    expires_at = models.DateTimeField(null=True, blank=True)  # of the access token
    scopes = models.JSONField(default=list)  # granted, as the server said
    generation = models.PositiveBigIntegerField(default=0)
    granted_at = models.DateTimeField(null=True, blank=True)  # when a person (or the first call) obtained it
    renewed_at = models.DateTimeField(null=True, blank=True)
    renewing_by = models.CharField(max_length=150, blank=True)
    renewing_until = models.DateTimeField(null=True, blank=True)
    # Why there is no token, and when it may be asked for again by itself; no time: a person has to connect.
    trouble = models.CharField(max_length=60, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.connection_id}, generation {self.generation}"


class Route(Configuration):
    """By which connection one part of a location's notes travels; lower `position` is tried first."""

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="routes")
    part = models.CharField(max_length=20, choices=Part)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="routes")
    position = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "part", "position"], name="route_position_once")]
        ordering = ["location", "part", "position"]

    def __str__(self) -> str:
        return f"{self.part} by {self.connection.name}"


class AgreementKind(models.TextChoices):
    """Contracts that must stand before patient data flows (45 CFR 164.502(e), 164.504(e))."""

    BAA_SCRIBE = "baa_scribe", "Business associate agreement with the scribe vendor"
    BAA_ECW = "baa_ecw", "Business associate agreement with eClinicalWorks"


class Agreement(Configuration):
    """A signed agreement of a practice; production sends nothing without the active ones."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="agreements")
    scribe = models.ForeignKey("Scribe", on_delete=models.PROTECT, null=True, blank=True, related_name="agreements")
    kind = models.CharField(max_length=20, choices=AgreementKind)
    party = models.CharField(max_length=200)
    signed_on = models.DateField()
    expires_on = models.DateField(null=True, blank=True)
    document_sha256 = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} with {self.party}"


class Scribe(Configuration):
    """An AI scribe vendor that posts notes for a practice."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="scribes")
    name = models.CharField(max_length=100)
    # Ours, for certification and practice mode: it posts invented notes, and nobody makes a key for it.
    synthetic = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "name"], name="scribe_name_per_practice")]

    def __str__(self) -> str:
        return self.name


class ApiKey(Configuration):
    """A scribe's bearer key: shown once, kept as prefix and HMAC, bound to one environment."""

    SCOPES: ClassVar[tuple[str, ...]] = ("notes:write", "notes:read")

    scribe = models.ForeignKey(Scribe, on_delete=models.CASCADE, related_name="keys")
    prefix = models.CharField(max_length=12, unique=True)
    mac = models.CharField(max_length=64)
    environment = models.CharField(max_length=12, choices=Environment)
    scopes = models.JSONField(default=list)
    # Empty: every location of the practice in this environment.
    locations = models.ManyToManyField(Location, blank=True, related_name="api_keys")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.prefix
