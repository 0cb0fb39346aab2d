"""What families read of language models: the bits that the stock pipelines' encoders give."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest
import torch
from PIL import Image

from generation.errors import OutOfRange, UnusableWeights
from generation.modules import byte_pairs
from generation.worker.text import llm
from generation.worker.text.llm import PromptForm, PromptReader
from generation.worker.text.pieces import gemma
from tests.given.languagemodels import as_pieces, small

DESCRIBE = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, "
    "quantity, text, spatial relationships of the objects and background:<|im_end|>\n"
    "<|im_start|>user\n"
)
ANSWER = "<|im_end|>\n<|im_start|>assistant\n"
USER = "<|im_start|>user\n{}" + ANSWER
# What Qwen3's own template gives for one turn.
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)
PROMPTS = ("a red fox {in} the snow, 雪中的狐狸", "", "two cats: “one” and 'two' 🦊")


@cache
def tokenizer() -> Any:
    found = byte_pairs.qwen()
    found.chat_template = CHAT
    return found


@cache
def stock(name: str, kind: str, layers: int = 4, vocabulary: int = 151936) -> Any:
    """A random model with the output over its vocabulary, as the stock pipelines have it."""
    import transformers

    made = getattr(transformers, kind)
    config = small(name, vocab_size=vocabulary, num_hidden_layers=layers)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return made(made.config_class.from_dict(config)).eval()


def qwen3(layers: int = 4) -> Any:
    return stock("qwen3", "Qwen3ForCausalLM", layers)


def qwen25() -> Any:
    return stock("qwen2.5-vl", "Qwen2_5_VLForConditionalGeneration")


def qwen3_vl() -> Any:
    return stock("qwen3-vl", "Qwen3VLForConditionalGeneration")


def ours(
    whole: Any, form: PromptForm, prompt: str, *pictures: Image.Image, tokens: Any = None
) -> llm.HiddenStates:
    """What is read with the same numbers, without the output over the vocabulary."""
    reader = PromptReader(tokenizer=tokens or tokenizer(), encoder=whole.model)
    with torch.inference_mode():
        return llm.encode(reader, [prompt], form, syntax="plain", pictures=pictures)[0]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_z_image_reads_the_stock_pipelines_bits(prompt: str) -> None:
    from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline

    pipe = ZImagePipeline(None, None, qwen3(), tokenizer(), None)
    with torch.inference_mode():
        right = pipe._encode_prompt(prompt, torch.device("cpu"))[0]
    found = ours(qwen3(), PromptForm(template=USER, layers=(-2,), least=512), prompt)
    assert torch.equal(found.words, right)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_flux2_klein_reads_the_stock_pipelines_bits(prompt: str) -> None:
    from diffusers.pipelines.flux2.pipeline_flux2_klein import Flux2KleinPipeline

    whole, layers = qwen3(6), (1, 3, 5)
    with torch.inference_mode():
        right = Flux2KleinPipeline._get_qwen3_prompt_embeds(
            whole, tokenizer(), prompt, hidden_states_layers=layers
        )
    form = PromptForm(template=USER + "<think>\n\n</think>\n\n", layers=layers, least=512)
    assert torch.equal(ours(whole, form, prompt).beside, right)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_qwen_image_reads_the_stock_pipelines_bits(prompt: str) -> None:
    from diffusers.pipelines.qwenimage.pipeline_qwenimage import QwenImagePipeline

    pipe = QwenImagePipeline(None, None, qwen25(), tokenizer(), None)
    with torch.inference_mode():
        right, _ = pipe._get_qwen_prompt_embeds(prompt, torch.device("cpu"))
    found = ours(qwen25(), PromptForm(template=DESCRIBE + "{}" + ANSWER, drop=34), prompt)
    assert torch.equal(found.states[0], right)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_krea_2_reads_the_stock_pipelines_bits(prompt: str) -> None:
    from diffusers.pipelines.krea2.pipeline_krea2 import Krea2Pipeline

    layers = (1, 2, 4)
    pipe = Krea2Pipeline(
        None, None, qwen3_vl().model, tokenizer(), None, text_encoder_select_layers=layers
    )
    with torch.inference_mode():
        right, mask = pipe.get_text_hidden_states(prompt, 64, torch.device("cpu"))
    form = PromptForm(
        template=DESCRIBE + "{}", behind=ANSWER, layers=layers, least=34 + 64, drop=34
    )
    found = ours(qwen3_vl(), form, prompt)
    assert torch.equal(torch.stack(found.states, dim=2), right)
    assert torch.equal(found.mask, mask)


MISTRAL_CHAT = (
    "<s>{% for message in messages %}{% set text = message.content[0].text %}"
    "{% if message.role == 'system' %}[SYSTEM_PROMPT]{{ text }}[/SYSTEM_PROMPT]"
    "{% else %}[INST]{{ text }}[/INST]{% endif %}{% endfor %}"
)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_flux2_dev_reads_the_stock_pipelines_bits(prompt: str, side: str) -> None:
    from diffusers.pipelines.flux2.pipeline_flux2 import Flux2Pipeline
    from diffusers.pipelines.flux2.system_messages import SYSTEM_MESSAGE

    mistral = copy.copy(byte_pairs.tekken())
    mistral.chat_template, mistral.padding_side = MISTRAL_CHAT, side
    whole, layers = stock("mistral-small-3", "MistralForCausalLM", vocabulary=131072), (1, 2, 3)
    with torch.inference_mode():
        right = Flux2Pipeline._get_mistral_3_small_prompt_embeds(
            whole, mistral, prompt, hidden_states_layers=layers
        )
    form = PromptForm(
        template=f"[SYSTEM_PROMPT]{SYSTEM_MESSAGE}[/SYSTEM_PROMPT][INST]{{}}[/INST]",
        layers=layers,
        least=512,
        left=side == "left",
    )
    assert torch.equal(ours(whole, form, prompt, tokens=mistral).beside, right)


@cache
def gemma_tokens() -> Any:
    """A tokenizer as Gemma's, of bytes and a few words."""
    given = [("<pad>", 3), ("<eos>", 3), ("<bos>", 3), ("<unk>", 2)]
    given += [(f"<0x{byte:02X}>", 6) for byte in range(256)]
    given += [(word, 1) for word in ("▁", "a", "f", "o", "x", "fo", "fox", "▁a")]
    return gemma(as_pieces([(text, -float(n), kind) for n, (text, kind) in enumerate(given)]), "it")


