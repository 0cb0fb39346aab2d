"""What can be said after `models` on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from generation.catalog.recognition import KINDS

WHAT = "a name of `models recommend`, hf:owner/name, ms:owner/name, civitai:ID, a page, a file"


def add_models(models: argparse.ArgumentParser, common: Callable[..., None]) -> None:
    """The words after `models`; `common` gives each the options that every command has."""
    doing = models.add_subparsers(dest="doing", metavar="COMMAND")

    doing.add_parser("list", help="what is here, and what was refused; also without a word")

    fetch = doing.add_parser("add", help="fetch a model, and all files that it needs")
    fetch.add_argument("what", help=WHAT)
    fetch.add_argument("--to", type=Path, metavar="FOLDER", help="instead of the first of `models`")
    fetch.add_argument("--link", action="store_true", help="link to a file here, copy nothing")

    look = doing.add_parser("search", help="what Hugging Face, CivitAI and ModelScope have")
    look.add_argument("words", help="such as 'anime lightning'")
    look.add_argument("--limit", type=int, default=8, metavar="N", help="of each; usually 8")

    suits = doing.add_parser("recommend", help="models that suit this machine, and why")
    suits.add_argument("--all", action="store_true", help="also those that do not")

    away = doing.add_parser("remove", help="take a model away, and its card")
    away.add_argument("what", help="its name, as `models list` says it")
    away.add_argument("--kind", choices=KINDS, default="checkpoint", help="usually checkpoint")
    away.add_argument("--yes", action="store_true", help="do not ask")

    convert = doing.add_parser("convert", help="a pickle to safetensors; the pickle stays")
    convert.add_argument("file", type=Path, help="a .ckpt, .pt, .pth or .bin file")
    convert.add_argument("--out", type=Path, metavar="FILE", help="instead of beside it")

    for word in doing.choices.values():
        common(word, default=argparse.SUPPRESS)
