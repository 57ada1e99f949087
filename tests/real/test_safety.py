"""What must not happen: a hostile configuration that has its way, a secret shown, stdout that is not MCP."""

import base64
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

from evidence import Evidence
from home import write_configuration
from hostile import MILLION, said_by
from scenario import ALONE, LAST, scenario

HOSTILE_CALLS = 10_000


class Listener(BaseHTTPRequestHandler):
    """A server of someone else's, who writes down all that it is told."""

    def answer(self):
        """Keeps the request and pleads ignorance."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.heard.append(f"{self.requestline}\n{self.headers}\n{body.decode(errors='replace')}")
        self.send_response(404)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def log_message(self, *_):
        """Prints nothing."""


@contextmanager
def evil_server():
    """Runs a listener; gives it, with `url` and `heard`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    server.heard, server.url = [], f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@scenario()
async def a_configuration_in_the_working_folder_changes_nothing(world):
    classic = await world.classic()
    greta = await classic.person("greta")
    await greta.create_room("Home")
    with evil_server() as evil, world.home("hostile-folder", matrix=classic.account("password")) as home:
        home.flags = []
        own, found = home.folder / ".config/switchboard/provider-config.yaml", home.work / "provider-config.yaml"
        write_configuration(own, matrix=classic.account("password"))
        write_configuration(found, matrix={"settings": {"homeserver": evil.url}, "access": "write"})
        await home.sign_in_by_password("matrix", "greta", greta.password)
        async with home.server("--provider", "matrix") as chat:
            assert "send_message" not in await chat.tools(), "the hostile file turned writing on"
            assert "Home" in await chat.call("list_conversations")
        assert not evil.heard, f"the hostile file led to a request: {evil.heard[0]}"


@scenario()
async def a_stored_token_never_goes_to_another_host(world):
    classic = await world.classic()
    hugo = await classic.person("hugo")
    with evil_server() as evil, world.home("hostile-config", matrix=classic.account("password")) as home:
        await home.sign_in_by_password("matrix", "hugo", hugo.password)
        token = home.token_file("matrix")
        hostile = {"settings": {"homeserver": evil.url, "sign_in": "password"}, "token_path": str(token.path)}
        home.configure(matrix=hostile)
        async with home.writing_server("matrix") as chat:
            for tool, arguments in (("list_conversations", {}), ("send_message", {"target": "#any", "text": "hello"})):
                failed, text = await chat.attempt(tool, **arguments)
                assert failed or "matrix" in text, text
        stored = [secret for secret, what in world.evidence.secrets.items() if what.endswith("of token.json")]
        sent = [request.splitlines()[0] for request in evil.heard if any(secret in request for secret in stored)]
        assert not sent, f"the stored token was sent to another host: {sent}"


@scenario(ALONE)
async def a_compromised_assistant_gets_nothing_past_the_rules(world):
    said = await said_by(world, "chat::tests::compromised", HOSTILE_CALLS, "--workspace")
    told = re.search(r"(\d+) hostile calls: 0 stored outside the rules; (\d+) of the same calls land", said)
    assert told and int(told[1]) >= HOSTILE_CALLS, said[-2000:]
    assert int(told[2]) * 100 >= int(told[1]) * 95, told[0]
    print(f"     {told[0]} with all rules off", flush=True)


@scenario(ALONE)
async def a_million_texts_call_nobody(world):
    said = await said_by(world, "no_mass_mention_survives", MILLION, "--package", "matrix", "--package", "sandbox")
    told = re.findall(r"(\d+) texts (?:in|to) .*: 0 mass mentions survive", said)
    assert len(told) == 2 and all(int(count) >= MILLION for count in told), said[-2000:]
    print(f"     {told[0]} texts for each of {len(told)} platforms call nobody", flush=True)


@scenario(LAST)
async def no_secret_was_ever_shown(world):
    await world.stop()
    assert len(world.evidence.secrets) > 10, "too few secrets are known for the search to mean anything"
    logs = [file.read_text(errors="replace") for file in world.evidence.folder.glob("*.server.stderr")]
    assert any("TRACE" in log or "DEBUG" in log for log in logs), "nothing was logged in detail"
    leaks = world.evidence.leaks()
    assert not leaks, "; ".join(leaks[:10])


@scenario(LAST)
async def a_planted_leak_is_found_in_every_disguise(world):
    secret = "planted secret +/&ü 0123456789"
    plants = {"raw": secret, "url": quote(secret, safe="")}
    for shift in range(3):
        plants[f"base64-{shift}"] = base64.b64encode(b"x" * shift + secret.encode() + b"tail").decode()
    for name, text in plants.items():
        planted = Evidence(world.folder / f"planted-{name}")
        planted.learn("planted secret", secret)
        assert not planted.leaks(), "found something in an empty folder"
        planted.place("output").write_text(f"before {text} after\n")
        assert planted.leaks(), f"a leak in {name} went unnoticed"


@scenario(LAST)
async def every_line_on_stdout_of_a_server_is_json_rpc(world):
    lines = 0
    for file in world.evidence.folder.glob("*.server.stdout"):
        for line in file.read_text().splitlines():
            lines += 1
            try:
                message = json.loads(line)
            except ValueError:
                raise AssertionError(f"{file.name}: {line[:200]}") from None
            assert message.get("jsonrpc") == "2.0", f"{file.name}: {line[:200]}"
    assert lines > 10, f"only {lines} lines were recorded"
