"""An MCP client's session with Switchboard: the official Python client, with the verbs as methods."""

import json
import logging
from contextlib import asynccontextmanager
from pathlib import Path

from mcp import Client, MCPError, StdioServerParameters, stdio_client

# Lines that are no JSON-RPC are judged by a scenario of their own.
logging.getLogger("mcp").setLevel(logging.CRITICAL)

# The shell becomes the server, whose stdout passes through `tee`: every line is kept as it was written.
RECORDING = 'exec "$@" > >(exec tee -a "$0")'


@asynccontextmanager
async def connect(command, record: Path, environment, folder: Path, mode: str, user=None, hears=None):
    """Starts a server and opens a session in one of the protocol's eras: `legacy` or a version. `user` answers questions, and
    what the server tells by itself is heard by `hears`."""
    stdout, stderr = (record.with_name(record.name + end) for end in (".stdout", ".stderr"))
    stdout.touch()
    server = StdioServerParameters(
        command="bash", args=["-c", RECORDING, str(stdout), *map(str, command)], env=environment, cwd=folder,
    )
    with stderr.open("w") as errors:
        try:
            transport, asked = stdio_client(server, errlog=errors), {"elicitation_callback": user} if user else {}
            async with Client(
                transport, mode=mode, read_timeout_seconds=30, message_handler=hears, **asked
            ) as client:
                yield Chat(client)
        except MCPError as failure:
            raise AssertionError(f"{failure}; the server's last words:\n{stderr.read_text()[-1000:]}") from failure


class Chat:
    """The verbs, as an assistant calls them."""

    def __init__(self, client: Client):
        self.client = client

    async def tools(self) -> dict:
        """Returns the listed tools by name."""
        return {tool.name: tool for tool in (await self.client.list_tools()).tools}

    async def attempt(self, tool: str, **arguments) -> tuple[bool, str]:
        """Calls a tool; returns whether it failed, and its text."""
        result = await self.client.call_tool(tool, arguments)
        return bool(result.is_error), "\n".join(part.text for part in result.content if part.type == "text")

    async def call(self, tool: str, **arguments) -> str:
        """Calls a tool that must succeed and returns its text."""
        failed, text = await self.attempt(tool, **arguments)
        assert not failed, f"{tool} {arguments}: {text}"
        return text

    async def refused(self, tool: str, **arguments) -> str:
        """Calls a tool that must fail and returns the message."""
        failed, text = await self.attempt(tool, **arguments)
        assert failed, f"{tool} {arguments} should have failed, and answered: {text}"
        return text

    async def send(self, target: str, text: str, **more) -> str:
        """Sends a message and returns its reference."""
        return json.loads(await self.call("send_message", target=target, text=text, format="json", **more))["ref"]
