"""A real Matrix homeserver: Synapse on SQLite, as tests configure it and as people meet it."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import yaml

from processes import Process, free_port

CLIENT = "/_matrix/client/v3"
UNLIMITED = {"per_second": 10_000, "burst_count": 10_000}


class Homeserver:
    """Synapse, running, with the calls that tests make behind Switchboard's back."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.shared_secret = os.urandom(16).hex()
        self.process = None

    async def start(self, *, single_sign_on: str | None = None, authentication_service: str | None = None):
        """Starts it: with passwords, and one of the two issuers if given; an authentication service rules out both."""
        self.folder.mkdir(parents=True)
        settings = self._settings()
        if authentication_service:
            settings["matrix_authentication_service"] = {
                "enabled": True, "endpoint": f"{authentication_service}/", "secret": self.shared_secret,
            }
            settings["password_config"] = {"enabled": False}
        else:
            settings |= {"refreshable_access_token_lifetime": "5s", "refresh_token_lifetime": "1h"}
        if single_sign_on:
            settings |= _single_sign_on(single_sign_on)
        configuration = self.folder / "homeserver.yaml"
        configuration.write_text(yaml.safe_dump(settings))
        self.process = await Process.start(
            [sys.executable, "-m", "synapse.app.homeserver", "-c", configuration],
            record=self.folder / "synapse", cwd=self.folder,
        )
        await self.process.says("Synapse now listening|SynapseSite starting", 60)

    def _settings(self) -> dict:
        per_user = {"per_user": UNLIMITED, "per_room": UNLIMITED, "per_issuer": UNLIMITED}
        return {
            "server_name": "localhost",
            "public_baseurl": f"{self.url}/",
            "listeners": [{
                "port": self.port, "type": "http", "bind_addresses": ["127.0.0.1"],
                "resources": [{"names": ["client"]}],
            }],
            "database": {"name": "sqlite3", "args": {"database": str(self.folder / "homeserver.db")}},
            "media_store_path": str(self.folder / "media"),
            "signing_key": f"ed25519 test {base64.b64encode(os.urandom(32)).decode().rstrip('=')}",
            "macaroon_secret_key": os.urandom(16).hex(),
            "form_secret": os.urandom(16).hex(),
            "registration_shared_secret": self.shared_secret,
            "report_stats": False,
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "presence": {"enabled": False},
            "bcrypt_rounds": 4,
            "rc_message": UNLIMITED,
            "rc_registration": UNLIMITED,
            "rc_room_creation": UNLIMITED,
            "rc_login": {"address": UNLIMITED, "account": UNLIMITED, "failed_attempts": UNLIMITED},
            "rc_joins": {"local": UNLIMITED},
            "rc_invites": per_user,
        }

    async def stop(self):
        """Ends the server."""
        if self.process:
            await self.process.stop()

    async def call(self, method: str, path: str, body=None, token: str | None = None) -> dict:
        """Makes one call and returns its answer; refusals raise."""
        return await asyncio.to_thread(self._call, method, path, body, token)

    def _call(self, method, path, body, token):
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{method} {path}: {refusal.code} {refusal.read()[:300]}") from None

    async def register(self, person: str, password: str, admin: bool = False) -> "Person":
        """Makes an account with a password and signs in to it, with a token that never expires."""
        nonce = (await self.call("GET", "/_synapse/admin/v1/register"))["nonce"]
        fields = [nonce, person, password, "admin" if admin else "notadmin"]
        mac = hmac.new(self.shared_secret.encode(), "\0".join(fields).encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": person, "displayname": person, "password": password, "admin": admin}
        await self.call("POST", "/_synapse/admin/v1/register", body | {"mac": mac})
        return await self.login(person, password)

    async def login(self, person: str, password: str) -> "Person":
        """Signs in with a password."""
        who = {"type": "m.id.user", "user": person}
        body = {"type": "m.login.password", "identifier": who, "password": password}
        return Person(self, person, (await self.call("POST", f"{CLIENT}/login", body))["access_token"])

    async def provision(self, person: str) -> "Person":
        """Makes an account as the authentication service would, and a device with a token that never expires."""
        body = {"localpart": person, "set_displayname": person}
        await self.call("POST", "/_synapse/mas/provision_user", body, self.shared_secret)
        token = f"harness-{person}"
        body = {"localpart": person, "device_id": token}
        await self.call("POST", "/_synapse/mas/upsert_device", body, self.shared_secret)
        return Person(self, person, token)


class Person:
    """Someone on the homeserver who is not using Switchboard."""

    def __init__(self, homeserver: Homeserver, name: str, token: str):
        self.homeserver, self.name, self.token = homeserver, name, token
        self.id = f"@{name}:localhost"
        self.sent = 0

    async def call(self, method: str, path: str, body=None) -> dict:
        """Calls the client API as this person."""
        return await self.homeserver.call(method, CLIENT + path, body, self.token)

    async def create_room(self, name: str | None, *others: "Person", **more) -> str:
        """Makes a room that all `others` join."""
        body = {"preset": "private_chat", "invite": [other.id for other in others]} | more
        room = (await self.call("POST", "/createRoom", body | ({"name": name} if name else {})))["room_id"]
        for other in others:
            await other.call("POST", f"/join/{quote(room)}", {})
        return room

    async def create_direct_chat(self, other: "Person") -> str:
        """Opens a direct chat, marked as one on both sides."""
        room = await self.create_room(None, other, is_direct=True, preset="trusted_private_chat")
        for owner, partner in ((self, other), (other, self)):
            await owner.call("PUT", f"/user/{quote(owner.id)}/account_data/m.direct", {partner.id: [room]})
        return room

    async def create_encrypted_room(self, name: str, *others: "Person") -> str:
        """Makes a room whose messages only its members' devices can read."""
        encryption = {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
        room = await self.create_room(name, *others, initial_state=[encryption])
        ciphertext = {
            "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgAEnACgAkLmt6qF84IK++J7UDH2Za1YVch",
            "sender_key": "", "device_id": "OTHER", "session_id": "X3lUlvLELLYxeTx4yOVu6UDpasGEVO0Jbu+QFnm0cKQ",
        }
        await self.send_event(room, "m.room.encrypted", ciphertext)
        return room

    async def send_event(self, room: str, kind: str, content: dict) -> str:
        """Sends an event and returns its id."""
        self.sent += 1
        path = f"/rooms/{quote(room)}/send/{kind}/{self.name}-{self.sent}"
        return (await self.call("PUT", path, content))["event_id"]

    async def say(self, room: str, text: str, **more) -> str:
        """Sends a text message."""
        return await self.send_event(room, "m.room.message", {"msgtype": "m.text", "body": text} | more)

    async def messages(self, room: str) -> list[dict]:
        """Returns the room's latest events, oldest first."""
        page = await self.call("GET", f"/rooms/{quote(room)}/messages?dir=b&limit=200")
        return page["chunk"][::-1]

    async def end_sessions_of(self, other: "Person", *, but: str | None = None):
        """Deletes another's devices, as an administrator can; `but` names a device to keep."""
        path = f"/_synapse/admin/v2/users/{quote(other.id)}"
        devices = (await self.homeserver.call("GET", f"{path}/devices", None, self.token))["devices"]
        doomed = [device["device_id"] for device in devices if device["device_id"] != but]
        await self.homeserver.call("POST", f"{path}/delete_devices", {"devices": doomed}, self.token)


def _single_sign_on(issuer: str) -> dict:
    mapping = {"localpart_template": "{{ user.preferred_username }}", "display_name_template": "{{ user.name }}"}
    return {
        "sso": {"client_whitelist": ["http://127.0.0.1", "http://localhost"]},
        "oidc_providers": [{
            "idp_id": "oidc", "idp_name": "Test", "issuer": issuer, "client_id": "synapse",
            "client_secret": "synapse-client-secret", "scopes": ["openid", "profile"],
            "allow_existing_users": True, "user_mapping_provider": {"config": mapping},
        }],
    }
