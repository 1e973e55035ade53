"""What a direct call may bring: checked in one place, by the annotations of what is called.

Knows nothing of what the functions do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, get_args, get_origin, get_type_hints

from kantai.errors import UserError

LONGEST = 3_000  # characters of a name or a sentence
SECRET = "owner"  # an argument of this name is never empty
UNBOUNDED = ("text",)  # these have a limit of their own
MOST_ITEMS = 100  # of a list
KINDS = {str: "text", int: "whole", float: "number", bool: "switch", list: "list", dict: "file"}


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which refuses what its annotations do not name. Raises UserError."""
    hints = get_type_hints(function)
    parameters = signature(function).parameters.values()

    def call(*given: Any) -> Any:
        if not sum(p.default is Parameter.empty for p in parameters) <= len(given) <= len(hints):
            raise UserError("arguments_number", name=function.__name__)
        pairs = zip(parameters, given, strict=False)
        return function(*(value_of(p.name, hints[p.name], value) for p, value in pairs))

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__signature__ = signature(function)  # type: ignore[attr-defined]
    call.__annotations__ = hints
    return call


def value_of(name: str, hint: Any, value: Any) -> Any:
    """`value` as the annotation has it. Raises UserError for anything else.

    >>> value_of("amount", float, 3), value_of("steps", int, 4.0)
    (3.0, 4)
    """
    kind = get_origin(hint) or hint
    if kind is list:
        return items_of(name, hint, value)
    if kind in (int, float):
        value = number_of(name, kind, value)
    if not isinstance(value, kind):
        raise UserError(f"argument_{KINDS[kind]}", name=name)
    if kind is str:
        check_length(name, value)
    return value


def items_of(name: str, hint: Any, value: Any) -> list[Any]:
    """A list whose elements are all of the kind that the annotation names."""
    if not isinstance(value, list):
        raise UserError("argument_list", name=name)
    if len(value) > MOST_ITEMS:
        raise UserError("argument_many", name=name, most=MOST_ITEMS)
    (inner,) = get_args(hint)
    return [value_of(name, inner, item) for item in value]


def number_of(name: str, kind: type, value: Any) -> Any:
    """A finite number of this kind; JSON may spell a whole one with a point."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not -1e15 < value < 1e15 or math.isnan(value):
        raise UserError(f"argument_{KINDS[kind]}", name=name)
    return kind(value) if value == kind(value) else value


def check_length(name: str, value: str) -> None:
    """Raise UserError for an owner without a secret, and for more than a sentence."""
    if name == SECRET and not value:
        raise UserError("argument_secret", name=name)
    if name not in UNBOUNDED and len(value) > LONGEST:
        raise UserError("argument_long", name=name, most=f"{LONGEST:,}")


def given_first(function: Callable[..., Any], first: Any) -> Callable[..., Any]:
    """The function with its first argument given, and all that Gradio asks of its signature."""
    known = signature(function)
    _, *rest = known.parameters.values()

    def call(*arguments: Any) -> Any:
        return function(first, *arguments)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__signature__ = known.replace(parameters=rest)  # type: ignore[attr-defined]
    hints = get_type_hints(function)
    call.__annotations__ = {name: hints[name] for name in [p.name for p in rest]}
    return call
