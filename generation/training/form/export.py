"""Puts the trained parts into one folder in the diffusers layout, in fp16.

Invariant: `ShapEPipeline.from_pretrained(folder)` is all anybody needs to use it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import PriorTransformer, ShapEPipeline
from diffusers.pipelines.shap_e.renderer import ShapERenderer
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from generation.training.form.fields import GENERATED
from generation.training.form.prior import load_fields, new_prior, new_scheduler

MODEL = Path(__file__).parents[2] / "starter" / "models" / "starter-form"
CARD = 'family = "starter-form"\ntitle = "Starter for 3D (built in)"\n'


def trained_renderer(work: Path) -> ShapERenderer:
    """The renderer of the trained fields; what each form brings anew is zero in it."""
    renderer = load_fields(work).renderer
    with torch.no_grad():
        renderer.mlp.get_parameter(GENERATED.removeprefix("nerstf.")).zero_()
    return renderer


def trained_prior(file: Path, prior: PriorTransformer) -> PriorTransformer:
    """The prior with the average of its training."""
    prior.load_state_dict(torch.load(file, weights_only=True))
    return prior


def export(work: Path, folder: Path = MODEL) -> int:
    """Writes the model folder and returns its size in bytes."""
    pipeline = ShapEPipeline(
        prior=trained_prior(work / "prior.pt", new_prior()).half(),
        text_encoder=CLIPTextModelWithProjection.from_pretrained(
            work / "text_encoder", dtype=torch.float16
        ),
        tokenizer=CLIPTokenizer.from_pretrained(work / "tokenizer"),
        scheduler=new_scheduler(),
        shap_e_renderer=trained_renderer(work).half(),
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(work / "tokenizer" / name, folder / "tokenizer" / name)
    # transformers 5 computes in the type named here unless told otherwise, diffusers in fp32.
    config = folder / "text_encoder" / "config.json"
    config.write_text(config.read_text().replace('"dtype": "float16"', '"dtype": "float32"'))
    (folder / "atelier.toml").write_text(CARD)
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
