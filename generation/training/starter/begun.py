"""Going on with the training of a built-in model: what the programs that lay it out share."""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path


def copy_words(begun: Path, work: Path) -> None:
    """The parts that read words are in the work folder as they are in the model's."""
    work.mkdir(parents=True, exist_ok=True)
    for part in ("tokenizer", "text_encoder"):
        shutil.copytree(begun / part, work / part, dirs_exist_ok=True)


def run_begun(take_up: Callable[[Path], None], usual_work: Path, says: str) -> None:
    """The command line of a program that lays out what a shipped model has learned."""
    parser = argparse.ArgumentParser(description=says.splitlines()[0])
    parser.add_argument("--work", type=Path, default=usual_work, help=f"({usual_work})")
    take_up(parser.parse_args().work)
