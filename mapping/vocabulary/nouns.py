"""Nouns that name a section by themselves, whatever stands before them; looked at after signs.py."""

from mapping.vocabulary.rungs import Rung
from mapping.vocabulary.signs import Sign, heads, words

# What stands before these may be anything but what makes another thing of them: "Dressing instructions", "Sleep goals".
NOUNS: tuple[Sign, ...] = (
    Sign(
        "hospitalizations",
        heads("hospitalization | hospital stay | hospital admission"),
        beside=words("condition"),
        more=words("illness injury er emergency overnight since last visit"),
        never=words("surgery"),
    ),
    Sign(
        "past_medical_history",
        heads(
            "medical problem | medical condition | chronic condition | medical issue | systemic illness | medical "
            "illness | chronic illness | chronic disease | medical comorbidity | systemic disease | health "
            "problem | disease padece | past med problem | med problem | past medical issue"
        ),
        beside=words("condition"),
        more=words("other injury list comorbidity pertinent past current"),
        never=words("active acute reason visit today new plan impression assessment family surgical assessed"),
    ),
    Sign(
        "patient_instructions",
        heads("instruction"),
        never=words(
            "admission billing dosing pharmacy nursing scheduling desk staff ma sig refill referral order "
            "biller scribe "
            "checkout special delivery shipping use provider lab specimen follow up plan treatment"
        ),
        last=True,
        rung=Rung.ONLY,
    ),
    Sign(
        "goals",
        heads("goal"),
        never=words("care date met status surgical pain of_care plan assessment progress toward"),
        last=True,
        rung=Rung.ONLY,
    ),
    Sign(
        "chief_complaint",
        heads("complaint"),
        never=words("history billing form log plan assessment"),
        last=True,
        rung=Rung.ONLY,
    ),
    Sign(
        "reason_for_referral",
        heads("reason referral | reason consultation | indication referral | indication consultation"),
        beside=words("place body condition"),
        never=words("order date past"),
        rung=Rung.PARTLY,
    ),
    Sign(
        "patient_instructions",
        heads("education | teaching | counseling"),
        beside=words("condition drug"),
        needs=words("condition drug"),
        never=words("level school genetic time minute history family"),
        rung=Rung.ONLY,
    ),
    Sign(
        "history_of_present_illness",
        heads("history"),
        beside=words("symptom"),
        needs=words("symptom"),
        never=words("past family social"),
        rung=Rung.ONLY,
    ),
    Sign(
        "procedures",
        heads("procedure | procedure note"),
        beside=words("done body place"),
        needs=words("done"),
        never=words("plan planned order past prior previous history scheduled consent date code family future"),
        rung=Rung.ONLY,
    ),
    Sign(
        "social_history",
        heads("social history | shx"),
        beside=words("habit"),
        needs=words("habit"),
        never=words("family medical surgical"),
        rung=Rung.PARTLY,
    ),
    Sign(
        "immunizations",
        heads("given | administered"),
        beside=words("vaccine"),
        needs=words("vaccine"),
        never=words("vis date declined due lot by"),
        rung=Rung.ONLY,
    ),
)
