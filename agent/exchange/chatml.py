"""Training samples as ChatML in JSON lines, the way two trainers read them.

`sft` is what qwen-vl-finetune reads (QwenLM/Qwen2.5-VL, qwen-vl-finetune/qwenvl/data/data_processor.py,
`_build_messages`): `image` is a path or a list of them, `conversations` alternates "human" and "gpt", and each
`<image>` in a human's `value` takes the next picture. It knows no system turn: whatever is not "human" is the
assistant's. What tells the actions therefore begins the first human turn.

`llamafactory` is LLaMA-Factory's sharegpt form (hiyouga/LLaMA-Factory, data/README.md and data/dataset_info.json, the
entry `mllm_demo`): `messages` with `role` and `content`, `images`, and dataset_info.json that says so.

Both pass over the fields `run` and `step`, which say where a sample comes from, and `coordinates`, the width and height
that coordinates in it count to.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import JsonValue

from agent.exchange.sample import Sample, Turn

SPEAKERS = {"user": "human", "assistant": "gpt"}
TAGS: dict[str, JsonValue] = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}
COLUMNS: dict[str, JsonValue] = {"messages": "messages", "images": "images"}


def qwen(sample: Sample, images: Sequence[str]) -> str:
    """A line of `sft`; one picture stands alone, several are a list."""
    turns: list[JsonValue] = [
        {"from": SPEAKERS[turn.role], "value": turn.text} for turn in without_system(sample.turns)
    ]
    shown: JsonValue = images[0] if len(images) == 1 else list(images)
    return _line(sample, {"image": shown, "conversations": turns})


def without_system(turns: Sequence[Turn]) -> list[Turn]:
    """`turns` with the system's words at the beginning of the first turn."""
    if turns[0].role != "system":
        return list(turns)
    return [Turn(turns[1].role, f"{turns[0].text.rstrip()}\n\n{turns[1].text}"), *turns[2:]]


def llamafactory(sample: Sample, images: Sequence[str]) -> str:
    """A line of `llamafactory`."""
    messages: list[JsonValue] = [{"role": turn.role, "content": turn.text} for turn in sample.turns]
    return _line(sample, {"messages": messages, "images": list(images)})


def dataset_info(files: Sequence[str]) -> str:
    """dataset_info.json: "handeye_train" for train.jsonl, and so on."""
    told = {
        f"handeye_{file.removesuffix('.jsonl')}": {
            "file_name": file,
            "formatting": "sharegpt",
            "columns": COLUMNS,
            "tags": TAGS,
        }
        for file in files
    }
    return json.dumps(told, indent=1) + "\n"


def _line(sample: Sample, data: dict[str, JsonValue]) -> str:
    edges: JsonValue = list(sample.edges) if sample.edges else None
    origin: dict[str, JsonValue] = {"run": sample.run, "step": sample.step, "coordinates": edges}
    return json.dumps({**origin, **data}, ensure_ascii=False) + "\n"
