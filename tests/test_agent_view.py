"""The report: one page that needs nothing else, on which what a model or a page wrote is only text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from agent_runs import NAME, WIN, keep
from PIL import Image
from report_pages import Page, shown

from actions import Action, Answer, Click, Finish, Point, Type
from agent import write_report
from agent.expect import Check
from agent.reader import RecordError, Run, read_run
from agent.replay import replay
from agent.schema import ChanceEntry, EvidenceEntry, UsageEntry
from env import Browser, BrowserOptions, Screens, Task

EVIL = "</pre></script><script>hacked = 1</script><img src=x onerror='hacked = 2'>\"'&amp;"
VIEWS = ("before", "after", "difference", "slider")
REPLIES: list[Action | str] = [EVIL, Answer(text=EVIL), *WIN]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with Browser(BrowserOptions(size=(1000, 700))) as env:
        yield Page(env)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of six steps in which every text that can be hostile is."""
    folder = tmp_path_factory.mktemp("run")
    keep(folder, REPLIES, task=Task(EVIL), expect=[Check(url="screen:welcome"), Check(url=EVIL)])
    kept = read_run(folder)
    first, *rest = kept.lines
    look = first.before.model_copy(update={"url": EVIL, "title": EVIL, "notes": (EVIL,), "dialog": EVIL})
    evidence = (EvidenceEntry(role="button", name=EVIL, text=EVIL, near=(EVIL,)),)
    said = first.reply.model_copy(
        update={"warnings": (EVIL,), "chance": ChanceEntry(call=-0.1, places=None, held=True)}
    )
    first = first.model_copy(update={"before": look, "reply": said})
    receipt = rest[-1].receipt
    assert receipt
    effect = receipt.model_copy(update={"target": EVIL, "dialog": EVIL, "evidence": evidence})
    last = rest[-1].model_copy(update={"receipt": effect})
    return replace(kept, lines=(first, *rest[:-1], last))


@pytest.fixture(scope="module")
def report(run: Run) -> Path:
    return write_report([run])


def test_what_a_model_or_a_page_wrote_is_shown_and_never_run(page: Page, report: Path) -> None:
    page.open(report)
    assert page.ask("typeof hacked") == "undefined"
    assert page.ask("document.querySelectorAll('main script, main img').length") == 0
    assert page.ask("document.querySelector('#step-1 pre').textContent") == EVIL
    assert page.ask("document.querySelector('#step-1 .warning').textContent") == EVIL
    assert page.seen().count(EVIL) >= 8  # instruction, verdicts, title, address, note, dialog, reply, warning
    assert "<img" not in re.sub(r"<script.*?</script>", "", report.read_text(), flags=re.S)


def test_the_page_needs_nothing_but_itself(page: Page, report: Path) -> None:
    text = re.sub(r'id="picture-\d+"[^>]*>[^<]*<', "<", report.read_text())
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", text)
    assert "url(" not in text
    page.open(report)
    page.drawn()
    entries = "performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length"
    assert page.ask(entries) == 0


@pytest.mark.parametrize("width", [360, 390, 1400])
def test_the_page_fits_every_width_in_every_mode(report: Path, width: int) -> None:
    with Browser(BrowserOptions(size=(width, 844))) as env:
        page = Page(env).open(report, "step-3")
        for key in ("1", "2", "3", "d", "s", "n"):
            page.press(key)
            page.drawn()
            assert page.ask("document.documentElement.scrollWidth") == width, key
            frames = "[...document.querySelectorAll('article:not([hidden]) .frame')].filter(f => f.checkVisibility())"
            widths = page.ask(f"{frames}.map(f => f.getBoundingClientRect().width)")
            assert isinstance(widths, list)
            assert widths
            assert all(isinstance(each, int | float) and 100 <= each <= width for each in widths)
        assert page.ask("getComputedStyle(document.querySelector('.stage')).display") == "flex"  # the style was let in


def test_keys_go_from_step_to_step_and_the_address_follows(page: Page, report: Path) -> None:
    page.open(report)
    assert page.here() == "step-1"
    been = []
    for key in ("right", "j", "left", "End", "j", "k", "Home", "k"):
        page.press(key)
        been.append((page.here(), page.ask("document.activeElement.id"), page.ask("location.hash.slice(1)")))
    steps = [2, 3, 2, 6, 6, 5, 1, 1]
    assert been == [(f"step-{n}",) * 3 for n in steps]
    assert page.ask("document.querySelector('[aria-current]').hash") == "#step-1"
    assert page.ask("document.querySelectorAll('.tick[tabindex=\"0\"]').length") == 1
    assert page.ask("document.getElementById('where').textContent") == "1 / 6"


def test_marked_steps_are_found_by_a_key(page: Page, report: Path) -> None:
    page.open(report, "step-6")
    page.press("p")
    assert page.here() == "step-1"
    assert page.ask("document.querySelector('.tick.mistake').getAttribute('aria-label')") == (
        "Step 1: no action, mistake, with a warning"
    )


