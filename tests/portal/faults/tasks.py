"""A Celery task that fails with a canary, published with an id as all are."""

from portal.celery import app

CANARY = "Okafor-Canary-7731"


@app.task(name="tests.faults.fail")
def fail(number: int) -> None:
    note = {"text": CANARY, "number": number}
    raise ValueError(f"cannot deliver {note}")
