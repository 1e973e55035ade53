"""The one exception for what a person can mend.

Its text is shown exactly as it is, on the screen and on the command line; anything
else that is raised is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

from kantai.strings import text

# What libraries write where memory or disk ran out -> the sentence for it.
CAUSES = (
    ("MemoryError", "out_of_memory"),
    ("out of memory", "out_of_memory"),  # a GPU: in a training, or no program may begin on it
    ("STATUS_ALLOC_FAILED", "out_of_memory"),  # a GPU's libraries
    ("not enough memory", "out_of_memory"),
    ("allocate memory", "out_of_memory"),
    ("No space left", "disk_full"),
    ("File too large", "disk_full"),
)


class UserError(ValueError):
    """A mistake that one clear sentence can mend.

    `key` names the sentence in `kantai.strings`, `values` fill its gaps:

    >>> str(UserError("file_empty", name="a.txt"))
    'a.txt is empty: choose a file that holds text.'
    """

    def __init__(self, key: str, **values: object):
        self.key, self.values = key, values
        super().__init__(text(key, **values))

    def message(self, language: str = "en") -> str:
        """The same sentence in another language (`en` or `zh`)."""
        return text(self.key, language, **self.values)


def explain(error: BaseException, place: object) -> UserError | None:
    """The sentence for an error that is a person's to mend: no memory, no room where `place` is.

    None for any other.
    """
    if isinstance(error, UserError):
        return error
    key = cause(error)
    return UserError(key, place=place) if key else None


def cause(error: BaseException) -> str | None:
    """The key of the sentence for what ran out, memory or disk; None for other errors."""
    words = first_line(error)
    return next((key for sign, key in CAUSES if sign in words), None)


def first_line(error: BaseException) -> str:
    """What an error says, in a line."""
    return f"{type(error).__name__}: {error}".split("\n")[0][:200]
