"""The Qwen2.5-VL family in plain PyTorch: image processor, network, chat format and greedy decoding."""

from model.chat import ChatError
from model.config import Config
from model.fields import ConfigError
from model.generate import Output, Prompt, generate
from model.image import ImageProcessor, decode, smart_resize
from model.mapped import LoadError
from model.model import Generation, Model, load
from model.plan import PlanError
from model.qwen import Qwen

__all__ = [
    "ChatError",
    "Config",
    "ConfigError",
    "Generation",
    "ImageProcessor",
    "LoadError",
    "Model",
    "Output",
    "PlanError",
    "Prompt",
    "Qwen",
    "decode",
    "generate",
    "load",
    "smart_resize",
]
