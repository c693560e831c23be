"""The pages in a real Chromium; the exchange's side is played by the test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.conftest import QUIET
from tests.desk.exchange import Exchange
from tests.desk.risk_api import RiskApi
from testudo.stack import chromium
from testudo.stack.home import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def pages() -> Iterator[str]:
    """The address of the page server."""
    port = free_port()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.desk.settings"}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.desk.pages", str(port)],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    assert server.stdout.readline().strip() == "ready"
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(10)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all of these: none is asynchronous, so its event loop disturbs none."""
    path = os.environ.get("CHROMIUM") or chromium.find(ROOT / "var" / "chromium")
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, headless=True, args=QUIET)
        yield running
        running.close()


class Desk:
    """One open page and the exchange behind it."""

    played_by = Exchange

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.exchange = self.played_by(page)

    def open(self, path: str = "/", *, live: bool = True) -> "Desk":
        self.page.goto(self.address + path)
        if live:
            self.page.locator("#chart-state").wait_for(state="hidden")
            self.exchange.price()
            self.page.locator("#go:enabled").wait_for()
        return self

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def field(self, line: str) -> str:
        return self.page.locator(f"#in-{line}").input_value()

    def middle(self, selector: str) -> tuple[float, float]:
        box = self.page.locator(selector).bounding_box()
        assert box is not None, f"{selector} is not shown"
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, selector: str, *, up: float, steps: int = 12) -> None:
        """Hold the middle of an element and move it `up` pixels."""
        x, y = self.middle(selector)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x, y - up, steps=steps)
        self.page.mouse.up()

    def asked(self) -> dict[str, str]:
        """The last preview asked for, once the page has its answer."""
        self.settled()
        return self.exchange.previews[-1]

    def settled(self) -> None:
        self.page.locator("#answer[aria-busy=false]").wait_for()


class RiskPage(Desk):
    """One of the risk pages, and the API behind it."""

    played_by = RiskApi

    def open(self, path: str = "/risk/", *, live: bool = True) -> "RiskPage":
        self.page.goto(self.address + path)
        if live:
            self.page.locator(".limit[data-code]").first.wait_for()
        return self

    @property
    def api(self) -> RiskApi:
        return self.exchange

    def gauge(self, code: str) -> Locator:
        return self.page.locator(f".limit[data-code={code}]")


def opener(browser: Browser, pages: str, kind: type[Desk]) -> Iterator:
    """Makes pages; when the test is over, none may have complained in its console."""
    desks: list[Desk] = []

    def make(*, width: int = 1440, height: int = 900, theme: str = "dark", touch: bool = False):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            has_touch=touch,
            is_mobile=touch,
            reduced_motion="reduce",
        )
        context.set_default_timeout(8000)
        desk = kind(context.new_page(), pages)
        desks.append(desk)
        return desk

    yield make
    for desk in desks:
        desk.page.context.close()
    problems = [problem for desk in desks for problem in desk.exchange.problems]
    assert not problems, f"The page complained: {problems}"


@pytest.fixture
def open_desk(browser: Browser, pages: str) -> Iterator:
    yield from opener(browser, pages, Desk)


@pytest.fixture
def open_risk(browser: Browser, pages: str) -> Iterator:
    yield from opener(browser, pages, RiskPage)


@pytest.fixture
def desk(open_desk) -> Desk:
    """The trade desk, live, with a fresh plan at the ask."""
    return open_desk().open()
