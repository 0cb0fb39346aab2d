"""What captioners are given is what the library's own processors would give them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from generation.worker.captioners import florence2
from generation.worker.captioners.captioner import CaptionerAtHand
from generation.worker.captioners.table import CAPTIONERS
from generation.worker.captioners.writing import ASKED, LONGEST, plainly
from generation.worker.loading.building import class_of
from tests.given.captioners import SIDE, build_captioner
from tests.given.worker_process import a_photo

PHOTO = Image.open(BytesIO(a_photo())).convert("RGB")
HOW = {"do_sample": False, "num_beams": 1, "max_new_tokens": LONGEST}


def _at_hand(folder: Path, kind: str) -> CaptionerAtHand:
    network = CAPTIONERS[kind].network
    module = class_of(network.module, network.name).from_pretrained(folder).eval()
    cpu = torch.device("cpu")
    return CaptionerAtHand(folder=folder, module=module, device=cpu, dtype=torch.float32)


def _stock(kind: str, folder: Path) -> Any:
    from transformers import (
        AutoImageProcessor,
        AutoTokenizer,
        BlipProcessor,
        Florence2Processor,
        Idefics3Processor,
    )

    looking = AutoImageProcessor.from_pretrained(folder, backend="pil")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if kind == "blip":
        return BlipProcessor(looking, tokenizer)(images=PHOTO, return_tensors="pt")
    if kind == "florence2":
        tokenizer.image_token, tokenizer.image_token_id = "<image>", 3
        looking.image_seq_length = 50  # of 224 pixels, by this tower: 7 x 7 cells and their mean
        return Florence2Processor(looking, tokenizer)(
            images=PHOTO, text="<DETAILED_CAPTION>", return_tensors="pt"
        )
    turn = f"<|im_start|>User:<image>{ASKED}<end_of_utterance>\nAssistant:"
    return Idefics3Processor(looking, tokenizer, image_seq_len=(SIDE // 8) ** 2 // 4)(
        images=[PHOTO],
        text=turn,
        return_tensors="pt",
        do_image_splitting=False,
        size={"longest_edge": SIDE},
    )


@pytest.mark.parametrize("kind", ["blip", "florence2", "idefics3"])
def test_words_are_those_of_the_librarys_own_way(kind: str, tmp_path: Path) -> None:
    folder = build_captioner(tmp_path / "it", kind)
    it = _at_hand(folder, kind)
    with torch.inference_mode():
        ours = CAPTIONERS[kind].describe(it, PHOTO)
        inputs = _stock(kind, folder)
        inputs = {k: v for k, v in inputs.items() if k not in ("attention_mask", "token_type_ids")}
        said = it.module.generate(**inputs, **HOW)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    count = inputs["input_ids"].shape[1] if kind == "idefics3" else 0
    theirs = tokenizer.decode(said[0, count:], skip_special_tokens=True)
    assert ours.words == plainly(theirs)


def test_florence_is_asked_by_the_sentence_of_its_training() -> None:
    from transformers import Florence2Processor

    tasks = Florence2Processor.__init__.__code__.co_consts
    assert florence2.TASK in str(tasks)
