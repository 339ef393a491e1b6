"""What the catalogue says of one reason code: what happened, whose job it is, what to do, which button helps."""

from dataclasses import dataclass
from enum import StrEnum


class Owner(StrEnum):
    """Who can put it right, in the words of the screen."""

    US = "Scribeport"
    IT = "Your IT"
    ECW = "eClinicalWorks"
    SCRIBE = "The scribe's vendor"
    PRACTICE = "The practice"


class Button(StrEnum):
    """What a person can press: an action on the delivery, or a link to the page where the cause lies."""

    NONE = ""
    RELEASE = "release"
    REPLAY = "replay"
    VERIFY = "verify"
    DECIDE = "decide"
    CONNECTION = "connection"
    MAPPING = "mapping"
    TEMPLATE = "template"
    LOCATION = "location"
    AGREEMENT = "agreement"
    DIAGNOSES = "diagnoses"
    DRUGS = "drugs"
    MISROUTED = "misrouted"
    APP_DATA = "app_data"
    PILOT = "pilot"
    CHANGES = "changes"


@dataclass(frozen=True)
class Failure:
    """One entry. `title` (at most 60 characters) is the reason in the list; the rest stands on the delivery's page."""

    code: str
    title: str
    happened: str
    owner: Owner
    todo: str
    button: Button = Button.NONE
