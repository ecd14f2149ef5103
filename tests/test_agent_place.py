"""Where a script runs: its keys reach the browser, its secrets reach no record, and what is wrong is said by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_env_browser_access import guarded

from actions import Finish
from agent.play import play
from agent.policy import Scripted
from agent.reader import read_run
from agent.script import ScriptError, read_script
from agent.stage import StageError, build, options, ready

SCRIPT = """\
name: sign in
start: {url}
instruction: Look.
parameters: {{password: null}}
environment:
  width: 308
  height: 224
  locale: de-DE
  timezone: Europe/Berlin
  color_scheme: dark
  geolocation: {{latitude: 52.5, longitude: 13.4}}
  permissions: [notifications]
  storage_state: login.json
  headers: {{X-Team: "{{{{password}}}}!"}}
  credentials: {{username: ada, password: "{{{{password}}}}"}}
"""


def write(folder: Path, url: str) -> Path:
    (folder / "login.json").write_text('{"cookies": [], "origins": []}')
    path = folder / "task.yaml"
    path.write_text(SCRIPT.format(url=url))
    return path


def test_a_script_signs_in_and_its_password_is_in_no_file_of_the_run(tmp_path: Path) -> None:
    with guarded("Authorization", "WWW-Authenticate", 401) as (url, heads):
        loaded = read_script(write(tmp_path, url), {"password": "p:ss wörd"})
        play(loaded, Scripted([Finish()]), tmp_path / "run")
        assert heads[0]["X-Team"] == "p:ss w\xc3\xb6rd!"
        assert heads[0]["Accept-Language"].startswith("de-DE")
    for path in (tmp_path / "run").rglob("*.json*"):
        assert "p:ss" not in path.read_text()
    run = read_run(tmp_path / "run")
    entry = run.manifest.environment
    assert (entry.locale, entry.timezone, entry.geolocation) == ("de-DE", "Europe/Berlin", (52.5, 13.4, 0.0))
    assert entry.withheld == ("credentials", "headers")
    assert run.lines[0].before.title == "in"
    with pytest.raises(StageError, match="credentials, headers, which no record keeps"):
        build(entry)


def test_a_record_without_secrets_builds_the_same_browser_again(tmp_path: Path) -> None:
    path = write(tmp_path, "http://127.0.0.1:1/")
    text = path.read_text()
    path.write_text(text[: text.index("  headers")])
    loaded = read_script(path, {"password": "x"})
    entry = ready(loaded)
    assert options(entry) == options(entry, access=loaded.script.environment)
    found = options(entry)
    assert (found.size, found.locale, found.color_scheme) == ((308, 224), "de-DE", "dark")
    assert found.storage_state == tmp_path / "login.json"
    assert found.geolocation is not None
    assert found.geolocation.latitude == 52.5


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("locale: de-DE", "locale: german", ["task.yaml:5: environment", "locale: 'german' is no language tag"]),
        ("timezone: Europe/Berlin", "timezone: Berlin", ["timezone: 'Berlin' is unknown"]),
        ("latitude: 52.5", "latitude: 152.5", ["geolocation: latitude: 152.5"]),
        ("latitude: 52.5", "lattitude: 52.5", ["task.yaml:11: environment.geolocation.lattitude", "'latitude'"]),
        ("permissions: [notifications]", "permissions: [notify]", ["permissions: 'notify' is none of"]),
        ("color_scheme: dark", "color_scheme: blue", ["task.yaml:10: environment.color_scheme", "'blue'"]),
        ("username: ada", "user: ada", ["environment.credentials.user: unknown key", "'username'"]),
        ("X-Team:", "X Team:", ["headers: 'X Team' is no name"]),
        ("  width: 308\n  height: 224", "  kind: miniwob", ["only a browser has one, not miniwob"]),
    ],
)
def test_what_is_wrong_about_a_place_is_said(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    path = write(tmp_path, "http://127.0.0.1:1/")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ScriptError) as caught:
        read_script(path, {"password": "hush!"})
    for part in said:
        assert part in str(caught.value)


def test_a_storage_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    path = write(tmp_path, "http://127.0.0.1:1/")
    (tmp_path / "login.json").unlink()
    with pytest.raises(StageError, match=r"task\.yaml: environment\.storage_state: .*login\.json: No such file"):
        ready(read_script(path, {"password": "x"}))
