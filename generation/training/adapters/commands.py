"""The command line of the programs that teach: one subcommand for each kind.

Invariant: what is said here and changes the numbers is kept in the checkpoint, so that no run goes
on with other settings than it began with.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionControlNetPipeline, StableDiffusionXLControlNetPipeline
from torch import Tensor

from generation.training.adapters import lcm
from generation.training.adapters.checkpoint import TaughtCheckpoint, load_checkpoint
from generation.training.adapters.controlnet import (
    ControlCourse,
    control_picture,
    controls_of,
    new_controlnet,
)
from generation.training.adapters.descent import Pace, TrainingCourse, descend
from generation.training.adapters.dreambooth import SubjectCourse, draw_others, write_whole
from generation.training.adapters.inversion import NewWord, WordCourse
from generation.training.adapters.lcm import LcmCourse
from generation.training.adapters.lessons import (
    CaptionedPicture,
    WordBank,
    captioned,
    picture_bank,
)
from generation.training.adapters.lora import Batches, LoraCourse, LoraShape
from generation.training.adapters.sheet import SampleSheet
from generation.training.adapters.written import Provenance

Lessons = Sequence[CaptionedPicture]
Watch = Callable[[int, Mapping[str, Tensor]], None]
WORK = Path("var/training")
NAMED = {"textual-inversion", "controlnet"}  # as ModelSpec calls them; the rest are LoRAs
# Said on the command line, and without effect on the numbers that come out.
ELSEWHERE = {
    "kind",
    "data",
    "model",
    "out",
    "work",
    "sample",
    "sample_every",
    "title",
    "device",
    "shown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TeachingKind:
    """One kind of what can be taught: its own arguments, and its course."""

    says: str
    options: Callable[[argparse.ArgumentParser], None]
    course: Callable[
        [argparse.Namespace, TaughtCheckpoint, Sequence[CaptionedPicture]], TrainingCourse
    ]
    steps: int
    rate: float
    hint: str = ""
    rapid: bool = False
    sheet: Callable[[argparse.Namespace, SampleSheet], None] = lambda _asked, _sheet: None
    after: Callable[[argparse.Namespace, TaughtCheckpoint], None] = lambda _asked, _taught: None


def _usual(parser: argparse.ArgumentParser, kind: TeachingKind) -> None:
    """What every kind is told."""
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of pictures, captions beside them (.txt)")
    add("--model", type=Path, required=True, help="checkpoint: a folder or a .safetensors file")
    add("--out", type=Path, required=True, help="what is written")
    add("--work", type=Path, help=f"checkpoint of the run and its bank ({WORK}/NAME)")
    add("--steps", type=int, default=kind.steps, help=f"({kind.steps})")
    add("--batch", type=int, default=4, help="pictures of a step (4)")
    add("--rate", type=float, default=kind.rate, help=f"learning rate at its peak ({kind.rate})")
    add("--average", type=float, default=0.0, help="decay of the average that is written (0: none)")
    add("--silent", type=float, default=0.1, help="share of pictures told nothing (0.1)")
    add("--side", type=int, help="pixels of a picture's side (the checkpoint's own)")
    add("--seed", type=int, default=0)
    add("--keep-every", type=float, default=60.0, help="seconds between checkpoints (60)")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--precision", choices=("fp32", "bf16"), help="bf16 on a GPU, else fp32")
    add("--trigger", default="", help="a word that every caption gets, and the file names")
    add("--title", default="", help="the file's title (its name)")
    add("--sample", action="append", default=[], help="a prompt for the sample sheet; repeat it")
    add("--sample-every", type=int, default=250, help="steps from one row of it to the next")


def _low_rank(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--rank", type=int, default=16, help="(16)")
    add("--alpha", type=float, help="(as the rank)")
    add("--convolutions", action="store_true", help="change the UNet's convolutions, too (LoCon)")


def _lora(parser: argparse.ArgumentParser) -> None:
    _low_rank(parser)
    parser.add_argument("--text-encoder", action="store_true", help="change the text encoders, too")


def _lcm(parser: argparse.ArgumentParser) -> None:
    _low_rank(parser)
    add = parser.add_argument
    add("--cfg", type=float, default=7.5, help="guidance that is learned in (7.5)")
    add("--solver-steps", type=int, default=20, help="of DDIM, from noise to picture (20)")


def shape_of(asked: argparse.Namespace) -> LoraShape:
    """The LoRA that was asked for."""
    return LoraShape(
        rank=asked.rank,
        alpha=asked.alpha or asked.rank,
        convolutions=asked.convolutions,
        words=getattr(asked, "text_encoder", False),
    )


def batches_of(asked: argparse.Namespace, taught: TaughtCheckpoint, lessons: Lessons) -> Batches:
    """The pictures, encoded."""
    bank = picture_bank(taught, lessons, asked.work)
    return Batches(bank=bank, count=asked.batch, silent=asked.silent)


def provenance(
    asked: argparse.Namespace, taught: TaughtCheckpoint, lessons: Lessons
) -> Mapping[str, str]:
    """The header of the file."""
    rank, alpha = getattr(asked, "rank", None), getattr(asked, "alpha", None)
    known = {} if rank is None else {"network_dim": rank, "network_alpha": alpha or rank}
    if known:
        module = "lycoris.kohya" if asked.convolutions else "networks.lora"
        known |= {"network_module": module}
    return Provenance(
        title=asked.title or asked.out.stem,
        kind=asked.kind if asked.kind in NAMED else "lora",
        wide=taught.wide,
        side=taught.side,
        model=taught.name,
        captions=[one.caption for one in lessons],
        trigger=asked.trigger,
        hint=KINDS[asked.kind].hint,
        settings={
            **{name: str(value) for name, value in known.items()},
            "max_train_steps": str(asked.steps),
            "learning_rate": str(asked.rate),
            "batch_size_per_device": str(asked.batch),
            "seed": str(asked.seed),
            "optimizer": "AdamW",
        },
    ).metadata()


def _lora_course(
    asked: argparse.Namespace, taught: TaughtCheckpoint, lessons: Lessons
) -> TrainingCourse:
    batches, shape = batches_of(asked, taught, lessons), shape_of(asked)
    words = None if shape.words else WordBank(taught, batches.bank.captions)
    shape.attach(taught)
    return LoraCourse(
        taught=taught,
        shape=shape,
        batches=batches,
        metadata=provenance(asked, taught, lessons),
        words=words,
    )


def _lcm_course(
    asked: argparse.Namespace, taught: TaughtCheckpoint, lessons: Lessons
) -> TrainingCourse:
    batches, shape = batches_of(asked, taught, lessons), shape_of(asked)
    words = WordBank(taught, batches.bank.captions)
    shape.attach(taught)
    return LcmCourse(
        taught=taught,
        shape=shape,
        batches=batches,
        metadata=provenance(asked, taught, lessons),
        words=words,
        cfg=asked.cfg,
        solver_steps=asked.solver_steps,
    )


def _word(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--word", help="the new word, as the captions spell it (the file's name)")
    add("--vectors", type=int, default=4, help="its length in tokens (4)")
    add("--like", default="thing", help="the words that it begins as")


def _word_course(
    asked: argparse.Namespace, taught: TaughtCheckpoint, lessons: Lessons
) -> TrainingCourse:
    word = asked.word or asked.out.stem
    if not all(word in lesson.caption for lesson in lessons):
        raise SystemExit(f"a caption lacks {word!r}; --trigger {word} puts it before each")
    return WordCourse(
        taught=taught,
        word=NewWord(taught, word, asked.vectors, asked.like),
        batches=batches_of(asked, taught, lessons),
        metadata=provenance(asked, taught, lessons),
    )


def _subject(parser: argparse.ArgumentParser) -> None:
    _low_rank(parser)
    add = parser.add_argument
    add("--text-encoder", action="store_true", help="change the text encoders, too")
    add("--others", type=Path, help="captioned pictures of what is to be kept")
    add("--others-prompt", action="append", default=[], help="else drawn now, from such prompts")
    add("--others-count", type=int, default=100, help="how many are drawn (100)")
    add("--others-weight", type=float, default=1.0, help="(1)")
    add("--whole", type=Path, help="also write the checkpoint with it merged in, a folder")


def _subject_course(
    asked: argparse.Namespace, taught: TaughtCheckpoint, lessons: Lessons
) -> TrainingCourse:
    folder = asked.others
    if folder is None:
        if not asked.others_prompt:
            raise SystemExit("say what is to be kept: --others FOLDER, or --others-prompt WORDS")
        drawn = asked.work / "others"
        folder = draw_others(taught, asked.others_prompt, asked.others_count, drawn)
    shape, kept = shape_of(asked), captioned(folder)
    sets = [(some, batches_of(asked, taught, some)) for some in (lessons, kept)]
    words = [None if shape.words else WordBank(taught, b.bank.captions) for _, b in sets]
    shape.attach(taught)
    subject, others = (
        LoraCourse(
            taught=taught,
            shape=shape,
            batches=batches,
            metadata=provenance(asked, taught, some),
            words=read,
        )
        for (some, batches), read in zip(sets, words, strict=True)
    )
    return SubjectCourse(subject=subject, others=others, weight=asked.others_weight)


def _whole(asked: argparse.Namespace, taught: TaughtCheckpoint) -> None:
    if asked.whole:
        write_whole(taught, asked.out, asked.whole)


def _control(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--slim", action="store_true", help="a smaller middle, for small checkpoints")
    add("--shown", type=int, default=4, help="control pictures on the sample sheet (4)")


def _control_course(
    asked: argparse.Namespace, taught: TaughtCheckpoint, lessons: Lessons
) -> TrainingCourse:
    batches = batches_of(asked, taught, lessons)
    return ControlCourse(
        taught=taught,
        net=new_controlnet(taught.unet, slim=asked.slim).to(taught.device),
        batches=batches,
        controls=controls_of(lessons, taught.side),
        words=WordBank(taught, batches.bank.captions),
        metadata=provenance(asked, taught, lessons),
    )


def _control_sheet(asked: argparse.Namespace, sheet: SampleSheet) -> None:
    """The first pictures' own words, over their control pictures."""
    course = sheet.course
    assert isinstance(course, ControlCourse)
    kind: Any = (
        StableDiffusionXLControlNetPipeline
        if sheet.taught.wide
        else StableDiffusionControlNetPipeline
    )
    sheet.pipeline = kind(**sheet.taught.pipeline.components, controlnet=course.net)
    sheet.pipeline.set_progress_bar_config(disable=True)
    shown = range(min(asked.shown, len(course.controls)))
    sheet.prompts = [course.batches.bank.captions[n] for n in shown]
    sheet.more = [{"image": control_picture(course.controls, n)} for n in shown]


