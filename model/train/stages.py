"""The three stages, as data: what is trained, on what, and how fast.

Vision first, then everything, then instructions with the vision tower frozen, as in Qwen2-VL (arXiv 2409.12191,
section 2.2). `language` prepares the decoder beside the vision stage: it teaches copying without pictures. `readers`
fits the training heads to an exported folder, which holds none, before `joint` goes on from it. `polish` goes on from
weights that have their instructions, vision tower and all, at half the rates of `joint`, until nothing moves any more;
`mend` goes over instructions once more, with screens among them that the model's own mistakes led to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Stage:
    """One stage of training; learning rates fall linearly over its last three quarters."""

    name: str
    train: tuple[str, ...]  # prefixes of the parameters that move
    batch: int  # pictures a process and update, two turns each
    muon_lr: float
    adam_lr: float
    ocr: float = 0.0  # weights of the losses
    answer: float = 0.0
    place: float = 0.0
    mask: float = 0.0
    look: float = 0.0
    copying: float = 0.0  # share of turns without a picture
    visual: float = 1.0  # the vision tower's share of the learning rates
    gain: float = 1.0  # by which image features are scaled when the stage begins
    warmup: int = 50  # updates
    floor: float = 0.1  # learning rate left at the end
    measure: str = "answer"  # the loss that tells whether it has brought something


_VISION = Stage(
    "vision", ("visual.", "heads.ocr"), batch=8, muon_lr=0.02, adam_lr=2e-3, ocr=1.0, floor=0.3, measure="ocr"
)
_LANGUAGE = Stage("language", ("model.",), batch=12, muon_lr=0.02, adam_lr=2e-3, answer=1.0, copying=1.0, floor=0.3)
_JOINT = Stage(
    "joint",
    ("visual.", "model.", "heads."),
    batch=6,
    muon_lr=0.006,
    adam_lr=8e-4,
    visual=0.5,
    ocr=1.0,
    answer=1.0,
    place=0.3,
    mask=0.3,
    look=0.15,
    copying=0.2,
    gain=20.0,
    warmup=100,
    floor=0.25,
)
_READERS = Stage(
    "readers",
    ("heads.",),
    batch=8,
    muon_lr=0.0,
    adam_lr=2e-3,
    ocr=1.0,
    answer=1.0,
    place=0.3,
    mask=0.3,
    warmup=10,
    floor=0.3,
    measure="ocr",
)
_INSTRUCT = Stage(
    "instruct",
    ("model.", "heads.mask", "heads.place"),
    batch=8,
    muon_lr=0.005,
    adam_lr=6e-4,
    answer=1.0,
    place=0.3,
    mask=0.2,
    look=0.15,
    copying=0.1,
    warmup=30,
    floor=0.02,
)
_POLISH = replace(_JOINT, name="polish", muon_lr=0.003, adam_lr=4e-4, copying=0.1, gain=1.0, floor=0.02)
_MEND = replace(_INSTRUCT, name="mend", muon_lr=0.0025, adam_lr=3e-4)

STAGES = {stage.name: stage for stage in (_VISION, _LANGUAGE, _JOINT, _READERS, _INSTRUCT, _POLISH, _MEND)}
