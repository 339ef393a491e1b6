"""Takes values out of a connection's settings; ValueError in plain words when one is not of its kind."""

from collections.abc import Mapping
from typing import Any


def text(values: Mapping[str, Any], name: str, default: str = "") -> str:
    """A text; missing and null give the default."""
    value = values.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text.")
    return value


def whole(values: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number, also one that was typed as text."""
    value = values.get(name, default)
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number.")
    return value


def seconds(values: Mapping[str, Any], name: str, default: float, most: float) -> float:
    """A length of time: more than nothing, at most `most`."""
    given = values.get(name, default)
    try:
        value = float("no" if isinstance(given, bool) else given)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a number of seconds.") from None
    if not 0 < value <= most:
        raise ValueError(f"{name} must be more than 0 and at most {most:g} seconds.")
    return value


def yes_or_no(values: Mapping[str, Any], name: str) -> bool:
    """True or false; nothing else will do."""
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false.")
    return value
