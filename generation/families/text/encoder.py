"""Language models as parts of architectures: the names that single files give their tensors.

    model.layers.0 ...   visual.blocks.0 ...     alone, as ComfyUI keeps them
    text_encoders.qwen3_4b.transformer.model.layers.0 ...    in a checkpoint with all its parts

The invariant: however a file spells them, the layout has one name for each of the network's
tensors, and a file without a prefix has that name without it.
"""

from __future__ import annotations

from collections.abc import Callable

from generation.families.architecture import Config, Network, Part, Shapes, Stage, Tokenizer


def encoder(
    network: Network,
    *,
    config: str,
    prefix: str,
    tokenizer: Tokenizer,
    name: str = "text_encoder",
    title: str = "text encoder",
    classes: tuple[str, ...] = (),
    file: str | Callable[[Config], str] = "",
) -> Part:
    """A language model that reads an architecture's prompts.

    `classes`: those that a model_index.json may name beside the network's own; `file`: what one
    that lies alone is usually called.
    """

    level_of_all = prefix.partition(".")[0] + "."  # where ComfyUI keeps tokenizers

    def layout(shapes: Shapes, _config: Config) -> Shapes:
        return {prefix + _spelled(key): shape for key, shape in shapes.items()}

    def spelling(key: str) -> str:
        if not key.startswith(prefix):
            return key
        bare = network.modern(key.removeprefix(prefix))
        return prefix + (bare if bare.startswith(network.harmless) else _spelled(bare))

    def told(shapes: Shapes) -> Config:
        mine = (key for key in shapes if key.startswith(prefix))
        return network.told({network.modern(key.removeprefix(prefix)): shapes[key] for key in mine})

    return Part(
        name=name,
        title=title,
        network=network,
        stage=Stage.ENCODE,
        config=config,
        prefix=prefix,
        layout=layout,
        spelling=spelling,
        told=told,
        spare=lambda _config: tuple(
            level + begin for level in (prefix, level_of_all) for begin in network.harmless
        ),
        classes=(network.name, *classes),
        tokenizer=tokenizer,
        file=file,
    )


def _spelled(key: str) -> str:
    """A tensor's name in files: the layers of a language model are its `model`."""
    if key.startswith("visual."):
        return key
    return f"model.{key.removeprefix('language_model.')}"
