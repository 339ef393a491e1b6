"""The shape of a posted note (the OpenAPI schema is made from this) and of what is answered.

Strict: a number is not a string, an unknown key is a mistake to be named, not ignored. What is validated here is used
as posted (delivery/posted.py), never as coerced.
"""

import re
import unicodedata
from datetime import datetime
from typing import Any

from rest_framework import serializers

from delivery.documents import CONTENT_TYPE, decoded
from delivery.posted import FORBIDDEN, NOT_IN_ONE_LINE, Wrong

MOST_VERSIONS = 1_000_000
LOINC = r"^\d{1,7}-\d\Z"
DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
LISTS = ("sections", "diagnoses", "medications", "allergies", "immunizations", "observations", "attachments")
WITH_OFFSET = re.compile(r"[T ]\d{2}:?\d{2}.*(?:Z|[+-]\d{2}(?::?\d{2})?)\Z", re.IGNORECASE)


class Text(serializers.CharField):
    """A JSON string and nothing else. Characters are judged elsewhere, with their place."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(**options)
        # DRF's own check for NUL and surrogates gives no position; posted.forbidden_characters does.
        self.validators = [check for check in self.validators if "Prohibit" not in type(check).__name__]

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.")
        return data

    def run_validation(self, data: Any = serializers.empty) -> Any:
        # A string of forbidden characters only is not "blank": it is reported with its place.
        if isinstance(data, str) and FORBIDDEN.search(data):
            return data
        return super().run_validation(data)


class OneLine(Text):
    """An id or a name. `what` is what is asked for, where a blank stands; "" may be said where it is not needed.

    What looks blank is refused: spaces and characters without a shape are no id and no name. (The control characters
    among them are reported by posted.forbidden_characters, with their place.)
    """

    def __init__(self, what: str, maximum: int, *, needed: bool = True, **options: Any) -> None:
        self.blank = f"Is blank. Give {what}, or leave it out." if not needed else f"Is blank. Give {what}."
        super().__init__(max_length=maximum, error_messages={"blank": self.blank}, **options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text and all(unicodedata.category(character)[0] in "ZC" for character in text):
            raise serializers.ValidationError(self.blank)
        return text

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and NOT_IN_ONE_LINE.search(data):
            return data
        return super().run_validation(data)


class Identifier(OneLine):
    """An id as another system knows it: a space before or after it would make it another one."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text != text.strip():
            raise serializers.ValidationError("Begins or ends with a space; remove it.")
        return text


class Pattern(serializers.RegexField):
    """Text of one form; not trimmed first, as it is used as posted."""

    def __init__(self, regex: str, **options: Any) -> None:
        super().__init__(regex, trim_whitespace=False, **options)


class Choice(serializers.ChoiceField):
    """One of a few words. The answer lists them and repeats nothing that was posted: it may be a patient's name."""

    def __init__(self, choices: list[str], **options: Any) -> None:
        super().__init__(
            choices, error_messages={"invalid_choice": f"Must be one of: {', '.join(choices)}."}, **options
        )


class WholeNumber(serializers.IntegerField):
    """A JSON integer, not a string or a boolean."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("Must be a whole number.")
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """ISO 8601 with an offset: a time without one is ambiguous between locations."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise serializers.ValidationError("Must be a string in ISO 8601 with an offset.")
        moment = super().to_internal_value(value)
        if not WITH_OFFSET.search(value):
            raise serializers.ValidationError("Needs a time and an offset such as -05:00 or Z.")
        try:
            datetime.fromisoformat(value)  # used as posted, so it must be readable as posted
        except ValueError:
            raise serializers.ValidationError("Must be ISO 8601, such as 2026-03-19T10:15:00-05:00.") from None
        return moment


class Day(serializers.DateField):
    """YYYY-MM-DD and nothing looser: it is sent on as posted."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not DAY.fullmatch(value):
            raise serializers.ValidationError("Must be a date as YYYY-MM-DD.")
        return super().to_internal_value(value)


class Strict(serializers.Serializer):
    """Refuses keys it does not know, naming them."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = data.keys() - self.fields.keys()
            if unknown:
                raise serializers.ValidationError({sorted(unknown)[0]: "Unknown field; see /api/v1/schema."})
        return super().to_internal_value(data)


def optional(maximum: int) -> Text:
    return Text(max_length=maximum, required=False, allow_blank=True, allow_null=True)


def name(what: str) -> OneLine:
    return OneLine(what, 120, needed=False, required=False, allow_blank=True, allow_null=True)


class PatientSerializer(Strict):
    id = Identifier("the patient's id at eCW", 80)
    family = name("the family name")
    given = name("the given name")
    birth_date = Day(required=False, allow_null=True)
    sex = Choice(["M", "F", "O", "U"], required=False, allow_null=True, allow_blank=True)


class EncounterSerializer(Strict):
    id = Identifier("the encounter's id at eCW", 80)
    start = Moment(required=False, allow_null=True)


class ProviderSerializer(Strict):
    id = Identifier("the provider's id at eCW", 80, needed=False, required=False, allow_null=True)
    npi = Pattern(r"^[0-9]{10}\Z", required=False, allow_blank=True, allow_null=True)
    family = name("the family name")
    given = name("the given name")


