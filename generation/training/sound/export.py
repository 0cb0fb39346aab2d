"""Puts the trained parts into one folder in the diffusers layout, in fp16.

Invariant: `StableAudioPipeline.from_pretrained(folder)` is all anybody needs to use it.
"""

from pathlib import Path

import torch
from diffusers import StableAudioPipeline
from transformers import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from .denoiser import TRANSFORM, WEIGHTS, SoundDenoiser, new_scheduler
from .lapped import laid_out

MODEL = Path(__file__).parents[2] / "starter" / "models" / "starter-sound"

# What the catalog reads beside the weights: this family cannot be told from its shapes alone.
CARD = 'family = "starter-sound"\ntitle = "Starter for sounds (built in)"\n'


def assembled(work: Path) -> StableAudioPipeline:
    """The parts that were trained, as the stock pipeline, in fp32."""
    denoiser, held = SoundDenoiser(), torch.load(work / TRANSFORM, weights_only=True)
    denoiser.load_state_dict(torch.load(work / WEIGHTS, weights_only=True))
    return StableAudioPipeline(
        vae=laid_out(held["there"], held["back"]).eval(),
        text_encoder=T5EncoderModel.from_pretrained(work / "text_encoder", dtype=torch.float32),
        projection_model=denoiser.projection.eval(),
        tokenizer=T5Tokenizer.from_pretrained(work / "tokenizer"),
        transformer=denoiser.transformer.eval(),
        scheduler=new_scheduler(),
    )


def export(work: Path, folder: Path = MODEL) -> int:
    """Writes the model folder and returns its size in bytes."""
    pipeline = assembled(work)
    for part in (pipeline.vae, pipeline.text_encoder, pipeline.projection_model):
        part.half()
    pipeline.transformer.half()
    pipeline.save_pretrained(folder, safe_serialization=True)
    # transformers 5 computes in the type named here unless told otherwise, diffusers in fp32.
    config = folder / "text_encoder" / "config.json"
    config.write_text(config.read_text().replace('"dtype": "float16"', '"dtype": "float32"'))
    (folder / "atelier.toml").write_text(CARD)
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
