"""Functions that are imported when they are first called: what few ask for takes no memory of each process before."""

from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string


def when_called(path: str) -> Callable[..., Any]:
    """The function of this dotted path. ImportError, at the call, where there is none.

    Stands in the `else` of an `if TYPE_CHECKING` that imports it, or is given its type, so that mypy knows its shape;
    that it is there is held by tests/structure/test_when_called.py.
    """

    def call(*args: Any, **named: Any) -> Any:
        return import_string(path)(*args, **named)

    return call
