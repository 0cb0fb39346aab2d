"""A model whose tokens are bytes and who says what the test wants, for tests of the composer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from prompting.writers.compose import Interrupted, Saved

Says = Callable[[str], str]  # the answer so far -> what it would like to say next

QUESTION = "\n"  # ends the question that is fed; what comes after it is the answer


class ByteModel:
    """Wants the next letter of `says`; where it may not, anything.  Its cache cannot be cut.

    `saves` False is a model whose state cannot be kept either.  `read` counts the tokens fed.
    """

    context = 4096
    pieces = tuple(bytes([byte]) for byte in range(256))

    def __init__(self, says: Says, *, saves: bool = True) -> None:
        self._says, self._saves = says, saves
        self._fed = b""
        self.read = 0
        self.interrupted: Callable[[], bool] = lambda: False

    @property
    def length(self) -> int:
        return len(self._fed)

    def encode(self, text: str, *, control: bool) -> list[int]:  # noqa: ARG002
        return list(text.encode())

    def forget(self) -> None:
        self._fed = b""

    def save(self) -> Saved | None:
        return np.frombuffer(self._fed, np.uint8) if self._saves else None

    def restore(self, saved: Saved) -> None:
        assert isinstance(saved, np.ndarray)
        self._fed = saved.tobytes()

    def feed(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        for token in tokens:
            if self.interrupted():
                raise Interrupted
            self._fed += bytes([token])
            self.read += 1
        logits = np.zeros(256, np.float32)
        written = self._fed.rpartition(QUESTION.encode())[2]
        answer = written.decode(errors="ignore")
        begun = written[len(answer.encode()) :]  # of a letter that is not whole yet
        wanted = self._says(answer).encode()
        if wanted.startswith(begun) and wanted != begun:
            logits[wanted[len(begun)]] = 20.0
        return logits


def recites(text: str) -> Says:
    """A model that goes on with the text wherever it is, and then with its last words again."""
    return lambda answer: text[len(answer) :][:1]
