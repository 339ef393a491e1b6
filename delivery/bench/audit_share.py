"""What recording costs a transaction of the product's own: notes taken in, each in a transaction for itself.

For `manage.py bench_audit`, on a database of its own. A note has two events among a dozen statements; it is held, since
nothing is mapped here, which writes as many rows as one that goes.
"""

import json
import time
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID, uuid4

from audit.bench import Writer, Written, repeated
from audit.record import Actor, Entry, acting, record_many
from delivery import intake, transition
from delivery.bench.crowd import people
from delivery.bench.notes import note
from delivery.known import Posting
from delivery.posted import note_of
from portal import keys
from portal.models import ApiKey, Environment


def prepared() -> Writer:
    """The practice and its scribe; what a writer does."""
    with acting(Actor("command", "bench_audit")):
        keys.create(people().scribe, Environment.SANDBOX)
    return note_taken_in


def note_taken_in(seconds: float, audited: bool) -> Written:
    """In a process of its own: what stands in for recording lasts as long as it does."""
    key, took = ApiKey.objects.select_related("scribe__practice").get(), [0.0]

    def timed(entries: Sequence[Entry]) -> list[UUID]:
        if not audited:
            return []
        begun = time.perf_counter()
        ids = record_many(entries)
        took[0] = time.perf_counter() - begun
        return ids

    def deed() -> float:
        answer = intake.take_in([posting(key)])[0]
        if isinstance(answer, Exception):
            raise answer
        return took[0]

    vars(transition)["record_many"] = timed  # where intake.py's events are recorded
    return repeated(seconds, deed)


def posting(key: ApiKey) -> Posting:
    name = uuid4().hex
    data = note(name, 1) | {"location": "SITE-1"}
    body = json.dumps(data).encode()
    digest = sha256(body).hexdigest()
    return Posting(key, Actor("api_key", key.prefix), note_of(data), body, digest, digest)
