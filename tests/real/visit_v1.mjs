// A visit with the first generation of the TypeScript SDK: visit_v1.mjs PLAN legacy http URL | stdio COMMAND ARGUMENT …

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { user, visit } from "./visit.mjs";

const [plan, , kind, place, ...rest] = process.argv.slice(2);
const http = kind === "http";
const transport = http
    ? new StreamableHTTPClientTransport(new URL(place))
    : new StdioClientTransport({ command: place, args: rest, env: process.env });
const client = new Client(
    { name: "visitor", version: "1" },
    { capabilities: { elicitation: { form: {}, url: {} } } },
);
client.setRequestHandler(ElicitRequestSchema, user);
client.onerror = (error) => console.error(error);
let version;
transport.setProtocolVersion = ((set) => (agreed) => {
    version = agreed;
    set?.call(transport, agreed);
})(transport.setProtocolVersion);
await client.connect(transport);
await visit(plan, {
    version,
    list: () => client.listTools(),
    call: (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
    close: async () => {
        // What it hangs up itself, this generation calls an error.
        client.onerror = undefined;
        if (http) await transport.terminateSession();
        await client.close();
    },
});
