"""The autoencoder: clips of 64x64 pixels to 8x8 latents of 16 channels, and back.

Invariant: it is causal, so the first frames' latents do not know of later frames; every channel of
an encoded training clip has mean 0 and deviation 1 once `latents_mean` and `latents_std` of its
config are taken off, as every program that knows Wan does.
"""

import copy
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLWan

from generation.training.starter.clock import Clock, cosine, follow, resume, save, set_rate
from generation.training.starter.vae import reconstruction_loss, to_floats

from .draw import FRAMES, SIDE, draw_clip
from .scenes import MOTIONS, MovingScene, training_clip

CHANNELS = 16
_BESIDE = 12  # the channel behind the colours of a block of 2x2 pixels
BATCH = 4
CROP, CROPS = 32, 8  # pixels of a side: convolutional, so crops teach nearly as well
SHORT = 9  # frames: causal, so short clips teach as well as long ones
FAST = ("spin", "blink")  # changes within a latent frame are the hardest to keep
WHOLE_FROM = 0.75  # share of the time after which whole clips are used
ROUGH_FROM = 0.5
PEAK = 2e-3
KL_WEIGHT = 1e-3  # per latent value, against a mean over pixels


def new_vae(**measured: Any) -> AutoencoderKLWan:
    """1.9 M parameters; pixels come in blocks of 2x2, so the widest convolutions see 32x32."""
    return AutoencoderKLWan(
        base_dim=16,
        z_dim=CHANNELS,
        dim_mult=[1, 2, 4],
        num_res_blocks=1,
        temperal_downsample=[True, True],
        in_channels=12,
        out_channels=12,
        patch_size=2,
        scale_factor_temporal=4,
        scale_factor_spatial=8,
        **measured,
    )


@torch.no_grad()
def begun(vae: AutoencoderKLWan) -> AutoencoderKLWan:
    """The autoencoder before it learns: it hands the mean colour of each block through.

    Every residual branch is silent, a constant beside the colours lets the norms keep how bright
    they are, and the code is almost without noise.  From chance it takes a thousand steps to here.
    """
    for name, weight in vae.named_parameters():
        if ".conv2." in name or ".proj." in name:
            torch.nn.init.zeros_(weight)
    for name, layer in vae.named_modules():
        weight = getattr(layer, "weight", None)
        if isinstance(weight, torch.Tensor) and not name.endswith(
            ("conv1", "conv2", "proj", "qkv")
        ):
            _hand_on(name, weight, layer.bias)
    for half in (vae.encoder, vae.decoder):
        half.conv_in.bias[_BESIDE] = 1.0
        half.norm_out.gamma.fill_(0.25)  # where its activation is nearly straight
        half.conv_out.weight *= 4
        half.conv_out.weight[:, _BESIDE] *= 0.1
    vae.quant_conv.weight[CHANNELS:] = 0.0
    vae.quant_conv.bias[CHANNELS:] = -6.0  # the logarithm of the variance
    return vae


def _hand_on(name: str, weight: torch.Tensor, bias: torch.Tensor) -> None:
    """Adds to a convolution that each channel is handed on, or the mean of what becomes one."""
    weight *= 0.4
    bias.zero_()
    rows, columns = weight.shape[:2]
    for i in range(min(rows, columns)):
        if "down_blocks" in name and name.endswith("time_conv"):
            weight[i, i, 1:] += 0.5
        elif "down_blocks" in name and "resample" in name:
            weight[i, i, :2, :2] += 0.25
        else:
            weight[i, i][tuple(_now(weight))] += 1.0
            if name.endswith("time_conv"):
                weight[columns + i, i, -1] += 1.0


