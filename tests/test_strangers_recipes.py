"""A recipe that a stranger wrote into a PNG passes the gates that everybody's wishes pass."""

from __future__ import annotations

import io
import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.app import App
from bot.pages.apologies import apology_for
from generation.draft import MAX_ADAPTERS, complete
from generation.errors import NoSuchName, NotPresent, OutOfRange, Unacceptable
from generation.families.family import FAMILIES
from generation.limits import Present, for_somebody
from generation.recipe import Adapter, Input, Precision, Recipe, Weights, dump, parse
from generation.samplers import SAMPLERS, SCHEDULERS
from generation.tasks import Task
from prompting.errors import Declined
from tests.given.apps import a_studio, a_wish, an_app
from tests.given.builders import a_digest, a_draft, a_model, a_recipe, changed, first_of, needed_by

OURS = Weights(name="starter", sha256=a_digest())
LORA = Weights(name="ink", sha256=a_digest("b"))
OTHER = Weights(name="other", sha256=a_digest("c"))
VAE = Weights(name="soft", sha256=a_digest("d"))
HERE = {
    OURS.sha256: Present(kind="checkpoint", weights=OURS, family="starter"),
    LORA.sha256: Present(kind="lora", weights=LORA, family="starter"),
    OTHER.sha256: Present(kind="lora", weights=OTHER, family="sdxl"),
    VAE.sha256: Present(kind="vae", weights=VAE, family=""),
}
START = Input(role="init", sha256=a_digest("e"), fit="cover")


def an_adapter(weights: Weights = LORA, **changes: Any) -> Adapter:
    return Adapter(
        **{"kind": "lora", "weights": weights, "strength": 0.8, "control": None, **changes}
    )


def levels(first: float, steps: int = 4) -> dict[str, Any]:
    return {"steps": steps, "sigmas": tuple(first * (1 - n / steps) for n in range(steps + 1))}


def test_an_input_that_is_another_tasks_makes_no_recipe() -> None:
    with pytest.raises(OutOfRange, match="inputs"):
        changed(a_recipe(), task=Task.IMAGE_TO_IMAGE, inputs=(START, replace(START, role="mask")))


@pytest.mark.parametrize(
    "change",
    [
        {"family": "../x"},
        {"family": "sdxl"},
        {"prompt": "a" * 6001},
        {"negative_prompt": "a" * 6001},
        {"syntax": "x"},
        {"sampler": "__class__"},
        {"scheduler": "`**x**"},
        {"checkpoint": Weights(name="starter", sha256=a_digest("f"))},
        {"checkpoint": LORA},
        {"vae": Weights(name="soft", sha256=a_digest("f"))},
        {"vae": OURS},
        {"width": 16_384, "height": 16_384},
        {"width": 1024},
        {"width": 8, "height": 8},
        {"width": 100},
        {"clip_skip": 4},
        levels(1000.0),
        levels(14.0, 1000),
        {"sigmas": (9.0, 9.0, 2.0, 1.0, 0.0)},
        {"sigmas": (9.0, 5.0, 2.0, 1.0, 0.5)},
        {"sigmas": (0.0, 0.0, 0.0, 0.0, 0.0)},
        {"denoise": 0.5},
        {"adapters": (an_adapter(OTHER),)},
        {"adapters": (an_adapter(Weights(name="x", sha256=a_digest("f"))),)},
        {"adapters": (an_adapter(OURS),)},
        {"adapters": (an_adapter(kind="../x"),)},
        {"adapters": (an_adapter(),) * (MAX_ADAPTERS + 1)},
        {"adapters": (an_adapter(),) * 8000},
        {"task": Task.IMAGE_TO_IMAGE, "inputs": (START, START)},
        {"task": Task.IMAGE_TO_IMAGE, "inputs": (replace(START, fit="../x"),)},
        {"task": Task.IMAGE_TO_IMAGE, "inputs": (START, replace(START, role="control"))},
        {"inputs": (replace(START, role="control"),)},
        {"task": Task.IMAGE_TO_IMAGE, "inputs": (START,), "denoise": 0.0},
    ],
    ids=lambda change: str(change)[:60],
)
def test_what_could_not_be_asked_for_here_is_refused_in_a_sentence(change: dict[str, Any]) -> None:
    recipe = changed(a_recipe(checkpoint=OURS, sigmas=(9.0, 5.0, 2.0, 1.0, 0.0)), **change)
    with pytest.raises(Unacceptable) as refused:
        for_somebody(recipe, HERE)
    assert len(apology_for(refused.value)) < 500


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_what_can_be_asked_for_here_may_come_back_from_a_file(family: str, scheduler: str) -> None:
    model = a_model(family=family)
    here = {model.weights.sha256: Present(kind="checkpoint", weights=OURS, family=family)}
    for part in model.adapters:
        its = Present(kind=part.kind, weights=part.weights, family=family)
        here[part.weights.sha256] = its
    over = Task.IMAGE_TO_IMAGE in FAMILIES[family].tasks
    # What a sampler adds to a recipe is whether it skips a level.
    for sampler in SAMPLERS if family == "starter" else ("euler", "dpm_2"):
        for steps, denoise in ((1, 1.0), (20, 0.6), (145, 1.0), (150, 0.01)):
            draft = a_draft(
                prompt="a" * 6000,
                task=None if denoise < 1 and over else first_of(FAMILIES[family]),
                negative_prompt="b",
                steps=steps,
                sampler=sampler,
                scheduler=scheduler,
                denoise=denoise,
                inputs=(START,) if denoise < 1 and over else needed_by(FAMILIES[family]),
            )
            recipe = complete(draft, model, seed=1, device="cpu")
            assert for_somebody(parse(dump(recipe)), here).id == recipe.id


