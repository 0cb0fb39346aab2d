"""What people might type for a sound: a wish and a die make a caption in one of many phrasings.

Invariant: a caption mentions an attribute exactly when `Caption.says` names it, and what it says is
true of the sound.  The phrasings of the judge are in no caption of the training.
"""

from random import Random

from generation.starter.sound_words import (
    ASKED,
    KIND_WORDS,
    LENGTH_WORDS,
    LOUDNESS_WORDS,
    PADDING,
    PITCH_WORDS,
    UNWANTED,
)
from generation.training.starter.captions import Caption, article, typed

from .wishes import ATTRIBUTES, SoundWish

EVERYTHING = frozenset(ATTRIBUTES)
HELD_OUT_ASKED = ("I want to hear {}", "could you do {} please", "let there be {}",
                  "here comes {}", "{} in the room")  # fmt: skip
STRANGE = 0.45
LETTERS = "eeetaoinshrdlucmfwypvbgk,"
LEFT_OUT = {"kind": 0.02, "pitch": 0.2, "length": 0.2, "loudness": 0.2}


def words_of(asked: SoundWish, says: frozenset[str], dice: Random) -> tuple[list[str], str]:
    """The adjectives that are said, in any order, and the noun ("" where none is)."""
    said = [
        dice.choice(words[getattr(asked, name)]) if dice.random() < 0.6 else getattr(asked, name)
        for name, words in (
            ("pitch", PITCH_WORDS),
            ("length", LENGTH_WORDS),
            ("loudness", LOUDNESS_WORDS),
        )
        if name in says
    ]
    dice.shuffle(said)
    return said, dice.choice(KIND_WORDS[asked.kind]) if "kind" in says else ""


def _phrase(said: list[str], noun: str, dice: Random) -> str:
    way = dice.random()
    if not noun:
        return dice.choice((", ", " ", " and ")).join(said)
    if not said:
        return dice.choice((noun, article(noun)))
    if way < 0.4:
        return article(" ".join([*said, noun]))
    if way < 0.55:
        return " ".join([*said, noun])
    if way < 0.7:
        return f"{noun}, {', '.join(said)}"
    if way < 0.8:
        return f"{article(noun)} that is {' and '.join(said)}"
    if way < 0.9:
        return f"{article(f'{said[0]} {noun}')}, {', '.join(said[1:])}".rstrip(", ")
    return f"{article(noun)}: {', '.join(said)}"


def _among_strangers(text: str, dice: Random) -> str:
    """With words that mean nothing here, around it: what people say has more than we teach."""
    strangers = [
        "".join(dice.choice(LETTERS) for _ in range(dice.randint(1, 8)))
        for _ in range(dice.randint(1, 5))
    ]
    cut = dice.randint(0, len(strangers))
    return " ".join([*strangers[:cut], text, *strangers[cut:]])


def caption(asked: SoundWish, dice: Random, says: frozenset[str] | None = None) -> Caption:
    """A caption of the sound; `says` forces which attributes it mentions."""
    if says is None:
        says = frozenset(n for n, chance in LEFT_OUT.items() if dice.random() >= chance)
    text = _phrase(*words_of(asked, says, dice), dice)
    if "kind" in says and dice.random() < 0.3:
        text = dice.choice(ASKED).format(text)
    if dice.random() < 0.25:
        parts = [text, *dice.sample(PADDING, dice.randint(1, 3))]
        if dice.random() < 0.3:
            dice.shuffle(parts)
        text = ", ".join(parts)
    if dice.random() < 0.06:
        text = text.title()
    if dice.random() < STRANGE:
        text = _among_strangers(text, dice)
    return Caption(text=typed(text, dice), says=says)


def held_out_caption(asked: SoundWish, dice: Random) -> Caption:
    """All four attributes in a phrasing that no training has seen."""
    said, noun = words_of(asked, EVERYTHING, dice)
    way = dice.random()
    if way < 0.5:
        text = dice.choice(HELD_OUT_ASKED).format(article(" ".join([*said, noun])))
    elif way < 0.75:
        text = f"something like {article(noun)}, but {said[0]}, {said[1]} and {said[2]}"
    else:
        text = f"{said[0]} and {said[1]} {noun}, really {said[2]}"
    return Caption(text=typed(text, dice), says=EVERYTHING)


def silence(dice: Random) -> Caption:
    """A text that asks for nothing in particular: empty, or a usual negative prompt."""
    words = dice.sample(UNWANTED, dice.choice((0, 0, 1, 2, 4)))
    return Caption(text=", ".join(words), says=frozenset())
