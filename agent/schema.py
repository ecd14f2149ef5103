"""The two files of a run folder, as they stand on disk.

`agent/schemas/run.json` and `agent/schemas/step.json` are the JSON Schemas of `RunFile` and `Line`, and
`agent/schemas/script.json` is that of task scripts; `python -m agent.schema` writes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from actions import Action
from agent.expect import Check, Verdict
from agent.step import StopReason
from env.observation import Value

VERSION: Literal[1] = 1
OutcomeName = Literal["verified", "failed", "unverified", "stopped", "broken"]


class Entry(BaseModel):
    """Frozen, and closed to fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskEntry(Entry):
    """What was to be done."""

    instruction: str
    start: str
    seed: int


class ModelEntry(Entry):
    """Who decided; `hash` is of the weights, and empty for a policy that has none."""

    name: str
    hash: str = ""
    dialect: str
    max_pixels: int | None = None


class EnvironmentEntry(Entry):
    """Enough to build the same environment again."""

    kind: Literal["browser", "miniwob", "screens", "desktop", "custom"]
    width: int | None = None
    height: int | None = None
    device: str | None = Field(default=None, description="the phone or tablet it is, by Playwright's name")
    program: tuple[str, ...] = Field(default=(), description="what runs on a desktop, word by word")
    folder: str | None = Field(default=None, description="where that program was started")
    window_manager: bool = False
    locale: str | None = None
    timezone: str | None = None
    color_scheme: Literal["light", "dark", "no-preference"] | None = None
    geolocation: tuple[float, float, float] | None = Field(default=None, description="latitude, longitude, accuracy")
    permissions: tuple[str, ...] = ()
    storage_state: str | None = Field(default=None, description="file with the cookies it began with")
    withheld: tuple[str, ...] = Field(default=(), description="what it had besides and no record keeps")
    network: tuple[str, ...] | None = Field(default=None, description="the only origins spoken to; null for all")
    secrets: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="names, and origins typed into")
    masks: tuple[str, ...] = Field(default=(), description="CSS selectors of what was covered beside passwords")
    downloads: bool = Field(default=True, description="whether files were taken")
    site: str | None = Field(default=None, description="folder whose pages were served during the run")
    origin: str | None = Field(default=None, description="where they were served, such as http://127.0.0.1:40123")


class LimitsEntry(Entry):
    """Budgets; null is no limit."""

    steps: int | None = None
    seconds: float | None = None
    tokens: int | None = None
    repeats: int | None = None
    recoveries: int | None = None


class StopEntry(Entry):
    """Why it ended."""

    reason: StopReason
    detail: str = ""


class Totals(Entry):
    """Sums over all steps."""

    steps: int
    errors: int
    seconds: float
    prompt_tokens: int
    image_tokens: int
    completion_tokens: int
    prefilled_tokens: int | None = None


class ParentEntry(Entry):
    """The run that another goes on from: its steps up to `step` are the first ones of the other."""

    name: str = Field(description="its folder's name")
    created: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of its steps.jsonl up to the end of that line")
    step: int = Field(ge=0)
    model: ModelEntry = Field(description="who decided there")
    parent: ParentEntry | None = Field(default=None, description="the run that it goes on from itself")


class LegEntry(Entry):
    """A step of the script: what it asks for, and what came of it; null while that is not known."""

    name: str = ""
    instruction: str
    limits: LimitsEntry
    expect: tuple[Check, ...] = ()
    stop: StopEntry | None = None
    outcome: OutcomeName | None = None
    seconds: float | None = None


class RunFile(Entry):
    """run.json: written when the run begins (`stop` and `outcome` null), and again when it ends."""

    version: Literal[1] = VERSION
    name: str
    created: str = Field(description="ISO 8601, UTC")
    task: TaskEntry
    script: str | None = Field(default=None, description="the task script's file name")
    parameters: dict[str, str] = Field(default_factory=dict)
    model: ModelEntry
    environment: EnvironmentEntry
    limits: LimitsEntry
    expect: tuple[Check, ...] = ()
    until: Literal["finish", "expect"] = "finish"
    parent: ParentEntry | None = None
    legs: tuple[LegEntry, ...] = Field(default=(), description="the script's steps, where it has several")
    attempt: int = Field(default=1, ge=1, description="2 and more for what was begun anew after it had failed")
    versions: dict[str, str]
    stop: StopEntry | None = None
    outcome: OutcomeName | None = None
    verdicts: tuple[Verdict, ...] = ()
    values: dict[str, JsonValue] = Field(default_factory=dict, description="what was extracted, by its names")
    totals: Totals | None = None


