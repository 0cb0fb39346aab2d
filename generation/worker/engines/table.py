"""Which engine draws with which architecture."""

from __future__ import annotations

from collections.abc import Mapping

from generation.worker.engines.ace_step import AceStep
from generation.worker.engines.anima import Anima
from generation.worker.engines.animatediff import AnimateDiff
from generation.worker.engines.chroma import Chroma
from generation.worker.engines.cogvideox import CogVideoX
from generation.worker.engines.engine import Engine
from generation.worker.engines.ernie_image import ErnieImage
from generation.worker.engines.flux import Flux
from generation.worker.engines.flux2 import MISTRAL, QWEN3, Flux2
from generation.worker.engines.flux3 import FORM, Flux3
from generation.worker.engines.hidream import HiDream
from generation.worker.engines.hunyuan_video import HunyuanVideo
from generation.worker.engines.krea2 import Krea2
from generation.worker.engines.longcat_image import LongCatImage
from generation.worker.engines.ltx import LtxVideo
from generation.worker.engines.ltx2 import Ltx2
from generation.worker.engines.lumina2 import Lumina2
from generation.worker.engines.musicgen import MusicGen
from generation.worker.engines.nothing import NothingDrawn
from generation.worker.engines.qwen_image import QwenImage
from generation.worker.engines.qwen_image_21 import QwenImage21
from generation.worker.engines.sana import Sana
from generation.worker.engines.sd3 import StableDiffusion3
from generation.worker.engines.shap_e import ShapE, picture_of, words_of
from generation.worker.engines.stable_audio import StableAudio
from generation.worker.engines.stable_audio_3 import StableAudio3
from generation.worker.engines.stable_diffusion import StableDiffusion
from generation.worker.engines.wan import Wan
from generation.worker.engines.wan_vace import WanVace
from generation.worker.engines.z_image import ZImage

ENGINES: Mapping[str, Engine] = {
    "sd1": StableDiffusion(),
    "animatediff": AnimateDiff(still=StableDiffusion()),
    "sd2": StableDiffusion(),  # its encoder ends with the layer that is read
    # XL was trained on the layer before the last, as it comes: clip skip 1 and 2 both mean it.
    "sdxl": StableDiffusion(shallowest=2, final_norm=False),
    # Scores as the stock pipelines and ComfyUI have them.
    "sdxl-refiner": StableDiffusion(shallowest=2, final_norm=False, scores=(6.0, 2.5)),
    "sd3": StableDiffusion3(),
    "flux1": Flux(tokens=512),
    "flux1-schnell": Flux(tokens=256),
    "flux2-dev": Flux2(form=MISTRAL),
    "flux2-klein": Flux2(form=QWEN3),
    "flux3": Flux3(form=FORM, activations=27),
    "z-image": ZImage(),
    "ernie-image": ErnieImage(),
    "hidream": HiDream(),
    "sana": Sana(),
    "chroma": Chroma(tokens=512),
    "qwen-image": QwenImage(),
    "qwen-image-2.1": QwenImage21(),
    "krea2": Krea2(),
    "anima": Anima(),
    "lumina2": Lumina2(),
    "stable-audio": StableAudio(),
    "stable-audio-3": StableAudio3(),
    "longcat-image": LongCatImage(tokens=512),
    "wan": Wan(),
    "shap-e": ShapE(read=words_of),
    "shap-e-image": ShapE(read=picture_of),
    "wan-2.2-5b": Wan(by_token=True),
    "wan-vace": WanVace(),
    "ltx-video": LtxVideo(),
    "ltx-2": Ltx2(),
    "ltx-2.3": Ltx2(newer=True),
    "cogvideox": CogVideoX(),
    "hunyuan-video-1.5": HunyuanVideo(),
    "ace-step": AceStep(),
    "musicgen": MusicGen(),
}

# Of what no architecture of models draws.
NOTHING: Engine = NothingDrawn()
