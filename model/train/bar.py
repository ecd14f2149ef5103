"""How far a run has come, on standard error: a bar with the time left, and a line for each of the log's."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn


def clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


class Bar:
    """A context manager; a quiet one shows nothing. Without a terminal there are lines and no bar."""

    def __init__(self, name: str, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
        hidden = quiet or not self.console.is_terminal
        self.progress = Progress(*columns, console=self.console, transient=True, disable=hidden)
        self.task = self.progress.add_task(name, total=1.0, said="")

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def show(self, updates: int, seconds: float, share: float) -> None:
        """So many updates in so many seconds are this share of all."""
        left = clock(seconds * (1 - share) / share) if share > 0 else "?"
        self.progress.update(self.task, completed=min(share, 1.0), said=f"{updates} updates, {left} left")

    def tell(self, line: str) -> None:
        """One line above the bar."""
        self.console.print(line, markup=False)
