"""The Qwen2-VL and Qwen2.5-VL family in plain PyTorch: processors, network, chat format and greedy decoding.

`model.frames`, which reads video files, is not imported here: it needs the extra `video`.
"""

from model.ask import Ask
from model.config import Config
from model.fields import ConfigError
from model.generate import Output, Prompt, generate
from model.glance import Glances
from model.image import ImageError, ImageProcessor, decode, read_image, smart_resize
from model.mapped import LoadError
from model.messages import ChatError
from model.model import Generation, Model, Turn, load
from model.plan import PlanError
from model.prefix import Disk
from model.qwen import Qwen
from model.session import Session
from model.sessions import Sessions
from model.video import Clip, Sampling, VideoError, VideoProcessor

__all__ = [
    "Ask",
    "ChatError",
    "Clip",
    "Config",
    "ConfigError",
    "Disk",
    "Generation",
    "Glances",
    "ImageError",
    "ImageProcessor",
    "LoadError",
    "Model",
    "Output",
    "PlanError",
    "Prompt",
    "Qwen",
    "Sampling",
    "Session",
    "Sessions",
    "Turn",
    "VideoError",
    "VideoProcessor",
    "decode",
    "generate",
    "load",
    "read_image",
    "smart_resize",
]
