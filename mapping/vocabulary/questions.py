"""Headings that are questions or sentences: the words that only ask, and what people ask for by a verb."""

import re

from mapping.vocabulary.rungs import Rung
from mapping.vocabulary.signs import Sign, heads, words
from mapping.vocabulary.words import stems

# They ask, or say of whom; what is left is asked for: "What conditions does the client have now or in the past?"
_ASKING = """
    what which who whom when where why how does do did done doing has have had having is are was were be been being am
    will would should can could shall may any anything anyone ever there you your we our us they them their he she his
    her it its the a an this that these those i me my please describe list tell about know take taking takes use using
    used patient client child baby kid so far also currently now
"""
_ASKS = re.compile(
    r"\?|^\s*(?:times?|what|which|who|when|where|why|how|does|do|did|has|have|is|are|was|were|any|describe|tell|please"
    r"|list (?:any|all|your|the))\b|\b(?:patient|client|child)\s+(?:is|was|has|had|does)\b"
)
# They ask for persons, dates, places and numbers: no section is for these.
_ASKS_ELSE = re.compile(r"^\s*(?:who|whom|whose|when|where|how\s+(?:many|much|often|long|old|far|well)|whether)\b")
_TICKS = re.compile(
    r"^when (?:was|were|did)\b|^(?:was|were|did|is|are|has|have|do|does)\b.*"
    r"\b(?:review(?:ed)?|reconciled?|updated|verified|confirmed|signed|completed|declined?|offered|documented)\b"
)
_FRAME = re.compile(rf"\b(?:{'|'.join(_ASKING.split())})\b")
_PERSON = (
    r"(?:(?:the|your|our)\s+)?(?:nurs(?:e|es|ing)(?:\s+staff)?|staff|ma|rn|medical assistants?|patients?|clients?"
    r"|famil(?:y|ies)|parents?|caregivers?|guardians?|child|team)"
)
_PLACE = (
    r"(?:(?:the|our|this)\s+)?(?:(?!outside|other|another|referring)[a-z]+\s+)?"
    r"(?:clinic|office|center|centre|facility|department|practice)"
)
# Where, by whom and how a thing was noted: a heading means the same without them.
_CIRCUMSTANCE = re.compile(
    rf"\b(?:as\s+)?(?:obtained|taken|recorded|measured|collected|entered|told|reported|described)\s+by\s+{_PERSON}"
    r"|(?<!ed )\bby\s+(?:the\s+)?(?:provider|clinician|physician|doctor|md|ma|rn|lpn|cna|nurse)\b"
    r"|\bin\s+(?:the\s+)?(?:patient|pt|client)s?\s+(?:own\s+)?words\b"
    rf"|\b(?:reconciled|discussed|reviewed|given|agreed)\s+(?:with|to)\s+{_PERSON}(?:\s*(?:and|or|/|&)\s*{_PERSON})*"
    rf"|\b(?:on|at|upon)\s+(?:arrival|check-?in|checkin|triage|intake|rooming)\b"
    rf"|\b(?:in|to|at)\s+{_PLACE}\b|\bfor\s+nursing(?:\s*(?:/|and|or)\s*home\s+health)?\b"
    r"|\belsewhere\b|\bif\s+(?:taken|known|done|needed|applicable|any)\b|\b(?:and|with)\s+(?:target\s+)?dates?$"
)


def asks(text: str) -> bool:
    """Whether a plain text is a question, or tells somebody to tell something."""
    return bool(_ASKS.search(text))


def ticks(text: str) -> bool:
    """Whether a plain text asks for a date, or whether something was done: "When was the last exam?" """
    return bool(_TICKS.search(text))


def shortened(text: str) -> str:
    """A plain text without circumstances and, where it asks for a thing, without the words that only ask."""
    shorter = _CIRCUMSTANCE.sub(" ", text)
    if asks(text) and not _ASKS_ELSE.search(text):
        shorter = _FRAME.sub(" ", shorter.replace("?", " "))
    return " ".join(shorter.split())


_ASKING_STEMS = frozenset(stems(" ".join(_ASKING.split())))


def _asked(code: str, phrases: str, more: str = "", beside: str = "", never: str = "") -> Sign:
    """A sign beside which only words that ask, `more`, and phrases of the kinds `beside` may stand."""
    known = words(more) | _ASKING_STEMS | {"past"}
    return Sign(code, heads(phrases), words(beside), more=known, never=words(never), rung=Rung.PARTLY)


# Of a question that names no section: each that fits is meant, so that one may ask for two.
ASKED: tuple[Sign, ...] = (
    _asked(
        "chief_complaint", "bring you | why you here | help you today | bothering you | bring patient", never="last"
    ),
    _asked(
        "history_of_present_illness",
        "what happened | how happen | how injury happen | how injury occur | how been since | describe problem "
        "| describe symptom | describe pain | describe injury | describe wound | describe episode",
        beside="story body",
        never="family list last",
    ),
    _asked(
        "review_of_systems",
        "which symptom | what symptom | other symptom | else bothering | symptom checklist",
        more="head toe week",
        beside="body",
        never="bring help cause",
    ),
    _asked("physical_exam", "find exam | found exam | exam show | see exam | saw exam", never="last"),
    _asked("results", "test show | lab show | result show | imaging show | test showed | lab showed | imaging showed"),
    _asked(
        "procedures",
        "done today | done office | done clinic | done visit | performed today",
        more="office clinic visit procedure",
        beside="done",
        never="last test lab exam reviewed before",
    ),
    _asked("assessment", "we think | provider think | clinician think", more="willdo going"),
    _asked("plan", "willdo", more="think next"),
    _asked(
        "medications",
        "medication take | medication taking | medication taken",
        more="dose prescriber often",
        beside="drug",
        never="as stopped tried before last new",
    ),
    _asked(
        "past_medical_history",
        "medical problem | medical condition | health problem | health condition",
        more="should",
        beside="condition",
        never="family today new visit",
    ),
    _asked("past_surgical_history", "had surgery | had operation", beside="operation", never="since"),
    _asked(
        "hospitalizations",
        "hospitalized | stayed hospital | been hospital",
        more="stayed hospital er emergency room urgent care overnight times time",
        beside="condition",
    ),
    _asked("family_history", "run family | anyone family", more="substance use problem", beside="condition"),
    _asked("birth_history", "how pregnancy | how birth | how born | born early", beside="birth", never="many last due"),
    _asked("immunizations", "which immunization | what immunization", beside="vaccine", never="last next due declined"),
    _asked(
        "patient_instructions",
        "patient told | family told | parent told | watch home | should do home | family watch | parent watch "
        "| patient watch",
        more="task told given before leaving watch home family parent caregiver",
    ),
    _asked(
        "follow_up",
        "when come back | soon come back | when see again | when seen again | when return | soon return "
        "| when next visit",
        beside="place",
        never="last",
    ),
    _asked("goals", "want achieve | want different | hope achieve | want accomplish | matter most", more="treatment"),
    _asked("reason_for_referral", "referred reason | why referred"),
)
