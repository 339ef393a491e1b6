"""What the scribe's API says beside a diagnosis that is held: the codes that may have been meant. None is chosen.

Worked out for each answer from the note itself, and stored nowhere: what is kept of a held diagnosis names places.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from delivery.diagnosis_checks import JudgedDiagnosis, judged
from delivery.posted import PostedNote
from delivery.states import State
from mapping.codes.code_lists import words_of
from portal.models import Part

PLACE = re.compile(r"/diagnoses/([0-9]+)/code")
Answer = dict[str, Any]


def with_suggestions(answer: Answer, opened: Callable[[], PostedNote], practice_id: int, received: date) -> Answer:
    """A delivery's answer, its held diagnoses' problems with near misses; the same answer where there are none.

    `opened` gives the note as posted; it is asked only where a diagnosis is held.
    """
    held = answer["part"] == Part.DIAGNOSES and answer["state"] == State.HELD
    if not held or not any(PLACE.fullmatch(row["pointer"]) for row in answer["problems"]):
        return answer
    posted = opened()
    day = posted.visit.start.date() if posted.visit.start else received
    rows = judged(posted.entries.diagnoses, practice_id, day)
    return {**answer, "problems": [_suggesting(problem, rows) for problem in answer["problems"]]}


def _suggesting(problem: Answer, rows: list[JudgedDiagnosis]) -> Answer:
    place = PLACE.fullmatch(problem["pointer"])
    if place is None or int(place[1]) >= len(rows):
        return problem
    verdict = rows[int(place[1])].verdict
    return {
        **problem,
        "suggestions": [{"code": code, "text": words_of(code)} for code in verdict.suggestions],
        "more_suggestions": verdict.more,
    }
