"""ComfyUI's official templates are read as they say, as workflows and as prompts."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from generation.trials.interchange.__main__ import main
from tests.given.comfy_graphs import GraphDrawing, text_to_image

SHARED = Path(__file__).parents[2] / "shared" / "research" / "comfyui"
TRUTH = SHARED / "templates.json"
PACKAGE = "comfyui_workflow_templates_json"


def test_every_template_is_read_and_nearly_every_field_is_as_it_stands_there() -> None:
    package = find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations or not TRUTH.exists():
        pytest.skip(f"{PACKAGE} is not installed, or what the templates say is not at hand")
    assert main([package.submodule_search_locations[0], str(TRUTH)]) == 0


def a_truth(tmp_path: Path, **other: object) -> Path:
    sampler = {
        "node": "KSampler",
        "steps": 25,
        "cfg": 7,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "denoise": 1,
        "size": [1216, 832],
    }
    said = {
        "name": "mine",
        "medium": "image",
        "runs": "local",
        "family": "SDXL",
        "task": "t2i",
        "usage": 1,
        "files": [{"file": "sd_xl_base_1.0.safetensors", "loader": "CheckpointLoaderSimple"}],
        "samplers": [sampler | other],
        "nodes": {"KSampler": 1, "CLIPTextEncode": 2},
    }
    graph = GraphDrawing()
    text_to_image(graph)
    (tmp_path / "mine.json").write_text(json.dumps(graph.said()), encoding="utf-8")
    truth = tmp_path / "truth" / "truth.json"
    truth.parent.mkdir()
    truth.write_text(json.dumps([said]), encoding="utf-8")
    return truth


def test_a_field_that_is_read_otherwise_is_shown_and_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), str(a_truth(tmp_path, cfg=8))]) == 1
    told = capsys.readouterr().out
    assert "mine (workflow): cfg 8.0, and it was read as 7.0" in told
    assert "steps     2 of    2  100.0%" in told


def test_templates_that_are_read_as_they_stand_pass(tmp_path: Path) -> None:
    assert main([str(tmp_path), str(a_truth(tmp_path))]) == 0
