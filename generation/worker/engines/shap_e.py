r"""Shap-E at work: a transformer whose latents are rows of a network's layers, which says a form.

    words -> CLIP's one vector, or a picture -> CLIP's tokens of it
    (noisy latents, timestep, those) -> prior -> the latents themselves
    latents -> layers -> (a point) -> how far the surface is, and its colour

What is not told is all zeros.  CLIP reads 75 tokens of words; what stands behind is not read, as in
the stock pipelines.  Generated layers are never written into the renderer, as the stock pipeline
does: two jobs may use it in turn.  The invariant: latents and mesh have the stock pipelines' bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import RenderFailed
from generation.families.architecture import Config, Stage
from generation.recipe import Recipe, needed
from generation.spans import Surface
from generation.worker.codecs import mesh
from generation.worker.codecs.decoded import Decoded
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import Guided, guided, in_lanes
from generation.worker.parts import Parts
from generation.worker.text.clip import Clip, EncodedWords, Learned

USUAL = Surface(resolution=128)  # the stock pipelines'
_PAD = 0  # the token behind the end, whatever its tokenizer says
SEEN = 256  # tokens of a picture
# Measured (tests/test_activations_of_forms.py): how many of its width each token of the prior keeps
# alive at the worst moment of a call, and each point that the renderer is asked for of its own.
ACTIVATIONS, ASKED = 15, 2.5
# Bytes of a grid's point while its surface is found, and of a point of the surface; and how many of
# these a ball has that fills the grid, for each point of a side of it.
OF_POINTS, OF_SURFACE, BALL = 9, 515, 3.8

Read = Callable[[Parts, Recipe, Sequence[Image]], Tensor]


def words_of(parts: Parts, recipe: Recipe, _pictures: Sequence[Image]) -> Tensor:
    """CLIP's vector of a prompt, with the variance of noise: (1, width)."""
    tokenizer, encoder = parts.tokenizers["text_encoder"], parts["text_encoder"]
    most = tokenizer.model_max_length
    said = tokenizer(
        needed(recipe.words).prompt, truncation=True, max_length=most, verbose=False
    ).input_ids
    ids = torch.tensor([[*said, *[_PAD] * (most - len(said))]], device=encoder.device)
    found: Tensor = encoder(ids).text_embeds
    unit: Tensor = found / torch.linalg.norm(found, dim=-1, keepdim=True)
    return unit


