"""The pages of /help: what to type first, and what there is to choose from here.

Pure.  Invariant: a page fits into a message, whatever is installed; what does not fit is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.languages.amounts import listed
from bot.languages.speaking import mark, tr, trn
from bot.pages.quoting import code, quoted
from bot.pages.replies import MAX_CONTENT
from bot.pages.style_menus import called
from generation.families.family import FAMILIES, has_few_words
from generation.parameters import FOREIGN, IMAGE, PARAMETERS, PROMPT
from generation.starter.words import OBJECT_WORDS, STYLE_WORDS
from prompting.speaking.styles import Style

LINE = 1500  # characters of a list of names

# What people write to a bot of which they do not know what it wants.
_CRIES = (
    "help, /help, help me, hilfe, aide, ayuda, aiuto, ajuda, hjälp, помощь, 帮助, 幫助, 怎么用, "
    "ヘルプ, 도움말, ?, ？, ??, commands, what can you do, how does this work, how to use"
)
ASKING_FOR_HELP = frozenset(_CRIES.split(", "))


class Topic(StrEnum):
    """A page."""

    START = "start"
    PROMPTS = "prompts"
    PARAMETERS = "parameters"
    CHANGING = "changing"
    MEDIA = "media"
    BUTTONS = "buttons"
    AGAIN = "again"
    SETTINGS = "settings"
    MODELS = "models"
    LORAS = "loras"
    STYLES = "styles"


TITLES = {
    Topic.START: mark("What to type first"),
    Topic.PROMPTS: mark("What a prompt can hold"),
    Topic.PARAMETERS: mark("Parameters in the words"),
    Topic.CHANGING: mark("Changing a picture"),
    Topic.MEDIA: mark("Clips, sounds and forms"),
    Topic.BUTTONS: mark("Buttons and menus"),
    Topic.AGAIN: mark("The same picture again"),
    Topic.SETTINGS: mark("Settings and the queue"),
    Topic.MODELS: mark("Models that are here"),
    Topic.LORAS: mark("LoRAs that are here"),
    Topic.STYLES: mark("Styles to choose from"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What is installed here.  A model and a LoRA come with their family's name."""

    models: tuple[tuple[str, str], ...]
    loras: tuple[tuple[str, str], ...]
    styles: tuple[Style, ...]
    usual_family: str  # of whoever names no model
    painter: bool = False  # whether a page is served on which masks are painted


def asks_for_help(words: str) -> bool:
    """Whether a message asks what the bot can do; one without any words does not."""
    said = " ".join(words.casefold().split())
    return bool(said) and (said.rstrip(" !.?？！。") in ASKING_FOR_HELP or said in ASKING_FOR_HELP)


def help_page(topic: Topic, installed: Installed) -> str:
    """The page, in Discord's own markup."""
    match topic:
        case Topic.START:
            body = _start(installed)
        case Topic.PARAMETERS:
            body = _parameters()
        case Topic.MODELS:
            body = _models(installed)
        case Topic.LORAS:
            body = _loras(installed)
        case Topic.STYLES:
            body = _styles(installed)
        case _:
            body = "\n".join(map(tr, _PAGES[topic]))
    if topic is Topic.BUTTONS and installed.painter:
        body += "\n" + tr("🖌️ **Paint a mask**: a page on which you paint what is drawn anew")
    return f"### {tr(TITLES[topic])}\n{body}"[:MAX_CONTENT]


def _start(installed: Installed) -> str:
    said = tr(
        "**Draw** with `/imagine a red flower`, or mention me beside your words.\n"
        "**Change** a picture: reply to it with what it should become, such as "
        "`a red flower at night`. Of several pictures, `2: a blue flower` takes the second.\n"
        "**Begin with your own picture**: upload it and mention me, or choose "
        "*Apps → Start from this picture* in a message's menu.\n"
        "**Look for words** with `/enhance`, or in a picture with `/describe`.\n"
        "**Wait** with `/queue`, **stop** with `/cancel`."
    )
    more = tr(
        "-# The list below has more: what a prompt can hold, the buttons, and which models, LoRAs "
        "and styles are here."
    )
    return f"{said}\n{_what_is_drawn(installed)}\n{more}"


def _what_is_drawn(installed: Installed) -> str:
    if not has_few_words(installed.usual_family):
        title = FAMILIES[installed.usual_family].title
        return tr("It is drawn by {title}, if you name no other model.", title=title)
    return tr(
        "**The built-in model draws** one thing of these: {things}; in nine colours; on a colour, "
        "night sky, grass, sea, sunset or snow; {styles}. It has never seen anything else.",
        things=listed(tr(word) for word in OBJECT_WORDS),
        styles=listed(tr(word) for word in STYLE_WORDS),
    )


