"""The denoiser: a Wan over 4x8x8 latents, trained on straight flows; few layers first, then more.

Invariant: it sees words exactly as the stock pipeline shows them, 512 places of which those behind
the caption are zero; the many zeros are computed once, with their number in the attention.
"""

import copy
import math
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel
from diffusers.models.transformers.transformer_wan import WanAttnProcessor
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import T5Tokenizer, UMT5EncoderModel

from generation.training.starter.captions import silence
from generation.training.starter.clock import Clock, cosine, follow, resume, save, set_rate
from generation.training.starter.faster import compiled, muon_and_adam

from .bank import ClipBank, load_bank
from .captions import caption_of
from .scenes import training_clip
from .text import WIDTH, read
from .vae import CHANNELS, clips, encode, load_vae

BATCH = 32
PEAK = 1.5e-3
PEAK_OF_DEEPER = 1.2e-3
SILENT = 0.1
SHIFT = 3.0  # of the noise, in training and in the scheduler's config
PLACES = 512
TOLD = 40  # tokens of a caption in training: the longest of 3,000 has 35
WEIGHTS = "transformer.pt"
LAYERS = 5  # of the first training; the second has twice as many
# Attention of few tokens is fastest as plain products; in bfloat16 the fused one is slow backwards.
PLAIN = SDPBackend.MATH
RELOAD_EVERY = 100


def new_transformer(layers: int = LAYERS) -> WanTransformer3DModel:
    """1.9 M parameters with five layers; a token is 16x16 pixels of one latent frame."""
    return WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=5,
        attention_head_dim=32,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        text_dim=WIDTH,
        freq_dim=128,
        ffn_dim=480,
        num_layers=layers,
        rope_max_seq_len=64,
    )


def load_transformer(work: Path) -> WanTransformer3DModel:
    """What the last training left in the work folder, of as many layers as it has."""
    weights = torch.load(work / WEIGHTS, weights_only=True)
    model = new_transformer(len({name.split(".")[1] for name in weights if "blocks." in name}))
    model.load_state_dict(weights)
    return model


