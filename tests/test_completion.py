"""A shell that has read the completion script offers what can be said, and nothing else."""

from __future__ import annotations

import shutil
import subprocess

import pytest

import start
from bot.cli.arguments import parser
from bot.cli.completion import completion

BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(BASH is None, reason="needs bash")


def offered(*line: str) -> list[str]:
    """What bash offers for the last word of the line."""
    script = completion(parser(), start.COMMANDS)
    ask = '\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _atelier; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        [str(BASH), "--norc", "-c", script + ask, "bash", *line],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_are_offered_also_those_of_the_launcher_alone() -> None:
    assert offered("python", "start.py", "re") == ["reproduce", "restore"]
    assert offered("./start.py", "te") == ["test", "test-all", "test-cluster"]
    assert set(offered("python", "start.py", "")) == set(start.COMMANDS)


def test_options_are_those_of_the_command() -> None:
    assert offered("python3", "start.py", "draw", "a cat", "--st") == ["--steps", "--style"]
    assert offered("python3", "start.py", "restore", "--even") == ["--even-damaged"]
    assert offered("python3", "start.py", "models", "--st") == []


def test_the_choices_of_an_option_are_offered_behind_it() -> None:
    assert offered("python", "start.py", "draw", "x", "--assist", "o") == ["on", "off"]


def test_files_are_left_to_the_shell_and_so_are_lines_of_other_programs() -> None:
    assert offered("python", "start.py", "reproduce", "pic") == []
    assert offered("python", "start.py", "draw", "x", "--image", "pic") == []
    assert offered("python", "other.py", "dr") == []
