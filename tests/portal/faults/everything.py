"""Fails in one process in every way a log could learn of; run with the settings of site.py."""

import asyncio
import logging
import sys
import threading
import warnings

import structlog
from django.test import Client

from audit.record import Actor, acting
from delivery.channels.base import NoAnswer
from tests.portal.faults.site import CANARY
from tests.portal.faults.tasks import fail

log = logging.getLogger("delivery.faults")
structured = structlog.get_logger("delivery.structured")


def requests() -> None:
    client = Client(raise_request_exception=False, headers={"host": "localhost"})
    client.post(f"/crash/7/?name={CANARY}", data=CANARY, content_type="text/plain")
    for place in ("chained", "refused", "missing", "suspicious", "careless", CANARY):
        client.post(f"/{place}/?q={CANARY}", data=CANARY, content_type="text/plain")
    client.get("/crash/1/", headers={"host": f"{CANARY}.example"})


def exceptions() -> None:
    patient = {"family": CANARY}
    try:
        raise NoAnswer("ack_timeout", answer=CANARY.encode()) from ValueError(CANARY)
    except NoAnswer as error:
        log.exception("the receiver did not answer: %s", error)
        structured.exception("the receiver did not answer", patient=patient, reason_code=error.reason_code)
        structured.error(CANARY, exc_info=error)


async def forgotten() -> None:
    raise ValueError(CANARY)


async def loop() -> None:
    task = asyncio.create_task(forgotten())
    await asyncio.sleep(0.01)
    del task


class Unraisable:
    def __del__(self) -> None:
        raise ValueError(CANARY)


with acting(Actor("system", "faults"), "c0ffee"):
    requests()
    exceptions()
fail.apply((7,))
thread = threading.Thread(target=lambda: {}[CANARY], name=CANARY)
thread.start()
thread.join()
asyncio.run(loop())
Unraisable()
warnings.warn(CANARY, stacklevel=1)
logging.getLogger("some.library").error("cannot read %r", CANARY, stack_info=True, extra={"body": CANARY})
if "die" in sys.argv:
    raise ValueError(CANARY)
