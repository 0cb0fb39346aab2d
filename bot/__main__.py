"""The command line: `python start.py run | draw | reproduce | models | doctor | backup | ... `.

Exit status: 0 done, 1 failed, 2 the request or the configuration is mistaken, 3 (reproduce) drawn
elsewhere, 130 stopped with Ctrl-C.  Whatever fails is one kind sentence on standard error; the
cause is in `atelier.log` in the data folder, and on the screen with --debug.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.arguments import parser
from bot.settings import CONFIG_VARIABLE, Settings, SettingsInvalid, forget_secrets
from bot.telemetry.logs import write_log

if TYPE_CHECKING:
    from generation.catalog.catalog import Catalog

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "config.toml"

log = logging.getLogger("bot.commandline")


async def run(settings: Settings, asked: argparse.Namespace) -> int:
    """The bot, until it is told to stop."""
    from bot.app import open_app
    from bot.chat.gateway import join
    from bot.sandbox.live import live
    from bot.telemetry import journal
    from bot.telemetry.metrics import watching

    async with (
        watching(settings.metrics_port, journal.write) as watch,
        open_app(settings, watch=watch) as app,
    ):
        # What is here now stays; looked through again and again, it would hold up the event loop.
        gc.collect()
        gc.freeze()
        _check_default_model(settings, app.catalog)
        if app.replayed:
            log.info("%d pictures were waiting and go on now", app.replayed)
        if settings.token is not None and not asked.sandbox:
            print("Joining Discord. Ctrl-C stops the bot; what waits is kept.", flush=True)
            async with app.on_discord() as client:
                await join(client, settings.token)
            return 0
        why = "" if asked.sandbox else "No DISCORD_TOKEN: "
        print(f"{why}opening the sandbox, a simulated Discord on this machine ...", flush=True)
        port = asked.port if asked.port is not None else settings.sandbox_port
        async with app.on_discord() as client:
            browse = settings.open_browser and not asked.no_browser
            await live(client, port=port, open_browser=browse)
    return 0


def _check_default_model(settings: Settings, catalog: Catalog) -> None:
    """A name that is nothing is told to the owner now, not to everybody who asks for a picture."""
    from bot.app import default_model
    from bot.cli.console import Mistaken
    from bot.pages.apologies import apology_for
    from generation.errors import NoSuchName

    if settings.default_model is None:
        return
    try:
        default_model(settings, catalog)
    except NoSuchName as error:
        raise Mistaken(f"The setting default_model: {apology_for(error, terminal=True)}") from error


async def demo(settings: Settings, asked: argparse.Namespace) -> int:
    """A conversation with the built-in model, in a data folder of its own."""
    import shutil

    from bot.app import open_app
    from bot.sandbox.demo import demo as play

    out = asked.out or settings.data / "demo"
    shutil.rmtree(out / "data", ignore_errors=True)
    print("Starting the bot and its drawing program; this can take half a minute.", flush=True)
    alone = Settings(data=out / "data", device=settings.device)
    async with open_app(alone) as app, app.on_discord() as client:
        return await play(client, out)


def _command(asked: argparse.Namespace) -> Callable[[Settings], int]:
    """What the arguments ask for.  Imports only what that command needs."""
    match asked.command:
        case "run":
            return lambda s: _to_the_end(run(s, asked))
        case "demo":
            return lambda s: _to_the_end(demo(s, asked))
        case "draw":
            from bot.cli.console import draw

            return lambda s: _to_the_end(draw(s, asked))
        case "change":
            from bot.cli.changing import change

            return lambda s: _to_the_end(change(s, asked))
        case "describe" | "score":
            from bot.cli import describing, scoring

            answer = describing.describe if asked.command == "describe" else scoring.score
            return lambda s: _to_the_end(answer(s, asked))
        case "reproduce":
            from bot.cli.console import reproduce

            return lambda s: _to_the_end(reproduce(s, asked))
        case "models" | "import":
            from bot.cli import importing, models

            at_once = models.models if asked.command == "models" else importing.import_
            return lambda s: at_once(s, asked)
        case "backup":
            from bot.cli.backup import backup

            return lambda s: backup(s, asked)
        case "restore":
            from bot.cli.backup import restore

            return lambda s: restore(s, asked)
        case "bench":
            from bot.trials.bench.bench import bench

            return lambda s: bench(s, asked)
        case "soak":
            from bot.trials.soak.soak import soak

            return lambda s: soak(s, asked)
        case _:
            raise AssertionError(asked.command)


def _to_the_end(work: Coroutine[Any, Any, int]) -> int:
    """Run it; SIGTERM ends it as orderly as Ctrl-C does."""
    told_to_stop = False

    async def main() -> int:
        task = asyncio.current_task()
        assert task is not None

        def stop() -> None:
            nonlocal told_to_stop
            told_to_stop = True
            task.cancel()

        if os.name != "nt":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if told_to_stop:
            return 0
        raise


def main(arguments: list[str] | None = None) -> int:
    """Parse, load the settings, run, and turn every failure into a sentence and a status."""
    known = parser()
    asked = known.parse_args(arguments)
    if asked.command == "completion":
        from bot.cli.completion import completion

        print(completion(known, asked.also))
        return 0
    if asked.command == "change" and asked.stdin:
        from bot.cli.change import serve

        serve(sys.stdin, sys.stdout)
        return 0
    named = asked.config or (Path(os.environ[CONFIG_VARIABLE]) if _configured() else None)
    config = named or (CONFIG if CONFIG.exists() else None)
    environ = dict(os.environ)
    forget_secrets(os.environ)
    if asked.command == "doctor":
        from bot.cli.doctor import doctor

        return doctor(config, environ, as_json=asked.json, online=asked.online)
    try:
        settings = Settings.load(config, environ)
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            print(problem, file=sys.stderr)
        return 2
    write_log(settings, quiet=asked.command != "run", said_elsewhere=log.name)
    try:
        return _command(asked)(settings)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except Exception as error:
        return _apologise(error, debug=asked.debug)


def _configured() -> bool:
    return bool(os.environ.get(CONFIG_VARIABLE))


def _apologise(error: Exception, *, debug: bool) -> int:
    from bot.chat.gateway import CannotJoin
    from bot.cli.console import Mistaken
    from bot.cli.terminal import apologise, aside
    from bot.pages.apologies import apology_for, expected
    from generation.errors import Unacceptable
    from storage.errors import DiskFull, InUse, Missing, StorageError

    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    log.error("the command failed: %s", error, exc_info=None if expected(error) else error)
    if debug:
        import traceback

        traceback.print_exception(error)
    match error:
        case CannotJoin() | Mistaken():
            sentence = str(error)
        case InUse():
            sentence = (
                f"The data folder {error.path} is {error.reason}, which is the bot or another "
                "command of it. Stop it first, or work in another folder: set ATELIER_DATA=FOLDER "
                "in the environment."
            )
        case DiskFull():
            sentence = f"The disk is full: {error.path} could not be written."
        case OSError() if error.filename and error.strerror:
            sentence = f"{error.filename}: {error.strerror}."
        case StorageError() if type(error) is StorageError:
            sentence = f"{error}."
        case _:
            sentence = apology_for(error, terminal=True)
    apologise(aside(), sentence)
    return 2 if isinstance(error, (Mistaken, Unacceptable, Missing)) else 1


if __name__ == "__main__":
    sys.exit(main())