@torch.no_grad()
def deepened(model: WanTransformer3DModel) -> WanTransformer3DModel:
    """Twice the layers, that compute the same: behind each a copy that adds nothing yet.

    What a copy would add begins at zero, and what it reads for that is what its original reads; so
    a training goes on where the smaller one ended.
    """
    deeper = new_transformer(2 * len(model.blocks))
    kept = {name: value for name, value in model.state_dict().items() if "blocks." not in name}
    deeper.load_state_dict(kept, strict=False)
    for place, block in enumerate(deeper.blocks):
        block.load_state_dict(model.blocks[place // 2].state_dict())
        if place % 2:
            for last in (block.attn1.to_out[0], block.attn2.to_out[0], block.ffn.net[2]):
                nn.init.zeros_(last.weight)
                nn.init.zeros_(last.bias)
    return deeper


def new_scheduler() -> UniPCMultistepScheduler:
    """As Wan's: UniPC over the sigmas of a flow."""
    return UniPCMultistepScheduler(
        num_train_timesteps=1000,
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        flow_shift=SHIFT,
    )


class PaddedOnce(WanAttnProcessor):  # type: ignore[misc]
    """Attention to words whose last key stands for all the empty places behind them."""

    bias: torch.Tensor | None = None

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        rotary_emb: Any = None,
    ) -> torch.Tensor:
        mask = attention_mask if encoder_hidden_states is None else self.bias
        made: torch.Tensor = super().__call__(
            attn, hidden_states, encoder_hidden_states, mask, rotary_emb
        )
        return made


def padded(
    states: torch.Tensor, said: torch.Tensor, places: int = PLACES
) -> tuple[torch.Tensor, torch.Tensor]:
    """States with one empty place behind them, and the attention's bias (count, 1, 1, tokens)."""
    count, longest, width = states.shape
    bias = torch.zeros(count, 1, 1, longest + 1)
    bias[:, 0, 0, :longest] = torch.where(said > 0, 0.0, -math.inf)
    bias[:, 0, 0, longest] = (places - said.sum(1)).float().log()
    return torch.cat([states, states.new_zeros(count, 1, width)], dim=1), bias


class CaptionReader:
    """Captions as the denoiser reads them."""

    def __init__(self, work: Path) -> None:
        self.tokenizer = T5Tokenizer.from_pretrained(work / "tokenizer")
        folder = work / "text_encoder"
        self.encoder = UMT5EncoderModel.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.no_grad()
    def states(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """States and where tokens are, as `read` gives them."""
        return read(texts, self.tokenizer, self.encoder)


@torch.no_grad()
def hear_words(model: WanTransformer3DModel, words: CaptionReader, seed: int = 5) -> None:
    """Lets attention to words begin with words and not with the many places behind them.

    From chance a caption of ten tokens gets a fiftieth of the attention that 500 empty places get,
    and hardly decides anything.  Here a direction in which words differ from emptiness is added to
    the keys, and asked for by every query.
    """
    dice = Random(seed)
    states, said = words.states([caption_of(training_clip(dice), dice).text for _ in range(100)])
    embed = model.condition_embedder.text_embedder
    tokens, empty = embed(states[said > 0]), embed(torch.zeros(1, WIDTH))[0]
    apart, middle = tokens.mean(0) - empty, (tokens.mean(0) + empty) / 2
    along = apart / apart.norm()
    generator = torch.Generator().manual_seed(seed)
    for block in model.blocks:
        attn = block.attn2
        wide = len(attn.to_k.bias)
        mark = (2.0 * torch.randint(2, (wide,), generator=generator) - 1) / wide**0.5
        gain = 2 * attn.to_k(tokens).norm(dim=1).mean() / apart.norm()
        attn.to_k.weight += gain * torch.outer(mark, along)
        attn.to_k.bias -= gain * (along @ middle) * mark
        attn.to_q.bias += mark * attn.to_q.weight.norm()
        attn.norm_q.weight *= 1.3
        attn.norm_k.weight *= 1.3


def sigmas_of(count: int, generator: torch.Generator) -> torch.Tensor:
    """Stratified over the flow, most of them noisy: there motion and colour are decided."""
    share = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    return SHIFT * share / (1 + (SHIFT - 1) * share)


def _texts(bank: ClipBank, rows: list[int], dice: Random) -> list[str]:
    said = [
        silence(dice) if dice.random() < SILENT else caption_of(bank.scene(row), dice)
        for row in rows
    ]
    return [caption.text for caption in said]


def _velocity(
    model: WanTransformer3DModel,
    processor: PaddedOnce,
    noisy: torch.Tensor,
    sigma: torch.Tensor,
    states: torch.Tensor,
    bias: torch.Tensor,
) -> torch.Tensor:
    """What the denoiser foretells of `noisy`: noise less latent."""
    processor.bias = bias
    with torch.autocast("cpu", dtype=torch.bfloat16), sdpa_kernel(PLAIN):
        found: torch.Tensor = model(noisy, sigma * 1000, states, return_dict=False)[0]
    return found


Velocity = Callable[..., torch.Tensor]


def flow_loss(
    model: WanTransformer3DModel,
    processor: PaddedOnce,
    latents: torch.Tensor,
    words: tuple[torch.Tensor, torch.Tensor],
    generator: torch.Generator,
    weights: torch.Tensor,
    velocity: Velocity = _velocity,
) -> torch.Tensor:
    """How far the predicted velocity, noise less latent, is off; each channel by its weight."""
    noise = torch.randn(latents.shape, generator=generator)
    sigma = sigmas_of(len(latents), generator)
    at = sigma[:, None, None, None, None]
    states, bias = padded(*_evened(*words))
    with warnings.catch_warnings():
        # Norms keep their weights in fp32, and say that no fused kernel takes that.
        warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")
        found = velocity(model, processor, (1 - at) * latents + at * noise, sigma, states, bias)
    off = (found.float() - (noise - latents)).square()
    return (off * weights[None, :, None, None, None]).mean()


def _evened(states: torch.Tensor, said: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """As many places for every batch, so that one compiled program fits all."""
    missing = TOLD - states.shape[1]
    return nn.functional.pad(states, (0, 0, 0, missing)), nn.functional.pad(said, (0, missing))


@torch.no_grad()
def seen_in(vae: AutoencoderKLWan, count: int = 12, seed: int = 3) -> torch.Tensor:
    """(CHANNELS,) of mean 1: how much of each latent channel is seen in the frames.

    Four of the sixteen hold what hardly shows, and are the hardest to foretell: unweighted they are
    two thirds of what a trained network still gets wrong.
    """
    dice, generator = Random(seed), torch.Generator().manual_seed(seed)
    latents = encode(vae, clips([training_clip(dice) for _ in range(count)], dice))
    deviations, shown = torch.tensor(vae.config.latents_std), []
    frames = vae.decode(latents).sample
    for channel in range(CHANNELS):
        moved = latents.clone()
        noise = torch.randn(latents[:, channel].shape, generator=generator)
        moved[:, channel] += 0.3 * deviations[channel] * noise
        shown.append((vae.decode(moved).sample - frames).square().mean())
    found = torch.stack(shown)
    return found / found.mean()


def _first(work: Path, words: CaptionReader) -> WanTransformer3DModel:
    if (work / WEIGHTS).exists():
        return load_transformer(work)
    model = new_transformer()
    torch.nn.init.zeros_(model.proj_out.weight)
    hear_words(model, words)
    return model


def _deeper(work: Path) -> WanTransformer3DModel:
    model = load_transformer(work)
    return deepened(model) if len(model.blocks) == LAYERS else model


def train_transformer(work: Path, minutes: float, seed: int = 6, *, deeper: bool = False) -> None:
    """Trains by the processor's clock; the average goes to work/transformer.pt all along.

    It goes on from its last checkpoint, or else begins from the weights that are there, with
    `deeper` from twice their layers.
    """
    torch.manual_seed(seed)
    words, processor = CaptionReader(work), PaddedOnce()
    model = _deeper(work) if deeper else _first(work, words)
    peak = PEAK_OF_DEEPER if deeper else PEAK
    checkpoint = work / ("deeper.ckpt" if deeper else "transformer.ckpt")
    average = copy.deepcopy(model).requires_grad_(False)
    model.set_attn_processor(processor)
    muon, adam = muon_and_adam(model, "blocks.", peak)
    clock = Clock(minutes=minutes, now=time.process_time)
    held = resume(checkpoint, clock, model, muon)
    if held:
        average.load_state_dict(held["average"])
        adam.load_state_dict(held["adam"])
    generator = torch.Generator().manual_seed(seed + clock.step)
    dice, recent = Random(seed + clock.step), 1.0
    bank, weights, velocity = load_bank(work), seen_in(load_vae(work)), compiled(_velocity)
    while clock.share() < 1:
        for optimizer in (muon, adam):
            set_rate(optimizer, cosine(clock.share(), peak))
        if clock.step % RELOAD_EVERY == 0:
            bank = load_bank(work)
        rows = torch.randint(len(bank), (BATCH,), generator=generator)
        latents = bank.latents[rows].float()
        said = words.states(_texts(bank, rows.tolist(), dice))
        loss = flow_loss(model, processor, latents, said, generator, weights, velocity)
        model.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        muon.step()
        adam.step()
        clock.step += 1
        follow(average, model, min(0.998, clock.step / (clock.step + 10)))
        recent += 0.02 * (loss.item() - recent)
        if clock.step % 100 == 0:
            print(
                f"{time.strftime('%H:%M:%S')} transformer step {clock.step} "
                f"{clock.elapsed_s() / 60:.1f} min loss {recent:.4f} clips {len(bank)}",
                flush=True,
            )
        if clock.checkpoint_due() or clock.share() >= 1:
            more = {"average": average.state_dict(), "adam": adam.state_dict()}
            save(checkpoint, clock, model, muon, **more)
            _keep(average, work)


def _keep(average: WanTransformer3DModel, work: Path) -> None:
    path = work / WEIGHTS
    torch.save(average.state_dict(), path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)
