"""Which browser to run; `python -m env.browser.find` prints it, or the line that installs one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HEADLESS = ("chromium-headless-shell", "chrome-headless-shell", "headless_shell")
FULL = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

INSTALL = (
    "no Chromium was found; install one with `apt-get install chromium-headless-shell` "
    "or `python -m playwright install chromium`"
)


def find(*, headed: bool = False, path: str | None = None) -> Path | None:
    """The first Chromium on the search path, or None: then Playwright's own download is the one to try.

    A window needs a full browser; without one the smaller headless shell comes first. `path` replaces the
    search path of this process.
    """
    names = FULL if headed else HEADLESS + FULL
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return Path(found)
    return None


def downloaded() -> Path | None:
    """The Chromium that `playwright install` has brought, if it has."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.exists() else None


def main() -> int:
    """Print where the browser is and return 0, or what installs one and return 1."""
    found = find() or downloaded()
    print(found or INSTALL)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
