"""Words that only the executor knows: a policy writes <secret:NAME>, and reads that wherever a page says the word.

What a page makes of a word is found again in plain text, percent-encoded, in JSON, HTML and base64. A page that was
given the word may still spell it in a way of its own; that is why it is given to the pages of its origins alone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from actions.action import ActionError
from env.network import Network

SHORTEST = 4
"""Characters that a secret has at least: a shorter one would be found everywhere."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
PLACEHOLDER = re.compile(rf"<secret:({NAME.pattern})>")


@dataclass(frozen=True)
class Secret:
    """A word, what it is called, and the origins whose pages it may be typed into."""

    name: str
    value: str = field(repr=False)
    origins: Network

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"secret {self.name!r}: a name is letters, digits, . - and _, and begins with a letter")
        if len(self.value.strip()) < SHORTEST or not self.value.isprintable():
            raise ValueError(f"secret {self.name}: expected at least {SHORTEST} characters, and one line of them")
        if not self.origins.origins:
            raise ValueError(f"secret {self.name}: names no origin that it may be typed into")

    def __str__(self) -> str:
        return f"<secret:{self.name}>"


@dataclass(frozen=True)
class Secrets:
    """The secrets of one run; no two of one name. False where there are none."""

    known: tuple[Secret, ...] = ()

    def __post_init__(self) -> None:
        names = [secret.name for secret in self.known]
        if len(set(names)) != len(names):
            raise ValueError(f"secrets {', '.join(names)}: two have the same name")

    def __bool__(self) -> bool:
        return bool(self.known)

    def pieces(self, text: str) -> Iterator[str | Secret]:
        """`text` cut at its placeholders. ActionError for the name of none."""
        if not self.known:
            yield text
            return
        done = 0
        for found in PLACEHOLDER.finditer(text):
            if found.start() > done:
                yield text[done : found.start()]
            yield self._named(found[1])
            done = found.end()
        if done < len(text):
            yield text[done:]

    def asked(self, text: str) -> bool:
        """Whether `text` asks for a secret."""
        return bool(self.known) and PLACEHOLDER.search(text) is not None

    def longest(self, text: str) -> int:
        """How many characters the secrets that `text` asks for have together; names of none count nothing."""
        asked = PLACEHOLDER.findall(text) if self.known else []
        return sum(len(secret.value) for secret in self.known for name in asked if name == secret.name)

    def scrub(self, text: str) -> str:
        """`text` with the name of a secret wherever the secret itself stands."""
        for secret, pattern in self._patterns:
            text = pattern.sub(str(secret), text)
        return text

    def _named(self, name: str) -> Secret:
        for secret in self.known:
            if secret.name == name:
                return secret
        raise ActionError(f"text: there is no secret {name!r}; known are {', '.join(map(str, self.known))}")

    @cached_property
    def _patterns(self) -> tuple[tuple[Secret, re.Pattern[str]], ...]:
        longest = sorted(self.known, key=lambda secret: len(secret.value), reverse=True)
        return tuple((secret, _pattern(secret.value)) for secret in longest)


NONE = Secrets()


def _pattern(value: str) -> re.Pattern[str]:
    """Finds `value` in every spelling that a page, a URL or a file gives it, and cut short before an ellipsis."""
    plain = [_letter(letter) for letter in " ".join(value.split())]
    further = [f"(?:{letter}|(?=…))" for letter in plain[SHORTEST:]]  # each is there, or the ellipsis already is
    cut = "".join([*plain[:SHORTEST], *further, "…"])
    coded = ["".join(map(_letter, code)) for code in dict.fromkeys(_base64(value.encode()))]
    return re.compile("|".join([f"(?i:{''.join(plain)}|{cut})", *coded]))


def _letter(letter: str) -> str:
    if letter == " ":
        return r"(?:\s|\+|(?:%(?:25)*20)|&nbsp;|\\{0,8}u0020)+"
    octets = letter.encode()
    coded = "".join(f"%(?:25)*{octet:02x}" for octet in octets)
    number = ord(letter)
    forms = [re.escape(letter), coded, f"&#0*{number};", f"&#x0*{number:x};"]
    if number < 0x10000:
        forms.append(f"u{number:04x}")
    else:
        high, low = divmod(number - 0x10000, 0x400)
        forms.append(f"u{0xD800 + high:04x}\\\\{{1,8}}u{0xDC00 + low:04x}")
    forms += {"&": ["&amp;"], "<": ["&lt;"], ">": ["&gt;"], '"': ["&quot;"], "'": ["&apos;"]}.get(letter, [])
    if not letter.isalnum():
        forms.append("_")  # what browsers put into the name of a file
    if letter == "\\":
        return r"(?:\\+|(?:%(?:25)*5c)+|&#0*92;)"
    return rf"\\{{0,8}}(?:{'|'.join(forms)})"


def _base64(octets: bytes) -> Iterator[str]:
    """What every base64 text around `octets` holds of it, wherever it begins there."""
    for before in range(3):
        size = before + len(octets)
        first, last = -(-before * 8 // 6), size * 8 // 6
        for code in (base64.b64encode, base64.urlsafe_b64encode):
            yield code(b"\0" * before + octets).decode("ascii")[first:last]
