"""How people say an English wish: orders, clauses, fillers, lists of keywords, capitals, slips.

The invariant: a phrasing says all that the scene names, and denies what it avoids.
"""

from __future__ import annotations

from random import Random

from prompting.starter.scenes import RELATIONS, Scene, SceneThing, Setting
from prompting.starter.speech import MASS, Said, article, plural

_BEFORE = (
    "draw ", "please draw ", "make ", "i want ", "paint me ", "can you create ", "hey bot ",
    "could i get ", "give me ", "i need ", "i'd love ", "show me ", "just ", "a picture of ",
    "an image of ", "something like ", "can u do ", "pls make ", "generate ", "create ",
    "let's see ", "my friend wants ", "i would like to see ", "how about ", "could you paint ",
    "picture of ", "drawing of ", "make me ", "i was thinking of ", "imagine ", "there is ",
    "we need ", "do ", "would you draw ", "an illustration of ", "art of ", "a scene with ",
    "hi! ", "hello, ", "hey, can you draw ", "i'm looking for ", "maybe ", "it's ", "here is ",
)  # fmt: skip
_AFTER = (
    " please", "!", ".", " thanks", " pls", " if possible", " for me", "?", " :)", ", that's it",
    " ok", ", thank you", "...", " thx", " please!", " would be nice", " for my wall", " ty",
)  # fmt: skip
_STYLES = (
    "in {} style", "{}", "{} style", "as {}", "done in {}", "made in {}", "{} look", "as a {}",
    "in {}", "painted in {}", "in the style of {}", "the style should be {}", "style: {}",
    "drawn as {}", "like a {}", "{} please", "make it {}", "with a {} look", "rendered in {}",
)  # fmt: skip
_NEGATIONS = (
    "no {}", "without {}", "but no {}", "without any {}", "no {} please", "don't add {}",
    "i don't want {}", "there should be no {}", "and no {}", "minus the {}", "just no {}",
    "do not draw {}", "nothing with {}", "avoid {}", "exclude {}", "leave out the {}", "not {}",
    "definitely no {}", "and without the {}",
)  # fmt: skip
_BACKGROUNDS = (
    "on a {} background", "{} background", "with a {} background", "against a {} background",
    "the background is {}", "background {}", "on {} background", "make the background {}",
    "in front of a {} background", "the background should be {}", "background: {}",
)  # fmt: skip


def wish(scene: Scene, dice: Random) -> str:
    """The scene as somebody might type it."""
    text = _keywords(scene, dice) if dice.random() < 0.22 else _sentence(scene, dice)
    if dice.random() < 0.45:
        text = dice.choice(_BEFORE) + text
    if dice.random() < 0.3:
        text += dice.choice(_AFTER)
    return slipped(text, dice)


def decorated(text: str, styles: list[Said], avoided: list[Said], dice: Random) -> str:
    """A sentence with a style, a denial and a filler, as they are put to it."""
    for style in styles:
        if dice.random() < 0.25:
            text = dice.choice(("{} of {}", "{}: {}", "a {} of {}", "{}, {}")).format(
                style.wish, text
            )
        else:
            text += dice.choice((", ", ", ", " ", ". ")) + dice.choice(_STYLES).format(style.wish)
    for word in avoided:
        text += dice.choice((", ", " ", ". ")) + dice.choice(_NEGATIONS).format(word.wish)
    if dice.random() < 0.35:
        text = dice.choice(_BEFORE) + text
    return text + dice.choice(_AFTER) if dice.random() < 0.2 else text


def _sentence(scene: Scene, dice: Random) -> str:
    core, later = _things(scene, dice)
    if scene.action:
        core += dice.choice((" {}", " {}", " that is {}", " is {}", " who is {}")).format(
            scene.action.wish
        )
    before: list[str] = []
    after: list[str] = []
    for setting in scene.settings:
        phrase = _placed(setting)
        (before if dice.random() < 0.15 else after).append(phrase)
    if scene.background:
        after.append(dice.choice(_BACKGROUNDS).format(scene.background.wish))
    tails = [
        dice.choice(("{}", "{} mood", "make it {}", "very {}", "so {}")).format(w.wish)
        for w in scene.moods
    ]
    for style in scene.styles:
        if dice.random() < 0.25:
            core = dice.choice(("{} of {}", "{}: {}", "a {} of {}", "{}, {}")).format(
                style.wish, core
            )
        else:
            tails.append(dice.choice(_STYLES).format(style.wish))
    tails += [dice.choice(_NEGATIONS).format(_denied(word, dice)) for word in scene.avoided]
    if dice.random() < 0.2:
        dice.shuffle(tails)
    out = ", ".join([*before, core]) if before else core
    for phrase in after:
        plain = dice.random() < 0.75 and not phrase.startswith(("the ", "make"))
        out += f" {phrase}" if plain else f", {phrase}"
    for tail in [*later, *tails]:
        out += dice.choice((", {}", ", {}", " {}", ". {}", " - {}", "; {}")).format(tail)
    return out


