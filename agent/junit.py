"""What runs came to, as JUnit XML for CI: a suite a script, a case for the script and for each of its steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from agent.expect import Verdict
from agent.outcome import LegResult, Outcome, Result
from agent.record import replace
from agent.step import Stop

_UNSAID = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot say."""


def write(path: Path, results: Sequence[tuple[str, Result]]) -> None:
    """Put the XML of all runs, each with its name, at `path`."""
    replace(path, render(results))


def render(results: Sequence[tuple[str, Result]]) -> bytes:
    """The XML, in UTF-8."""
    root = Element("testsuites", name="handeye")
    suites = [_suite(root, name, result) for name, result in results]
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.set("time", f"{sum(_seconds(result) for _, result in results):.3f}")
    data: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return data


def _suite(root: Element, name: str, result: Result) -> Element:
    suite = SubElement(root, "testsuite", name=_said(name), time=f"{_seconds(result):.3f}")
    for leg in result.legs:
        _leg(suite, name, leg)
    case = SubElement(suite, "testcase", classname="handeye", name=_said(name), time=f"{_seconds(result):.3f}")
    _outcome(case, result.outcome, result.stop, result.verdicts)
    SubElement(case, "system-out").text = _said(_told(result))
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(tag) is not None for case in cases)))
    return suite


def _leg(suite: Element, name: str, leg: LegResult) -> None:
    case = SubElement(suite, "testcase", classname=f"handeye.{_said(name)}", name=_said(leg.name))
    case.set("time", f"{leg.seconds:.3f}")
    if leg.outcome is None or leg.stop is None:
        SubElement(case, "skipped", message="not begun, as a step before it came to no good end")
    else:
        _outcome(case, leg.outcome, leg.stop, leg.verdicts)


def _outcome(case: Element, outcome: Outcome, stop: Stop, verdicts: Sequence[Verdict]) -> None:
    """Nothing for what was verified; else a failure, an error, or that nothing was there to verify it."""
    if outcome is Outcome.VERIFIED:
        return
    if outcome is Outcome.UNVERIFIED:
        SubElement(case, "skipped", message="finished, and nothing is expected that could verify it")
        return
    ended = f"{stop.reason}: {stop.detail}".removesuffix(": ")
    tag = "error" if outcome is Outcome.BROKEN else "failure"
    wrong = SubElement(case, tag, type=outcome.value, message=_said(f"{outcome.value}: {ended}"))
    lines = [f"{'held' if one.held else 'did not hold'}: {one.check} (found: {one.found})" for one in verdicts]
    wrong.text = _said("\n".join(lines))


def _seconds(result: Result) -> float:
    """What it took; steps of a script also count what they waited for."""
    return max(result.seconds, sum(leg.seconds for leg in result.legs))


def _told(result: Result) -> str:
    again = f"attempt {result.attempt}{': flaky' if result.flaky else ''}" if result.attempt > 1 else ""
    return "\n".join(part for part in (f"run: {result.folder}", again) if part)


def _said(text: str) -> str:
    """`text` without what XML cannot say."""
    return _UNSAID.sub("�", text)