class Look(Entry):
    """One look at the screen; `screen` names blobs/<screen>.png."""

    screen: str = Field(pattern=r"^[0-9a-f]{64}$")
    width: int
    height: int
    url: str = ""
    title: str = ""
    tabs: tuple[str, ...] = ()
    dialog: str = ""
    focus: str = ""
    value: Value = ""
    downloads: tuple[str, ...] = ()
    refused: tuple[str, ...] = Field(default=(), description="requests turned away since the look before this one")
    notes: tuple[str, ...] = Field(default=(), description="what the policy was told of the screen beside it")
    time: float = Field(default=0.0, description="seconds since the episode began")
    done: bool = False
    reward: float | None = None


class DownloadEntry(Entry):
    """A file that arrived, and where it lay during the run."""

    name: str
    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(description="in bytes")


class EvidenceEntry(Entry):
    """What tells one thing on a screen from the others, besides its pixels."""

    role: str = ""
    name: str = ""
    text: str = ""
    key: str = Field(default="", description="what its author calls it, such as the name of a field")
    box: tuple[int, int, int, int] | None = None
    near: tuple[str, ...] = Field(default=(), description="texts around it, the nearest first")


class Effect(Entry):
    """What the action did, as far as the environment could tell."""

    target: str = ""
    window: str = Field(default="", description="the tab that it lies in; empty where there is but one")
    pixels_changed: int = 0
    changed_box: tuple[int, int, int, int] | None = None
    navigated: bool = False
    dialog: str = ""
    downloads: tuple[str, ...] = ()
    files: tuple[DownloadEntry, ...] = Field(default=(), description="the downloads, with what is in them")
    url: str = Field(default="", description="where the action led")
    focus: str = Field(default="", description="what has the focus after it")
    value: Value = Field(default="", description="the kind of value that the focus holds")
    evidence: tuple[EvidenceEntry, ...] = Field(
        default=(), description="of what lay at each place of the action, before it was done"
    )

    @property
    def nothing(self) -> bool:
        """Whether the screen is as it was."""
        return not (self.pixels_changed or self.navigated or self.dialog or self.downloads)


class UsageEntry(Entry):
    """Tokens of one reply."""

    prompt_tokens: int = 0
    image_tokens: int = 0
    completion_tokens: int = 0
    prefilled_tokens: int | None = Field(
        default=None, description="those of the prompt that had not been read before; null where nobody tells"
    )


class ChanceEntry(Entry):
    """How sure the model was: natural logs of probabilities."""

    call: float = Field(description="of all that the call is written with")
    places: float | None = Field(default=None, description="of the numbers of its places; null where it names none")
    held: bool = Field(description="whether they count among what a grammar allowed, or among all there is")


class Said(Entry):
    """What the policy wrote, untouched."""

    text: str
    usage: UsageEntry = UsageEntry()
    timings: dict[str, float] = Field(default_factory=dict)
    warnings: tuple[str, ...] = Field(default=(), description="what did not agree, such as counts of image tokens")
    chance: ChanceEntry | None = Field(default=None, description="null where nobody tells")


class FrameEntry(Entry):
    """The screen, and the image that the model saw of it, in pixels."""

    width: int
    height: int
    model_width: int
    model_height: int


class Line(Entry):
    """One line of steps.jsonl: a whole step."""

    index: int = Field(ge=1)
    leg: int | None = Field(default=None, description="which of the script's steps it belongs to, from 1")
    before: Look
    frame: FrameEntry
    reply: Said
    action: Action | None = Field(description="in screen pixels; null where the reply could not be read")
    error: str = Field(default="", description="why nothing was carried out, or how the screen broke")
    after: Look | None = Field(
        default=None,
        description="null where nothing was carried out; beside an error, the fresh screen after one that broke",
    )
    receipt: Effect | None = None
    timings: dict[str, float] = Field(default_factory=dict)


FILES: dict[str, type[Entry]] = {"run.json": RunFile, "step.json": Line}
"""The schema files of records in agent/schemas/, and what each describes."""


def main() -> None:
    """Write the schema files."""
    from agent.script.schema import schema

    folder = Path(__file__).parent / "schemas"
    folder.mkdir(exist_ok=True)
    documents = {name: entry.model_json_schema() for name, entry in FILES.items()} | {"script.json": schema()}
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
