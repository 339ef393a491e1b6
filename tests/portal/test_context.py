"""What every piece of a page is given: what only the page around it shows is looked for when it is shown."""

import pytest
from django.test import RequestFactory

from portal import navigation, panels
from portal.context import shell
from portal.models import Role
from portal.selection import Selection


@pytest.fixture
def looked(monkeypatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(panels, "banners", lambda request: found.append("banners") or ("Nothing is sent.",))
    monkeypatch.setattr(navigation, "links", lambda roles, path: found.append("menu") or ["Overview"])
    return found


def request_of(roles: frozenset[str]):
    request = RequestFactory().get("/")
    request.selection = Selection(locations=(), chosen=None, roles=roles)
    return request


def test_a_piece_of_a_page_looks_for_neither_menu_nor_banners(looked):
    shell(request_of(frozenset({Role.DIRECTOR})))
    assert looked == []


def test_the_page_around_it_looks_once_however_often_it_shows_them(looked):
    given = shell(request_of(frozenset({Role.DIRECTOR})))
    for _ in range(2):
        assert (list(given["banners"]), list(given["menu"])) == (["Nothing is sent."], ["Overview"])
    assert looked == ["banners", "menu"]


def test_who_holds_no_role_is_shown_neither(looked):
    given = shell(request_of(frozenset()))
    assert not list(given["banners"])
    assert not list(given["menu"])
    assert looked == []
