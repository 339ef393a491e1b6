"""Reason codes of writing over the Open API (an assumed interface)."""

from delivery.failures.entry import Button, Failure, Owner
from delivery.failures.fhir import NOT_FILED, WAITS
from delivery.failures.sending import LOOKED, NOT_SENT

FAILURES = (
    Failure(
        "openapi_forbidden",
        "The Open API does not permit writing (403)",
        f"The token may not write Progress Notes of this practice. {NOT_FILED}",
        Owner.ECW,
        "Ask eCW to enable writing for the practice's code, then send it as a new delivery.",
        Button.CONNECTION,
    ),
    Failure(
        "openapi_not_found",
        "The Open API knows no such place (404)",
        f"The practice's code, the facility or the encounter is unknown there. {NOT_FILED}",
        Owner.IT,
        "Read the server's words with the attempt, and put right the connection or the scribe's encounter id.",
        Button.CONNECTION,
    ),
    Failure(
        "openapi_too_large",
        "The note is too large for the Open API",
        f"It is larger than is taken in one piece. {NOT_FILED}",
        Owner.SCRIBE,
        "Have the scribe send a shorter note as a new version.",
    ),
    Failure(
        "openapi_bad_request",
        "The Open API calls the request wrong",
        f"The server refused the request as such, or a field of it. {NOT_FILED}",
        Owner.US,
        "Read the server's words with the attempt; compare the template with eCW's, and report it to us.",
    ),
    Failure(
        "openapi_redirected",
        "The Open API points to another address",
        f"A redirect is never followed: it would carry the token and the note elsewhere. {NOT_FILED}",
        Owner.IT,
        "Ask eCW for the right base address and write it on the connection.",
        Button.CONNECTION,
    ),
    Failure(
        "openapi_busy",
        "The Open API was busy and did not take the note",
        f"The server said so before the note's text was sent. {NOT_SENT}",
        Owner.ECW,
        "Nothing to do if it passes; it is tried again by itself.",
    ),
    Failure(
        "openapi_server_error",
        "The Open API failed after the note was sent",
        f"The server answered with an error when it had the note: perhaps it filed it, perhaps not. {LOOKED}",
        Owner.ECW,
        "Wait for the look into the chart. If it comes often, ask eCW.",
        Button.VERIFY,
    ),
    Failure(
        "openapi_contradiction",
        "The Open API's answer is not about this note",
        f"HTTP said yes, and the answer within names another message or no filing. {LOOKED}",
        Owner.ECW,
        "Wait for the look into the chart; show eCW the answer kept with the attempt.",
        Button.VERIFY,
    ),
    Failure(
        "openapi_template_other",
        "The visit's note is made of another template",
        "eCW makes a visit's note of one template, and somebody has chosen another than this note is mapped to. "
        f"{NOT_FILED}",
        Owner.PRACTICE,
        "In eCW, choose this note's template for the visit, or have the scribe name the other one in a new version; "
        "then send it as a new delivery.",
        Button.REPLAY,
    ),
    Failure(
        "openapi_template_unknown",
        "The Open API does not know the template",
        f"The template named for the visit, or something else of the call that fills it, was refused. {NOT_FILED}",
        Owner.IT,
        "Read the location's templates from eCW again: the code may have changed. Then send it as a new delivery.",
        Button.TEMPLATE,
    ),
    Failure(
        "openapi_template_not_offered",
        "The Open API fills no templates here (404)",
        "The call that fills a visit's template is not offered for this practice, or its code or facility is unknown. "
        f"{NOT_FILED}",
        Owner.IT,
        "Ask eCW whether templates can be filled; if not, tick “Do not fill the visit's template first” on the "
        "connection.",
        Button.CONNECTION,
    ),
    Failure(
        "openapi_template_no_answer",
        "Whether the visit's template was filled is unknown",
        "The call that fills it got no answer; the note's text was not sent. The chart is read before anything is sent "
        "again, and a template that stands there is not filled twice.",
        Owner.ECW,
        "Wait for the look into the chart. If it comes often, ask eCW.",
        Button.VERIFY,
    ),
    Failure(
        "openapi_template_contradiction",
        "The answer is not about this visit's template",
        "HTTP said yes, and the answer within names another message or template. The note's text was not sent; the "
        "chart is read before anything is sent again.",
        Owner.ECW,
        "Wait for the look into the chart; show eCW the answer kept with the attempt.",
        Button.VERIFY,
    ),
    Failure(
        "openapi_template_unwritten",
        "The intent to fill the template was not kept",
        f"The database did not answer, and nothing is changed in eCW without a record of it. {NOT_SENT}",
        Owner.US,
        "Nothing to do if it passes; it is tried again by itself.",
    ),
    Failure(
        "openapi_encounter_missing",
        "The note names no encounter for the Open API",
        f"A field is written into an encounter's Progress Note. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send the encounter's id as a new version.",
    ),
    Failure(
        "openapi_patient_missing",
        "The note names no patient id for the Open API",
        f"The encounter alone would not prove whose chart it is. {WAITS}",
        Owner.SCRIBE,
        "Have the scribe send the patient's id as a new version.",
    ),
)
