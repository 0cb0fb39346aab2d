"""A lapped transform in the shape of an Oobleck autoencoder: nothing of it is trained.

Invariant: encoder and decoder are linear, and each the other's inverse but for what is dropped.
Two stages of a cosine transform with a sine window split a sound into BANDS, exactly; the CHANNELS
directions in which the taught sounds vary most are the latents.

Snake(x) is x + sin(a x)^2 / b: with a = e^-16 it hands its input on, and a residual unit whose last
convolution has no gain does too.
"""

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderOobleck
from torch import nn

from .formulas import HOP, RATE

RATIOS = (8, 16)

BANDS = HOP
CHANNELS = 48
SILENT_ALPHA = -16.0

Matrix = npt.NDArray[np.float64]


def cosines(bands: int) -> Matrix:
    """(bands, 2 * bands): an orthonormal lapped transform whose hop is `bands`."""
    place, band = np.arange(2 * bands), np.arange(bands)[:, None]
    window = np.sin(np.pi * (place + 0.5) / (2 * bands))
    angle = np.pi / bands * (place + 0.5 + bands / 2) * (band + 0.5)
    cosine: Matrix = window * np.sqrt(2 / bands) * np.cos(angle)
    return cosine


def new_autoencoder() -> AutoencoderOobleck:
    """8 kHz, one channel, 62.5 latents of 48 numbers a second."""
    return AutoencoderOobleck(
        encoder_hidden_size=2 * CHANNELS,
        downsampling_ratios=list(RATIOS),
        channel_multiples=[1, 2],
        decoder_channels=64,
        decoder_input_channels=CHANNELS,
        audio_channels=1,
        sampling_rate=RATE,
    )


def _set(layer: nn.Module, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
    """Gives a weight-normalised layer this weight; a row of noughts keeps a direction, no gain."""
    gain = weight.flatten(1).norm(dim=1)
    direction = weight.clone()
    direction[gain == 0] = 1.0
    layer.weight_g.data.copy_(gain.reshape(layer.weight_g.shape))  # type: ignore[operator]
    layer.weight_v.data.copy_(direction)  # type: ignore[operator]
    if isinstance(layer.bias, nn.Parameter):
        layer.bias.data.copy_(torch.zeros(len(layer.bias)) if bias is None else bias)


def _quiet(network: nn.Module) -> None:
    """Every Snake hands on, every residual unit adds nothing."""
    for name, module in network.named_modules():
        if hasattr(module, "alpha"):
            module.alpha.data.fill_(SILENT_ALPHA)
        if name.split(".")[-1].startswith("res_unit"):
            module.conv2.weight_g.data.zero_()
            module.conv2.bias.data.zero_()


def _stages() -> tuple[torch.Tensor, torch.Tensor]:
    """The weights (8, 1, 16) and (128, 8, 32): band k of stage one splits into 16 of its own."""
    first = torch.from_numpy(cosines(RATIOS[0])).float().unsqueeze(1)
    own = torch.from_numpy(cosines(RATIOS[1])).float()
    second = torch.zeros(BANDS, RATIOS[0], 2 * RATIOS[1])
    for k in range(RATIOS[0]):
        second[k * RATIOS[1] : (k + 1) * RATIOS[1], k] = own
    return first, second


@torch.no_grad()
def bands_of(waves: torch.Tensor) -> torch.Tensor:
    """(count, samples) -> (count, BANDS, samples / HOP), exactly invertible but for the edges."""
    first, second = _stages()
    held = nn.functional.conv1d(waves.unsqueeze(1), first, stride=RATIOS[0], padding=RATIOS[0] // 2)
    return nn.functional.conv1d(held, second, stride=RATIOS[1], padding=RATIOS[1] // 2)


def directions(waves: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(CHANNELS, BANDS) to the latents and (BANDS, CHANNELS) back, half whitened, variance 1."""
    held = bands_of(waves / waves.abs().amax(dim=1, keepdim=True))
    flat = held.transpose(1, 2).reshape(-1, BANDS).double()
    values, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))
    values, vectors = values.flip(0)[:CHANNELS], vectors.flip(1)[:, :CHANNELS]
    scale = values.clamp_min(1e-9) ** -0.25
    scale = scale / (values * scale**2).mean().sqrt()
    there = (scale[:, None] * vectors.T).float()
    return there, (vectors / scale).float()


@torch.no_grad()
def laid_out(there: torch.Tensor, back: torch.Tensor) -> AutoencoderOobleck:
    """The autoencoder that is this transform."""
    vae = new_autoencoder()
    encoder, decoder = vae.encoder, vae.decoder
    _quiet(encoder)
    _quiet(decoder)
    first, second = _stages()
    weight = torch.zeros_like(encoder.conv1.weight_v)
    weight[0, 0, 3] = 1.0
    _set(encoder.conv1, weight)
    weight = torch.zeros_like(encoder.block[0].conv1.weight_v)
    weight[: RATIOS[0], :1] = first
    _set(encoder.block[0].conv1, weight)
    weight = torch.zeros_like(encoder.block[1].conv1.weight_v)
    weight[:BANDS, : RATIOS[0]] = second
    _set(encoder.block[1].conv1, weight)
    weight = torch.zeros_like(encoder.conv2.weight_v)
    weight[:CHANNELS, :BANDS, 1] = there
    bias = torch.zeros(2 * CHANNELS)
    bias[CHANNELS:] = -12.0  # the deviation: softplus(-12) + 1e-4
    _set(encoder.conv2, weight, bias)
    weight = torch.zeros_like(decoder.conv1.weight_v)
    weight[:BANDS, :, 3] = back
    _set(decoder.conv1, weight)
    weight = torch.zeros_like(decoder.block[0].conv_t1.weight_v)
    weight[:BANDS, : RATIOS[0]] = second
    _set(decoder.block[0].conv_t1, weight)
    weight = torch.zeros_like(decoder.block[1].conv_t1.weight_v)
    weight[: RATIOS[0], :1] = first
    _set(decoder.block[1].conv_t1, weight)
    weight = torch.zeros_like(decoder.conv2.weight_v)
    weight[0, 0, 3] = 1.0
    _set(decoder.conv2, weight)
    return vae


@torch.no_grad()
def read_out(vae: AutoencoderOobleck) -> tuple[torch.Tensor, torch.Tensor]:
    """The matrices that `laid_out` was given, as `directions` gives them.

    Others of the same sounds may point the other way, and a denoiser knows only its own.
    """
    ways, back = (
        layer.weight_g * layer.weight_v / layer.weight_v.flatten(1).norm(dim=1)[:, None, None]
        for layer in (vae.encoder.conv2, vae.decoder.conv1)
    )
    return ways[:CHANNELS, :BANDS, 1].clone(), back[:BANDS, :, 3].clone()


def latents_of(waves: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """(count, CHANNELS, frames): what the encoder says, without its empty units."""
    return torch.einsum("kb,nbt->nkt", there, bands_of(waves))
