"""A working day on Matrix through MCP: two processes over one token.json while tokens of 5 s expire."""

import asyncio

from scenario import scenario


@scenario()
async def two_processes_work_across_twenty_expiries(world):
    classic = await world.classic()
    alice, bob = await classic.person("alice"), await classic.person("bob")
    with world.home("matrix", matrix=classic.account("password")) as home:
        await home.sign_in_by_password("matrix", "alice", alice.password)
        await two_processes(home, await Rooms.create(alice, bob), expiries=20)


@scenario()
async def two_processes_work_behind_an_authorization_server(world):
    native = await world.native()
    alice, bob = await native.person("alice"), await native.person("bob")
    with world.home("matrix-native", matrix=native.account()) as home:
        await home.sign_in_by_browser("matrix", "alice")
        await two_processes(home, await Rooms.create(alice, bob), expiries=4)


class Rooms:
    """What Alice finds when she opens her chat."""

    def __init__(self, general: str, alice, bob):
        self.general, self.alice, self.bob = general, alice, bob

    @classmethod
    async def create(cls, alice, bob) -> "Rooms":
        """Makes a room, a direct chat and an encrypted room."""
        general = await alice.create_room("General", bob)
        await bob.say(general, "Lunch at noon?")
        await bob.say(await alice.create_direct_chat(bob), "A word in private")
        await alice.create_encrypted_room("Vault", bob)
        return cls(general, alice, bob)


async def two_processes(home, rooms: Rooms, expiries: int):
    """Works in two servers at once until that many tokens have expired."""
    token = home.token_file("matrix")
    enough = asyncio.create_task(_expired(token, expiries))

    async def work(name: str):
        rounds = 0
        async with home.writing_server("matrix") as chat:
            while not enough.done() or rounds == 0:
                rounds += 1
                await a_round(chat, home, rooms, f"{name} {rounds}")
                # Synapse lets a person search its directory two hundred times, and then once a minute.
                await asyncio.sleep(2)

    try:
        await asyncio.gather(work("walrus"), work("zebra"))
        await enough
    finally:
        enough.cancel()


async def _expired(token, expiries: int):
    for _ in range(expiries * 20 + 200):
        if len(token.access_tokens) > expiries:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(f"only {len(token.access_tokens)} access tokens seen in token.json, expected over {expiries}")


async def a_round(chat, home, rooms: Rooms, words: str):
    """Does once what people do all day; `words` are said by nobody else."""
    listed = await chat.call("list_conversations")
    assert "General" in listed, listed
    assert "bob" in listed, f"the direct chat is not named after its member:\n{listed}"
    vault = next((line for line in listed.splitlines() if "Vault" in line), "")
    assert "encrypted" in vault, f"the encrypted room is not shown as such:\n{listed}"

    ref = await chat.send("#General", f"Has anybody seen the {words}?")
    reply = await chat.send("#General", f"It was by the river, {words}", thread=ref)
    await chat.call("react", ref=ref, emoji="👍")
    await chat.call("edit_message", ref=ref, text=f"Has anyone seen the {words}?")

    history = await chat.call("read_messages", target="#General")
    assert "Lunch at noon?" in history or "next" in history, history
    assert f"Has anyone seen the {words}?" in history, history
    thread = await chat.call("read_messages", target="#General", thread=ref)
    assert f"It was by the river, {words}" in thread, thread
    found = await chat.call("search_messages", query=words)
    assert words in found and ": its own search" in found, found
    scanned = await chat.call("search_messages", query=f"the {words}?", mode="exact", context=1)
    assert f"Has anyone seen the {words}?" in scanned and ": scanned " in scanned, scanned
    answer = await chat.call("search_messages", query=f"^it was .*, {words}$", mode="regex", **{"in": "#General"})
    assert f"It was by the river, {words}" in answer, answer

    name = words.replace(" ", "-") + ".txt"
    (home.uploads / name).write_text(f"All about {words}\n" * 20)
    file = await chat.call("send_message", target="@bob", text=f"{words} in a file", files=[str(home.uploads / name)])
    assert file, "no answer to an upload"
    private = await chat.call("read_messages", target="@bob")
    assert name in private, private
    await chat.call("get_file", ref=_file_ref(private, name), mode="save")
    saved = [path for path in home.downloads.rglob("*") if path.is_file() and path.stem.startswith(name[:-4])]
    assert saved and f"All about {words}" in saved[0].read_text(), f"nothing saved for {name}"

    await chat.call("delete_message", ref=reply)
    events = {event["event_id"]: event for event in await rooms.bob.messages(rooms.general)}
    said = [event for event in events.values() if words in str(event["content"])]
    assert any(event["content"].get("m.relates_to", {}).get("rel_type") == "m.replace" for event in said), said
    bodies = [event["content"].get("body", "") for event in said]
    assert not any("by the river" in body for body in bodies), "the deleted message is still there"


