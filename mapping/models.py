"""Templates as imported, and the mappings from scribe sections to their fields."""

from django.db import models
from django.db.models import Q

from audit.configuration import Configuration
from portal.models import Location, Practice, User


class Template(Configuration):
    """A Progress Note template of one location. Its fields live in versions, which never change."""

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="templates")
    code = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    specialty = models.CharField(max_length=100, blank=True)
    # The visit types for which this is the location's default, such as ["in_person", "telehealth"].
    default_for = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "code"], name="template_code_per_location")]
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class TemplateVersion(Configuration):
    """One import of a template: immutable, numbered, fingerprinted over its fields."""

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)  # sha256 of the fields, mapping/importers says how
    source = models.CharField(max_length=200)  # the file's name, or where it was discovered
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="template_version_once")]
        ordering = ["template", "-number"]

    def __str__(self) -> str:
        return f"{self.template.code} v{self.number}"


class FieldKind(models.TextChoices):
    """What a field takes; structured fields take coded entries, not dictated text."""

    FREE_TEXT = "free_text", "Free text"
    STRUCTURED = "structured", "Structured"


class Field(models.Model):
    """One field of a template version. Its identity is `field_id` (OBX-3), never its label."""

    version = models.ForeignKey(TemplateVersion, on_delete=models.CASCADE, related_name="fields")
    field_id = models.CharField(max_length=80)
    label = models.CharField(max_length=200)
    position = models.PositiveIntegerField()  # 1-based: the order OBX segments must follow
    kind = models.CharField(max_length=20, choices=FieldKind, default=FieldKind.FREE_TEXT)
    max_length = models.PositiveIntegerField(null=True, blank=True)  # characters; empty: no known limit
    required = models.BooleanField(default=False)
    group = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "field_id"], name="field_id_once_per_version"),
            models.UniqueConstraint(fields=["version", "position"], name="position_once_per_version"),
        ]
        ordering = ["version", "position"]

    def __str__(self) -> str:
        return self.field_id


class MappingState(models.TextChoices):
    """A draft is edited, a published version never; publishing another retires it."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"
    RETIRED = "retired", "Retired"


class MappingVersion(Configuration):
    """The rules that carry a scribe's sections into one template version's fields."""

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="mappings")
    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="mappings")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=MappingState, default=MappingState.DRAFT)
    # The field that takes unmapped sections under their titles, where the location's policy is catch-all.
    catch_all_field_id = models.CharField(max_length=80, blank=True)
    based_on = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # The practice default from which its rows marked as inherited are; None: it follows none.
    follows = models.ForeignKey("PracticeDefault", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    publish_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="mapping_number_once"),
            models.UniqueConstraint(fields=["template"], condition=Q(state="draft"), name="one_draft_per_template"),
            models.UniqueConstraint(
                fields=["template"], condition=Q(state="published"), name="one_published_mapping_per_template"
            ),
        ]
        ordering = ["template", "-number"]

    def __str__(self) -> str:
        return f"{self.template.code} mapping {self.number}"


class PracticeDefault(Configuration):
    """What a practice's locations share: some sections of a mapping that is in force at one of them, by field id.

    Never changed. A newer one takes its place and is proposed to the locations that follow; nothing goes live by it.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+")
    template_code = models.CharField(max_length=60, blank=True)  # "": for every template that has none of its own
    number = models.PositiveIntegerField()
    # A published mapping never changes, so its rules are not copied.
    taken_from = models.ForeignKey(MappingVersion, on_delete=models.PROTECT, related_name="+")
    sections = models.JSONField(default=list)  # the codes of the sections that are shared
    reason = models.CharField(max_length=200)
    published_at = models.DateTimeField(auto_now_add=True)
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "template_code", "number"], name="practice_default_once")
        ]
        ordering = ["practice", "template_code", "-number"]

    def __str__(self) -> str:
        return f"practice default {self.number}" + (f" for {self.template_code}" if self.template_code else "")


