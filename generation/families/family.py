"""The families of models that there are, by name.

A family is recognised by the shape of its weights (its `Architecture`), or named by the model's
card (`atelier.toml` beside the weights), never by a file's name.  Adding one is a row in
`generation/families/rows` and, if its networks are built as no other's, a file beside this one and
an engine (CONTRIBUTING).
"""

from __future__ import annotations

from generation.errors import NoSuchName
from generation.families.architecture import Architecture
from generation.families.model_family import Family
from generation.families.rows import (
    ace_step,
    anima,
    animatediff,
    chroma,
    cogvideox,
    ernie_image,
    flux,
    flux2,
    flux3,
    hidream,
    hunyuan_video,
    krea2,
    longcat_image,
    ltx,
    ltx2,
    lumina2,
    musicgen,
    qwen_image,
    qwen_image_21,
    sana,
    sd3,
    shap_e,
    stable_audio,
    stable_audio_3,
    stable_diffusion,
    wan,
    z_image,
)

FAMILIES: dict[str, Family] = {
    row.name: row
    for rows in (
        stable_diffusion.ROWS,
        animatediff.ROWS,
        sd3.ROWS,
        flux.ROWS,
        flux2.ROWS,
        flux3.ROWS,
        z_image.ROWS,
        ernie_image.ROWS,
        hidream.ROWS,
        sana.ROWS,
        chroma.ROWS,
        qwen_image.ROWS,
        qwen_image_21.ROWS,
        krea2.ROWS,
        anima.ROWS,
        lumina2.ROWS,
        longcat_image.ROWS,
        wan.ROWS,
        ltx.ROWS,
        ltx2.ROWS,
        cogvideox.ROWS,
        hunyuan_video.ROWS,
        shap_e.ROWS,
        ace_step.ROWS,
        musicgen.ROWS,
        stable_audio.ROWS,
        stable_audio_3.ROWS,
    )
    for row in rows
}

ARCHITECTURES: tuple[Architecture, ...] = tuple(
    dict.fromkeys(f.architecture for f in FAMILIES.values())
)


def has_few_words(name: str) -> bool:
    """Whether models of that family have seen few things, and the program knows which."""
    return name in FAMILIES and FAMILIES[name].few_words


def borrowing(usual: Family, medium: str) -> Family | None:
    """The family of that medium which draws with checkpoints of this one."""
    return next((one for one in borrowers(usual) if one.medium == medium), None)


def borrowers(usual: Family) -> tuple[Family, ...]:
    """Those of other media that draw with its checkpoints."""
    others = (one for one in FAMILIES.values() if one.medium != usual.medium)
    return tuple(one for one in others if one.takes("checkpoint", usual))


def family(name: str) -> Family:
    """The family of that name.  Raises NoSuchName."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise NoSuchName("family", name, tuple(FAMILIES)) from None
