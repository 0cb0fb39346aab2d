"""Notes: what is said in a small line beside a picture, about what was asked and not done as typed.

Whatever a person wrote and the picture does not show is drawn, refused, or noted: never dropped in
silence.  A note is one plain sentence without Markdown; words of a person stand in “ ”.

How to add one.  Write the sentence here as a function.  Whoever prepares the recipes appends it to
`Drafted.notes` (`bot.drafting`), or passes it to `Studio.queue_up`; it is stored with the request,
stays with its re-rolls, and is shown below the result (`bot.replies.result`) and on the command
line (`bot.console`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST = 5  # notes of one request; the rest is counted
LONGEST = 300  # characters of a note


def bounded(notes: Iterable[str]) -> tuple[str, ...]:
    """Each note once, on one line, and no more than people read."""
    lines = dict.fromkeys(" ".join(note.split()) for note in notes)
    kept = tuple(_short(line) for line in lines if line)
    if len(kept) <= MOST:
        return kept
    return (*kept[: MOST - 1], f"And {len(kept) - MOST + 1} more remarks of this kind.")


def denoise_without_a_picture(denoise: float) -> str:
    """Nothing to redraw."""
    return f"Denoise {denoise:g} does nothing without a picture to start from."


def no_more_words() -> str:
    """The assistant was asked for by name."""
    return "I found no more words for that, and used yours as they are."


def never_seen(words: Sequence[str], things: Sequence[str]) -> str:
    """Of the built-in model."""
    return f"The built-in model never saw {listed(words)}. {_draws(things)}"


def one_thing_only(named: Sequence[str], things: Sequence[str]) -> str:
    """Of the built-in model, which has never seen two things in a picture."""
    together = " and ".join(named[:3])
    return f"The built-in model draws one thing at a time, not {together}. {_draws(things)}"


def _draws(things: Sequence[str]) -> str:
    return (
        f"It draws one of {', '.join(things)}; in nine colours; on a colour, night sky, grass, "
        "sea, sunset, snow; flat, outline, pixel art, watercolor."
    )


def not_english(words: str) -> str:
    """Left in the prompt of a model that was trained on English."""
    return f"This model reads English only: {said(words, 40)} means nothing to it."


def little_redrawn(denoise: float) -> str:
    """Right as it is, and seldom what was hoped for."""
    return f"Denoise {denoise:g} redraws little of the picture it starts from; 0.6 redraws much."


def folded_seed(asked: int, used: int) -> str:
    """The noise does not depend on more."""
    return f"Seed {asked} → {used}: only its low 32 bits decide the noise."


def said(words: str, limit: int = 80) -> str:
    """Words of a person inside a note."""
    line = " ".join(words.split())
    return f"“{line if len(line) <= limit else line[: limit - 1] + '…'}”"


def listed(words: Sequence[str], limit: int = 3) -> str:
    """A few words of a person inside a note; what goes beyond is counted."""
    shown = ", ".join(said(each, 24) for each in words[:limit])
    return f"{shown} and {len(words) - limit} more" if len(words) > limit else shown


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
