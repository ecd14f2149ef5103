"""Streamed answers: together they say what a whole answer says."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from model.model import Generation
from model.serve.calls import write
from model.serve.reply import Answer, Stamp, Stream
from model.serve.request import ChatRequest

STAMP = Stamp("chatcmpl-0123456789abcdef", 0, "tiny")
CALL = write("look", '{"at": 3}')
PARTS = st.lists(
    st.sampled_from((CALL, CALL[:-7], write("fly", "{}"), "<tool", "Hello", "Hello ", " ", "\n")), max_size=6
)
TOOL = {"type": "function", "function": {"name": "look"}}


def asked(tools: Sequence[object]) -> ChatRequest:
    request = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "tools": tools}
    return ChatRequest.model_validate(request)


def generation(text: str) -> Generation:
    return Generation(text, (), 0, 0, "end", (), {}, ())


def deltas(stream: Stream, text: str, cut: int) -> list[dict[str, object]]:
    events = [stream.begin(), *(stream.piece(text[at : at + cut]) for at in range(0, len(text), cut))]
    told = "".join((*events, stream.end(generation(text)))).split("\n\n")
    chunks = [json.loads(one.removeprefix("data: ")) for one in told if one and one != "data: [DONE]"]
    return [chunk["choices"][0]["delta"] for chunk in chunks]


@example(["\n", "Hello ", CALL], 3, True)
@example(["Hello ", CALL[:-7], " ", CALL], 2, True)
@given(PARTS, st.integers(1, 9), st.booleans())
def test_the_pieces_of_a_stream_are_the_words_and_calls_of_the_whole(parts: list[str], cut: int, offered: bool) -> None:
    text, request = "".join(parts), asked([TOOL] if offered else [])
    answer = Answer.of(request, generation(text))
    message = answer.whole(STAMP)["choices"][0]["message"]  # type: ignore[index,call-overload]
    pieces = deltas(Stream(request, STAMP), text, cut)
    words = "".join(str(piece.get("content", "")) for piece in pieces)
    assert (words.strip() or None) == message["content"] if answer.calls else words == message["content"]
    calls = [call for piece in pieces for call in piece.get("tool_calls", ())]  # type: ignore[attr-defined]
    assert [{**call, "index": 0} for call in calls] == [{**call, "index": 0} for call in message.get("tool_calls", ())]
    if CALL[:-7] not in parts:  # what follows a call that is not closed belongs to it
        assert len(calls) == (parts.count(CALL) if offered else 0)
