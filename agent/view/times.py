"""Where the seconds of a step went: the names that loop, models and environments give them, brought to eight parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.schema import Line

PARTS = ("capture", "encode", "prefill", "decode", "parse", "act", "settle", "other")
"""In the order in which they are drawn."""

HOMES = {"image": "encode", "vision": "encode", "prefill": "prefill", "decode": "decode"}
"""What the built-in engine names its parts; a composed policy puts "plan " or "ground " before them."""

SCREEN = ("capture", "act", "settle")
"""What environments name."""

SLACK = 0.001
"""Seconds by which parts may exceed their whole: clocks are read one after the other."""


@dataclass(frozen=True)
class Bar:
    """One part of a bar: where it begins and how long it is, in thousandths of the whole."""

    part: str
    seconds: float
    start: float
    length: float


@dataclass(frozen=True)
class Times:
    """Seconds by part, all of `PARTS`; `note` says what does not agree."""

    seconds: Mapping[str, float]
    note: str = ""

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self.seconds.values())

    def bars(self, whole: float = 0.0) -> tuple[Bar, ...]:
        """The parts that took any time, one behind the other, within `whole` seconds or their own sum."""
        whole = max(whole, self.total)
        bars: list[Bar] = []
        start = 0.0
        for part in PARTS:
            if (seconds := self.seconds[part]) > 0:
                bars.append(Bar(part, seconds, start, 1000 * seconds / whole))
                start += 1000 * seconds / whole
        return tuple(bars)


def spent(line: Line) -> Times:
    """Where the seconds of a step went.

    "other" is what the policy and the environment took beside the parts that they name, such as a server's answer.
    """
    seconds = dict.fromkeys(PARTS, 0.0)
    policy, env = line.timings.get("policy", 0.0), line.timings.get("env", 0.0)
    for name in SCREEN:
        seconds[name] = line.timings.get(name, 0.0)
    seconds["parse"] = line.timings.get("parse", 0.0)
    named = {name: took for name, took in line.reply.timings.items() if name.rpartition(" ")[2] in HOMES}
    note = ""
    if sum(named.values()) > policy + SLACK:
        note = f"the reply tells of {sum(named.values()):.2f} s, its turn took {policy:.2f} s: it was made elsewhere"
    else:
        for name, took in named.items():
            seconds[HOMES[name.rpartition(" ")[2]]] += took
        policy -= sum(named.values())
    seconds["other"] = max(0.0, policy) + max(0.0, env - sum(seconds[name] for name in SCREEN))
    return Times(seconds, note)


def together(times: Iterable[Times]) -> Times:
    """The sum of many."""
    seconds = dict.fromkeys(PARTS, 0.0)
    for each in times:
        for part in PARTS:
            seconds[part] += each.seconds[part]
    return Times(seconds)
