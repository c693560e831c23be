"""Photographs every page and state of a running platform into docs/screenshots/.

`python -m tests.desk.screenshots` takes the address and the demo sign-in from $TESTUDO_HOME
(default `var/`); `--url`, `--user` and `--password` (or $TESTUDO_PASSWORD) name another. It opens a
practice account of its own, places one paper trade there for the picture of an open position,
closes it, and removes the account. What a healthy platform never shows for long, a position without
a stop and an exchange in silence, is put into its answers on their way to the browser.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import APIResponse, Browser, Page, expect, sync_playwright

from tests.desk.screenshots_alarms import altered
from testudo.stack import chromium

ROOT = Path(__file__).resolve().parents[2]
WIDTHS = {390: 844, 1440: 900}
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--disable-quic", "--no-first-run",
]  # fmt: skip


class Camera:
    """One browser at one size and theme, signed in or not."""

    def __init__(self, browser: Browser, place: argparse.Namespace, width: int, theme: str) -> None:
        self.place, self.width, self.theme = place, width, theme
        self.context = browser.new_context(
            viewport={"width": width, "height": WIDTHS[width]},
            color_scheme=theme,
            has_touch=width < 700,
            is_mobile=width < 700,
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _heard(self, message: object) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(f"{self.page.url}: {message.text}")

    def go(self, path: str) -> None:
        self.page.goto(self.place.url.rstrip("/") + path, wait_until="load")

    def sign_in(self) -> None:
        self.go("/sign-in/")
        self.page.get_by_label("User name or e-mail").fill(self.place.user)
        self.page.get_by_label("Password").fill(self.place.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.locator(".strip").wait_for()

    def call(self, method: str, path: str, body: dict[str, str] | None = None) -> APIResponse:
        """The API, in the name of who is signed in."""
        names = {c["name"]: c["value"] for c in self.context.cookies()}
        token = names.get("csrftoken") or names["__Host-csrf"]
        answer = self.context.request.fetch(
            self.place.url.rstrip("/") + "/api/v1/" + path,
            method=method,
            data=body,
            headers={"X-CSRFToken": token, "Referer": self.place.url},
        )
        if not answer.ok:
            sys.exit(f"{method} {path} was answered with {answer.status}: {answer.text()}")
        return answer

    def desk(self) -> None:
        """The desk, live, with an answer on the ticket."""
        self.go(f"/?account={self.place.account}")
        self.page.locator("#chart-state").wait_for(state="hidden", timeout=15_000)
        expect(self.page.locator("#link-state")).to_have_attribute(
            "data-state", "live", timeout=15_000
        )
        self.page.locator("#answer[aria-busy=false]:not(.is-empty)").wait_for(timeout=15_000)

    def take(self, name: str, *, whole: bool = False) -> None:
        path = self.place.to / f"{name}-{self.width}-{self.theme}.png"
        self.page.screenshot(path=path, full_page=whole, animations="disabled", caret="hide")
        print(f"{path.name}  {path.stat().st_size // 1024} kB", flush=True)


def visitor(camera: Camera) -> None:
    camera.go("/")
    camera.take("landing", whole=True)
    camera.go("/sign-in/")
    camera.take("sign-in")
    camera.go("/nowhere/")
    camera.problems.clear()  # the browser notes the 404 that was asked for
    camera.take("not-found")


def live(camera: Camera) -> None:
    camera.desk()
    camera.take("desk-live")
    if camera.width < 700:
        camera.page.locator(".ticket").evaluate("box => box.scrollIntoView()")
        camera.take("desk-ticket")


def refused(camera: Camera) -> None:
    """A target too near: the reward-to-risk rule says how far it must be."""
    camera.desk()
    entry = camera.page.locator("#in-entry").input_value()
    target = camera.page.locator("#in-target")
    target.fill(_above(entry, per_mille=9))
    camera.page.locator(".verdict-refused").first.wait_for()
    camera.page.locator("#answer[aria-busy=false]").wait_for()
    target.blur()
    if camera.width < 700:
        camera.page.locator(".protocol").evaluate("box => box.scrollIntoView({block: 'center'})")
    camera.take("desk-refused")


def _above(price: str, *, per_mille: int) -> str:
    """A whole price a little above another; any will do for a picture."""
    whole = int(price.split(".")[0])
    return f"{whole + whole * per_mille // 1000}.00"


def placed(camera: Camera) -> None:
    """Review, placing and an open, protected trade: once, by the widest camera."""
    camera.desk()
    page = camera.page
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Confirm buy").wait_for()
    camera.take("desk-review")
    page.get_by_role("button", name="Confirm buy").click()
    expect(page.locator(".cell-guard")).to_contain_text("Protected", timeout=15_000)
    camera.take("desk-placed")


def opened(camera: Camera) -> None:
    camera.desk()
    expect(camera.page.locator(".cell-guard")).to_contain_text("Protected", timeout=15_000)
    if camera.width < 700:
        camera.page.locator(".positions").evaluate("box => box.scrollIntoView({block: 'end'})")
    camera.take("desk-open")


def close(camera: Camera) -> None:
    camera.desk()
    page = camera.page
    page.get_by_role("button", name="Close", exact=True).first.click()
    camera.take("desk-close")
    page.get_by_role("button", name="Close at market").click()
    expect(page.locator("#open-empty")).to_be_visible(timeout=20_000)


def journal(camera: Camera) -> None:
    camera.go("/journal/")
    camera.take("journal")
    camera.page.locator("#entries a.trade").first.click()
    camera.page.locator(".trade-header").wait_for()
    camera.take("trade", whole=True)


def risk(camera: Camera) -> None:
    """Every limit with a trade at risk; the whole page where it is wide."""
    camera.go(f"/risk/?account={camera.place.account}")
    page = camera.page
    page.locator(".limit[data-code=portfolio_heat]").wait_for(timeout=15_000)
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live", timeout=15_000)
    expect(page.locator("#symbols tbody tr")).to_have_count(1, timeout=15_000)
    page.locator("#decisions a").first.wait_for()
    camera.take("risk", whole=camera.width > 700)
    page.locator("#decisions a[data-kind=placed]").first.click()
    page.locator("#decision-body").wait_for()
    camera.take("decision")


def past(camera: Camera) -> None:
    """The seeded account's month: its history and its log."""
    others = [each["id"] for each in camera.call("GET", "accounts").json()["results"]]
    camera.go(f"/risk/?account={next(each for each in others if each != camera.place.account)}")
    page = camera.page
    page.locator("#decisions a").first.wait_for()
    page.get_by_role("radio", name="30 d").click()
    expect(page.locator("#history-state")).to_be_hidden(timeout=10_000)
    page.locator(".history").evaluate("box => scrollTo(0, box.offsetTop - 64)")
    camera.take("risk-history")