def gemma2() -> Any:
    return stock("gemma2", "Gemma2ForCausalLM", vocabulary=320)


@pytest.mark.parametrize("asked", [None, ["Describe more:", "User Prompt: "]])
@pytest.mark.parametrize("prompt", ["a fox, 雪", ""])
def test_sana_reads_the_stock_pipelines_bits(prompt: str, asked: list[str] | None) -> None:
    from diffusers.pipelines.sana.pipeline_sana import SanaPipeline

    tokens = gemma_tokens()
    pipe = SanaPipeline(tokens, gemma2().model, None, None, None)
    with torch.inference_mode():
        right, mask, *_ = pipe.encode_prompt(
            prompt,
            do_classifier_free_guidance=False,
            device=torch.device("cpu"),
            complex_human_instruction=asked,
        )
    before = "\n".join(asked or ())
    least = 300 + (len(tokens(before).input_ids) - 2 if asked else 0)
    form = PromptForm(template=before + "{}", least=least)
    found = ours(gemma2(), form, prompt, tokens=tokens)
    taken = [0, *range(-299, 0)]
    assert torch.equal(found.states[0][:, taken], right)
    assert torch.equal(found.mask[:, taken], mask.bool())


@pytest.mark.parametrize("prompt", ["a fox, 雪", ""])
def test_lumina_2_reads_the_stock_pipelines_bits(prompt: str) -> None:
    from diffusers.pipelines.lumina2.pipeline_lumina2 import Lumina2Pipeline

    pipe = Lumina2Pipeline(None, None, None, gemma2().model, gemma_tokens())
    with torch.inference_mode():
        right, _ = pipe._get_gemma_prompt_embeds(prompt, torch.device("cpu"))
    form = PromptForm(layers=(-2,), least=256)
    assert torch.equal(ours(gemma2(), form, prompt, tokens=gemma_tokens()).states[0], right)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_hidream_reads_the_stock_pipelines_bits(prompt: str) -> None:
    from diffusers.pipelines.hidream_image.pipeline_hidream_image import HiDreamImagePipeline

    whole, layers = stock("llama3.1", "LlamaForCausalLM"), 4
    pipe = HiDreamImagePipeline.__new__(HiDreamImagePipeline)
    object.__setattr__(pipe, "tokenizer_4", tokenizer())
    object.__setattr__(pipe, "text_encoder_4", whole)
    with torch.inference_mode():
        right = pipe._get_llama3_prompt_embeds(prompt, device=torch.device("cpu"))
    form = PromptForm(layers=tuple(range(1, layers + 1)), least=128)
    found = ours(whole, form, prompt)
    assert torch.equal(torch.stack(found.states), right)


def test_the_last_layer_is_read_before_its_norm_where_a_family_says_so() -> None:
    whole = qwen3()
    before = ours(whole, PromptForm(normed=False), "a fox").states[0]
    after = ours(whole, PromptForm(), "a fox").states[0]
    with torch.inference_mode():
        assert torch.equal(whole.model.norm(before), after)
    assert not torch.equal(before, after)


