"""Changes of the whole picture: its light and weather, where it is, how it is seen and drawn.

The invariant: only what contradicts the new words goes (another hour, another place, another
style), and only where it stands as a phrase of its own.
"""

from __future__ import annotations

import re

from prompting.changing.aspects import adjective_of, content, is_attribute, kind_of
from prompting.changing.cutting import cut, span_of
from prompting.changing.intents import ContentChange
from prompting.changing.joining import appended, bare
from prompting.changing.meanings import meanings
from prompting.changing.opposites import OPPOSITES
from prompting.changing.phrases import (
    PREPOSITIONS,
    NounPhrase,
    ParsedPrompt,
    find,
    parsed,
    role_of,
)
from prompting.changing.vocabulary import UNSPACED
from prompting.reading.lexicon import Word, fold

_SEASONS = frozenset(("spring", "summer", "autumn", "winter"))
_FEASTS = frozenset(("christmas", "halloween", "easter", "new year", "thanksgiving"))
# What stands before an hour or a weather that was said without a word before it.
_LED_BY = {
    **dict.fromkeys(("night", "midnight", "dawn", "dusk", "sunrise", "sunset", "noon"), "at"),
    **dict.fromkeys(("midday", "twilight", "golden hour", "blue hour", "christmas"), "at"),
    **dict.fromkeys(("morning", "evening", "afternoon", "rain", "snow", "fog"), "in the"),
    **dict.fromkeys(("mist", "wind", "early morning", "late afternoon", "moonlight"), "in the"),
    **dict.fromkeys(("spring", "summer", "autumn", "winter", "fall"), "in"),
}


def lit(prompt: ParsedPrompt, change: ContentChange) -> str:
    """Another hour, season, weather or mood."""
    new = content(change.into, change.language)
    gone = [word for word in prompt.words if any(_replaces(other, word) for other in new)]
    kept = parsed(cut(prompt.text, [_span(prompt, word) for word in gone])) if gone else prompt
    if not kept.text:
        kept = prompt
    return appended(kept, change.into if kept.tags else _led(change, kept))


def _led(change: ContentChange, prompt: ParsedPrompt) -> str:
    into = change.into
    led = _LED_BY.get(fold(into))
    return f"{led} {into}" if led and prompt.language == "en" else into


def _replaces(new: Word, old: Word) -> bool:
    """Whether both cannot be at once: two hours, two weathers, dark and bright."""
    if old.mark or not old.content:
        return False
    kinds = (kind_of(new), kind_of(old))
    if kinds == ("time", "time"):
        return _group(new.key) == _group(old.key)
    if _is_hour(new) and _is_hour(old):
        return True
    if new.key in _GREEN and old.key in _WINTRY:
        return True
    if kinds == ("weather", "weather"):
        return True
    if "weather" in kinds and kinds != ("weather", "weather"):
        return _clear_at_odds(new, old)
    if set(kinds) <= {"time", "light", "nature"} and _at_odds(new, old):
        return True
    key, other = adjective_of(new.text) or new.key, adjective_of(old.text) or old.key
    if kinds == ("mood", "mood") and key == other:
        return True
    return OPPOSITES.get(key) == other or OPPOSITES.get(other) == key


# Which hours a word of light belongs to: moonlight is gone by noon.
_HOURS = {
    **dict.fromkeys(("night", "midnight", "night sky", "nightfall", "polar night"), "night"),
    **dict.fromkeys(("moonlight", "moonlit", "starlight", "starry sky", "starry night"), "night"),
    **dict.fromkeys(("day", "noon", "midday", "afternoon", "sunlight", "sunlit", "sunny"), "day"),
    **dict.fromkeys(("blue sky", "clear sky", "cloudless", "sunbeam", "sunbeams"), "day"),
    **dict.fromkeys(("dawn", "sunrise", "morning", "early morning", "daybreak"), "morning"),
    **dict.fromkeys(("dusk", "sunset", "evening", "twilight", "late evening"), "evening"),
}


def _at_odds(new: Word, old: Word) -> bool:
    """Whether two words of hours and light cannot be at once."""
    hours = _HOURS.get(new.key), _HOURS.get(old.key)
    return None not in hours and hours[0] != hours[1]


def _clear_at_odds(new: Word, old: Word) -> bool:
    """Whether a weather and an hour or a light cannot be at once."""
    if _at_odds(new, old) and "night" in (_HOURS[new.key], _HOURS[old.key]):
        return True
    fair, foul = meanings()["together"]["fair"], meanings()["together"]["foul"]
    if _at_odds(new, old) and new.key not in fair:
        return True  # an evening has no blue sky; a blue sky may have an evening
    return (new.key in fair and old.key in foul) or (new.key in foul and old.key in fair)


_GREEN = frozenset(("spring", "summer"))
_WINTRY = frozenset(("snow", "frost", "ice", "icy", "frosty", "bare", "leafless"))


def _is_hour(word: Word) -> bool:
    named = word.key in ("golden hour", "blue hour")
    return named or (kind_of(word) == "time" and _group(word.key) == "hour")


