"""Starts the processes that train; one may stand by, its libraries loaded, for the next Run.

To import torch and transformers takes longer than all else before a first step. Who stands by
has done so, and waits for a Run's folder on its standard input, whose end is its own: it ends with
the process that began it, and where no Run comes for long. Knows no queue, and nothing of how a
worker trains.
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
STANDS_BY = 900.0  # seconds that one waits for a Run before its memory is given back


class Workers:
    """Begins workers on `device`, one process a Run; `spare`: whether one may stand by."""

    def __init__(self, device: str | None = None, *, spare: bool = False):
        self.device, self.may_stand_by = device, spare
        self.spare: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._patience: threading.Timer | None = None

    def make_ready(self) -> None:
        """A training is near: have a worker stand by, where one may and none does."""
        with self._lock:
            if not self.may_stand_by:
                return
            if self.spare is None or self.spare.poll() is not None:
                with suppress(OSError):  # then the Run's own worker is started, and says so
                    self.spare = self._started("--standby", subprocess.DEVNULL)
            if self._patience:
                self._patience.cancel()
            self._patience = threading.Timer(STANDS_BY, self.dismiss)
            self._patience.daemon = True
            self._patience.start()

    def dismiss(self) -> None:
        """Let who stands by end: no Run can be given to it any more."""
        with self._lock:
            spare, self.spare = self.spare, None
        if spare:
            spare.stdin.close()
            spare.wait()

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
