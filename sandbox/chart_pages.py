"""The pages a person looks at charts with: facilities, encounters of one, one encounter's chart."""

from aiohttp import web

from sandbox.chart import Filing, LostField, chart_fields, standing
from sandbox.documents import documents_of
from sandbox.html import Child, Html, el
from sandbox.shell import entry, page, path, table
from sandbox.store import Store
from sandbox.template import Template

LINES = 50
LOST = {
    "unknown_field": "not in the template",
    "repeated_field": "stood a second time",
    "out_of_order": "out of the template's order",
    "truncated": "longer than the field: cut",
    "silent_drop": "a fault",
    "move_field": "a fault",
    "truncate": "a fault cut it",
}


class ChartPages:
    """Everything under / and /facilities that shows charts."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.facilities),
            web.get("/facilities/{facility}", self.encounters),
            web.get("/facilities/{facility}/encounters/{encounter}", self.chart),
            web.post("/facilities/{facility}/encounters/{encounter}/sign", self.sign),
        ]

    async def facilities(self, request: web.Request) -> web.Response:
        known = sorted(self.store.templates)
        rows: list[list[Child]] = [
            [el("a", facility, href=path("facilities", facility)), template_links(self.store, facility)]
            for facility in known
        ]
        if not rows:
            return page("Charts", el("p", "No facility yet: a facility comes to be with its first template."))
        return page("Charts", table(("Facility", "Templates"), rows, "Facilities"))

    async def encounters(self, request: web.Request) -> web.Response:
        facility, search = request.match_info["facility"], request.query.get("q", "")
        if facility not in self.store.templates:
            raise web.HTTPNotFound
        offset = max(int(request.query["from"]), 0) if request.query.get("from", "").isdecimal() else 0
        found = self.store.encounters(facility, search, LINES + 1, offset)
        rows: list[list[Child]] = [
            [
                el("a", line.encounter, href=path("facilities", facility, "encounters", line.encounter)),
                line.patient,
                line.filings,
                "Signed" if line.signed else "Open",
            ]
            for line in found[:LINES]
        ]
        return page(
            f"Encounters at {facility}",
            el("p", "Templates: ", template_links(self.store, facility)),
            el(
                "form", entry("Encounter or patient id", "q", search, type="search"), el("button", "Find"), method="get"
            ),
            table(("Encounter", "Patient", "Filings", "Note"), rows, "Encounters, last filed to first")
            if rows
            else el("p", "Nothing filed." if not search else "Nothing found."),
            further(search, offset, len(found) > LINES),
        )

    async def chart(self, request: web.Request) -> web.Response:
        facility, encounter = request.match_info["facility"], request.match_info["encounter"]
        filings = self.store.filings(facility, encounter)
        populated, patient = self.store.populated(facility, encounter)
        if not (filings or populated):
            return page("Chart", el("p", "Nothing is filed for this encounter."), status=404)
        signed = (facility, encounter) in self.store.signed
        template = self.store.templates.get(facility, {}).get(populated or filings[-1].template)
        current = {filing.sequence for filing in standing(filings)}
        history = [self.filing(filing, filing.sequence in current) for filing in reversed(filings[-LINES:])]
        return page(
            "Chart",
            el("p", el("a", facility, href=path("facilities", facility)), f" · encounter {encounter}"),
            el("p", f"Patient {filings[0].patient if filings else patient} · {'signed, locked' if signed else 'open'}"),
            el("p", f"Template of the visit: {populated}") if populated else None,
            sign_form(facility, encounter, signed),
            el("h2", template.name if template else "Fields"),
            note(chart_fields(filings), template),
            attached(self.store, facility, encounter),
            el("h2", "Filings, newest first"),
            history,
        )

    def filing(self, filing: Filing, current: bool) -> Html:
        """One filing of the history: what it carried, what was lost, and the message as it came."""
        raw = self.store.raw(filing.sequence).decode("utf-8", "replace").replace("\r", "\n")
        kind = "Correction" if filing.correction else "Filing"
        standing_words = "" if current else " · replaced by a correction"
        return el(
            "details",
            el("summary", f"{kind} {filing.sequence} at {filing.moment}{standing_words}"),
            el("p", f"Control id {filing.control_id} · note {filing.note_id or '(none)'} · template {filing.template}"),
            el("ul", [el("li", lost_words(each)) for each in filing.lost], class_="lost") if filing.lost else None,
            [[el("h3", field_id), el("p", text, class_="text")] for field_id, text in filing.fields.items()],
            el("h3", "Message as it came"),
            el("pre", raw, tabindex="0"),
        )

    async def sign(self, request: web.Request) -> web.Response:
        """Signs the note, or opens it again."""
        facility, encounter = request.match_info["facility"], request.match_info["encounter"]
        form = await request.post()
        self.store.sign(facility, encounter, form.get("signed") == "yes")
        raise web.HTTPSeeOther(path("facilities", facility, "encounters", encounter))


def note(fields: dict[str, str], template: Template | None) -> Html:
    """The note as a clinician sees it: every field of the template in its order, then what no field of it names."""
    known = [(field.field_id, field.label) for field in template.fields] if template else []
    rest = [(field_id, "Not in the template") for field_id in fields if field_id not in dict(known)]
    return el("dl", [field_entry(field_id, label, fields.get(field_id)) for field_id, label in known + rest])


def attached(store: Store, facility: str, encounter: str) -> list[Child]:
    """The documents beside the note, where there are any."""
    found = documents_of(store.committed, facility, encounter)
    if not found:
        return []
    rows = [el("li", f"{one['title'] or 'Untitled'} · {one['content_type']} · {one['bytes']:,} bytes") for one in found]
    return [el("h2", "Documents"), el("ul", rows)]


def field_entry(field_id: str, label: str, text: str | None) -> list[Html]:
    value = el("dd", "Empty", class_="empty") if text is None else el("dd", text, class_="text")
    return [el("dt", label, " ", el("code", field_id)), value]


def lost_words(lost: LostField) -> str:
    field_id, reason, place = lost["field_id"], LOST[lost["reason"]], lost["filed_as"]
    if place == field_id:
        return f"{field_id}: {reason}"
    return f"{field_id}: {reason}, " + (f"filed as {place}" if place else "dropped")


def template_links(store: Store, facility: str) -> list[Child]:
    codes = sorted(store.templates.get(facility, {}))
    return [
        [" · " if place else "", el("a", code, href=path("facilities", facility, "templates", code))]
        for place, code in enumerate(codes)
    ]


def sign_form(facility: str, encounter: str, signed: bool) -> Html:
    words = "Open the note again" if signed else "Sign and lock the note"
    button = el("button", words, name="signed", value="no" if signed else "yes")
    return el("form", button, method="post", action=path("facilities", facility, "encounters", encounter, "sign"))


def further(search: str, offset: int, more: bool) -> Html:
    """Buttons to the encounters before and after these, within the same search."""
    buttons = []
    if offset:
        buttons.append(el("button", "Earlier in the list", name="from", value=max(offset - LINES, 0)))
    if more:
        buttons.append(el("button", "Further down", name="from", value=offset + LINES))
    return el("form", el("input", type="hidden", name="q", value=search), buttons, method="get")
