"""What people read: from values to text.

Pure.  Progress, results and verdicts; the rooms beside it have a page each.  Everything that a
person typed is quoted so that it cannot ping anybody or break out of its place.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from bot.dispatch.audience import Outcome, Phase, Progress
from bot.languages.amounts import listed
from bot.languages.speaking import mark, tr, trn
from bot.pages.apologies import apology_for_reason
from bot.pages.best_page import best_line
from bot.pages.lineage_page import named, step
from bot.pages.quoting import code, quoted
from bot.pages.sheet_page import axes_line, numbered
from bot.pages.words_page import found_words
from generation.families.family import FAMILIES
from generation.limits import ADAPTERS
from generation.picture import Comparison, Verdict
from generation.recipe import Recipe, Sampling
from generation.samplers import SAMPLERS, SCHEDULERS
from prompting.speaking.dialects import DIALECTS
from storage.tickets import State

MAX_CONTENT = 2000  # characters of a message
BAR_CELLS = 12
HEAD = 120  # characters of the words above a result: a line or two of a phone
WORTH_GIVING_BACK = 24  # characters

DELETED_BEFORE = mark("It was deleted before; its message is gone now, too.")
RESTORED = mark("↩️ It is back: I post it again.")
NOTHING_TO_CHANGE = mark("Nothing in that is to be changed. Say it like: `make it night`.")
DELETE_BY_BUTTON = mark("I deleted nothing: 🗑️ under the picture does that.")
STARTING = mark("📦 The drawing program is starting; this takes a moment…")


def with_what_was_typed(text: str, typed: str) -> tuple[str, tuple[str, bytes] | None]:
    """A refusal with what it refuses, ready to be copied; as a file where it is long.

    What is typed again in a moment is not given back.
    """
    if len(typed) < WORTH_GIVING_BACK:
        return text, None
    block = f"{text}\n{tr('What you typed, to copy:')}\n```\n{typed}\n```"
    if len(block) <= MAX_CONTENT and "```" not in typed:
        return block, None
    text = f"{text}\n{tr('What you typed is in the file.')}"
    return text, ("words.txt", typed.encode(errors="replace"))


def bar(step: int, steps: int) -> str:
    """A progress bar of text."""
    full = round(BAR_CELLS * step / steps) if steps else 0
    return "▰" * full + "▱" * (BAR_CELLS - full)


def progress(standing: Progress, now: float) -> str:
    """The progress message of an open request."""
    head = f"**{called(standing.words)}**"
    if standing.total > 1:
        number = min(standing.done + 1, standing.total)
        head += " · " + tr("picture {number} of {total}", number=number, total=standing.total)
    ready = f"<t:{math.ceil(now + standing.ready_in)}:R>"
    if standing.rest is not None:
        return f"{head}\n{_resting(standing.rest)}"
    if standing.paused:
        return f"{head}\n" + tr(
            "⏸️ Paused at step {step} of {steps} so that others need not wait · ready {ready}",
            step=standing.step,
            steps=standing.steps,
            ready=ready,
        )
    match standing.phase:
        case Phase.WAITING:
            if standing.ahead == 0:
                return f"{head}\n" + tr("🕰️ Queued · next in line · ready {ready}", ready=ready)
            return f"{head}\n" + trn(
                "🕰️ Queued · {n} picture before you · ready {ready}",
                "🕰️ Queued · {n} pictures before you · ready {ready}",
                standing.ahead,
                ready=ready,
            )
        case Phase.LOADING:
            # How long a disk takes is nobody's prediction, so no time is promised.
            what = (
                tr("📦 Reading the model {model}…", model=quoted(standing.loading, 80))
                if standing.loading
                else tr("📦 Beginning…")
            )
            return f"{head}\n{what}"
        case Phase.DRAWING:
            cells = f"🖌️ {bar(standing.step, standing.steps)} {standing.step}/{standing.steps}"
            return f"{head}\n{cells} · {tr('ready {ready}', ready=ready)}"
        case Phase.KEEPING:
            return f"{head}\n{tr('🖼️ Drawn, saving it…')}"


def _resting(reason: str) -> str:
    if reason:
        return tr(
            "💤 Drawing rests in this server: {reason}. Your request keeps its place.",
            reason=quoted(reason),
        )
    return tr("💤 Drawing rests in this server. Your request keeps its place.")


def called(words: str, limit: int = HEAD) -> str:
    """What a request is called: by its words, where it has some."""
    return quoted(words, limit) or tr("A picture")


def settings_line(recipe: Recipe, *others: Recipe) -> str:
    """The seeds of pictures and their settings in one compact line; `others` differ in the seed."""
    return " · ".join(_settings(recipe, *others))


def common_settings(recipes: Sequence[Recipe]) -> str:
    """What all of them have in that line."""
    lists = [_settings(recipe) for recipe in recipes]
    return " · ".join(part for part in lists[0] if all(part in parts for parts in lists))


def _settings(recipe: Recipe, *others: Recipe) -> list[str]:
    parts = []
    if recipe.sampling is not None:  # no seed decides anything in what is only enlarged
        seeds = listed(f"`{one.seed}`" for one in (recipe, *others))
        parts.append(trn("seed {seeds}", "seeds {seeds}", 1 + len(others), seeds=seeds))
    parts.append(code(recipe.leading.name, 80))
    if recipe.canvas is not None:
        parts.append(f"{recipe.canvas.width}×{recipe.canvas.height}")
    parts += lasting(recipe)
    if recipe.sampling is not None:
        parts += _sampling(recipe.sampling)
    if recipe.task.needs.redraws and recipe.sampling is not None:
        parts.append(tr("denoise {denoise}", denoise=f"{recipe.sampling.denoise:g}"))
    if recipe.vae is not None:
        parts.append(f"vae {code(recipe.vae.name, 80)}")
    parts += [
        f"{_known(a.kind, ADAPTERS)} {code(a.weights.name, 80)} {a.said}" for a in recipe.adapters
    ]
    return parts


def lasting(recipe: Recipe) -> list[str]:
    """How long a clip or a sound is, and how finely a form was looked for."""
    parts: list[str] = []
    motion, sound, form = recipe.motion, recipe.sound, recipe.form
    if motion is not None:
        parts.append(trn("{n} frame", "{n} frames", motion.frames))
        parts.append(tr("{n} fps", n=f"{motion.fps:g}"))
        parts.append(tr("{n} s", n=f"{motion.seconds:.2g}"))
        if recipe.second is not None:
            parts.append(trn("{n} pass", "{n} passes", recipe.second.passes))
    elif sound is not None:
        parts.append(tr("{n} s", n=f"{sound.seconds:g}"))
    if sound is not None and sound.bpm is not None:
        parts.append(tr("{n} bpm", n=sound.bpm))
    if form is not None:
        parts.append(trn("{n} point a side", "{n} points a side", form.resolution))
    return parts


def _sampling(sampling: Sampling) -> tuple[str, ...]:
    return (
        tr("{n} steps", n=sampling.steps),
        f"cfg {sampling.cfg:g}",
        f"{_known(sampling.sampler, SAMPLERS)} {_known(sampling.scheduler, SCHEDULERS)}",
    )


def _known(name: str, names: Collection[str]) -> str:
    """A name as we write it; as code where it is none of ours, or a long one of numbers."""
    return name if name in names else code(name, 60)


def result(outcome: Outcome) -> str:
    """The message that shows finished pictures, and what decided them."""
    request, pictures = outcome.request, outcome.pictures
    lines = [f"**{called(request.words)}** · <@{request.origin.owner}>"]
    if pictures and request.sheet is not None:
        same = common_settings([p.recipe for p in pictures])
        lines += [axes_line(request.sheet), f"{numbered(pictures)} · {same}"]
    elif pictures:
        ids = listed(f"#{p.id}" for p in pictures)
        lines.append(f"{ids} · {settings_line(*(p.recipe for p in pictures))}")
    if best := best_line(outcome):
        lines.append(best)
    if outcome.wording is not None:
        lines += found_words(outcome.wording)
    if pictures:
        lines += _decided(outcome)
    revised = request.revision.said if request.revision is not None else None
    lines += [f"-# {quoted(note)}" for note in request.notes if note != revised or not pictures]
    if outcome.comparison is not None and pictures:
        lines.append(verdict(outcome.comparison, _original(outcome)))
    if outcome.withheld:
        numbers = ", ".join(f"`/show {number}`" for number in outcome.withheld)
        lines.append(
            trn(
                "🔞 {n} picture is not shown here: it may not be for everybody, and this channel "
                "is not age-restricted. Whoever asked sees it: {numbers}",
                "🔞 {n} pictures are not shown here: they may not be for everybody, and this "
                "channel is not age-restricted. Whoever asked sees them: {numbers}",
                len(outcome.withheld),
                numbers=numbers,
            )
        )
    bad = [t for t in outcome.tickets if t.state in (State.FAILED, State.QUARANTINED)]
    reasons = dict.fromkeys(t.reason for t in bad)
    lines += [f"⚠️ {quoted(apology_for_reason(reason), 400)}" for reason in reasons]
    stopped = sum(t.state is State.CANCELLED for t in outcome.tickets)
    if stopped:
        count = len(outcome.tickets)
        lines.append(tr("✋ {n} of {count} cancelled.", n=stopped, count=count))
    return whole("\n".join(lines))


def whole(text: str) -> str:
    """The text as a message; where it is cut, it says so."""
    return text if len(text) <= MAX_CONTENT else text[: MAX_CONTENT - 1] + "…"


def _decided(outcome: Outcome) -> list[str]:
    """What decided the pictures besides words and settings: choices, the negative, the start."""
    first, lines = outcome.pictures[0].recipe, []
    if chosen := _chosen(outcome):
        lines.append(f"🎯 {chosen}")
    words = outcome.wording
    styled = words is not None and words.assisted.style
    # What stands in every negative prompt of a dialect is nobody's choice.
    negative = first.words.negative_prompt if first.words is not None else ""
    negative = words.own_negative if words is not None and not styled else negative
    family = FAMILIES.get(first.family)  # recipes of strangers were drawn once, of any family
    dialect = words.assisted.dialect if words is not None else family.dialect if family else ""
    usual = DIALECTS[dialect].default_negative if dialect in DIALECTS else ""
    if negative.strip() and negative != usual:
        lines.append(f"🚫 {quoted(negative, 160)}")
    if outcome.request.parent is not None:
        lines.append(_made_from(outcome))
    elif first.inputs:
        lines.append(tr("↪️ made from an upload"))
    return lines


def _made_from(outcome: Outcome) -> str:
    """What the pictures were made of, and what the first of them has otherwise."""
    if outcome.parent is None:
        return tr("↪️ made from an earlier picture")
    revision = outcome.request.revision
    first = outcome.pictures[0]
    said = quoted(revision.said) if revision is not None else step(outcome.parent, first)
    return tr("↪️ made from {picture}: {said}", picture=named(outcome.parent), said=said)


def _chosen(outcome: Outcome) -> str:
    """What the seed chose of each picture's choices and wildcards."""
    wording = outcome.wording
    said = wording.assisted.prompt if wording is not None else outcome.request.words
    if "{" not in said and "__" not in said:
        return ""
    drawn = {p.id: " ".join(p.recipe.prompt.split()) for p in outcome.pictures}
    if set(drawn.values()) == {" ".join(said.split())}:
        return ""
    limit = 300 if len(drawn) == 1 else 60
    if len(drawn) == 1:
        return quoted(next(iter(drawn.values())), limit)
    return " · ".join(f"#{number} {quoted(prompt, limit)}" for number, prompt in drawn.items())


