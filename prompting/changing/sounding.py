"""Words of what moves and of what is heard, put into a prompt.

    "a red ball"        moves left   ▶  "a red ball moves left"
    "an oak, autumn"    leaves fall  ▶  "an oak, autumn, the leaves fall"
    "a quiet high beep" loud         ▶  "a loud high beep"

The invariant: as for all rewording, what the change does not speak of stays as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from prompting.changing.changing_things import became
from prompting.changing.intents import Action, ContentChange
from prompting.changing.phrases import find, main_phrase, parsed
from prompting.changing.vocabulary import UNSPACED, language_of

# What a sound cannot be besides, in the words of English prompts.
_AT_ODDS = {
    "loud": "quiet|soft|silent|faint|gentle|muffled|whispered|low[- ]volume",
    "quiet": "loud|noisy|deafening|booming|blaring|roaring",
    "high": "low|deep|bass|low[- ]pitched",
    "low": "high|shrill|piercing|high[- ]pitched|squeaky",
    "slow": "fast|quick|rapid|upbeat|hectic|fast[- ]paced",
    "fast": "slow|lento|slow[- ]paced|relaxed",
}


def moved(prompt: str, change: ContentChange) -> str:
    """The words with a motion behind them."""
    if not prompt.strip():
        return f"{change.what} {change.into}".strip()
    if language_of(prompt) in UNSPACED:
        return f"{prompt}，{change.what}{change.into}"
    if change.what and not _is_main(prompt, change):
        return f"{prompt}, {change.what} {_agreeing(change)}".strip()
    if "," in prompt or "." in prompt:
        return f"{prompt}, {_third_person(change)}"
    return f"{prompt} {_third_person(change)}"


def _is_main(prompt: str, change: ContentChange) -> bool:
    """Whether what moves is what a short prompt is about."""
    read = parsed(prompt)
    found = find(read, change.what, change.language)
    return bool(change.into and found) and found == main_phrase(read)


def _agreeing(change: ContentChange) -> str:
    """The leaves fall, the dog runs."""
    many = change.what.endswith("s") and not change.what.endswith("ss")
    return change.into if many else _third_person(change)


def _third_person(change: ContentChange) -> str:
    """ "fall slowly", of what a prompt names before it: "falls slowly"."""
    verb, _, rest = change.into.partition(" ")
    if not verb or change.language != "en" or verb.endswith(("s", "ing")) or not verb.isalpha():
        return change.into
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        verb = f"{verb[:-1]}ies"
    else:
        verb = f"{verb}es" if verb.endswith(("sh", "ch", "x", "z", "o")) else f"{verb}s"
    return f"{verb} {rest}".strip()


# How that is said in prompts of languages that put it behind them.
_SAID: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "loud": "响亮",
        "quiet": "轻柔",
        "high": "高音",
        "low": "低沉",
        "slow": "缓慢",
        "fast": "快速",
    },
    "ja": {
        "loud": "大きな音",
        "quiet": "静かな音",
        "high": "高い音",
        "low": "低い音",
        "slow": "ゆっくり",
        "fast": "速い",
    },
}


def sounded(prompt: str, change: ContentChange) -> str:
    """The words with a sound in them, or with how it sounds."""
    if change.action is Action.ADD:
        if not prompt.strip():
            return change.into
        comma = "，" if language_of(prompt) in UNSPACED else ", "
        return f"{prompt}{comma}{change.into}"
    into = change.into
    if re.search(rf"(?<!\w){into}(?!\w)", prompt, re.IGNORECASE):
        into = f"very {into}"
        return re.sub(rf"(?<!\w){change.into}(?!\w)", into, prompt, count=1, flags=re.IGNORECASE)
    odd = re.compile(rf"(?<!\w)(?:{_AT_ODDS[into]})(?!\w)", re.IGNORECASE)
    if odd.search(prompt):
        return odd.sub(into, prompt, count=1)
    if (language := language_of(prompt)) in _SAID:
        return f"{prompt}，{_SAID[language][into]}"
    return became(parsed(prompt), change)
