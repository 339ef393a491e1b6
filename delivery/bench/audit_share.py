"""What recording costs transactions of the product's own: notes taken in, one in a transaction or eight.

For `manage.py bench_audit`, on a database of its own. A note has two events among nine statements; it is held, since
nothing is mapped here, which writes as many rows as one that goes. Eight is what a round of group commit had under load
(delivery/group.py).
"""

import json
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import uuid4

from audit.bench_cost import Deed, Writer
from audit.record import Actor, acting
from delivery import intake, sql
from delivery.bench.crowd import LOCATIONS, people
from delivery.bench.notes import note
from delivery.known import Posting
from delivery.posted import note_of
from portal import keys
from portal.models import ApiKey, Environment

EIGHT = 8


def prepared() -> dict[str, Writer]:
    """The practice and its scribe; what makes a writer ready, by the transaction's name."""
    with acting(Actor("command", "bench_audit")):
        keys.create(people(LOCATIONS).scribe, Environment.SANDBOX)
    return {"note_taken_in": notes_taken_in, "eight_notes_taken_in": partial(notes_taken_in, EIGHT)}


def notes_taken_in(notes: int = 1) -> Deed:
    """In a process of its own, in which whether anything is recorded is switched."""
    key = ApiKey.objects.select_related("scribe__practice").get()
    insert = sql.insert

    def deed(recorded: bool) -> None:
        vars(sql)["insert"] = insert if recorded else partial(unrecorded, insert)  # the events go in with the moves
        for answer in intake.take_in([posting(key) for _ in range(notes)]):
            if isinstance(answer, Exception):
                raise answer

    return deed


def unrecorded(insert: Any, rows: Any, events: Any = (), **others: Any) -> None:
    insert(rows, **others)


def posting(key: ApiKey) -> Posting:
    name = uuid4().hex
    data = note(name, 1) | {"location": "SITE-1"}
    body = json.dumps(data).encode()
    digest = sha256(body).hexdigest()
    return Posting(key, Actor("api_key", key.prefix), note_of(data), body, digest, digest)
