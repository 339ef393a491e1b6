"""Whether a posted note is plainly right, asked in a seventh of the time that the serializer takes.

Made from the serializer's own fields, so that there is one set of rules. It says yes only where the serializer would
find nothing, and no character has to be refused; whatever is not plain goes the long way, which knows the words.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from django.core.validators import RegexValidator
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from delivery.posted import FORBIDDEN, NOT_IN_ONE_LINE
from delivery.serializers import LISTS, Choice, Identifier, NoteSerializer, OneLine, Pattern, Strict, Text

Check = Callable[[Any], bool]
SEVERAL_LINES = ("text", "title", "reaction")  # all else stands on one line (posted.ONE_LINE names fewer)


def plainly_right(data: Any) -> bool:
    """True: the serializer finds nothing wrong. False: ask it."""
    return _note()(data) and any(data.get(name) for name in LISTS)


@cache
def _note() -> Check:
    return _object(NoteSerializer())


def _object(shape: Strict) -> Check:
    checks = {name: _value(name, field, shape) for name, field in shape.fields.items()}
    may_be_null = {name for name, field in shape.fields.items() if field.allow_null}
    needed = {name for name, field in shape.fields.items() if field.required}

    def check(data: Any) -> bool:
        if type(data) is not dict or not needed <= data.keys():
            return False
        for name, value in data.items():
            if name not in checks or not (name in may_be_null if value is None else checks[name](value)):
                return False
        return True

    return check


def _value(name: str, field: serializers.Field, shape: Strict) -> Check:
    if hasattr(shape, f"validate_{name}"):
        return lambda _: False
    if isinstance(field, Strict):
        return _object(field)
    if isinstance(field, serializers.ListSerializer):
        return _list(field)
    travels = _in_lines if name in SEVERAL_LINES else _in_one_line
    plain = _field(field)
    return lambda value: (type(value) is not str or travels(value)) and plain(value)


def _in_one_line(text: str) -> bool:
    """What is printable holds none of the characters that are refused, and is told much faster."""
    return text.isprintable() or not NOT_IN_ONE_LINE.search(text)


def _in_lines(text: str) -> bool:
    return text.replace("\n", "").isprintable() or not FORBIDDEN.search(text)


def _list(field: serializers.ListSerializer) -> Check:
    each = _object(cast(Strict, field.child))
    most: int = field.max_length  # type: ignore[attr-defined]  # the stubs do not know it

    def check(data: Any) -> bool:
        return type(data) is list and len(data) <= most and all(map(each, data))

    return check


def _field(field: serializers.Field) -> Check:
    if isinstance(field, Text):
        return _text(field)
    if isinstance(field, Choice):
        words = {word for word in field.choices if isinstance(word, str)} | ({""} if field.allow_blank else set())
        return lambda value: type(value) is str and value in words
    if isinstance(field, Pattern):
        return _pattern(field)
    return lambda value: _by_itself(field, value)


def _text(field: Text) -> Check:
    least, most = (0 if field.allow_blank else 1), field.max_length or 0
    one_line, exact = isinstance(field, OneLine), isinstance(field, Identifier)

    def check(value: Any) -> bool:
        if type(value) is not str or not least <= len(value) <= most:
            return False
        if not one_line or not value:
            return True
        stripped = value.strip()
        return bool(stripped) and value.isprintable() and (not exact or stripped == value)

    return check


def _pattern(field: Pattern) -> Check:
    patterns = [re.compile(each.regex) for each in field.validators if isinstance(each, RegexValidator)]

    def check(value: Any) -> bool:
        if type(value) is not str:
            return False
        return all(each.search(value) for each in patterns) if value else field.allow_blank

    return check


def _by_itself(field: serializers.Field, value: Any) -> bool:
    try:
        field.run_validation(value)
    except ValidationError:
        return False
    return True
