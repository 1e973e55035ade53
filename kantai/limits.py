"""How much one person may ask of a playground that is shared: one table, one row a place.

    KANTAI_LIMITS=class python app.py        the same as: python app.py --limits class

Every limit is held where the thing is done, so that a direct call meets it too, and each has
one sentence. `math.inf` means that there is none. Knows no screen, no queue and no folder.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from kantai.errors import UserError
from kantai.strings import text

MB, GB = 1_000_000, 1_000_000_000
MINUTE = 60.0
HELD_BYTES = 1 * GB  # of models and counts in the server's memory, for the next question to them


@dataclass(frozen=True)
class Allowance:
    """What is allowed. Raises ValueError for a limit below 1."""

    upload_bytes: float  # all files of one text together
    text_characters: float  # one text, read from all its files together
    run_seconds: float  # of training, over all resumes of a Run
    runs_each: float  # Runs that one owner may keep
    waiting: float  # Runs in the queue, without the one that trains
    disk_bytes: float  # all Runs together
    idle_days: float  # after which an owner's newest Run may go too, where the disk needs it
    requests_minute: float  # from one address: a school has one for all its pupils

    def __post_init__(self) -> None:
        for limit in fields(self):
            if getattr(self, limit.name) < 1:
                raise ValueError(f"{limit.name} must be 1 or more.")

    def check(self, limit: str, asked: float, key: str) -> None:
        """Raise UserError(key) where `asked` is more than `limit`; its gap is {most}."""
        if asked > getattr(self, limit):
            raise UserError(key, most=shown(limit, getattr(self, limit)))

    def sentences(self, language: str = "en", only: Sequence[str] = ()) -> list[str]:
        """Every limit that there is, or those named, for people to read before they meet it."""
        names = only or [limit.name for limit in fields(self)]
        known = ((name, getattr(self, name)) for name in names)
        return [
            text(f"limit_{name}", language, most=shown(name, value))
            for name, value in known
            if math.isfinite(value)
        ]


ALLOWANCES = {
    "local": Allowance(
        upload_bytes=1 * GB,
        text_characters=500 * MB,
        run_seconds=24 * 3_600,
        runs_each=math.inf,
        waiting=30,
        disk_bytes=math.inf,
        idle_days=math.inf,
        requests_minute=math.inf,
    ),
    "class": Allowance(
        upload_bytes=50 * MB,
        text_characters=20 * MB,
        run_seconds=600,
        runs_each=20,
        waiting=60,
        disk_bytes=20 * GB,
        idle_days=30,
        requests_minute=12_000,
    ),
    "space": Allowance(
        upload_bytes=20 * MB,
        text_characters=10 * MB,
        run_seconds=300,
        runs_each=10,
        waiting=20,
        disk_bytes=10 * GB,
        idle_days=2,
        requests_minute=6_000,
    ),
}
# A visitor has minutes of a lent GPU a day, and wants more than one run of them.
ALLOWANCES["zero"] = replace(ALLOWANCES["space"], run_seconds=90)


def chosen(environment: Mapping[str, str]) -> Allowance:
    """The row that `KANTAI_LIMITS` names; by default that of the place.

    Raises UserError for a name that the table does not have.
    """
    place = "space" if "SPACE_ID" in environment else "local"
    name = environment.get("KANTAI_LIMITS") or ("zero" if is_zero_gpu(environment) else place)
    if name not in ALLOWANCES:
        raise UserError("unknown_limits", asked=name, known=", ".join(ALLOWANCES))
    return ALLOWANCES[name]


def is_zero_gpu(environment: Mapping[str, str]) -> bool:
    """Whether this is a Space that lends its GPU call by call."""
    return environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")


def shown(limit: str, value: float) -> str:
    """A limit's figure for a sentence: bytes in MB.

    >>> shown("upload_bytes", 50_000_000), shown("run_seconds", 600)
    ('50 MB', '600')
    """
    return f"{value / MB:,.0f} MB" if limit.endswith("_bytes") else f"{value:,.0f}"


@dataclass
class Turnstile:
    """Counts what each caller asked for in the last minute; those who came least are forgotten.

    A caller beyond the limit is refused and its refused calls are not counted: it may go on as
    soon as the minute has room again.
    """

    most: float
    clock: Callable[[], float] = time.monotonic
    callers: int = 10_000  # remembered at a time
    _calls: dict[Any, deque[float]] = field(default_factory=dict)

    def admits(self, caller: Any) -> bool:
        """Whether this call is still within the caller's minute."""
        if not math.isfinite(self.most):
            return True
        now, calls = self.clock(), self._calls.setdefault(caller, deque())
        while calls and now - calls[0] >= MINUTE:
            calls.popleft()
        if len(calls) >= self.most:
            return False
        calls.append(now)
        if len(self._calls) > self.callers:
            self._forget(now)
        return True

    def _forget(self, now: float) -> None:
        idle = [name for name, calls in self._calls.items() if now - calls[-1] >= MINUTE]
        for name in idle or [next(iter(self._calls))]:
            del self._calls[name]
