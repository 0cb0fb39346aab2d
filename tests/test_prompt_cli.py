"""`python -m prompting`: for people, and for checks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prompting.__main__ import main


def test_a_prompt_is_printed_and_the_note_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a cat, cosy", "--family", "sd15", "--no-writer"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "a cat, cosy"
    assert "own words" in err


def test_json_holds_everything_that_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["一只猫", "--family", "qwen-image", "--seed", "3", "--no-writer", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["prompt"] == data["wish"] == "一只猫"
    assert (data["seed"], data["dialect"], data["slots"]) == (3, "qwen-image", None)


def test_several_proposals_are_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    main(["a cat", "--family", "flux1", "--number", "3", "--no-writer", "--json"])
    prompts = [json.loads(line)["prompt"] for line in capsys.readouterr().out.splitlines()]
    assert len(set(prompts)) == 3


@pytest.mark.parametrize(
    "arguments",
    [["a cat", "--family", "sd99"], ["a cat", "--style", "nothing"], ["a", "--styles", "absent"]],
)
def test_a_mistake_ends_with_2_and_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--no-writer"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert len(err.splitlines()) == 1


def test_styles_are_listed_with_the_owners(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[house]\ntags = "{prompt}, our look"', "utf-8")
    assert main(["--list-styles", "--styles", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 60
    assert lines[-1].startswith("house ")
