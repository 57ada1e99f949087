"""MCP clients made by others, against the sandbox, which needs no account."""

import asyncio
import json
import os
from pathlib import Path

from scenario import scenario

INSPECTOR = Path("node_modules/.bin/mcp-inspector")
VERBS = {"whoami", "list_conversations", "read_messages", "search_messages", "get_file"}


@scenario()
async def the_python_client_lists_and_calls_in_the_legacy_era(world):
    await list_and_call(world, "legacy")


@scenario()
async def the_python_client_lists_and_calls_in_the_modern_era(world):
    await list_and_call(world, "2026-07-28")


async def list_and_call(world, mode: str):
    """Lists the tools and reads a channel."""
    with world.home(f"python-{mode}", sandbox={}) as home:
        async with home.server("--provider", "sandbox", mode=mode) as chat:
            tools = await chat.tools()
            assert VERBS <= set(tools), f"missing: {VERBS - set(tools)}"
            assert "send_message" not in tools, "writing is on though nobody asked for it"
            for tool in tools.values():
                assert tool.description and tool.annotations, f"`{tool.name}` lacks a description or annotations"
            assert "#general" in await chat.call("list_conversations")
            assert await chat.call("read_messages", target="#general")


@scenario()
async def the_inspector_lists_and_calls(world):
    with world.home("inspector", sandbox={}) as home:
        listed = json.loads(await inspect(home, "--method", "tools/list"))
        assert VERBS <= {tool["name"] for tool in listed["tools"]}, listed
        await inspect(home, "--method", "tools/list", "--strict")
        called = await inspect(
            home, "--method", "tools/call", "--tool-name", "read_messages", "--tool-arg", "target=#general",
        )
        assert not json.loads(called).get("isError"), called


@scenario()
async def a_person_at_a_terminal_is_told_what_it_waits_for(world):
    keyboard, terminal = os.openpty()
    with world.home("terminal", sandbox={}) as home:
        server = await home.start("--provider", "sandbox", stdin=terminal)
        try:
            await server.says(r"(?i)waiting for .*MCP|MCP client")
            assert not server.stdout.read_text(), "told on stdout, which belongs to MCP"
        finally:
            await server.stop()
            os.close(keyboard)
            os.close(terminal)


async def inspect(home, *arguments: str) -> str:
    """Runs the inspector's command line over the binary; returns what it printed on stdout."""
    command = [Path(os.environ["NODE_FOLDER"]) / INSPECTOR, "--cli", home.binary, "--provider", "sandbox", *arguments]
    inspector = await asyncio.create_subprocess_exec(
        *command, env=home.environment, cwd=home.work,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await asyncio.wait_for(inspector.communicate(), 60)
    home.evidence.place("inspector").write_bytes(stdout + stderr)
    assert inspector.returncode == 0, f"inspector {arguments}: exit {inspector.returncode}: {stderr.decode()[-1500:]}"
    return stdout.decode()