class Rehearsal(models.Model):
    """What a replay over stored notes found: of exactly this draft, against that mapping in force."""

    mapping = models.ForeignKey(MappingVersion, on_delete=models.CASCADE, related_name="rehearsals")
    fingerprint = models.CharField(max_length=16)  # publishing.fingerprint of the draft as it was
    in_force = models.ForeignKey(MappingVersion, on_delete=models.PROTECT, null=True, related_name="+")
    notes = models.PositiveIntegerField()  # how many were replayed; of none it does not count (going_live.py)
    # One per note that would come out otherwise: its id; section codes changed, lost, and caught by the catch-all
    # field; reason codes that hold it. Rows of before `caught` was told apart lack it: there it counts as changed.
    findings = models.JSONField(default=list)
    rehearsed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    rehearsed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.mapping}, {self.notes} notes"

    def count(self, kind: str) -> int:
        """How many notes have something changed, lost, caught or blocked."""
        return sum(bool(finding.get(kind)) for finding in self.findings)

    @property
    def changed_notes(self) -> int:
        return self.count("changed")

    @property
    def lost_notes(self) -> int:
        return self.count("lost")

    @property
    def caught_notes(self) -> int:
        return self.count("caught")

    @property
    def blocked_notes(self) -> int:
        return self.count("blocked")


class PublishRequest(models.Model):
    """A person asks that somebody else publish exactly this draft, which nobody rehearsed."""

    mapping = models.ForeignKey(MappingVersion, on_delete=models.CASCADE, related_name="requests")
    fingerprint = models.CharField(max_length=16)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    asked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.mapping}, asked by {self.asked_by.username}"


class RuleKind(models.TextChoices):
    """How a section's text becomes (part of) a field's value; mapping/rules.py carries them out."""

    COPY = "copy", "Copy"
    SPLIT = "split", "Split by heading"


class Rule(models.Model):
    """One line of a mapping: this section goes to this field, so. Two rules with one field join, in `position` order.

    `settings`: prefix (text before), separator (between joined sections), default (text when the section is missing
    or empty), limit (characters; "refuse" or "truncate" in `limit_action`), heading (for split: the heading whose
    text is taken).
    """

    mapping = models.ForeignKey(MappingVersion, on_delete=models.CASCADE, related_name="rules")
    section_code = models.CharField(max_length=60)
    field_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=RuleKind, default=RuleKind.COPY)
    settings = models.JSONField(default=dict, blank=True)
    position = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["mapping", "position", "pk"]

    def __str__(self) -> str:
        return f"{self.section_code} to {self.field_id}"


class ColumnMeaning(models.TextChoices):
    """What a column of a template list holds; the names are importers/headers.py's."""

    FIELD_ID = "id", "Field identifier"
    LABEL = "label", "Label"
    ORDER = "order", "Order"
    KIND = "kind", "Type"
    MAX_LENGTH = "max_length", "Length in characters"
    REQUIRED = "required", "Required"
    GROUP = "group", "Group"
    TEMPLATE = "template", "Template's name"
    TEMPLATE_CODE = "template_code", "Template's code"
    LOCATION = "location", "Site"
    SPECIALTY = "specialty", "Specialty"


class ColumnName(Configuration):
    """What the people of a practice said a column header means, so that they are asked once; "" for none of these."""

    practice = models.ForeignKey(Practice, on_delete=models.CASCADE, related_name="+")
    header = models.CharField(max_length=200)  # as importers.headers.words has it
    meaning = models.CharField(max_length=20, choices=ColumnMeaning, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "header"], name="column_named_once_per_practice")]
        ordering = ["practice", "header"]

    def __str__(self) -> str:
        return self.header


class DiagnosisList(Configuration):
    """An ICD-10-CM list a practice uploaded, for diagnoses from a day on; never changed, only taken away."""

    practice = models.ForeignKey(Practice, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    in_force_from = models.DateField()
    records = models.BinaryField()  # codes.icd10.CodeList's, compressed
    codes = models.PositiveIntegerField()
    billable = models.PositiveIntegerField()
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-in_force_from", "-pk"]

    def __str__(self) -> str:
        return self.name


class CrosswalkDrug(Configuration):
    """A drug code of a practice's notes, and the drug of eCW's own database that a person says it is."""

    practice = models.ForeignKey(Practice, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=60)  # codes.drugs.DrugCode's key, or its pair
    ndc_written = models.CharField(max_length=20, blank=True)
    ndc11 = models.CharField(max_length=11, blank=True)
    rxcui = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=200)
    ecw_id = models.CharField(max_length=40)
    strength = models.CharField(max_length=80, blank=True)
    formulation = models.CharField(max_length=80, blank=True)
    verified_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    verified_at = models.DateTimeField()
    source = models.CharField(max_length=200, blank=True)  # the file it came from, "by hand" or "the workbench"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "key"], name="drug_key_once_per_practice")]
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.key
