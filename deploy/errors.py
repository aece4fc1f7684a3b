"""The root of what deploy raises for a person to read."""

from __future__ import annotations

from deploy.language import Text


class DeployError(Exception):
    """Something a person can put right: the message says what is wrong, where, and what to do. words: that in both
    languages, or in the one that was asked for. As a string it is English, for whoever reads a traceback."""

    def __init__(self, words: Text | str) -> None:
        self.words = Text(words, words) if isinstance(words, str) else words
        super().__init__(self.words.en)
