"""The texts that a file carries by name, in every kind of file that other programs write."""

from __future__ import annotations

import io
import json
import random
import struct
import time
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.media import containers
from generation.media.containers import WHOLE, texts_of
from tests.given.builders import a_chunk, encoded
from tests.given.tagged import matroska, mp3, mp4, ogg, vorbis_comment

PROMPT = json.dumps({"3": {"class_type": "KSampler", "inputs": {"seed": 5}}})
WORDS = "a red cat, 一只红猫\nSteps: 20, Seed: 5"


def picture(kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 40)).save(file, kind, **how)
    return file.getvalue()


def test_a_png_gives_all_of_its_texts() -> None:
    told = PngInfo()
    told.add_text("prompt", PROMPT)
    told.add_itxt("parameters", WORDS)
    told.add_text("workflow", PROMPT * 9, zip=True)
    found = texts_of(picture("PNG", pnginfo=told))
    assert found == {"prompt": PROMPT, "parameters": WORDS, "workflow": PROMPT * 9}


def test_an_animated_png_keeps_them_in_pieces_of_its_own() -> None:
    plain = picture("PNG")
    end = plain.index(b"IEND") - 4
    told = a_chunk(b"comf", b"prompt\0" + PROMPT.encode("latin-1"))
    assert texts_of(plain[:end] + told + plain[end:]) == {"prompt": PROMPT}


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
def test_a_users_comment_is_read_in_either_order_of_its_bytes(kind: str, order: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + WORDS.encode(order)
    assert texts_of(picture(kind, exif=exif.tobytes()))["UserComment"] == WORDS


def test_a_webp_of_comfyui_says_the_names_itself() -> None:
    exif = Image.Exif()
    exif[0x0110], exif[0x010F] = f"prompt:{PROMPT}", f"Workflow:{PROMPT}"
    found = texts_of(picture("WEBP", exif=exif.tobytes()))
    assert found == {"prompt": PROMPT, "workflow": PROMPT}


def test_comments_of_gif_and_jpeg() -> None:
    assert texts_of(picture("GIF", comment=WORDS.encode())) == {"comment": WORDS}
    assert texts_of(picture("JPEG", comment=WORDS.encode())) == {"comment": WORDS}


def test_a_comment_may_stand_behind_the_frames_of_a_huge_gif() -> None:
    plain = bytearray(picture("GIF"))
    plain[6:10] = b"\xff\xff\xff\xff"  # larger than anybody opens
    comment = b"\x21\xfe" + bytes([len(PROMPT)]) + PROMPT.encode() + b"\0"
    assert texts_of(bytes(plain[:-1]) + comment + b";") == {"comment": PROMPT}


TAGS = {"prompt": PROMPT, "workflow": '{"nodes": [], "title": "猫"}'}


def test_clips_and_sounds_carry_tags() -> None:
    assert texts_of(mp4(TAGS)) == TAGS
    assert texts_of(matroska({name.upper(): text for name, text in TAGS.items()})) == TAGS
    assert texts_of(matroska(TAGS, live=True)) == TAGS
    block = vorbis_comment(TAGS)
    assert texts_of(b"fLaC" + struct.pack(">I", 0x84 << 24 | len(block)) + block) == TAGS
    assert texts_of(ogg(TAGS)) == TAGS
    assert texts_of(mp3(TAGS)) == TAGS


def test_weights_say_what_they_were_made_with() -> None:
    head = json.dumps({"__metadata__": TAGS, "x": {"dtype": "F32", "shape": []}}).encode()
    assert texts_of(struct.pack("<Q", len(head)) + head) == TAGS


def test_a_plain_text_is_all_of_the_file() -> None:
    for data in (WORDS.encode(), WORDS.encode("utf-8-sig"), WORDS.encode("utf-16")):
        assert texts_of(data) == {WHOLE: WORDS}
    assert texts_of(b"\x7fELF\0\0\0\1" * 99) == {}


def files() -> list[bytes]:
    told = PngInfo()
    told.add_text("prompt", PROMPT, zip=True)
    exif = Image.Exif()
    exif[0x0110] = f"prompt:{PROMPT}"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + WORDS.encode("utf-16-be")
    noted = exif.tobytes()
    head = json.dumps({"__metadata__": TAGS}).encode()
    return [
        picture("PNG", pnginfo=told, exif=noted),
        picture("JPEG", exif=noted, comment=b"x"),
        picture("WEBP", exif=noted),
        picture("GIF", comment=WORDS.encode()),
        *(mp4(TAGS), matroska(TAGS), matroska(TAGS, live=True), ogg(TAGS), mp3(TAGS)),
        b"fLaC" + struct.pack(">I", 0x84 << 24 | 200) + vorbis_comment(TAGS),
        struct.pack("<Q", len(head)) + head,
    ]


def test_damaged_files_give_what_is_left_and_raise_nothing() -> None:
    dice = random.Random(5)
    for file in files():
        for _ in range(150):
            damaged = bytearray(file[: dice.randrange(len(file))] if dice.random() < 0.3 else file)
            for _ in range(dice.randrange(1, 9) if damaged else 0):
                damaged[dice.randrange(len(damaged))] = dice.choice((0, 1, 127, 255))
            assert all(isinstance(text, str) for text in texts_of(bytes(damaged)).values())


def test_a_file_of_bombs_costs_what_is_allowed() -> None:
    bomb = zlib.compress(bytes(2**26), 9)
    plain = encoded(Image.new("RGB", (64, 64)))
    file = plain[:33] + a_chunk(b"zTXt", b"k\0\0" + bomb) * 600 + plain[33:]
    # One block of bytes, to which five hundred entries of a directory point.
    entries = b"".join(struct.pack("<HHII", n, 2, 2**20, 16) for n in range(1, 500))
    exif = b"II*\0" + struct.pack("<IIIH", 16, 0, 0, 499) + entries + bytes(2**21)
    many = b"RIFF\0\0\0\0WEBPEXIF" + struct.pack("<I", len(exif)) + exif
    began = time.process_time()
    for one in (file, many):
        assert sum(map(len, texts_of(one).values())) <= containers.MAX_BYTES
    began = time.process_time() - began
    reference = time.process_time()
    for _ in range(20):
        zlib.decompress(bomb)
    assert began < time.process_time() - reference
