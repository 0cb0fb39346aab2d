"""Notes: what is said in a small line beside a picture, about what was asked and not done as typed.

Whatever a person wrote and the picture does not show is drawn, refused, or noted: never dropped in
silence.  A note is one plain sentence without Markdown; words of a person stand in “ ”.

How to add one.  Write the sentence here as a function.  Whoever prepares the recipes appends it to
`Drafted.notes` (`bot.studio.layers`), or passes it to `Requests.queue_up`; it is stored with the
request, stays with its re-rolls, and is shown below the result (`bot.pages.replies.result`) and on
the command line (`bot.cli.console`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.languages.amounts import all_of, one_of
from bot.languages.amounts import listed as names
from bot.languages.speaking import mark, tr, trn
from generation.tasks import AUDIO, IMAGE, MESH, VIDEO
from prompting.reading.markup import Change, ChangeKind

MOST = 5  # notes of one request; the rest is counted
LONGEST = 300  # characters of a note


def bounded(notes: Iterable[str]) -> tuple[str, ...]:
    """Each note once, on one line, and no more than people read."""
    lines = dict.fromkeys(" ".join(note.split()) for note in notes)
    kept = tuple(_short(line) for line in lines if line)
    if len(kept) <= MOST:
        return kept
    rest = len(kept) - MOST + 1
    return (*kept[: MOST - 1], tr("And {n} more remarks of this kind.", n=rest))


def denoise_without_a_picture(denoise: float) -> str:
    """Nothing to redraw."""
    return tr("Denoise {n} does nothing without a picture to start from.", n=f"{denoise:g}")


def counted_twice(best_of: int) -> str:
    """Both count and best_of were said."""
    return tr("The best of {n} was asked for, so I drew {n}: count did nothing.", n=best_of)


def no_more_words() -> str:
    """The assistant was asked for by name."""
    return tr("I found no more words for that, and used yours as they are.")


def never_seen(words: Sequence[str], things: Sequence[str], medium: str = "image") -> str:
    """Of the built-in model of a medium."""
    never = tr("The built-in model never saw {what}.", what=listed(words))
    return f"{never} {_draws(things, medium)}"


def one_thing_only(named: Sequence[str], things: Sequence[str], medium: str = "image") -> str:
    """Of the built-in model, which has never seen two things at once."""
    together = all_of(named[:3])
    one = tr("The built-in model draws one thing at a time, not {what}.", what=together)
    return f"{one} {_draws(things, medium)}"


def _draws(things: Sequence[str], medium: str) -> str:
    return tr(_DRAWN[medium], things=names(things))


_DRAWN = {
    "image": mark(
        "It draws one of {things}; in nine colours; on a colour, night sky, grass, "
        "sea, sunset, snow; flat, outline, pixel art, watercolor."
    ),
    "video": mark(
        "It draws one of {things}; in nine colours, on one colour; it goes left, right, up or "
        "down, grows, shrinks, spins, blinks or stands still."
    ),
    "audio": mark("It makes one of {things}; low or high, short or long, soft or loud."),
    "mesh": mark("It forms one of {things}; in nine colours; small, medium or large."),
}


def not_english(words: str) -> str:
    """Left in the prompt of a model that was trained on English."""
    return tr("This model reads English only: {words} means nothing to it.", words=said(words, 40))


def little_redrawn(denoise: float) -> str:
    """Right as it is, and seldom what was hoped for."""
    return tr(
        "Denoise {n} redraws little of the picture it starts from; 0.6 redraws much.",
        n=f"{denoise:g}",
    )


def sped_up(name: str, how: str) -> str:
    """A LoRA switched how it is sampled."""
    return tr(
        "Drawn as the LoRA {name} was taught ({how}); say other numbers to change it.",
        name=said(name, 40),
        how=how,
    )


def two_modes(name: str, first: str) -> str:
    """Two LoRAs want to be sampled otherwise."""
    return tr(
        "{name} wants other steps than {first}, whose settings count.",
        name=said(name, 40),
        first=said(first, 40),
    )


def trigger_added(name: str, words: Sequence[str]) -> str:
    """The LoRA was chosen, and what it listens to was not said."""
    return tr(
        "Added {words}: the LoRA {name} was taught to listen to that.",
        words=listed(words),
        name=said(name, 40),
    )


def trigger_unsaid(name: str, words: Sequence[str]) -> str:
    """The same, of words that are not to be touched."""
    return tr(
        "The LoRA {name} listens to {words}, which your words do not say.",
        name=said(name, 40),
        words=listed(words),
    )


def pasted_settings(taken: Sequence[str], left: Sequence[str]) -> str:
    """Generation data of another program as a prompt."""
    took = tr("I took from the pasted settings: {what}.", what=names(taken)) if taken else ""
    rest = names([said(each, 40)[1:-1] for each in left])
    not_taken = tr("Not taken: {what}.", what=rest) if left else ""
    return f"{took} {not_taken}".strip()


def settings_of_a_file(taken: Sequence[str], left: Sequence[str]) -> str:
    """The same of a file that came with it."""
    took = ", ".join(taken)
    rest = ", ".join(said(each, 40)[1:-1] for each in left)
    if took and rest:
        return tr("I took from the file: {took}. Not taken: {rest}.", took=took, rest=rest)
    if took:
        return tr("I took from the file: {took}.", took=took)
    return tr("I took no settings from the file. Not taken: {rest}.", rest=rest) if rest else ""


def negative_without_guidance() -> str:
    """The two prompts are not weighed against each other."""
    return tr("At cfg 1 the negative prompt has no effect.")


def size_said_twice(width: int, height: int) -> str:
    """A shape and a side."""
    size = f"{width}x{height}"
    return tr("Size counts more than width and height; I drew {size}.", size=size)


def seed_stays() -> str:
    """The seed mode is fixed, and the same was asked for again."""
    return tr(
        "The seed stays as it was: your seed mode is fixed. /settings seed_mode: randomize "
        "draws another."
    )


def preset_used(name: str) -> str:
    """One that a person draws with in a place until they say otherwise."""
    return tr(
        "Drawn with the preset {name}, which you use here; /preset use without a name ends that.",
        name=said(name, 40),
    )


_VANISHED = {
    "model": mark("The preset's model {name} is not here any more; I left that to what is usual."),
    "lora": mark("The preset's LoRA {name} is not here any more, and was left out."),
    "vae": mark("The preset's VAE {name} is not here any more; I left that to what is usual."),
    "style": mark("The preset's style {name} is not here any more, and was left out."),
    "sampler": mark("The preset's sampler {name} is not here; I left that to what is usual."),
    "scheduler": mark("The preset's scheduler {name} is not here; I left that to what is usual."),
}


def vanished(what: str, name: str) -> str:
    """Something that a preset names."""
    return tr(_VANISHED[what], name=said(name, 60))


def lora_of_another_family(names: Sequence[str], title: str) -> str:
    """LoRAs of a preset, with a model that they are not made for."""
    return tr(
        "The preset's LoRA {names} is not made for {title}, and was left out.",
        names=listed(names),
        title=title,
    )


def other_steps(asked: int, drawn: int, scheduler: str) -> str:
    """A schedule of whole strides, or one with equal levels."""
    return tr(
        "{asked} steps of {scheduler} are {drawn} different noise levels, so I drew {drawn}.",
        asked=asked,
        scheduler=scheduler,
        drawn=drawn,
    )


def scheduler_said_twice(sampler: str, used: str) -> str:
    """A1111's name of a sampler holds one, too."""
    return tr(
        "{sampler} names a scheduler, too; the one named apart counts: {used}.",
        sampler=said(sampler, 40),
        used=used,
    )


