"""The doctor: what is here, what is wrong, and what to do about it.

It looks and changes nothing, works when everything else is broken, and never shows a token.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from bot.cli.assistants import assistant
from bot.cli.findings import Finding, Health, good, note, wrong
from bot.cli.listening import own_pages
from bot.cli.machine import (
    cluster,
    disk,
    encoders,
    graphics_card,
    how_full,
    libraries,
    machine,
    not_the_wanted,
    port,
    torch,
)
from bot.cli.terminal import aside, output
from bot.settings import Secret, Settings, SettingsInvalid
from bot.studio.booru_tags import tag_folders
from bot.studio.resources import resources
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.errors import NoSuchName
from generation.tasks import IMAGE
from prompting.ownlists import OwnLists
from prompting.speaking.styles import built_in
from prompting.speaking.taglists import read_tags
from prompting.textfile import decoded
from storage import private


def doctor(
    config: Path | None,
    environ: Mapping[str, str],
    *,
    as_json: bool,
    online: bool,
    device: Callable[[], Finding] = torch,
) -> int:
    """Look at everything and print it; 1 when something is wrong."""
    with aside().status("looking around"):
        findings = tuple(examine(config, environ, online=online, device=device))
    well = all(finding.state is not Health.WRONG for finding in findings)
    if as_json:
        print(json.dumps({"well": well, "findings": [asdict(f) for f in findings]}, indent=2))
    else:
        _show(findings, well)
    return 0 if well else 1


def examine(
    config: Path | None,
    environ: Mapping[str, str],
    *,
    online: bool = False,
    device: Callable[[], Finding] = torch,
) -> Iterator[Finding]:
    """Every finding, the machine first."""
    yield machine()
    yield libraries()
    yield encoders()
    found = device()
    yield found
    yield graphics_card()
    try:
        settings = Settings.load(config, environ)
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            yield wrong("settings", problem, "mend that line")
        return
    where = config.name if config is not None else "no config.toml, the defaults"
    yield good("settings", where)
    yield from not_the_wanted(settings.device, found)
    yield token(settings.token, config)
    yield disk(settings.data)
    yield how_full(resources(settings.data))
    yield privacy(settings.data)
    yield from own_texts(settings.data)
    yield from models(settings)
    yield assistant(settings)
    memory = asyncio.run(database(settings.data / "atelier.sqlite3"))
    yield memory
    if settings.cluster is not None:
        yield cluster(settings.cluster)
    yield own_pages(settings, at_work=memory.state is Health.NOTE)
    if settings.token is None and memory.state is not Health.NOTE:  # a bot at work has its port
        yield port(settings.sandbox_port)
    if online:
        yield discord_answers(settings.token)


def token(secret: Secret | None, config: Path | None) -> Finding:
    """Whether there is one, and whether others can read it.  Never shown."""
    if secret is None:
        return note("token", "none: `run` opens the sandbox", "set DISCORD_TOKEN to join Discord")
    exposed = (
        os.name != "nt"
        and config is not None
        and config.exists()
        and re.search(r"^\s*token\s*=", decoded(config.read_bytes()), re.MULTILINE)
        and config.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    )
    if exposed:
        return note(
            "token",
            f"present, in a file that other users of this machine can read ({config})",
            f"chmod 600 {config}",
        )
    return good("token", "present")


def privacy(data: Path) -> Finding:
    """Whether others on this machine can read what people typed."""
    names = (
        "atelier.sqlite3*",
        "atelier.log*",
        "digests.json",
        "files",
        "before-restore-*",
        "links.key",
    )
    exposed = [path.name or str(path) for path in private.open_to_others(data, names)]
    if exposed:
        return wrong(
            "privacy",
            f"other users of this machine can look into {data}: {', '.join(exposed[:5])}",
            f"chmod -R go= {data}",
        )
    return good("privacy", "the data folder is yours alone")


def own_texts(data: Path) -> Iterator[Finding]:
    """The owner's wildcards and styles that cannot be read, each by its name."""
    lists = OwnLists(data / "wildcards")
    lists.now()
    refused = [("wildcards", error) for error in lists.refused]
    if (data / "styles.toml").exists():
        refused += [
            ("styles", error) for error in built_in().with_own(data / "styles.toml").refused
        ]
    refused += [("tags", error) for error in read_tags(tag_folders(data))[1]]
    for what, error in refused:
        name = f"{error.found}: " if error.found else ""
        yield note(
            what,
            f"{name}{error.reason}",
            f"mend it in {data / ('styles.toml' if what == 'styles' else what)}",
        )


