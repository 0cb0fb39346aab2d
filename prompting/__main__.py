"""`python -m prompting "a cat, cosy" --family sd15 --seed 3`: words for a wish, without a bot.

The prompt goes to stdout, one per line, or as one JSON object per line; what is worth telling goes
to stderr, so the output can be piped.  Ends with 2 when the wish is declined or a name is unknown.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from prompting.assist import TEMPERATURE, Assistant, Assisted
from prompting.errors import PromptingError
from prompting.slots import Slots
from prompting.speaking.dialects import DIALECTS, Speech
from prompting.speaking.styles import Styles, built_in
from prompting.speaking.taglists import installed, read_tags
from prompting.writers.ladder import Opened, WriterConfig, open_writer
from prompting.writers.llama import CONTEXT
from prompting.writers.writer import DEADLINE


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit status is returned."""
    options = _options(arguments)
    try:
        styles = built_in()
        if options.styles:
            styles = styles.with_own(options.styles)
            if styles.refused:
                raise styles.refused[0]
        if options.list_styles:
            return _list(styles)
        found = asyncio.run(_found(options, styles))
    except PromptingError as error:
        print(error, file=sys.stderr)
        return 2
    for assisted in found:
        print(_json(assisted) if options.json else _text(assisted))
        if assisted.note and not options.json:
            print(assisted.note, file=sys.stderr)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m prompting", description="Turns a short wish into a detailed prompt."
    )
    parser.add_argument("wish", nargs="?", default="", help="what the picture should show")
    parser.add_argument(
        "--family", default="starter", metavar="NAME", help=f"one of: {', '.join(DIALECTS)}"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed says the same")
    parser.add_argument("--number", type=int, default=1, help="how many different proposals")
    parser.add_argument("--style", help="a named style; see --list-styles")
    parser.add_argument("--negative", default="", help="what should not be in the picture")
    parser.add_argument("--temperature", type=float, default=TEMPERATURE)
    parser.add_argument(
        "--model", default="", help="a GGUF chat model: a path, or hub:owner/name/file"
    )
    parser.add_argument("--server", default="", help="base URL of an OpenAI-compatible server")
    parser.add_argument(
        "--deadline", type=_seconds, default=DEADLINE, metavar="SECONDS", help="for the words"
    )
    parser.add_argument("--threads", type=_count, default=1, help="of the language model")
    parser.add_argument("--context", type=_count, default=CONTEXT, help="tokens of a GGUF")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="where a GGUF is")
    parser.add_argument("--gpu-layers", type=int, metavar="N", help="of it on the card, if not all")
    parser.add_argument("--no-writer", action="store_true", help="only the wish's own words")
    parser.add_argument("--styles", type=Path, metavar="FILE", help="a TOML file of more styles")
    parser.add_argument("--tags", type=Path, metavar="FOLDER", help="lists of booru tags")
    parser.add_argument("--list-styles", action="store_true", help="the names of all styles")
    parser.add_argument("--locale", default="en", help="the language of notes: en or zh")
    parser.add_argument("--json", action="store_true", help="everything about the prompt")
    options = parser.parse_args(arguments)
    if not options.wish and not options.list_styles:
        parser.error("a wish is needed")
    return options


async def _found(options: argparse.Namespace, styles: Styles) -> tuple[Assisted, ...]:
    opened = Opened(writer=None, notes=())
    if not options.no_writer:
        opened = await open_writer(_config(options))
        for note in opened.notes:
            print(note, file=sys.stderr)
    try:
        assistant = Assistant(
            opened.writer, spare=opened.spare, styles=styles, deadline=options.deadline
        )
        known = DIALECTS.get(options.family)
        if known is not None and known.kind is Speech.BOORU:
            own = (options.tags,) if options.tags else ()
            assistant.lists, _ = read_tags((*own, *installed()))
        return await assistant.propose(
            options.wish,
            dialect=options.family,
            seed=options.seed,
            number=max(1, options.number),
            style=options.style,
            negative=options.negative,
            locale=options.locale,
            temperature=options.temperature,
        )
    finally:
        await opened.close()


def _config(options: argparse.Namespace) -> WriterConfig:
    return WriterConfig(
        model=options.model,
        server=options.server,
        threads=options.threads,
        context=options.context,
        device=options.device,
        gpu_layers=options.gpu_layers,
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError("seconds are more than 0, and 3600 at most")
    return seconds


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return count


def _text(assisted: Assisted) -> str:
    negative = f"\nnegative: {assisted.negative}" if assisted.negative.strip() else ""
    return assisted.prompt + negative


def _json(assisted: Assisted) -> str:
    facts = {field.name: getattr(assisted, field.name) for field in dataclasses.fields(Assisted)}
    slots = facts["slots"]
    facts["slots"] = json.loads(slots.to_json()) if isinstance(slots, Slots) else None
    return json.dumps(facts, ensure_ascii=False)


def _list(styles: Styles) -> int:
    width = max(map(len, styles))
    for style in styles.values():
        print(f"{style.name:{width}}  {style.en}  {style.zh}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
