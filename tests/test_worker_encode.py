"""Claims about prompts: A1111's syntax, chunks, and the same bits as the stock pipelines."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generation.worker.model import Model
from generation.worker.text.clip import EncodedWords, encode
from generation.worker.text.emphasis import Span, parse, parse_first
from tests.given.builders import changed
from tests.given.loaded import clips, sd15, sdxl


def spans(text: str) -> list[tuple[str | None, float]]:
    return [(span.text, round(span.weight, 4)) for span in parse(text)]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", [("", 1.0)]),
        ("a cat", [("a cat", 1.0)]),
        ("a (red) cat", [("a ", 1.0), ("red", 1.1), (" cat", 1.0)]),
        ("((red))", [("red", 1.21)]),
        ("[red]", [("red", 0.9091)]),
        ("(red:1.5)", [("red", 1.5)]),
        ("(red: 0.5 )", [("red", 0.5)]),
        ("(a (b:2) c:1.5)", [("a ", 1.5), ("b", 3.0), (" c", 1.5)]),
        ("(a:b:1.2)", [("a:b", 1.2)]),
        ("12:30", [("12:30", 1.0)]),
        ("(12:30)", [("12", 30.0)]),
        ("(red:nan)", [("red:nan", 1.1)]),
        ("(red:1e9)", [("red:1e9", 1.1)]),
        ("(red:999999999)", [("red", 100.0)]),  # a weight beyond all use is the largest
        ("(red:1.2.3)", [("red:1.2.3", 1.1)]),
        ("\\(red\\)", [("(red)", 1.0)]),
        ("a \\", [("a ", 1.0)]),  # a backslash before nothing is dropped
        ("(red", [("red", 1.1)]),
        ("red)", [("red)", 1.0)]),
        ("([a)b]", [("a", 1.0), ("b", 0.9091)]),
        ("a BREAK b", [("a", 1.0), (None, 1.0), ("b", 1.0)]),
        ("BREAKFAST aBREAK", [("BREAKFAST aBREAK", 1.0)]),
        ("(a BREAK b:2)", [("a", 2.0), (None, 1.0), ("b", 2.0)]),
    ],
)
def test_the_syntax_means_what_a1111_means(
    text: str, meaning: list[tuple[str | None, float]]
) -> None:
    assert spans(text) == meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("(a (b:2) [c]:1.5)", [("a ", 1.5), ("b", 3.0), (" ", 1.5), ("c", 1.3636)]),
        ("(red:999999999)", [("red:999999999", 1.1)]),
        ("a \\", [("a \\", 1.0)]),
        ("(a [b)c]", [("a ", 1.1), ("bc]", 1.0)]),
        ("a BREAK b", [("a", 1.0), (None, 1.0), (" b", 1.0)]),
        ("(a BREAK b:2)", [("a", 2.0), (None, 2.0), (" b", 2.0)]),
    ],
)
def test_old_recipes_are_read_as_they_were(
    text: str, meaning: list[tuple[str | None, float]]
) -> None:
    assert [(span.text, round(span.weight, 4)) for span in parse_first(text)] == meaning


@given(st.text(alphabet="ab ()[]:.\\0123456789,BREAK", max_size=60))
def test_every_text_is_a_prompt(text: str) -> None:
    found = parse(text)
    assert found
    assert all(isinstance(span, Span) for span in found)
    kept = "".join(span.text or "" for span in found)
    assert len(kept) <= len(text)


def words(model: Model, prompt: str, negative: str = "", *, clip_skip: int = 1) -> EncodedWords:

    from generation.worker.render import read_words
    from tests.given.builders import a_recipe

    with torch.inference_mode():
        return read_words(
            changed(a_recipe(), prompt=prompt, negative_prompt=negative, clip_skip=clip_skip),
            model,
        )


def stock(model: Any, prompt: str, negative: str, **options: Any) -> Any:

    from tests.given.plain_diffusers import stock_pipeline

    with torch.inference_mode():
        return stock_pipeline(model).encode_prompt(
            prompt=prompt,
            negative_prompt=negative,
            device=torch.device("cpu"),
            num_images_per_prompt=1,
            do_classifier_free_guidance=True,
            **options,
        )


@pytest.mark.parametrize("prompt", ["", "cat", "a red cat, on a mat", "red " * 60])
def test_plain_prompts_are_bit_identical_to_the_stock_pipelines(prompt: str) -> None:
    context, negative = stock(sd15(), prompt, "dog")
    ours = words(sd15(), prompt, "dog")
    assert torch.equal(ours.context, context)
    assert torch.equal(ours.negative, negative)

    context, negative, pooled, negative_pooled = stock(sdxl(), prompt, "dog")
    ours = words(sdxl(), prompt, "dog")
    assert ours.pooled is not None
    assert ours.negative_pooled is not None
    assert torch.equal(ours.context, context)
    assert torch.equal(ours.negative, negative)
    assert torch.equal(ours.pooled, pooled)
    assert torch.equal(ours.negative_pooled, negative_pooled)


def test_clip_skip_of_sdxl_is_the_stock_pipelines_shifted_by_its_usual_layer() -> None:
    for skip, stock_skip in ((1, None), (2, None), (3, 1)):
        context, *_ = stock(sdxl(), "cat", "", clip_skip=stock_skip)
        assert torch.equal(words(sdxl(), "cat", clip_skip=skip).context, context)


def test_clip_skip_of_sd1_takes_an_earlier_layer_through_the_last_norm() -> None:
    model = sd15()
    encoder, tokenizer = clips(model)[0].encoder, clips(model)[0].tokenizer
    with torch.inference_mode():
        ids = tokenizer("cat", padding="max_length", max_length=77, return_tensors="pt").input_ids
        states = encoder(ids, output_hidden_states=True).hidden_states
        wanted = encoder.final_layer_norm(states[-2])
    assert torch.equal(words(model, "cat", clip_skip=2).context, wanted)


def test_long_prompts_take_chunks_of_77_and_both_sides_have_as_many() -> None:
    ours = words(sd15(), "cat " * 80, "dog")
    assert ours.context.shape[1] == ours.negative.shape[1] == 2 * 77
    assert words(sd15(), "a BREAK b BREAK c").context.shape[1] == 3 * 77
    assert words(sd15(), "cat " * 75).context.shape[1] == 77


def test_a_chunk_is_cut_after_a_near_comma() -> None:
    # 70 cats, a comma, and a phrase that would be torn apart after its fourth word.
    text = "cat " * 70 + ", " + "dog " * 10
    torn, whole = words(sd15(), text), words(sd15(), "cat " * 70 + ", BREAK " + "dog " * 10)
    assert torch.equal(torn.context, whole.context)


def test_a_weight_changes_its_words_and_restores_the_mean() -> None:
    plain, weighted = words(sd15(), "cat dog"), words(sd15(), "(cat:1.5) dog")
    assert not torch.equal(plain.context, weighted.context)
    assert torch.allclose(plain.context.mean(), weighted.context.mean(), atol=1e-6)
    assert torch.equal(words(sd15(), "(cat:1.0) dog").context, plain.context)


def test_in_plain_syntax_brackets_are_words() -> None:
    with torch.inference_mode():
        options: dict[str, Any] = {"layer": None, "final_norm": True}
        plain = encode(clips(sd15()), "(cat)", "", syntax="plain", **options)
        a1111 = encode(clips(sd15()), "\\(cat\\)", "", syntax="a1111", **options)
    assert torch.equal(plain.context, a1111.context)


def test_a_learned_word_stands_where_it_is_written_and_leaves_no_trace() -> None:
    encoders = clips(sd15())
    embeddings = encoders[0].encoder.get_input_embeddings().weight
    cat = encoders[0].tokenizer("cat", add_special_tokens=False).input_ids
    assert len(cat) == 1
    learned = [{"my-cat": [embeddings[cat[0]].clone(), embeddings[cat[0]].clone()]}]
    options: dict[str, Any] = {"syntax": "a1111", "layer": None, "final_norm": True}
    with torch.inference_mode():
        before = encode(encoders, "red cat cat dog", "", **options)
        taught = encode(encoders, "red My-Cat dog", "", learned=learned, **options)
        after = encode(encoders, "red cat cat dog", "", **options)
        inside = encode(encoders, "my-catalogue", "", learned=learned, **options)
        untaught = encode(encoders, "my-catalogue", "", **options)
    assert torch.equal(before.context, taught.context)
    assert torch.equal(before.context, after.context)
    assert torch.equal(inside.context, untaught.context)


def test_the_shipped_tokenizer_is_clips() -> None:
    from generation.modules.byte_pairs import clip as clip_tokenizer

    clip = clip_tokenizer("<|endoftext|>")
    ids = clip("a photograph of an astronaut riding a horse").input_ids
    # The ids that are printed in many tutorials of Stable Diffusion.
    assert ids == [49406, 320, 8853, 539, 550, 18376, 6765, 320, 4558, 49407]
    assert clip("Ünïcode 🌸", add_special_tokens=False).input_ids
    assert len(clip) == 49408
    assert clip.pad_token_id == 49407
    assert clip_tokenizer("!").pad_token_id == 0
