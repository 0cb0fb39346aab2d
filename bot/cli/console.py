"""The command line's own commands: draw and reproduce.  For people without Discord.

They go through the same queue, worker and database as everybody; what they print is on standard
output.  Each returns the exit status.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bot.app import App, open_app
from bot.cli.direct import ConsoleAudience, console
from bot.cli.terminal import Bar, apologise, aside, output
from bot.dispatch.audience import Outcome
from bot.pages.apologies import apology_for_reason
from bot.pages.best_page import best_line
from bot.settings import Settings
from bot.studio import importing
from bot.studio.controlling import READY, AskedControl, spelled_control
from bot.studio.wishes import Wish, seed_named
from generation.draft import SECTIONS, draft_of
from generation.errors import Lossy
from generation.fleet.worker import Worker
from generation.media.table import carried, medium_of
from generation.parameters import PARAMETERS
from generation.picture import UNKNOWN, Comparison, Environment, Fingerprint, Verdict
from generation.recipe import Recipe, RecipeId, Sha256
from generation.tasks import IMAGE
from storage.errors import Missing
from storage.people import AssistMode
from storage.pictures import PictureId, StoredPicture

DONE, FAILED, ELSEWHERE = 0, 1, 3

# Discord's ids count milliseconds since 2015 in their upper bits; ours count pictures.
_FIRST_MESSAGE_ID = 2**32


class Mistaken(Exception):
    """What was said on the command line cannot be meant; the text is the sentence to read."""


# --- draw -------------------------------------------------------------------------------------


async def draw(
    settings: Settings, asked: argparse.Namespace, workers: Sequence[Worker] | None = None
) -> int:
    """Draw what the arguments say and write PNG files."""
    async with open_app(settings, workers) as app:
        wish = await _wish(app, asked)
        await app.studio.requests.check(wish)
        if wish.assist is not AssistMode.OFF:
            await app.prompt_assist.started()  # there is no later wish that would find it there
        waiting = ConsoleAudience(app.studio)
        async with app.at_work(waiting):
            with Bar(aside()) as bar:
                outcome = await waiting.draw(wish, bar.show)
    words = asked.prompt or next((p.recipe.prompt for p in outcome.pictures), "")
    paths = _targets(asked.out, words, outcome)
    for path, picture, file in zip(paths, outcome.pictures, outcome.files, strict=True):
        write_picture(path, picture, file)
        tell_picture(output(), path, picture)
    if line := best_line(outcome):
        output().print(escape(line))
    for note in outcome.request.notes:
        aside().print(f"[yellow]note[/] {escape(note)}")
    return status_of(outcome)


async def _wish(app: App, asked: argparse.Namespace) -> Wish:
    rows = (row for row in PARAMETERS.values() if row.section in SECTIONS)
    draft = draft_of({row.name: getattr(asked, row.name) for row in rows})
    loras = tuple(app.studio.offers.lora(text) for text in asked.lora)
    if not asked.prompt:
        if asked.source is None:
            raise Mistaken("Say what to draw, or name a file to draw it --from.")
        draft = replace(draft, words=replace(draft.words, prompt=None))
    wish = Wish(
        origin=console(),
        draft=replace(draft, adapters=loras),
        model=asked.model,
        vae=asked.vae,
        size=asked.size,
        count=asked.count,
        best_of=asked.best_of,
        seed=seed_named(asked.seed) if asked.seed is not None else None,
        assist=AssistMode(asked.assist),
        style=asked.style,
    )
    wish = app.studio.requests.read(wish, "" if asked.medium == IMAGE else asked.medium)
    if asked.source is not None:
        data = await asyncio.to_thread(read_file, asked.source)
        found = await importing.read_and_matched(data, app.studio.offers)
        wish = importing.beside(wish, found)
    if asked.medium != IMAGE:
        return await _crossed(app, wish, asked)
    if asked.image is not None:
        data = await asyncio.to_thread(read_file, asked.image)
        wish = await app.studio.requests.started_from(data, wish)
    for path, control in _controls(asked):
        data = await asyncio.to_thread(read_file, path)
        wish = await app.studio.requests.controlled(data, wish, control)
    return wish


async def _crossed(app: App, wish: Wish, asked: argparse.Namespace) -> Wish:
    """The wish for a clip, a sound or a form: of its words, and of --image where that is said."""
    source = None
    if asked.image is not None:
        data = await asyncio.to_thread(read_file, asked.image)
        source = await app.studio.crossings.of_upload(data)
    return app.studio.crossings.wish_for(asked.medium, wish, source)


def _controls(asked: argparse.Namespace) -> list[tuple[Path, AskedControl]]:
    """Each control picture with what looks at it; the last that is said counts for the rest."""
    nets, ways = asked.controlnet or [""], asked.preprocessor or [READY]
    if len(asked.control) < max(len(asked.controlnet), len(asked.preprocessor)):
        raise Mistaken("--controlnet and --preprocessor need a --control picture each.")
    return [
        (path, spelled_control(nets[min(n, len(nets) - 1)], ways[min(n, len(ways) - 1)]))
        for n, path in enumerate(asked.control)
    ]


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Mistaken(f"{path} cannot be read: {error.strerror or error}.") from error


def _targets(out: Path | None, prompt: str, outcome: Outcome) -> list[Path]:
    """Where each picture goes.  A name of our own choosing never overwrites anything."""
    works = list(zip(outcome.pictures, map(_suffix, outcome.pictures, outcome.files), strict=True))
    if out is None or out.is_dir():
        folder = out or Path()
        return [
            free_path(folder, f"{_slug(prompt)}-{picture.recipe.seed}", suffix)
            for picture, suffix in works
        ]
    out.parent.mkdir(parents=True, exist_ok=True)
    named = [_named(out, suffix) for _, suffix in works]
    if len(works) == 1:
        return named
    return [path.with_stem(f"{path.stem}-{n}") for n, path in enumerate(named, 1)]


def _suffix(picture: StoredPicture, file: bytes) -> str:
    return medium_of(picture.recipe).suffix_for(file)


def _named(out: Path, suffix: str) -> Path:
    return out if out.suffix.lower() == suffix else out.with_name(f"{out.name}{suffix}")


def write_picture(path: Path, picture: StoredPicture, file: bytes) -> None:
    try:
        path.write_bytes(file)
    except OSError as error:
        raise Mistaken(
            f"{path} cannot be written: {error.strerror or error}. The picture is kept as number "
            f"{picture.id}; `reproduce {picture.id} --out FILE` writes it elsewhere."
        ) from error


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    path, number = folder / f"{stem}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path


def _slug(prompt: str) -> str:
    plain = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].rstrip("-") or "picture"


def tell_picture(out: Console, path: Path, picture: StoredPicture) -> None:
    recipe = picture.recipe
    told = [f"picture {picture.id}", f"seed {recipe.seed}", escape(recipe.leading.name)]
    if (canvas := recipe.canvas) is not None:
        told.append(f"{canvas.width}x{canvas.height}")
    if (sampling := recipe.sampling) is not None:
        told += [f"{sampling.steps} steps", f"cfg {sampling.cfg:g}"]
        told.append(f"{sampling.sampler} {sampling.scheduler}")
    out.print(f"[bold]{escape(str(path))}[/]")
    out.print(f"  {' · '.join(told)} · {picture.seconds:.1f} s")
    out.print(f"  {recipe.id}", style="dim")


def status_of(outcome: Outcome) -> int:
    reasons = {t.reason for t in outcome.tickets if t.picture is None}
    for reason in sorted(reasons, key=str):
        apologise(aside(), apology_for_reason(reason))
    return FAILED if reasons else DONE


# --- reproduce --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A picture of old: how it was made, and what it looked like."""

    recipe: Recipe
    fingerprint: Fingerprint


