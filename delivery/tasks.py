"""The Celery tasks: ids in, the work done by the step of the same name, nothing returned."""

from celery import shared_task

from delivery import poll


@shared_task(ignore_result=True)
def drain_lane(lane_id: int) -> None:
    """Send what is due on one lane."""
    poll.work_on(lane_id)


@shared_task(ignore_result=True)
def run_job(job_id: int) -> None:
    """Wake the thread that carries out bulk actions; it looks for itself which."""
    poll.to_run.set()
