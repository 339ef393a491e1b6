"""Builds HTML that is escaped unless it was built here."""

from collections.abc import Iterable
from html import escape

VOID = frozenset({"input", "link", "meta"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | int | None | Iterable["Child"]
Attribute = str | int | float | bool | None


def el(tag: str, *children: Child, **attributes: Attribute) -> Html:
    """An element. Children are escaped unless built here; `class_` is class, `aria_label` is aria-label."""
    written = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{written}>" if tag in VOID else f"<{tag}{written}>{inner(children)}</{tag}>")


def inner(child: Child) -> Html:
    """The HTML of children, however nested."""
    match child:
        case None:
            return Html()
        case Html():
            return child
        case str() | int():
            return Html(escape(str(child)))
    return Html("".join(inner(each) for each in child))
