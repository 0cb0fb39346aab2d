"""Changes in prompts of scripts without spaces: 一只橘猫 ▶ 一只黑猫.

The invariant: a word is put in the place of another, or behind the prompt; nothing else moves.
"""

from __future__ import annotations

from prompting.changing.aspects import content, kind_of
from prompting.changing.intents import ContentChange
from prompting.changing.joining import appended
from prompting.changing.phrases import NounPhrase, ParsedPrompt, find, main_phrase
from prompting.reading.lexicon import Word


def became_unspaced(
    prompt: ParsedPrompt, change: ContentChange, found: tuple[NounPhrase, ...]
) -> str:
    """A thing is something else now; a colour takes the place of its old one."""
    if found and all(kind_of(w) == "colour" for w in content(change.into, change.language)):
        noun = found[0].head
        colour = _colour_before(prompt, noun)
        into = change.into.rstrip("的")
        if colour is not None:
            return prompt.text[: colour.start] + into + prompt.text[colour.end :]
        return f"{prompt.text[: noun.start]}{into}的{prompt.text[noun.start :]}".replace(
            "的的", "的"
        )
    named = f"{change.what}{change.into}" if change.what else change.into
    return appended(prompt, named)


def _colour_before(prompt: ParsedPrompt, noun: Word) -> Word | None:
    at = prompt.at(noun.start) - 1
    for word in reversed(prompt.words[max(0, at - 2) : at + 1]):
        if kind_of(word) == "colour":
            return word
    return None


def swapped_unspaced(prompt: ParsedPrompt, change: ContentChange) -> str:
    """Something in the place of a thing."""
    found = find(prompt, change.what, change.language) if change.what else main_phrase(prompt)
    if not found:
        return appended(prompt, change.into)
    noun = found[0].head
    words = [w.text for w in content(change.into, change.language) if kind_of(w) != "number"]
    into = "".join(words) or change.into
    return prompt.text[: noun.start] + into + prompt.text[noun.end :]
