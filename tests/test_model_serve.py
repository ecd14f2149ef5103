"""The server: what the official client sends is answered, and what cannot be answered is refused in its own shape."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import socket
import struct
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import openai
import pytest
from agent_runs import until
from model_serving import client, serving
from numpy.typing import NDArray
from PIL import Image
from plain_screen import plain_screen

from model import Generation, Model, Sessions, load
from model.ask import Ask
from model.serve import Limits

TINY = Path(__file__).resolve().parent.parent / "model" / "weights" / "tiny"
WORDS = 'Instruction: Click on the "OK" button.\nPrevious actions: None\n'


def png(image: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def look(url: str = "", words: str = WORDS) -> list[dict[str, object]]:
    return [{"role": "user", "content": [{"type": "text", "text": words}, _image(url or png(plain_screen()))]}]


def _image(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.fixture(scope="module")
def model() -> Model:
    return load(TINY)


@pytest.fixture(scope="module")
def url(model: Model) -> Iterator[str]:
    with serving(model, Limits(body=2**20, waiting=1, told=False)) as address:
        yield address


@pytest.fixture(scope="module")
def direct(model: Model) -> Generation:
    parts = [{"type": "text", "text": WORDS}, {"type": "image"}]
    return model.chat([{"role": "user", "content": parts}], [plain_screen()], ask=Ask(max_tokens=64, stop=()))


def post(url: str, body: bytes | Mapping[str, object], **headers: str) -> tuple[int, dict[str, dict[str, object]]]:
    """Status and JSON of a chat request, sent without the client."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    asked = urllib.request.Request(
        url + "/chat/completions",
        data,
        {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()},
    )
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_an_image_part_is_answered_as_the_engine_itself_answers(url: str, direct: Generation) -> None:
    said = client(url).chat.completions.create(model="tiny", messages=look(), max_tokens=64, temperature=0)
    choice = said.choices[0]
    assert choice.message.content == direct.text
    assert choice.finish_reason == ("length" if direct.stop == "length" else "stop")
    assert said.usage is not None
    assert said.usage.prompt_tokens == direct.prompt_tokens
    assert said.usage.completion_tokens == len(direct.tokens)
    assert said.usage.prompt_tokens_details.image_tokens == direct.image_tokens


