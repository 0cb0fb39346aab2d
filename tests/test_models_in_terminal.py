"""`models` adds, lists, converts and takes away."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from bot.__main__ import main
from tests.given.model_places import hub, serving


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    file = tmp_path / "config.toml"
    file.write_text('data = "data"\nmodels = ["models"]\n', encoding="utf-8")
    return file


def test_what_is_added_is_listed_and_can_be_taken_away(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = config.parent
    content = save({"emb_params": torch.ones(2, 768)})
    with serving(hub({"me/tiny": {"fine.safetensors": content}})) as server:
        with config.open("a", encoding="utf-8") as more:
            more.write(f'huggingface = "{server.address}"\n')
        assert main(["models", "add", "hf:me/tiny", "--config", str(config)]) == 0
    assert "fine.safetensors" in capsys.readouterr().out
    assert main(["models", "list", "--config", str(config)]) == 0
    assert "fine" in capsys.readouterr().out
    (folder / "models" / "fine.preview.jpg").write_bytes(b"a picture")
    away = ["models", "remove", "fine", "--kind", "embedding", "--config", str(config)]
    assert main(away) == 2
    assert "--yes" in capsys.readouterr().err
    assert main([*away, "--yes"]) == 0
    assert [path for path in (folder / "models").rglob("*") if path.is_file()] == []


def test_what_ships_with_the_program_is_not_taken_away(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "remove", "starter", "--yes", "--config", str(config)]) == 2
    assert "lies in none of the folders" in " ".join(capsys.readouterr().err.split())


def test_a_pickle_of_tensors_becomes_safetensors_and_stays(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = config.parent / "old.ckpt"
    shared = torch.arange(6.0)
    inside = {"a.weight": shared, "b.weight": shared.view(2, 3).T, "epoch": 3}
    torch.save({"state_dict": inside, "optimizer": {"lr": 1.0}}, old)
    assert main(["models", "convert", str(old), "--config", str(config)]) == 0
    assert "2 tensors, 1 other things left out" in capsys.readouterr().out
    found = load_file(old.with_suffix(".safetensors"))
    assert torch.equal(found["b.weight"], shared.view(2, 3).T)
    assert set(found) == {"a.weight", "b.weight"}
    assert old.is_file()


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("import pathlib; pathlib.Path('ran').touch()",)


def test_a_pickle_that_would_run_code_runs_none(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    old = config.parent / "old.bin"
    old.write_bytes(pickle.dumps({"a": _Runs()}))
    assert main(["models", "convert", str(old), "--config", str(config)]) == 2
    assert "was not converted" in capsys.readouterr().err
    assert not (config.parent / "ran").exists()
    assert not old.with_suffix(".safetensors").exists()