_PAGES = {
    Topic.PROMPTS: (
        mark(
            "`a {red|blue} car` lets the seed choose; `a {red, blue} car` is two pictures, and "
            "I say first what they cost."
        ),
        mark("`__animal__` takes a line of the owner's list of that name."),
        mark("`best_of: 4` draws four and shows first the one that fits your words best (⭐)."),
        mark("`(red:1.3)` weighs words more, `(red:0.7)` less."),
        mark("`<lora:name:0.8>` puts a LoRA on it, as does the option `lora`."),
        mark("**What must not be there** goes into the option `negative`."),
        mark(
            "**Short wishes** are given more words (✨); `assist: off` leaves yours alone, "
            "`style` speaks one of the styles."
        ),
        mark(
            "**Sizes** are shapes (`portrait`, `3:2`) or pixels; the list of `size` shows what "
            "fits the model."
        ),
    ),
    Topic.CHANGING: (
        mark(
            "**Reply** to a picture and say what should change; the result says what changed "
            "and what stays, and leads back to the picture that it was made of."
        ),
        mark("`/edit`: the same by a command, for a picture that is far up or of your own"),
        mark("`/vary`: another one close to it, `subtle` or `strong`"),
        mark("`/upscale`: the same with more pixels"),
        mark("`/outpaint`: more around it, in a `direction`, `zoom` out of it or `pan`"),
        mark(
            "`/inpaint`: a part anew, and no pixel elsewhere: send a `mask` that is white "
            "there, or a `drawing`, a copy that you drew over"
        ),
        mark("`/blend`: one of two to four, by their `shares`"),
        mark("`/control`: words, and an `image` whose lines say where things are (`how: canny`)"),
        mark("Each takes a picture's number, the link of its message, or an `image` of your own."),
        mark("-# The buttons below a picture do the same, and ✏️ opens its words and settings."),
    ),
    Topic.MEDIA: (
        mark(
            "`/video` makes a clip of words (`a red ball moves left`), of a picture (`image`, and "
            "`last` for where it ends) or over another clip; `seconds`, `frames` and `fps` say how "
            "long and how fast it is."
        ),
        mark(
            "`/sound` makes a sound of words, or of what a `picture` or a clip shows; models that "
            "sing take `lyrics`, `bpm`, `key` and `meter`."
        ),
        mark("`/model3d` makes a form that turns, of words or of a picture of one thing."),
        mark(
            "🎬 below a picture sets it in motion, 🔊 and 🧊 make a sound and a form of it; below "
            "a clip ⏩ goes on from its end, and 🎞️ makes its last frame a picture."
        ),
        mark(
            "Or reply: `let the leaves fall`, `what would it sound like?`, `turn it into 3D`; to a "
            "clip `longer`, `slower`, `the last frame`; to a sound `louder`, `higher`, `4 seconds`."
        ),
    ),
    Topic.BUTTONS: (
        mark("Of several pictures, the list above the buttons says which one they are about."),
        mark("🎲 **Again**: the same wish, another seed; 🔁 **All again**: of all of them"),
        mark("🔀 **Subtle**, **Strong**: another picture close by, as `/vary`"),
        mark("⬆️ **Upscale**: twice as large, as `/upscale`"),
        mark("🔍 **Zoom out**: more around it, as `/outpaint`"),
        mark("✏️ **Edit**: a form with its words, seed, size and strength, to be changed"),
        mark("♻️ **Reproduce**: drawn once more, and compared pixel by pixel"),
        mark("💾 **Save as preset**: its settings by a name, to draw with them again"),
        mark(
            "↩️ **Undo**: the picture that it was made of; ✏️ **Not what I meant**: your reply,"
            " put right"
        ),
        mark("📄 **Recipe**: everything that decides the picture, to read and copy"),
        mark("⭐ **Star**: one of your favourites; pressed again, it is none"),
        mark("🗑️ **Delete**: by its owner or a moderator"),
        mark("✨ **New wording**: the same wish and seed in other words"),
        mark("🎨 **Style**: the same wording and seed in a style"),
        mark("💬 **My words only**: without the words that I found"),
        mark("✋ **Cancel**: under a picture in the making"),
        mark(
            "In a message's menu, *Apps*: **Start from this picture**, **Edit words**, "
            "**Describe**, **Show recipe**."
        ),
    ),
    Topic.AGAIN: (
        mark("Every picture has a number (#12) and a recipe, which decides each of its pixels."),
        mark(
            "`/reproduce 12` draws it again and compares; a message's link or the PNG itself do"
            " as well."
        ),
        mark(
            "`seed` in `/imagine`: the same words, settings and seed give the same picture. In "
            "`/settings`, `seed_mode` says where the next seed comes from."
        ),
        mark("📄 **Recipe** shows all of it, `/show 12` the picture and how it came about."),
        mark(
            "`/history` shows your pictures, `/favourites` those with your ⭐, `/gallery` "
            "everybody's; `words`, `model`, `since` and others narrow it down."
        ),
        mark(
            "A picture, workflow or text of another program: mention me with it, or `/import` it; "
            "I say what it holds, what is missing here, and draw it."
        ),
        mark(
            "`/compare` draws one thing in several ways on one sheet (`steps: 4, 8, 16`), or "
            "with `pictures: #12, #15` puts up to nine side by side and says what differs; "
            "**Compare** in a message's menu does so with its pictures."
        ),
    ),
    Topic.SETTINGS: (
        mark(
            "`/settings` shows what you draw with here and whose each value is; name one to "
            "change yours, `forget` takes it back, `reset: True` all. Who decides here sets "
            "them for all by `scope`."
        ),
        mark(
            "`/preset save` keeps settings by a name, of a picture or as you give them; "
            "`/imagine preset:` or `--preset name` draws with them, `/preset use` until you say"
            " otherwise."
        ),
        mark(
            "`/queue` says who waits for what and when you are next, `/cancel` ends what is yours."
        ),
        mark(
            "`/models list`, `/loras` and `/styles` show what there is to choose from, with "
            "pictures."
        ),
        mark(
            "`/stats today` and `/stats fairness` tell of the last day, `/stats pictures` of the "
            "last weeks, `/status` of how full the machine is."
        ),
        mark(
            "`/privacy export` gives you everything that I keep of you, `/privacy delete` erases "
            "it."
        ),
        mark("`/stats quota` says how much you may still ask for here."),
        mark(
            "`/server` is for this server's admins: quotas, who and what is refused, where "
            "pictures are drawn, what is offered, and a pause."
        ),
    ),
}