def folded_seed(asked: int, used: int) -> str:
    """The noise does not depend on more."""
    return tr(
        "Seed {asked} → {used}: only its low 32 bits decide the noise.", asked=asked, used=used
    )


def read_otherwise(change: Change) -> str:
    """What is no word and no weight in a prompt."""
    typed, read = said(change.typed), said(change.read, 120)
    match change.kind:
        case ChangeKind.SCHEDULE:
            what = tr("{typed} switches words while drawing, which I cannot do", typed=typed)
        case ChangeKind.ALTERNATION:
            what = tr(
                "{typed} takes turns between words while drawing, which I cannot do", typed=typed
            )
        case ChangeKind.COMPOSITION:
            what = tr("{typed} draws parts apart and mixes them, which I cannot do", typed=typed)
        case ChangeKind.EMPHASIS:
            return tr("{typed} is NovelAI's emphasis; I read it as {read}.", typed=typed, read=read)
        case ChangeKind.OPTION:
            return tr(
                "I left out {typed}: parameters are read behind your own words alone.",
                typed=typed,
            )
    if not change.read:
        return tr("{what}.", what=what)
    return tr("{what}; I read it as plain words: {read}.", what=what, read=read)


def foreign_parameters(typed: Sequence[str], nearest: Sequence[str]) -> tuple[str, ...]:
    """Other programs' parameters, which the words held; `nearest` are ours, by name."""
    if not typed:
        return ()
    what = names([*dict.fromkeys(said(each, 40)[1:-1] for each in typed)])
    if not nearest:
        return (tr("{what}: that is Midjourney's, and does nothing here.", what=what),)
    near = names([f"--{name}" for name in nearest])
    return (
        tr(
            "{what}: that is Midjourney's, and does nothing here. What comes nearest: {near}.",
            what=what,
            near=near,
        ),
    )


