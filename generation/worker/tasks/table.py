"""How each task is worked."""

from __future__ import annotations

from collections.abc import Mapping

from generation.tasks import Task
from generation.worker.tasks.audio_to_audio import AudioToAudio
from generation.worker.tasks.blend import Blend
from generation.worker.tasks.edit import Edit
from generation.worker.tasks.edit_video import EditVideo
from generation.worker.tasks.extend_video import ExtendVideo
from generation.worker.tasks.image_to_image import ImageToImage
from generation.worker.tasks.image_to_video import ImageToVideo
from generation.worker.tasks.inpaint import Inpaint
from generation.worker.tasks.outpaint import Outpaint
from generation.worker.tasks.task import TaskWork
from generation.worker.tasks.text_to_3d import TextTo3D
from generation.worker.tasks.text_to_audio import TextToAudio
from generation.worker.tasks.text_to_image import TextToImage
from generation.worker.tasks.text_to_video import TextToVideo
from generation.worker.tasks.upscale import Upscaling
from generation.worker.tasks.upscale_video import UpscalingVideo
from generation.worker.tasks.video_to_video import VideoToVideo

TASKS: Mapping[Task, TaskWork] = {
    Task.TEXT_TO_IMAGE: TextToImage(),
    Task.IMAGE_TO_IMAGE: ImageToImage(),
    Task.INPAINT: Inpaint(),
    Task.OUTPAINT: Outpaint(),
    Task.EDIT: Edit(),
    Task.BLEND: Blend(),
    Task.UPSCALE: Upscaling(),
    Task.UPSCALE_VIDEO: UpscalingVideo(),
    Task.TEXT_TO_AUDIO: TextToAudio(),
    Task.AUDIO_TO_AUDIO: AudioToAudio(),
    Task.TEXT_TO_VIDEO: TextToVideo(),
    Task.TEXT_TO_3D: TextTo3D(),
    Task.IMAGE_TO_3D: TextTo3D(),  # the picture is read as words are
    Task.IMAGE_TO_VIDEO: ImageToVideo(),
    Task.VIDEO_TO_VIDEO: VideoToVideo(),
    Task.EXTEND_VIDEO: ExtendVideo(),
    Task.EDIT_VIDEO: EditVideo(),
}
