"""Served models: the same steps as in process, what is sent, what is asked twice, and what a lost server costs."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from agent_runs import ROOT, SCREENS_TASK, handeye, until
from http_recorder import Answer, Asked, Server, answering, chat, models, told
from model_serving import serving
from tokenizers import Tokenizer

from actions import DIALECTS, ActionSpace, Frame
from agent.choose import ModelError, Ways, choose, open_speaker
from agent.engine import Engine
from agent.episode import run
from agent.grammar import constraint
from agent.limits import Limits
from agent.link import Link, Patience
from agent.picture import decode
from agent.policy import PolicyBroken
from agent.reader import read_run
from agent.served import MAX_PIXELS, Served, Wish
from agent.settings import BUILTIN, Settings
from agent.speaker import Question, QuestionError, Sight
from agent.spoken import ModelPolicy, schema
from agent.step import Usage
from env import Browser, BrowserOptions, Screens, Task
from env.screens import App, Goal
from env.widgets import Button, Screen, Text
from model.serve import Limits as Bounds

IMAGE = np.random.default_rng(0).integers(0, 256, (252, 336, 3), dtype=np.uint8)

KNOWN = App(
    screens=(
        Screen(
            "buttons",
            (
                Text('Click on the "OK" button.', 3, 3),
                Button("Cancel", (6, 120, 70, 142)),
                Button("OK", (90, 120, 140, 142), to="others"),
            ),
        ),
        Screen("others", (Button("OK", (20, 70, 90, 92), to="buttons"), Button("No", (20, 150, 90, 172)))),
    ),
    goal=Goal("others", {"nobody": "can hold it"}),
    size=(160, 208),
)
"""Such as the built-in model knows: elsewhere it may write no call where nothing holds it to a grammar."""


def ask(text: str = "What is this?", **more: object) -> Question:
    content = [{"type": "text", "text": text}, {"type": "image"}]
    return Question(({"role": "user", "content": content},), (IMAGE,), max_tokens=24, **more)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(sight=Sight(dtype="float32"))  # bfloat16 may settle ties otherwise where more is read at once


@pytest.fixture(scope="module")
def url(engine: Engine) -> Iterator[str]:
    card = {"handeye": engine.settings.model_dump(mode="json", exclude_none=True)}
    with serving(engine.model, Bounds(told=False), card) as address:
        yield address


def test_the_card_of_the_server_tells_how_its_model_is_spoken_to(url: str, engine: Engine) -> None:
    speaker = open_speaker(url)
    ours = engine.settings
    assert speaker.settings == ours.model_copy(update={"factor": 16, "min_pixels": 256, "max_pixels": 1003520})
    assert speaker.room == engine.room
    for size in ((160, 208), (333, 777), (17, 30), (2000, 1500)):
        assert speaker.size(*size) == engine.size(*size)
    assert ModelPolicy(speaker).screen == (160, 208)


def untold(usage: Usage) -> Usage:
    """Without what a server does not tell: how many tokens it read anew."""
    return replace(usage, prefilled_tokens=None)


def test_the_words_and_the_usage_are_those_of_the_engine_in_process(url: str, engine: Engine) -> None:
    for stop in ((), ("</tool_call>",), ("action",)):
        question = ask("Instruction: Click OK.\nPrevious actions: None\n", stop=stop)
        pieces: list[str] = []
        theirs, ours = open_speaker(url).say(question), engine.say(question)
        streamed = open_speaker(url).say(question, pieces.append)
        assert theirs.text == ours.text == streamed.text == "".join(pieces)
        assert theirs.usage == untold(ours.usage) == streamed.usage
        assert theirs.image_sizes == ours.image_sizes
        assert theirs.warnings == ()


def test_an_agent_through_the_server_does_the_same_steps_as_one_in_process(url: str, engine: Engine) -> None:
    steps = []
    for speaker in (engine, open_speaker(url)):
        with Screens(KNOWN) as env:
            task = Task('Click on the "OK" button.')
            steps.append(run(env, ModelPolicy(speaker), task, limits=Limits(steps=4, repeats=None)).steps)
    assert all(step.action for step in steps[0])
    assert [(step.reply.text, step.frame, step.action) for step in steps[0]] == [
        (step.reply.text, step.frame, step.action) for step in steps[1]
    ]
    assert [untold(step.reply.usage) for step in steps[0]] == [step.reply.usage for step in steps[1]]


def test_the_same_holds_on_a_real_page(url: str, engine: Engine) -> None:
    page = (ROOT / "examples" / "pages" / "greet.html").as_uri()
    done = []
    with Browser(BrowserOptions(size=(160, 208))) as env:
        for speaker in (engine, open_speaker(url)):
            task = Task('Enter "Tora" into the name field and press Send.', page)
            trajectory = run(env, ModelPolicy(speaker), task, limits=Limits(steps=3))
            done.append([(step.reply.text, step.action) for step in trajectory.steps])
    assert done[0] == done[1]
    assert len(done[0]) > 1


def standing(*answers: Answer, names: tuple[str, ...] = ("Qwen2.5-VL-7B",), **more: object):
    """A server with models that gives these answers to questions, the last one again and again."""
    left = list(answers)

    def answer(asked: Asked) -> Answer:
        if asked.path == "/v1/models":
            return told(models(*names, **more))
        return left.pop(0) if len(left) > 1 else left[0]

    return answering(answer)


def to(server: Server, waits: list[float] | None = None, wish: Wish | None = None, key: str = "k3y") -> Served:
    noted = waits if waits is not None else []
    patience = Patience(seconds=20, attempts=3, pause=noted.append)
    return Served(Link(f"{server.url}/v1", key, patience), wish or Wish())


def test_what_is_sent_is_the_image_at_its_final_size_as_png_and_greedy(engine: Engine) -> None:
    with standing(told(chat())) as server:
        speaker = to(server)
        said = speaker.say(ask(stop=("</tool_call>",)))
    sent = server.asked[-1].json
    assert (sent["model"], sent["temperature"], sent["stop"]) == ("Qwen2.5-VL-7B", 0, ["</tool_call>"])
    assert sent["max_tokens"] == 24
    part = sent["messages"][0]["content"][1]
    head, data = part["image_url"]["url"].split(",")
    assert (part["type"], head) == ("image_url", "data:image/png;base64")
    seen = decode(base64.b64decode(data))
    assert (seen.shape[1], seen.shape[0]) == speaker.size(336, 252) == (336, 252)
    odd = IMAGE[:200, :300]
    with standing(told(chat())) as server:
        to(server).say(replace(ask(), images=(odd,)))
    part = server.asked[-1].json["messages"][0]["content"][1]
    seen = decode(base64.b64decode(part["image_url"]["url"].partition(",")[2]))
    assert (seen.shape[1], seen.shape[0]) == speaker.size(300, 200) == (308, 196)
    assert speaker.size(*speaker.size(1000, 777)) == speaker.size(1000, 777)
    assert (said.text, said.usage.prompt_tokens, said.usage.image_tokens) == ("fine", 130, 12 * 9)
    assert server.asked[-1].headers["authorization"] == "Bearer k3y"
    assert "openai-organization" not in server.asked[-1].headers
    width, height = speaker.size(4000, 3000)
    assert width * height <= MAX_PIXELS


def test_images_of_models_that_count_screen_pixels_are_sent_as_they_are() -> None:
    with standing(told(chat()), names=("computer-use-preview",)) as server:
        speaker = to(server)
        assert speaker.settings.dialect == "openai"
        assert speaker.size(1001, 777) == (1001, 777)
        assert ModelPolicy(speaker).dialect.frame(1001, 777, 1001, 777) == Frame(1001, 777, 1001, 777)


@pytest.mark.parametrize(("name", "dialect"), [
    ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2.5"), ("qwen2.5vl:7b", "qwen2.5"), ("Qwen2-VL-2B", "qwen2"),
    ("qwen3-vl-8b", "qwen3"), ("UI-TARS-1.5-7B", "ui-tars-1.5"), ("ByteDance/UI-TARS-7B-DPO", "ui-tars-1.0"),
    ("Fara-7B", "fara"), ("claude-x", "anthropic"),
])  # fmt: skip
def test_the_dialect_is_guessed_from_the_name_and_the_caller_knows_better(name: str, dialect: str) -> None:
    with standing(told(chat()), names=(name,)) as server:
        assert ModelPolicy(to(server)).dialect.name == dialect
        assert to(server).settings.factor == (32 if dialect == "qwen3" else 28)
        wanted = Wish(settings=Settings(dialect="pyautogui", factor=16))
        assert (to(server, wish=wanted).settings.dialect, to(server, wish=wanted).settings.factor) == ("pyautogui", 16)


def test_a_name_that_says_nothing_and_a_choice_of_models_are_asked_about() -> None:
    with (
        standing(told(chat()), names=("mystery",)) as server,
        pytest.raises(PolicyBroken, match=r"nothing says .*qwen2\.5"),
    ):
        _ = ModelPolicy(to(server)).dialect
    with standing(told(chat()), names=("a", "b")) as server:
        with pytest.raises(PolicyBroken, match=r"has these models: a, b; name one as .*#NAME"):
            _ = to(server).card
        assert to(server, wish=Wish(model="b")).card.id == "b"
        assert to(server, wish=Wish(model="unlisted")).card.id == "unlisted"
    with standing(told(chat()), names=("qwen2.5-vl",), image={"factor": -1}) as server:
        assert to(server).settings.factor == 28  # what a server says is data


PASSING = {
    "too many": told({"error": {"message": "slow down"}}, 429, Retry_After="7"),
    "overloaded": told({"error": {"message": "later"}}, 503),
    "hung up": Answer(200, b'{"id": ', drop=True),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_may_pass_is_asked_again_and_the_wait_is_what_the_server_asks_for(name: str) -> None:
    waits: list[float] = []
    with standing(PASSING[name], PASSING[name], told(chat("at last"))) as server:
        assert to(server, waits).say(ask()).text == "at last"
    assert waits == ([7.0, 7.0] if name == "too many" else [0.5, 1.0])
    with standing(PASSING[name]) as server, pytest.raises(PolicyBroken):
        to(server).say(ask())
    assert len(server.asked) == 1 + 3


@pytest.mark.parametrize(("answer", "error", "said"), [
    (told({"error": {"message": "bad image k3y"}}, 400), QuestionError, r"bad image \*\*\*"),
    (told({"error": {"message": "no such key k3y"}}, 401), PolicyBroken, r"no such key \*\*\*.*is the API key right"),
    (told({"error": {"message": "gone"}}, 404), PolicyBroken, "gone"),
    (told({"error": {"message": "pay", "code": "insufficient_quota"}}, 429), PolicyBroken, "pay"),
    (told({"error": {"message": "wait"}}, 429, Retry_After="3600"), PolicyBroken, "wait"),
    (told({**chat(), "choices": []}), PolicyBroken, "no choice"),
])  # fmt: skip
def test_what_will_not_pass_is_asked_once_and_the_key_is_never_told(
    answer: Answer, error: type[Exception], said: str
) -> None:
    waits: list[float] = []
    with standing(answer) as server, pytest.raises(error, match=said) as caught:
        to(server, waits).say(ask())
    assert (waits, len(server.asked)) == ([], 2)
    assert "k3y" not in str(caught.value)


def test_a_server_that_is_not_there_is_asked_for_several_times() -> None:
    waits: list[float] = []
    with standing(told(chat())) as server:
        speaker = to(server, waits)
    with pytest.raises(PolicyBroken, match=r"cannot be reached: .* \(3 attempts\)"):
        speaker.say(ask())
    assert waits == [0.5, 1.0]


def test_where_one_of_several_servers_is_gone_the_next_is_asked_at_once_and_from_then_on() -> None:
    waits: list[float] = []
    patience = Patience(attempts=3, pause=waits.append)
    with standing(told(chat("the second"))) as second:
        with standing(told(chat("the first")), told(chat("the first")), PASSING["overloaded"]) as first:
            speaker = Served(Link(f"{first.url}/v1", "", patience, (f"{second.url}/v1",)))
            assert [speaker.say(ask()).text for _ in range(4)] == ["the first"] * 2 + ["the second"] * 2
        gone = Served(Link(f"{first.url}/v1", "", patience, (f"{second.url}/v1",)))
        assert [gone.say(ask()).text for _ in range(2)] == ["the second"] * 2
    assert waits == []
    assert len(first.asked) == 1 + 3  # of its models, and three times
    with pytest.raises(PolicyBroken, match=r"cannot be reached: .* \(6 attempts\)"):
        gone.say(ask())
    assert waits == [0.5, 1.0]


def test_every_address_of_several_servers_is_looked_at() -> None:
    for model in ("http://a/v1,http://", "http://a/v1,http://u:p@b/v1#m"):
        with pytest.raises(ModelError, match="expected http://HOST:PORT/v1"):
            open_speaker(model)
    assert open_speaker("http://a/v1,http://b/v1#m").name == "m"


def test_a_server_that_takes_too_long_is_not_asked_again() -> None:
    ended = threading.Event()

    def late(asked: Asked) -> Answer:
        if asked.path != "/v1/models":
            ended.wait(30)
        return told(models("qwen2.5-vl"))

    with answering(late) as server:
        speaker = Served(Link(f"{server.url}/v1", "", Patience(seconds=0.3)))
        with pytest.raises(PolicyBroken, match=r"no answer within 0\.3 seconds"):
            speaker.say(ask())
        ended.set()
    assert len(server.asked) == 2


@pytest.mark.parametrize(("choice", "text"), [
    ({}, "<tool_call>{}</tool_call>"),
    ({"stop_reason": "</tool_call>"}, "<tool_call>{}</tool_call>"),
    ({"stop_reason": None}, "<tool_call>{}"),
    ({"finish_reason": "length"}, "<tool_call>{}"),
])  # fmt: skip
def test_the_stop_string_that_a_server_left_out_is_put_back(choice: dict[str, object], text: str) -> None:
    with standing(told(chat("<tool_call>{}", **choice))) as server:
        assert to(server).say(ask(stop=("</tool_call>",))).text == text
        assert to(server).say(ask()).text == "<tool_call>{}"


def test_calls_that_a_server_has_read_are_written_again() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    with standing(told(chat(message=message))) as server:
        said = to(server).say(ask(tools=({"type": "function", "function": {"name": "f"}},)))
    assert said.text == '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'
    assert server.asked[-1].json["tools"] == [{"type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize(("usage", "warned"), [
    ({"prompt_tokens": 130}, False),
    ({"prompt_tokens": 107}, True),
    ({"prompt_tokens": 5000}, True),
    ({"prompt_tokens": 130, "prompt_tokens_details": {"image_tokens": 108}}, False),
    ({"prompt_tokens": 130, "prompt_tokens_details": {"image_tokens": 77}}, True),
])  # fmt: skip
def test_a_server_that_counts_other_image_tokens_is_warned_of(usage: dict[str, object], warned: bool) -> None:
    answer = {**chat(), "usage": {"completion_tokens": 1, "total_tokens": 1, **usage}}
    with standing(told(answer)) as server:
        said = to(server).say(ask())
    assert [("108 image tokens were sent" in text) for text in said.warnings] == [True] * warned
    with standing(told({**chat(), "usage": None})) as server:
        assert to(server).say(ask()).warnings == ("the server told no usage",)


def test_a_prompt_is_never_counted_too_small(url: str, engine: Engine) -> None:
    question = ask("Instruction: Grüße, 世界!\n" * 5)
    exact = engine.count(question)
    rough, close = (
        to_url(url, Wish()),
        to_url(url, Wish(tokenizer=Tokenizer.from_file(str(BUILTIN / "tokenizer.json")))),
    )
    assert exact <= close.count(question) <= exact + 60
    assert close.count(question) <= rough.count(question)


def to_url(url: str, wish: Wish) -> Served:
    return Served(Link(url), wish)


def test_a_server_is_told_of_the_form_of_answers_in_its_own_way() -> None:
    form = schema(DIALECTS["qwen2.5"], ActionSpace.pointer(), Frame(336, 252, 336, 252))
    assert form is not None
    sent = constraint("schema", "", form)["response_format"]
    assert sent["json_schema"]["schema"]["properties"]["name"]["enum"] == ["computer_use"]
    assert set(constraint("grammar", "llamacpp", form)) == {"grammar"}
    assert set(constraint("grammar", "sglang", form)) == {"ebnf"}
    text = constraint("grammar", "vllm", form)["structured_outputs"]["grammar"]
    assert text.startswith('root ::= "<tool_call>\\n{\\"name\\": \\"computer_use\\", \\"arguments\\": " object')
    assert constraint("none", "", form) == {}
    with pytest.raises(QuestionError, match="known for llamacpp, sglang, vllm, not for 'x'"):
        constraint("grammar", "x", form)
    with pytest.raises(QuestionError, match="no JSON"):
        constraint("schema", "vllm", None)
    with standing(told(chat())) as server:
        to(server, wish=Wish(constrain="schema")).say(ask(schema=form))
    assert server.asked[-1].json["response_format"]["type"] == "json_schema"


def test_the_key_is_taken_from_the_environment_that_is_handed_in_and_is_on_no_tape(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    with standing(told(chat())) as server:
        ways = Ways(("key=MY_KEY", f"record={tape}"), environ={"MY_KEY": "s3cret", "HANDEYE_API_KEY": "other"})
        open_speaker(f"{server.url}/v1", ways=ways).say(ask())
        assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer s3cret"}
        with pytest.raises(ModelError, match="key=MY_KEY: there is no such"):
            choose(f"{server.url}/v1", ways=Ways(("key=MY_KEY",)))
    assert tape.stat().st_size > 100
    assert b"s3cret" not in tape.read_bytes()


def test_a_server_killed_in_the_middle_ends_the_run_with_code_5_and_a_complete_record(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent.cli"]
    serve = [*command, "serve", "--port", "0", "--json"]
    with subprocess.Popen(serve, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            place = json.loads(server.stdout.readline())
            assert set(place) == {"url", "host", "port", "model"}
            go = [
                *command,
                "run",
                str(SCREENS_TASK),
                "--model",
                place["url"],
                "--out",
                str(tmp_path),
                "--json",
            ]
            with subprocess.Popen([*go, "--with", "attempts=2"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
                until(lambda: (tmp_path / "steps.jsonl").read_bytes().count(b"\n") >= 2, 120)
                os.kill(server.pid, signal.SIGKILL)
                out, _ = child.communicate(timeout=120)
        finally:
            server.kill()
    assert child.returncode == 5, out
    record = read_run(tmp_path)
    assert record.manifest.stop is not None
    assert (record.manifest.stop.reason, record.manifest.outcome) == ("model", "broken")
    assert "cannot be reached" in record.manifest.stop.detail
    assert len(record.lines) == json.loads(out)["steps"] >= 2
    assert record.pending is None


def test_a_server_that_was_never_there_breaks_the_model_with_a_complete_record(tmp_path: Path) -> None:
    done = handeye(
        "run",
        SCREENS_TASK,
        "--model",
        "http://127.0.0.1:9/v1",
        "--with",
        "attempts=1",
        "--out",
        tmp_path,
        "--json",
    )
    assert done.returncode == 5, done.stderr
    assert read_run(tmp_path).manifest.model.name == "http://127.0.0.1:9/v1"
