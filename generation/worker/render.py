"""render(recipe) -> pixels, in three exact stages: encode, denoise, decode.

Every random number comes from one CPU generator, seeded with the recipe's seed and used in this
order: (1) what the task draws to begin (image-to-image: the VAE's posterior), (2) the noise of the
start, (3) what the sampler draws per step, (4) the noise that some films are decoded with; or,
where tokens are written, (1) and each of these in their order.  A second pass has (1) to (3) anew
before (4).  A variation has a generator of its own, of which the start alone takes some noise: the
steps' stays the seed's, so that strength 0 is the same picture and little strength a similar one
under every sampler.  Nothing reads or moves torch's global generators.

How a task begins and ends is in `generation.worker.tasks`, how networks do it is their engine's
(`generation.worker.engines`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor

from generation.enlarging import of_a_piece
from generation.errors import MissingWeights, NotMadeFor, OutOfRange, RenderFailed
from generation.families.architecture import Stage
from generation.picture import DECODED_AGAIN
from generation.recipe import Recipe, Sha256, Weights, needed
from generation.sigmas import ZERO_SNR
from generation.two_passes import lacking, passes
from generation.worker import pulse
from generation.worker.engines.engine import DrawingOn, Given, OnStep, Throwing, Writing
from generation.worker.model import Model
from generation.worker.sampling.preconditioned import denoiser
from generation.worker.sampling.samplers import sample
from generation.worker.sampling.variations import varied
from generation.worker.steering import Controls, Steering
from generation.worker.tasks.control import control_of, steering_of
from generation.worker.tasks.table import TASKS
from generation.worker.tasks.task import Begun, Bench, Locate, Pieces, Stays, TaskWork
from generation.worker.text.clip import EncodedWords, Learned

Remembered = Callable[[Callable[[], EncodedWords]], EncodedWords]

# Ten times what /imagine takes.  Beyond, it would be read for as long as somebody likes.
MAX_LETTERS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """The result, before it is a file."""

    content: bytes  # as the medium writes it; of images RGB, row by row
    latents_sha256: Sha256
    remark: str = ""  # what belongs to the picture's environment: it was decoded again in fp32


def _anew(encode: Callable[[], EncodedWords]) -> EncodedWords:
    return encode()


def _nowhere(weights: Weights) -> Path:
    raise MissingWeights(weights.name, weights.sha256)


def render(
    recipe: Recipe,
    inputs: Sequence[bytes],
    model: Model,
    *,
    on_step: OnStep,
    at: Callable[[Stage], None] = lambda _: None,
    learned: Sequence[Learned] = (),
    remembered: Remembered = _anew,
    locate: Locate = _nowhere,
    passing: Callable[[Recipe], None] = lambda _: None,
) -> Rendition:
    """Draw.  `on_step(done, total, x0)` is called after each step; it may wait, and may raise.

    `at` is called before the parts of a stage are needed, and has them on the device; `remembered`
    is given what encodes the words, and may know what comes of it; `locate` knows where files lie;
    `passing` is called before each pass of several with its recipe, whose LoRAs it switches on.
    """
    _check_size(recipe, model)
    if recipe.second is not None and not model.at(Stage.ENLARGE):
        raise lacking(recipe.checkpoint.name, model.architecture)
    generator = torch.Generator("cpu").manual_seed(recipe.seed)
    work = TASKS[recipe.task]
    bench = Bench(
        recipe=recipe,
        inputs=inputs,
        model=model,
        generator=generator,
        locate=locate,
        at=at,
        on_step=on_step,
    )

    def encode() -> EncodedWords:
        at(Stage.ENCODE)
        return read_words(recipe, model, learned, bench.references())

    each_pass = _each_pass(bench, passing)
    with torch.inference_mode():
        begun = next(each_pass)  # with the LoRAs by which its words are read
        pulse.stage("words")
        words = remembered(encode) if recipe.words is not None else None
        drawn: _Drawn | None = None
        for each in chain((begun,), each_pass):
            drawn = _drawn(each, work, words, drawn)
        latents, stays = needed(drawn).latents, needed(drawn).stays
        pulse.stage("decode")
        at(Stage.DECODE)
        decoded = work.finish(bench, latents)
        if stays is not None:
            decoded = stays.around(decoded)
    return Rendition(
        content=decoded.content,
        latents_sha256=latents_sha256(latents),
        remark=DECODED_AGAIN if decoded.again else "",
    )


def _each_pass(bench: Bench, passing: Callable[[Recipe], None]) -> Iterator[Bench]:
    """The bench of each pass, whose steps are some of all."""
    each = passes(bench.recipe)
    if len(each) == 1:
        yield bench
        return
    counts = [needed(recipe.sampling).steps for recipe in each]
    for number, recipe in enumerate(each):
        passing(recipe)
        stepped = partial(_counted, bench.on_step, sum(counts[:number]), sum(counts))
        yield replace(bench, recipe=recipe, on_step=stepped)


def _counted(
    on_step: OnStep, before: int, total: int, done: int, _each: int, x0: Tensor | None
) -> None:
    on_step(before + done, total, x0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """What a pass leaves."""

    recipe: Recipe  # of that pass
    latents: Tensor
    stays: Stays | None  # pixels that are not drawn


def _drawn(
    bench: Bench, work: TaskWork, words: EncodedWords | None, before: _Drawn | None
) -> _Drawn:
    """One pass, on from the latents of the one before.  Raises RenderFailed."""
    recipe = bench.recipe
    pulse.stage("picture")
    if recipe.inputs:
        bench.at(Stage.DECODE)
    control, steering = control_of(bench), steering_of(bench)
    begun = work.begin(bench)
    if control is not None:
        begun = replace(begun, extra=control)
    if before is not None:
        begun = _begun_again(bench, begun, before)
    pulse.stage("steps")
    pulse.rest()
    if recipe.sampling is None:
        latents = needed(begun.init)
    else:
        latents = _stepped_through(bench, begun, needed(words), steering)
    _check_numbers(latents, recipe)
    return _Drawn(recipe=recipe, latents=latents, stays=begun.stays)


def _begun_again(bench: Bench, begun: Begun, before: _Drawn) -> Begun:
    """What a second pass starts with: the first one's latents, enlarged, under its own noise."""
    engine, parts = bench.model.engine, bench.model.parts
    if not isinstance(engine, DrawingOn):
        raise NotMadeFor(bench.recipe.checkpoint.name, "films that are drawn in two passes")
    larger = engine.enlarged(parts, before.recipe, before.latents, bench.at)
    return replace(
        begun, init=larger, noise=engine.thrown_over(parts, bench.recipe, bench.generator)
    )