def models(settings: Settings) -> Iterator[Finding]:
    """The checkpoints, what was refused, and whether the default one is among them."""
    from bot.app import BUILT_IN

    # The digests of large files are remembered, where there is a place to remember them.
    remembered = settings.data / "digests.json"
    catalog = Catalog((*settings.model_folders, BUILT_IN), remembered)
    catalog.scan()
    names = [f"{entry.name} ({_made_for(entry)})" for entry in catalog.models()]
    if names:
        yield good("models", ", ".join(names))
    else:
        yield wrong(
            "models",
            "no checkpoint, and the built-in model is missing",
            "fetch the repository again (generation/starter/models), or name a folder "
            "with checkpoints in `models`",
        )
    for refused in catalog.refused():
        yield note(
            "refused",
            f"{refused.name}: {refused.reason}",
            "replace the file, or move it out of the models' folders",
        )
    if settings.default_model is not None:
        try:
            catalog.find(settings.default_model, medium=IMAGE)
        except NoSuchName as error:
            near = f"; did you mean {error.nearest[0]}?" if error.nearest else ""
            yield wrong(
                "models",
                f"default_model {settings.default_model!r} is not here{near}",
                "name one of the models above",
            )


async def database(path: Path) -> Finding:
    """Whether the memory is whole, and what waits in it."""
    from storage.database import Database
    from storage.errors import DatabaseCorrupt, DatabaseLocked, DatabaseTooNew, InUse, StorageError
    from storage.tickets import Tickets

    restore = "`restore FOLDER` puts a backup in its place; without one, move it away, start afresh"
    if not await asyncio.to_thread(path.exists):
        return good("database", "none yet; the first start makes it")
    try:
        opened = await Database.open(path)
        try:
            damage = await opened.damage()
            waiting = len(await Tickets(opened).waiting())
            unsent = len(await Tickets(opened).undelivered())
            held = await Tickets(opened).held()
        finally:
            await opened.close()
    except InUse as error:
        return note(
            "database", error.reason, "the bot is running; stop it to have the database examined"
        )
    except DatabaseLocked as error:
        return wrong("database", str(error), "stop the program that holds it")
    except DatabaseTooNew as error:
        return wrong("database", str(error), "update this program")
    except DatabaseCorrupt as error:
        return wrong("database", str(error), restore)
    except StorageError as error:
        return wrong("database", str(error), "see what the sentence says; nothing was changed")
    if damage:
        return wrong("database", "; ".join(damage[:3]), restore)
    found = f"whole; {waiting} pictures wait to be drawn, {unsent} results to be posted"
    if held:
        found += f", {held} held: Discord takes them nowhere"
    return good("database", found)


def _made_for(entry: Entry) -> str:
    return entry.family if entry.purpose is None else f"{entry.family}, for {entry.purpose}"


def discord_answers(secret: Secret | None) -> Finding:
    """Whether Discord is reachable, and knows the token."""
    path = "gateway" if secret is None else "users/@me"
    request = urllib.request.Request(f"https://discord.com/api/v10/{path}")
    request.add_header("User-Agent", "DiscordBot (atelier, 0.1)")
    if secret is not None:
        request.add_header("Authorization", f"Bot {secret.reveal()}")
    try:
        with urllib.request.urlopen(request, timeout=15):
            found = "reachable" if secret is None else "reachable, and it knows the token"
            return good("Discord", found)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 401:
                return wrong(
                    "Discord",
                    "it does not know this token",
                    "copy the token again from the developer portal (Bot, Reset Token)",
                )
            found = f"it answers {error.code}"
    except OSError as error:
        found = f"not reachable: {getattr(error, 'reason', error)}"
    return wrong(
        "Discord", found, "look at the network, a proxy or a firewall; the sandbox works without"
    )


_SIGNS = {Health.GOOD: "[green]✓[/]", Health.NOTE: "[yellow]•[/]", Health.WRONG: "[red]✗[/]"}


def _show(findings: tuple[Finding, ...], well: bool) -> None:
    out = output()
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        advice = f"\n[cyan]→ {escape(finding.advice)}[/]" if finding.advice else ""
        table.add_row(_SIGNS[finding.state], finding.what, escape(finding.found) + advice)
    out.print(table)
    broken = sum(finding.state is Health.WRONG for finding in findings)
    out.print("\nAll is well." if well else f"\n{broken} to mend; each line says how.")
