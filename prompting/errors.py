"""What can go wrong while words are found, drawn as a tree.

    PromptingError
    ├── WriterFailed            the language model gave no answer; the wish goes through unchanged
    │   ├── WriterUnavailable       there is none here, or it cannot be started
    │   ├── WriterTimeout           it did not answer in time
    │   └── WriterDied              its process is gone, or its server hung up
    ├── Unreadable              a text is not what it must be: an answer, a table of styles
    ├── UnknownName             no dialect or style of that name; the person can change it
    ├── TooMany                 a wish that stands for more pictures, or more text, than allowed
    └── Declined                the server's word policy says no

A `WriterFailed` or an `Unreadable` answer never reaches a person as an error: `prompting.assist`
turns it into one visible line.  The text of an exception is for the log; the attributes are the
facts from which a kind sentence is written.
"""

from __future__ import annotations


class PromptingError(Exception):
    """Anything this package raises on purpose."""


class WriterFailed(PromptingError):
    """The writer gave no answer; `reason` is a clause, as in "the server hung up"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WriterUnavailable(WriterFailed):
    """No writer can be opened, or it cannot be started."""


class WriterTimeout(WriterFailed):
    """No answer within `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {max(0.1, round(seconds, 1)):g} s")
        self.seconds = seconds


class WriterDied(WriterFailed):
    """The writer's process is gone, or its server hung up."""


class Unreadable(PromptingError):
    """`what` is not what it must be; `reason` says how, `found` is how it begins."""

    def __init__(self, what: str, reason: str, found: str = "") -> None:
        # What a writer answered is made of a person's words, and the log holds none of those.
        shown = f"; found {found[:80]!r}" if found and what != "answer" else ""
        super().__init__(f"unreadable {what}: {reason}{shown}")
        self.what, self.reason, self.found = what, reason, found[:80]


class UnknownName(PromptingError):
    """Nothing of `kind` is called `name`; `nearest` are the likeliest that exist."""

    def __init__(self, kind: str, name: str, nearest: tuple[str, ...] = ()) -> None:
        near = ", ".join(nearest) or "none"
        super().__init__(f"no {kind} has the name that was given; nearest: {near}")
        self.kind, self.name, self.nearest = kind, name, nearest


class TooMany(PromptingError):
    """`count` of `what` are asked for, and `limit` are allowed."""

    def __init__(self, what: str, count: int, limit: int) -> None:
        # Permutations of permutations: Python does not even spell the longest numbers.
        spelled = str(count) if count.bit_length() <= 64 else f"2^{count.bit_length() - 1}"
        super().__init__(f"{spelled} {what}, and the limit is {limit}")
        self.what, self.count, self.limit = what, count, limit


class Declined(PromptingError):
    """The policy does not allow `word`, found in the `where` ("wish" or "result")."""

    def __init__(self, word: str, where: str) -> None:
        super().__init__(f"the {where} contains a word that is not allowed here")
        self.word, self.where = word, where