def test_keys_choose_what_is_shown_of_a_step(page: Page, report: Path) -> None:
    page.open(report, "step-4")
    found = {}
    for key in ("1", "2", "3", "d", "d", "s"):
        page.press(key)
        found[key, len(found)] = [name for name, seen in shown(page, VIEWS).items() if seen]
    both = ["before", "after"]
    assert list(found.values()) == [both, ["before"], ["after"], ["difference"], both, ["slider"]]
    page.ask("document.querySelector('article:not([hidden]) input').focus()")
    page.press("left", "left")
    assert page.here() == "step-4"  # the slider has its own arrows
    assert page.ask("document.querySelector('article:not([hidden]) input').value") == "48"
    assert (
        page.ask("document.querySelector('#step-4 .slider canvas + canvas').style.clipPath") == "inset(0px 52% 0px 0px)"
    )
    page.press("d", "1")


def test_help_opens_and_closes_by_a_key_and_holds_the_others_back(page: Page, report: Path) -> None:
    page.open(report)
    page.press("?", "j")
    assert page.ask("document.getElementById('keys').open") is True
    assert page.here() == "step-1"
    page.press("?", "j")
    assert page.ask("document.getElementById('keys').open") is False
    assert page.here() == "step-2"


def test_the_theme_follows_the_system_until_it_is_switched(report: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(246, 246, 243)", "rgb(20, 21, 23)"
    for scheme, first in (("light", light), ("dark", dark)):
        with Browser(BrowserOptions(size=(900, 700), color_scheme=scheme)) as env:
            page = Page(env).open(report)
            grounds = [page.ask(ground)]
            for _ in range(3):
                page.press("t")
                grounds.append(page.ask(ground))
        assert grounds == [first, light, dark, first]


def test_each_picture_is_in_the_page_once_and_is_drawn_pixel_by_pixel(page: Page, run: Run, report: Path) -> None:
    looks = [look.screen for line in run.lines for look in (line.before, line.after) if look]
    assert report.read_text().count('id="picture-') == len(set(looks)) < len(looks)
    assert "data-base" in report.read_text()  # some are kept as the part in which they differ
    for line in run.lines[2:]:
        page.open(report, f"step-{line.index}")
        assert line.after
        for name, look in (("before", line.before), ("after", line.after)):
            assert np.array_equal(page.picture(name), run.screen(look.screen)), (line.index, name)


def test_the_difference_is_what_the_receipt_counted(page: Page, run: Run, report: Path) -> None:
    page.open(report, "step-4")
    page.press("d")
    page.drawn()
    receipt = run.lines[3].receipt
    assert receipt
    said = page.ask("document.querySelector('#step-4 output').textContent")
    assert said == f"{receipt.pixels_changed} pixels within {receipt.changed_box}"
    page.press("d")


def test_a_click_is_drawn_where_it_was(page: Page, run: Run, report: Path) -> None:
    page.open(report, "step-3")
    page.drawn()
    middle = """(() => {
      const dot = document.querySelector('#step-3 circle.dot').getBoundingClientRect();
      const frame = document.querySelector('#step-3 .before canvas').getBoundingClientRect();
      const to = 336 / frame.width;
      return [(dot.x + dot.width / 2 - frame.x) * to, (dot.y + dot.height / 2 - frame.y) * to];
    })()"""
    x, y = np.asarray(page.ask(middle), dtype=float)
    assert abs(x - 200.5) < 1
    assert abs(y - 68.5) < 1


def test_what_a_step_took_is_told_by_part(page: Page, run: Run, tmp_path: Path) -> None:
    line = run.lines[2]
    timings = {"policy": 3.0, "parse": 0.01, "act": 0.25, "settle": 0.5, "capture": 0.125, "env": 1.0}
    usage = UsageEntry(prompt_tokens=900, image_tokens=800, completion_tokens=20, prefilled_tokens=100)
    parts = {"image": 0.25, "vision": 0.5, "prefill": 1.0, "decode": 1.0}
    said = line.reply.model_copy(update={"timings": parts, "usage": usage})
    timed = replace(run, lines=(line.model_copy(update={"index": 1, "timings": timings, "reply": said}),))
    page.open(write_report([timed], tmp_path / "timed.html"))
    told = " ".join(str(page.ask("document.querySelector('#step-1 .words').textContent")).split())
    for part in ("capture 0.125", "encode 0.750", "prefill 1.000", "decode 1.000", "parse 0.010", "act 0.250"):
        assert f"{part} s" in told
    assert "settle 0.500 s" in told
    assert "other 0.375 s" in told
    assert "900 in (800 of pictures, 100 of it newly read), 20 out" in told


def test_several_runs_share_a_page_and_one_is_shown(page: Page, tmp_path: Path) -> None:
    for name in ("one", "two"):
        keep(tmp_path / name)
    path = write_report([read_run(tmp_path / "one"), read_run(tmp_path / "two")], tmp_path / "both.html")
    page.open(path)
    assert page.ask("document.querySelectorAll('table.runs tbody tr').length") == 2
    page.press("End")
    assert page.here() == "run-2-step-4"
    assert page.ask("document.getElementById('where').textContent") == "4 / 4"
    page.ask("location.hash = '#run-1'")
    assert (
        page.ask("new Promise(r => setTimeout(() => r(document.querySelectorAll('section:not([hidden])').length)))")
        == 1
    )
    assert page.here() == "step-1"
    assert path.read_text().count('id="picture-') == len(list((tmp_path / "one" / "blobs").iterdir()))


def cut(folder: Path) -> None:
    """Make the manifest that of a run that was killed."""
    manifest = json.loads((folder / "run.json").read_text())
    ends = ("stop", "outcome", "verdicts", "totals")
    (folder / "run.json").write_text(json.dumps({key: value for key, value in manifest.items() if key not in ends}))


def test_a_run_without_a_step_is_shown_as_such(page: Page, tmp_path: Path) -> None:
    keep(tmp_path)
    cut(tmp_path)
    (tmp_path / "steps.jsonl").write_bytes(b"")
    page.open(write_report([read_run(tmp_path)]))
    page.press("j", "k", "d", "n", "End", "?")
    assert "unfinished" in page.seen()
    assert "No step was taken." in page.seen()


def test_the_step_in_which_a_run_was_killed_is_shown_with_its_doubt(page: Page, tmp_path: Path) -> None:
    keep(tmp_path)
    cut(tmp_path)
    *lines, last = (tmp_path / "steps.jsonl").read_text().splitlines()
    pending = json.loads(last) | {"after": None, "receipt": None}
    (tmp_path / "steps.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (tmp_path / "pending.json").write_text(json.dumps(pending))
    page.open(write_report([read_run(tmp_path)]))
    page.press("End")
    assert page.here() == "step-4"
    assert "whether it was carried out is not known" in str(page.ask("document.querySelector('#step-4').textContent"))
    assert page.drawn() == 1


def test_a_missing_or_broken_picture_leaves_the_rest_to_be_seen(page: Page, tmp_path: Path) -> None:
    keep(tmp_path)
    run = read_run(tmp_path)
    run.blob(run.lines[0].before.screen).unlink()
    run.blob(run.lines[3].before.screen).write_bytes(run.blob(run.lines[3].before.screen).read_bytes()[:200])
    path = write_report([run])
    page.open(path)
    for index, line in ((1, run.lines[0]), (4, run.lines[3])):
        gone = str(page.ask(f"document.querySelector('#step-{index} .before').textContent"))
        assert "No picture" in gone
        assert line.before.screen in gone
    page.press("j")
    assert page.drawn() == 2
    page.press("Home", "d")
    assert shown(page, VIEWS) == {"before": True, "after": True, "difference": False, "slider": False}
    page.press("d")


def test_a_replay_that_parted_is_shown_beside_the_record(page: Page, tmp_path: Path) -> None:
    keep(tmp_path)
    run = read_run(tmp_path)
    replay(run, Screens())
    moved = np.array(run.screen(run.lines[2].before.screen))
    moved[10:20, 30:60] = (200, 0, 0)
    Image.fromarray(moved).save(run.blob(run.lines[2].before.screen))
    replay(run, Screens())
    (tmp_path / "replays" / "odd").mkdir()
    (tmp_path / "replays" / "odd" / "report.json").write_text('{"outcome": 1}')
    page.open(write_report([run]), "replay-2")
    assert page.here() == "replay-2"
    assert page.ask("document.querySelectorAll('#run-1 details li').length") == 3
    assert "its report cannot be read" in page.seen()
    page.press("d")
    page.drawn()
    assert page.ask("document.querySelector('#replay-2 output').textContent") == "300 pixels within (30, 10, 60, 20)"
    page.press("d")


def test_a_replay_names_no_picture_outside_its_folder(tmp_path: Path) -> None:
    keep(tmp_path)
    folder = tmp_path / "replays" / "one"
    folder.mkdir(parents=True)
    told = {"outcome": "failed", "detail": "", "steps": 0, "actions": 0}
    parted = {"step": 1, "when": "before", "pixels": 1, "box": [0, 0, 1, 1], "actual": "../../secret.png"}
    (folder / "report.json").write_text(json.dumps(told | {"difference": parted}))
    assert "its report cannot be read" in write_report([read_run(tmp_path)]).read_text()


def test_no_run_is_no_report() -> None:
    with pytest.raises(RecordError, match="no run"):
        write_report([])


def test_long_words_do_not_widen_the_page(page: Page, tmp_path: Path) -> None:
    word = "w" * 3000
    keep(tmp_path, [word, NAME, Type(text=word), Click(at=Point(x=1, y=1)), Finish(text=word)], task=Task(word))
    page.open(write_report([read_run(tmp_path)]))
    for _ in range(5):
        assert page.ask("document.documentElement.scrollWidth") == 1000
        page.press("j")
