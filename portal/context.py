"""What every page's shell needs: the menu, the environment badge, the locations one may see, light or dark."""

from django.http import HttpRequest

from portal import navigation, panels
from portal.selection import NOTHING

THEMES = {"auto": "Like the system", "light": "Light", "dark": "Dark"}
THEME_COOKIE = "appearance"


def shell(request: HttpRequest) -> dict[str, object]:
    """`selection` (portal.selection.Selection), `menu` (list of Link), `theme`, `themes`, `csp_nonce`."""
    selection = getattr(request, "selection", NOTHING)
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    return {
        "selection": selection,
        "menu": navigation.links(selection.roles, request.path) if selection.roles else [],
        "theme": theme if theme in THEMES else "auto",
        "themes": THEMES,
        "csp_nonce": getattr(request, "csp_nonce", ""),  # named as in Django 6; made where a page first asks for it
        "banners": panels.banners(request) if selection.roles else (),
    }
