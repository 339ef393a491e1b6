"""Say an event in plain words: "Dana Rivera published a mapping", and beside it the facts of its detail."""

from collections.abc import Mapping

from django.apps import apps

from audit.actions import ACTIONS
from audit.event import AuditEvent

WITHOUT_ACCOUNT = {
    "api_key": "The scribe's key",
    "worker": "A worker",
    "system": "Scribeport",
    "command": "The command",
    "anonymous": "Somebody not signed in",
}
DEEDS = {"create": "created", "update": "changed", "delete": "deleted"}


def who(event: AuditEvent, names: Mapping[str, str]) -> str:
    """Who acted; `names` gives people's names by their id (as text), where the reader may know them."""
    if event.actor_type == "user":
        return names.get(event.actor_id) or event.actor_name or f"User {event.actor_id}"
    said = WITHOUT_ACCOUNT.get(event.actor_type, event.actor_type)
    return f"{said} {event.actor_id}" if event.actor_type in ("api_key", "worker", "command") else said


def what(event: AuditEvent) -> str:
    """What was done: the action's sentence, or the bare name of one that this version no longer knows."""
    action = ACTIONS.get(event.event)
    if action is None:
        return event.event
    return _change(event) if event.event == "config.change" else action.sentence


def _change(event: AuditEvent) -> str:
    """ "changed a location": the model's own name, as far as this version has it."""
    deed = DEEDS.get(str(event.detail.get("deed")), "changed")
    try:
        thing = str(apps.get_model(str(event.detail.get("model")))._meta.verbose_name)
    except (LookupError, ValueError):
        thing = spaced(event.object_type)
    return f"{deed} {'an' if thing[:1] in 'aeio' else 'a'} {thing}"


def sentence(event: AuditEvent, names: Mapping[str, str]) -> str:
    return f"{who(event, names)} {what(event)}"


def details(event: AuditEvent) -> list[tuple[str, str]]:
    """The event's detail as (words, value), in order of the words."""
    return [(spaced(key), _plain(value)) for key, value in sorted(event.detail.items())]


def facts(event: AuditEvent) -> str:
    """The short values of the detail: "template FM-PROGRESS · version 3"."""
    shown = details(event)
    if event.event == "config.change":
        shown = [("", str(event.detail.get("name", "")))]
        if event.detail.get("deed") == "update":
            shown.append(("fields", spaced(_plain(event.detail.get("fields", [])))))
    return " · ".join(f"{key} {value}".strip() for key, value in shown if value and not key.endswith("sha256"))


def spaced(name: str) -> str:
    """A name of code as words: "api_key" is "api key"."""
    return name.replace("_", " ")


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
