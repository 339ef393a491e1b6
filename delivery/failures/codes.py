"""Reason codes of coded entries: diagnoses that cannot be billed, drugs that eCW does not know."""

from delivery.failures.entry import Button, Failure, Owner

WAITS = "The diagnoses wait; nothing of them was sent. The note's text goes without them."
AGAIN = (
    "Open the entries below: they show which codes may have been meant. Have the scribe post a new version with the "
    "right code; or enter the diagnosis by hand and cancel this part."
)

FAILURES = (
    Failure(
        "diagnosis_form",
        "A diagnosis is not written as a code",
        "An ICD-10-CM code is a letter, two signs, a dot and up to four more, in capitals. One of the note's is "
        f"not, and none is rewritten here: it could become another diagnosis. {WAITS}",
        Owner.SCRIBE,
        AGAIN,
        Button.DIAGNOSES,
    ),
    Failure(
        "diagnosis_unknown",
        "A diagnosis code does not exist",
        f"One of the note's codes stands in no ICD-10-CM list that is in force on the day of the visit. {WAITS}",
        Owner.SCRIBE,
        "Open the entries below: they show which codes may have been meant. Have the scribe post a new version; or, "
        "where the code is newer than the list, upload the newer list and release this part.",
        Button.DIAGNOSES,
    ),
    Failure(
        "diagnosis_not_billable",
        "A diagnosis is a category, not a billable code",
        f"One of the note's codes has longer codes below it, and only those can be billed. {WAITS}",
        Owner.SCRIBE,
        AGAIN,
        Button.DIAGNOSES,
    ),
    Failure(
        "diagnosis_snomed",
        "A SNOMED CT code is not written as one",
        f"A SNOMED CT code has 6 to 18 digits. One of the note's has not. {WAITS}",
        Owner.SCRIBE,
        AGAIN,
        Button.DIAGNOSES,
    ),
)
