"""What can be said on the command line, and a kind word where something else was said.

Invariant: a mistake is told before anything is started, with the nearest that exists.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from bot.cli.arguments_of_models import add_models
from bot.studio.controlling import WAYS
from generation.parameters import (
    PARAMETERS,
    PRESET,
    PROMPT,
    AmountParameter,
    Parameter,
    WholeParameter,
)

_UNKNOWN_COMMAND = re.compile(
    r"argument COMMAND: invalid choice: '(.*?)' \(choose from (.*)\)", re.DOTALL
)
_UNKNOWN_OPTION = re.compile(r"unrecognized arguments: (.*)", re.DOTALL)
_NO_NUMBER = re.compile(r"argument (--[\w-]+): invalid (int|float) value: '(.*)'", re.DOTALL)
_NUMBERS = {"int": "a whole number", "float": "a number"}


class Parser(argparse.ArgumentParser):
    """Names the nearest command or option; its sub-parsers are of its kind."""

    def parse_known_args(  # type: ignore[override]  # the stubs' overloads are argparse's own
        self,
        args: list[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        """As always; but a command says itself what it does not know, as it knows its options."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """The usage, and what is wrong; ends with status 2."""
        if found := _UNKNOWN_COMMAND.fullmatch(message):
            message = f"there is no command {found[1]!r:.60}" + nearest(
                found[1], re.findall(r"[\w-]+", found[2]), f"there are {found[2]}"
            )
        elif found := _UNKNOWN_OPTION.fullmatch(message):
            said = found[1].split(" ")[0].partition("=")[0]
            known = [o for action in self._actions for o in action.option_strings]
            if said.startswith("-"):
                message = f"there is no option {said!r:.60}" + nearest(said, known, "see --help")
            else:
                message = f"{found[1]!r:.80} is one word too many; words that belong together "
                message += "stand in quotes"
        elif found := _NO_NUMBER.fullmatch(message):
            message = f"{found[1]} is {found[3]!r:.60}, but must be {_NUMBERS[found[2]]}"
        super().error(message)


def nearest(said: str, known: Iterable[str], otherwise: str) -> str:
    """The end of a sentence about something that is not known."""
    near = get_close_matches(said, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; {otherwise}"


def parser() -> argparse.ArgumentParser:
    """Everything that can be said on the command line."""
    top = Parser(prog="python start.py", description="The image studio.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="the bot: on Discord with a token, else in the sandbox")
    run.add_argument("--sandbox", action="store_true", help="the sandbox even with a token")
    run.add_argument("--port", type=int, help="of the sandbox; 0 takes a free one")
    run.add_argument("--no-browser", action="store_true", help="only print the sandbox's address")

    _add_draw(commands.add_parser("draw", help="draw a picture without Discord"))

    again = commands.add_parser("reproduce", help="draw a picture again, and compare")
    again.add_argument("picture", help="a PNG file, or the id of a picture, message or recipe")
    again.add_argument("--out", type=Path, metavar="FILE", help="keep the new drawing")

    _add_change(commands.add_parser("change", help="change a picture as a reply to it would"))

    shows = "what a picture shows, as three prompts"
    _add_describe(commands.add_parser("describe", help=shows))

    how = "how well words say what a picture shows"
    _add_score(commands.add_parser("score", help=how))

    what = "what a picture of any program says of how it was made"
    _add_import(commands.add_parser("import", help=what))

    add_models(commands.add_parser("models", help="the models on this machine"), _add_common)

    doctor = commands.add_parser("doctor", help="what is here, what is wrong, what to do")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.add_argument("--online", action="store_true", help="also ask whether Discord answers")

    keep = commands.add_parser("backup", help="copy what people made; the bot may be running")
    keep.add_argument("folder", type=Path, nargs="?", help="better on another disk")
    keep.add_argument("--keep", type=_positive, default=7, metavar="N", help="copies; usually 7")

    back = commands.add_parser("restore", help="check a backup, and put it back")
    back.add_argument("folder", type=Path, help="where backups lie, or one of the copies in it")
    back.add_argument("--check", action="store_true", help="only look")
    back.add_argument("--even-damaged", action="store_true", help="restore what is whole of it")

    shell = commands.add_parser("completion", help="source <(python start.py completion)")
    shell.add_argument("also", nargs="*", metavar="COMMAND", help="those of the launcher alone")

    demo = commands.add_parser("demo", help="a scripted conversation with the real bot")
    demo.add_argument("--out", type=Path, metavar="FOLDER", help="instead of var/demo")

    _add_measures(commands)
    for command in commands.choices.values():
        _add_common(command)
    return top


def _add_common(command: argparse.ArgumentParser, **more: Any) -> None:
    file: dict[str, Any] = {"type": Path, "metavar": "FILE", "help": "instead of config.toml"}
    command.add_argument("--config", **file, **more)
    command.add_argument("--debug", action="store_true", help="show the trace of an error", **more)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


# What argparse is told of a parameter besides its sentence and what kind of number it is.
_FORMS: dict[str, dict[str, Any]] = {
    "negative": {"metavar": "TEXT"},
    "image": {"type": Path, "metavar": "FILE"},
    "width": {"metavar": "PIXELS"},
    "height": {"metavar": "PIXELS"},
    "clip_skip": {"metavar": "LAYERS"},
    "seed": {"metavar": "NUMBER"},
    "assist": {"choices": ("on", "off", "auto"), "default": "off"},
    "lora": {"action": "append", "default": [], "metavar": "NAME:STRENGTH"},
    **{name: {"metavar": "NAME"} for name in ("model", "sampler", "scheduler", "style", "vae")},
}


def _add_measures(commands: Any) -> None:
    bench = commands.add_parser("bench", help="measure; one table, and var/bench.json")
    bench.add_argument("only", nargs="*", help="names of measurements; all when none is given")
    bench.add_argument("--list", action="store_true", help="the names of the measurements")
    bench.add_argument("--markdown", action="store_true", help="the table as docs/performance.md")

    soak = commands.add_parser("soak", help="a day in 15 minutes, with mishaps; audited")
    soak.add_argument("--minutes", type=float, default=15.0)
    soak.add_argument("--people", type=int, default=50)
    soak.add_argument("--hours", type=float, default=24.0, help="of the day that is compressed")
    soak.add_argument("--seed", type=int, default=0, help="what people choose")
    soak.add_argument("--markdown", action="store_true", help="the table as docs/performance.md")


def _add_change(change: argparse.ArgumentParser) -> None:
    change.add_argument("picture", nargs="?", help="a PNG file, or the id of a picture or message")
    change.add_argument("words", nargs="?", metavar="WORDS", help='such as "make it night"')
    change.add_argument("--json", action="store_true", help="what would be done, for programs")
    change.add_argument("--draw", action="store_true", help="draw it, beside the file")
    change.add_argument("--stdin", action="store_true", help="a JSON object a line in, one out")


def _add_import(said: argparse.ArgumentParser) -> None:
    said.add_argument("file", type=Path, help="a picture, a clip, a .json or a text file")
    said.add_argument("--json", action="store_true", help="for programs")


def _add_describe(describe: argparse.ArgumentParser) -> None:
    describe.add_argument("picture", help="a picture's file, or the id of a picture")
    describe.add_argument("--model", metavar="NAME", help="which model would draw the prompts")
    describe.add_argument("--json", action="store_true", help="for programs")


def _add_score(score: argparse.ArgumentParser) -> None:
    score.add_argument("picture", help="a picture's file, or the id of a picture")
    score.add_argument("words", nargs="+", metavar="WORDS", help='such as "a red flower"')
    score.add_argument("--json", action="store_true", help="for programs")


def _add_draw(draw: argparse.ArgumentParser) -> None:
    draw.add_argument("prompt", nargs="?", default="", help="words; with --from they may be its")
    draw.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FILE",
        help="draw what a picture of any program says; what else is said counts more",
    )
    for name, row in PARAMETERS.items():
        if row not in (PROMPT, PRESET):  # presets are people's, and kept in chat
            draw.add_argument(row.flag, help=row.help, **_number(row), **_FORMS.get(name, {}))
    draw.add_argument("--out", type=Path, metavar="FILE", help="a file, or a folder")
    draw.add_argument(
        "--medium",
        choices=("image", "video", "audio", "mesh"),
        default="image",
        help="what is made: a picture, a clip, a sound or a form; a --model that is named says it",
    )
    many: dict[str, Any] = {"action": "append", "default": []}
    draw.add_argument(
        "--control",
        type=Path,
        metavar="FILE",
        help="a picture that says where things are; as often as there are",
        **many,
    )
    draw.add_argument(
        "--controlnet",
        metavar="NAME:STRENGTH:START:END",
        help="which network looks at it, and during which share of the steps; one for each picture",
        **many,
    )
    draw.add_argument(
        "--preprocessor",
        metavar="HOW",
        choices=WAYS,
        help=f"what is made of it first: {', '.join(WAYS)}; one for each picture",
        **many,
    )


def _number(row: Parameter) -> dict[str, Any]:
    match row:
        case WholeParameter():
            return {"type": int}
        case AmountParameter():
            return {"type": float}
    return {}  # text
