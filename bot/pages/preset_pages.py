"""The pages of presets: what there is, and what one holds.

Pure.  Invariant: a page fits into a message, however many there are; what does not fit is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.languages.speaking import mark, tr, trn
from bot.pages.quoting import code, quoted
from bot.pages.replies import MAX_CONTENT
from bot.pages.settings_page import WHOSE
from bot.studio.saved_drafts import SavedDraft
from bot.studio.wishes import OWN_VAE
from storage.people import Level
from storage.presets import StoredPreset

ROOM = MAX_CONTENT - 200  # for what stands around the list
LINE = 160  # characters of what one holds


def presets_page(presets: Sequence[StoredPreset], standing: StoredPreset | None) -> str:
    """All that can be used there; the one that is drawn with is marked."""
    if not presets:
        return tr(
            "There are no presets here yet. `/preset save` keeps settings by a name: of a picture, "
            "or those that you give; 💾 below a result does, too."
        )
    rows: list[str] = []
    for preset in presets:
        sign = "▶️ " if standing is not None and _same(preset, standing) else ""
        held = summary(SavedDraft.load(preset.text))
        row = f"{sign}{code(preset.name, 40)} · {tr(WHOSE[preset.owner.level])} · {held}"
        if len("\n".join((*rows, row))) > ROOM:
            left = len(presets) - len(rows)
            rows.append(trn("… and {n} more", "… and {n} more", left))
            break
        rows.append(row)
    note = tr(
        "-# `preset` in `/imagine` draws with one, as `--preset name` does; `/preset use` until "
        "you say otherwise."
    )
    return "\n".join((*rows, note))


def preset_page(preset: StoredPreset, gone: Sequence[str] = ()) -> str:
    """What one holds, line by line, and what of it is not here any more."""
    saved = SavedDraft.load(preset.text)
    rows = [f"**{tr(name)}** {quoted(value, 300)}" for name, value in _values(saved)]
    head = tr(
        "Preset {name} · {whose}",
        name=code(preset.name, 40),
        whose=tr(WHOSE[preset.owner.level]),
    )
    return "\n".join((head, *rows, *(f"-# {quoted(each)}" for each in gone)))[:MAX_CONTENT]


def summary(saved: SavedDraft) -> str:
    """What it holds, in a line."""
    text = ", ".join(f"{tr(name)} {value}" for name, value in _values(saved))
    return quoted(text, LINE)


def saved_page(name: str, level: Level, saved: SavedDraft, *, again: bool) -> str:
    """After it was kept."""
    facts = {"name": code(name, 40), "whose": tr(WHOSE[level]), "held": summary(saved)}
    if again:
        return tr("💾 Saved {name} ({whose}) in place of the one before: {held}.", **facts)
    return tr("💾 Saved {name} ({whose}): {held}.", **facts)


def used_page(preset: StoredPreset | None) -> str:
    """After one was chosen to draw with, or none."""
    if preset is None:
        return tr("You draw with no preset here any more.")
    return tr(
        "You draw with {name} here until you say otherwise: {held}. `/preset use` without a name "
        "ends it.",
        name=code(preset.name, 40),
        held=summary(SavedDraft.load(preset.text)),
    )


def shared_page(name: str, level: Level) -> str:
    """After it was copied."""
    if level is Level.SERVER:
        return tr("{name} is for all of this server now.", name=code(name, 40))
    return tr("{name} is for all who draw in this channel now.", name=code(name, 40))


def deleted_page(name: str, level: Level) -> str:
    """After it was taken away."""
    whose = tr(WHOSE[level])
    return tr("The preset {name} ({whose}) is gone.", name=code(name, 40), whose=whose)


def _same(one: StoredPreset, other: StoredPreset) -> bool:
    return (one.owner, one.name) == (other.owner, other.name)


def _values(saved: SavedDraft) -> Iterator[tuple[str, str]]:
    canvas, sampling, words = saved.canvas, saved.sampling, saved.words
    size = f"{canvas.width}×{canvas.height}" if canvas.width and canvas.height else None
    vae = tr("the model's own") if saved.vae == OWN_VAE else saved.vae
    rows = (
        (mark("model"), saved.model and saved.model.name),
        (mark("style"), saved.style),
        (mark("size"), size),
        (mark("steps"), sampling.steps),
        (mark("cfg"), sampling.cfg),
        (mark("guidance"), sampling.guidance),
        (mark("shift"), sampling.shift),
        (mark("sampler"), sampling.sampler),
        (mark("scheduler"), sampling.scheduler),
        (mark("denoise"), sampling.denoise),
        (mark("clip skip"), words.clip_skip if words.clip_skip != 1 else None),
        (mark("count"), saved.count),
        (mark("best of"), saved.best_of),
        (mark("assist"), saved.assist),
        (mark("LoRAs"), ", ".join(f"{a.weights.name} {a.said}" for a in saved.adapters)),
        (mark("vae"), vae),
        (mark("negative"), words.negative_prompt),
        (mark("suffix"), saved.suffix),
    )
    for name, value in rows:
        if value not in (None, ""):
            yield name, f"{value:g}" if isinstance(value, float) else str(value)
