"""The export of notes as a job (portal/exports): of one patient or everything, by a director of every location."""

from typing import IO, TYPE_CHECKING, Any

from audit.when_called import when_called
from portal.access import practice_for
from portal.exports.asking import Tell
from portal.exports.tables import ExportJob
from portal.models import Role, User

if TYPE_CHECKING:
    from delivery.release.archive import write
else:
    write = when_called("delivery.release.archive.write")


class EhiExport:
    """`asked`: patient, a blind index, or "" for everything."""

    def name(self, job: ExportJob) -> str:
        what = "patient" if job.asked["patient"] else "all"
        return f"ehi-{job.practice.code}-{what}-{job.created_at:%Y-%m-%d-%H%M%S}.zip"

    def says(self, job: ExportJob) -> str:
        return "every note of one patient" if job.asked["patient"] else "every note of the practice"

    def may(self, user: User, asked: dict[str, Any]) -> None:
        practice_for(user, Role.DIRECTOR)

    def everything(self, asked: dict[str, Any]) -> bool:
        return not asked["patient"]

    def event(self, job: ExportJob) -> tuple[str, dict[str, Any]]:
        patient = job.asked["patient"]
        return ("data.export" if patient else "ehi.export"), {"subject_bidx": patient, "recipient": "the practice"}

    def write(self, job: ExportJob, out: IO[bytes], tell: Tell) -> dict[str, Any]:
        approved = job.approved_by
        by = approved.username if approved else "nobody else" if job.everything else "not needed"
        mark = {"export": job.pk, "asked_by": job.created_by.username, "approved_by": by}
        told: dict[str, Any] = write(job.practice, job.asked["patient"], out, tell, mark)
        return told | ({"approved_by": job.approved_by_id or 0} if job.everything else {})
