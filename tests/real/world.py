"""What scenarios share: the binary, the counterparts, the evidence, and one folder that goes at the end."""

import asyncio
import os
from contextlib import contextmanager
from pathlib import Path

from authorization_server import AuthorizationServer
from evidence import Evidence
from home import Home
from homeserver import Homeserver, Person
from processes import Process


class World:
    """Everything outside Switchboard; counterparts start when a scenario first asks for them."""

    def __init__(self, folder: Path, binary: Path, fixture: Path, repository: Path):
        self.folder, self.binary, self.fixture, self.repository = folder, binary, fixture, repository
        self.evidence = Evidence(folder)
        self.started: dict[str, asyncio.Task] = {}
        self.running: list[Process | Homeserver | AuthorizationServer] = []

    @contextmanager
    def home(self, story: str, **accounts: dict):
        """Gives a fresh home with these accounts configured."""
        home = Home(self.binary, self.evidence, self.folder, story)
        home.configure(**accounts)
        try:
            yield home
        finally:
            home.close()

    def password_for(self, person: str) -> str:
        """Makes up a password that would be noticed anywhere."""
        password = f"canary of {person} +/&ü {os.urandom(6).hex()}"
        self.evidence.learn(f"password of {person}", password)
        return password

    async def classic(self) -> "Classic":
        """Returns the homeserver with passwords and single sign-on."""
        return await self._once("classic", Classic.start)

    async def native(self) -> "Native":
        """Returns the homeserver whose sign-ins are an authorization server's."""
        return await self._once("native", Native.start)

    async def everything(self) -> str:
        """Returns the URL at which the fixture that has one of everything serves HTTP."""
        return await self._once("everything", serve_everything)

    async def _once(self, name, start):
        if name not in self.started:
            self.started[name] = asyncio.create_task(start(self))
        return await self.started[name]

    async def stop(self):
        """Ends all counterparts."""
        for each in reversed(self.running):
            await each.stop()
            if isinstance(each, AuthorizationServer):
                self.evidence.learn_lines(each.secrets, "the authorization server")


async def serve_everything(world: World) -> str:
    """Starts the fixture; returns its URL."""
    fixture = await Process.start([world.fixture, "127.0.0.1:0"], record=world.folder / "everything")
    world.running.append(fixture)
    return (await fixture.says(r"Listening on (http://\S+)"))[1]


class Classic:
    """A homeserver with password and single sign-on, and an administrator."""

    def __init__(self, world: World, homeserver: Homeserver, root: Person):
        self.world, self.homeserver, self.root = world, homeserver, root

    @classmethod
    async def start(cls, world: World) -> "Classic":
        """Starts Synapse and the issuer of its single sign-on."""
        issuer, homeserver = AuthorizationServer(world.folder / "issuer"), Homeserver(world.folder / "classic")
        world.running += [issuer, homeserver]
        await issuer.start(SYNAPSE_CALLBACK=f"{homeserver.url}/_synapse/client/oidc/callback")
        await homeserver.start(single_sign_on=issuer.url)
        root = await homeserver.register("root", world.password_for("root"), admin=True)
        return cls(world, homeserver, root)

    async def person(self, name: str) -> Person:
        """Makes someone with a password, kept as `password` of the result."""
        password = self.world.password_for(name)
        person = await self.homeserver.register(name, password)
        person.password = password
        return person

    def account(self, sign_in: str, **more) -> dict:
        """Returns the configuration of an account here."""
        return {"settings": {"homeserver": self.homeserver.url, "sign_in": sign_in}} | more


class Native:
    """A homeserver beside its authentication service."""

    def __init__(self, homeserver: Homeserver, service: AuthorizationServer):
        self.homeserver, self.service = homeserver, service

    @classmethod
    async def start(cls, world: World) -> "Native":
        """Starts both, which must know each other's address."""
        service, homeserver = AuthorizationServer(world.folder / "service"), Homeserver(world.folder / "native")
        world.running += [service, homeserver]
        await service.start(SYNAPSE_URL=homeserver.url, SYNAPSE_SECRET=homeserver.shared_secret)
        await homeserver.start(authentication_service=service.url)
        return cls(homeserver, service)

    async def person(self, name: str) -> Person:
        """Makes someone who signs in at the authentication service."""
        return await self.homeserver.provision(name)

    def account(self, sign_in: str = "auto", **more) -> dict:
        """Returns the configuration of an account here."""
        return {"settings": {"homeserver": self.homeserver.url, "sign_in": sign_in}} | more
