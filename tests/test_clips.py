"""Clips that people send: which frames are taken of them, and which are refused and why.

`tests/given/videos.py` writes them as other programs do; the shade of a frame says its number.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bot.studio.opening import Opening
from generation.errors import BadClip, OutOfRange
from generation.media import clips, pyav
from generation.media.clips import FIRST, LAST, MIDDLE
from generation.media.pngchunks import SIGNATURE
from tests.given.builders import noisy_png
from tests.given.videos import RED, animation, marked, number_of, only_sound, video

LASTS = (100, 200, 100, 100, 500, 100, 100, 100)  # milliseconds
CONTAINERS = [
    ("libx264", "mp4", "yuv420p"),
    ("libx264", "mov", "yuv444p"),
    ("libvpx-vp9", "webm", "yuv420p"),
    ("ffv1", "matroska", "bgr0"),
    ("mjpeg", "avi", "yuvj420p"),
]
ANIMATIONS = ["GIF", "WEBP", "PNG"]


def numbers(data: bytes, count: int, fps: float, start: float = 0.0) -> list[int]:
    return [number_of(frame) for frame in clips.sampled(data, count, fps, start)]


# -- which frames --------------------------------------------------------------------------


@pytest.mark.parametrize(("codec", "container", "pixels"), CONTAINERS)
def test_of_every_container_the_frame_is_taken_that_is_played_at_each_moment(
    codec: str, container: str, pixels: str
) -> None:
    data = video(marked(24), codec=codec, container=container, pixels=pixels)
    assert clips.is_clip(data)
    facts = clips.check(data)
    assert (facts.width, facts.height) == (64, 48)
    assert facts.seconds == pytest.approx(2.0, abs=0.1)
    assert facts.fps == pytest.approx(12.0, abs=0.1)
    assert numbers(data, 6, 6.0) == [0, 2, 4, 6, 8, 10]
    [first, *_] = clips.sampled(data, 1, 1.0)
    assert np.abs(first[4, 4].astype(int) - RED).max() <= 4


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_frames_of_an_animation_last_as_it_says(kind: str) -> None:
    data = animation(marked(8), kind, LASTS)
    assert clips.is_clip(data)
    assert clips.check(data).seconds == pytest.approx(1.3)
    assert numbers(data, 7, 5.0) == [0, 1, 3, 4, 4, 5, 7]


def test_where_frames_last_differently_long_the_one_that_is_played_counts() -> None:
    times = [0.0, 0.1, 0.15, 1.0, 1.05, 2.0, *(2.0 + 0.1 * n for n in range(1, 19))]
    data = video(marked(24), times=times)
    assert numbers(data, 9, 4.0) == [0, 2, 2, 2, 3, 4, 4, 4, 5]


def test_behind_its_end_a_clip_stands_still() -> None:
    data = video(marked(24), fps=1.0)
    assert numbers(data, 3, 1.0, 20.0) == [20, 21, 22]
    assert numbers(data, 2, 1.0, 22.0) == [22, 23]
    assert numbers(data, 2, 1.0, 60.0) == [23, 23]
    assert numbers(animation(marked(8), "GIF", LASTS), 2, 1.0, 60.0) == [7, 7]


def test_a_single_moment_is_found() -> None:
    for data in (video(marked(24), fps=10.0), animation(marked(24), "WEBP", [100] * 24)):
        found = [clips.frame_at(data, when) for when in (FIRST, MIDDLE, LAST, 0.35, 99.0)]
        assert [number_of(np.asarray(one)) for one in found] == [0, 12, 23, 3, 23]
    for text in ("soon", "-1", "nan", "inf"):
        with pytest.raises(OutOfRange):
            clips.moment(text)
    assert clips.moment("2.5") == 2.5


def test_it_is_turned_as_the_file_says() -> None:
    data = video(marked(4), turned=-90)  # clockwise, as telephones that are held upright say
    assert (clips.check(data).width, clips.check(data).height) == (48, 64)
    [frame, *_] = clips.sampled(data, 1, 1.0)
    corners = {name: frame[y, x, 0] > 150 for name, y, x in (("left", 4, 4), ("right", 4, -4))}
    assert corners == {"left": False, "right": True}


def test_the_same_bytes_give_the_same_frames_of_the_size_that_is_asked_for() -> None:
    data = video(marked(6, 50, 70), pixels="yuv444p")
    first, again = (
        clips.frames(data, width=33, height=31, count=5, fps=6.0, fit="cover") for _ in range(2)
    )
    assert first.shape == (5, 31, 33, 3)
    assert np.array_equal(first, again)
    with pytest.raises(OutOfRange):
        clips.frames(data, width=33, height=31, count=5, fps=6.0, fit="stretch")


# -- hours, and what is made to last for ever ----------------------------------------------


def test_of_a_clip_of_two_hours_no_more_is_decoded_than_is_asked_for() -> None:
    data = video(marked(720, 16, 16), fps=0.1)
    assert clips.check(data).seconds == pytest.approx(7200.0, rel=0.01)
    decoded: list[float] = []
    with clips.opened(data) as clip:
        budget = clips.Budget(2**30)
        for shown in clip.shown(3600.0, budget):
            decoded.append(shown.at)
            if shown.at > 3620.0:
                break
    assert decoded[0] == 3600.0
    assert budget.taken < 260  # those since the last whole frame before


def test_frames_without_end_end() -> None:
    budget = clips.Budget(3 * 64 * 48)
    with pytest.raises(BadClip, match="far more frames"), clips.opened(video(marked(8))) as clip:
        list(clip.shown(0.0, budget))


# -- what is refused -----------------------------------------------------------------------


def gigantic_webp() -> bytes:
    """What says that it is an animation of 16,384 x 16,384 pixels."""
    data = bytearray(animation(marked(3), "WEBP", [100] * 3))
    data[24:30] = b"\xff\x3f\x00\xff\x3f\x00"
    return bytes(data)


def endless_apng() -> bytes:
    """What says that it has a billion frames, and has three."""
    data = animation(marked(3), "PNG", [100] * 3)
    at = data.index(b"acTL")
    body = b"acTL" + struct.pack(">II", 10**9, 0)
    piece = struct.pack(">I", 8) + body + struct.pack(">I", zlib.crc32(body))
    return data[: at - 4] + piece + data[at + 16 :]


REFUSED = {
    "a sound": (only_sound, "no moving picture"),
    "a picture": (lambda: noisy_png(32), "does not move"),
    "a video of one frame": (lambda: video(marked(1)), "does not move"),
    "a small video": (lambda: video(marked(3, 8, 8)), "at least 16x16"),
    "a text": (lambda: b"#EXTM3U\nfile:///etc/passwd\n", "no MP4"),
    "nothing": (lambda: b"", "no MP4"),
    "a head alone": (lambda: b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "cut short"),
    "a billion frames, of which three are there": (endless_apng, "cut short"),
    "gigantic": (gigantic_webp, "cut short|megapixels|unpacks"),
    "a PNG without an end": (lambda: SIGNATURE, "cut short"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_clip_is_refused_with_a_reason(name: str) -> None:
    make, reason = REFUSED[name]
    with pytest.raises(BadClip, match=reason):
        clips.check(make())


@pytest.mark.parametrize("container", ["mp4", "webm", "GIF", "WEBP", "PNG"])
def test_a_clip_that_is_cut_anywhere_is_refused_or_read(container: str) -> None:
    """Whatever the bytes are, no other error is raised."""
    if container.isupper():
        data = animation(marked(8), container, LASTS)
    else:
        codec = "libx264" if container == "mp4" else "libvpx-vp9"
        data = video(marked(8), codec=codec, container=container)
    refused = 0
    for length in range(0, len(data), max(1, len(data) // 40)):
        torn = data[:length] + bytes(len(data) - length)
        for broken in (data[:length], torn):
            try:
                clips.check(broken)
            except BadClip:
                refused += 1
    assert refused > 20


def test_names_and_addresses_in_a_file_are_not_followed() -> None:
    playlist = b"ffconcat version 1.0\nfile /etc/passwd\n"
    assert not clips.is_clip(playlist)
    with pytest.raises(BadClip):
        clips.check(playlist)


def test_a_picture_that_stands_still_is_no_clip() -> None:
    still = io.BytesIO()
    Image.new("RGB", (64, 64)).save(still, "GIF")
    assert not any(map(clips.is_clip, (noisy_png(32), still.getvalue(), b"", b"GIF89a")))


def test_without_pyav_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyav, "is_here", lambda: False)
    with pytest.raises(BadClip, match="install `av`"):
        clips.check(video(marked(4)))
    assert clips.check(animation(marked(4), "GIF", [100] * 4)).format == "GIF"


# -- where it happens ----------------------------------------------------------------------


async def test_clips_are_decoded_in_a_process_apart() -> None:
    data = video(marked(24), fps=10.0, sound=True)
    opening = Opening()
    facts = await opening.clip(data)
    assert facts == clips.check(data)
    assert facts.sound
    frame = Image.open(io.BytesIO(await opening.frame(data, LAST)))
    assert number_of(np.asarray(frame.convert("RGB"))) == 23
    with pytest.raises(BadClip, match="cut short"):
        await opening.clip(data[: len(data) // 2])
