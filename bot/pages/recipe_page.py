"""A picture's recipe, for people to read and copy.

Pure.  Invariant: nothing is left out unsaid.  What does not fit into a message is whole in a file
beside it, and the message says so.
"""

from __future__ import annotations

import unicodedata

from bot.languages.speaking import mark, tr, trn
from bot.pages.quoting import plain
from bot.pages.replies import MAX_CONTENT
from generation.picture import DECODED_AGAIN
from generation.recipe import (
    COMFY,
    Adapter,
    Enlarging,
    Recipe,
    Sampling,
    Sparing,
    Variation,
    Weights,
    dump,
)
from generation.spans import SecondPass
from generation.tasks import Task
from storage.pictures import StoredPicture
from storage.scores import PictureScore

LONG = 400  # characters of a row in the message, where all of them do not fit

File = tuple[str, bytes]


def recipe_page(picture: StoredPicture) -> tuple[str, File | None]:
    """The message, and where it is not all the file that is."""
    rows = recipe_rows(picture)
    page = _page(picture, [(name, _plain(value)) for name, value in rows])
    if len(page) <= MAX_CONTENT:
        return page, None
    rest = tr("All of it is in the file `{name}`.", name=f"recipe-{picture.id}.txt")
    shortened = [(name, _short(_plain(value))) for name, value in rows]
    page = f"{_page(picture, shortened)}\n{rest}"
    while len(page) > MAX_CONTENT and len(shortened) > 1:
        shortened.pop()
        page = f"{_page(picture, [*shortened, ('…', tr('see the file'))])}\n{rest}"
    whole = "\n".join(f"{tr(name)}: {value}" for name, value in rows)
    head, itself = tr("Picture {number}", number=picture.id), tr("The recipe itself:")
    text = f"{head}\n{whole}\n\n{itself}\n{dump(picture.recipe)}\n"
    return page, (f"recipe-{picture.id}.txt", text.encode())


def recipe_rows(picture: StoredPicture) -> list[tuple[str, str]]:
    """(name, value) of all that there is to say of it."""
    r = picture.recipe
    rows = [
        ("prompt", r.prompt),
        ("shows", r.shows or ""),
        ("negative", r.words.negative_prompt if r.words else ""),
        ("model", _file(r.checkpoint) if r.sampling else ""),
        *(_enlarging(r.enlarging) if r.enlarging else ()),
        ("with", ", ".join(map(_file, r.components))),
        ("vae", _file(r.vae) if r.vae else ""),
        ("predicts", (r.sampling.prediction or "") if r.sampling else ""),
        ("noise", (r.sampling.noise or "") if r.sampling else ""),
        ("size", f"{r.canvas.width}x{r.canvas.height}" if r.canvas else ""),
        *_lasting(r),
        (mark("drawn at"), f"{r.drawn.width}x{r.drawn.height}" if r.drawn else ""),
        *(_sampling(r.sampling, r.task) if r.sampling else ()),
        ("syntax", COMFY if r.words and r.words.syntax == COMFY else ""),
        (mark("clip skip"), str(r.words.clip_skip) if r.words and r.words.clip_skip > 1 else ""),
        ("adapters", _adapters(r)),
        ("seed", str(r.seed)),
        ("varied", ", ".join(_varied(v) for v in r.variations)),
        ("inputs", ", ".join(f"{i.role} {i.sha256[:16]}…" for i in r.inputs)),
        ("shares", ", ".join(f"{share:g}" for share in r.shares)),
        ("unchanged", _sparing(r.sparing) if r.sparing else ""),
        ("score", _scored(picture.score) if picture.score is not None else ""),
        (mark("made from"), f"#{picture.parent}" if picture.parent else ""),
        ("precision", r.precision.value),
        ("recipe", r.id),
        ("pixels", picture.pixels_sha256[:16] + "…"),
        ("decoded", tr("again in fp32") if DECODED_AGAIN in picture.environment.flags else ""),
        (mark("drawn on"), f"{picture.environment.hardware}, torch {picture.environment.torch}"),
    ]
    return [(name, value) for name, value in rows if value]


def _sampling(sampling: Sampling, task: Task) -> tuple[tuple[str, str], ...]:
    return (
        ("steps", str(sampling.steps)),
        ("cfg", f"{sampling.cfg:g}"),
        (mark("image cfg"), f"{sampling.image_cfg:g}" if sampling.image_cfg is not None else ""),
        ("guidance", f"{sampling.guidance:g}" if sampling.guidance is not None else ""),
        ("shift", f"{sampling.shift:g}" if sampling.shift is not None else ""),
        ("sampler", f"{sampling.sampler}, {sampling.scheduler}"),
        ("denoise", f"{sampling.denoise:g}" if task.needs.redraws else ""),
    )


