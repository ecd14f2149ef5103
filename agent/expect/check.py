"""Expectations as data, and what came of each."""

from __future__ import annotations

import json
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from env import Box

SUBJECTS = ("url", "title", "text", "absent", "element", "screenshot", "file", "python")
"""What can be expected; one of them in each check."""

BELONGS = {
    "checked": "element",
    "value": "element",
    "visible": "element",
    "box": "screenshot",
    "tolerance": "screenshot",
    "pixels": "screenshot",
    "size": "file",
    "sha256": "file",
}
"""Keys that say more of a subject, and of which."""


class Check(BaseModel):
    """One expectation: of the address, the title, the text, an element, the pixels or a file, or a check in Python."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    url: str | None = None
    """A pattern with * and ?; one that begins with / is held against path, query and fragment alone."""
    title: str | None = None
    """A pattern with * and ? for the title of the page, or of the window that is active."""
    text: str | None = None
    """Visible somewhere on the page; runs of white space count as one space."""
    absent: str | None = None
    """A text that is visible nowhere on the page."""
    element: str | None = None
    """A CSS selector."""
    checked: bool | None = None
    """Whether the element is checked."""
    value: str | None = None
    """What stands in the element."""
    visible: bool | None = None
    """Whether the element can be seen."""
    screenshot: str | None = Field(default=None, min_length=1)
    """A PNG file beside the script that the screen has to look like; `--update-screenshots` writes it."""
    box: Box | None = Field(default=None, strict=False)
    """The part of the screen that the picture shows, as x0, y0, x1, y1 in pixels; the whole of it by default."""
    tolerance: int = Field(default=0, ge=0, le=255)
    """How far red, green or blue may be off, of 255."""
    pixels: int = Field(default=0, ge=0)
    """How many pixels may differ by more than that."""
    file: str | None = Field(default=None, min_length=1)
    """A pattern with * and ? for the name of a file that was downloaded."""
    size: int | None = Field(default=None, ge=0)
    """Bytes of that file."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Hash of that file, as `sha256sum` prints it."""
    python: str | None = Field(default=None, pattern=r"^[^:]+:[A-Za-z_]\w*$")
    """FILE.py:FUNCTION beside the script, or MODULE:FUNCTION that is installed; called with an `Ending`."""
    within: float = Field(default=2.0, ge=0, le=60)
    """Seconds that it may take until it holds, once the policy has finished."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in SUBJECTS if name in self._said]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(SUBJECTS)}; got {', '.join(given) or 'none'}")
        for name, subject in BELONGS.items():
            if name in self._said and subject != given[0]:
                raise ValueError(f"{name} belongs to {subject}, not to {given[0]}")
        if self.box and not (0 <= self.box[0] < self.box[2] and 0 <= self.box[1] < self.box[3]):
            raise ValueError(f"box: expected x0 < x1 and y0 < y1, none below 0; got {list(self.box)}")
        return self

    @property
    def _said(self) -> frozenset[str]:
        """Names of the fields that hold something else than their default."""
        fields = type(self).model_fields
        return frozenset(name for name, value in self if value != fields[name].default)

    @property
    def subject(self) -> str:
        """Which of `SUBJECTS` it is about."""
        return next(name for name in SUBJECTS if name in self._said)

    def __str__(self) -> str:
        held = {name: value for name, value in self if name in self._said}
        subject = self.subject
        about = held[subject]
        said = f"{subject} {json.dumps(about, ensure_ascii=False) if subject in ('text', 'absent') else about}"
        more = [f"{name}={json.dumps(held[name])}" for name in BELONGS if name in held]
        if subject == "element":
            return f"{said} {' '.join(more) or 'exists'}"
        return " ".join((said, *more))


class Verdict(BaseModel):
    """Whether a check held, and what was found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    held: bool
    found: str
    leg: int | None = Field(default=None, description="the step of the script that it is of, from 1; null for none")
