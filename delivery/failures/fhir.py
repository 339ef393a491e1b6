"""Reason codes of FHIR: eCW's own status codes, HTTP's, and what a note lacks for it."""

from delivery.failures.entry import Button, Failure, Owner
from delivery.failures.sending import LOOKED, NOT_SENT

NOT_FILED = "The note was not filed."
WAITS = "The note waits; nothing of it was sent."


def _code(code: str, title: str, happened: str, owner: Owner, todo: str, button: Button = Button.REPLAY) -> Failure:
    """One of eCW's own status codes, as client code that talks to eCW relays them."""
    return Failure(f"ecw_{code}", title, f"eCW answered {code}: {happened} {NOT_FILED}", owner, todo, button)


AGAIN = "then send it as a new delivery."
ECW = (
    _code(
        "100",
        "eCW does not know this patient (100)",
        "the patient id is not valid for this practice.",
        Owner.SCRIBE,
        f"Check with the scribe which of eCW's patient ids it sends (the FHIR id is needed), {AGAIN}",
    ),
    _code(
        "101",
        "eCW does not know this provider (101)",
        "the author is not a valid provider.",
        Owner.SCRIBE,
        f"Check with the scribe which of eCW's provider ids it sends, {AGAIN}",
    ),
    _code(
        "108",
        "eCW cannot take a character (108)",
        "the text holds characters that are not supported.",
        Owner.ECW,
        f"Look for signs other than letters, digits and punctuation; have the scribe leave them out, {AGAIN}",
    ),
    _code(
        "109",
        "The note is too large for eCW (109)",
        "the document is larger than is taken.",
        Owner.SCRIBE,
        "Have the scribe send a shorter note as a new version.",
        Button.NONE,
    ),
    _code(
        "114",
        "eCW does not take this kind of document (114)",
        "the MIME type is not accepted.",
        Owner.IT,
        f"Choose another profile or form of document on the connection, or ask eCW to enable this one, {AGAIN}",
        Button.CONNECTION,
    ),
    _code(
        "123",
        "eCW does not know this encounter (123)",
        "the encounter is not valid.",
        Owner.SCRIBE,
        f"Check with the scribe which of eCW's encounter ids it sends, {AGAIN}",
    ),
    _code(
        "139",
        "The encounter is locked in eCW (139)",
        "the Progress Note is signed and locked; only an addendum may follow.",
        Owner.PRACTICE,
        f"The provider unlocks the note in eCW or adds the text by hand; once unlocked, {AGAIN}",
    ),
    _code(
        "201",
        "eCW found several patients (201)",
        "more than one patient fits. (It is eCW's code, and not HTTP's Created.)",
        Owner.PRACTICE,
        f"Merge the charts in eCW, or have the scribe send the patient's own id, {AGAIN}",
    ),
    _code(
        "202",
        "eCW has this patient already (202)",
        "the patient exists already. (It is eCW's code, and not HTTP's Accepted.)",
        Owner.PRACTICE,
        f"Look in eCW for the patient the note belongs to, {AGAIN}",
    ),
    _code("301", "eCW misses the message header (301)", "MSH is missing.", Owner.US, "Report it to us.", Button.NONE),
    _code(
        "302",
        "eCW does not know a section's name (302)",
        "a section is not in its content table.",
        Owner.IT,
        "Ask eCW by which names sections are called (OBR-4) and choose labels or identifiers on the connection; "
        f"{AGAIN}",
        Button.CONNECTION,
    ),
    _code(
        "303",
        "The encounter is another patient's (303)",
        "the encounter does not belong to this patient. Nobody guesses whose it is.",
        Owner.SCRIBE,
        "Have the scribe send the note again under the right encounter.",
        Button.NONE,
    ),
    _code(
        "304",
        "eCW does not find the encounter (304)",
        "there is no such encounter.",
        Owner.SCRIBE,
        f"Check that the visit exists in eCW and which id the scribe sends, {AGAIN}",
    ),
    _code(
        "305",
        "eCW could not process the note (305)",
        "an exception while processing.",
        Owner.ECW,
        f"Show eCW the time and the control id; {AGAIN}",
    ),
    _code("306", "eCW misses the PROG identifier (306)", "PROG is missing.", Owner.US, "Report it to us.", Button.NONE),
    _code("307", "eCW misses a section (307)", "OBR is missing.", Owner.US, "Report it to us.", Button.NONE),
    _code(
        "308",
        "eCW's interface is not set up (308)",
        "the interface for Clinical Notes is not set up for this practice.",
        Owner.ECW,
        f"Ask eCW to set it up for the practice's code, {AGAIN}",
    ),
    _code(
        "2024",
        "A medication has no RxNorm code (2024)",
        "the RxNorm code is mandatory.",
        Owner.PRACTICE,
        f"Give the drug its RxNorm code in the crosswalk, {AGAIN}",
        Button.DRUGS,
    ),
    _code(
        "2025",
        "eCW does not find a drug's item (2025)",
        "the drug's item, strength or formulation is not found in its drug database.",
        Owner.PRACTICE,
        f"Correct eCW's id, the strength or the formulation in the crosswalk, {AGAIN}",
        Button.DRUGS,
    ),
    _code(
        "2026",
        "A medication's type is missing (2026)",
        "the medication type is missing. Which types there are is not published.",
        Owner.ECW,
        f"Ask eCW which type it expects and write it on the connection, {AGAIN}",
        Button.CONNECTION,
    ),
    _code(
        "2027",
        "A drug code is unknown to eCW (2027)",
        "RxNorm and NDC do not belong to the same drug compendia.",
        Owner.PRACTICE,
        f"Correct the drug's codes in the crosswalk, {AGAIN} The note's text went without it.",
        Button.DRUGS,
    ),
)
HTTP = (
    Failure(
        "fhir_forbidden",
        "eCW does not permit writing (403)",
        f"The token lacks the scope DocumentReference.write, or the practice's contract does. {NOT_FILED}",
        Owner.ECW,
        "Look at the scopes on the connection; ask eCW to enable writing for this practice.",
        Button.CONNECTION,
    ),
    Failure(
        "fhir_bad_request",
        "eCW calls the request wrong",
        f"The server refused the request as such, not for a reason of eCW's own list. {NOT_FILED}",
        Owner.US,
        "Read the server's words with the attempt and report them to us.",
    ),
    Failure(
        "fhir_multiple_matches",
        "eCW found several that fit (412)",
        f"A condition of the request fits more than one thing in the chart. {NOT_FILED}",
        Owner.PRACTICE,
        "Read the server's words with the attempt; put the chart right, then send it as a new delivery.",
        Button.REPLAY,
    ),
    Failure(
        "fhir_too_large",
        "The note is too large to be sent",
        f"It is larger than the server, or this program, takes in one piece. {NOT_FILED}",
        Owner.SCRIBE,
        "Have the scribe send a shorter note as a new version.",
    ),
    Failure(
        "fhir_no_endpoint",
        "There is no FHIR base at this address",
        f"The server knows nothing under the base address, so the connection rests until a person acts. {NOT_SENT}",
        Owner.IT,
        "Check the base address on the connection: it ends with the practice's code.",
        Button.CONNECTION,
    ),
    Failure(
        "fhir_redirected",
        "The server points to another address",
        f"A redirect is never followed: it would carry the token and the note elsewhere. {NOT_FILED}",
        Owner.IT,
        "Ask eCW for the right base address and write it on the connection.",
        Button.CONNECTION,
    ),
    Failure(
        "fhir_busy",
        "eCW was busy and did not take the note",
        f"The server said so before the note's text was sent. {NOT_SENT}",
        Owner.ECW,
        "Nothing to do if it passes; it is tried again by itself.",
    ),
    Failure(
        "fhir_server_error",
        "A server error after the note was sent",
        f"The server answered with an error when it had the note: perhaps it filed it, perhaps not. {LOOKED}",
        Owner.ECW,
        "Wait for the look into the chart. If it comes often, ask eCW.",
        Button.VERIFY,
    ),
    Failure(
        "fhir_contradiction",
        "eCW's answer says yes and no",
        f"HTTP said yes, and the answer within does not say that this note was taken. {LOOKED}",
        Owner.ECW,
        "Wait for the look into the chart; show eCW the answer kept with the attempt.",
        Button.VERIFY,
    ),
    Failure(
        "fhir_unknown_code",
        "eCW answered with an unknown code",
        f"The code is neither success nor one of the refusals that are known. {LOOKED}",
        Owner.US,
        "Wait for the look into the chart; report the code to us.",
        Button.VERIFY,
    ),
    Failure(
        "read_elsewhere",
        "The chart points to another server",
        "A link in the chart leads to another place than the practice's own base, and is not followed.",
        Owner.ECW,
        "Show eCW the document; nothing is read from elsewhere.",
    ),
)
CONTENT = (
    Failure(
        "fhir_document_type",
        "A document would be filed into the note's fields",
        f"It is HL7 text (text/hl7v2), which eCW takes for a note by section and not for a document. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe attach it in another form, as a new version; or cancel this part.",
    ),
    Failure(
        "fhir_author_missing",
        "The note names no provider",
        f"eCW demands an author for every note by FHIR. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send the provider's id as a new version.",
    ),
    Failure(
        "fhir_encounter_missing",
        "The note names no encounter",
        f"eCW demands the encounter for every note by FHIR. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send the encounter's id as a new version.",
    ),
    Failure(
        "fhir_patient_missing",
        "The note names no patient id",
        f"eCW demands the patient's id for every note by FHIR. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send the patient's id as a new version.",
    ),
    Failure(
        "fhir_id",
        "An id is none that FHIR can carry",
        "The patient's, encounter's or provider's id holds other characters than letters, digits, dot, dash and "
        f"underscore, or more than 64. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send eCW's FHIR ids as a new version.",
    ),
    Failure(
        "fhir_invalid",
        "The FHIR document would not be valid",
        f"FHIR's own definitions fault what would be sent. {WAITS}",
        Owner.US,
        "Report it to us with the time.",
    ),
    Failure(
        "fhir_section_name",
        "A field's name cannot name a section",
        f"The label (or identifier) of a field is empty, too long, or has line breaks. {WAITS}",
        Owner.PRACTICE,
        "Look at the template, or choose identifiers instead of labels on the connection.",
        Button.TEMPLATE,
    ),
    Failure(
        "fhir_section_name_twice",
        "Two fields have the same name",
        "Sections are named by their field's label on this connection, and two labels are equal: eCW could not tell "
        f"them apart. {WAITS}",
        Owner.PRACTICE,
        "Choose identifiers instead of labels on the connection, or change a label at eCW and import again.",
        Button.CONNECTION,
    ),
    Failure(
        "pdf_characters",
        "The note has signs the PDF cannot show",
        f"A PDF of this program shows Western letters only; nothing is replaced in silence. {WAITS}",
        Owner.IT,
        "Choose plain text or C-CDA on the connection.",
        Button.CONNECTION,
    ),
    Failure(
        "ccda_both_forms",
        "Assessment and plan stand twice",
        f"A C-CDA Progress Note has them together or apart, and never both; this note has both. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send one form, or choose another form of document on the connection.",
    ),
    Failure(
        "ccda_character",
        "A sign has no place in a C-CDA",
        f"XML cannot carry one of the note's characters. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe leave it out, or choose plain text on the connection.",
    ),
)
FAILURES = ECW + HTTP + CONTENT