def unknown_parameter(typed: str, nearest: str, *, taken: bool) -> str:
    """Words behind two dashes that are no parameter; `taken`: they were left out."""
    what = said(typed, 40)
    if taken:
        return tr(
            "I know no parameter {what} and left it out; did you mean --{nearest}?",
            what=what,
            nearest=nearest,
        )
    if nearest:
        return tr(
            "I know no parameter {what} and drew it as words; did you mean --{nearest}?",
            what=what,
            nearest=nearest,
        )
    return tr("I know no parameter {what} and drew it as words; /help lists them.", what=what)


def option_counts(typed: Sequence[str]) -> tuple[str, ...]:
    """An option and a parameter in the words say the same thing otherwise."""
    if not typed:
        return ()
    what = _each(typed)
    return (tr("{what} did nothing: the option of the command counts more.", what=what),)


def not_in_a_reply(typed: Sequence[str]) -> tuple[str, ...]:
    """Parameters of a new picture."""
    if not typed:
        return ()
    what = _each(typed)
    return (tr("{what} does nothing in a reply; /imagine has it.", what=what),)


_ASTRAY = {
    IMAGE: mark("{what} did nothing: it is said of pictures, which /imagine draws."),
    VIDEO: mark("{what} did nothing: it is said of clips, which /video makes."),
    AUDIO: mark("{what} did nothing: it is said of sounds, which /sound makes."),
    MESH: mark("{what} did nothing: it is said of forms, which /model3d makes."),
}