def _things(scene: Scene, dice: Random) -> tuple[str, list[str]]:
    """The things, and clauses about them that come later."""
    later: list[str] = []
    said = []
    several = len(scene.things) > 1
    for thing in scene.things:
        if thing.colour and dice.random() < (0.3 if several else 0.1):
            said.append(_phrase(thing, dice, bare=True))
            what = f"the {_noun(thing)}"
            form = ("{} is {}", "{} should be {}", "{} in {}", "make {} {}", "{} {}")
            later.append(dice.choice(form).format(what, thing.colour.wish))
        else:
            said.append(_phrase(thing, dice))
    if len(later) > 1 and dice.random() < 0.5:
        later = [" and ".join(later)]
    if len(said) == 1:
        return said[0], later
    if len(said) > 2:
        return dice.choice(("{}, {} and {}", "{} and {} and {}", "{}, {}, {}")).format(*said), later
    name, _, _, others = RELATIONS[scene.relation]
    word = name if dice.random() < 0.6 else dice.choice(others)
    return f"{said[0]} {word} {said[1]}", later


def _noun(thing: SceneThing) -> str:
    return plural(thing.noun.wish) if thing.number else thing.noun.wish


def _phrase(thing: SceneThing, dice: Random, *, bare: bool = False) -> str:
    """A thing with its colour before it, behind it, or (bare) left for later."""
    words = [word.wish for word in thing.qualities]
    colour = thing.colour.wish if thing.colour and not bare else ""
    tail = ""
    if colour and dice.random() < 0.24:
        forms = (
            " that is {}", " which is {}", ", {}", " colored {}", " in {}", ", {} colored", " ({})",
            " of {} color", " painted {}",
        )  # fmt: skip
        tail = dice.choice(forms).format(colour)
    elif colour:
        colored = dice.random() < 0.06
        words.insert(dice.randint(0, len(words)), f"{colour} colored" if colored else colour)
    phrase = " ".join([*words, _noun(thing)])
    if thing.number:
        return f"{thing.number.wish} {phrase}{tail}"
    if thing.determiner == "a" and thing.noun.name not in MASS:
        phrase = article(phrase)
    elif thing.determiner in ("the", "my", "one"):
        phrase = f"{thing.determiner} {phrase}"
    return phrase + tail


def _placed(setting: Setting) -> str:
    return setting.en.format(setting.word.wish) if setting.en else setting.word.wish


def _denied(word: Said, dice: Random) -> str:
    if word.kind in ("colour", "weather", "light", "nature") or word.unknown:
        return word.wish
    return plural(word.wish) if dice.random() < 0.5 else word.wish


def _keywords(scene: Scene, dice: Random) -> str:
    """A list; the things stay first in order, because a colour belongs to what it stands by."""
    things = [_phrase(thing, dice) for thing in scene.things]
    if len(things) == 2:
        things = [f"{things[0]} {RELATIONS[scene.relation][0]} {things[1]}"]
    elif len(things) > 2:
        things = [f"{', '.join(things[:-1])} and {things[-1]}"]
    if scene.action:
        things[-1] += f" {scene.action.wish}"
    others = [_placed(s) for s in scene.settings] + [word.wish for word in scene.moods]
    if scene.background:
        others.append(f"{scene.background.wish} background")
    others += [word.wish for word in scene.styles]
    others += [f"no {word.wish}" for word in scene.avoided]
    dice.shuffle(others)
    at = dice.choice((0, 0, 0, len(others)))
    parts = [*others[:at], *things, *others[at:]]
    return dice.choice((", ", ", ", ",", " ", ". ", " + ", "; ", " / ")).join(parts)


def slipped(text: str, dice: Random) -> str:
    """Capitals as people happen to type them, and now and then a slip in a long filler word."""
    way = dice.random()
    if way < 0.05:
        return text.upper()
    if way < 0.15:
        return text[:1].upper() + text[1:]
    return text.lower() if way < 0.9 else text
