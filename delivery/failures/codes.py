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
    Failure(
        "immunization_code",
        "A vaccine code is not written as one",
        "A CVX code has two or three digits; one of this note's has another form. The immunizations wait; nothing of "
        "them was sent. The note's text goes without them.",
        Owner.SCRIBE,
        "Have the scribe post a new version with the right code; or enter them in eCW by hand and cancel this part.",
    ),
    Failure(
        "immunization_date",
        "An immunization has no date",
        "eCW takes a past immunization with its day only, and none is guessed. The immunizations wait; nothing of them "
        "was sent. The note's text goes without them.",
        Owner.SCRIBE,
        "Have the scribe post a new version with the day; or enter them in eCW by hand and cancel this part.",
    ),
    Failure(
        "observation_not_vital",
        "An observation is no vital sign",
        "eCW takes vital signs by LOINC, and one of this note's observations is none. The observations wait; nothing "
        "of them was sent. The note's text goes without them.",
        Owner.SCRIBE,
        "Have the scribe post a new version with vital signs only; or enter the values by hand and cancel this part.",
    ),
    Failure(
        "observation_time",
        "An observation has no time",
        "eCW finds the appointment by the time, and neither the observation nor the visit has one. The observations "
        "wait; nothing of them was sent. The note's text goes without them.",
        Owner.SCRIBE,
        "Have the scribe post a new version with the time; or enter the values by hand and cancel this part.",
    ),
    Failure(
        "observation_unit",
        "A measured value has no unit",
        "A number without its unit (UCUM) can be read as another value. The observations wait; nothing of them was "
        "sent. The note's text goes without them.",
        Owner.SCRIBE,
        "Have the scribe post a new version with units; or enter the values by hand and cancel this part.",
    ),
    Failure(
        "entries_sent_before",
        "eCW has an earlier version's entries already",
        "eCW cannot replace entries it took, and would have them twice. The new version's entries wait; nothing of "
        "them was sent. The note's text goes without them.",
        Owner.PRACTICE,
        "Compare the two versions; enter what differs in eCW by hand and cancel this part.",
    ),
    Failure(
        "documents_sent_before",
        "eCW has an earlier version's documents already",
        "Documents are not replaced: eCW would show both versions'. The new version's wait; nothing of them was sent. "
        "The note's text goes without them.",
        Owner.PRACTICE,
        "Compare the two; add in eCW what is new and cancel this part.",
    ),
    Failure(
        "documents_in_doubt",
        "Nobody knows whether the documents arrived",
        "Their sending got no answer, and eCW cannot be asked for documents or does not show them. They are not sent "
        "again by themselves: it might have them twice.",
        Owner.PRACTICE,
        "Look among the visit's documents in eCW; then decide.",
        Button.DECIDE,
    ),
    Failure(
        "documents_differ",
        "A document is missing or not as sent",
        "The visit was read back: one of the note's documents is not there, there twice, or holds other bytes. The "
        "note's text is not concerned.",
        Owner.PRACTICE,
        "Compare the documents below with eCW's; add or remove there what is wrong, then look again.",
        Button.VERIFY,
    ),
    Failure(
        "waits_in_app_data",
        "Waits in eCW for a person",
        "eCW took the entries into its App Data, which cannot be read from here. They are in the chart only once a "
        "person there has taken them over; the chart is looked at for 30 days, ever more seldom.",
        Owner.PRACTICE,
        "In eCW, open the patient's App Data and take the entries over or leave them.",
        Button.APP_DATA,
    ),
    Failure(
        "entries_differ",
        "An entry stands otherwise in the chart",
        "The chart has an entry of this note under our identity with another code or value than was sent.",
        Owner.PRACTICE,
        "Compare the two below; put the entry right in eCW, then look again.",
        Button.VERIFY,
    ),
    Failure(
        "entries_in_doubt",
        "Whether eCW took the entries is unknown",
        "No answer came, and the chart does not show them. They may lie in eCW's App Data, which cannot be read from "
        "here, so nothing is sent again by itself.",
        Owner.PRACTICE,
        "Look into the patient's App Data in eCW, then say what you found.",
        Button.DECIDE,
    ),
)