def test_a_stream_tells_the_same_words_piece_by_piece(url: str, direct: Generation) -> None:
    stream = client(url).chat.completions.create(
        model="tiny", messages=look(), max_tokens=64, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    pieces = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert "".join(pieces) == direct.text
    assert len(pieces) > 3
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.completion_tokens == len(direct.tokens)
    assert len({c.id for c in chunks}) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_stop_string_ends_the_words_and_is_not_among_them(stream: bool, url: str, direct: Generation) -> None:
    stop = direct.text[10:13]
    assert stop in direct.text
    said = client(url).chat.completions.create(
        model="tiny", messages=look(), max_tokens=64, stop=["never", stop], stream=stream
    )
    if stream:
        chunks = [c.choices[0] for c in said]
        text, end = "".join(c.delta.content or "" for c in chunks), chunks[-1]
    else:
        text, end = said.choices[0].message.content, said.choices[0]
    assert text == direct.text[: direct.text.index(stop)]
    assert (end.finish_reason, end.model_extra) == ("stop", {"stop_reason": stop})


def test_the_limit_of_tokens_is_kept_and_said(url: str) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        said = client(url).chat.completions.create(model="tiny", messages=look(), **{name: 3})
        assert (said.choices[0].finish_reason, said.usage.completion_tokens) == ("length", 3)


def form(schema: Mapping[str, object] | None) -> dict[str, object]:
    named = {"name": "it"} if schema is None else {"name": "it", "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": named}


def lark(text: str) -> dict[str, object]:
    return {"type": "lark_grammar", "lark_grammar": text}


def deep(rules: int) -> str:
    """A grammar each rule of which leads to the next."""
    return "\n".join(["start: r0", *(f"r{at}: r{at + 1}" for at in range(rules - 1)), f'r{rules - 1}: "x"'])


def chained(steps: int) -> dict[str, object]:
    """A schema each part of which is the next."""
    parts = {f"d{at}": {"$ref": f"#/$defs/d{at + 1}"} for at in range(1, steps)}
    return {"$ref": "#/$defs/d1", "$defs": {**parts, f"d{steps}": {"type": "string"}}}


def tool(parameters: Mapping[str, object], name: str = "act") -> dict[str, object]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


CLICK = {"name": "computer_use", "description": "Act.", "parameters": {"type": "object", "properties": {}}}
TOOLS = [{"type": "function", "function": CLICK}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "computer_use", "arguments": '{"action": "wait"}'}}
TEMPLATE = (
    "{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}{% for message in messages %}<|im_start|>"
    "{{ message['role'] }}\n{{ message['content'] or '' }}{% for call in message['tool_calls'] or [] %}"
    "{{ call['function'] | tojson }}{% endfor %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "function": {"name": "computer_use"}}])
def test_a_call_comes_back_as_a_call_when_tools_are_offered(choice: object, url: str, direct: Generation) -> None:
    assert "<tool_call>" in direct.text
    said = client(url).chat.completions.create(
        model="tiny", messages=look(), max_tokens=64, tools=TOOLS, tool_choice=choice
    )
    (call,) = said.choices[0].message.tool_calls
    assert (said.choices[0].finish_reason, call.function.name) == ("tool_calls", "computer_use")
    assert "action" in json.loads(call.function.arguments)
    stream = client(url).chat.completions.create(
        model="tiny", messages=look(), max_tokens=64, tools=TOOLS, tool_choice=choice, stream=True
    )
    deltas = [c.choices[0].delta for c in stream]
    calls = [each for d in deltas for each in d.tool_calls or ()]
    assert [each.function for each in calls] == [type(calls[0].function)(**call.function.model_dump())]
    assert "<tool_call>" not in "".join(d.content or "" for d in deltas)


FORM = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green"]}, "count": {"type": "integer", "minimum": 0, "maximum": 12}},
    "required": ["colour", "count"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_is_kept_to_whatever_the_model_would_rather_say(stream: bool, url: str) -> None:
    said = client(url).chat.completions.create(
        model="tiny", messages=look(), max_tokens=64, response_format=form(FORM), stream=stream, stop=['"', "}"]
    )
    if stream:
        choices = [c.choices[0] for c in said]
        text, reason = "".join(c.delta.content or "" for c in choices), choices[-1].finish_reason
    else:
        text, reason = said.choices[0].message.content, said.choices[0].finish_reason
    found = json.loads(text)
    assert reason == "stop"
    assert set(found) == {"colour", "count"}
    assert found["colour"] in ("red", "green")
    assert 0 <= found["count"] <= 12


def test_a_grammar_in_lark_is_kept_to_and_any_object_may_be_asked_for(url: str) -> None:
    ask = client(url).chat.completions.create
    grammar = lark('start: <tool_call> /[0-9]{3}/ " é" </tool_call>')
    said = ask(model="tiny", messages=look(), extra_body={"response_format": grammar})
    assert re.fullmatch(r"<tool_call>\d{3} é</tool_call>", said.choices[0].message.content or "")
    said = ask(model="tiny", messages=look(), max_tokens=200, response_format={"type": "json_object"})
    text, reason = said.choices[0].message.content or "", said.choices[0].finish_reason
    assert text.startswith("{")
    assert reason == "length" or isinstance(json.loads(text), dict)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of a model whose template shows tools."""
    copy = shutil.copytree(TINY, tmp_path_factory.mktemp("taught") / "tiny")
    (copy / "additional_chat_templates").mkdir()
    (copy / "additional_chat_templates" / "tool_use.jinja").write_text(TEMPLATE)
    with serving(load(copy)) as url:
        yield url


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "paint"}}])
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_has_to_come_comes_with_arguments_of_its_schema(choice: object, stream: bool, taught: str) -> None:
    tools = [tool(FORM, "paint"), tool({"properties": {"x": {"type": "boolean"}}, "required": ["x"]}, "other")]
    said = client(taught).chat.completions.create(
        model="tiny", messages=look(), tools=tools, tool_choice=choice, parallel_tool_calls=False, stream=stream
    )
    if stream:
        choices = [c.choices[0] for c in said]
        (call,) = [each for c in choices for each in c.delta.tool_calls or ()]
        assert choices[-1].finish_reason == "tool_calls"
    else:
        (call,) = said.choices[0].message.tool_calls
        assert said.choices[0].finish_reason == "tool_calls"
    found = json.loads(call.function.arguments)
    if call.function.name == "paint":
        assert set(found) == {"colour", "count"}
    else:
        assert (call.function.name, choice) == ("other", "required")
        assert isinstance(found["x"], bool)


def test_a_tool_whose_schema_cannot_be_kept_to_is_refused(taught: str) -> None:
    body = {"messages": look(), "tools": [tool({"type": 7})], "tool_choice": "required"}
    status, answer = post(taught, body)
    assert status == 400
    assert str(answer["error"]["message"]).startswith("grammar: ")


def test_what_a_conversation_has_read_is_not_read_again(model: Model) -> None:
    shared = replace(model, sessions=Sessions(model.network, 2))
    turns: dict[str, list[dict[str, object]]] = {"ok": look(), "no": look(words=WORDS.replace("OK", "No, never") * 2)}
    read = dict.fromkeys(turns, 0)
    with serving(shared, Limits(told=False)) as url, serving(model, Limits(told=False)) as plain:
        for _ in range(3):
            for name, told in turns.items():
                asked = {"model": "tiny", "messages": told, "max_tokens": 64, "response_format": form(FORM)}
                said = client(url).chat.completions.create(**asked)
                alone = client(plain).chat.completions.create(**asked)
                assert said.choices[0].message.content == alone.choices[0].message.content
                assert alone.usage.prompt_tokens_details.cached_tokens == 0
                assert read[name] <= said.usage.prompt_tokens_details.cached_tokens < said.usage.prompt_tokens
                read[name] = said.usage.prompt_tokens - 1
                told += [{"role": "assistant", "content": said.choices[0].message.content}, *look()]


def test_a_template_that_shows_tools_is_used_and_one_that_does_not_is_said(model: Model, taught: str) -> None:
    turns = [*look(), {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "content": "done"}]
    said = client(taught).chat.completions.create(model="tiny", messages=turns, max_tokens=4, tools=TOOLS)
    more = client(taught).chat.completions.create(model="tiny", messages=turns, max_tokens=4, tools=TOOLS * 2)
    assert more.usage.prompt_tokens > said.usage.prompt_tokens
    with serving(model) as url, pytest.raises(openai.BadRequestError, match="no chat template of this checkpoint"):
        client(url).chat.completions.create(model="tiny", messages=turns, max_tokens=4, tools=TOOLS)


def test_without_tools_or_where_they_are_switched_off_a_call_stays_text(url: str, direct: Generation) -> None:
    said = client(url).chat.completions.create(
        model="tiny", messages=look(), max_tokens=64, tools=TOOLS, tool_choice="none"
    )
    assert said.choices[0].message.content == direct.text
    assert said.choices[0].message.tool_calls is None


def test_a_conversation_with_calls_and_their_results_is_read(url: str) -> None:
    turns = [
        {"role": "developer", "content": "Be brief."},
        *look(),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "done"},
    ]
    said = client(url).chat.completions.create(model="tiny", messages=turns, max_tokens=4, tools=TOOLS)
    assert said.usage.prompt_tokens > 150


def test_the_list_of_models_tells_what_a_client_has_to_know(model: Model) -> None:
    with serving(model, card={"note": {"dialect": "x"}}) as url:
        (entry,) = client(url).models.list()
        assert entry.id == "tiny" == client(url).models.retrieve("tiny").id
        assert entry.model_extra["max_model_len"] == 4096
        assert entry.model_extra["image"] == {"factor": 16, "min_pixels": 256, "max_pixels": 1003520}
        assert entry.model_extra["note"] == {"dialect": "x"}
        with pytest.raises(openai.NotFoundError):
            client(url).models.retrieve("other")


def test_it_says_that_it_is_well(url: str) -> None:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/health", timeout=30) as answer:
        assert json.load(answer) == {"status": "ok", "requests": 0}


OK = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
SOUND = {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}
OTHER = {"type": "function", "function": {"name": "x"}}
REFUSED: dict[str, tuple[dict[str, object], str, str]] = {
    "an address": ({"messages": look("http://127.0.0.1:1/x.png")}, "messages.0.content", "data URL"),
    "a file": ({"messages": look("file:///etc/passwd")}, "messages.0.content", "data URL"),
    "a bare path": ({"messages": look("/etc/passwd")}, "messages.0.content", "data URL"),
    "data that is no image": ({"messages": look("data:image/png;base64,aGVsbG8=")}, "messages.0.content", "image"),
    "data that is no base64": ({"messages": look("data:image/png;base64,a!")}, "messages.0.content", "image"),
    "another kind of data": ({"messages": look("data:text/html;base64,aGk=")}, "messages.0.content", "data URL"),
    "a sound": ({"messages": [{"role": "user", "content": [SOUND]}]}, "messages.0.content.0", "input_audio"),
    "a strange role": ({"messages": [{"role": "root", "content": "x"}]}, "messages.0.role", "root"),
    "no messages": ({"messages": []}, "messages", "at least 1"),
    "chance": ({"temperature": 0.7}, "temperature", "less than or equal to 0"),
    "several answers": ({"n": 2}, "n", "less than or equal to 1"),
    "a penalty": ({"frequency_penalty": 1.05}, "frequency_penalty", "equal to 0"),
    "a schema that is none": ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "required"),
    "a name without a schema": ({"response_format": form(None)}, "response_format.json_schema", "schema"),
    "a form that nobody knows": ({"response_format": {"type": "xml"}}, "response_format", "xml"),
    "a schema that means nothing": ({"response_format": form({"type": "colour"})}, "", "grammar: .*colour"),
    "a schema from elsewhere": ({"response_format": form({"$ref": "http://127.0.0.1:1/x"})}, "", "grammar: "),
    "a schema without values": ({"response_format": form({"type": "string", "enum": []})}, "", "grammar: "),
    "a grammar that is none": ({"response_format": lark("start: other")}, "", "grammar: .*other"),
    "a grammar without end": ({"response_format": lark("start: /a/ start")}, "", "grammar: "),
    "a deep grammar": (
        {"response_format": lark(deep(20_000))},
        "response_format",
        "characters; expected at most 16384",
    ),
    "a grammar of many rules": ({"response_format": lark(deep(600))}, "response_format", "601 lines; expected at most"),
    "a long schema": ({"response_format": form({"enum": ["x" * 70_000]})}, "response_format", "at most 65536"),
    "a deep schema": ({"response_format": form(chained(600))}, "response_format", "600 references; expected at most"),
    "an empty grammar": ({"response_format": lark("")}, "response_format.lark_grammar", "at least 1"),
    "a form and tools": ({"response_format": {"type": "json_object"}, "tools": TOOLS}, "response_format", "none"),
    "no room": ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
    "an unknown tool": ({"tools": TOOLS, "tool_choice": OTHER}, "tool_choice", "'x'"),
    "a call of nothing": ({"tool_choice": "required"}, "tool_choice", "no tools"),
    "an empty stop string": ({"stop": [""]}, "", "stop"),
    "too many words": ({"messages": [{"role": "user", "content": "x y " * 5000}]}, "", "4096"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_answered_is_refused_in_the_shape_of_the_interface(name: str, stream: bool, url: str) -> None:
    change, param, said = REFUSED[name]
    status, body = post(url, {**OK, "stream": stream, **change})
    assert status == 400
    error = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], str(error["param"] or "").startswith(param)) == ("invalid_request_error", True)
    assert re.search(said, str(error["message"]))


def test_the_deepest_forms_that_are_taken_end_nothing(url: str) -> None:
    for shape in (lark(deep(499)), form(chained(500)), lark(f"start: {'(' * 8000}"), lark(f"start: /{'(' * 8000}/")):
        status, body = post(url, OK | {"response_format": shape})
        assert (status, body.get("error", {}).get("param")) in ((200, None), (400, None))
    assert post(url, OK)[0] == 200


def test_other_refusals_have_their_status(url: str) -> None:
    assert post(url, b"{")[0] == 400
    assert post(url, b"\xff\xfe")[0] == 400
    assert post(url, b"[" * 100_000)[0] == 400
    assert post(url, OK, Content_Type="text/plain")[0] == 415
    assert post(url, OK | {"model": "gpt"})[1]["error"]["code"] == "model_not_found"
    assert post(url, OK, Host="evil.example:80")[0] == 200  # this one was told to take any name
    assert post(url + "/nowhere", OK)[0] == 404
    with pytest.raises(openai.APIStatusError, match="bytes") as large:
        client(url).chat.completions.create(model="tiny", messages=look(words="x" * 2**20))
    assert large.value.status_code == 413


def test_a_bomb_is_no_image(url: str) -> None:
    size = struct.pack(">IIBBBBB", 40_000, 40_000, 1, 0, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + size + struct.pack(">I", zlib.crc32(b"IHDR" + size))
    data = "data:image/png;base64," + base64.b64encode(head).decode()
    status, body = post(url, OK | {"messages": look(data)})
    assert (status, body["error"]["code"]) == (400, "invalid_image")


def test_a_key_and_a_name_can_be_demanded(model: Model) -> None:
    with serving(model, Limits(key="s3cret", hosts=frozenset({"127.0.0.1"}))) as url:
        with pytest.raises(openai.AuthenticationError):
            client(url, "wrong").models.list()
        assert [each.id for each in client(url, "s3cret").models.list()] == ["tiny"]
        assert post(url, OK, Authorization="Bearer s3cret")[0] == 200
        assert post(url, OK, Authorization="Bearer s3cret", Host="evil.example:80")[0] == 403


def raw(url: str, body: Mapping[str, object]) -> socket.socket:
    """A connection over which a request was sent and nothing is read yet."""
    place, data = urlsplit(url), json.dumps(body).encode()
    assert place.hostname
    link = socket.create_connection((place.hostname, place.port or 80), timeout=60)
    head = f"POST {place.path}/chat/completions HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
    link.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    return link


def requests(url: str) -> int:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/health", timeout=30) as answer:
        return int(json.load(answer)["requests"])


LONG = OK | {"max_tokens": 3000}


@pytest.fixture(scope="module")
def endless(model: Model) -> Iterator[str]:
    """A server whose model never ends by itself."""
    with serving(replace(model, eos=frozenset()), Limits(waiting=1)) as address:
        yield address


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_stops_the_writing(stream: bool, endless: str) -> None:
    with raw(endless, LONG | {"stream": stream}) as link:
        if stream:
            assert b"200 OK" in link.recv(4096)
        until(lambda: requests(endless) == 1, 30)
    until(lambda: requests(endless) == 0, 10)  # 3000 tokens take far longer
    assert post(endless, OK)[0] == 200


def test_more_than_may_wait_are_refused_and_who_hangs_up_leaves_the_line(endless: str) -> None:
    with raw(endless, LONG):
        until(lambda: requests(endless) == 1, 30)
        with raw(endless, LONG):
            until(lambda: requests(endless) == 2, 30)
            status, body = post(endless, OK)
            assert (status, body["error"]["code"]) == (429, "queue_full")
        until(lambda: requests(endless) == 1, 10)
    until(lambda: requests(endless) == 0, 10)


def test_requests_are_answered_one_after_the_other_and_each_its_own(url: str, direct: Generation) -> None:
    said: dict[int, str | None] = {}

    def ask(number: int) -> None:
        answer = client(url).chat.completions.create(model="tiny", messages=look(), max_tokens=64 if number else 2)
        said[number] = answer.choices[0].message.content

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said[1] == direct.text
    assert direct.text.startswith(said[0] or "?")
    assert said[0] != said[1]
