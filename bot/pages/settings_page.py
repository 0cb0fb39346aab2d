"""The page of a person's own settings, and of what is usual for everything else.

Pure.
"""

from __future__ import annotations

from bot.pages.quoting import quoted
from generation.draft import Draft
from storage.people import Preferences


def preferences_page(
    mine: Preferences, usual: tuple[str, Draft] | None = None, *, language: str = ""
) -> str:
    """A person's own settings; `usual` is the model that would draw, which says all the others."""
    rows = [
        ("model", quoted(mine.model, 80) if mine.model else None),
        ("negative", quoted(mine.negative_prompt, 200) if mine.negative_prompt else None),
        ("size", f"{mine.width}×{mine.height}" if mine.width and mine.height else None),
        ("steps", mine.steps),
        ("cfg", f"{mine.cfg:g}" if mine.cfg is not None else None),
        ("sampler", mine.sampler),
        ("scheduler", mine.scheduler),
        ("denoise", f"{mine.denoise:g}" if mine.denoise is not None else None),
        ("count", mine.count),
        ("assist", mine.assist.value if mine.assist else None),
        ("style", quoted(mine.style, 80) if mine.style else None),
        ("vae", quoted(mine.vae, 80) if mine.vae else None),
    ]
    if language:
        rows.append(("language", language))
    lines = [f"**{name}** {value}" for name, value in rows if value is not None]
    lines.append(f"**seed mode** {mine.seed_mode.value}")
    if mine.last_seed is not None:
        lines.append(f"**last seed** `{mine.last_seed}`")
    note = "Everything else is what is usual for the model."
    if usual is not None:
        name, draft = usual
        canvas, sampling = draft.canvas, draft.sampling
        rest = [
            (mine.width is None, f"{canvas.width}×{canvas.height}"),
            (mine.steps is None, f"{sampling.steps} steps"),
            (mine.cfg is None, f"cfg {sampling.cfg:g}"),
            (mine.sampler is None, sampling.sampler),
            (mine.scheduler is None, sampling.scheduler),
            (mine.denoise is None, f"denoise {sampling.denoise:g} from a picture"),
            (mine.count is None, "1 picture"),
        ]
        said = ", ".join(str(text) for gap, text in rest if gap)
        note = f"-# Everything else is what is usual for {quoted(name, 80)}"
        note += f": {said}." if said else "."
    return "Your settings:\n" + "\n".join(lines) + f"\n{note}"