def test_layers_behind_the_last_that_is_wanted_are_not_computed() -> None:
    whole, reached = qwen3(), []
    hooks = [
        layer.register_forward_pre_hook(lambda *_, n=number: reached.append(n))
        for number, layer in enumerate(whole.model.layers)
    ]
    ours(whole, PromptForm(layers=(0, 2)), "a fox")
    for hook in hooks:
        hook.remove()
    assert reached == [0, 1]


def test_nothing_of_a_reading_stays_at_the_network() -> None:
    def hooks() -> list[int]:
        modules = qwen3().modules()
        return [len(each._forward_hooks) + len(each._forward_pre_hooks) for each in modules]

    before = hooks()
    ours(qwen3(), PromptForm(layers=(0, 2)), "a fox")
    assert hooks() == before


def test_weights_of_words_are_not_read() -> None:
    reader = PromptReader(tokenizer=tokenizer(), encoder=qwen3().model)
    form = PromptForm(template=USER)
    with torch.inference_mode():
        weighted = llm.encode(reader, ["a (red:1.4) fox"], form, syntax="a1111-2")
        bare = llm.encode(reader, ["a red fox"], form, syntax="a1111-2")
    assert torch.equal(weighted[0].states[0], bare[0].states[0])


def test_a_prompt_that_is_longer_than_others_are_filled_up_to_is_read_to_its_end() -> None:
    form = PromptForm(layers=(0,), least=8)
    long, short = ours(qwen3(), form, "a fox " * 20), ours(qwen3(), form, "a fox")
    assert short.ids.shape == (1, 8)
    assert int(short.mask.sum()) == 2
    assert long.ids.shape[1] > 8
    assert bool(long.mask.all())


def test_a_prompt_without_end_is_refused() -> None:
    with pytest.raises(OutOfRange):
        ours(qwen3(), PromptForm(), "fox " * (llm.MAX_TOKENS + 1))


@pytest.mark.parametrize("left", [False, True])
def test_what_fills_is_where_a_family_says(left: bool) -> None:
    found = ours(qwen3(), PromptForm(layers=(0,), least=5, left=left), "a fox")
    assert found.mask[0].tolist() == (
        [False] * 3 + [True] * 2 if left else [True] * 2 + [False] * 3
    )
    assert found.ids[0, 0 if left else -1] == tokenizer().pad_token_id


LOOK = DESCRIBE + "Picture 1: <|vision_start|><|image_pad|><|vision_end|>{}" + ANSWER


def picture(width: int, height: int) -> Image.Image:
    return Image.radial_gradient("L").resize((width, height)).convert("RGB")


@pytest.mark.parametrize("size", [(64, 96), (150, 40), (28, 28)])
def test_pictures_are_read_as_the_stock_processor_and_network_read_them(
    size: tuple[int, int],
) -> None:
    from transformers import Qwen2_5_VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
        Qwen2VLImageProcessorPil,
    )

    looking = Qwen2VLImageProcessorPil(min_pixels=3136, max_pixels=12845056)
    processor = Qwen2_5_VLProcessor.__new__(Qwen2_5_VLProcessor)
    processor.image_processor, processor.tokenizer = looking, tokenizer()
    seen = looking([picture(*size)], return_tensors="pt")
    count = int(seen["image_grid_thw"].prod()) // 4
    text = LOOK.replace("{}", "a hat").replace("<|image_pad|>", "<|image_pad|>" * count)
    given = tokenizer()(text, return_tensors="pt")
    with torch.inference_mode():
        right = qwen25()(
            **given,
            pixel_values=seen["pixel_values"],
            image_grid_thw=seen["image_grid_thw"],
            output_hidden_states=True,
        ).hidden_states[-1]
    found = ours(qwen25(), PromptForm(template=LOOK, grid=False), "a hat", picture(*size))
    assert torch.equal(found.states[0], right)


@pytest.mark.parametrize("whole", [qwen25, qwen3_vl])
def test_a_picture_changes_what_is_read(whole: Any) -> None:
    form = PromptForm(template=LOOK)
    one = ours(whole(), form, "a hat", picture(64, 96)).states[0]
    same = ours(whole(), form, "a hat", picture(64, 96)).states[0]
    other = ours(whole(), form, "a hat", picture(64, 96).rotate(90)).states[0]
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_place_of_a_pictures_token_has_two_dimensions() -> None:
    shown = picture(64, 96)
    grid = ours(qwen25(), PromptForm(template=LOOK), "a hat", shown).states[0]
    flat = ours(qwen25(), PromptForm(template=LOOK, grid=False), "a hat", shown).states[0]
    assert not torch.equal(grid, flat)


def test_a_model_without_a_tower_looks_at_no_picture() -> None:
    with pytest.raises(UnusableWeights, match="cannot look at pictures"):
        ours(qwen3(), PromptForm(template=LOOK), "a hat", picture(28, 28))
