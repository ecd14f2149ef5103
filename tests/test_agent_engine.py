"""The engine reads each step behind the last one, and says the very words it would say without a past."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import NAME, ROOT, SCREENS, SCREENS_TASK, WIN, click, keep, script
from model_checkpoint import shape, shape2, write_checkpoint

from actions import Action
from agent.cache import prefixes
from agent.engine import Engine, identity
from agent.episode import run
from agent.limits import Limits
from agent.policy import Scripted
from agent.settings import Settings
from agent.speaker import Question, Said
from agent.spoken import ModelPolicy
from agent.step import Step, Usage, added
from env import Environment, Screens, Task
from env.miniwob import TASKS, MiniWoB
from model import Session


class Twice:
    """An engine with a session; each answer is compared with that of the same weights without one."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.fresh = engine, Engine(engine.folder, settings=engine.settings)
        self.fresh.model = replace(engine.model, session=None)
        self.name, self.hash, self.settings, self.room = engine.name, "", engine.settings, engine.room
        self.size, self.clip, self.count = engine.size, engine.clip, engine.count
        self.said: list[Said] = []

    @property
    def session(self) -> Session:
        assert self.engine.model.session is not None
        return self.engine.model.session

    def say(self, question: Question, watch: Callable[[str], None] | None = None) -> Said:
        said, alone = self.engine.say(question, watch), self.fresh.say(question)
        assert said.tokens == alone.tokens
        assert said.text == alone.text
        assert alone.usage.prefilled_tokens == alone.usage.prompt_tokens
        assert replace(said.usage, prefilled_tokens=0) == replace(alone.usage, prefilled_tokens=0)
        assert set(said.timings) == set(alone.timings)
        assert min(said.timings.values()) >= 0
        self.said.append(said)
        return said


class Led:
    """Asks the model at each step, and plays a list whatever it says: so that screens change."""

    def __init__(self, policy: ModelPolicy, actions: tuple[Action, ...]) -> None:
        self.policy, self.script = policy, Scripted(actions)
        self.name, self.dialect, self.frame = "led", self.script.dialect, self.script.frame

    def reply(self, task: Task, history: tuple[Step, ...], seen: object) -> object:
        self.policy.reply(task, history, seen)
        return self.script.reply(task, history, seen)


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen2_vl"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random"
    config = shape(theta=100.0, layers=3) if request.param == "qwen2_5_vl" else shape2(theta=100.0, layers=3)
    write_checkpoint(path, config | {"max_position_embeddings": 8192}, seed=3)
    return path


def asked(folder: Path, history: str, actions: tuple[Action, ...]) -> Twice:
    """What comes of an episode of those actions."""
    settings = Settings(dialect="qwen2.5", system=False, history=history, max_tokens=12, grammar=False)
    twice = Twice(Engine(folder, settings=settings))
    with Screens() as env:
        run(env, Led(ModelPolicy(twice), actions), Task("sign in"), limits=Limits(steps=len(actions), repeats=None))
    return twice


@pytest.mark.parametrize("history", ["newest", "all", "last:2", "chunk:3"])
def test_random_weights_say_what_they_say_without_a_past(folder: Path, history: str) -> None:
    twice = asked(folder, history, (*WIN[:3], click(1, 1), click(1, 1), NAME, click(5, 5)))
    assert len(twice.said) == 7
    prefilled = [said.usage.prefilled_tokens for said in twice.said]
    assert prefilled[0] == twice.said[0].usage.prompt_tokens
    assert all(
        new is not None and new < said.usage.prompt_tokens
        for new, said in zip(prefilled[1:], twice.said[1:], strict=True)
    )
    counts = twice.session.counts
    assert counts.prefilled_tokens == sum(new or 0 for new in prefilled)
    assert counts.prefilled_tokens + counts.reused_tokens == sum(said.usage.prompt_tokens for said in twice.said)
    assert counts.forwards == sum(len(said.tokens) for said in twice.said)  # the prompt's gives the first token


