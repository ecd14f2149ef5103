"""Task scripts: what is wrong with one is said before anything starts, with the file, the line and the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import agent
from agent.expect import Check
from agent.lines import load
from agent.place import Route
from agent.script import Script, ScriptError, given, read_script
from agent.script.faults import locate
from agent.script.schema import schema
from agent.stage import StageError, ready

GOOD = """\
name: greet
start: page.html
environment: {kind: browser, width: 160, height: 208}
instruction: Enter "{{who}}".
parameters:
  who: Tora
limits:
  steps: 8
expect:
  - text: Hello, {{who}}
  - element: "#news"
    checked: true
"""

SCHEMA = schema()
CHECKER = Draft202012Validator(SCHEMA)
SCRIPTS = sorted((Path(__file__).parent.parent / "examples").rglob("*.yaml"))


def write(folder: Path, text: str) -> Path:
    (folder / "page.html").write_text("<p>hello</p>")
    path = folder / "task.yaml"
    path.write_text(text)
    return path


def test_a_good_script_is_read_with_its_parameters_filled_in(tmp_path: Path) -> None:
    loaded = read_script(write(tmp_path, GOOD), {"who": 'Ada "{{who}}"'})
    assert loaded.script.instruction == 'Enter "Ada "{{who}}"".'
    assert loaded.script.expect[0].text == 'Hello, Ada "{{who}}"'
    assert loaded.page == (tmp_path / "page.html").resolve()
    assert loaded.script.limits.steps == 8


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("limits:", "limit:", ["task.yaml:7: limit: unknown key", "'limits'"]),
        ("  steps: 8", "  step: 8", ["task.yaml:8: limits.step: unknown key", "'steps'"]),
        ("    checked: true", "    cheked: true", ["task.yaml:12", "expect.1.cheked", "'checked'"]),
        ("start: page.html\n", "", ["task.yaml:1: start: missing", "address or page"]),
        ("start: page.html", "start: other.html", ["task.yaml:2: start:", "other.html"]),
        ("steps: 8", "steps: eight", ["task.yaml:8: limits.steps", "'eight'"]),
        ("steps: 8", "steps: true", ["task.yaml:8: limits.steps", "True"]),
        ("width: 160", "width: wide", ["task.yaml:3: environment.width", "'wide'"]),
        (
            "width: 160",
            "device: Pixel 7, width: 160",
            ["task.yaml:3: environment", "device: Pixel 7", "leave out width"],
        ),
        ("kind: browser, width: 160, height: 208", "kind: miniwob, device: Pixel 7", ["only a browser", "miniwob"]),
        ("kind: browser", "kind: brwser", ["task.yaml:3: environment.kind", "'browser'"]),
        ('"{{who}}".', '"{{whom}}".', ["task.yaml:4: instruction", "'whom'", "'who'"]),
        ("  who: Tora", "  who:", ["task.yaml:6: parameters.who", "--set who="]),
        ("name: greet", "name: [greet", ["task.yaml:"]),
        ("name: greet", "name: greet\nname: again", ["task.yaml:2: name: this key stands twice"]),
        ("  - text: Hello, {{who}}", "  - txt: Hello", ["task.yaml:10: expect.0"]),
    ],
)
def test_a_bad_script_is_refused_with_line_and_key(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ScriptError) as caught:
        read_script(path)
    for part in said:
        assert part in str(caught.value)


def test_setting_an_unknown_parameter_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"--set hwo.*'who'"):
        read_script(write(tmp_path, GOOD), {"hwo": "x"})


@pytest.mark.parametrize("text", ["", "- a\n", "just words", "!!python/object/apply:os.system ['true']", "a: &x [*x]"])
def test_what_is_no_mapping_of_plain_data_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScriptError):
        read_script(write(tmp_path, text))


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"none\.yaml"):
        read_script(tmp_path / "none.yaml")


def test_every_shipped_script_can_be_read() -> None:
    scripts = sorted((Path(__file__).parent.parent / "examples" / "tasks").glob("*.yaml"))
    assert len(scripts) >= 2
    for path in scripts:
        assert read_script(path).script.expect


def test_a_device_that_nobody_knows_is_refused_with_its_nearest_before_anything_starts(tmp_path: Path) -> None:
    text = GOOD.replace("width: 160, height: 208", "device: Pixle 7")
    with pytest.raises(StageError, match=r"task\.yaml: environment\.device 'Pixle 7': unknown; did you mean Pixel 7"):
        ready(read_script(write(tmp_path, text)))


def test_the_shipped_schema_of_scripts_is_that_of_the_code() -> None:
    shipped = json.loads((Path(agent.__file__).parent / "schemas" / "script.json").read_text())
    assert shipped == SCHEMA, "run: python -m agent.schema"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_shipped_script_is_of_the_schema(path: Path) -> None:
    assert len(SCRIPTS) >= 8
    data, _ = load(path.read_text(encoding="utf-8"))
    assert [error.message for error in CHECKER.iter_errors(data)] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("limits:", "limit:"),
        ("steps: 8", "step: 8"),
        ("steps: 8", "steps: eight"),
        ("checked: true", "cheked: true"),
        ("width: 160", "width: wide"),
        ("name: greet", "nme: greet"),
        ("  - text: Hello, {{who}}", "  - txt: Hello"),
        ("  who: Tora", "  who: [Tora]"),
    ],
)
def test_what_is_refused_by_its_shape_is_refused_by_the_schema_too(old: str, new: str) -> None:
    data, _ = load(GOOD.replace(old, new, 1))
    assert list(CHECKER.iter_errors(data))


def test_an_editor_has_a_word_about_every_key_of_a_script() -> None:
    parts = {"Script": SCHEMA, **{name: SCHEMA["$defs"][name] for name in ("Leg", "Budget", "Check", "Value", "Place")}}
    for part, entry in parts.items():
        for name, key in entry["properties"].items():
            assert key.get("description"), f"{part}.{name}"


def test_the_nearest_key_is_that_of_the_place_however_deep_it_is() -> None:
    assert locate(("environment", "proxy", "sever")) == (("environment", "proxy", "sever"), tuple(Route.model_fields))
    assert locate(("steps", 2, "expect", 0, "txt"))[1] == tuple(Check.model_fields)
    assert locate(("extract", "steps", "elment"))[1][-1] == "schema"
    assert locate(("actions", 0, "click", "at", "z")) == (("actions", 0, "at", "z"), ("x", "y"))
    assert locate(("nowhere", "at", "all"))[1] == ()


def test_a_script_of_python_is_read_as_one_of_a_file(tmp_path: Path) -> None:
    read = read_script(write(tmp_path, GOOD), {"who": "Ada"})
    data, _ = load(GOOD)
    made = given(Script.model_validate(data), tmp_path, {"who": "Ada"})
    assert made.script == read.script
    assert (made.page, dict(made.parameters)) == (read.page, dict(read.parameters))
    with pytest.raises(ScriptError, match="there is no page"):
        given(Script.model_validate(data), tmp_path / "elsewhere")
