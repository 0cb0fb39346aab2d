"""Sounds that people send: every kind of file, of any rate, and what is no use at all."""

import io
import struct
import sys
import wave

import numpy as np
import pytest
import soundfile

from generation.errors import BadSound
from generation.media import sounds
from tests.given.sounds import a_file, a_tone

RATES = (8_000, 22_050, 44_100, 48_000, 192_000)


def pitch_of(samples: np.ndarray, rate: int) -> float:
    """The strongest frequency of one channel."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate / len(samples))


def a_film(rate: int = 44_100, *, sound: bool = True) -> bytes:
    """An MP4 of half a second."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as film:
        picture = film.add_stream("libx264", rate=8, width=32, height=32, pix_fmt="yuv420p")
        heard = film.add_stream("aac", rate=rate) if sound else None
        for _ in range(4):
            grey = np.full((32, 32, 3), 99, np.uint8)
            film.mux(picture.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        film.mux(picture.encode(None))
        if heard is not None:
            mono = a_tone(rate).astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(mono, format="fltp", layout="mono")
            frame.sample_rate = rate
            film.mux(heard.encode(frame))
            film.mux(heard.encode(None))
    return out.getvalue()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("wanted", [8_000, 44_100])
def test_any_rate_becomes_the_one_that_is_wanted(rate: int, wanted: int) -> None:
    file = a_file(a_tone(rate), rate)
    found = sounds.load(file, rate=wanted, channels=1, seconds=10.0)
    assert found.dtype == np.float32
    assert found.shape == (1, wanted // 2)
    assert pitch_of(found[0], wanted) == pytest.approx(440, abs=4)
    assert np.array_equal(found, sounds.load(file, rate=wanted, channels=1, seconds=10.0))


@pytest.mark.parametrize(
    ("kind", "subtype", "rate"),
    [
        ("WAV", "PCM_24", 44_100),
        ("WAV", "FLOAT", 44_100),
        ("FLAC", None, 96_000),
        ("OGG", "VORBIS", 44_100),
        ("OGG", "OPUS", 48_000),
        ("MP3", None, 44_100),
        ("AIFF", None, 44_100),
    ],
)
def test_every_usual_kind_of_file_is_heard(kind: str, subtype: str | None, rate: int) -> None:
    file = a_file(a_tone(rate), rate, kind, subtype)
    facts = sounds.check(file)
    assert (facts.rate, facts.channels) == (rate, 1)
    assert facts.seconds == pytest.approx(0.5, abs=0.1)
    found = sounds.load(file, rate=16_000, channels=2, seconds=0.25)
    assert found.shape == (2, 4_000)
    assert np.array_equal(found[0], found[1])
    assert pitch_of(found[0], 16_000) == pytest.approx(440, abs=8)


def test_the_sound_of_a_video_is_heard() -> None:
    found = sounds.load(a_film(), rate=8_000, channels=1, seconds=0.4)
    assert found.shape == (1, 3_200)
    assert pitch_of(found[0], 8_000) == pytest.approx(440, abs=8)


def test_several_channels_become_their_mean() -> None:
    left, right = a_tone(8_000), -a_tone(8_000)
    both = np.stack([left, right, 3 * 0.3 * a_tone(8_000)], axis=1)
    found = sounds.load(a_file(both, 8_000), rate=8_000, channels=1, seconds=1.0)
    assert np.allclose(found[0], 0.3 * a_tone(8_000), atol=1e-3)


def test_of_hours_only_what_is_wanted_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = a_file(np.tile(a_tone(8_000, 10.0), 6 * 60).astype(np.float32), 8_000)
    read = []
    real = soundfile.SoundFile.read

    def counted(self: soundfile.SoundFile, frames: int = -1, **rest: object) -> np.ndarray:
        read.append(frames)
        found: np.ndarray = real(self, frames, **rest)
        return found

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    assert sounds.check(hours).seconds == 3_600
    assert sounds.load(hours, rate=8_000, channels=1, seconds=2.0).shape == (1, 16_000)
    assert max(read) <= 30 * 8_000


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (a_file(np.zeros(8_000), 8_000), "nothing is heard"),
        (a_file(a_tone(8_000)[:100], 8_000), "shorter than"),
        (a_file(a_tone(8_000), 8_000)[:40], "cut short or damaged|shorter than"),
        (b"fLaC" + bytes(100), "cut short or damaged"),
        (b"ID3" + bytes(500), "cut short or damaged"),
        (b"OggS" + bytes(500), "cut short or damaged"),
        (a_film()[:400], "cut short or damaged"),
        (a_film(sound=False), "no sound in that video"),
        (b"", "not a WAV"),
        (b"\x89PNG\r\n\x1a\n", "not a WAV"),
        (b"hello", "not a WAV"),
    ],
    ids=range(11),
)
def test_what_is_no_use_is_refused_with_the_reason(file: bytes, reason: str) -> None:
    with pytest.raises(BadSound, match=reason):
        sounds.check(file)


def test_a_wav_that_claims_impossible_things_is_refused() -> None:
    file = bytearray(a_file(a_tone(8_000), 8_000))
    for rate in (0, 1, 2**31):
        struct.pack_into("<I", file, 24, rate)
        with pytest.raises(BadSound):
            sounds.check(bytes(file))
    struct.pack_into("<I", file, 24, 8_000)
    struct.pack_into("<H", file, 22, 999)
    with pytest.raises(BadSound):
        sounds.check(bytes(file))


def test_numbers_that_are_none_become_silence() -> None:
    broken = a_tone(8_000).astype(np.float32)
    broken[:50] = np.nan
    broken[50:60] = np.inf
    found = sounds.load(a_file(broken, 8_000, "WAV", "FLOAT"), rate=8_000, channels=1, seconds=1.0)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 1.0


def a_wav(width: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(8_000)
        whole = a_tone(8_000) * (2 ** (8 * width - 1) - 1)
        kinds = {1: np.uint8, 2: np.int16, 4: np.int32}
        file.writeframes((whole + (128 if width == 1 else 0)).astype(kinds[width]).tobytes())
    return out.getvalue()


@pytest.mark.parametrize("width", [1, 2, 4])
def test_without_soundfile_a_wav_is_read_all_the_same(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    found = sounds.load(a_wav(width), rate=8_000, channels=1, seconds=1.0)
    assert np.allclose(found[0], a_tone(8_000), atol=0.02)
    with pytest.raises(BadSound, match="pip install soundfile"):
        sounds.check(b"fLaC" + bytes(100))


def test_without_av_a_video_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    film = a_film()
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(BadSound, match="pip install av"):
        sounds.check(film)
