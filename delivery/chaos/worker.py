"""python -m delivery.chaos.worker: the product's own worker, which may die (or freeze) at a named step."""

import argparse
import os
import signal

import django

from delivery.chaos.steps import STEPS, Strike, install
from portal.celery import app
from portal.supervisor import worker


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m delivery.chaos.worker")
    steps = [step.name for step in STEPS.values() if step.process == "worker"]
    parser.add_argument("--die-at", choices=steps, default="")
    parser.add_argument("--after", type=int, default=1, help="the how-manieth passing of the step kills")
    parser.add_argument("--signal", choices=("KILL", "STOP"), default="KILL")
    return parser.parse_args()


def work(step: str, after: int, signum: signal.Signals = signal.SIGKILL) -> None:
    """Be the product's worker; with a step, one that dies (or freezes) there. Needs a process group of its own."""
    if step:
        install(step, Strike(signum, after))
    started = list(worker().arguments)
    app.worker_main(started[started.index("worker") :])


def main() -> None:
    options = arguments()
    if os.getpgrp() != os.getpid():
        os.setpgrp()  # the strike must hit nobody else
    django.setup()
    work(options.die_at, options.after, signal.Signals[f"SIG{options.signal}"])


if __name__ == "__main__":
    main()
