"""Reason codes of coded entries: diagnoses that cannot be billed, drugs that eCW does not know."""

from delivery.failures.entry import Button, Failure, Owner

WAITS = "The diagnoses wait; nothing of them was sent. The note's text goes without them."
DRUGS_WAIT = "The medications wait; nothing of them was sent. The note's text goes without them."
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
    Failure(
        "drug_unknown",
        "A drug code is not in the crosswalk yet",
        "eCW refuses a medication whose code its drug database does not know, so each code is matched with eCW's own "
        f"drug once. Nobody has decided on one of this note's codes. {DRUGS_WAIT}",
        Owner.PRACTICE,
        "Decide on the workbench which drug of eCW it is; that releases every note with this code.",
        Button.DRUGS,
    ),
    Failure(
        "drug_ndc_ambiguous",
        "An NDC can be read in three ways",
        "Ten digits without hyphens do not say where its parts begin (4-4-2, 5-3-2 or 5-4-1), and nobody guesses a "
        f"drug. {DRUGS_WAIT}",
        Owner.PRACTICE,
        "Choose the right reading on the workbench; ask the scribe's vendor to send NDCs with hyphens.",
        Button.DRUGS,
    ),
    Failure(
        "drug_code_form",
        "A drug code is not written as one",
        "An NDC has 10 digits with hyphens or 11 digits, an RxNorm code up to eight; one of this note's codes has "
        f"another form. {DRUGS_WAIT}",
        Owner.SCRIBE,
        "Have the scribe post a new version with the right code; or decide on the workbench which drug is meant.",
        Button.DRUGS,
    ),
    Failure(
        "drug_codes_disagree",
        "An NDC and an RxNorm code name different drugs",
        "The crosswalk has the NDC with another RxNorm code than the note. eCW would refuse them together (2027). "
        f"{DRUGS_WAIT}",
        Owner.PRACTICE,
        "Decide on the workbench which drug the two codes mean together, or have the scribe correct the note.",
        Button.DRUGS,
    ),
    Failure(
        "drug_without_code",
        "A medication has no code",
        f"It has neither an NDC nor an RxNorm code, and no drug is guessed from a text. {DRUGS_WAIT}",
        Owner.SCRIBE,
        "Have the scribe post a new version with codes; or enter the medications in eCW by hand and cancel this part.",
    ),
)
