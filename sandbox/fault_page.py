"""The page that switches faults on and off."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox.fault_kinds import KINDS, FaultKind, Parameter, Stage
from sandbox.faults import BadFault, Fault, Switchboard, fault_from_json
from sandbox.html import Child, Html, el
from sandbox.shell import choice, entry, page, table
from sandbox.store import Store

HEADINGS = {
    Stage.ANSWER: "When a message comes",
    Stage.FILING: "While its text is filed",
    Stage.READING: "When the chart is read back",
    Stage.POPULATING: "When a visit's template is filled (Open API)",
    Stage.FHIR: "When a note comes by FHIR",
    Stage.TOKEN: "When a token is asked for",
}


class FaultPage:
    """Shows and switches faults."""

    def __init__(self, store: Store, switchboard: Switchboard) -> None:
        self.store = store
        self.switchboard = switchboard

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/faults", self.show), web.post("/faults", self.add), web.post("/faults/off", self.off)]

    async def show(self, request: web.Request) -> web.Response:
        return self.render()

    async def add(self, request: web.Request) -> web.Response:
        try:
            self.switchboard.add(fault_from_json(fault_from_form(await request.post())))
        except BadFault as error:
            return self.render(str(error))
        raise web.HTTPSeeOther("/faults")

    async def off(self, request: web.Request) -> web.Response:
        """Switches off one fault by its place in the list, or all of them."""
        place = str((await request.post()).get("place", ""))
        if place == "all":
            self.switchboard.faults.clear()
        elif place.isdecimal() and int(place) < len(self.switchboard.faults):
            del self.switchboard.faults[int(place)]
        raise web.HTTPSeeOther("/faults")

    def render(self, trouble: str = "") -> web.Response:
        facilities = [("", "Every facility"), *((each, each) for each in sorted(self.store.templates))]
        return page(
            "Faults",
            el("p", trouble, class_="trouble", role="alert") if trouble else None,
            el("h2", "Switched on"),
            switched_on(self.switchboard.faults),
            [stage_section(stage, facilities) for stage in Stage],
            status=422 if trouble else 200,
        )


def switched_on(faults: list[Fault]) -> Html:
    if not faults:
        return el("p", "None: every message is filed by its template and answered at once.")
    rows: list[list[Child]] = [
        [
            el("code", fault.kind.name),
            (fault.facility or "every facility") + (f", by {fault.connection}" if fault.connection else ""),
            f"{fault.probability:.0%}",
            str(fault.fired) + (f" of {fault.count}" if fault.count else ""),
            ", ".join(f"{name} {value}" for name, value in fault.settings.items() if value != ""),
            off_form("Switch off", str(place)),
        ]
        for place, fault in enumerate(faults)
    ]
    columns = ("Fault", "Where", "Chance", "Struck", "Settings", "Change")
    return el("div", table(columns, rows, "Faults that are on"), off_form("Switch all off", "all"))


def off_form(words: str, place: str) -> Html:
    return el("form", el("button", words, name="place", value=place), method="post", action="/faults/off")


def stage_section(stage: Stage, facilities: list[tuple[str, str]]) -> Html:
    kinds = [kind for kind in KINDS.values() if kind.stage is stage]
    return el("section", el("h2", HEADINGS[stage]), [kind_details(kind, facilities) for kind in kinds])


def kind_details(kind: FaultKind, facilities: list[tuple[str, str]]) -> Html:
    form = el(
        "form",
        el("input", type="hidden", name="kind", value=kind.name),
        [setting(parameter) for parameter in kind.parameters],
        choice("Where", "facility", facilities),
        entry("By which connection: MSH-3, client id or token (empty: all)", "connection"),
        entry("Chance (0 to 1)", "probability", "1", type="number", min=0, max=1, step="any", required=True),
        entry("How often (empty: no end)", "count", type="number", min=1),
        el("button", "Switch on"),
        method="post",
        action="/faults",
    )
    why = f"{kind.grade.capitalize()}: {kind.source}."
    grade = el("span", kind.grade, class_=f"grade {kind.grade}")
    return el("details", el("summary", el("code", kind.name), " ", grade, " ", kind.says), el("p", why), form)


def setting(parameter: Parameter) -> Html:
    label = f"{parameter.name}: {parameter.says}"
    if parameter.choices:
        return choice(label, parameter.name, [(each, each) for each in parameter.choices], str(parameter.default))
    if isinstance(parameter.default, str):
        return entry(label, parameter.name, parameter.default)
    return entry(label, parameter.name, parameter.default, type="number", min=0, step="any", required=True)


def fault_from_form(form: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON form of what was posted; what is no number stays text, for fault_from_json to refuse."""
    kind = KINDS.get(str(form.get("kind")))
    numbers = {each.name for each in kind.parameters if not isinstance(each.default, str)} if kind else set()
    fault: dict[str, Any] = {name: str(value) for name, value in form.items()}
    for name in numbers | {"probability", "count"}:
        if name in fault:
            fault[name] = as_number(fault[name])
    return fault


def as_number(text: str) -> int | float | str | None:
    if not text.strip():
        return None
    try:
        return int(text) if text.strip().isdecimal() else float(text)
    except ValueError:
        return text
