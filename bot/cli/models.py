"""`models`: what is here; to search for more, add it, take it away; to convert a pickle.

Results are on standard output, progress and apologies on standard error.  Each command returns the
exit status.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from rich import progress as rich_progress
from rich.markup import escape
from rich.table import Table

from bot.app import BUILT_IN
from bot.cli.console import DONE, FAILED, Mistaken
from bot.cli.machine import card_memory
from bot.cli.terminal import aside, output
from bot.settings import Settings
from bot.studio.model_sources import places
from generation.catalog.card import CARD
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.catalog.previews import preview_of
from generation.catalog.shards import files_of_weights, whole_name
from generation.sources.adding import Added, add, add_local, free_bytes
from generation.sources.faults import SourceFailed
from generation.sources.fetching import Fetcher, Watch
from generation.sources.known import known_models
from generation.sources.naming import LocalName, named
from generation.sources.recommending import Machine, advise
from generation.sources.sources import Sources
from generation.sources.web import Web
from storage import private
from storage.used import pictures_with

UNPICKLING = "generation.worker.unpickling"


def models(settings: Settings, asked: argparse.Namespace) -> int:
    """What the word after `models` says; without one, what is here."""
    private.make_folder(settings.data)
    try:
        return _DOING[asked.doing or "list"](settings, asked)
    except SourceFailed as error:
        raise Mistaken(str(error)) from error


def catalog_of(settings: Settings) -> Catalog:
    """The weights of this machine, as they are now."""
    catalog = Catalog((*settings.model_folders, BUILT_IN), settings.data / "digests.json")
    with aside().status("reading the model files (each new one once, from beginning to end)"):
        catalog.scan()
    return catalog


def listed(settings: Settings, _: argparse.Namespace) -> int:
    """List what the catalog knows, and what it refused."""
    catalog = catalog_of(settings)
    out = output()
    table = Table(box=None, header_style="bold")
    for column in ("name", "kind", "family", "size", "sha256", "title"):
        table.add_column(column, overflow="fold", justify="right" if column == "size" else "left")
    for entry in catalog.entries():
        table.add_row(
            escape(entry.name),
            _kind(entry),
            entry.family,
            f"{entry.size_bytes / 1e6:,.0f} MB",
            entry.weights.sha256[:12],
            escape(entry.title),
        )
    out.print(table)
    for entry in catalog.entries():
        if entry.note:
            out.print(f"[dim]{escape(entry.name)}: {escape(entry.note)}[/]")
    for refused in catalog.refused():
        out.print(f"[yellow]refused[/] {escape(refused.name)}: {escape(refused.reason)}")
    if not catalog.models():
        out.print("There is no checkpoint here.  `python start.py doctor` says what to do.")
    return DONE if catalog.models() else FAILED


def _kind(entry: Entry) -> str:
    if entry.purpose is None:
        return entry.kind
    return f"{entry.kind} for {entry.purpose} ({entry.channels} channels)"


# --- add --------------------------------------------------------------------------------------


def added(settings: Settings, asked: argparse.Namespace) -> int:
    """Fetch what was named, or take a file of this machine."""
    where, folder = places(settings), asked.to or settings.fetched_models
    found = named(asked.what, where)
    if isinstance(found, LocalName):
        _tell(settings, folder, add_local(found.path, folder, link=asked.link))
        return DONE
    stop = threading.Event()
    with Web(stop=stop) as web, _bar() as watch:
        try:
            releases = Sources(web, where).releases(asked.what)
            done = add(releases, folder, Fetcher(web, folder, watch))
        except KeyboardInterrupt:
            stop.set()
            raise
    _tell(settings, folder, done)
    return DONE


def _tell(settings: Settings, folder: Path, done: Added) -> None:
    out = output()
    for path in done.paths:
        out.print(f"[bold]{escape(str(path))}[/]")
    for note in done.notes:
        out.print(f"[yellow]note[/] {escape(note)}")
    if not any(folder.resolve().is_relative_to(f.resolve()) for f in settings.model_folders):
        out.print(f"[yellow]note[/] {escape(str(folder))} is not named under `models`")


@contextlib.contextmanager
def _bar() -> Iterator[Watch]:
    """A bar for each file that comes; without a terminal nothing, as the end is told."""
    bar = rich_progress.Progress(
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(bar_width=32),
        rich_progress.DownloadColumn(binary_units=True),
        rich_progress.TransferSpeedColumn(),
        rich_progress.TimeRemainingColumn(),
        console=aside(),
        transient=True,
    )
    tasks: dict[str, rich_progress.TaskID] = {}

    def watch(name: str, done: int, of: int | None) -> None:
        if name not in tasks:
            tasks[name] = bar.add_task(escape(Path(name).name), total=of)
        bar.update(tasks[name], completed=done)

    with bar:
        yield watch


# --- search, recommend ------------------------------------------------------------------------


def searched(settings: Settings, asked: argparse.Namespace) -> int:
    """What the places have for some words, as one table."""
    with Web() as web, aside().status("asking Hugging Face, CivitAI and ModelScope"):
        found, silent = Sources(web, places(settings)).search(asked.words, max(1, asked.limit))
    out, table = output(), Table(box=None, header_style="bold")
    for column in ("add it as", "kind", "size", "downloads", "licence"):
        right = column in ("size", "downloads")
        table.add_column(column, overflow="fold", justify="right" if right else "left")
    for one in found:
        table.add_row(
            escape(one.source),
            escape(f"{one.title} {one.kind}".strip() if one.source[:3] == "civ" else one.kind),
            f"{one.size / 1e9:.1f} GB" if one.size else "",
            f"{one.downloads:,}" if one.downloads is not None else "",
            escape("; ".join(filter(None, (one.licence, one.note)))),
        )
    out.print(table)
    for line in silent:
        out.print(f"[yellow]note[/] {escape(line)}")
    return DONE if found else FAILED


def recommended(settings: Settings, asked: argparse.Namespace) -> int:
    """Models by name that suit this machine, the best first, and why."""
    with aside().status("looking at this machine"):
        machine = Machine(
            memory=psutil.virtual_memory().total,
            card=card_memory() if settings.device in ("auto", "cuda", "mps") else 0,
            disk=free_bytes(settings.fetched_models),
        )
    advice = advise(known_models().values(), machine)
    shown = [one for one in advice if asked.all or one.fit != "not"]
    table = Table(box=None, header_style="bold")
    for column in ("name", "fits", "fetch", "what for", "why", "licence"):
        table.add_column(column, overflow="fold", justify="right" if column == "fetch" else "left")
    for one in shown:
        size = f"{one.model.size / 1e9:.1f} GB"
        licence = one.model.licence or "its page says"
        table.add_row(one.model.name, one.fit, size, one.model.why, one.why, licence)
    out = output()
    out.print(table)
    if len(shown) < len(advice):
        out.print(f"{len(advice) - len(shown)} more do not fit here: `models recommend --all`.")
    out.print("`python start.py models add NAME` fetches all files of one.")
    return DONE


# --- remove -----------------------------------------------------------------------------------


def removed(settings: Settings, asked: argparse.Namespace) -> int:
    """Take files away that lie in the model folders, and their cards."""
    entry = catalog_of(settings).find(asked.what, asked.kind)
    mine = [f.resolve() for f in settings.model_folders]
    path = entry.path.absolute()
    if not any(path.parent.resolve().is_relative_to(folder) for folder in mine):
        raise Mistaken(f"{path} lies in none of the folders of `models`: it is not taken away.")
    used = pictures_with(settings.data / "atelier.sqlite3", entry.weights.sha256)
    out = aside()
    out.print(f"{escape(str(path))} ({entry.size_bytes / 1e9:.1f} GB)")
    if used:
        out.print(f"{_counted(used)} drawn with it, and cannot be drawn again without it.")
    if not asked.yes and not _says_yes("Take it away?"):
        return FAILED
    for each in _files_of(path):
        each.unlink(missing_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    return DONE


def _counted(pictures: tuple[int, ...]) -> str:
    shown = ", ".join(f"#{number}" for number in pictures[:6])
    if len(pictures) == 1:
        return f"One picture was ({shown})"
    return f"{len(pictures)} pictures were ({shown}{', ...' if len(pictures) > 6 else ''})"


def _files_of(path: Path) -> list[Path]:
    """A file, or a link, with its card and preview; of one in shards these as well."""
    card = path.with_name(f"{whole_name(path)}.{CARD}")
    if path.is_symlink() or path.is_file():
        weights = () if path.is_symlink() else files_of_weights(path, path.name)
        shown = preview_of(path)
        preview = [shown] if shown is not None and ".preview." in shown.name else []
        return [*weights, path, card, *preview]
    return []


def _says_yes(question: str) -> bool:
    if not sys.stdin.isatty():
        raise Mistaken("Nobody can be asked here: say --yes.")
    aside().print(f"{question} [y/N] ", end="", markup=False)
    return input().strip().lower() in ("y", "yes")


# --- convert ----------------------------------------------------------------------------------


def converted(_: Settings, asked: argparse.Namespace) -> int:
    """Turn a pickle into safetensors beside it, in a process of its own; the pickle stays."""
    old: Path = asked.file
    new: Path = asked.out or old.with_suffix(".safetensors")
    if not old.is_file():
        raise Mistaken(f"There is no file {old}.")
    if new.exists():
        raise Mistaken(f"{new} is here already. Name another file with --out.")
    program = (sys.executable, "-m", UNPICKLING, str(old.resolve()), str(new.resolve()))
    with aside().status(f"converting {escape(old.name)}"):
        done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise Mistaken(f"{old.name} was not converted: {last}")
    output().print(f"[bold]{escape(str(new))}[/]: {escape(done.stdout.strip())}")
    return DONE


_DOING: dict[str, Callable[[Settings, argparse.Namespace], int]] = {
    "list": listed,
    "add": added,
    "search": searched,
    "recommend": recommended,
    "remove": removed,
    "convert": converted,
}
