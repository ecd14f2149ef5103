"""Keys go to whatever has the focus: whether that is what had it when they were recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

from actions import Type
from agent.ladder.aim import Missing, Refused
from agent.ladder.kinds import UNSAID
from agent.ladder.sight import Sight
from agent.schema import Effect, Line
from env import Receipt


@dataclass
class Focus:
    """What the focus is called now, by what it was called in the record, as far as pointed actions have shown it."""

    names: dict[str, str] = field(default_factory=dict)

    def check(self, line: Line, sight: Sight) -> None:
        """`Missing` where the keys of `line` would go elsewhere; `Refused` where that cannot be told."""
        recorded, now = line.before.focus, sight.seen.focus
        wanted = self.names.get(recorded, recorded)
        if now != wanted:
            raise Missing(f"the focus is on {now or UNSAID}, and on {recorded or UNSAID} in the record")
        if isinstance(line.action, Type) and sight.seen.value != line.before.value:
            said = sight.seen.value or "without a value"
            raise Missing(f"{now} is {said}, and {line.before.value or 'without'} in the record")
        if recorded in self.names or not now:
            return
        name = now.partition(' "')[2].removesuffix('"')
        if name and sum(each.name == name and each.role not in ("text", "heading") for each in sight.named) > 1:
            raise Refused(f"more than one is called {name!r}, and the keyboard alone led to it")

    def note(self, recorded: Effect | None, now: Receipt | None, *, pointed: bool) -> None:
        """Learn from an action that went as recorded; what keys lead to is not known by any other name."""
        if recorded is None or now is None:
            return
        if pointed:
            self.names = {recorded.focus: now.focus} if recorded.focus else {}
        elif recorded.focus not in self.names:
            self.names = {}