def of_other_media(typed: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Parameters of works of media that are not what is made, by these media."""
    return tuple(tr(_ASTRAY[medium], what=_each(said)) for medium, said in typed.items())


_ASTRAY_IN_A_REPLY = {
    VIDEO: mark("{what} does nothing in a reply; /video has it."),
    AUDIO: mark("{what} does nothing in a reply; /sound has it."),
    MESH: mark("{what} does nothing in a reply; /model3d has it."),
}


def not_in_a_reply_of_media(typed: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Parameters of works that are no pictures, by their media."""
    return tuple(tr(_ASTRAY_IN_A_REPLY[medium], what=_each(said)) for medium, said in typed.items())


def _each(typed: Sequence[str]) -> str:
    return names([said(each, 40)[1:-1] for each in typed])


def multi_prompt(typed: str, read: str, negative: str) -> str:
    """Midjourney's parts with weights."""
    if negative:
        return tr(
            "I read {typed} as {read}, without {negative}.",
            typed=said(typed, 60),
            read=said(read, 80),
            negative=said(negative, 40),
        )
    return tr("I read {typed} as {read}.", typed=said(typed, 60), read=said(read, 80))


def nothing_in_a_negative(typed: str) -> str:
    """A LoRA is on or off for the whole picture."""
    return tr("I left out {what}: it means nothing in a negative prompt.", what=said(typed))


def unknown_tag(typed: str, kind: str) -> str:
    """Another program's network."""
    if kind == "hypernet":
        return tr("I left out {what}: I have no hypernetworks.", what=said(typed))
    return tr("I left out {what}, which I do not know.", what=said(typed))


def said_twice(name: str, used: float, pasted: float) -> str:
    """A LoRA by an option and in the prompt."""
    return tr(
        "The LoRA {name} is on at {used}, as the option says; the prompt says {pasted}.",
        name=said(name, 40),
        used=f"{used:g}",
        pasted=f"{pasted:g}",
    )


def one_strength(typed: str, used: float) -> str:
    """A1111 can set the text encoder's apart."""
    return tr(
        "{what} names two strengths; I have one for all of it, and took {used}.",
        what=said(typed),
        used=f"{used:g}",
    )


def ignored_in_tag(typed: str, ignored: str) -> str:
    """Extensions of A1111."""
    return tr(
        "In {typed} I do not know {ignored}; the LoRA is on everywhere.",
        typed=said(typed),
        ignored=said(ignored, 40),
    )


def ambiguous_embedding(word: str, files: Sequence[str]) -> str:
    """Several files of one name."""
    return tr(
        "{word} could be several embeddings; I read it as a word. Write {choices}.",
        word=said(word, 40),
        choices=one_of([f"embedding:{name}" for name in files[:3]]),
    )


def embedding_of_another_family(word: str, title: str) -> str:
    """A bare word is no wish for it."""
    return tr(
        "{word} is an embedding for {title}, not for this model; I read it as a word.",
        word=said(word, 40),
        title=title,
    )


def unknown_wildcard(name: str, read: str, there: Sequence[str]) -> str:
    """A list that is not here."""
    none = tr(
        "I have no list called {name}; I read it as {read}.",
        name=said(name, 40),
        read=said(read, 40),
    )
    if not there:
        return none
    few = names(there[:8])
    more = tr("There are {lists} and more.", lists=few)
    return f"{none} {more if len(there) > 8 else tr('There are {lists}.', lists=few)}"


def no_pictures(others: Sequence[str]) -> tuple[str, ...]:
    """Files came with words, and none of them is a picture."""
    if not others:
        return ()
    return (
        trn(
            "{files} is no picture I can read; I drew from the words alone.",
            "{files} are no pictures I can read; I drew from the words alone.",
            len(others),
            files=listed(others),
        ),
    )


def left_out(others: Sequence[str]) -> tuple[str, ...]:
    """Files came beside a picture, and are none."""
    if not others:
        return ()
    return (
        trn(
            "{files} is no picture I can read, and was left out.",
            "{files} are no pictures I can read, and were left out.",
            len(others),
            files=listed(others),
        ),
    )


def other_pictures(used: str, others: Sequence[str], *, chosen: bool) -> tuple[str, ...]:
    """Several pictures came, and a picture starts from one; `chosen`: they said from which."""
    if not others:
        return ()
    facts = {"used": said(used, 40), "others": listed(others)}
    if chosen:
        started = trn(
            "I started from {used}; {others} was left out.",
            "I started from {used}; {others} were left out.",
            len(others),
            **facts,
        )
        return (started,)
    first = trn(
        "I took the first picture, {used}; {others} was left out; “2: …” takes the second.",
        "I took the first picture, {used}; {others} were left out; “2: …” takes the second.",
        len(others),
        **facts,
    )
    return (first,)


def answered_left_out(answered: bool) -> tuple[str, ...]:
    """A picture came with a reply to a picture, and a picture starts from one."""
    if not answered:
        return ()
    return (tr("I drew from what you sent, and took nothing of the picture that you answered."),)


def said(words: str, limit: int = 80) -> str:
    """Words of a person inside a note."""
    line = " ".join(words.split())
    return f"“{line if len(line) <= limit else line[: limit - 1] + '…'}”"


def listed(words: Sequence[str], limit: int = 3) -> str:
    """A few words of a person inside a note; what goes beyond is counted."""
    shown = names([said(each, 24) for each in words[:limit]])
    if len(words) <= limit:
        return shown
    return tr("{shown} and {n} more", shown=shown, n=len(words) - limit)


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
