"""What is new at a real homeserver and at the sandbox, in one process: catching up, and waiting for more."""

import asyncio
import re
from contextlib import asynccontextmanager

from scenario import scenario


@scenario()
async def one_look_and_one_search_cover_two_platforms_and_one_that_is_down_spoils_nothing(world):
    classic = await world.classic()
    nadia, otto = await classic.person("nadia"), await classic.person("otto")
    harbour = await nadia.create_room("Harbour", otto)
    await nadia.create_encrypted_room("Vault", otto)
    await otto.say(harbour, "nadia: the boat is in", **{"m.mentions": {"user_ids": [nadia.id]}})
    link = {"format": "org.matrix.custom.html", "formatted_body": f'<a href="https://matrix.to/#/{nadia.id}">nadia</a>?'}
    await otto.say(harbour, "nadia?", **link)
    await otto.say(harbour, "Has the newsletter draft come?")
    root = await nadia.say(harbour, "Who paints the hull?")
    await otto.say(harbour, "I do", **{"m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    await otto.say(await nadia.create_direct_chat(otto), "A word in private")
    async with wire(classic.homeserver.port) as cable:
        settings = {"homeserver": f"http://127.0.0.1:{cable.port}", "sign_in": "password"}
        with world.home("news", matrix={"settings": settings}, sandbox={}) as home:
            await home.sign_in_by_password("matrix", "nadia", nadia.password)
            async with home.writing_server("matrix", "sandbox") as chat:
                await caught_up(chat, harbour, root)
                found = await chat.call("search_messages", query="newsletter draft")
                assert f"# #Harbour (matrix:{harbour})" in found and "# #general (sandbox:C1)" in found, found
                assert "matrix: its own search; sandbox: its own search" in found, found
                await cable.cut()
                found = await chat.call("search_messages", query="newsletter draft")
                assert "# #general (sandbox:C1)" in found and "not covered: matrix (" in found, found
                text = await chat.call("catch_up", since="3h")
                assert "not covered: matrix (" in text and "# direct messages" in text, text
                assert "(sandbox:C7)" in text and "(matrix:" not in text, text


async def caught_up(chat, harbour: str, root: str):
    """Sees the news of both in the right places, page by page as well, with nothing marked as read."""
    before = await chat.call("list_conversations")
    text = await chat.call("catch_up", since="3h")
    assert text.startswith("matrix: since 20") and text.endswith("\nend"), text
    sections = [line for line in text.splitlines() if line.startswith("# ")]
    assert sections[0] == "# mentions (3)" and sections[2] == "# threads you are in (1)", text
    assert f"#Harbour (matrix:{harbour})" in text and "(sandbox:C3)" in text, text
    mentions, direct, threads = re.split(r"^# .*$", text, flags=re.MULTILINE)[1:4]
    assert "the boat is in" in mentions and "nadia?" in mentions, text
    assert "A word in private" in direct and "(sandbox:C7)" in direct, text
    assert "I do" in threads and "Who paints" not in text, text
    vault = next(line for line in text.splitlines() if line.startswith("#Vault"))
    assert "(matrix:!" in vault, text
    assert "matrix: read 2 of 2 conversations" in text, text
    unread = await chat.call("catch_up")
    assert "A word in private" in unread and "matrix: unread" in unread, unread

    seen, arguments = [], {"since": "3h", "limit": 2}
    while True:
        page = await chat.call("catch_up", **arguments)
        seen += re.findall(r"^\d\d:\d\d .*?\[([^\]]+)\]", page, flags=re.MULTILINE)
        following = re.search(r"^next: cursor=(\S+)$", page, flags=re.MULTILINE)
        if not following:
            break
        arguments["cursor"] = following[1]
    whole = re.findall(r"^\d\d:\d\d .*?\[([^\]]+)\]", text, flags=re.MULTILINE)
    assert sorted(seen) == sorted(whole) and len(whole) > 6, f"{seen}\n{whole}"
    assert await chat.call("list_conversations") == before, "catching up has left a trace"


@scenario()
async def a_wait_hears_what_others_say_at_a_homeserver(world):
    classic = await world.classic()
    pauline, quinn = await classic.person("pauline"), await classic.person("quinn")
    pier = await pauline.create_room("Pier", quinn)
    await quinn.say(pier, "Before anybody listened")
    with world.home("wait", matrix=classic.account("password"), sandbox={}) as home:
        await home.sign_in_by_password("matrix", "pauline", pauline.password)
        async with home.writing_server("matrix", "sandbox") as chat:
            told = asyncio.Event()

            async def hear(done, total, message):
                if message and message.startswith("waiting"):
                    told.set()

            arguments = {"settle": "1s", "timeout": "25s"}
            waiting = asyncio.create_task(chat.client.call_tool("wait_for_messages", arguments, progress_callback=hear))
            await asyncio.wait([asyncio.create_task(told.wait()), waiting], return_when=asyncio.FIRST_COMPLETED)
            assert told.is_set(), f"ended without a word of progress: {waiting.result()}"
            await pauline.say(pier, "My own words")
            said = await quinn.say(pier, "Ship ahoy")
            text = "\n".join(part.text for part in (await waiting).content)
            assert f"# #Pier (matrix:{pier})" in text and "] Ship ahoy" in text, text
            assert "My own words" not in text and "Before anybody" not in text and "not covered" not in text, text
        relation = {"m.relates_to": {"rel_type": "m.replace", "event_id": said}}
        new = {"m.new_content": {"msgtype": "m.text", "body": "Ships ahoy"}}
        await quinn.say(pier, "* Ships ahoy", **relation, **new)
        await quinn.say(pier, "While nobody waited")
        # Another process goes on where that one was.
        async with home.writing_server("matrix", "sandbox") as chat:
            cursor = re.search(r"next: cursor=(\S+)", text)[1]
            text = await chat.call("wait_for_messages", cursor=cursor, settle="0s")
            assert "] Ships ahoy (edited)" in text and "] While nobody waited" in text, text
            cursor = re.search(r"next: cursor=(\S+)", text)[1]
            text = await chat.call("wait_for_messages", cursor=cursor, timeout="0s")
            assert text.startswith("nothing new in 0 s\nnext: cursor="), text


class Wire:
    """A way to a local port that can be cut."""

    def __init__(self, target: int):
        self.target, self.server, self.connections = target, None, set()

    @property
    def port(self) -> int:
        """Returns the port of the near end."""
        return self.server.sockets[0].getsockname()[1]

    async def carry(self, reader, writer):
        """Carries one connection until either end closes it."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self.connections |= {writer, far_writer}
        try:
            await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        finally:
            self.connections -= {writer, far_writer}

    async def cut(self):
        """Closes what is open, and opens nothing more."""
        self.server.close()
        for writer in list(self.connections):
            writer.close()


@asynccontextmanager
async def wire(target: int):
    """Gives a wire to a local port, cut at the end."""
    line = Wire(target)
    line.server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    try:
        yield line
    finally:
        await line.cut()


async def copy(reader, writer):
    """Copies bytes until there are no more."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
