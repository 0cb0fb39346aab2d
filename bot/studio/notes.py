"""Notes: what is said in a small line beside a picture, about what was asked and not done as typed.

Whatever a person wrote and the picture does not show is drawn, refused, or noted: never dropped in
silence.  A note is one plain sentence without Markdown; words of a person stand in “ ”.

How to add one.  Write the sentence here as a function.  Whoever prepares the recipes appends it to
`Drafted.notes` (`bot.studio.layers`), or passes it to `Requests.queue_up`; it is stored with the
request, stays with its re-rolls, and is shown below the result (`bot.pages.replies.result`) and on
the command line (`bot.cli.console`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.languages.speaking import tr
from prompting.reading.markup import Change, ChangeKind

MOST = 5  # notes of one request; the rest is counted
LONGEST = 300  # characters of a note


def bounded(notes: Iterable[str]) -> tuple[str, ...]:
    """Each note once, on one line, and no more than people read."""
    lines = dict.fromkeys(" ".join(note.split()) for note in notes)
    kept = tuple(_short(line) for line in lines if line)
    if len(kept) <= MOST:
        return kept
    return (*kept[: MOST - 1], f"And {len(kept) - MOST + 1} more remarks of this kind.")


def denoise_without_a_picture(denoise: float) -> str:
    """Nothing to redraw."""
    return f"Denoise {denoise:g} does nothing without a picture to start from."


def counted_twice(best_of: int) -> str:
    """Both count and best_of were said."""
    return f"The best of {best_of} was asked for, so I drew {best_of}: count did nothing."


def no_more_words() -> str:
    """The assistant was asked for by name."""
    return "I found no more words for that, and used yours as they are."


def never_seen(words: Sequence[str], things: Sequence[str]) -> str:
    """Of the built-in model."""
    return f"The built-in model never saw {listed(words)}. {_draws(things)}"


def one_thing_only(named: Sequence[str], things: Sequence[str]) -> str:
    """Of the built-in model, which has never seen two things in a picture."""
    together = " and ".join(named[:3])
    return f"The built-in model draws one thing at a time, not {together}. {_draws(things)}"


def _draws(things: Sequence[str]) -> str:
    return (
        f"It draws one of {', '.join(things)}; in nine colours; on a colour, night sky, grass, "
        "sea, sunset, snow; flat, outline, pixel art, watercolor."
    )


def not_english(words: str) -> str:
    """Left in the prompt of a model that was trained on English."""
    return f"This model reads English only: {said(words, 40)} means nothing to it."


def little_redrawn(denoise: float) -> str:
    """Right as it is, and seldom what was hoped for."""
    return f"Denoise {denoise:g} redraws little of the picture it starts from; 0.6 redraws much."


def sped_up(name: str, how: str) -> str:
    """A LoRA switched how it is sampled."""
    return f"Drawn as the LoRA {said(name, 40)} was taught ({how}); say other numbers to change it."


def two_modes(name: str, first: str) -> str:
    """Two LoRAs want to be sampled otherwise."""
    return f"{said(name, 40)} wants other steps than {said(first, 40)}, whose settings count."


def trigger_added(name: str, words: Sequence[str]) -> str:
    """The LoRA was chosen, and what it listens to was not said."""
    return f"Added {listed(words)}: the LoRA {said(name, 40)} was taught to listen to that."


def trigger_unsaid(name: str, words: Sequence[str]) -> str:
    """The same, of words that are not to be touched."""
    return f"The LoRA {said(name, 40)} listens to {listed(words)}, which your words do not say."


def pasted_settings(taken: Sequence[str], left: Sequence[str]) -> str:
    """Generation data of another program as a prompt."""
    took = f"I took from the pasted settings: {', '.join(taken)}." if taken else ""
    rest = f" Not taken: {', '.join(said(each, 40)[1:-1] for each in left)}." if left else ""
    return f"{took}{rest}".strip()


def negative_without_guidance() -> str:
    """The two prompts are not weighed against each other."""
    return "At cfg 1 the negative prompt has no effect."


def size_said_twice(width: int, height: int) -> str:
    """A shape and a side."""
    return f"Size counts more than width and height; I drew {width}x{height}."


def other_steps(asked: int, drawn: int, scheduler: str) -> str:
    """A schedule of whole strides, or one with equal levels."""
    return f"{asked} steps of {scheduler} are {drawn} different noise levels, so I drew {drawn}."


def scheduler_said_twice(sampler: str, used: str) -> str:
    """A1111's name of a sampler holds one, too."""
    return f"{said(sampler, 40)} names a scheduler, too; the one named apart counts: {used}."


def folded_seed(asked: int, used: int) -> str:
    """The noise does not depend on more."""
    return f"Seed {asked} → {used}: only its low 32 bits decide the noise."


