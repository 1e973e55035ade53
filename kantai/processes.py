"""Processes by number and birth: a number alone may belong to another process by now.

Births are told by a clock that nobody can set: a corrected time of day must not make a living
process look like another. Knows nothing of what the processes do.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

SAME_BIRTH = 0.5  # seconds: births are told apart by more


def birth(pid: int) -> float | None:
    """When process `pid` began, in seconds of its system's clock; None where none runs.

    One that has ended, but that its parent has not asked after yet (a zombie), does not run.
    """
    return _birth_in_proc(pid) if os.path.exists("/proc/self/stat") else _birth_by_psutil(pid)


def _birth_in_proc(pid: int) -> float | None:
    """Seconds after the start of the system: proc(5), fields 3 (state) and 22 (starttime)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    state, *rest = stat[stat.rindex(b")") + 2 :].split()
    return None if state in (b"Z", b"X") else int(rest[18]) / os.sysconf("SC_CLK_TCK")


def _birth_by_psutil(pid: int) -> float | None:
    """Seconds since 1970."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def age() -> float:
    """Seconds since this process began: the interpreter's own start and all imports count."""
    born = birth(os.getpid()) or 0.0
    # the clock that births are told by: proc(5) counts from the system's start, sleep included
    in_proc = os.path.exists("/proc/self/stat")
    return (time.clock_gettime(time.CLOCK_BOOTTIME) if in_proc else time.time()) - born


def is_alive(pid: int, born: float) -> bool:
    """Whether the very process that was born then still runs."""
    found = birth(pid)
    return found is not None and abs(found - born) < SAME_BIRTH


def end(pid: int, born: float) -> None:
    """Kill the process and those it started; nothing where it is gone, or is the one that asks."""
    import psutil

    if pid == os.getpid() or not is_alive(pid, born):
        return
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                one.kill()
