"""The friendly face, and which policy a word names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from agent_runs import WIN, click

from agent import Agent, Leg, Outcome, Script, Scripted, ScriptError, read_run
from agent.choose import ModelError, choose
from agent.expect import Check
from agent.place import Place
from env import Screens


def test_an_agent_starts_a_browser_of_its_own_and_ends_it(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("""<button style="width:90px;height:90px" onclick="this.textContent = 'Done'">Go</button>""")
    with Agent(Scripted([click(40, 40)]), size=(160, 208), out=tmp_path / "runs") as agent:
        first = agent.run("Press Go.", url=page.as_uri(), expect=[Check(text="Done")])
        again = agent.run("Press Go.", url=page.as_uri(), expect=[Check(text="Undone")])
    assert (first.outcome, again.outcome) == (Outcome.VERIFIED, Outcome.FAILED)
    assert first.folder is not None
    assert first.folder != again.folder
    manifest = read_run(first.folder).manifest
    assert (manifest.outcome, manifest.task.instruction) == ("verified", "Press Go.")
    assert (manifest.environment.kind, manifest.environment.width) == ("browser", 160)
    assert agent._env is None


def test_until_expect_ends_as_soon_as_everything_holds(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("""<button style="width:90px;height:90px" onclick="this.textContent = 'Done'">Go</button>""")
    with Agent(Scripted([click(40, 40)] * 9), size=(160, 208)) as agent:
        result = agent.run("Press Go.", url=page.as_uri(), expect=[Check(text="Done")], until="expect")
    assert (result.stop.reason, len(result.trajectory.steps), result.outcome) == ("met", 1, Outcome.VERIFIED)


def test_an_environment_that_was_handed_in_is_left_open() -> None:
    seen = []
    with Screens() as env:
        with Agent(Scripted(WIN), env=env) as agent:
            assert agent.run("Sign in.", watch=seen.append).outcome is Outcome.VERIFIED
        with Agent(Scripted(WIN), env=env) as agent:
            assert agent.run("Sign in.").outcome is Outcome.VERIFIED
    assert [step.index for step in seen] == [1, 2, 3, 4]


def test_the_script_model_needs_actions() -> None:
    assert choose("script", WIN).name == "script"
    with pytest.raises(ModelError, match="has none"):
        choose("script")


def test_a_word_that_names_no_model_is_refused_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected 'script', or one of: builtin, a folder"):
        choose("gpt")
    with pytest.raises(ModelError, match=r"no config\.json"):
        choose(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "handeye.json").write_text('{"dialect": "klingon"}')
    with pytest.raises(ModelError, match=r"klingon.*qwen2\.5"):
        choose(str(tmp_path))
    (tmp_path / "handeye.json").write_text('{"dialct": "qwen2.5"}')
    with pytest.raises(ModelError, match="dialct"):
        choose(str(tmp_path))


def test_naming_a_model_does_not_load_it() -> None:
    assert choose("builtin").name == "builtin"
    assert sys.modules["agent.settings"].BUILTIN.is_dir()


SCRIPT = Script(
    name="{{who}}",
    start="sign in",
    environment=Place(kind="screens"),
    parameters={"who": None},
    steps=(Leg(instruction="Enter {{who}}.", actions=WIN[:2]), Leg(instruction="Go.", actions=WIN[2:])),
    expect=(Check(url="screen:welcome"),),
)


def test_a_script_made_in_python_is_played_with_its_parameters(tmp_path: Path) -> None:
    with Agent("script", out=tmp_path / "runs") as agent:
        result = agent.play(SCRIPT, settings={"who": "Ada"})
        with pytest.raises(ScriptError, match="--set who=VALUE"):
            agent.play(SCRIPT)
        with pytest.raises(ModelError, match="has none"):
            agent.play(Script(name="x", start="sign in", environment=Place(kind="screens")))
    assert result.outcome is Outcome.VERIFIED
    assert result.folder is not None
    manifest = read_run(result.folder).manifest
    assert (manifest.name, manifest.legs[0].instruction, dict(manifest.parameters)) == (
        "Ada",
        "Enter Ada.",
        {"who": "Ada"},
    )
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_an_agent_with_an_environment_plays_no_script() -> None:
    with Screens() as env, Agent("script", env=env) as agent, pytest.raises(ValueError, match="environment of its own"):
        agent.play(SCRIPT, settings={"who": "Ada"})
