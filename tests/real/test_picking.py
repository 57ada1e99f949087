"""What users pick by themselves: prompts, conversations to attach and to watch, and names that are completed; in both eras."""

import asyncio
import warnings
from contextlib import AsyncExitStack

from mcp.types import PromptReference, ResourceTemplateReference

from scenario import scenario

# The era that has it is one of the two.
warnings.filterwarnings("ignore", message="resources/subscribe is removed")

ERAS = {"legacy": "legacy", "modern": "2026-07-28"}
PROMPTS = {"catch_me_up", "standup", "channel_digest", "find_a_decision", "draft_an_announcement"}
CONVERSATION = "chat://{account}/{conversation}"
FREE = {"access": "write", "confirm": "never"}


async def pick(home, mode: str):
    """Picks everything once."""
    updates = asyncio.Queue()

    async def hears(message):
        if getattr(message, "method", "") == "notifications/resources/updated":
            updates.put_nowait(message.params.uri)

    async with home.server("--provider", "sandbox", mode=mode, hears=hears) as chat, AsyncExitStack() as stack:
        client = chat.client
        prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        assert set(prompts) == PROMPTS and all(prompt.title and prompt.description for prompt in prompts.values())
        said = await client.get_prompt("channel_digest", {"conversation": "#general"})
        assert [message.role for message in said.messages] == ["user"] and "`read_messages`" in said.messages[0].content.text
        assert (await client.list_resources()).resources == [], "nothing was seen yet"
        templates = (await client.list_resource_templates()).resource_templates
        assert [template.uri_template for template in templates] == [CONVERSATION, CONVERSATION + "/{message}"]
        uri = "chat://sandbox/%23general"
        read = (await client.read_resource(uri)).contents[0]
        assert str(read.uri) == uri and read.text == await chat.call("read_messages", target="#general"), read
        # One client keeps what it has listed for as long as it is told.
        async with home.server("--provider", "sandbox", mode=mode) as other:
            listed = [(one.name, str(one.uri)) for one in (await other.client.list_resources()).resources]
            assert listed == [("#general", "chat://sandbox/C1")], listed
        digest = PromptReference(type="ref/prompt", name="channel_digest")
        for of in (digest, ResourceTemplateReference(type="ref/resource", uri=CONVERSATION)):
            completed = await client.complete(of, {"name": "conversation", "value": "gen"}, {"account": "sandbox"})
            assert completed.completion.values == ["#general"], completed
        if mode == "legacy":
            await client.subscribe_resource(uri)
        else:
            events = await stack.enter_async_context(client.listen(resource_subscriptions=[uri]))
            stack.callback(asyncio.create_task(forward(events, updates)).cancel)
        # A modern client is not told when the watch has begun.
        while updates.empty():
            await chat.send("#general", "news")
            await asyncio.sleep(1)
        assert str(await updates.get()) == uri


async def forward(events, updates):
    """Hands on what a modern client listens to."""
    async for event in events:
        updates.put_nowait(event.uri)


for era, mode in ERAS.items():

    async def told(world, era=era, mode=mode):
        with world.home(f"picking-{era}", sandbox=FREE) as home:
            await asyncio.wait_for(pick(home, mode), 60)

    told.__name__ = f"what users pick is there in the {era} era"
    scenario()(told)
