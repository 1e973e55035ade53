"""The one exception for what a person can mend.

Its text is shown exactly as it is, on the screen and on the command line; anything
else that is raised is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

from kantai.strings import text


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
