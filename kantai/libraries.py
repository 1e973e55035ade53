"""Do slow things while something else is waited for; first of all import the heavy libraries.

torch and transformers take several seconds to import; reading, cleaning and learning a
vocabulary need neither. Knows nothing of what they are needed for.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def meanwhile(work: Callable[[], T]) -> Future[T]:
    """Do `work` in a thread of its own, which ends with the process; its result or its error."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # whoever asks for the result gets it
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer


def preload(model_classes: Iterable[str]) -> threading.Thread:
    """Import torch and transformers' classes of these names, in a thread of its own.

    Join the thread before a model is built: transformers fills itself lazily, and is not
    whole for anyone before it is for the first.
    """

    def load() -> None:
        import transformers  # noqa: F401

        # While it is imported it puts another module in its place: who waited has the old one.
        library = sys.modules["transformers"]
        library.utils.logging.disable_progress_bar()  # its bars would cross ours
        for name in model_classes:
            getattr(library, name)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    return thread
