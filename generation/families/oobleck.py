"""Oobleck, the VAE of Stable Audio and ACE-Step, as a part of their models."""

from __future__ import annotations

from generation.families.architecture import Config, Network, Part, Shapes, Stage
from generation.families.builds import oobleck as build
from generation.families.laid import under

OOBLECK = Network(
    module="diffusers.models.autoencoders.autoencoder_oobleck",
    name="AutoencoderOobleck",
    weights="diffusion_pytorch_model",
    tensors=build.tensors,
    settings=frozenset(build.USUAL),
)


def oobleck_part(config: str, prefix: str, file: str) -> Part:
    """The VAE of an architecture, whose published config lies in that folder.

    `file`: what one that lies alone is usually called.
    """

    def layout(shapes: Shapes, _config: Config) -> Shapes:
        return {prefix + key: shape for key, shape in shapes.items()}

    def told(shapes: Shapes) -> Config:
        return build.told(under(prefix, shapes))

    return Part(
        name="vae",
        title="VAE",
        network=OOBLECK,
        stage=Stage.DECODE,
        config=config,
        prefix=prefix,
        layout=layout,
        told=told,
        file=file,
    )
