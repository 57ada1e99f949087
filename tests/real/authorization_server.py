"""A real authorization server: npm `oidc-provider`, run by `authorization_server.mjs`."""

import asyncio
import os
import urllib.request
from pathlib import Path

from processes import Process, free_port

HERE = Path(__file__).resolve().parent


class AuthorizationServer:
    """The server, with tokens of five seconds and strictly rotating refresh tokens."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.secrets = folder / "secrets.jsonl"
        self.process = None

    async def start(self, **environment: str):
        """Starts it; `environment` is described in the script."""
        self.folder.mkdir(parents=True)
        variables = os.environ | {"PORT": str(self.port), "SECRETS": str(self.secrets)} | environment
        script = Path(os.environ["NODE_FOLDER"]) / "authorization_server.mjs"
        self.process = await Process.start(["node", script], record=self.folder / "oidc-provider", env=variables)
        await self.process.says(f"^{self.url}")

    async def end_sessions(self, person: str):
        """Revokes everything that `person` granted."""
        request = urllib.request.Request(f"{self.url}/end-sessions/{person}", b"", method="POST")
        await asyncio.to_thread(lambda: urllib.request.urlopen(request).close())

    async def stop(self):
        """Ends the server."""
        if self.process:
            await self.process.stop()
