"""Questions and answers as they travel over the OpenAI interface."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence

from openai.types.chat import ChatCompletion
from openai.types.chat.chat_completion import Choice
from openai.types.chat.chat_completion_chunk import Choice as ChunkChoice
from pydantic import JsonValue

from agent.picture import encode
from agent.policy import PolicyBroken
from agent.speaker import Question
from env import Image

OPEN, CLOSE = "<tool_call>", "</tool_call>"


def body(question: Question, images: Sequence[Image], model: str) -> dict[str, JsonValue]:
    """The request that asks `question` with these pictures in its places."""
    left = iter(images)
    data: list[JsonValue] = [_message(message, left) for message in question.messages]
    said: dict[str, JsonValue] = {
        "model": model,
        "messages": data,
        "max_tokens": question.max_tokens,
        "temperature": 0,
    }
    if question.stop:
        said["stop"] = list(question.stop)
    if question.tools:
        said["tools"] = json.loads(json.dumps([dict(tool) for tool in question.tools]))
    return said


def texts(question: Question) -> list[str]:
    """Every piece of text in a question."""
    found = [json.dumps(dict(tool)) for tool in question.tools]
    for message in question.messages:
        content = message.get("content")
        if isinstance(content, str):
            found.append(content)
        elif isinstance(content, list):
            found += [str(part["text"]) for part in content if part.get("type") == "text"]
    return found


def first(answer: ChatCompletion, url: str) -> Choice:
    """The one choice of an answer. Raises `PolicyBroken` where there is none, as some servers answer."""
    if not answer.choices or answer.choices[0].message is None:
        raise PolicyBroken(f"{url}: the answer holds no choice")
    return answer.choices[0]


def written(choice: Choice) -> str:
    """The text of an answer, with calls that the server has read out of it put back as they were written."""
    text = choice.message.content or ""
    for call in choice.message.tool_calls or ():
        if call.type == "function":
            arguments = call.function.arguments
            text += f'{OPEN}\n{{"name": {json.dumps(call.function.name)}, "arguments": {arguments}}}\n{CLOSE}'
    return text


def missing(text: str, stop: Sequence[str], choice: Choice | ChunkChoice | None) -> str:
    """The stop string that ended the answer: servers leave it out, and it was written.

    Some say which it was (`stop_reason`). Of the others, an open call whose end would have stopped it has ended so.
    """
    extra = (choice.model_extra or {}) if choice else {}
    reason = extra.get("stop_reason")
    if isinstance(reason, str) and reason in stop and not text.endswith(reason):
        return reason
    if choice is None or choice.finish_reason != "stop" or "stop_reason" in extra or CLOSE not in stop:
        return ""
    return CLOSE if text.rfind(OPEN) > text.rfind(CLOSE) else ""


def _message(message: Mapping[str, object], images: Iterator[Image]) -> JsonValue:
    said: dict[str, JsonValue] = json.loads(json.dumps(dict(message)))
    if isinstance(parts := said.get("content"), list):
        said["content"] = [_part(part, images) for part in parts]
    return said


def _part(part: JsonValue, images: Iterator[Image]) -> JsonValue:
    assert isinstance(part, dict)
    if part["type"] != "image":
        return part
    data = base64.b64encode(encode(next(images))).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
