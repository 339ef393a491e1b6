"""The page of one template: its order, its export, and the change that eCW might make overnight."""

from dataclasses import replace

from aiohttp import web

from sandbox.html import Child, Html, el
from sandbox.shell import choice, page, path, table
from sandbox.store import Store
from sandbox.template import COLUMNS, KIND_WORDS, OUT_OF_ORDER, BadTemplate, Template

WORDS = {
    "drop": "Drop what is out of order",
    "misfile": "File what is out of order into the field expected there",
}


class TemplatePage:
    """Shows and changes a template."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def routes(self) -> list[web.RouteDef]:
        address = "/facilities/{facility}/templates/{code}"
        return [web.get(address, self.show), web.post(address, self.change), web.post(address + "/swap", self.swap)]

    def template(self, request: web.Request) -> Template:
        template = self.store.templates.get(request.match_info["facility"], {}).get(request.match_info["code"])
        if template is None:
            raise web.HTTPNotFound
        return template

    async def show(self, request: web.Request) -> web.Response:
        return show(self.template(request))

    async def swap(self, request: web.Request) -> web.Response:
        form, template = await request.post(), self.template(request)
        try:
            swapped = template.swapped(str(form.get("first")), str(form.get("second")))
        except BadTemplate as error:
            return show(template, str(error))
        self.store.put_template(swapped)
        raise web.HTTPSeeOther(address(template))

    async def change(self, request: web.Request) -> web.Response:
        """What happens to a field out of order, and to text over the limit."""
        form, template = await request.post(), self.template(request)
        if form.get("out_of_order") not in OUT_OF_ORDER:
            return show(template, "Choose what happens to a field out of order.")
        truncate = form.get("truncate") == "yes"
        self.store.put_template(replace(template, out_of_order=str(form["out_of_order"]), truncate=truncate))
        raise web.HTTPSeeOther(address(template))


def address(template: Template) -> str:
    return path("facilities", template.facility, "templates", template.code)


def show(template: Template, trouble: str = "") -> web.Response:
    export = path("sandbox", "api", "facilities", template.facility, "templates", template.code) + ".csv"
    rows: list[list[Child]] = [
        [
            field.position,
            el("code", field.field_id),
            field.label,
            KIND_WORDS[field.kind],
            field.max_length or "",
            "Yes" if field.required else "No",
        ]
        for field in template.fields
    ]
    return page(
        template.name,
        el("p", trouble, class_="trouble", role="alert") if trouble else None,
        el("p", el("a", template.facility, href=path("facilities", template.facility)), f" · {template.code}"),
        table(COLUMNS, rows, "Fields in their order"),
        el("p", el("a", "Download as CSV", href=export)),
        el("h2", "Exchange two fields"),
        swap_form(template),
        el("h2", "How it files"),
        filing_form(template),
        status=422 if trouble else 200,
    )


def swap_form(template: Template) -> Html:
    options = [(field.field_id, f"{field.position}. {field.label}") for field in template.fields]
    return el(
        "form",
        choice("First field", "first", options),
        choice("Second field", "second", options, options[-1][0]),
        el("button", "Exchange their positions"),
        method="post",
        action=address(template) + "/swap",
    )


def filing_form(template: Template) -> Html:
    limits = [("yes", "Cut in silence"), ("no", "Keep whole")]
    return el(
        "form",
        choice("A field out of order", "out_of_order", list(WORDS.items()), template.out_of_order),
        choice("Text over the limit", "truncate", limits, "yes" if template.truncate else "no"),
        el("button", "Save"),
        method="post",
        action=address(template),
    )
