"""The training of the built-in video model: its clips, its words, its judge and its parts."""

from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import WanTransformer3DModel

from generation.starter.words import MOTION_VERBS, MOTION_WORDS
from generation.training.film.bank import ClipBank
from generation.training.film.begun import take_up
from generation.training.film.captions import ASKED, EVERYTHING, caption_of
from generation.training.film.draw import FRAMES, SIDE, draw_clip
from generation.training.film.judge import cut_out
from generation.training.film.motions import motion_of
from generation.training.film.scenes import (
    MOTIONS,
    MovingScene,
    held_out_clips,
    held_out_motions,
    training_clip,
)
from generation.training.film.text import (
    build_pieces,
    new_text_encoder,
    read,
)
from generation.training.film.transformer import (
    LAYERS,
    WEIGHTS,
    CaptionReader,
    PaddedOnce,
    deepened,
    flow_loss,
    hear_words,
    load_transformer,
    new_transformer,
    padded,
    seen_in,
)
from generation.training.film.vae import begun, clips, encode, load_vae, new_vae, psnr


def scene_of(**shown: str) -> MovingScene:
    usual = {"object": "cat", "colour": "red", "motion": "left", "background": "white"}
    return MovingScene(**{**usual, **shown})


def test_a_clip_is_a_function_of_its_scene_and_die() -> None:
    scene = scene_of()

    assert np.array_equal(draw_clip(scene, Random(3)), draw_clip(scene, Random(3)))
    assert not np.array_equal(draw_clip(scene, Random(3)), draw_clip(scene, Random(4)))
    assert draw_clip(scene, Random(3)).shape == (FRAMES, SIDE, SIDE, 3)


def test_a_shorter_clip_is_the_beginning_of_the_longer_one() -> None:
    for motion in MOTIONS:
        scene = scene_of(motion=motion)
        assert np.array_equal(draw_clip(scene, Random(3), 9), draw_clip(scene, Random(3))[:9])


def test_the_judge_tells_every_motion_of_drawn_clips() -> None:
    dice = Random(8)
    scenes = [training_clip(dice) for _ in range(180)] + held_out_clips(60, dice)

    wrong = [scene for scene in scenes if motion_of(draw_clip(scene, dice)) != scene.motion]

    assert {scene.motion for scene in scenes} == set(MOTIONS)
    assert wrong == []


def test_the_judge_sees_no_motion_where_nothing_is() -> None:
    assert motion_of(np.full((FRAMES, SIDE, SIDE, 3), 90, dtype=np.uint8)) == ""
    assert len(cut_out(np.full((FRAMES, SIDE, SIDE, 3), 90, dtype=np.uint8))) == 0


def test_a_clip_played_backwards_moves_the_other_way() -> None:
    for motion, other in (("left", "right"), ("up", "down"), ("grow", "shrink")):
        clip = draw_clip(scene_of(motion=motion), Random(5))
        assert motion_of(clip[::-1]) == other


def test_held_out_combinations_are_never_drawn_for_training() -> None:
    kept = set(held_out_motions())
    dice = Random(1)
    drawn = {(s.object, s.colour, s.motion) for s in (training_clip(dice) for _ in range(4000))}

    assert 60 < len(kept) < 140
    assert {motion for _, _, motion in kept} == set(MOTIONS)
    assert not drawn & kept


def test_no_phrase_means_two_motions() -> None:
    phrases = [
        phrase for motion in MOTIONS for phrase in {*MOTION_WORDS[motion], *MOTION_VERBS[motion]}
    ]
    assert len(phrases) == len(set(phrases))
    assert MOTION_VERBS.keys() == MOTION_WORDS.keys()


def test_a_caption_says_how_the_thing_moves_exactly_when_it_claims_to() -> None:
    dice = Random(2)
    for _ in range(300):
        scene = training_clip(dice)
        said = caption_of(scene, dice)
        words = (*MOTION_WORDS[scene.motion], *MOTION_VERBS[scene.motion])
        found = any(word in said.text.casefold() for word in words)
        assert found or "motion" not in said.says, said.text
    assert caption_of(scene, dice, ASKED).says == ASKED
    assert caption_of(scene, dice, EVERYTHING).says == EVERYTHING


def test_empty_places_behind_a_caption_count_as_the_stock_pipeline_counts_them() -> None:
    torch.manual_seed(0)
    model, once = new_transformer().eval(), PaddedOnce()
    latents, timestep = torch.randn(2, 16, 2, 4, 4), torch.tensor([900.0, 200.0])
    states, said = torch.randn(2, 6, 128), torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    states = states * said[..., None]

    with torch.no_grad():
        whole = torch.cat([states, torch.zeros(2, 512 - 6, 128)], dim=1)
        stock = model(latents, timestep, whole).sample
        model.set_attn_processor(once)
        short, once.bias = padded(states, said)
        ours = model(latents, timestep, short).sample

    assert torch.allclose(stock, ours, atol=1e-5)


