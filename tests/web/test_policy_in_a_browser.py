"""The Content-Security-Policy as a real browser reads it: our pages work, others get nothing."""

import pytest

from accounts.models import Role, User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.web.doors")]

# Says which connections the policy stopped, a moment after all of them were tried.
TRY_SOCKETS = """async (addresses) => {
  const stopped = []
  addEventListener("securitypolicyviolation", (event) => stopped.push(event.blockedURI))
  for (const address of addresses) {
    await new Promise((done) => {
      let socket
      try { socket = new WebSocket(address) } catch { return done() }
      socket.onopen = socket.onerror = done
    })
  }
  await new Promise((done) => setTimeout(done, 100))
  return stopped
}"""


@pytest.fixture
def page(live_server, browser, monkeypatch):
    # Playwright's synchronous calls run an event loop in this thread; Django would refuse queries.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    page = browser.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append((message.type, message.text)))
    page.on("pageerror", lambda error: page.complaints.append(("error", str(error))))
    return page


def errors(page):
    return [text for kind, text in page.complaints if kind == "error"]


def test_the_api_docs_draw_themselves_without_breaking_the_policy(live_server, page):
    page.goto(f"{live_server.url}/api/docs/")
    page.wait_for_selector(".swagger-ui .opblock", timeout=20_000)
    assert "/api/v1/me" in page.inner_text(".swagger-ui")
    assert errors(page) == []


def test_the_sign_in_page_loads_nothing_it_may_not(live_server, page):
    page.goto(f"{live_server.url}/sign-in/")
    assert page.input_value("#id_username") == ""
    assert page.evaluate("document.activeElement.id") == "id_username"
    assert [error for error in errors(page) if "Content Security Policy" in error] == []


def test_the_admin_site_works_under_the_policy(live_server, page, db):
    User.objects.create_user("chief", "chief@example.org", "a long pass phrase", role=Role.ADMIN)
    page.goto(f"{live_server.url}/admin/")
    page.fill("#id_username", "chief")
    page.fill("#id_password", "a long pass phrase")
    page.click("[type=submit]")
    page.goto(f"{live_server.url}/admin/accounts/user/")
    page.click("text=chief@example.org >> xpath=../..//a")
    page.wait_for_selector("#id_time_zone")
    page.goto(f"{live_server.url}/admin/events/outboxevent/")
    assert "Select outbox event to view" in page.inner_text("#content")
    assert errors(page) == []


def test_self_covers_the_sockets_of_our_own_host_and_of_no_other(live_server, page):
    page.goto(f"{live_server.url}/sign-in/")
    own = live_server.url.replace("http://", "ws://") + "/ws/market/"
    foreign = "ws://127.0.0.1:9/ws/market/"
    stopped = page.evaluate(TRY_SOCKETS, [own, foreign])
    assert [uri for uri in stopped if uri.startswith(foreign[:16])]
    assert not [uri for uri in stopped if uri.startswith(own.rsplit("/ws", 1)[0])]
