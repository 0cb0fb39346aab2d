"""The words that a LoRA was taught to listen to, from what its trainer wrote into its header.

    modelspec.trigger_phrase = "m40z1d4n"                    said outright
    ss_tag_frequency = {"10_m40z1d4n woman": {"m40z1d4n": 20, "1girl": 20, "smile": 7}}

The invariant: a trigger is a word that stands in the captions of nearly all pictures of a set and
is none that any picture may have ("1girl", "long hair"); where that leaves nothing, or too much to
tell, there is none.  Header keys: kohya-ss/sd-scripts (ss_*) and Stability-AI/ModelSpec.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

MOST = 3  # triggers of one file
LONGEST = 80  # characters of one
MOST_READ = 2_000_000  # characters of a header's table of tags; longer ones are left alone
NEARLY_ALL = 0.9  # of the pictures of a set

_SAID = ("modelspec.trigger_phrase", "modelspec.trigger_word", "ss_trigger_words", "trigger_words")
_SET = re.compile(r"^\d+_(?P<token>\S+)")  # kohya's folders: repeats_token class
# Tags that many pictures have, whatever a LoRA was taught.
_ORDINARY = re.compile(
    r"(?:\d\+?(?:girls?|boys?|others?)|solo|no humans|woman|man|girl|boy|person|people|female|male"
    r"|masterpiece|best quality|high quality|absurdres|highres|realistic|photorealistic|photo"
    r"|photo \(medium\)|official art|original|anime|looking at viewer|looking away|upper body"
    r"|full body|lower body|portrait|close-?up|cowboy shot|from (?:side|above|below|behind)|smile"
    r"|blush|bangs|standing|sitting|lying|open mouth|closed mouth|closed eyes|breasts|cleavage"
    r"|medium breasts|large breasts|small breasts|navel|collarbone|thighs|nude|indoors|outdoors"
    r"|day|night|rating[: ]\w+|general|sensitive|questionable|explicit|monochrome|greyscale"
    r"|traditional media|digital art|illustration|artwork|style|a|the|dress|shirt|skirt|gloves"
    r"|hat|jewelry|earrings|necklace|weapon|sword|holding|solo focus|male focus|multiple \w+"
    r"|(?:[\w-]+ )*(?:hair|eyes|eyed|haired|background|sleeves|ears|tail|legwear|lips|skin|nails"
    r"|ponytail|twintails|braid|ahoge|sky|lighting|view|shot|body|clothes|uniform|shoes|boots))",
    re.IGNORECASE,
)


def triggers_of(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """What to say for the LoRA to be seen, at most three words or phrases; empty: nobody knows."""
    for key in _SAID:
        if said := split_triggers(metadata.get(key, "")):
            return said
    found: dict[str, None] = {}
    for folder, tags in _sets(metadata.get("ss_tag_frequency", "")):
        found |= dict.fromkeys(_of_set(folder, tags))
    triggers = _cleaned(found)
    return triggers if len(triggers) <= MOST else ()


def split_triggers(text: str) -> tuple[str, ...]:
    """Triggers that somebody wrote down, with commas between them."""
    return _cleaned(text.split(","))[:MOST]


def _sets(text: str) -> Iterator[tuple[str, Mapping[str, int]]]:
    if len(text) > MOST_READ:
        return
    try:
        table = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return
    for folder, tags in table.items() if isinstance(table, dict) else ():
        if isinstance(tags, dict):
            counts = {str(t).strip(): n for t, n in tags.items() if isinstance(n, int) and n > 0}
            yield str(folder), counts


def _of_set(folder: str, tags: Mapping[str, int]) -> list[str]:
    """The triggers among the tags of one folder of pictures."""
    if not tags:
        return []
    pictures = max(tags.values())  # one tag at least stands in every caption of a tagged set
    usual = [tag for tag, count in tags.items() if count >= NEARLY_ALL * pictures]
    own = [tag for tag in usual if not _ORDINARY.fullmatch(_spaced(tag))]
    token = _SET.match(folder)
    if token is not None:
        called = _spaced(token["token"]).casefold()
        named = [tag for tag in own if called in (_spaced(tag).casefold(), tag.casefold())]
        named = named or [tag for tag in own if _spaced(tag).casefold().startswith(called)]
        if named:
            return named
    made_up = [tag for tag in own if _MADE_UP.search(tag)]
    return made_up or own


_MADE_UP = re.compile(r"[a-z]\d|\d[a-z]", re.IGNORECASE)


def _spaced(tag: str) -> str:
    return tag.replace("_", " ").strip()


def _cleaned(words: Mapping[str, None] | list[str]) -> tuple[str, ...]:
    """Words that can stand in a prompt: short, printable, and without what a prompt reads."""
    plain = (" ".join(word.split()) for word in words)
    fine = (word for word in plain if word and len(word) <= LONGEST and word.isprintable())
    return tuple(dict.fromkeys(word for word in fine if not _READ.search(word)))


_READ = re.compile(r"[<>{}\[\]|\\]|:\s*[\d.]|__|--")
