"""What every answer tells the browser: trust nobody else, keep nothing."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client, override_settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.doors")]

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize(
    "path",
    [
        "/sign-in/",
        "/api/v1/plans",
        "/api/v1/nothing",
        "/api/docs/",
        "/nothing",
        "/healthz",
        "/x?a=%00",
    ],
)
def test_every_answer_carries_the_headers(signed_in, client, path):
    for browser in (signed_in, client):
        headers = browser.get(path).headers
        for name, value in EVERYWHERE.items():
            assert value in headers[name], name
        assert "camera=()" in headers["Permissions-Policy"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_b49_a_page_seen_after_sign_out_by_the_back_button_is_asked_for_again(signed_in):
    assert "no-store" in signed_in.get("/api/v1/me").headers["Cache-Control"]


def test_the_policy_allows_no_inline_code_and_no_other_origin(client):
    policy = client.get("/sign-in/").headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip())
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy
    for name in ("frame-ancestors", "base-uri", "default-src", "object-src"):
        assert directives[name] == "'none'"
    assert directives["connect-src"] == directives["form-action"] == "'self'"


def test_every_script_of_a_page_carries_the_nonce_of_its_own_answer(client):
    nonces = set()
    for _ in range(2):
        answer = client.get("/sign-in/")
        page, policy = answer.content.decode(), answer.headers["Content-Security-Policy"]
        nonce = re.search(r"'nonce-([^']+)'", policy)[1]
        scripts = re.findall(r"<(?:script|style)\b[^>]*>", page)
        assert scripts
        assert all(f'nonce="{nonce}"' in script for script in scripts)
        assert "style=" not in page
        assert not re.search(r"\son\w+=", page)
        nonces.add(nonce)
    assert len(nonces) == 2


def test_the_api_docs_are_served_by_us_under_the_same_policy(client):
    answer = client.get("/api/docs/")
    page, policy = answer.content.decode(), answer.headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)[1]
    scripts = re.findall(r"<(?:script|style)\b[^>]*>", page)
    assert len(scripts) == 2
    assert all(f'nonce="{nonce}"' in script for script in scripts)
    assert finders.find("drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
    assert not re.search(r"(src|href)=\"https?:", page)


def test_the_schema_is_openapi_3_1_and_open_to_read(client):
    answer = client.get("/api/schema/", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.1")
    plan = answer.json()["paths"]["/api/v1/me"]["get"]
    assert plan["security"] == [{"cookieAuth": []}]


def test_the_admin_site_may_run_our_own_files_and_nothing_inline(client):
    # Its directives come in any order.
    policy = client.get("/admin/login/").headers["Content-Security-Policy"] + ";"
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "default-src 'none'" in policy


@override_settings(SECURE_PROXY_SSL_HEADER=None, DEBUG=False)
def test_cookies_are_out_of_reach_of_scripts_and_other_sites(alice):
    browser = Client()
    browser.get("/sign-in/")
    browser.post("/sign-in/", {"username": "alice", "password": "a long pass phrase"})
    session = browser.cookies["sessionid"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"
    assert browser.cookies["csrftoken"]["samesite"] == "Lax"