def read_otherwise(change: Change) -> str:
    """What is no word and no weight in a prompt."""
    typed, read = said(change.typed), said(change.read, 120)
    match change.kind:
        case ChangeKind.SCHEDULE:
            what = "switches words while drawing, which I cannot do"
        case ChangeKind.ALTERNATION:
            what = "takes turns between words while drawing, which I cannot do"
        case ChangeKind.COMPOSITION:
            what = "draws parts apart and mixes them, which I cannot do"
        case ChangeKind.EMPHASIS:
            return f"{typed} is NovelAI's emphasis; I read it as {read}."
        case ChangeKind.OPTION:
            return f"I left out {typed}: options are not read in a prompt; say it with mine."
    return (
        f"{typed} {what}; I read it as plain words: {read}." if change.read else f"{typed} {what}."
    )


def foreign_parameters(typed: Sequence[str], nearest: Sequence[str]) -> tuple[str, ...]:
    """Other programs' parameters, which the words held; `nearest` are ours, by name."""
    if not typed:
        return ()
    what = ", ".join(dict.fromkeys(said(each, 40)[1:-1] for each in typed))
    if not nearest:
        return (tr("{what}: that is Midjourney's, and does nothing here.", what=what),)
    near = ", ".join(f"--{name}" for name in nearest)
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
    what = ", ".join(said(each, 40)[1:-1] for each in typed)
    return (tr("{what} did nothing: the option of the command counts more.", what=what),)


def not_in_a_reply(typed: Sequence[str]) -> tuple[str, ...]:
    """Parameters of a new picture."""
    if not typed:
        return ()
    what = ", ".join(said(each, 40)[1:-1] for each in typed)
    return (tr("{what} does nothing in a reply; /imagine has it.", what=what),)


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
    return f"I left out {said(typed)}: it means nothing in a negative prompt."


def unknown_tag(typed: str, kind: str) -> str:
    """Another program's network."""
    if kind == "hypernet":
        return f"I left out {said(typed)}: I have no hypernetworks."
    return f"I left out {said(typed)}, which I do not know."


def said_twice(name: str, used: float, pasted: float) -> str:
    """A LoRA by an option and in the prompt."""
    where = f"as the option says; the prompt says {pasted:g}"
    return f"The LoRA {said(name, 40)} is on at {used:g}, {where}."


def one_strength(typed: str, used: float) -> str:
    """A1111 can set the text encoder's apart."""
    return f"{said(typed)} names two strengths; I have one for all of it, and took {used:g}."


def ignored_in_tag(typed: str, ignored: str) -> str:
    """Extensions of A1111."""
    return f"In {said(typed)} I do not know {said(ignored, 40)}; the LoRA is on everywhere."


def ambiguous_embedding(word: str, names: Sequence[str]) -> str:
    """Several files of one name."""
    choices = " or ".join(f"embedding:{name}" for name in names[:3])
    return f"{said(word, 40)} could be several embeddings; I read it as a word. Write {choices}."


def embedding_of_another_family(word: str, title: str) -> str:
    """A bare word is no wish for it."""
    return f"{said(word, 40)} is an embedding for {title}, not for this model; I read it as a word."


def unknown_wildcard(name: str, read: str, there: Sequence[str]) -> str:
    """A list that is not here."""
    lists = (
        f" There are {', '.join(there[:8])}{' and more' if len(there) > 8 else ''}."
        if there
        else ""
    )
    return f"I have no list called {said(name, 40)}; I read it as {said(read, 40)}.{lists}"


def no_pictures(others: Sequence[str]) -> tuple[str, ...]:
    """Files came with words, and none of them is a picture."""
    if not others:
        return ()
    what = "is no picture I can read" if len(others) == 1 else "are no pictures I can read"
    return (f"{listed(others)} {what}; I drew from the words alone.",)


def left_out(others: Sequence[str]) -> tuple[str, ...]:
    """Files came beside a picture, and are none."""
    if not others:
        return ()
    what = "is no picture I can read" if len(others) == 1 else "are no pictures I can read"
    return (
        f"{listed(others)} {what}, and was left out."
        if len(others) == 1
        else f"{listed(others)} {what}, and were left out.",
    )


def other_pictures(used: str, others: Sequence[str], *, chosen: bool) -> tuple[str, ...]:
    """Several pictures came, and a picture starts from one; `chosen`: they said from which."""
    if not others:
        return ()
    which = (
        f"I started from {said(used, 40)}"
        if chosen
        else f"I took the first picture, {said(used, 40)}"
    )
    how = "" if chosen else "; “2: …” takes the second"
    were = "was" if len(others) == 1 else "were"
    return (f"{which}; {listed(others)} {were} left out{how}.",)


def answered_left_out(answered: bool) -> tuple[str, ...]:
    """A picture came with a reply to a picture, and a picture starts from one."""
    if not answered:
        return ()
    return ("I drew from what you sent, and took nothing of the picture that you answered.",)


def said(words: str, limit: int = 80) -> str:
    """Words of a person inside a note."""
    line = " ".join(words.split())
    return f"“{line if len(line) <= limit else line[: limit - 1] + '…'}”"


def listed(words: Sequence[str], limit: int = 3) -> str:
    """A few words of a person inside a note; what goes beyond is counted."""
    shown = ", ".join(said(each, 24) for each in words[:limit])
    return f"{shown} and {len(words) - limit} more" if len(words) > limit else shown


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