def _stepped_through(
    bench: Bench, begun: Begun, words: EncodedWords, steering: tuple[Steering, ...]
) -> Tensor:
    """Stage two, of the whole picture or of its pieces."""
    bench.at(Stage.DENOISE)
    controls = None
    if steering:
        controls = Controls(each=steering, steps=needed(bench.recipe.sampling).steps)
    given = Given(
        words=words,
        extra=begun.extra,
        controls=controls,
        seen=begun.seen,
        held=begun.held,
        at=bench.at,
    )
    model, generator, on_step = bench.model, bench.generator, bench.on_step
    if isinstance(model.engine, Writing):
        return model.engine.write(model.parts, bench.recipe, given, generator, on_step)
    if begun.pieces is None:
        drawn = denoise(bench.recipe, model, given, begun, generator, on_step)
        if begun.held is None or _loosely(bench.recipe) is not None:
            return drawn
        return torch.cat([begun.held, drawn[:, :, begun.held.shape[2] :]], dim=2)
    return piece_by_piece(begun.pieces, model, given, generator, on_step)


def _check_numbers(latents: Tensor, recipe: Recipe) -> None:
    if not bool(torch.isfinite(latents).all()):
        raise RenderFailed(
            f"the numbers overflowed in {recipe.precision}: the latents hold values that are "
            "no numbers (NaN); a lower cfg, or LoRAs at less strength, may help"
        )


def read_words(
    recipe: Recipe,
    model: Model,
    learned: Sequence[Learned] = (),
    pictures: Sequence[Image] = (),
) -> EncodedWords:
    """Stage one.  Raises OutOfRange for what nobody reads in a minute."""
    for text in recipe.texts:
        if len(text) > MAX_LETTERS:
            raise OutOfRange(
                "prompt", f"{len(text)} letters", f"at most {MAX_LETTERS} letters long"
            )
    return model.engine.condition(model.parts, recipe, learned, pictures)