def alarms(camera: Camera) -> None:
    """A position without a stop while the exchange is silent: on the desk, and on the risk page."""
    with altered(camera.page, camera.place.account):
        camera.desk()
        camera.page.locator(".exchange-trouble").wait_for(timeout=15_000)
        camera.page.locator("#unprotected .unprotected-line").wait_for()
        camera.take("desk-unprotected")
        camera.go(f"/risk/?account={camera.place.account}")
        camera.page.locator(".exchange-trouble").wait_for(timeout=15_000)
        camera.page.locator("#symbols .badge-alarm").wait_for()
        camera.take("risk-unprotected")


def story(camera: Camera) -> None:
    """The open trade's own page, with the exchange's first answer unfolded."""
    own = f"trades?account={camera.place.account}&state=open"
    trade = camera.call("GET", own).json()["results"][0]["id"]
    camera.go(f"/journal/{trade}/")
    page = camera.page
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live", timeout=15_000)
    page.locator(".fold > summary").click()
    page.locator(".answer > summary").first.click()
    page.evaluate("scrollTo(0, 0)")  # the head that stays belongs at the top of the picture
    camera.take("trade-open", whole=True)


def limits(camera: Camera) -> None:
    """A stricter and a laxer value, not sent."""
    camera.go(f"/settings/risk/?account={camera.place.account}")
    page = camera.page
    page.locator("#limits-form").wait_for()
    page.locator("#limit-max_risk").fill("0.5")
    page.locator("#limit-max_positions").fill("6")
    camera.take("risk-settings")
    if camera.width > 700:
        page.locator("#review").click()
        page.get_by_role("dialog").wait_for()
        camera.take("risk-review")


def halt(camera: Camera) -> None:
    """The kill switch, its dialog and what it leaves: once, by the widest camera."""
    camera.go(f"/risk/?account={camera.place.account}")
    page = camera.page
    page.get_by_role("button", name="Halt trading").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Away until the rate decision is out")
    camera.take("risk-halt")
    dialog.get_by_role("button", name="Halt trading").click()
    expect(page.locator("#state-name")).to_have_text("Halted", timeout=10_000)
    camera.take("risk-halted")
    camera.desk()
    expect(page.locator("#notices")).to_contain_text("Trading is halted")
    camera.take("desk-halted")


@contextmanager
def signed_in(browser: Browser, place: argparse.Namespace) -> Iterator[list[Camera]]:
    cameras = [
        Camera(browser, place, width, theme) for width in WIDTHS for theme in ("light", "dark")
    ]
    for camera in cameras:
        camera.sign_in()
    yield cameras
    for camera in cameras:
        camera.context.close()


def photograph(browser: Browser, place: argparse.Namespace) -> list[str]:
    """Takes every picture; returns what the pages complained about."""
    problems: list[str] = []
    for width in WIDTHS:
        for theme in ("light", "dark"):
            camera = Camera(browser, place, width, theme)
            visitor(camera)
            problems += camera.problems
            camera.context.close()
    with signed_in(browser, place) as cameras:
        opened_account = {"venue": "paper", "name": "Practice"}
        place.account = cameras[0].call("POST", "exchange-accounts", opened_account).json()["id"]
        states: list[Callable[[Camera], None]] = [live, refused, journal, past]
        for state in states:
            for camera in cameras:
                state(camera)
        placed(cameras[-1])
        for camera in cameras:
            opened(camera)
            risk(camera)
            story(camera)
            alarms(camera)
            limits(camera)
        close(cameras[-1])
        halt(cameras[-1])
        cameras[0].call("DELETE", f"exchange-accounts/{place.account}")
        problems += [problem for camera in cameras for problem in camera.problems]
    return problems


def read_arguments() -> argparse.Namespace:
    home = Path(os.environ.get("TESTUDO_HOME", ROOT / "var"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="the platform's address; default: that of $TESTUDO_HOME")
    parser.add_argument("--user", default="demo")
    parser.add_argument("--password", default=os.environ.get("TESTUDO_PASSWORD"))
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "screenshots")
    place = parser.parse_args()
    place.url = place.url or json.loads((home / "run.json").read_text())["web"]
    if not place.password:
        place.password = json.loads((home / "secrets.json").read_text())["demo_password"]
    place.to.mkdir(parents=True, exist_ok=True)
    return place


def main() -> int:
    place = read_arguments()
    path = chromium.find(ROOT / "var" / "chromium")
    if path is None:
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        problems = photograph(browser, place)
        browser.close()
    for problem in problems:
        print(f"the page complained: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
