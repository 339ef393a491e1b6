"""What every page of the sandbox has: banner, navigation, style, and the headers that keep a browser strict."""

import codecs
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

from aiohttp import web

from sandbox.html import Child, Html, el

STATIC = Path(__file__).parent / "static"
BANNER = "Simulated eCW: synthetic notes only"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page(title: str, *content: Child, status: int = 200) -> web.Response:
    """A whole page. The title must not name a patient or an encounter: browsers keep titles."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{title} · Simulated eCW"),
        el("link", rel="icon", href="/static/sandbox.svg"),
        el("link", rel="stylesheet", href="/static/sandbox.css"),
    )
    links = el("nav", el("a", "Charts", href="/"), el("a", "Faults", href="/faults"), aria_label="Pages")
    body = el("body", el("header", el("p", BANNER, class_="banner"), links), el("main", el("h1", title), *content))
    text = "<!doctype html>\n" + el("html", head, body, lang="en")
    return web.Response(text=text, content_type="text/html", status=status)


def path(*parts: str) -> str:
    """An address on this server; every part is quoted whole."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def table(columns: tuple[str, ...], rows: list[list[Child]], caption: str) -> Html:
    """A table that scrolls by itself where it is wider than the screen."""
    head = el("tr", [el("th", column, scope="col") for column in columns])
    body = [el("tr", [el("td", cell) for cell in row]) for row in rows]
    whole = el("table", el("caption", caption), el("thead", head), el("tbody", body))
    return el("div", whole, class_="wide", tabindex="0", role="region", aria_label=caption)


def choice(label: str, name: str, options: list[tuple[str, str]], chosen: str = "") -> Html:
    """A labelled select; options are value and words."""
    items = [el("option", words, value=value, selected=value == chosen) for value, words in options]
    return el("label", el("span", label), el("select", items, name=name))


def entry(label: str, name: str, value: str | int | float = "", **attributes: str | int | float | bool) -> Html:
    """A labelled input."""
    return el("label", el("span", label), el("input", name=name, value=value, **attributes))


def static_routes() -> list[web.RouteDef]:
    """The style sheet and the icon, read once."""
    files = {"sandbox.css": "text/css", "sandbox.svg": "image/svg+xml"}
    return [web.get(f"/static/{name}", serve((STATIC / name).read_text(), kind)) for name, kind in files.items()]


def serve(text: str, content_type: str) -> Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type)

    return endpoint


@web.middleware
async def strict(request: web.Request, handler: Endpoint) -> web.StreamResponse:
    """Refuses changes that another site's page asks for, and bodies that nobody can read; adds HEADERS."""
    origin = request.headers.get("Origin")
    if request.method not in ("GET", "HEAD") and origin is not None and urlsplit(origin).netloc != request.host:
        return web.json_response({"error": "Another site's page may not change anything here."}, status=403)
    try:
        response = await handler(request) if readable(request) else unreadable()
    except web.HTTPException as error:
        error.headers.update(HEADERS)
        raise
    except (UnicodeDecodeError, RecursionError):  # no text of that encoding, or brackets without end
        response = unreadable()
    response.headers.update(HEADERS)
    return response


def readable(request: web.Request) -> bool:
    """Whether the encoding that the request names is one."""
    try:
        codecs.lookup(request.charset or "utf-8")
    except LookupError:
        return False
    return True


def unreadable() -> web.Response:
    return web.json_response({"error": "The body cannot be read."}, status=400)
