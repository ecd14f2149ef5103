"""Starting Chromium, and a fresh context in it for each episode."""

from __future__ import annotations

import os
from collections.abc import Sequence

from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Geolocation, HttpCredentials, Playwright, ProxySettings
from playwright.async_api import Error as PlaywrightError

from env.browser import pickers, script, storage
from env.browser.find import INSTALL, find
from env.browser.options import BrowserOptions
from env.environment import EnvironmentBroken
from env.process import Ownership

FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-partial-raster",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)

ALIKE = ("--hide-scrollbars",)
"""What makes a window draw as one that nobody sees does, so that what was recorded in it can be replayed without."""


async def launch(
    playwright: Playwright, options: BrowserOptions, ownership: Ownership, flags: Sequence[str] = ()
) -> Chromium:
    """A running browser that belongs to `ownership`; EnvironmentBroken where there is none."""
    path = options.executable or find(headed=options.headed)
    try:
        chromium = await playwright.chromium.launch(
            executable_path=path,
            headless=not options.headed,
            # A capture of pages that are drawn at another scale than the browser's own scales them while it lasts,
            # and clicks with them.
            args=[
                *FLAGS,
                f"--force-device-scale-factor={options.device_scale_factor:g}",
                *(ALIKE if options.attended else ()),
                *flags,
                ownership.marker,
            ],
            artifacts_dir=ownership.folder / "artifacts",
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
    ownership.note()
    return chromium


async def fresh(chromium: Chromium, options: BrowserOptions) -> BrowserContext:
    """A context of the size that the options ask for, without history, and without cookies but those they bring."""
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
        color_scheme=options.color_scheme,
        geolocation=_place(options),
        permissions=sorted({*options.permissions, *(["geolocation"] if options.geolocation else [])}),
        extra_http_headers=dict(options.headers),
        http_credentials=_credentials(options),
        proxy=_proxy(options),
        storage_state=storage.read(options.storage_state).playwright() if options.storage_state is not None else None,
        accept_downloads=options.downloads,
    )
    await context.add_init_script(script.source("quiet.js"))
    if options.veil:
        await context.add_init_script(script.source("veil.js"))
    if not options.attended:  # then they come after what hears the person: see env/browser/ears.py
        await context.add_init_script(pickers.source())
    if options.network is not None:
        await context.add_init_script(script.source("direct.js"))
    return context


def _place(options: BrowserOptions) -> Geolocation | None:
    if (place := options.geolocation) is None:
        return None
    return Geolocation(latitude=place.latitude, longitude=place.longitude, accuracy=place.accuracy)


def _credentials(options: BrowserOptions) -> HttpCredentials | None:
    if (known := options.credentials) is None:
        return None
    return HttpCredentials(username=known.username, password=known.password, origin=known.origin or None)


def _proxy(options: BrowserOptions) -> ProxySettings | None:
    if (proxy := options.proxy) is None or options.network is not None:  # then the gate goes through it
        return None
    return ProxySettings(
        server=proxy.server,
        bypass=proxy.bypass or None,
        username=proxy.username or None,
        password=proxy.password or None,
    )
