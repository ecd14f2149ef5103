"""The report: one page that needs nothing else, on which what a model or a page wrote is only text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from agent_runs import WIN, keep

from actions import Answer, Key
from agent.expect import Check
from agent.reader import RecordError, read_run
from agent.view import write_report
from env import Browser, BrowserOptions, Task

EVIL = "</pre></script><script>hacked = 1</script><img src=x onerror='hacked = 2'>\"'&amp;"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    keep(
        folder,
        [EVIL, Answer(text=EVIL), *WIN],
        task=Task(EVIL),
        expect=[Check(url="screen:welcome"), Check(url=EVIL)],
    )
    return write_report([read_run(folder)])


def test_what_a_model_wrote_is_shown_and_never_run(report: Path) -> None:
    with Browser(BrowserOptions(size=(900, 700))) as env:
        env.reset(Task(start=report.as_uri()))
        assert env.evaluate("typeof hacked") == "undefined"
        assert env.evaluate("document.querySelectorAll('script').length") == 1
        assert env.evaluate("document.querySelector('pre').textContent") == EVIL
        assert env.evaluate("document.querySelectorAll('img').length") == 0
        assert env.evaluate("document.querySelectorAll('article').length") == 7


def test_the_page_needs_nothing_but_itself(report: Path) -> None:
    text = report.read_text()
    outside = re.findall(r"(?:src|href|action|url)\s*=\s*[\"']?([^\"'\s>]+)", re.sub(r"&[^;]+;", "", text))
    assert {link.partition(",")[0] for link in outside if link != "x"} <= {"data:image/png;base64"}
    with Browser(BrowserOptions(size=(900, 700))) as env:
        env.reset(Task(start=report.as_uri()))
        loaded = env.evaluate(
            "performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length"
        )
    assert loaded == 0


@pytest.mark.parametrize("width", [360, 900, 1400])
def test_the_page_fits_every_width_and_shows_its_pictures(report: Path, width: int) -> None:
    with Browser(BrowserOptions(size=(width, 700))) as env:
        env.reset(Task(start=report.as_uri()))
        assert env.evaluate("document.documentElement.scrollWidth") == width
        shown = env.evaluate("[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width)")
        style = env.evaluate("getComputedStyle(document.querySelector('.step')).display")
    assert isinstance(shown, list)
    assert all(isinstance(each, int | float) and 100 <= each <= width for each in shown)
    assert style == "grid"  # the page's own style passed its content policy


def test_arrow_keys_go_from_step_to_step(report: Path) -> None:
    with Browser(BrowserOptions(size=(900, 700))) as env:
        env.reset(Task(start=report.as_uri()))
        labels = []
        for key in ("right", "right", "left"):
            env.step(Key(keys=(key,)))
            labels.append(env.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert labels == ["Step 1", "Step 2", "Step 1"]


def test_several_runs_share_a_page_with_a_table(tmp_path: Path) -> None:
    for name in ("one", "two"):
        keep(tmp_path / name)
    path = write_report([read_run(tmp_path / "one"), read_run(tmp_path / "two")], tmp_path / "both.html")
    text = path.read_text()
    assert text.count('<section class="run"') == 2
    assert text.count("<tr>") == 3


def test_a_run_that_was_cut_off_is_shown_as_such(tmp_path: Path) -> None:
    keep(tmp_path)
    (tmp_path / "steps.jsonl").write_bytes(b"")
    manifest = (tmp_path / "run.json").read_text()
    start = manifest.index(' "stop"')
    (tmp_path / "run.json").write_text(manifest[:start].rstrip().removesuffix(",") + "}")
    text = write_report([read_run(tmp_path)]).read_text()
    assert "unfinished" in text
    assert "No step was taken." in text


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    keep(tmp_path)
    for blob in (tmp_path / "blobs").iterdir():
        blob.unlink()
    with pytest.raises(RecordError, match=r"\.png"):
        write_report([read_run(tmp_path)])
