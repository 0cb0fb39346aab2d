"""What is asked for where there is too much of something, and what it cannot be besides."""

from prompting.changing.vocabulary import vocabulary

OPPOSITES = {
    "dark": "bright",
    "bright": "dark",
    "big": "small",
    "small": "big",
    "old": "young",
    "young": "old",
    "fat": "thin",
    "thin": "fat",
    "long": "short",
    "short": "long",
    "sad": "happy",
    "happy": "serious",
    "warm": "cool",
    "cold": "warm",
    "wide": "narrow",
    "narrow": "wide",
    "tall": "short",
    "busy": "simple",
    "crowded": "empty",
    "empty": "busy",
    "blurry": "sharp",
    "sharp": "soft",
    "dirty": "clean",
    "clean": "dirty",
    "messy": "tidy",
    "tidy": "messy",
    "calm": "stormy",
    "rough": "smooth",
    "smooth": "rough",
    "broken": "new",
    "open": "closed",
    "closed": "open",
    "asleep": "awake",
    "awake": "asleep",
    "curly": "straight",
    "straight": "curly",
    "matte": "shiny",
    "shiny": "matte",
    "rich": "poor",
    "loud": "quiet",
    "quiet": "busy",
    "weak": "strong",
    "strong": "weak",
    "ugly": "beautiful",
    "beautiful": "ugly",
    "light": "dark",
    "wet": "dry",
    "simple": "detailed",
    "scary": "friendly",
    "cute": "serious",
    "realistic": "cartoon",
    "hot": "cool",
    "cool": "warm",
    "low": "high",
    "high": "low",
    "saturated": "muted",
    "colorful": "muted",
    "muted": "colorful",
    "dull": "vivid",
    "vivid": "muted",
    "thick": "thin",
    "far": "close-up",
    "noisy": "clean",
    "flat": "dramatic light",
}


def opposite(word: str, language: str) -> str:
    """What is wanted instead of a quality, in that language; "" where nobody knows."""
    name = OPPOSITES.get(word, "")
    entry = vocabulary().find(name)
    return entry.form(language) if entry else name


# Words of a picture that a thing cannot be besides: who is awake does not sleep.
_SLEEP, _SMILE = ("sleeping", "asleep", "sleep"), ("smile", "smiling", "happy", "laughing", "grin")
_WEEP = ("crying", "sad", "frowning", "tears")
AT_ODDS = {
    "awake": _SLEEP,
    "sleeping": ("awake", "wide awake"),
    "asleep": ("awake", "wide awake"),
    "sad": _SMILE,
    "crying": _SMILE,
    "angry": (*_SMILE, "calm"),
    "serious": _SMILE,
    "happy": (*_WEEP, "angry", "serious"),
    "smiling": (*_WEEP, "angry", "serious"),
    "calm": ("stormy", "rough", "wild", "angry"),
    "empty": ("crowded", "busy", "bustling", "packed"),
    "crowded": ("empty", "deserted"),
}
