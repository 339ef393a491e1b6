"""Reason codes of rendering HL7: what a message cannot say as it is. The delivery's problems name the place."""

from delivery.failures.entry import Button, Failure, Owner

WAITS = "The note waits; nothing of it was sent."

FAILURES = (
    Failure(
        "hl7_text_too_long",
        "A field's text is too long for HL7",
        f"An HL7 text field carries 65,536 characters at most, and none is cut in silence. {WAITS}",
        Owner.SCRIBE,
        "Map part of the section to another field, or have the scribe send a shorter section as a new version.",
    ),
    Failure(
        "hl7_document",
        "A document is empty or no Base64",
        f"HL7 carries the bytes of a document, and there are none that could be read. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send the document as a new version.",
    ),
    Failure(
        "hl7_control_character",
        "A control character has no place in HL7",
        f"A text holds a control character that would break the message. None is dropped in silence. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send the note without it as a new version. If a field's name has it, mend the template.",
    ),
    Failure(
        "hl7_lone_surrogate",
        "Half a character cannot be sent",
        f"A text holds half of a two-part character (a lone surrogate), which no encoding can carry. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send the text again as a new version.",
    ),
    Failure(
        "hl7_null_value",
        'A text of two quotation marks means "delete"',
        f"Two quotation marks and nothing else tell an HL7 receiver to delete what it holds. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send words, or leave it empty, as a new version.",
    ),
    Failure(
        "hl7_empty_value",
        "A field would be sent without text",
        f"The mapping made a value without any text for a field. {WAITS}",
        Owner.US,
        "Report it with the delivery's number and the mapping's version.",
    ),
    Failure(
        "hl7_nothing_to_send",
        "No field would be filled",
        f"After the mapping no field is left that has a text. {WAITS}",
        Owner.PRACTICE,
        "Look at the mapping of the note's sections, then release the note.",
    ),
    Failure(
        "hl7_field_twice",
        "A field would be sent twice",
        f"Two values go to the same field, and eCW would keep one of them. {WAITS}",
        Owner.US,
        "Report it with the delivery's number and the mapping's version.",
    ),
    Failure(
        "hl7_patient_missing",
        "The patient's id or family name is missing",
        f"HL7 demands the patient's id and family name (PID-3, PID-5); neither is guessed. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send it as a new version.",
    ),
    Failure(
        "hl7_encounter_missing",
        "The message would name no encounter",
        f"Without the encounter's id nobody can say to which visit the note belongs; it is never guessed. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send the encounter's id as a new version.",
    ),
    Failure(
        "hl7_birth_date",
        "The date of birth cannot be written in HL7",
        f"It is not a date of the form YYYY-MM-DD. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send it as YYYY-MM-DD in a new version, or leave it out.",
    ),
    Failure(
        "hl7_sex",
        "The sex is none that HL7 knows",
        f"It is none of M, F, O and U (HL7 table 0001). {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send one of these, or leave it out, as a new version.",
    ),
    Failure(
        "hl7_facility",
        "The location's name at eCW cannot be sent",
        f"It holds a character that separates parts of an HL7 message, and receivers route by it unescaped. {WAITS}",
        Owner.IT,
        "Correct the name on the location's page as eCW gave it, then release the note.",
        Button.LOCATION,
    ),
    Failure(
        "hl7_note_identity_missing",
        "The note's own identity is missing",
        f"The note or its template has no identity to be found by in the chart. {WAITS}",
        Owner.US,
        "Report it with the delivery's number.",
    ),
    Failure(
        "hl7_control_id",
        "The message's own number is not as it must be",
        f"A control id has 20 letters and digits; this one has not. {WAITS}",
        Owner.US,
        "Report it with the delivery's number.",
    ),
)
