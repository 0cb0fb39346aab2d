"""Slots and a wish, spoken in a dialect: the prompt, its negative, and what the person is told.

    Slots ─┐
    WishText  ─┼─▶ head (the person's) + details, style, quality (ours) ─▶ prompt within the budget
    Style ─┘   what is unwanted ─▶ negative, or something positive where there is none

In a dialect of prose the scene of an open writer stands behind the head, or in its stead.

Pure and total: any slots can be spoken in any dialect.  Two invariants: the opaque parts of the
wish stand in the prompt byte by byte, and only what is ours is ever cut, from the tail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prompting.reading.denials import denials, without
from prompting.reading.lexicon import Lexicon, fold
from prompting.reading.prose import divided
from prompting.slots import Language, Slots, WishText
from prompting.speaking import captions, untranslated
from prompting.speaking.budget import Count, estimate, fit
from prompting.speaking.dialects import Dialect, Speech
from prompting.speaking.head import Head, head
from prompting.speaking.nearest import core_of, rest_of
from prompting.speaking.negatives import Negatives, negatives
from prompting.speaking.notes import joined, note
from prompting.speaking.sentences import article_off, clauses, inside, sentences
from prompting.speaking.styles import PROMPT, Style
from prompting.speaking.tagging import subject_of
from prompting.speaking.taglists import TagLists
from prompting.speaking.telling import adds, fitting, referring, says_all

_SENTENCES = frozenset({Speech.PROSE, Speech.VIDEO, Speech.INSTRUCTION})
_ENOUGH = 6  # details; more of them drown the subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A prompt and its negative; `note` is one line for the person, or empty."""

    prompt: str
    negative: str
    note: str = ""
    handled: tuple[str, ...] = ()  # unwanted phrases that became something positive


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a prompt is made of; the lists give way from their tails, in this order."""

    head: Head
    fixed: tuple[str, ...]  # the person's as well: positive statements, their styles
    details: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    template: str
    language: Language
    scene: tuple[str, ...] = ()  # sentences, which give way after the details


def render(
    slots: Slots,
    wish: WishText,
    dialect: Dialect,
    *,
    lexicon: Lexicon,
    style: Style | None = None,
    negative: str = "",
    count_tokens: Count | None = None,
    locale: str = "en",
    lists: TagLists | None = None,
) -> Rendered:
    """Speak the slots in the dialect.

    `negative` is the person's own negative prompt, `lists` are booru tags in which names are looked
    up, `count_tokens` is the image model's tokenizer, where it is loaded.
    """
    language = dialect.language(wish.language)
    count = count_tokens or estimate
    top = head(slots, wish, lexicon, language, own=dialect.kind is Speech.INSTRUCTION)
    unwanted = negatives(slots, wish, dialect, lexicon, style=style, typed=negative, locale=locale)
    template = template_of(style, dialect, language)
    parts = _parts(slots, wish, dialect, lexicon, top, unwanted, template, lists)
    if dialect.words:
        parts = _told(parts, divided(slots.scene)[0], dialect, lexicon)
    prompt = _fitted(parts, dialect, count, style)
    said = f"{prompt}\n{unwanted.text}"
    told = [
        unwanted.note,
        untranslated.told(wish, said, lexicon=lexicon, language=language, locale=locale),
    ]
    if style and template == PROMPT:
        told.append(note("style", locale, style=_called(style, locale)))
    if count(prompt) > dialect.tokens:
        told.append(note("budget", locale, tokens=dialect.tokens))
    return Rendered(
        prompt=prompt,
        negative=unwanted.text,
        note=joined(*told),
        handled=unwanted.handled,
    )


def _parts(
    slots: Slots,
    wish: WishText,
    dialect: Dialect,
    lexicon: Lexicon,
    top: Head,
    unwanted: Negatives,
    template: str,
    lists: TagLists | None,
) -> _Parts:
    language = dialect.language(wish.language)
    before, after = dialect.before, dialect.after
    shown: tuple[str, ...] = ()
    if dialect.kind is Speech.BOORU:
        counted, shown = subject_of(top.text, lexicon, lists)
        before = (*before, *counted)
    looks = _in(language, slots.style, slots.language, lexicon)
    details = _in(language, slots.details, slots.language, lexicon)
    text = top.text
    if dialect.kind is Speech.CLIP:  # plain backgrounds and no styles are all it knows
        looks = captions.drawn_otherwise(text, lexicon)
        text, details = _caption(text, wish, lexicon), ()
    elif dialect.kind is Speech.STARTER:
        looks = (*looks, *captions.beside(", ".join((text, *looks)), lexicon))
        text = _caption(text, wish, lexicon)
        details = tuple(detail for detail in details if captions.allowed(detail, lexicon))
    elif dialect.kind is Speech.BOORU:
        text = ", ".join(shown)
    elif dialect.kind in (Speech.TAGS, Speech.AUDIO):
        text = article_off(text)
    if dialect.kind in (Speech.AUDIO, Speech.FORM):
        details = ()  # a writer thinks in pictures: a sound and a form have no soft light
    said = fold(" ".join((text, *unwanted.positive, template)))
    return _Parts(
        head=Head(text=text, quotes=top.quotes, floating=top.floating),
        fixed=(*unwanted.positive, *_new(looks, said)),
        details=_new(details, said)[:_ENOUGH],
        before=_new(before, said),
        after=_new(after, said),
        template=template,
        language=language,
    )


def _caption(text: str, wish: WishText, lexicon: Lexicon) -> str:
    """The subject for the built-in image model: what it knows first, and the other words behind."""
    own = without(wish.words, denials(wish.words, lexicon, "en"))
    said = own if wish.language == "en" else text  # as somebody has put it into English
    core = core_of(said, lexicon) if not wish.opaque else None
    if core is None:
        return captions.canonical(text, lexicon)
    known = captions.canonical(said, lexicon).rstrip(" .!?")
    if core.noun in fold(" ".join(known.split()[:4])):
        return known
    return ", ".join(filter(None, (core.text, rest_of(said, core, lexicon))))


def _told(parts: _Parts, scene: Sequence[str], dialect: Dialect, lexicon: Lexicon) -> _Parts:
    """The parts with a scene, in as many words as the dialect wants."""
    text, language = parts.head.text, parts.language
    bare = not parts.head.quotes and not parts.fixed and parts.template == PROMPT
    if scene and bare and says_all(scene[0], text, lexicon, language):
        parts = replace(parts, head=replace(parts.head, text=""))
    else:
        if scene and not adds(scene[0], text, lexicon, language):
            scene = scene[1:]
        if language == "en":
            scene = [referring(sentence, text, lexicon) for sentence in scene]
    most = max(dialect.words)
    core = _core(parts, dialect.kind)
    told = fitting(core, scene, most)
    details = fitting(" ".join((core, *told)), parts.details, most)
    return replace(parts, scene=told, details=details)


def _fitted(parts: _Parts, dialect: Dialect, count: Count, style: Style | None) -> str:
    """The prompt within the budget; details give way first, then quality, then the style."""

    def compose(used: Sequence[int]) -> str:
        details, after, scene, before, full = used
        template = parts.template if full == 2 or style is None else style.short
        used_parts = replace(
            parts,
            details=parts.details[:details],
            before=parts.before[:before],
            after=parts.after[:after],
            scene=parts.scene[:scene],
            template=template if full else PROMPT,
        )
        return _compose(used_parts, dialect.kind)

    lists = (parts.details, parts.after, parts.scene, parts.before)
    sizes = (*map(len, lists), 2)
    return fit(compose, sizes, dialect.tokens, count)


def _compose(parts: _Parts, kind: Speech) -> str:
    chinese = parts.language == "zh"
    core = _core(parts, kind)
    if kind in _SENTENCES:
        if kind is Speech.INSTRUCTION:
            stays = "其余部分保持不变" if chinese else "Keep everything else unchanged"
            kept = any(fold(stays) in fold(text) for text in (core, *parts.details))
            ours: tuple[str, ...] = parts.details if kept else (*parts.details, stays)
            text = sentences((core, *ours), chinese=chinese)
        else:
            ours = (*parts.details, *parts.after)
            said = clauses(ours, chinese=chinese, apart=True)
            whole = (core, *parts.scene, said)
            if chinese and not parts.scene:
                whole = (clauses((core, said), chinese=True),)
            text = sentences(whole, chinese=chinese)
    else:
        text = ", ".join(
            part for part in (*parts.before, core, *parts.details, *parts.after) if part
        )
    return " ".join(part for part in (text, *parts.head.floating) if part)


def _core(parts: _Parts, kind: Speech) -> str:
    """The person's part within the style's template."""
    chinese = parts.language == "zh"
    quotes = [_written(quote, kind, chinese=chinese) for quote in parts.head.quotes]
    said = (parts.head.text, *quotes, *parts.fixed)
    if kind not in _SENTENCES:
        return parts.template.replace(PROMPT, ", ".join(part for part in said if part))
    core = clauses(said, chinese=chinese)
    return parts.template.replace(PROMPT, inside(core, parts.template))


def template_of(style: Style | None, dialect: Dialect, language: Language) -> str:
    """The style's template for the dialect; the bare prompt where it has none."""
    if style is None:
        return PROMPT
    if dialect.kind is Speech.STARTER:
        return style.starter or PROMPT
    if dialect.kind is Speech.CLIP:
        return PROMPT
    forms = {
        Speech.BOORU: style.booru,
        Speech.INSTRUCTION: style.edit,
        Speech.PROSE: style.prose,
        Speech.VIDEO: style.prose,
    }
    form = forms.get(dialect.kind) or style.tags
    if language == "zh" and dialect.kind in _SENTENCES:
        form = style.prose_zh or form
    return form


def _called(style: Style, locale: str) -> str:
    return style.zh if locale.lower().startswith("zh") else style.en


def _in(
    language: Language, phrases: Sequence[str], spoken: Language, lexicon: Lexicon
) -> tuple[str, ...]:
    """Our additions in the prompt's language; those that cannot be said in it are left out."""
    if spoken == language:
        return tuple(phrases)
    if spoken != "en":
        return ()
    return tuple(said for phrase in phrases if (said := lexicon.into(phrase, language)))


def _new(phrases: Sequence[str], said: str) -> tuple[str, ...]:
    """The phrases that the text does not hold yet, each once."""
    fresh = {fold(phrase).strip(" ."): phrase.strip(" .") for phrase in phrases}
    return tuple(phrase for folded, phrase in fresh.items() if folded and folded not in said)


def _written(quote: str, kind: Speech, *, chinese: bool) -> str:
    """How the picture is told to show a text."""
    if chinese:
        return f"写着{quote}"
    return f"with the text {quote}" if kind in _SENTENCES else f"text {quote}"