def _now(weight: torch.Tensor) -> list[int]:
    """The tap of a kernel that sees the pixel itself; in time it is the last."""
    sides = weight.shape[2:]
    middle = [side // 2 for side in sides]
    return [sides[0] - 1, *middle[1:]] if len(sides) == 3 else middle


def clips(scenes: list[MovingScene], dice: Random, frames: int = FRAMES) -> torch.Tensor:
    """(count, 3, frames, SIDE, SIDE) uint8."""
    drawn = np.stack([draw_clip(scene, dice, frames) for scene in scenes])
    return torch.from_numpy(drawn).permute(0, 4, 1, 2, 3).contiguous()


def _scenes(count: int, dice: Random) -> list[MovingScene]:
    """Scenes to learn from, a third of them drawn again until they move fast."""
    scenes = [training_clip(dice) for _ in range(count)]
    for i in range(count // 3):
        while scenes[i].motion not in FAST:
            scenes[i] = training_clip(dice)
    return scenes


def _lesson(dice: Random, *, whole: bool) -> torch.Tensor:
    """Clips to learn from: crops of short ones, or whole ones."""
    if whole:
        return clips(_scenes(BATCH, dice), dice)
    drawn = clips(_scenes(CROPS, dice), dice, SHORT)
    corners = [[dice.randrange(0, SIDE - CROP + 1, 8) for _ in range(2)] for _ in drawn]
    cut = [d[..., y : y + CROP, x : x + CROP] for d, (y, x) in zip(drawn, corners, strict=True)]
    return torch.stack(cut)


def _roughened(latent: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Up to a fifth of noise: what a denoiser hands over is never quite a latent of a clip."""
    deviation = latent.detach().std(dim=(0, 2, 3, 4), keepdim=True)
    share = 0.2 * torch.rand(len(latent), 1, 1, 1, 1, generator=generator)
    return latent + share * deviation * torch.randn(latent.shape, generator=generator)


@torch.no_grad()
def psnr(vae: AutoencoderKLWan, batch: torch.Tensor) -> torch.Tensor:
    """Decibels of the reconstruction of each uint8 clip, from the posterior's mean."""
    errors = []
    for real in torch.split(to_floats(batch), 9):
        made = vae.decode(vae.encode(real).latent_dist.mode()).sample
        errors.append((made - real).div(2).square().mean(dim=(1, 2, 3, 4)))
    return -10 * torch.cat(errors).log10()


def _probe() -> torch.Tensor:
    """Two clips of every motion, one after the other."""
    dice = Random(99)
    scenes: list[MovingScene] = []
    while len(scenes) < 2 * len(MOTIONS):
        scene = training_clip(dice)
        if scene.motion == MOTIONS[len(scenes) % len(MOTIONS)]:
            scenes.append(scene)
    return clips(scenes, dice)


def _report(
    name: str, clock: Clock, average: AutoencoderKLWan, probe: torch.Tensor, recent: float
) -> None:
    found = psnr(average, probe).view(2, -1).mean(0)
    each = " ".join(f"{m} {float(f):.1f}" for m, f in zip(MOTIONS, found, strict=True))
    print(
        f"{time.strftime('%H:%M:%S')} {name} step {clock.step} {clock.elapsed_s() / 60:.1f} min "
        f"loss {recent:.4f} psnr {float(found.mean()):.2f} dB: {each}",
        flush=True,
    )


def _loss(
    vae: AutoencoderKLWan, real: torch.Tensor, generator: torch.Generator, *, rough: bool
) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        posterior = vae.encode(real).latent_dist
        latent = posterior.sample(generator)
        made = vae.decode(_roughened(latent, generator) if rough else latent).sample
    loss: torch.Tensor = reconstruction_loss(made.float(), real)
    if not posterior.mean.requires_grad:
        return loss
    nats: torch.Tensor = posterior.kl().mean().float() / posterior.mean[0].numel()
    return loss + KL_WEIGHT * nats


def _start(work: Path, *, decoder_only: bool) -> AutoencoderKLWan:
    if not decoder_only:
        return begun(new_vae())
    vae = load_vae(work)
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    return vae.train()


def train_vae(work: Path, minutes: float, *, decoder_only: bool = False, seed: int = 1) -> None:
    """Trains by the processor's clock; the average goes to work/vae.pt.

    With `decoder_only` the encoder stays as it is there, so latents computed from it keep their
    meaning while the decoder gets better.
    """
    torch.manual_seed(seed)
    name = "decoder" if decoder_only else "vae"
    vae = _start(work, decoder_only=decoder_only)
    average = copy.deepcopy(vae).requires_grad_(False)
    trained = [weight for weight in vae.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=PEAK, weight_decay=1e-4, betas=(0.9, 0.98))
    clock = Clock(minutes=minutes, now=time.process_time)
    held = resume(work / f"{name}.ckpt", clock, vae, optimizer)
    if held:
        average.load_state_dict(held["average"])
    generator = torch.Generator().manual_seed(seed + clock.step)
    dice, probe, recent = Random(seed + clock.step), _probe(), 1.0
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), PEAK))
        real = to_floats(_lesson(dice, whole=decoder_only or clock.share() > WHOLE_FROM))
        loss = _loss(vae, real, generator, rough=decoder_only or clock.share() > ROUGH_FROM)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        clock.step += 1
        follow(average, vae, min(0.99, clock.step / (clock.step + 10)))
        recent += 0.05 * (loss.item() - recent)
        if clock.step % 100 == 0:
            _report(name, clock, average, probe, recent)
        if clock.checkpoint_due():
            save(work / f"{name}.ckpt", clock, vae, optimizer, average=average.state_dict())
    _report(name, clock, average, probe, recent)
    told = _statistics_kept(work) if decoder_only else statistics(average)
    torch.save({"model": average.state_dict(), **told}, work / "vae.pt")


def _statistics_kept(work: Path) -> dict[str, list[float]]:
    held = torch.load(work / "vae.pt", weights_only=True)
    return {name: held[name] for name in ("latents_mean", "latents_std")}


@torch.no_grad()
def encode(vae: AutoencoderKLWan, batch: torch.Tensor) -> torch.Tensor:
    """uint8 clips -> the mean of their latents, not normalised."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mode: torch.Tensor = vae.encode(to_floats(batch)).latent_dist.mode()
    return mode.float()


@torch.no_grad()
def statistics(vae: AutoencoderKLWan, count: int = 300, seed: int = 3) -> dict[str, list[float]]:
    """Mean and deviation of each latent channel over training clips, for the config."""
    dice = Random(seed)
    parts = [
        encode(vae, clips([training_clip(dice) for _ in range(10)], dice))
        for _ in range(count // 10)
    ]
    latents = torch.cat(parts)
    return {
        "latents_mean": latents.mean(dim=(0, 2, 3, 4)).tolist(),
        "latents_std": latents.std(dim=(0, 2, 3, 4)).tolist(),
    }


def load_vae(work: Path) -> AutoencoderKLWan:
    """The trained autoencoder, its measured statistics in its config."""
    held = torch.load(work / "vae.pt", weights_only=True)
    vae = new_vae(latents_mean=held["latents_mean"], latents_std=held["latents_std"])
    vae.load_state_dict(held["model"])
    return vae.eval()


def normalised(vae: AutoencoderKLWan, latents: torch.Tensor) -> torch.Tensor:
    """Latents as the denoiser sees them."""
    shape = (1, CHANNELS, 1, 1, 1)
    mean = torch.tensor(vae.config.latents_mean).view(shape)
    return (latents - mean) / torch.tensor(vae.config.latents_std).view(shape)
