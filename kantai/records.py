"""Dataclasses from the plain records that they were written as, perhaps by another version.

A key that is not known any more is left out; one that is missing takes its default.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

Kind = TypeVar("Kind")


def fitting(kind: type[Kind], record: dict[str, Any], **known: Any) -> Kind:
    """`kind` from the keys of `record` that it has; `known` values stand as they are.

    Raises TypeError where a key without default is missing.
    """
    names = {field.name for field in fields(kind)}
    return kind(**{key: value for key, value in record.items() if key in names} | known)
