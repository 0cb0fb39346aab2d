"""What stays of a clip whose maker's data is erased, because somebody's recipe starts from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from generation.media import clips
from generation.media.containers import texts_of
from generation.media.video import VIDEO, recipe_in
from generation.recipe import Recipe
from storage.bare import without_words
from tests.given.works import A_CLIP, a_clip, clip_content

SECRET = "my neighbour Walburga"


@pytest.mark.parametrize("recipe", [A_CLIP, a_clip(channels=1)], ids=["WebP", "MP4"])
def test_every_frame_stays_and_no_word(recipe: Recipe) -> None:
    told = replace(recipe, shows=SECRET)
    file = VIDEO.write(clip_content(told), told, {})
    assert SECRET.encode() in file
    bare = without_words(file)
    assert SECRET.encode() not in bare
    assert recipe_in(bare) is None
    assert not any(texts_of(bare).values())
    before, after = (list(clips.sampled(each, 9, 8.0)) for each in (file, bare))
    assert np.array_equal(before, after)
    assert clips.check(bare) == clips.check(file)
