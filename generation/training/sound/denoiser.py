"""The denoiser: a small Stable Audio transformer over 125 latents of 48 numbers.

Invariant: what it is trained on is what the stock pipeline hands it: `EDMDPMSolverMultistep`'s
scaling, the words' states with nothing where no word is, the two numbers of the seconds, and
noughts in place of all of them where guidance compares.
"""

import copy
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import (
    EDMDPMSolverMultistepScheduler,
    StableAudioDiTModel,
    StableAudioProjectionModel,
)
from diffusers.models.embeddings import get_1d_rotary_pos_embed
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from generation.training.starter.clock import Clock, cosine, follow, resume, save, set_rate
from generation.training.starter.faster import compiled, muon_and_adam

from .captions import caption, silence
from .formulas import HOP, MAX_SECONDS, MIN_SECONDS, RATE, sound
from .lapped import CHANNELS, directions, latents_of
from .text import WIDTH, states_of
from .wishes import SoundWish, training_sound

FRAMES = round(MAX_SECONDS * RATE) // HOP
HEADS, HEAD = 4, 32
SIGMA_DATA = 0.5
BATCH = 16
WORDY = 0.7
PEAK = 2e-3
PEAK_OF_MORE = 6e-4  # where it has learned before: more would undo much of it first
SILENT, EMPTY = 0.03, 0.1
BANK = 9_000
WEIGHTS = "denoiser.pt"
TRANSFORM = "transform.pt"
SECONDS = (0.8, 1.0, 1.2, 1.5, 1.75, 2.0)


def new_scheduler() -> EDMDPMSolverMultistepScheduler:
    """An ODE: nothing is drawn between the steps, and torchsde is not needed."""
    return EDMDPMSolverMultistepScheduler(
        sigma_min=0.005, sigma_max=40.0, sigma_data=SIGMA_DATA, prediction_type="v_prediction"
    )


class SoundDenoiser(nn.Module):
    """The two networks that train together: the transformer and the reader of seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = StableAudioDiTModel(
            sample_size=FRAMES,
            in_channels=CHANNELS,
            out_channels=CHANNELS,
            num_layers=4,
            attention_head_dim=HEAD,
            num_attention_heads=HEADS,
            num_key_value_attention_heads=HEADS,
            cross_attention_dim=HEADS * HEAD,
            cross_attention_input_dim=WIDTH,
            global_states_input_dim=2 * WIDTH,
            time_proj_dim=128,
        )
        self.projection = StableAudioProjectionModel(
            text_encoder_dim=WIDTH, conditioning_dim=WIDTH, min_value=0, max_value=2
        )
        turns = get_1d_rotary_pos_embed(
            HEAD // 2, FRAMES + 1, use_real=True, repeat_interleave_real=False
        )
        self.rotary = (turns[0], turns[1])

    def forward(
        self, noisy: torch.Tensor, sigma: torch.Tensor, states: torch.Tensor, until: torch.Tensor
    ) -> torch.Tensor:
        held = self.projection(start_seconds=torch.zeros_like(until), end_seconds=until)
        start, end = held.seconds_start_hidden_states, held.seconds_end_hidden_states
        told = torch.cat([states, start, end], dim=1)
        empty = states.abs().amax(dim=(1, 2), keepdim=True) == 0
        scale = (sigma**2 + SIGMA_DATA**2).rsqrt()[:, None, None]
        with torch.autocast("cpu", dtype=torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            said = self.transformer(
                noisy * scale,
                0.25 * sigma.log(),
                encoder_hidden_states=torch.where(empty, 0.0, told),
                global_hidden_states=torch.cat([start, end], dim=2),
                rotary_embedding=self.rotary,
                return_dict=False,
            )[0]
        found: torch.Tensor = said.float()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundBank:
    """Rows of the same index belong together; `there` and `back` are the transform's matrices."""

    latents: torch.Tensor  # (count, CHANNELS, FRAMES) fp16
    seconds: torch.Tensor  # (count,)
    asked: list[SoundWish]
    there: torch.Tensor
    back: torch.Tensor


def drawn(count: int, dice: Random) -> tuple[torch.Tensor, torch.Tensor, list[SoundWish]]:
    """(count, samples) of training sounds, their seconds and what they are."""
    asked = [training_sound(dice) for _ in range(count)]
    seconds = [
        dice.choice(SECONDS) if dice.random() < 0.7 else dice.uniform(MIN_SECONDS, MAX_SECONDS)
        for _ in asked
    ]
    waves = np.stack([sound(a, s, dice) for a, s in zip(asked, seconds, strict=True)])
    return torch.from_numpy(waves), torch.tensor(seconds), asked