class SectionSerializer(Strict):
    code = Pattern(r"^[a-z][a-z0-9_]{0,59}\Z", required=False, allow_null=True, allow_blank=True)
    title = optional(200)
    text = Text(allow_blank=True, max_length=1_000_000)


class DiagnosisSerializer(Strict):
    system = Choice(["icd-10-cm", "snomed-ct"])
    code = Text(max_length=20)
    text = optional(500)


class MedicationSerializer(Strict):
    text = Text(max_length=500)
    rxcui = optional(20)
    ndc = optional(20)


class AllergySerializer(Strict):
    text = Text(max_length=500)
    reaction = optional(500)


class ImmunizationSerializer(Strict):
    cvx = Text(max_length=10)
    date = Day(required=False, allow_null=True)
    text = optional(500)


class ObservationSerializer(Strict):
    loinc = Pattern(LOINC)
    value = serializers.JSONField()
    unit = optional(40)
    at = Moment(required=False, allow_null=True)

    def validate_value(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise serializers.ValidationError("Must be a number or a string.")
        return value


class AttachmentSerializer(Strict):
    content_type = Text(max_length=100)
    title = optional(200)
    data = Text(max_length=7_000_000)  # type: ignore[assignment]

    def validate_content_type(self, value: str) -> str:
        if not CONTENT_TYPE.fullmatch(value.lower()):
            raise serializers.ValidationError("Must be a media type, such as application/pdf.")
        return value

    def validate_data(self, value: str) -> str:
        try:
            content = decoded(value)
        except ValueError:
            raise serializers.ValidationError("Must be Base64.") from None
        if not content:
            raise serializers.ValidationError("The document is empty.")
        return value


def rows(kind: type[Strict], at_most: int) -> Any:
    """An optional list of one kind of entry."""
    options: dict[str, Any] = {"many": True, "required": False, "max_length": at_most}
    return kind(**options)


class NoteSerializer(Strict):
    """What a scribe posts (the contract is documented field by field in /api/v1/schema)."""

    source_note_id = Identifier("your id of the note", 200)
    version = WholeNumber(
        min_value=1,
        max_value=MOST_VERSIONS,
        help_text="a higher one takes the earlier one's place; what it leaves out is withdrawn",
    )
    location = Identifier("the location's code", 40)
    template = optional(60)
    visit_type = Choice(["in_person", "telehealth"], required=False)
    patient = PatientSerializer()
    encounter = EncounterSerializer()
    provider = ProviderSerializer(required=False, allow_null=True)
    sections = rows(SectionSerializer, 200)
    diagnoses = rows(DiagnosisSerializer, 200)
    medications = rows(MedicationSerializer, 200)
    allergies = rows(AllergySerializer, 200)
    immunizations = rows(ImmunizationSerializer, 200)
    observations = rows(ObservationSerializer, 500)
    attachments = rows(AttachmentSerializer, 20)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not any(attrs.get(name) for name in LISTS):
            raise serializers.ValidationError({"sections": "The note is empty: it has no section and no entry."})
        return attrs


class ReasonSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    todo = serializers.CharField(help_text="what puts it right, and who can")


class SectionOutcomeSerializer(serializers.Serializer):
    index = serializers.IntegerField()
    code = serializers.CharField(allow_blank=True)
    field_id = serializers.CharField(allow_blank=True)
    outcome = serializers.CharField(
        help_text="verified, missing, moved, altered, duplicated (read back), or empty: the note has no text for it"
    )


class SuggestionSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="a billable ICD-10-CM code")
    text = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the posted note")
    message = serializers.CharField()
    suggestions = SuggestionSerializer(
        many=True,
        required=False,
        help_text="of a diagnosis that is held: codes that may have been meant; none is chosen",
    )
    more_suggestions = serializers.IntegerField(required=False, help_text="how many more there are")


class ProblemsSerializer(serializers.Serializer):
    problems = ProblemSerializer(many=True)


class DeliverySerializer(serializers.Serializer):
    id = serializers.IntegerField()
    part = serializers.CharField()
    state = serializers.CharField()
    state_label = serializers.CharField()
    proof = serializers.CharField(allow_blank=True)
    reason = ReasonSerializer(allow_null=True)
    replaces = serializers.IntegerField(
        allow_null=True, help_text="the delivery by another way in whose place this one goes"
    )
    problems = ProblemSerializer(many=True)
    sections = SectionOutcomeSerializer(many=True)
    updated_at = serializers.DateTimeField()


class NoteAnswerSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    source_note_id = serializers.CharField()
    version = serializers.IntegerField()
    location = serializers.CharField()
    received_at = serializers.DateTimeField()
    retract_requested_at = serializers.DateTimeField(allow_null=True)
    deliveries = DeliverySerializer(many=True)


def flat(errors: Any, pointer: str = "") -> list[Wrong]:
    """DRF's nested errors as a list of (JSON pointer, message)."""
    if isinstance(errors, dict):
        rows = []
        for key, inner in errors.items():
            own = key == "non_field_errors"
            step = "" if own else f"/{str(key).replace('~', '~0').replace('/', '~1')}"
            rows += flat(inner, pointer + step)
        return rows
    if isinstance(errors, list):
        if errors and all(isinstance(item, dict) for item in errors):
            return [wrong for place, item in enumerate(errors) for wrong in flat(item, f"{pointer}/{place}")]
        return [wrong for item in errors for wrong in flat(item, pointer)]
    return [Wrong(pointer, str(errors))]