def permutations_page(count: int, seconds: float) -> str:
    """What a prompt with several readings would cost."""
    return tr(
        "That stands for **{count} pictures**, about {seconds} s of drawing. Shall I queue them?",
        count=count,
        seconds=max(1, round(seconds)),
    )


def _original(outcome: Outcome) -> str:
    """What the picture was compared with."""
    original = outcome.request.reproduces
    if original is None:
        return tr("the file")
    return tr("the first one") if original in outcome.unnamed else f"#{original}"


def verdict(comparison: Comparison, which: str) -> str:
    """What drawing a picture a second time showed."""
    match comparison.verdict:
        case Verdict.IDENTICAL:
            return tr("✅ **IDENTICAL** to {which}: every pixel is the same.", which=which)
        case Verdict.ELSEWHERE:
            return tr(
                "🧭 **ELSEWHERE**: not the same pixels as {which}, and not promised, since the "
                "machine differs ({differences}).",
                which=which,
                differences="; ".join(quoted(d, 160) for d in comparison.differences[:4]),
            )
        case Verdict.UNPROVEN:
            return tr(
                "🎞️ **UNPROVEN**: {which} keeps what it shows only nearly, so the file alone "
                "cannot prove it, and encoded anew it is another file. The number of a work that I "
                "keep can be compared.",
                which=which,
            )
        case Verdict.DIVERGED:
            return tr(
                "❌ **DIVERGED** from {which} on the same machine. That is a bug of mine; please "
                "tell the owner.",
                which=which,
            )


def deleted(until: float) -> str:
    """The answer to whoever has deleted something."""
    return tr(
        "🗑️ Deleted: nobody sees it any more. Its files go {then}; until then you can bring it "
        "back.",
        then=f"<t:{math.ceil(until)}:R>",
    )


def starred(picture: int, *, mine: bool) -> str:
    """The answer to whoever has pressed a picture's star."""
    if mine:
        return tr(
            "⭐ #{picture} is among your favourites. Press again to take it off.", picture=picture
        )
    return tr("#{picture} is no favourite of yours any more.", picture=picture)


def cancelled(words: str) -> str:
    """The end of a progress message that was cancelled."""
    return f"**{quoted(words, 200)}**\n{tr('✋ Cancelled.')}"