def make_bank(work: Path, seed: int = 11) -> SoundBank:
    """The training sounds as latents: a minute of one core."""
    dice = Random(seed)
    if (work / TRANSFORM).exists():
        held = torch.load(work / TRANSFORM, weights_only=True)
        there, back = held["there"], held["back"]
    else:
        there, back = directions(drawn(1_200, Random(seed + 1))[0])
    parts = []
    for _ in range(BANK // 500):
        waves, seconds, asked = drawn(500, dice)
        parts.append((latents_of(waves, there).half(), seconds, asked))
    return SoundBank(
        latents=torch.cat([p[0] for p in parts]),
        seconds=torch.cat([p[1] for p in parts]),
        asked=[a for p in parts for a in p[2]],
        there=there,
        back=back,
    )


def _sigmas(count: int, generator: torch.Generator) -> torch.Tensor:
    """Log-normal, stratified; most of it where words decide, which is where little else is seen."""
    spread = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    normal = torch.special.ndtri(spread.clamp(1e-3, 1 - 1e-3))
    wordy = torch.rand(count, generator=generator) < WORDY
    return torch.where(wordy, 1.2 + 1.1 * normal, -1.0 + 1.7 * normal).exp().clamp(0.004, 45.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A batch: sounds, their seconds, and what is said of each."""

    clean: torch.Tensor
    seconds: torch.Tensor
    states: torch.Tensor
    weights: torch.Tensor  # of mean 1


@torch.no_grad()
def _lesson(
    bank: SoundBank,
    dice: Random,
    generator: torch.Generator,
    tokenizer: T5Tokenizer,
    encoder: T5EncoderModel,
) -> Lesson:
    rows = torch.randint(len(bank.asked), (BATCH,), generator=generator)
    said = [
        silence(dice) if dice.random() < SILENT else caption(bank.asked[row], dice)
        for row in rows.tolist()
    ]
    states = states_of([one.text for one in said], tokenizer, encoder)
    states[torch.rand(BATCH, generator=generator) < EMPTY] = 0
    clean = bank.latents[rows].float()
    return Lesson(clean=clean, seconds=bank.seconds[rows], states=states, weights=_weights(clean))


def _weights(clean: torch.Tensor) -> torch.Tensor:
    """A soft sound's error is heard as much as a loud one's that is so many times larger."""
    loudest = clean.square().mean(dim=1).amax(dim=1)
    weights = (loudest + 0.02).rsqrt()
    return weights / weights.mean()


Guess = Callable[..., torch.Tensor]


def _loss(network: Guess, lesson: Lesson, generator: torch.Generator) -> torch.Tensor:
    """How far v is from what it should be."""
    sigma = _sigmas(len(lesson.clean), generator)
    noise, wide = torch.randn(lesson.clean.shape, generator=generator), sigma[:, None, None]
    guess = network(lesson.clean + wide * noise, sigma, lesson.states, lesson.seconds)
    aim = SIGMA_DATA * noise - wide / SIGMA_DATA * lesson.clean
    off = (guess - aim * (wide**2 + SIGMA_DATA**2).rsqrt()).square()
    loss: torch.Tensor = (off * lesson.weights[:, None, None]).mean()
    return loss


def train_denoiser(work: Path, minutes: float, seed: int = 3) -> None:
    """Trains by the processor's clock; the average goes to work/denoiser.pt all along.

    It goes on from its last checkpoint, or else begins from the weights that are there.
    """
    torch.manual_seed(seed)
    network, peak = SoundDenoiser(), PEAK
    if (work / WEIGHTS).exists():
        peak = PEAK_OF_MORE
        network.load_state_dict(torch.load(work / WEIGHTS, weights_only=True))
    average = copy.deepcopy(network).requires_grad_(False)
    weights = [p for p in network.parameters() if p.requires_grad]
    muon, adam = muon_and_adam(network, "transformer.transformer_blocks.", peak)
    clock = Clock(minutes=minutes, now=time.process_time)
    held = resume(work / "denoiser.ckpt", clock, network, muon)
    if held:
        average.load_state_dict(held["average"])
        adam.load_state_dict(held["adam"])
        peak = held["peak"]
    tokenizer = T5Tokenizer.from_pretrained(work / "tokenizer")
    encoder = T5EncoderModel.from_pretrained(work / "text_encoder", dtype=torch.float32).eval()
    bank = make_bank(work)
    torch.save({"there": bank.there, "back": bank.back}, work / TRANSFORM)
    print(f"bank: {len(bank.asked)} sounds, deviation {bank.latents.float().std():.3f}", flush=True)
    generator, dice = torch.Generator().manual_seed(seed + clock.step), Random(seed + clock.step)
    recent, guess = 0.0, compiled(network.forward)
    while clock.share() < 1:
        for optimizer in (muon, adam):
            set_rate(optimizer, cosine(clock.share(), peak))
        loss = _loss(guess, _lesson(bank, dice, generator, tokenizer, encoder), generator)
        network.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        muon.step()
        adam.step()
        clock.step += 1
        follow(average, network, min(0.998, clock.step / (clock.step + 10)))
        value = float(loss.detach())
        recent += 0.01 * (value - recent) if recent else value
        if clock.step % 50 == 0:
            print(
                f"{time.strftime('%H:%M:%S')} denoiser step {clock.step} "
                f"{clock.elapsed_s() / 60:.1f} min loss {recent:.4f}",
                flush=True,
            )
        if clock.checkpoint_due():
            more = {"average": average.state_dict(), "adam": adam.state_dict()}
            save(work / "denoiser.ckpt", clock, network, muon, peak=peak, **more)
            torch.save(average.state_dict(), work / "denoiser.part")
            os.replace(work / "denoiser.part", work / WEIGHTS)
    torch.save(average.state_dict(), work / WEIGHTS)
    print(f"denoiser done: {clock.step} steps", flush=True)
