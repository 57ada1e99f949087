"""One user's machine: a home folder with a configuration, in which the binary runs."""

import asyncio
import json
import os
import stat
import tempfile
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from pathlib import Path

import yaml

from browser import Browser
from chat import connect
from evidence import Evidence, TokenFile
from processes import Process

# What is not about the rules for writing is not to be stopped by them.
UNBOUND = {
    "confirm": "never", "budget": {"minute": 1_000_000, "day": 1_000_000},
    "guards": {"private": False, "secrets": False, "links": False},
}
START_URL = r"http://127\.0\.0\.1:\d+/auth\?nonce=\S+"


class Home:
    """The folders and settings of one user, and the commands that this user runs."""

    def __init__(self, binary: Path, evidence: Evidence, folder: Path, story: str):
        self.binary, self.evidence, self.story = binary, evidence, story
        self.folder = Path(tempfile.mkdtemp(prefix="home-", dir=folder))
        self.config = self.folder / "provider-config.yaml"
        self.uploads, self.downloads, self.work = (self.folder / name for name in ("uploads", "downloads", "work"))
        for place in (self.uploads, self.downloads, self.work):
            place.mkdir()
        self.flags = ["--config", self.config]
        self.token_files: dict[str, TokenFile] = {}

    @property
    def environment(self) -> dict[str, str]:
        """Returns all variables that the binary sees."""
        return {
            "HOME": str(self.folder), "PATH": os.environ["PATH"], "TMPDIR": str(self.folder),
            "RUST_LOG": "trace", "RUST_BACKTRACE": "1",
        }

    def configure(self, **accounts: dict):
        """Writes provider-config.yaml, with rules that let everything pass that is not said otherwise."""
        write_configuration(self.config, **{key: UNBOUND | account for key, account in accounts.items()})

    @property
    def audit(self) -> list[dict]:
        """Returns the lines of the audit file."""
        path = self.folder / ".local/state/switchboard/audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def token_file(self, account: str) -> TokenFile:
        """Returns the token.json of an account, watched from now on."""
        if account not in self.token_files:
            path = self.folder / ".local/state/switchboard" / account / "token.json"
            self.token_files[account] = TokenFile(path, self.evidence)
        return self.token_files[account]

    def close(self):
        """Stops watching."""
        for token_file in self.token_files.values():
            token_file.close()

    async def start(self, *arguments, stdin=asyncio.subprocess.DEVNULL, **variables: str) -> Process:
        """Starts the binary in an empty working folder."""
        command = [self.binary, *self.flags, *arguments]
        environment, record = self.environment | variables, self.evidence.place(self.story)
        return await Process.start(command, record=record, env=environment, cwd=self.work, stdin=stdin)

    async def run(self, *arguments, **variables: str) -> tuple[int, str]:
        """Runs the binary to its end; returns its exit code and all that it printed."""
        process = await self.start(*arguments, **variables)
        try:
            return await process.exit_code(), process.said()
        finally:
            await process.stop()

    @asynccontextmanager
    async def signing_in(self, account: str, *flags: str, **variables: str):
        """Runs the sign-in command, without a browser of its own and with a pipe for stdin."""
        self.token_file(account)
        command = ["--provider", account, "--local-auth", "--no-browser", *flags]
        process = await self.start(*command, stdin=PIPE, **variables)
        try:
            yield process
        finally:
            await process.stop()

    async def sign_in_by_browser(self, account: str, person: str) -> str:
        """Signs `person` in as a human would: opens the printed address. Returns the last page."""
        async with self.signing_in(account) as command:
            start = (await command.says(START_URL)).group()
            page = await Browser(self.evidence, person).open(start)
            self.expect_signed_in(account, await command.exit_code(), command.said())
        return page.text

    async def sign_in_by_password(self, account: str, user: str, password: str):
        """Signs in with what the environment says."""
        code, said = await self.run(
            "--provider", account, "--local-auth", "--no-browser",
            SWITCHBOARD_USER=user, SWITCHBOARD_PASSWORD=password,
        )
        self.expect_signed_in(account, code, said)

    def expect_signed_in(self, account: str, code: int, said: str):
        """Checks what every sign-in must leave behind."""
        assert code == 0, f"sign-in ended with exit code {code}:\n{_without_trace(said)}"
        token = self.token_file(account)
        token.look()
        assert token.access_tokens, f"`{token.path}` holds no access token"
        mode, folder_mode = (stat.S_IMODE(path.stat().st_mode) for path in (token.path, token.path.parent))
        assert mode == 0o600, f"token.json has mode {mode:o}"
        assert folder_mode == 0o700, f"the folder of token.json has mode {folder_mode:o}"

    def server(self, *arguments, mode: str = "legacy", user=None, hears=None, **variables: str):
        """Serves MCP over stdio to a client; gives its `Chat`. `user` answers questions, if the client can ask them, and `hears`
        what the server tells by itself."""
        command = [self.binary, *self.flags, *arguments]
        record = self.evidence.place(f"{self.story}.server")
        return connect(command, record, self.environment | variables, self.work, mode, user, hears)

    def writing_server(self, *accounts: str, **variables: str):
        """Serves accounts with writing on and with this home's folders for files."""
        return self.server(
            "--provider", ",".join(accounts), "--allow-write",
            "--upload-root", self.uploads, "--download-root", self.downloads, **variables,
        )


def write_configuration(place: Path, **accounts: dict):
    """Writes a provider-config.yaml."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(yaml.safe_dump({"providers": accounts}))


def _without_trace(said: str) -> str:
    lines = [line for line in said.splitlines() if " TRACE " not in line and " DEBUG " not in line]
    return "\n".join(lines)[-1500:]