KINDS: Mapping[str, TeachingKind] = {
    "lora": TeachingKind(
        says="a style, a thing, a person: what the pictures have in common",
        options=_lora,
        course=_lora_course,
        steps=1500,
        rate=1e-4,
    ),
    "lcm-lora": TeachingKind(
        says="pictures in four steps: the pictures are what it practises on",
        options=_lcm,
        course=_lcm_course,
        steps=2000,
        rate=1e-4,
        hint=lcm.HINT,
        rapid=True,
    ),
    "textual-inversion": TeachingKind(
        says="a new word for what the pictures have in common",
        options=_word,
        course=_word_course,
        steps=2000,
        rate=5e-3,
    ),
    "dreambooth": TeachingKind(
        says="one subject by its trigger, and everything else as before",
        options=_subject,
        course=_subject_course,
        steps=1000,
        rate=1e-4,
        after=_whole,
    ),
    "controlnet": TeachingKind(
        says="pictures that keep to edges, or to the NAME.control.png beside each",
        options=_control,
        course=_control_course,
        steps=5000,
        rate=1e-5,
        sheet=_control_sheet,
    ),
}


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for, with the rest filled in."""
    parser = argparse.ArgumentParser(prog="python -m generation.training")
    kinds = parser.add_subparsers(dest="kind", required=True)
    for name, kind in KINDS.items():
        sub = kinds.add_parser(name, help=kind.says, description=kind.says)
        _usual(sub, kind)
        kind.options(sub)
    asked = parser.parse_args(arguments)
    asked.work = asked.work or WORK / asked.out.stem
    asked.precision = asked.precision or ("fp32" if asked.device == "cpu" else "bf16")
    return asked


def run(asked: argparse.Namespace, watch: Watch = lambda _step, _numbers: None) -> None:
    """Loads, trains or goes on training, writes; `watch` is told of each step."""
    torch.manual_seed(asked.seed)
    if asked.device == "cpu":
        torch.set_num_threads(1)  # bits are the same whatever else the machine does
    kind, lessons = KINDS[asked.kind], captioned(asked.data, asked.trigger)
    taught = load_checkpoint(
        asked.model,
        side=asked.side,
        device=asked.device,
        precision=asked.precision,
        work=asked.work,
    )
    course = kind.course(asked, taught, lessons)
    said = {k: str(v) for k, v in vars(asked).items() if k not in ELSEWHERE}
    pace = Pace(
        steps=asked.steps,
        rate=asked.rate,
        average=asked.average,
        seed=asked.seed,
        keep_every_s=asked.keep_every,
        settings=said,
    )
    sheet = SampleSheet(
        taught=taught,
        course=course,
        path=asked.work / "samples.png",
        prompts=asked.sample,
        every=asked.sample_every,
        steps=4 if kind.rapid else 20,
        cfg=1.0 if kind.rapid else 5.0,
        rapid=kind.rapid,
    )
    kind.sheet(asked, sheet)
    count = sum(number.numel() for number in course.learns().values())
    print(
        f"{asked.kind}: {count / 1e6:.2f} M numbers learn from {len(lessons)} pictures", flush=True
    )

    def seen(step: int, numbers: Mapping[str, Tensor]) -> None:
        watch(step, numbers)
        sheet(step, numbers)

    course.export(descend(course, pace, asked.work, seen), asked.out)
    kind.after(asked, taught)
    files = [asked.out] if asked.out.is_file() else list(asked.out.iterdir())
    print(f"{asked.out}: {sum(f.stat().st_size for f in files) / 1e6:.2f} MB", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    run(parsed(arguments))
