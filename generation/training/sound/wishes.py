"""What a sound can be asked to be, and which combinations are held out.

Invariant: no held-out combination is ever in training, while every kind is heard there with every
pitch, length and loudness.
"""

from dataclasses import dataclass
from random import Random

KINDS = ("beep", "rise", "fall", "click", "noise", "hum", "siren", "drum", "bell")
PITCHES = ("low", "high")
LENGTHS = ("short", "long")
LOUDNESSES = ("soft", "loud")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundWish:
    """A sound in words of one syllable."""

    kind: str
    pitch: str
    length: str
    loudness: str


ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "pitch": PITCHES,
    "length": LENGTHS,
    "loudness": LOUDNESSES,
}


def combinations() -> list[SoundWish]:
    """All 72, in order."""
    return [
        SoundWish(kind=kind, pitch=pitch, length=length, loudness=loudness)
        for kind in KINDS
        for pitch in PITCHES
        for length in LENGTHS
        for loudness in LOUDNESSES
    ]


def is_held_out(asked: SoundWish) -> bool:
    """Two opposite corners of each kind's cube of eight; the next kind holds out the next pair."""
    corner = (
        4 * PITCHES.index(asked.pitch)
        + 2 * LENGTHS.index(asked.length)
        + LOUDNESSES.index(asked.loudness)
    )
    pair = KINDS.index(asked.kind) % 4
    return corner in (pair, 7 - pair)


HELD_OUT = tuple(asked for asked in combinations() if is_held_out(asked))
TRAINING = tuple(asked for asked in combinations() if not is_held_out(asked))


def training_sound(dice: Random) -> SoundWish:
    """Any but the held-out ones."""
    return dice.choice(TRAINING)


def target(asked: SoundWish, said: frozenset[str] | None = None) -> list[int]:
    """Index of each attribute; one past the last where the words do not say."""
    return [
        names.index(getattr(asked, name)) if said is None or name in said else len(names)
        for name, names in ATTRIBUTES.items()
    ]
