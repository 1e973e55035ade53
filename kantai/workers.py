"""Starts the processes that train; one may stand by, its libraries loaded, for the next Run.

To import torch and transformers takes longer than all else before a first step. Who stands by
has done so, and waits for a Run's folder on its standard input; it ends with the process that
began it, and by itself where nobody wants it. Knows no queue, and nothing of how a worker trains.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import kantai
from kantai.errors import UserError
from kantai.workspace import Run

HOUSE = Path(kantai.__file__).parents[1]  # where `python -m kantai.worker` finds its modules


class Workers:
    """Begins workers on `device`, one process a Run; `spare`: whether one may stand by."""

    def __init__(self, device: str | None = None, *, spare: bool = False):
        self.device, self.may_stand_by = device, spare
        self.spare: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def make_ready(self) -> None:
        """A training is near: have a worker stand by, where one may and none does."""
        with self._lock:
            if self.may_stand_by and (self.spare is None or self.spare.poll() is not None):
                with suppress(OSError):  # then the Run's own worker is started, and says so
                    self.spare = self._started("--standby", subprocess.DEVNULL)

    def begin(self, run: Run) -> subprocess.Popen[bytes]:
        """A worker for the Run, which waits for the end of its standard input before it works.

        Raises UserError where no process can be started.
        """
        with self._lock:
            spare, self.spare = self.spare, None
        if spare and spare.poll() is None and _given(spare, run):
            return spare
        try:
            with open(run.log_file, "ab") as log:
                return self._started(str(run.folder), log, "--wait")
        except OSError as error:
            raise UserError("worker_not_started", reason=error.strerror) from error

    def _started(self, what: str, output: IO[bytes] | int, *more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "kantai.worker", what, *more]
        command += ["--device", self.device] if self.device else []
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=HOUSE,
            start_new_session=True,
        )  # fmt: skip


def _given(spare: subprocess.Popen[bytes], run: Run) -> bool:
    """Tell who stands by which Run it is; False where it has just ended."""
    try:
        spare.stdin.write(f"{run.folder.resolve()}\n".encode())
        spare.stdin.flush()
    except OSError:
        spare.kill()
        return False
    return True
