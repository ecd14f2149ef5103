"""Names for what a person types into fields that hide it.

The words stay in memory, to be found and left out elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from env.heard import Field
from env.network import Network, origin
from env.secrets import SHORTEST, Secret, Secrets

NOWHERE = Network.of("http://localhost.invalid")
"""For words of pages without an origin, such as files: they are left out everywhere, and typed nowhere again."""


@dataclass
class Held:
    """One field, what it is called, and what it holds."""

    name: str
    origins: Network
    value: str = ""


class Vault:
    """The secrets of one recording: a field keeps its name, and two with the same word and origins share one."""

    def __init__(self, taken: Sequence[Secret] = ()) -> None:
        self._given = tuple(taken)
        self._known = tuple(Held(each.name, each.origins, each.value) for each in taken)
        self._held: dict[str, Held] = {}
        self._asked: dict[str, Held] = {}

    def learn(self, field: Field, value: str, urls: Sequence[str]) -> None:
        """Take note of what `field` of the pages at `urls` holds by now."""
        held = self._held.get(field.id)
        if held is None:
            found = {str(there) for url in urls if (there := origin(url)) is not None}
            held = self._held[field.id] = Held(self._free(field.name), Network.of(*sorted(found)) if found else NOWHERE)
        if value:
            held.value = value

    def name(self, field: Field) -> str:
        """What stands for the secret in `field`."""
        held = self._held.get(field.id)
        if held is None:
            self.learn(field, "", ())
            held = self._held[field.id]
        for known in (*self._known, *self._held.values()):
            if (known.value, known.origins) == (held.value, held.origins):
                held = Held(known.name, known.origins)
                break
        self._asked[held.name] = held
        return f"<secret:{held.name}>"

    @property
    def bound(self) -> Mapping[str, tuple[str, ...]]:
        """The names that were asked for, also of words too short to be found again, and their origins."""
        return {name: tuple(map(str, each.origins.origins)) for name, each in self._asked.items()}

    @property
    def secrets(self) -> Secrets:
        """Those that are long enough to be found again, each once."""
        found = {(each.value, each.origins): each for each in reversed(self._held.values())}
        for given in self._given:
            found.pop((given.value, given.origins), None)
        fit = [each for each in found.values() if len(each.value.strip()) >= SHORTEST and each.value.isprintable()]
        return Secrets((*self._given, *(Secret(each.name, each.value, each.origins) for each in fit)))

    def _free(self, label: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", label).strip("-.")[:40]
        stem = plain if re.match(r"[A-Za-z]", plain) else "password"
        taken = {each.name for each in (*self._known, *self._held.values())}
        number, name = 1, stem
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        return name