def test_a_recipe_that_may_be_drawn_carries_our_names() -> None:
    evil = "x`\n# FREE NITRO [click here](https://evil.example)\n@everyone"
    recipe = a_recipe(
        checkpoint=Weights(name=evil, sha256=OURS.sha256),
        vae=Weights(name=evil, sha256=VAE.sha256),
        adapters=(an_adapter(Weights(name=evil, sha256=LORA.sha256)),),
    )
    mine = for_somebody(recipe, HERE)
    assert (mine.checkpoint, mine.vae, mine.adapters[0].weights) == (OURS, VAE, LORA)
    assert mine.id == recipe.id


def test_one_lora_may_stand_in_a_recipe_twice_as_in_a_wish() -> None:
    twice = (an_adapter(), an_adapter(strength=0.2))
    recipe = a_recipe(checkpoint=OURS, sigmas=(9.0, 5.0, 2.0, 1.0, 0.0), adapters=twice)
    assert for_somebody(recipe, HERE).adapters == twice


def spelled(**changes: Any) -> str:
    return json.dumps({**json.loads(dump(a_recipe())), **changes})


def weights(name: Any) -> dict[str, Any]:
    return {"name": name, "sha256": "a" * 64}


@pytest.mark.parametrize(
    "text",
    [
        spelled(prompt="a " * 450_000),
        spelled(negative_prompt="a " * 450_000),
        spelled(prompt="\ud800"),
        spelled(negative_prompt="x\udfff"),
        spelled(checkpoint=weights("\ud800")),
        spelled(checkpoint=weights(["x"])),
        spelled(checkpoint=weights({"a": 1})),
        spelled(checkpoint=weights(None)),
        spelled(checkpoint=weights("x" * 900_000)),
        spelled(checkpoint={**weights("x"), "more": 1}),
        spelled(vae=weights(7)),
        spelled(sampler="x" * 900_000),
        spelled(family=["starter"]),
        spelled(syntax=None),
        spelled(seed=2**64),
        spelled(seed=10**4000),
        spelled(width=2**70),
        spelled(steps=10**30),
        spelled(cfg=10**400),
        spelled(denoise=True),
        spelled(adapters=[{"kind": ["lora"], "weights": weights("x"), "strength": 1.0}]),
        spelled(adapters=[{"kind": "lora", "weights": weights("x"), "strength": 1e308}]),
        spelled(adapters=[{"kind": "lora", "weights": weights(["x"]), "strength": 1.0}]),
        spelled(adapters="lora"),
        spelled(inputs=[{"role": {}, "sha256": "a" * 64, "fit": "cover"}]),
        spelled(inputs=[{"role": "init", "sha256": "a" * 64, "fit": ["cover"]}]),
        spelled(inputs=[{"role": "init", "sha256": 7, "fit": "cover"}]),
        spelled(sigmas=[1.0] * 100_000),
        spelled(sigmas=[4.0, 3.0, 2.0, "1.0", 0.0]),
        spelled(sigmas={"0": 1.0}),
        spelled(task=["text-to-image"]),
        spelled(precision="fp8"),
        spelled(format=["r1"]),
        spelled(SECRET=1),
    ],
    ids=lambda text: text[:40],
)
def test_every_field_has_its_type_length_and_range(text: str) -> None:
    with pytest.raises(OutOfRange) as refused:
        parse(text)
    assert "SECRET" not in str(refused.value)
    assert len(str(refused.value)) < 200
    assert len(apology_for(refused.value)) < 400


