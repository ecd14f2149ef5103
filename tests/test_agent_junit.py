"""JUnit XML that CI can read, whatever names and pages say."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from agent.expect import Verdict
from agent.junit import render, write
from agent.outcome import LegResult, Outcome, Result
from agent.step import Stop, Trajectory
from env import Task

HELD, BROKE = Verdict(check="text a", held=True, found="a"), Verdict(check="text b", held=False, found="c")


def run(outcome: Outcome, *verdicts: Verdict, legs: tuple[LegResult, ...] = (), attempt: int = 1) -> Result:
    stop = Stop("finished", "said so")
    return Result(Trajectory(Task("x"), (), stop), outcome, verdicts, Path("runs/a"), legs=legs, attempt=attempt)


def test_each_script_and_each_step_is_a_case_that_says_why_it_failed(tmp_path: Path) -> None:
    legs = (
        LegResult("one", Outcome.VERIFIED, Stop("finished"), (HELD,), 1.5),
        LegResult("two", Outcome.FAILED, Stop("finished"), (BROKE,), 0.25),
        LegResult("three"),
    )
    results = [
        ("order", run(Outcome.FAILED, HELD, BROKE, legs=legs)),
        ("look", run(Outcome.UNVERIFIED)),
        ("again", run(Outcome.VERIFIED, HELD, attempt=2)),
        ("gone", run(Outcome.BROKEN)),
        ("long", run(Outcome.STOPPED)),
    ]
    write(tmp_path / "junit.xml", results)
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "8",
        "failures": "3",
        "errors": "1",
        "skipped": "2",
        "time": "1.750",
    }
    order = root[0]
    assert [case.get("name") for case in order] == ["one", "two", "three", "order"]
    assert [[part.tag for part in case] for case in order] == [[], ["failure"], ["skipped"], ["failure", "system-out"]]
    assert order[1][0].text == "did not hold: text b (found: c)"
    assert order[3][0].get("message") == "failed: finished: said so"
    assert order[1].get("time") == "0.250"
    assert root[2].findtext("testcase/system-out") == "run: runs/a\nattempt 2: flaky"


@given(st.text(), st.text())
@example("\x00\x1b[31m", "\ud800 ]]> <failure/> &amp; \uffff\x0b")
def test_no_text_of_a_page_breaks_the_file_or_adds_to_it(name: str, found: str) -> None:
    verdict = Verdict.model_construct(check=name, held=False, found=found)
    root = ElementTree.fromstring(render([(name, run(Outcome.FAILED, verdict))]))
    assert len(root.findall(".//failure")) == len(root.findall(".//testcase")) == 1
