"""A browser without a window: keeps cookies, follows redirects, remembers every page."""

import asyncio
import re
import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from evidence import Evidence


class Page(NamedTuple):
    """Where a visit ended."""

    url: str
    status: int
    text: str


class Browser(urllib.request.HTTPErrorProcessor):
    """One person's browser; `person` is who the authorization server will meet."""

    def __init__(self, evidence: Evidence, person: str = "alice"):
        self.evidence, self.person = evidence, person
        # Synapse marks its cookies secure even where it is served on loopback without encryption.
        cookies = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
        self.opener = urllib.request.build_opener(self, urllib.request.HTTPCookieProcessor(cookies))

    def http_response(self, request, response):
        """Hands every answer over as it is, so that redirects are followed here, one by one."""
        return response

    async def open(self, url: str, *, stop_before: str | None = None) -> Page:
        """Visits `url` and goes where it leads, though not to a path that starts with `stop_before`."""
        return await asyncio.to_thread(self._open, url, stop_before)

    def _open(self, url, stop_before):
        # Only Switchboard's own pages are evidence: another's redirect has to carry the code.
        ours, form = urlsplit(url).netloc if "/auth?nonce=" in url or "/auth/callback?" in url else None, None
        for _ in range(20):
            if stop_before and urlsplit(url).path.startswith(stop_before):
                return Page(url, 0, "")
            request = urllib.request.Request(url, form, {"x-person": self.person, "accept": "text/html"})
            with self.opener.open(request, timeout=20) as answer:
                text = answer.read().decode(errors="replace")
            if urlsplit(url).netloc == ours:
                self.evidence.place("page").write_text(f"{answer.status} {url.split('?')[0]}\n{answer.headers}\n{text}")
            target = answer.headers.get("location")
            form = self._answer_to(text)
            if target and 300 <= answer.status < 400:
                url = urljoin(url, target)
            elif form:
                url = urljoin(url, _target_of_form(text))
            else:
                return Page(url, answer.status, text)
            query = parse_qs(urlsplit(url).query)
            self.evidence.learn("code in a redirect", *query.get("code", ()), *query.get("loginToken", ()))
        raise AssertionError(f"led on for ever, lately to {urlsplit(url).netloc}")

    def _answer_to(self, page: str) -> bytes | None:
        """Fills in a page that asks: its hidden fields, and its first button, or the last one to decline."""
        fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
        buttons = re.findall(r'<button name="(\w+)" value="(\w+)"', page)
        if buttons:
            fields.append(buttons[-1 if self.person == "nobody" else 0])
        return urlencode(fields).encode() if fields else None


def _target_of_form(page: str) -> str:
    action = re.search(r'<form [^>]*action="([^"]+)"', page)
    return action[1] if action else ""