def test_what_was_kept_before_is_read_for_ever() -> None:
    """Nobody looked at names and lengths then, and a bot must start with what it has."""
    assert parse(spelled(prompt="a " * 30_000), kept=True).prompt == "a " * 30_000
    assert parse(spelled(checkpoint=weights(["x"])), kept=True).checkpoint.name == "['x']"


def test_errors_keep_the_words_of_people_out_of_the_log() -> None:
    secret = "MY SECRET WISH 12"
    errors = [
        OutOfRange("size", secret, "such as 512x512"),
        OutOfRange("prompt", [secret], "a text"),
        OutOfRange("field", {secret: 1}, "known"),
        NoSuchName("sampler", secret, ("euler",)),
        NotPresent("checkpoint", secret, a_digest()),
    ]
    for error in errors:
        assert "SECRET" not in str(error)
        assert "SECRET" not in repr(error.args)
    assert "512x1" in str(OutOfRange("size", "512x1", "such as 512x512"))
    endless = OutOfRange("seed", 10**5000, "less")  # Python does not even spell it
    assert "beyond 64 bits" in str(endless)
    assert "beyond 64 bits" in apology_for(endless)


# --- through the bot -----------------------------------------------------------------------------


def a_file(recipe: Recipe) -> bytes:
    """A PNG of any pixels that carries this recipe."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 9, 9)).save(out, "PNG")
    plain = out.getvalue()
    data = b"iTXt" + b"atelier\0\0\0\0\0" + dump(recipe).encode()
    piece = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return plain[:33] + piece + plain[33:]


def drawable(app: App, **changes: Any) -> Recipe:
    """A recipe of the model that is here."""
    (entry,) = (e for e in app.catalog.models() if e.name == "tiny")
    whole = complete(a_draft(prompt="a red flower"), entry.model, seed=1, device="cpu")
    return changed(whole, **changes)


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
async def test_the_word_policy_reads_recipes_too(tmp_path: Path, field: str) -> None:
    async with an_app(tmp_path, forbidden_words=("nude",)) as app:
        recipe = drawable(app, **{field: "a nud3 person"})
        with pytest.raises(Declined):
            await app.studio.requests.reproduce_file(recipe, a_digest(), a_wish().origin)


async def test_a_file_is_drawn_or_refused_and_never_quoted(tmp_path: Path) -> None:
    async with a_studio(tmp_path, forbidden_words=("nude",)) as studio:
        ann, app = studio.world.ann, studio.app
        evil = Weights(
            name="x`\n# FREE [click](https://evil.example)",
            sha256=drawable(app).checkpoint.sha256,
        )
        await ann.command("reproduce", file=("a.png", a_file(drawable(app, checkpoint=evil))))
        shown = await ann.sees(lambda m: m.attachments)
        assert "FREE" not in shown.content
        gone = Weights(name="`gone`\n# FREE", sha256=a_digest("f"))
        for recipe, said in (
            (drawable(app, prompt="a nude person"), "not drawn on this server"),
            (drawable(app, width=16_384, height=16_384), "size must be"),
            (drawable(app, sampler="`**x**"), "no sampler"),
            (drawable(app, checkpoint=gone), "is not here"),
        ):
            await ann.command("reproduce", file=("a.png", a_file(recipe)))
            refused = await ann.sees(said)
            assert "\n# FREE" not in refused.content
        assert len(studio.worker.orders) == 1


async def test_one_job_is_held_against_the_persons_limit(tmp_path: Path) -> None:
    async with a_studio(tmp_path, max_seconds_per_person=0.5) as studio:
        recipe = drawable(studio.app, precision=Precision.FP32)
        await studio.world.ann.command("reproduce", file=("a.png", a_file(recipe)))
        refused = await studio.world.ann.sees("for one picture")
        assert "0 s at most" in refused.content or "1 s at most" in refused.content
        assert not studio.worker.orders