def denoise(
    recipe: Recipe,
    model: Model,
    given: Given,
    begun: Begun,
    generator: torch.Generator,
    on_step: OnStep,
) -> Tensor:
    """Stage two: the final latents, float32."""
    sampling, device, trained = needed(recipe.sampling), model.device, model.trained
    shape = model.engine.noise_shape(model.parts, recipe)

    def noises() -> Iterator[Tensor]:
        draw = partial(torch.randn, shape, generator=generator, dtype=torch.float32)
        if isinstance(model.engine, Throwing):
            draw = partial(model.engine.thrown, model.parts, recipe, generator)
        first = varied(draw(), recipe.variations) if begun.noise is None else begun.noise
        yield _with_held(first.to(device), begun.held, _loosely(recipe))
        while True:
            yield draw().to(device)

    seen = denoiser(
        model.engine.predictor(model.parts, recipe, given),
        prediction=sampling.prediction or trained.prediction,
        # Pictures from before zero terminal SNR was read name no noise.
        noise=sampling.noise or trained.noise.removesuffix(ZERO_SNR),
        whole=model.architecture.noise.whole,
    )

    def stepped(step: int, x0: Tensor) -> None:
        if given.controls is not None:
            given.controls.done = step
        on_step(step, sampling.steps, x0)

    return sample(
        sampling.sampler,
        seen,
        sampling.sigmas,
        noise=partial(next, noises()),
        on_step=stepped,
        init=begun.init,
        kept=begun.kept,
    )


def _loosely(recipe: Recipe) -> float | None:
    """How much of a film's first frames stays, where that is not all."""
    return recipe.motion.held if recipe.motion is not None else None


def _with_held(noise: Tensor, held: Tensor | None, share: float | None) -> Tensor:
    """The first noise of a film that begins with frames of which a share is held."""
    if held is None or share is None:
        return noise
    shown, free = held.to(noise), 1.0 - torch.tensor(share, device=noise.device)
    count = held.shape[2]
    mixed = noise[:, :, :count] * free + shown * (1.0 - free)
    return torch.cat([mixed, noise[:, :, count:]], dim=2)


def piece_by_piece(
    pieces: Pieces, model: Model, given: Given, generator: torch.Generator, on_step: OnStep
) -> Tensor:
    """Stage two of a picture in pieces, one after the other: their latents, one above the other."""
    drawn: list[Tensor] = []
    for number, (init, noise) in enumerate(zip(pieces.inits, pieces.noises, strict=True)):
        begun = Begun(init=init, noise=noise)
        stepped = partial(_stepped, pieces, number, on_step)
        drawn.append(denoise(pieces.recipe, model, given, begun, generator, stepped))
    return torch.cat(drawn)


def _stepped(
    pieces: Pieces, number: int, on_step: OnStep, done: int, each: int, x0: Tensor | None
) -> None:
    """A step of one piece, as a step of all and in its place on the whole picture."""
    assert x0 is not None  # a sampler has one
    on_step(pieces.before + number * each + done, pieces.total, pieces.shown(number, x0))


def latents_sha256(latents: Tensor) -> Sha256:
    """The digest of the final latents: float32, little-endian, in their natural order."""
    digest = hashlib.sha256()
    # One after the other: all frames of a large clip at once would be gigabytes.
    for number in range(len(latents)):
        part = latents[number].detach()
        values = part.to("cpu", torch.float32).contiguous().numpy().astype("<f4", copy=False)
        digest.update(values.tobytes())
    return Sha256(digest.hexdigest())


def _check_size(recipe: Recipe, model: Model) -> None:
    if recipe.canvas is None:
        return
    if recipe.enlarging is not None:
        if recipe.sampling is None:
            return
        recipe = of_a_piece(recipe, model.architecture.grid)
    canvas = recipe.drawn_at
    for side, pixels in (("width", canvas.width), ("height", canvas.height)):
        if pixels % model.scale:
            raise OutOfRange(side, pixels, f"a multiple of {model.scale}")
