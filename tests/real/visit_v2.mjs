// A visit with the second generation of the TypeScript SDK:
// visit_v2.mjs PLAN legacy|auto|VERSION http URL | stdio COMMAND ARGUMENT …

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { user, visit } from "./visit.mjs";

const [plan, era, kind, place, ...rest] = process.argv.slice(2);
const http = kind === "http";
const transport = http
    ? new StreamableHTTPClientTransport(new URL(place))
    : new StdioClientTransport({ command: place, args: rest, env: process.env });
const mode = ["legacy", "auto"].includes(era) ? era : { pin: era };
const client = new Client(
    { name: "visitor", version: "2" },
    { capabilities: { elicitation: { form: {}, url: {} } }, versionNegotiation: { mode } },
);
client.setRequestHandler("elicitation/create", user);
client.onerror = (error) => console.error(error);
await client.connect(transport);
await visit(plan, {
    version: client.getNegotiatedProtocolVersion(),
    list: () => client.listTools(),
    call: (name, args, options) => client.callTool({ name, arguments: args }, options),
    close: async () => {
        if (http && era === "legacy") await transport.terminateSession();
        await client.close();
    },
});
