"""What every page's shell needs: the menu, the environment badge, the locations one may see, light or dark."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal import navigation, panels
from portal.selection import NOTHING

THEMES = {"auto": "Like the system", "light": "Light", "dark": "Dark"}
THEME_COOKIE = "appearance"


def shell(request: HttpRequest) -> dict[str, object]:
    """`selection` (portal.selection.Selection), `menu` (list of Link), `theme`, `themes`, `csp_nonce`, `banners`.

    Asked for by every piece of a page and by every answer to htmx: what only the page around them shows is lazy.
    """
    selection = getattr(request, "selection", NOTHING)
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    return {
        "selection": selection,
        "menu": SimpleLazyObject(lambda: navigation.links(selection.roles, request.path) if selection.roles else []),
        "theme": theme if theme in THEMES else "auto",
        "themes": THEMES,
        "csp_nonce": getattr(request, "csp_nonce", ""),  # named as in Django 6; made where a page first asks for it
        "banners": SimpleLazyObject(lambda: panels.banners(request) if selection.roles else ()),
    }