def test_with_all_screens_a_step_reads_its_own_screen_and_no_other(folder: Path) -> None:
    twice = asked(folder, "all", (*WIN[:3], click(1, 1)))
    assert twice.session.counts.vision_calls == 4
    assert twice.session.counts.vision_hits == 0
    for said, before in zip(twice.said[1:], twice.said, strict=False):
        [image] = {said.usage.image_tokens - before.usage.image_tokens}
        assert said.usage.prefilled_tokens is not None
        # the words that were replied are led, not written, so they are read with the new screen
        assert image < said.usage.prefilled_tokens <= said.usage.prompt_tokens - before.usage.image_tokens


def test_a_screen_that_did_not_change_costs_no_look(folder: Path) -> None:
    twice = asked(folder, "newest", (click(1, 1),) * 5)
    assert (twice.session.counts.vision_calls, twice.session.counts.vision_hits) == (1, 4)


def told(twice: Twice, env: Callable[[], Environment], tasks: Sequence[Task], steps: int) -> None:
    """Every answer of the built-in model over those episodes is the one that it gives without a past."""
    with env() as screen:
        for task in tasks:
            run(screen, ModelPolicy(twice), task, limits=Limits(steps=steps))
    assert twice.session.counts.reused_tokens > 0
    later = twice.said[1:]
    assert sum(said.usage.prefilled_tokens or 0 for said in later) < sum(said.usage.prompt_tokens for said in later)


def test_the_built_in_model_says_what_it_says_without_a_past() -> None:
    twice = Twice(Engine())
    told(twice, Screens, [Task("sign in as ada"), Task("sign in")], 2)
    told(twice, MiniWoB, [Task(start="login-user", seed=1_000_001)], 3)


