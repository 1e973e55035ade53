"""Dataclasses from the plain records that they were written as, perhaps by another version.

A key that is not known any more is left out; one that is missing takes its default.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

Kind = TypeVar("Kind")
# A word of a field's type -> what JSON may have there; of other words nothing is known.
TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int, "float": (int, float), "str": str, "bool": bool, "None": type(None),
    "dict": dict, "list": list,
}  # fmt: skip


def fitting(kind: type[Kind], record: dict[str, Any], **known: Any) -> Kind:
    """`kind` from the keys of `record` that it has; `known` values stand as they are.

    Raises TypeError where a key without default is missing, and for a value of another type.
    """
    types = {field.name: field.type for field in fields(kind)}
    found = {key: value for key, value in record.items() if key in types and key not in known}
    for key, value in found.items():
        if not may_be(value, types[key]):
            raise TypeError(f"{key} is {value!r}, which is no {types[key]}")
    return kind(**found, **known)


def may_be(value: Any, written: str) -> bool:
    """Whether a value can be what a type says, as far as its first words tell.

    >>> may_be(1, "float | None"), may_be("1", "float | None"), may_be([1], "list[list[str]]")
    (True, False, True)
    """
    words = [word.split("[")[0].strip() for word in written.split("|")]
    return any(word not in TYPES or isinstance(value, TYPES[word]) for word in words)
