"""Keeps all that Switchboard showed anyone, and searches it for secrets."""

import asyncio
import base64
import json
import subprocess
from itertools import count
from pathlib import Path
from urllib.parse import quote

SECRET_NAMES = {
    "token", "access_token", "refresh_token", "registration_access_token", "spent",
    "client_secret", "code", "device_code", "code_verifier",
}


class Evidence:
    """A folder of output, and the secrets that must not be in it."""

    def __init__(self, folder: Path):
        self.folder = folder / "shown"
        self.folder.mkdir(parents=True)
        self.secrets: dict[str, str] = {}
        self.numbers = count(1)
        self.patterns = folder / "patterns"

    def place(self, name: str) -> Path:
        """Returns a file of its own for what is shown next."""
        return self.folder / f"{next(self.numbers):04}-{name}"

    def learn(self, what: str, *secrets: str | None):
        """Adds secrets; `what` names them in a report, since they cannot name themselves."""
        for secret in secrets:
            if secret and len(secret) >= 8:
                self.secrets.setdefault(secret, what)

    def learn_document(self, document, what: str):
        """Adds every string that a JSON document keeps under a secret's name."""
        if isinstance(document, list):
            for item in document:
                self.learn_document(item, what)
        if isinstance(document, dict):
            for name, value in document.items():
                if not isinstance(value, str):
                    self.learn_document(value, what)
                elif name in SECRET_NAMES:
                    self.learn(f"{name} of {what}", value)

    def learn_lines(self, file: Path, what: str):
        """Adds the secrets of a file of JSON lines."""
        for line in file.read_text().splitlines() if file.exists() else ():
            self.learn_document(json.loads(line), what)

    def leaks(self) -> list[str]:
        """Returns where a secret was shown, in whatever disguise."""
        forms = {form: what for secret, what in self.secrets.items() for form in disguises(secret)}
        self.patterns.write_text("\n".join(forms) + "\n")
        search = subprocess.run(
            ["grep", "-raoF", "-f", self.patterns, self.folder],
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, capture_output=True,
        )
        assert search.returncode < 2, search.stderr
        found = set()
        for line in search.stdout.decode(errors="replace").splitlines():
            file, form = line.split(":", 1)
            found.add(f"{Path(file).name} shows the {forms.get(form, 'secret')}")
        return sorted(found)


def disguises(secret: str) -> set[str]:
    """Returns a secret as it is, URL-encoded, and in base64 at each of the three alignments."""
    raw = secret.encode()
    encoded = quote(secret, safe="")
    forms = {secret, quote(secret), encoded, encoded.replace("%20", "+"), json.dumps(secret)[1:-1]}
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + raw)
        # The characters at either end also depend on the neighbouring bytes.
        inner = text[(shift * 8 + 5) // 6:(shift + len(raw)) * 8 // 6].decode()
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= 8}


class TokenFile:
    """A token.json, watched: every token that was ever in it."""

    def __init__(self, path: Path, evidence: Evidence):
        self.path, self.evidence = path, evidence
        self.access_tokens: set[str] = set()
        self.watch = asyncio.create_task(self._watch())

    def look(self):
        """Reads the file once."""
        try:
            record = json.loads(self.path.read_text())
        except FileNotFoundError:
            return
        self.evidence.learn_document(record, "token.json")
        self.access_tokens.add(record["token"])

    def close(self):
        """Stops watching."""
        self.watch.cancel()
        self.look()

    async def _watch(self):
        while True:
            self.look()
            await asyncio.sleep(0.1)

