"""Holds the receiver's own chart store against what was accepted. Pure; trusts no word of the portal about a chart."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from delivery.chaos.notes import Posted


@dataclass(frozen=True)
class Verdict:
    """Marks of what went wrong, by how. All empty: every promise held."""

    lost: tuple[str, ...]
    duplicated: tuple[str, ...]
    out_of_order: tuple[str, ...]
    unresolved: tuple[str, ...]

    @property
    def kept(self) -> bool:
        return not (self.lost or self.duplicated or self.out_of_order or self.unresolved)


def judge(
    accepted: Sequence[Posted],
    filed: Sequence[str],
    states: Mapping[str, str],
    *,
    readable: bool,
    torn: Collection[str] = (),
) -> Verdict:
    """`filed` are the marks of the receiver's filings, in their order; `states` what the portal says of each mark.

    A note may be missing from the chart only if a newer version of it was accepted and took its place, or if it is on
    the list of those that wait for a person. One that is filed with a hole (`torn`) is lost. Without a reader,
    ACCEPTED is where a note ends.
    """
    counts = Counter(filed)
    newest: dict[str, int] = defaultdict(int)
    for each in accepted:
        newest[each.note] = max(newest[each.note], each.version)
    waiting = {mark for mark, state in states.items() if state == "parked"} | behind_parked(accepted, states)

    def excused(each: Posted) -> bool:
        overtaken = states.get(each.mark) == "superseded" and newest[each.note] > each.version
        return overtaken or each.mark in waiting

    return Verdict(
        lost=tuple(each.mark for each in accepted if each.mark in torn or not (counts[each.mark] or excused(each))),
        duplicated=tuple(mark for mark, count in counts.items() if count > 1),
        out_of_order=tuple(out_of_order(accepted, filed)),
        unresolved=tuple(unresolved(accepted, states, readable)),
    )


def unresolved(accepted: Sequence[Posted], states: Mapping[str, str], readable: bool) -> list[str]:
    """Notes that have come to no end: neither settled, nor on the list of those that wait for a person."""
    ends = {"verified", "superseded", "parked"} | (set() if readable else {"accepted"})
    waiting = behind_parked(accepted, states)
    return [each.mark for each in accepted if states.get(each.mark) not in ends and each.mark not in waiting]


def behind_parked(accepted: Iterable[Posted], states: Mapping[str, str]) -> set[str]:
    """Newer versions of a note wait while a person has to decide about an older one."""
    rows = list(accepted)
    parked: dict[str, int] = {}
    for each in rows:
        if states.get(each.mark) == "parked":
            parked[each.note] = min(each.version, parked.get(each.note, each.version))
    return {
        each.mark
        for each in rows
        if states.get(each.mark) == "ready" and parked.get(each.note, each.version) < each.version
    }


def out_of_order(accepted: Iterable[Posted], filed: Iterable[str]) -> list[str]:
    """First filings that came after one posted later for the same encounter."""
    by_mark = {posted.mark: posted for posted in accepted}
    reached: dict[str, int] = defaultdict(lambda: -1)
    late = []
    for posted in (by_mark[mark] for mark in dict.fromkeys(filed) if mark in by_mark):
        if posted.place < reached[posted.encounter]:
            late.append(posted.mark)
        reached[posted.encounter] = max(reached[posted.encounter], posted.place)
    return late
