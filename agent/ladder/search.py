"""The search for all that one step needs: its dialog, its tabs, its focus, and each of its targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from actions import Action, Click, Drag, Key, Point, Scroll, Tab, Type, points
from agent.ladder import patch as patches
from agent.ladder.aim import Aim, Known, Missing, Refused, Spot
from agent.ladder.find import Read, find
from agent.ladder.focus import Focus
from agent.ladder.sight import Sight
from agent.ladder.wheel import TURNED, resting
from agent.reader import Run
from agent.recall import evidence
from agent.schema import Line
from env import Evidence


@dataclass(frozen=True)
class Search:
    """What one step of a record was done to, and what is known of it beside that."""

    run: Run
    line: Line
    action: Action
    known: Known
    repairs: tuple[patches.Patch, ...] = ()
    read: Read | None = None

    @cached_property
    def aims(self) -> tuple[Aim, ...]:
        """Its recorded places."""
        screen = self.run.screen(self.line.before.screen)
        lay = self.line.receipt.evidence if self.line.receipt else ()
        places = points(self.action)
        if len(lay) != len(places):
            return tuple(Aim(at, Evidence(), screen, told=False) for at in places)
        return tuple(Aim(at, evidence(each), screen) for at, each in zip(places, lay, strict=True))

    def ready(self, sight: Sight, focus: Focus) -> None:
        """`Missing` or `Refused` where the screen is not in the state that the step was done in."""
        before, seen = self.line.before, sight.seen
        if seen.dialog != before.dialog:
            raise Missing(f"the dialog is {seen.dialog or 'not there'}, and {before.dialog or 'none'} in the record")
        if len(seen.tabs) != len(before.tabs):
            raise Missing(f"{len(seen.tabs)} tabs are open, and {len(before.tabs)} in the record")
        if isinstance(self.action, Tab) and title(seen.tabs, self.action.index) != title(
            before.tabs, self.action.index
        ):
            said = title(seen.tabs, self.action.index), title(before.tabs, self.action.index)
            raise Missing(f"tab {self.action.index} is {said[0]!r}, and {said[1]!r} in the record")
        if isinstance(self.action, Key | Type) and not points(self.action) and not seen.dialog:
            focus.check(self.line, sight)

    def spots(self, sight: Sight) -> tuple[Spot, ...]:
        """Where each place of the action is now; `Missing` or `Refused` where one is not to be had."""
        found: list[tuple[Aim, Spot]] = []
        for aim in self.aims:
            found.append((aim, self._along(aim, found, sight) or self._one(aim, sight)))
        return tuple(spot for _, spot in found)

    def _along(self, aim: Aim, found: list[tuple[Aim, Spot]], sight: Sight) -> Spot | None:
        """A further place on the same thing moves with the first."""
        for first, spot in found:
            if first.evidence == aim.evidence and aim.evidence.box:
                at = Point(x=spot.at.x + aim.at.x - first.at.x, y=spot.at.y + aim.at.y - first.at.y)
                if sight.shows(at):
                    return replace(spot, at=at)
        return None

    def _one(self, aim: Aim, sight: Sight) -> Spot:
        try:
            return find(aim, sight, self.known, self.read)
        except (Missing, Refused) as missing:
            if isinstance(self.action, Scroll):
                return _wheel(aim, sight)
            if isinstance(missing, Refused) or len(points(self.action)) != 1:
                raise
            return self._repaired(sight, missing)

    def _repaired(self, sight: Sight, missing: Missing) -> Spot:
        """By the newest repair of this step that leads anywhere."""
        for patch in self.repairs:
            try:
                return replace(find(patches.aim(self.run, patch), sight, self.known, self.read), rung="patch")
            except Missing:
                continue
        raise missing


def _wheel(aim: Aim, sight: Sight) -> Spot:
    """The wheel turns the page at nearly any place; the recorded one where nothing there would keep it for itself."""
    there = sight.lies(aim.at)
    if sight.shows(aim.at) and (there is None or there.role not in TURNED):
        return Spot(aim.at, "place", 0.0, there)
    return Spot(resting(sight), "place", 0.0)


def title(tabs: tuple[str, ...], index: int) -> str:
    """The title of a tab, without its address."""
    return tabs[index].rpartition(" — ")[0] if index < len(tabs) else ""


def bare(action: Action) -> bool:
    """Whether an action happens wherever the pointer is."""
    if isinstance(action, Drag):
        return len(action.path) == 1
    return isinstance(action, Click | Scroll) and action.at is None