def _file_ref(transcript: str, name: str) -> str:
    line = next(line for line in transcript.splitlines() if name in line)
    return line[:line.index(name)].split()[-1].strip("[]()")


@scenario()
async def a_revoked_token_is_told_once_and_signing_in_again_heals(world):
    classic = await world.classic()
    carol, bob = await classic.person("carol"), await classic.person("cuno")
    room = await carol.create_room("Recovery", bob)
    with world.home("revoked", matrix=classic.account("password")) as home:
        await home.sign_in_by_password("matrix", "carol", carol.password)
        async with home.writing_server("matrix") as chat:
            await chat.send("#Recovery", "before")
            await classic.root.end_sessions_of(carol)
            await expect_the_command(chat, home)
            await home.sign_in_by_password("matrix", "carol", carol.password)
            await chat.send("#Recovery", "after")
        said = [event["content"].get("body") for event in await bob.messages(room)]
        assert "before" in said and "after" in said, said


@scenario()
async def a_session_ended_at_the_authorization_server_is_told_and_heals(world):
    native = await world.native()
    dora, dirk = await native.person("dora"), await native.person("dirk")
    await dora.create_room("Recovery", dirk)
    with world.home("revoked-native", matrix=native.account()) as home:
        await home.sign_in_by_browser("matrix", "dora")
        async with home.writing_server("matrix") as chat:
            await chat.send("#Recovery", "before")
            await native.service.end_sessions("dora")
            await expect_the_command(chat, home)
            await home.sign_in_by_browser("matrix", "dora")
            await chat.send("#Recovery", "after")


async def expect_the_command(chat, home):
    """Checks that a call now fails with the words to put it right, and nothing that frightens."""
    message = await chat.refused("read_messages", target="#Recovery")
    command = f"--config {home.config}"
    assert "--provider matrix" in message and "--local-auth" in message, message
    assert "switchboard" in message and command in message, message
    assert len(message) < 600, f"not one clear message:\n{message}"


@scenario()
async def without_signing_in_the_tools_are_listed_and_each_call_says_what_to_do(world):
    classic = await world.classic()
    with world.home("stranger", matrix=classic.account("password")) as home:
        async with home.writing_server("matrix") as chat:
            assert {"read_messages", "send_message"} <= set(await chat.tools())
            await expect_the_command(chat, home)


@scenario()
async def two_accounts_of_one_platform_never_mix(world):
    classic = await world.classic()
    emma, fred = await classic.person("emma"), await classic.person("fred")
    room = await emma.create_room("Shared", fred)
    accounts = {"matrix": classic.account("password"), "matrix_fred": classic.account("password", platform="matrix")}
    with world.home("accounts", **accounts) as home:
        await home.sign_in_by_password("matrix", "emma", emma.password)
        await home.sign_in_by_password("matrix_fred", "fred", fred.password)
        async with home.writing_server("matrix", "matrix_fred") as chat:
            for number in range(10):
                await asyncio.gather(
                    chat.send("matrix:#Shared", f"emma {number}"),
                    chat.send("matrix_fred:#Shared", f"fred {number}"),
                )
    sent = [event for event in await emma.messages(room) if event["type"] == "m.room.message"]
    assert len(sent) == 20, f"{len(sent)} messages arrived"
    wrong = [event for event in sent if event["sender"] != f"@{event['content']['body'].split()[0]}:localhost"]
    assert not wrong, f"sent by another account: {wrong}"