async def reproduce(
    settings: Settings, asked: argparse.Namespace, workers: Sequence[Worker] | None = None
) -> int:
    """Draw a picture again and print the verdict; 0 only when it is identical."""
    async with open_app(settings, workers) as app:
        original = await find_original(app, asked.picture)
        for weights in original.recipe.weights[:1]:
            app.catalog.locate(weights)
        waiting = ConsoleAudience(app.studio)
        async with app.at_work(waiting):
            with Bar(aside()) as bar:
                comparison, again, outcome = await waiting.reproduce(
                    original.recipe, original.fingerprint, bar.show
                )
    if asked.out is not None and again is not None:
        (path,) = _targets(asked.out, original.recipe.prompt, outcome)
        write_picture(path, again, outcome.files[0])
    _tell_verdict(output(), comparison)
    return _STATUS.get(comparison.verdict, FAILED)


async def find_original(app: App, named: str) -> Original:
    """The picture in a file, or the one of that picture id, message id or recipe id.

    A message with several pictures takes ":2" for its second.  Raises Mistaken, Missing,
    BadPicture or OutOfRange.
    """
    path = Path(named)
    if await asyncio.to_thread(path.is_file):
        return await _from_file(app, path)
    pictures = app.stores.pictures
    if re.fullmatch(r"r\d+-[0-9a-f]{64}", named):
        found = await pictures.find_by_recipe(RecipeId(named))
        chosen = found[0] if found else None
    elif numbers := re.fullmatch(r"(\d{1,19})(?::(\d{1,2}))?", named):
        number, position = int(numbers[1]), int(numbers[2] or 1)
        if number < _FIRST_MESSAGE_ID:
            chosen = await pictures.find(PictureId(number))
        else:
            shown = await pictures.of_message(number)
            chosen = shown[position - 1] if 1 <= position <= len(shown) else None
    else:
        raise Mistaken(f"There is no file {named}, and it is no id of a picture.")
    if chosen is None:
        raise Missing("picture", named)
    return Original(recipe=chosen.recipe, fingerprint=chosen.fingerprint)