def picture_of(parts: Parts, _recipe: Recipe, pictures: Sequence[Image]) -> Tensor:
    """CLIP's tokens of a picture: (1, tokens, width)."""
    processor, encoder = parts.tokenizers["image_encoder"], parts["image_encoder"]
    pixels = processor(list(pictures[:1]), return_tensors="pt").pixel_values[0].unsqueeze(0)
    seen: Tensor = encoder(pixels.to(dtype=encoder.dtype, device=encoder.device))[
        "last_hidden_state"
    ]
    return seen[:, 1:, :].contiguous()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapE:
    """How its networks draw."""

    read: Read  # what the prior is told

    def scale(self, _parts: Parts) -> int:
        return 1

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        pictures: Sequence[Image],
    ) -> EncodedWords:
        told = self.read(parts, recipe, pictures)
        return EncodedWords(
            context=told, negative=torch.zeros_like(told), pooled=None, negative_pooled=None
        )

    def noise_shape(self, parts: Parts, _recipe: Recipe) -> tuple[int, ...]:
        config = parts["prior"].config
        return 1, config.num_embeddings, config.embedding_dim

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        network, sampling = parts["prior"], needed(recipe.sampling)
        told = in_lanes(given.words.context, given.words.negative, sampling)
        if told.dim() == 2:  # words, which are scaled when nothing is already beside them
            told = math.sqrt(told.shape[1]) * told
        told = told.to(network.dtype)

        def ask(lanes: Tensor, t: Tensor) -> Tensor:
            out = network(
                lanes.to(network.dtype), timestep=t, proj_embedding=told
            ).predicted_image_embedding
            latents: Tensor = out.split(lanes.shape[2], dim=2)[0]  # the rest is a variance
            return latents

        return guided(ask, sampling)

    def encode(self, *_: object) -> NoReturn:
        raise RenderFailed("no picture becomes the latents of a form")

    def look(self, *_: object) -> NoReturn:
        raise RenderFailed("a picture is read as words are, before anything is drawn")

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return self.form(parts, latents, USUAL)

    def form(self, parts: Parts, latents: Tensor, surface: Surface) -> Decoded:
        """The mesh of latents (1, rows, depth), its surface looked for in such a grid."""
        renderer, side = parts["shap_e_renderer"], surface.resolution
        ask = _network(renderer, latents)
        device = latents.device
        box = mesh.Box(
            low=renderer.volume.bbox_min.to(device), high=renderer.volume.bbox_max.to(device)
        )
        field = mesh.in_pieces(
            lambda points: ask(points)[0], mesh.grid_points(box, side), side**3
        ).float()
        mesh.check_surface(field)
        tables = renderer.mesh_decoder
        table = mesh.Table(cases=tables.cases.to(device), masks=tables.masks.to(device))
        vertices, faces = mesh.surface_of(field.reshape((side,) * 3), box, table)
        colours = mesh.in_pieces(
            lambda points: ask(points)[1], mesh.texels(vertices), len(vertices)
        )
        return mesh.to_mesh(vertices, faces, colours[0])

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        match stage:
            case Stage.DENOISE | Stage.REFINE:
                prior = configs["prior"]
                width = _whole(prior, "num_attention_heads") * _whole(prior, "attention_head_dim")
                told = SEEN if "image_encoder" in configs else 1
                tokens = _whole(prior, "num_embeddings") + told + 1
                lanes = needed(recipe.sampling).lanes
                return (ACTIVATIONS * lanes + 1) * width * tokens * itemsize
            case Stage.DECODE:
                side = recipe.form.resolution if recipe.form is not None else USUAL.resolution
                renderer = configs["shap_e_renderer"]
                asked = ASKED * _whole(renderer, "d_hidden") * mesh.PIECE * itemsize
                found = OF_POINTS * (side + 2) ** 3 + OF_SURFACE * BALL * side**2
                return round(_layers(renderer) * itemsize + max(asked + 8 * side**3, found))
            case _:
                return 2**24


def _whole(config: Config, key: str) -> int:
    value = config[key]
    assert isinstance(value, int)  # the catalog looked at it
    return value


def _layers(renderer: Config) -> int:
    """How many numbers latents have, and the layers that are made of them."""
    shapes = renderer["param_shapes"]
    assert isinstance(shapes, Sequence)  # the catalog looked at it
    return sum(rows * (columns + _whole(renderer, "d_latent")) for rows, columns in shapes)


def _network(renderer: Any, latents: Tensor) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """(points (1, count, 3)) -> how far inside they are, and their colours: of one form."""
    from diffusers.pipelines.shap_e.renderer import encode_direction, encode_position

    field = renderer.mlp
    made = renderer.params_proj(latents.to(renderer.dtype))
    layers = [
        (
            made.get(f"nerstf.mlp.{n}.weight", layer.weight[None]).squeeze(0),
            made[key].squeeze(0).reshape(layer.bias.shape)
            if (key := f"nerstf.mlp.{n}.bias") in made
            else layer.bias,
        )
        for n, layer in enumerate(field.mlp)
    ]

    def ask(points: Tensor) -> tuple[Tensor, Tensor]:
        points = points.to(field.dtype)
        h = encode_position(points)
        for n, (weight, bias) in enumerate(layers):
            if n == field.config.insert_direction_at:
                h = torch.cat([h, encode_direction(points)], dim=-1)
            h = torch.nn.functional.linear(h, weight, bias)
            if n < len(layers) - 1:
                h = torch.nn.functional.silu(h)
        return torch.tanh(h[..., 0:1]), torch.sigmoid(h[..., 3:6])

    return ask