def _lasting(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    """What a clip, a sound and a form say besides."""
    motion, experts, sound, form = recipe.motion, recipe.experts, recipe.sound, recipe.form
    pieces = ""
    if motion is not None and motion.piece is not None:
        shared = motion.overlap or 0
        pieces = tr("{piece} at once, {overlap} shared", piece=motion.piece, overlap=shared)
    return (
        ("frames", str(motion.frames) if motion else ""),
        ("fps", f"{motion.fps:g}" if motion else ""),
        (mark("decoded in"), pieces),
        (mark("held"), f"{motion.held:g}" if motion and motion.held is not None else ""),
        (mark("second expert"), f"{experts.boundary:g}, cfg {experts.cfg:g}" if experts else ""),
        (mark("second pass"), _second(recipe.second) if recipe.second else ""),
        ("seconds", f"{sound.seconds:g}" if sound else ""),
        (mark("sampled"), f"{sound.rate}×{sound.channels}" if sound else ""),
        ("lyrics", (sound.lyrics or "") if sound else ""),
        ("bpm", str(sound.bpm or "") if sound else ""),
        ("key", (sound.key or "") if sound else ""),
        ("meter", (sound.meter or "") if sound else ""),
        ("resolution", str(form.resolution) if form else ""),
    )


def _second(how: SecondPass) -> str:
    levels = ", ".join(f"{level:g}" for level in how.sigmas)
    said = {"sampler": how.sampler, "cfg": f"{how.cfg:g}", "levels": levels}
    return tr("{sampler}, cfg {cfg}, levels {levels}", **said)


def _sparing(how: Sparing) -> str:
    return tr(
        "within {within} delta E, {soft} px soft, up to {most} redrawn",
        within=f"{how.within:g}",
        soft=f"{how.soft:g}",
        most=f"{how.most:.0%}",
    )


def _varied(one: Variation) -> str:
    return tr("{seed} by {strength}", seed=one.seed, strength=f"{one.strength:g}")


def _scored(score: PictureScore) -> str:
    return tr("{score} by {scorer}", score=f"{score.value:.4f}", scorer=_file(score.scorer))


def _enlarging(how: Enlarging) -> tuple[tuple[str, str], ...]:
    said = []
    if how.tile:
        said.append(tr("upscaled in {tile}, {overlap} shared", tile=how.tile, overlap=how.overlap))
    if how.redrawn_tile:
        tile, overlap = how.redrawn_tile, how.redrawn_overlap
        said.append(tr("drawn in {tile}, {overlap} shared", tile=tile, overlap=overlap))
    return (
        ("enlarged", _file(how.upscaler) if how.upscaler else how.method.title()),
        ("corrected", trn("{n} times", "{n} times", how.corrections) if how.corrections else ""),
        ("tiles", "; ".join(said)),
    )


def _file(weights: Weights) -> str:
    return f"{weights.name} (sha256 {weights.sha256[:16]}…)"


def _adapters(recipe: Recipe) -> str:
    return ", ".join(f"{a.weights.name}:{a.said}{_seen(a)}" for a in recipe.adapters)


def _seen(adapter: Adapter) -> str:
    """How an adapter looks at its picture, and during which share of the steps."""
    if (control := adapter.control) is None:
        return ""
    told = [control.preprocessor or tr("ready")]
    if control.start is not None or control.end is not None:
        end = 1.0 if control.end is None else control.end
        told.append(tr("{start} to {end}", start=f"{control.start or 0.0:g}", end=f"{end:g}"))
    return f" ({', '.join(told)})"


def _page(picture: StoredPicture, rows: list[tuple[str, str]]) -> str:
    body = "\n".join(f"{_padded(tr(name))}{value}" for name, value in rows)
    return f"#{picture.id}\n```\n{body}\n```"


def _padded(name: str) -> str:
    """A name in its column; letters of the East are two columns wide."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in name)
    return name + " " * (10 - len(name) - wide)


def _plain(text: str) -> str:
    # Back quotes would end the block, and with it the protection from pings.
    return plain(text, MAX_CONTENT * 10).replace("`", "'")


def _short(text: str) -> str:
    return text if len(text) <= LONG else text[: LONG - 1] + "…"
