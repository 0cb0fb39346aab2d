"""What people read: from values to text.

Pure.  Progress, results and verdicts; the rooms beside it have a page each.  Everything that a
person typed is quoted so that it cannot ping anybody or break out of its place.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from bot.dispatch.audience import Outcome, Phase, Progress
from bot.languages.speaking import tr
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

WHY_PAUSED = "so that others need not wait"
DELETED_BEFORE = "It was deleted before; its message is gone now, too."
RESTORED = "↩️ It is back: I post it again."
NOTHING_TO_CHANGE = "Nothing in that is to be changed. Say it like: `make it night`."
DELETE_BY_BUTTON = "I deleted nothing: 🗑️ under the picture does that."
STARTING = "📦 The drawing program is starting; this takes a moment…"


def with_what_was_typed(text: str, typed: str) -> tuple[str, tuple[str, bytes] | None]:
    """A refusal with what it refuses, ready to be copied; as a file where it is long.

    What is typed again in a moment is not given back.
    """
    if len(typed) < WORTH_GIVING_BACK:
        return text, None
    block = f"{text}\nWhat you typed, to copy:\n```\n{typed}\n```"
    if len(block) <= MAX_CONTENT and "```" not in typed:
        return block, None
    return f"{text}\nWhat you typed is in the file.", ("words.txt", typed.encode(errors="replace"))


def bar(step: int, steps: int) -> str:
    """A progress bar of text."""
    full = round(BAR_CELLS * step / steps) if steps else 0
    return "▰" * full + "▱" * (BAR_CELLS - full)


def progress(standing: Progress, now: float) -> str:
    """The progress message of an open request."""
    head = f"**{quoted(standing.words, HEAD) or 'A picture'}**"
    many = f" · picture {min(standing.done + 1, standing.total)} of {standing.total}"
    head += many if standing.total > 1 else ""
    ready = f"<t:{math.ceil(now + standing.ready_in)}:R>"
    if standing.rest is not None:
        why = f": {quoted(standing.rest)}" if standing.rest else ""
        return f"{head}\n" + tr(
            "💤 Drawing rests in this server{reason}. Your request keeps its place.", reason=why
        )
    if standing.paused:
        where = f"{standing.step} of {standing.steps}"
        return f"{head}\n⏸️ Paused at step {where} {WHY_PAUSED} · ready {ready}"
    match standing.phase:
        case Phase.WAITING:
            before = {0: "next in line", 1: "1 picture before you"}
            place = before.get(standing.ahead, f"{standing.ahead} pictures before you")
            return f"{head}\n🕰️ Queued · {place} · ready {ready}"
        case Phase.LOADING:
            # How long a disk takes is nobody's prediction, so no time is promised.
            what = (
                f"Reading the model {quoted(standing.loading, 80)}"
                if standing.loading
                else "Beginning"
            )
            return f"{head}\n📦 {what}…"
        case Phase.DRAWING:
            cells = bar(standing.step, standing.steps)
            return f"{head}\n🖌️ {cells} {standing.step}/{standing.steps} · ready {ready}"
        case Phase.KEEPING:
            return f"{head}\n🖼️ Drawn, saving it…"


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
        seeds = ", ".join(f"`{one.seed}`" for one in (recipe, *others))
        parts.append(f"{'seeds' if others else 'seed'} {seeds}")
    parts.append(code(recipe.leading.name, 80))
    if recipe.canvas is not None:
        parts.append(f"{recipe.canvas.width}×{recipe.canvas.height}")
    if recipe.sampling is not None:
        parts += _sampling(recipe.sampling)
    if recipe.task.needs.redraws and recipe.sampling is not None:
        parts.append(f"denoise {recipe.sampling.denoise:g}")
    if recipe.vae is not None:
        parts.append(f"vae {code(recipe.vae.name, 80)}")
    parts += [
        f"{_known(a.kind, ADAPTERS)} {code(a.weights.name, 80)} {a.strength:g}"
        for a in recipe.adapters
    ]
    return parts


def _sampling(sampling: Sampling) -> tuple[str, ...]:
    return (
        f"{sampling.steps} steps",
        f"cfg {sampling.cfg:g}",
        f"{_known(sampling.sampler, SAMPLERS)} {_known(sampling.scheduler, SCHEDULERS)}",
    )


def _known(name: str, names: Collection[str]) -> str:
    """A name as we write it; as code where it is none of ours, or a long one of numbers."""
    return name if name in names else code(name, 60)


def result(outcome: Outcome) -> str:
    """The message that shows finished pictures, and what decided them."""
    request, pictures = outcome.request, outcome.pictures
    lines = [f"**{quoted(request.words, HEAD) or 'A picture'}** · <@{request.origin.owner}>"]
    if pictures and request.sheet is not None:
        same = common_settings([p.recipe for p in pictures])
        lines += [axes_line(request.sheet), f"{numbered(pictures)} · {same}"]
    elif pictures:
        ids = ", ".join(f"#{p.id}" for p in pictures)
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
    bad = [t for t in outcome.tickets if t.state in (State.FAILED, State.QUARANTINED)]
    reasons = dict.fromkeys(t.reason for t in bad)
    lines += [f"⚠️ {quoted(apology_for_reason(reason), 400)}" for reason in reasons]
    stopped = sum(t.state is State.CANCELLED for t in outcome.tickets)
    if stopped:
        lines.append(f"✋ {stopped} of {len(outcome.tickets)} cancelled.")
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
        lines.append("↪️ made from an upload")
    return lines


def _made_from(outcome: Outcome) -> str:
    """What the pictures were made of, and what the first of them has otherwise."""
    if outcome.parent is None:
        return "↪️ made from an earlier picture"
    revision = outcome.request.revision
    first = outcome.pictures[0]
    said = quoted(revision.said) if revision is not None else step(outcome.parent, first)
    return f"↪️ made from {named(outcome.parent)}: {said}"


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
    return (
        f"That stands for **{count} pictures**, about {max(1, round(seconds))} s of drawing. "
        "Shall I queue them?"
    )


def _original(outcome: Outcome) -> str:
    """What the picture was compared with."""
    original = outcome.request.reproduces
    if original is None:
        return "the file"
    return "the first one" if original in outcome.unnamed else f"#{original}"


def verdict(comparison: Comparison, which: str) -> str:
    """What drawing a picture a second time showed."""
    match comparison.verdict:
        case Verdict.IDENTICAL:
            return f"✅ **IDENTICAL** to {which}: every pixel is the same."
        case Verdict.ELSEWHERE:
            differences = "; ".join(quoted(d, 160) for d in comparison.differences[:4])
            return (
                f"🧭 **ELSEWHERE**: not the same pixels as {which}, and not promised, "
                f"since the machine differs ({differences})."
            )
        case Verdict.DIVERGED:
            return (
                f"❌ **DIVERGED** from {which} on the same machine. "
                "That is a bug of mine; please tell the owner."
            )


def deleted(until: float) -> str:
    """The answer to whoever has deleted something."""
    return (
        "🗑️ Deleted: nobody sees it any more. "
        f"Its files go <t:{math.ceil(until)}:R>; until then you can bring it back."
    )


def starred(picture: int, *, mine: bool) -> str:
    """The answer to whoever has pressed a picture's star."""
    if mine:
        return f"⭐ #{picture} is among your favourites. Press again to take it off."
    return f"#{picture} is no favourite of yours any more."


def cancelled(words: str) -> str:
    """The end of a progress message that was cancelled."""
    return f"**{quoted(words, 200)}**\n{tr('✋ Cancelled.')}"
