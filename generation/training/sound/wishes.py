"""What a sound can be asked to be: 72 combinations, all of them taught.

Left out of training, a combination stayed unknown: networks of this size learn each by heart.
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


_ALL = combinations()


def training_sound(dice: Random) -> SoundWish:
    """Any of the 72."""
    return dice.choice(_ALL)


def target(asked: SoundWish, said: frozenset[str] | None = None) -> list[int]:
    """Index of each attribute; one past the last where the words do not say."""
    return [
        names.index(getattr(asked, name)) if said is None or name in said else len(names)
        for name, names in ATTRIBUTES.items()
    ]