@pytest.mark.slow
def test_the_built_in_model_says_in_every_miniwob_task_what_it_says_without_a_past() -> None:
    tasks = [Task(start=name, seed=1_000_000 + seed) for seed in range(2) for name in TASKS]
    told(Twice(Engine()), MiniWoB, tasks, 8)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A run of the built-in model."""
    keep(tmp_path / "run", ModelPolicy(Engine()), entry=SCREENS, limits=Limits(steps=3))
    return tmp_path / "run"


def test_the_record_tells_what_each_step_read_anew(record: Path) -> None:
    lines = [json.loads(line) for line in (record / "steps.jsonl").read_text().splitlines()]
    new = [line["reply"]["usage"]["prefilled_tokens"] for line in lines]
    assert new[0] == lines[0]["reply"]["usage"]["prompt_tokens"]
    assert all(
        0 < some < line["reply"]["usage"]["prompt_tokens"] for some, line in zip(new[1:], lines[1:], strict=True)
    )
    assert all({"image", "vision", "prefill", "decode"} == set(line["reply"]["timings"]) for line in lines)
    assert json.loads((record / "run.json").read_text())["totals"]["prefilled_tokens"] == sum(new)


def test_what_nobody_tells_is_not_taken_for_nothing() -> None:
    assert (added(), added(None, None), added(None, 3), added(0, 0)) == (None, None, 3, 0)
    assert (Usage() + Usage(1, 1, 1)).prefilled_tokens is None
    assert (Usage(5, 0, 0, 5) + Usage(7, 0, 1, 2)).prefilled_tokens == 7


def first_steps(folder: Path, home: Path, out: Path, *more: str) -> tuple[int, int, str]:
    """Tokens of the first prompt, those of them that were read, and the reply, of a run in a process of its own."""
    task = script(out, SCREENS_TASK.read_text() + "limits: {steps: 1}\n")
    command = [sys.executable, "-m", "agent.cli", "run", task, "--model", folder, "--out", out / "run", *more]
    environ = {**os.environ, "XDG_CACHE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, env=environ, timeout=240)
    assert done.returncode == 4, done.stderr  # stopped by its budget
    reply = json.loads(next((out / "run").rglob("steps.jsonl")).read_text().splitlines()[0])["reply"]
    return reply["usage"]["prompt_tokens"], reply["usage"]["prefilled_tokens"], reply["text"]


@pytest.mark.slow
def test_what_a_process_read_of_the_system_turn_the_next_one_does_not_read_again(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "random", shape(theta=100.0) | {"max_position_embeddings": 16384}, seed=3)
    stated = '{"dialect": "qwen2.5", "grammar": false, "max_tokens": 4}'
    (tmp_path / "random" / "handeye.json").write_text(stated)
    found = []
    for name, more in (("none", ["--with", "disk-cache=no"]), ("first", []), ("second", [])):
        (tmp_path / name).mkdir()
        found.append(first_steps(tmp_path / "random", tmp_path / "home", tmp_path / name, *more))
        kept = list((tmp_path / "home").rglob("*.safetensors"))
        assert len(kept) == (name != "none")
    (whole, read, text), *others = found
    assert whole == read
    assert others[0] == (whole, whole, text)
    assert (others[1][0], others[1][2]) == (whole, text)
    assert others[1][1] < whole / 2  # the system turn tells all actions


def test_no_weights_are_read_for_their_hash_alone(folder: Path, tmp_path: Path) -> None:
    engine = Engine(folder, settings=Settings(dialect="qwen2.5", grammar=False, max_tokens=2), cache=tmp_path / "kept")
    question = Question(({"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}), max_tokens=2)
    engine.say(question)
    assert (engine.model.weights.known, (tmp_path / "kept").exists()) == (None, False)
    assert engine.hash == engine.model.weights.known
    engine.say(replace(question, messages=({"role": "system", "content": "Be it."}, *question.messages[1:])))
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_the_next_engine_reads_less_of_the_same_system_turn_and_says_the_same(folder: Path, tmp_path: Path) -> None:
    task, said, settings = Task("sign in"), [], Settings(dialect="qwen2.5", grammar=False, max_tokens=4)
    for cache in (None, tmp_path / "kept", tmp_path / "kept"):
        engine = Engine(folder, settings=settings, cache=cache)
        assert engine.hash
        with Screens() as env:
            said.append(ModelPolicy(engine).reply(task, (), env.reset(task)))
    assert len({reply.text for reply in said}) == 1
    whole, first, second = (reply.usage.prefilled_tokens for reply in said)
    assert whole == first == said[0].usage.prompt_tokens
    assert second is not None
    assert second < 400 < first  # the system turn tells all actions, the rest is a screen and a task


def test_conversations_of_a_server_look_and_are_kept_as_the_settings_say(folder: Path, tmp_path: Path) -> None:
    plain = Settings(dialect="qwen2.5", grammar=False, max_tokens=2)
    engine = Engine(folder, settings=plain.model_copy(update={"vision": "approximate"}), cache=tmp_path / "kept")
    assert engine.hash
    shared, exact = engine.shared(2).sessions, Engine(folder, settings=plain).shared(2).sessions
    assert shared is not None
    assert exact is not None
    assert (type(shared.features).__name__, type(exact.features).__name__) == ("Glances", "Features")
    assert (shared.prefixes.disk is None, exact.prefixes.disk is None) == (False, True)


def test_other_shapes_with_the_same_weights_share_nothing(folder: Path) -> None:
    config = Engine(folder).config
    turned = replace(config, text=replace(config.text, rope_theta=101.0))
    assert identity("a" * 64, config, "auto") == identity("a" * 64, replace(config), "auto")
    others = {(weights, shape, dtype) for weights in "ab" for shape in (config, turned) for dtype in ("auto", "int8")}
    assert len({identity(weights * 64, shape, dtype) for weights, shape, dtype in others}) == 8


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/handeye/prefixes"),
        ({"XDG_CACHE_HOME": "x", "HOME": "/h"}, "/h/.cache/handeye/prefixes"),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_the_cache_folder_is_the_user_s_own(environ: dict[str, str], place: str | None) -> None:
    assert prefixes(environ) == (None if place is None else Path(place))