async def _from_file(app: App, path: Path) -> Original:
    """The picture's own pixels are what is compared, so an edited file is found out."""
    data = await asyncio.to_thread(read_file, path)
    found = carried(data)
    if found is None:
        raise Mistaken(f"{path} carries no recipe of this program.")
    recipe, medium = found
    file, pictures = Sha256(hashlib.sha256(data).hexdigest()), app.stores.pictures
    try:
        pixels: Sha256 | None = medium.digest_in(data)
    except Lossy:
        pixels = None
    same = await (pictures.find_by_pixels(pixels) if pixels else pictures.find_by_file(file))
    # A file does not say where it was drawn; only this installation's memory may.
    for picture in same:
        if picture.recipe.id == recipe.id:
            return Original(recipe=recipe, fingerprint=picture.fingerprint)
    known = Fingerprint(environment=UNKNOWN, pixels_sha256=pixels, file_sha256=file)
    return Original(recipe=recipe, fingerprint=known)


def _tell_verdict(out: Console, comparison: Comparison) -> None:
    status = _STATUS.get(comparison.verdict, FAILED)
    colour = {DONE: "green", ELSEWHERE: "yellow"}.get(status, "red")
    meaning = {
        Verdict.IDENTICAL: "the same picture, pixel for pixel",
        Verdict.ELSEWHERE: "other pixels; it was drawn in another environment",
        Verdict.UNPROVEN: "the file holds its content but nearly, and proves nothing alone",
        Verdict.DIVERGED: "other pixels, in the same environment: please report it",
    }[comparison.verdict]
    out.print(f"[bold {colour}]{comparison.verdict}[/]: {meaning}")
    for difference in comparison.differences:
        if not difference.startswith(tuple(f"{name}: unknown then" for name in _FACTS)):
            out.print(f"  {escape(difference)}")


_STATUS = {
    Verdict.IDENTICAL: DONE,
    Verdict.ELSEWHERE: ELSEWHERE,
    Verdict.UNPROVEN: ELSEWHERE,
}
_FACTS = tuple(field.name for field in fields(Environment))