def _group(key: str) -> str:
    for name, keys in (("season", _SEASONS), ("feast", _FEASTS)):
        if key in keys:
            return name
    return "hour"


def _span(prompt: ParsedPrompt, word: Word) -> tuple[int, int]:
    """A word alone, or the phrase that it heads with what links it."""
    for phrase in prompt.phrases:
        if phrase.head is word and not (phrase is prompt.phrases[0] and phrase.start == 0):
            return span_of(prompt, phrase)
    after = prompt.text[word.end :]
    return word.start, word.end + len(after) - len(after.lstrip(" "))


# Places that a picture is in, rather than things that stand in it.
_SCENES = frozenset(
    ("sea", "ocean", "lake", "river", "island", "water", "coast", "mountain", "waterfall", "earth")
)


_WITHIN = frozenset(("in", "at", "near"))


def set_in(prompt: ParsedPrompt, change: ContentChange) -> str:
    """Another place or background."""
    into = change.into
    words = content(into.replace("background", ""), change.language)
    same = "background" in into and is_attribute(into.replace("background", ""), change.language)
    if same and (there := find(prompt, "background", "en")):
        only = there[0]
        return f"{prompt.text[: only.start]}{into}{prompt.text[only.end :]}"
    kept = prompt if same or not words else _without_place(prompt)
    if fold(into.partition(" ")[0]) in PREPOSITIONS:
        return appended(kept, into)
    if kept.tags:
        return appended(kept, bare(into))
    if re.search(r"\b(?:background|backdrop)\b", into):
        return appended(kept, into)
    return appended(kept, f"{into} in the background")


def placeless(text: str) -> str:
    """A prompt without the place that it names; what is between no spaces stays as it is."""
    prompt = parsed(text)
    return text if prompt.language in UNSPACED else _without_place(prompt).text


def _without_place(prompt: ParsedPrompt) -> ParsedPrompt:
    spans = [
        span_of(prompt, phrase)
        for at, phrase in enumerate(prompt.phrases)
        if at and _is_place(prompt, phrase)
    ]
    text = cut(prompt.text, spans) if spans else prompt.text
    return parsed(text) if text else prompt


def _is_place(prompt: ParsedPrompt, phrase: NounPhrase) -> bool:
    kind = kind_of(phrase.head)
    first = prompt.at(phrase.start)
    before = role_of(prompt.words, first - 1)
    if not kind and first and fold(prompt.words[first - 1].text) in _WITHIN:
        return True  # "in marrakesh": whatever a picture is in is a place
    if kind != "place" and phrase.head.key not in _SCENES:
        return False
    alone = any(
        prompt.text[a:b].strip() == prompt.text[phrase.start : phrase.end]
        for a, b in prompt.segments
    )
    return before == "preposition" or alone or phrase.head.key == "background"


def without_background(prompt: ParsedPrompt) -> str:
    """The place goes, and nothing stands behind the thing."""
    kept = _without_place(prompt)
    plain = "纯色背景" if kept.language == "zh" else "plain background"
    return appended(kept, plain)


def framed(prompt: ParsedPrompt, change: ContentChange) -> str:
    """Another distance or angle, in place of the old one."""
    gone = [
        _span(prompt, word)
        for word in prompt.words
        if kind_of(word) == "look" and word.key not in ("detailed", "bokeh")
    ]
    kept = parsed(cut(prompt.text, gone)) if gone else prompt
    kept = kept if kept.text else prompt
    into = change.into
    if change.what:
        into = f"{into} of the {bare(change.what)}" if kept.language == "en" else into + change.what
    if kept.tags or " of " not in f"{into} ":
        return appended(kept, into)
    return f"{into}, {kept.text}"


def styled(prompt: str, style: str) -> str:
    """The prompt in another style, said in words; "" takes the old one out alone."""
    kept = without_style(parsed(prompt))
    if not style:
        return kept.text
    if kept.language in UNSPACED:
        return appended(
            kept,
            style
            if re.search(r"[风風]|style", style)
            else f"{style}{'风格' if kept.language == 'zh' else '風'}",
        )
    said = style if re.search(r"\b(?:style|styled|stil|estilo)\b", fold(style)) else ""
    return appended(kept, said or f"{style} style")


_OF = re.compile(r"\A(?:of|von|de)\s+", re.IGNORECASE)


def without_style(prompt: ParsedPrompt) -> ParsedPrompt:
    """The prompt without the style that it names: "an oil painting of a cat" is "a cat"."""
    text = prompt.text
    spans = []
    for phrase in prompt.phrases:
        if kind_of(phrase.head) != "style" and fold(phrase.head.text) not in ("style", "painting"):
            continue
        if not any(kind_of(word) == "style" for word in phrase.words):
            continue
        rest = text[phrase.end :].lstrip()
        if match := _OF.match(rest):
            spans.append((phrase.start, len(text) - len(rest) + match.end()))
        elif phrase.start or rest.startswith(","):
            spans.append(span_of(prompt, phrase))
    kept = cut(text, spans) if spans else text
    return parsed(kept) if kept else prompt
