"""Processes by number and birth: a number alone may belong to another process by now.

Knows nothing of what the processes do.
"""

from __future__ import annotations

from contextlib import suppress

SAME_BIRTH = 2.0  # seconds: births are told apart by more; the clock may have been set between


def birth(pid: int) -> float | None:
    """When process `pid` began, in seconds since 1970; None where none runs.

    One that has ended, but that its parent has not asked after yet (a zombie), does not run.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def is_alive(pid: int, born: float) -> bool:
    """Whether the very process that was born then still runs."""
    found = birth(pid)
    return found is not None and abs(found - born) < SAME_BIRTH


def end(pid: int, born: float) -> None:
    """Kill the process and those it started; does nothing where it no longer runs."""
    import psutil

    if not is_alive(pid, born):
        return
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                one.kill()
