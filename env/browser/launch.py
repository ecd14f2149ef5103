"""Starting Chromium, and a fresh context in it for each episode."""

from __future__ import annotations

import os
from collections.abc import Sequence

from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Playwright
from playwright.async_api import Error as PlaywrightError

from env.browser import script
from env.browser.find import INSTALL, find
from env.browser.options import BrowserOptions
from env.environment import EnvironmentBroken

FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


async def launch(playwright: Playwright, options: BrowserOptions, marker: str, flags: Sequence[str] = ()) -> Chromium:
    """A running browser that carries `marker` among its arguments; EnvironmentBroken where there is none."""
    path = options.executable or find(headed=options.headed)
    try:
        return await playwright.chromium.launch(
            executable_path=path,
            headless=not options.headed,
            args=[*FLAGS, *flags, marker],
            chromium_sandbox=os.geteuid() != 0,  # the sandbox refuses to run for root
            handle_sigint=False,  # ours to handle: a run is put on disk before its browser ends
            handle_sigterm=False,
            handle_sighup=False,
            timeout=options.start_timeout * 1000,
        )
    except PlaywrightError as error:
        if "Executable doesn't exist" in error.message or (path is not None and not path.exists()):
            raise EnvironmentBroken("missing", INSTALL) from error
        first = error.message.strip().splitlines()[0]
        raise EnvironmentBroken("crash", f"{path or 'Chromium'} did not start: {first}") from error


async def fresh(chromium: Chromium, options: BrowserOptions) -> BrowserContext:
    """A context without cookies or history, of the size that the options ask for."""
    (width, height), screen = options.size, options.screen or options.size
    context = await chromium.new_context(
        viewport={"width": width, "height": height},
        screen={"width": screen[0], "height": screen[1]},
        device_scale_factor=options.device_scale_factor,
        is_mobile=options.mobile,
        has_touch=options.touch,
        user_agent=options.user_agent or None,
        locale=options.locale,
        timezone_id=options.timezone,
        accept_downloads=options.downloads,
    )
    await context.add_init_script(script.source("quiet.js"))
    if options.veil:
        await context.add_init_script(script.source("veil.js"))
    if options.network is not None:
        await context.add_init_script(script.source("direct.js"))
    return context
