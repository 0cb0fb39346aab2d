"""The page of settings: every value that is drawn with where nothing is said, and who said it.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.languages.speaking import mark, tr
from bot.pages.quoting import quoted
from bot.studio.layers import FilledRequest, Whence
from bot.studio.wishes import OWN_VAE, Counting
from storage.people import Level, Preferences

WHOSE = {
    Level.PERSON: mark("yours"),
    Level.CHANNEL: mark("this channel's"),
    Level.SERVER: mark("this server's"),
}
_WHOSE = {
    **{Whence(level): whose for level, whose in WHOSE.items()},
    Whence.HOUSE: mark("the bot's"),
}

_TITLES = {
    Level.PERSON: mark("What you draw with here, and where it comes from:"),
    Level.CHANNEL: mark("The settings of this channel:"),
    Level.SERVER: mark("The settings of this server:"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What is drawn with, and what is said of it."""

    found: FilledRequest
    model: str  # its name
    family: str  # its title
    counting: Counting
    preset: str = ""  # the name of the one that is drawn with
    language: str = ""  # the person's own choice


def settings_page(resolved: Resolved) -> str:
    """Every value, with where it comes from."""
    rows = [
        f"**{tr(name)}** {value} · {_whence(resolved, whence)}"
        for name, value, whence in _values(resolved)
    ]
    if resolved.preset:
        rows.insert(0, tr("**preset** {name}", name=quoted(resolved.preset, 40)))
    if resolved.counting.last is not None:
        rows.append(tr("**last seed here** `{seed}`", seed=resolved.counting.last))
    if resolved.language:
        rows.append(tr("**language** {language}", language=resolved.language))
    note = tr(
        "-# `/settings` with an option changes yours, `forget` and `reset` take them back; "
        "`scope` is for those who decide here."
    )
    return "\n".join((tr(_TITLES[Level.PERSON]), *rows, note))


def place_page(liked: Preferences, level: Level) -> str:
    """What a channel or a server says itself; everything else comes from elsewhere."""
    rows = [f"**{tr(name)}** {value}" for name, value in _liked(liked)]
    if not rows:
        rows = [tr("None: everybody draws with their own, or what is usual.")]
    note = tr("-# A person's own settings count more; a preset counts more than both.")
    return "\n".join((tr(_TITLES[level]), *rows, note))


def _values(resolved: Resolved) -> Iterator[tuple[str, str, Whence | None]]:
    value, whence = resolved.found.value, resolved.found.whence
    words, canvas, sampling = value.words, value.canvas, value.sampling
    rows = (
        (mark("model"), quoted(resolved.model, 80), whence.get("model", Whence.HOUSE)),
        (mark("negative"), quoted(words.negative_prompt or "", 200), "words.negative_prompt"),
        (mark("size"), f"{canvas.width}×{canvas.height}", "canvas.width"),
        (mark("steps"), sampling.steps, "sampling.steps"),
        (mark("cfg"), _number(sampling.cfg), "sampling.cfg"),
        (mark("guidance"), _number(sampling.guidance), "sampling.guidance"),
        (mark("sampler"), sampling.sampler, "sampling.sampler"),
        (mark("scheduler"), sampling.scheduler, "sampling.scheduler"),
        (mark("denoise"), _number(sampling.denoise), "sampling.denoise"),
        (mark("count"), value.count, "count"),
        (mark("assist"), value.assist, "assist"),
        (mark("style"), quoted(value.style or "", 80), "style"),
        (mark("LoRAs"), quoted(", ".join(a.weights.name for a in value.adapters)), "adapters"),
        (mark("vae"), quoted(_vae(value.vae), 80), "vae"),
    )
    for name, shown, where in rows:
        if shown not in (None, ""):
            yield name, str(shown), where if isinstance(where, Whence) else whence.get(where)
    mode = f"{resolved.counting.mode} (control_after_generate)"  # as ComfyUI has it
    yield mark("seed mode"), mode, whence.get("seed_mode")


def _vae(vae: object) -> str:
    return tr("the model's own") if vae == OWN_VAE else str(getattr(vae, "name", vae or ""))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _whence(resolved: Resolved, whence: Whence | None) -> str:
    match whence:
        case Whence.PRESET:
            return tr("preset {name}", name=quoted(resolved.preset, 40))
        case Whence.CARD:
            return tr("the model's card")
        case Whence.FAMILY:
            return tr("usual for {title}", title=resolved.family)
        case Whence() if whence in _WHOSE:
            return tr(_WHOSE[whence])
    return tr("usual")


def _liked(liked: Preferences) -> Iterator[tuple[str, str]]:
    rows = (
        (mark("model"), quoted(liked.model or "", 80)),
        (mark("negative"), quoted(liked.negative_prompt or "", 200)),
        (mark("size"), f"{liked.width}×{liked.height}" if liked.width and liked.height else ""),
        (mark("steps"), liked.steps),
        (mark("cfg"), _number(liked.cfg)),
        (mark("sampler"), liked.sampler),
        (mark("scheduler"), liked.scheduler),
        (mark("denoise"), _number(liked.denoise)),
        (mark("count"), liked.count),
        (mark("seed mode"), liked.seed_mode),
        (mark("assist"), liked.assist),
        (mark("style"), quoted(liked.style or "", 80)),
        (mark("vae"), quoted(liked.vae or "", 80)),
    )
    for name, value in rows:
        if value not in (None, ""):
            yield name, str(value)