def _parameters() -> str:
    """Every parameter that words can hold, and what else it is called there."""
    rows = [row for row in PARAMETERS.values() if row not in (PROMPT, IMAGE)]
    ours = "\n".join(
        " ".join((f"**--{row.name}**", *(f"--{also}" for also in row.spellings if also[0] != "-")))
        for row in rows
    )
    theirs = " ".join(f"--{spelling}" for row in FOREIGN for spelling in row.spellings[:2])
    return "\n".join(
        (
            tr(
                "Behind your words, in `/imagine`, in a mention and in a reply: "
                "`a cat --ar 3:2 --seed 5 --no hat --style ink`, or A1111's `Steps: 20, Seed: 5`. "
                "Quotation marks keep a value of several words together; an option counts more."
            ),
            ours,
            tr("`space::2 ship` weighs its parts, as in Midjourney."),
            tr("Midjourney's that do nothing here, and are said: {what}", what=theirs),
        )
    )


def _models(installed: Installed) -> str:
    if not installed.models:
        return tr("There is none. The owner puts them into a folder that is named under `models`.")
    rows = _within((f"{code(name, 100)} · {_family(f)}" for name, f in installed.models), "\n")
    return f"{rows}\n{tr('-# Choose with `model` in `/imagine`, for good in `/settings`.')}"


def _loras(installed: Installed) -> str:
    if not installed.loras:
        return tr(
            "There are no LoRAs here. The owner puts them into a folder that is named under "
            "`models`."
        )
    rows = _within(
        (
            f"{code(name, 100)} · {tr('for {family}', family=_family(f))}"
            for name, f in installed.loras
        ),
        "\n",
    )
    return f"{rows}\n{tr('-# Put one on with `lora: name:0.8` in `/imagine`.')}"


def _styles(installed: Installed) -> str:
    if has_few_words(installed.usual_family):
        own = [style for style in installed.styles if style.starter]
        others = [style for style in installed.styles if not style.starter]
        return tr(
            "**The built-in model knows** flat, outline, pixel art and watercolor; these come near "
            "them: {own}\n**For other models:** {others}\n{choose}",
            own=_within(_called(own), tr(", "), LINE // 2),
            others=_within(_called(others), tr(", "), LINE // 2),
            choose=tr(_CHOOSE_STYLE),
        )
    return f"{_within(_called(installed.styles), tr(', '))}\n{tr(_CHOOSE_STYLE)}"


_CHOOSE_STYLE = mark("-# Choose with `style` in `/imagine`, or 🎨 below a picture.")


def _called(styles: Iterable[Style]) -> Iterable[str]:
    return (quoted(called(style), 40) for style in styles)


def _family(name: str) -> str:
    return FAMILIES[name].title if name in FAMILIES else tr("any model of its kind")


def _within(rows: Iterable[str], between: str, limit: int = LINE) -> str:
    """The rows, as many as fit; the rest is counted."""
    whole: Sequence[str] = tuple(rows)
    kept: list[str] = []
    for row in whole:
        if len(between.join((*kept, row))) > limit:
            more = trn("… and {n} more", "… and {n} more", len(whole) - len(kept))
            return f"{between.join(kept)}{between}{more}"
        kept.append(row)
    return between.join(kept)
