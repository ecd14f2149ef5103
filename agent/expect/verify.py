"""Hold expectations against the screen: as it is, or until they come true."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from agent.expect import code, files, page
from agent.expect.check import Check, Verdict
from agent.expect.ground import BARE, Ground
from env import Environment, Observation, Stirring

GLANCE = 1.0
"""Seconds after which a screen is looked at again though nothing was heard of it: a canvas changes silently."""


def verify(
    checks: Sequence[Check], env: Environment, seen: Observation | None, ground: Ground = BARE
) -> tuple[Verdict, ...]:
    """Hold each check against the environment as it is now; `seen` is the last look at it.

    Checks in Python that `ground` has no code for are left out.
    """
    run = [check for check in checks if check.python is None or check.python in ground.code]
    later = [check for check in run if ground.update and check.screenshot]
    found = {number: _verdict(check, env, seen, ground) for number, check in enumerate(run) if check not in later}
    ready = all(verdict.held for verdict in found.values())
    for number, check in enumerate(run):
        if number not in found:
            found[number] = _verdict(check, env, seen, ground) if ready else _unwritten(check)
    return tuple(found[number] for number in range(len(run)))


def awaited(
    checks: Sequence[Check], env: Environment, seen: Observation, ground: Ground, clock: Callable[[], float]
) -> tuple[Verdict, ...]:
    """The same once all of them hold, or those that do not have had the time they may take."""
    began = clock()
    while True:
        verdicts = verify(checks, env, seen, ground)
        failed = {verdict.check for verdict in verdicts if not verdict.held}
        left = began - clock() + max((check.within for check in checks if str(check) in failed), default=0.0)
        if not failed or left <= 0 or not isinstance(env, Stirring):
            return verdicts
        seen = env.stir(min(left, GLANCE))


def _verdict(check: Check, env: Environment, seen: Observation | None, ground: Ground) -> Verdict:
    held, found = _held(check, env, seen, ground) if seen else (False, "no screen")
    return Verdict(check=str(check), held=held, found=found)


def _held(check: Check, env: Environment, seen: Observation, ground: Ground) -> tuple[bool, str]:
    if check.url is not None:
        return _matches(check.url, seen.url), seen.url
    if check.title is not None:
        return fnmatch.fnmatchcase(seen.title, check.title), seen.title
    if check.screenshot is not None:
        return _screenshot(check, check.screenshot, seen, ground)
    if check.file is not None:
        return files.arrived(check, env)
    if check.python is not None:
        return code.ask(check.python, ground.code[check.python], code.Ending(env, seen, ground.answers))
    return _page(check, env, seen)


def _page(check: Check, env: Environment, seen: Observation) -> tuple[bool, str]:
    if seen.dialog:
        return False, f"a dialog in front of the page: {seen.dialog}"
    if not isinstance(env, page.Page):
        return False, "this environment has no page to ask"
    if check.text is not None:
        return page.text(check.text, env)
    if check.absent is not None:
        there, _ = page.text(check.absent, env)
        return not there, "it is there" if there else "it is nowhere"
    return page.element(check, env)


def _screenshot(check: Check, name: str, seen: Observation, ground: Ground) -> tuple[bool, str]:
    from agent.expect import pixels

    if ground.folder is None:
        return False, "nobody knows where the picture lies"
    path = ground.folder / name
    return (pixels.write if ground.update else pixels.compare)(check, seen.screenshot, path)


def _unwritten(check: Check) -> Verdict:
    return Verdict(check=str(check), held=False, found="not written, as something else does not hold")


def _matches(pattern: str, url: str) -> bool:
    if pattern.startswith("/"):
        parts = urlsplit(url)
        url = parts._replace(scheme="", netloc="").geturl()
    return fnmatch.fnmatchcase(url, pattern)
