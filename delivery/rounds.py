"""What a worker looks after beside its lanes, each in a thread of its own: webhooks, polls, exports, figures, mail."""

import threading
import time
from collections.abc import Callable

from django.conf import settings

from delivery.alerts.looking import tend
from delivery.certification.running import run_waiting
from delivery.completeness.ahead import count_due as days_ahead
from delivery.events.keeping import purge_due
from delivery.events.polling import poll_due
from delivery.pilot.watching import pilots_due
from delivery.reports.ahead import count_due as reports_ahead
from delivery.reports.mailing import mail_due
from delivery.sockets import stopping
from delivery.ways.canary import canaries_due
from delivery.webhooks.sending import send_due
from portal.exports.running import run_due
from portal.second_person import tell_due

# How many pieces of work a round found; a round that found some is followed by the next at once.
Round = Callable[[], int]
ROUNDS: dict[str, Round] = {
    "webhooks": send_due,
    "events": poll_due,
    "exports": run_due,
    "alerts": tend,
    "second person": tell_due,
    "canary": canaries_due,
    "certification": run_waiting,
    "pilots": pilots_due,
    "old events": purge_due,
    "reports": mail_due,
    "days": days_ahead,
    "periods": reports_ahead,
}
# Seconds between two rounds of what nobody waits for; all else is looked for as often as the lanes are.
PACES: dict[str, float] = {
    "reports": 20.0,
    "days": 20.0,
    "periods": 20.0,
    "old events": 60.0,
    "canary": 20.0,
    "pilots": 5.0,
    "second person": 5.0,
}
COUNTED = {"days", "periods"}
REST = 10.0  # between two pieces of such figures one rests so many times as long as the first took: notes go first


def begin(guarded: Callable[[Callable[[], object]], None]) -> None:
    """Start a thread for each; they end with the process."""
    for place, name in enumerate(ROUNDS):
        # One after another, not all in the same moment: what is to be sent would wait for all of them.
        first = settings.POLL_SECONDS * place / len(ROUNDS)
        threading.Thread(target=keep_at, args=(name, guarded, first), name=name, daemon=True).start()


def keep_at(name: str, guarded: Callable[[Callable[[], object]], None], first: float = 0.0) -> None:
    """Round after round until the worker is asked to end; the first after so many seconds."""
    work, rest = ROUNDS[name], REST if name in COUNTED else 0.0
    pace = max(PACES.get(name, 0.0), settings.POLL_SECONDS)
    stopping.wait(first)
    while not stopping.is_set():
        guarded(lambda: until_done(work, rest))
        stopping.wait(pace)


def until_done(work: Round, rest: float = 0.0) -> None:
    began = time.monotonic()
    while work() and not stopping.wait(rest * (time.monotonic() - began)):
        began = time.monotonic()