def test_a_network_with_twice_the_layers_begins_where_the_smaller_one_ended(
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    model = new_transformer().eval()
    torch.nn.init.normal_(model.proj_out.weight, std=0.1)
    given = torch.randn(2, 16, 2, 4, 4), torch.tensor([900.0, 200.0]), torch.randn(2, 6, 128)
    deeper = deepened(model).eval()
    with torch.no_grad():
        before, after = model(*given).sample, deeper(*given).sample

    assert len(deeper.blocks) == 2 * LAYERS
    assert torch.equal(before, after)
    deeper(*given).sample.square().mean().backward()
    added = deeper.blocks[1].ffn.net[2].weight.grad
    assert added is not None
    assert added.abs().max() > 0  # it learns from the first step
    torch.save(deeper.state_dict(), tmp_path / WEIGHTS)
    assert len(load_transformer(tmp_path).blocks) == 2 * LAYERS


class _Words:
    """Captions of eight random tokens."""

    def states(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(len(texts), 8, 128) + 1, torch.ones(len(texts), 8)


def _told_by_words(model: WanTransformer3DModel) -> float:
    """How much what is predicted depends on a caption."""
    torch.manual_seed(1)
    latents, timestep = torch.randn(1, 16, 1, 4, 4), torch.tensor([900.0, 900.0])
    states, _ = _Words().states(["", ""])
    words = torch.cat([states, torch.zeros(2, 504, 128)], dim=1)
    with torch.no_grad():
        found = model(latents.expand(2, -1, -1, -1, -1), timestep, words).sample
    return float((found[0] - found[1]).square().mean() / found.var())


def test_attention_begins_with_words_and_not_with_the_places_behind_them() -> None:
    torch.manual_seed(0)
    model = new_transformer()
    before = _told_by_words(model)
    hear_words(model, _Words())  # type: ignore[arg-type]  # all of it that is asked for
    assert _told_by_words(model) > 4 * before


def test_a_step_of_the_denoiser_brings_it_nearer() -> None:
    torch.manual_seed(0)
    model, once = new_transformer(), PaddedOnce()
    model.set_attn_processor(once)
    latents = torch.ones(4, 16, 2, 4, 4)
    words = torch.randn(4, 3, 128), torch.ones(4, 3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    losses = []
    for _ in range(6):
        generator = torch.Generator().manual_seed(1)
        loss = flow_loss(model, once, latents, words, generator, torch.ones(16))
        losses.append(loss.item())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()

    assert losses[-1] < 0.9 * losses[0]


def test_an_autoencoder_begins_by_handing_colours_on_and_knows_no_later_frame() -> None:
    torch.manual_seed(1)
    vae = begun(new_vae()).eval()
    dice = Random(4)
    batch = clips([training_clip(dice) for _ in range(2)], dice)

    latents = encode(vae, batch)

    assert latents.shape == (2, 16, 4, 8, 8)
    assert torch.equal(encode(vae, batch[:, :, :9]), latents[:, :, :3])
    assert psnr(vae, batch).shape == (2,)
    other = clips([scene_of(background="black"), scene_of(background="yellow")], dice)
    codes = encode(vae, other).mean(dim=(2, 3, 4))
    assert (codes[0] - codes[1]).abs().max() > 0.5


def test_a_text_encoder_says_nothing_where_no_word_is(tmp_path: Path) -> None:
    tokenizer = build_pieces(tmp_path, count=600)
    encoder = new_text_encoder(tokenizer).eval()

    states, said = read(["a red cat spins", "star"], tokenizer, encoder)

    assert said.sum(1).tolist() == [len(tokenizer("a red cat spins").input_ids), 2]
    assert not states[1, 2:].detach().any()
    assert tokenizer.convert_ids_to_tokens(tokenizer("star").input_ids)[-1] == "</s>"


def test_a_row_of_the_bank_knows_its_scene() -> None:
    bank = ClipBank(latents=torch.zeros(1, 16, 4, 8, 8), scenes=torch.tensor([[4, 0, 0, 7]]))

    assert bank.scene(0) == scene_of()


def test_what_an_earlier_training_left_is_taken_up(tmp_path: Path) -> None:
    take_up(tmp_path)
    model, words, vae = load_transformer(tmp_path), CaptionReader(tmp_path), load_vae(tmp_path)
    states, said = words.states(["a red cat moving left"])
    dice = Random(2)
    latents = vae.encode(clips([training_clip(dice)], dice).float() / 127.5 - 1).latent_dist.mode()
    weights = seen_in(vae, count=1)
    processor = PaddedOnce()
    model.set_attn_processor(processor)
    with torch.no_grad():
        loss = flow_loss(
            model, processor, latents, (states, said), torch.Generator().manual_seed(1), weights
        )
    assert abs(float(weights.mean()) - 1) < 1e-4
    assert float(loss) < 1.5  # of noise less latent unlearned: about 2
