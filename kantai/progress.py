"""Bars on standard error: what is being done, how far it is, and the losses while it trains."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

from tqdm import tqdm

from kantai.events import Event, Noticed, Stepped, Validated
from kantai.strings import text


class Bars:
    """A bar for each stage, in turn. Call it with a stage's key and a share from 0 to 1.

    Inside its `with` block the first Ctrl-C asks the training to stop and keep its weights
    (`interrupted()` turns true); a second one ends the program.
    """

    def __init__(self) -> None:
        self.bar: tqdm | None = None
        self.key = ""
        self.losses: dict[str, str] = {}
        self.stop = threading.Event()

    def __enter__(self) -> Bars:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *error: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self.before)
        self._close(finished=error[0] is None)

    def interrupted(self) -> bool:
        return self.stop.is_set()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.stop.is_set() or self.key != "doing_train":
            raise KeyboardInterrupt
        self.stop.set()

    def __call__(self, key: str, share: float) -> None:
        """Show that stage `key` is done by `share`."""
        if key != self.key:
            self._close(finished=True)
            self.key = key
            self.bar = tqdm(
                total=100,
                desc=text(key),
                file=sys.stderr,
                bar_format="{desc:<28}{bar:20} {percentage:3.0f} % {elapsed} {postfix}",
                mininterval=0.2,
                delay=0.5,
            )
        self.bar.update(max(0.0, min(100.0, 100 * share) - self.bar.n))

    def show(self, event: Event) -> None:
        """Show what the training tells."""
        if isinstance(event, Noticed):
            tqdm.write(text(event.key, **event.values), file=sys.stderr)
        if isinstance(event, Stepped):
            self.losses |= {"loss": f"{event.loss:.2f}", "tok/s": f"{event.tokens_per_second:,.0f}"}
            self("doing_train", event.share)
        if isinstance(event, Validated):
            self.losses |= {"validation": f"{event.loss:.2f}", "top-1": f"{event.top1:.1%}"}
        if self.bar is not None:
            self.bar.set_postfix(self.losses, refresh=False)

    def _close(self, finished: bool) -> None:
        if self.bar is not None:
            if finished:
                self.bar.update(100 - self.bar.n)
            self.bar.close()
        self.bar, self.losses = None, {}
