"""Shap-E: forms of words, or of a picture; its parts, and how its folders are told.

    prior             the denoiser: latents that are rows of a small network's layers
    shap_e_renderer   that network, which says of each point how far the surface is, and its colour
    text_encoder      CLIP, whose one vector says the words
    image_encoder     or CLIP's that looks at a picture, in the edition for pictures

It is published in folders alone.  A single file of one has its parts' tensors behind their folders'
names.  The sample itself is predicted, under noise whose signal falls evenly by its logarithm; a
scheduler's config says whether it has bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generation.errors import UnusableWeights
from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
    Tokenizer,
    Trained,
)
from generation.families.builds import shap_e
from generation.families.laid import in_folder, laid
from generation.families.networks import PROJECTED_CLIP, clip_tokenizer
from generation.sigmas import EXPONENTIAL
from generation.tasks import MESH, Task

PRIOR = Network(
    module="diffusers.models.transformers.prior_transformer",
    name="PriorTransformer",
    weights="diffusion_pytorch_model",
    tensors=shap_e.prior,
    settings=frozenset(shap_e.USUAL_PRIOR),
    only={"encoder_hid_proj_type": (None,), "added_emb_type": (None,)},
)
RENDERER = Network(
    module="diffusers.pipelines.shap_e.renderer",
    name="ShapERenderer",
    weights="diffusion_pytorch_model",
    tensors=shap_e.renderer,
    settings=frozenset(shap_e.USUAL_RENDERER),
    only={"act_fn": ("swish", None)},
    tables=shap_e.TABLES,
)
SIGHT = Network(
    module="transformers.models.clip.modeling_clip",
    name="CLIPVisionModel",
    weights="model",
    tensors=shap_e.vision,
    settings=None,
    modern=lambda key: key.removeprefix("vision_model."),
)
PROCESSOR = Tokenizer(
    name="image_processor",
    module="transformers.models.clip.image_processing_pil_clip",
    # The first does without torchvision what the others do with it.
    classes=("CLIPImageProcessorPil", "CLIPImageProcessor", "CLIPFeatureExtractor"),
    padding="",
)

HEUN = "HeunDiscreteScheduler"
_READ: Mapping[str, tuple[object, ...]] = {
    "beta_schedule": ("exp",),
    "num_train_timesteps": (1024,),
    "prediction_type": ("sample",),
    "trained_betas": (None,),
    "timestep_spacing": ("linspace", "trailing", None),
}
# They choose among spacings, which a recipe says itself, or say betas that the schedule has not.
_HARMLESS = frozenset(
    (
        *("beta_start", "beta_end", "clip_sample", "clip_sample_range", "steps_offset"),
        *("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"),
    )
)


def of_exponential(config: Config, name: str) -> Trained:
    """What Shap-E's scheduler says.  Raises UnusableWeights."""
    if (called := config.get("_class_name", HEUN)) != HEUN:
        raise UnusableWeights(name, f"its scheduler is {called!r:.60}, not supported yet")
    for key, value in config.items():
        if not (key.startswith("_") or key in _HARMLESS or key in _READ):
            raise UnusableWeights(name, f"its scheduler's setting {key:.60} is not known here")
        if key in _READ and value not in _READ[key]:
            raise UnusableWeights(name, f"its scheduler's {key} is {value!r:.60}")
    for key in ("beta_schedule", "num_train_timesteps", "prediction_type"):
        if key not in config:
            raise UnusableWeights(name, f"its scheduler does not say its {key}")
    bound = config.get("clip_sample_range", 1.0) if config.get("clip_sample") else None
    if bound is None:
        return Trained(prediction="sample", noise=EXPONENTIAL)
    if not isinstance(bound, int | float) or not 0 < bound < 1000:
        raise UnusableWeights(name, f"its scheduler's clip_sample_range is {bound!r:.60}")
    return Trained(prediction=f"sample@{float(bound)!r}", noise=EXPONENTIAL)


def _part(
    name: str,
    network: Network,
    stage: Stage,
    config: str,
    *,
    title: str = "",
    tokenizer: Tokenizer | None = None,
    settings: Mapping[str, tuple[object, ...]] | None = None,
) -> Part:
    return Part(
        name=name,
        title=title or name.replace("_", " "),
        network=network,
        stage=stage,
        config=config,
        prefix=f"{name}.",
        layout=laid(in_folder(name)),
        lies=in_folder(name),
        apart=False,
        tokenizer=tokenizer,
        settings=settings or {},
    )


def _recognise(norm: str | None) -> Callable[[Shapes], bool]:
    """As a folder's config tells it; others of its class have one token more."""
    return lambda shapes: (
        "prior.proj_to_clip_embeddings.weight" in shapes
        and "prior.prd_embedding" not in shapes
        and ("prior.embedding_proj_norm.weight" in shapes) is (norm is not None)
    )


def _configured(norm: str | None) -> Callable[[Config], bool]:
    """What reads a picture's tokens norms them first."""
    return lambda config: (
        config.get("_class_name") == PRIOR.name
        and config.get("embedding_proj_norm_type") == norm
        and config.get("added_emb_type", "") is None
    )


_NOISE = Noise(
    levels=EXPONENTIAL, prediction="sample", schedulers=frozenset({HEUN}), read=of_exponential
)
_RENDERER = _part("shap_e_renderer", RENDERER, Stage.DECODE, "shap-e/renderer", title="renderer")

SHAP_E = Architecture(
    name="shap-e",
    family="shap-e",
    medium=MESH,
    parts=(
        _part("prior", PRIOR, Stage.DENOISE, "shap-e/prior"),
        _RENDERER,
        _part(
            "text_encoder",
            PROJECTED_CLIP,
            Stage.ENCODE,
            "sd3/text_encoder",
            tokenizer=clip_tokenizer("tokenizer", "!"),
        ),
    ),
    recognise=_recognise(None),
    recognise_folder=_configured(None),
    pipelines="ShapEPipeline",
    noise=_NOISE,
    tasks=frozenset({Task.TEXT_TO_3D}),
    grid=1,
    latent_channels=1024,
    work=lambda _: 1.0,  # its latents are as many, whatever is asked for
)

SHAP_E_IMAGE = Architecture(
    name="shap-e-image",
    family="shap-e-image",
    medium=MESH,
    parts=(
        _part("prior", PRIOR, Stage.DENOISE, "shap-e-image/prior"),
        _RENDERER,
        _part(
            "image_encoder",
            SIGHT,
            Stage.ENCODE,
            "shap-e-image/image_encoder",
            tokenizer=PROCESSOR,
        ),
    ),
    recognise=_recognise("layer"),
    recognise_folder=_configured("layer"),
    pipelines="ShapEImg2ImgPipeline",
    noise=_NOISE,
    tasks=frozenset({Task.IMAGE_TO_3D}),
    grid=1,
    latent_channels=1024,
    work=lambda _: 1.0,  # its latents are as many, whatever is asked for
)
