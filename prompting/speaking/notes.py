"""What the assistant tells the person, in one line, in their language.

The English stands here; whoever speaks to people teaches other languages (`teach`).
"""

from __future__ import annotations

from collections.abc import Callable

NOTE_TEXTS = {
    "no writer": "No prompt assistant here: your own words were used unchanged.",
    "failed": "The prompt assistant failed ({why}): your own words were used unchanged.",
    "unusable": "The prompt assistant's answer was unusable ({why}): "
    "your own words were used unchanged.",
    "declined": "The prompt assistant's answer was not allowed here: "
    "your own words were used unchanged.",
    "spare": "The language model was of no help ({why}): the built-in assistant wrote.",
    "unusable answer": "its answer was unusable: {why}",
    "declined answer": "its answer was not allowed here",
    "lossy answer": "it left out words of yours",
    "dull answer": "it added nothing to your words",
    "long": "Your wish is a full prompt already, and was used unchanged.",
    "empty": "There were no words to work with.",
    "positive": "This model takes no negative prompt: {pairs}.",
    "left out": "This model cannot be told what to leave out: {things} could only be left unsaid.",
    "quoted": "“{what}”",
    "ignored": "This model takes no negative prompt: yours has no effect.",
    "options": "Left out: {options}; options of other programs are not read in words.",
    "became": "“{what}” became “{into}”",
    "style": "This model cannot draw the style {style}; it was left out.",
    "budget": "Your own words are longer than the {tokens} tokens that this model reads well.",
    "styles": "These proposals differ in style.",
    "left": "Left as written: {words}.",
    "left and more": "Left as written: {words} and {more} more.",
}


# By a locale's first part: what says an English text in that language.
_learnt: dict[str, Callable[[str], str]] = {}


def teach(locale: str, say: Callable[[str], str]) -> None:
    """From now on, say notes in that language by this function of their English."""
    _learnt[_tongue(locale)] = say


def note(name: str, locale: str, **facts: object) -> str:
    """The line of that name; English where nobody taught us the locale's language."""
    text = NOTE_TEXTS[name]
    if (say := _learnt.get(_tongue(locale))) is not None:
        text = say(text)
    return text.format(**facts)


def _tongue(locale: str) -> str:
    return locale.lower().partition("-")[0]


def joined(*lines: str) -> str:
    """One line out of several."""
    return " ".join(dict.fromkeys(line for line in lines if line))
