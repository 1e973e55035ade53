"""Import the heavy libraries while something else is waited for.

torch and transformers take several seconds to import; reading, cleaning and learning a
vocabulary need neither. Knows nothing of what they are needed for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable


def preload(model_classes: Iterable[str]) -> threading.Thread:
    """Import torch and transformers' classes of these names, in a thread of its own.

    Join the thread before a model is built: transformers fills itself lazily, and is not
    whole for anyone before it is for the first.
    """

    def load() -> None:
        import transformers

        transformers.utils.logging.disable_progress_bar()  # its bars would cross ours
        for name in model_classes:
            getattr(transformers, name)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    return thread
