// One visit to a server: all that a client does there, told as JSON lines. Which SDK, mode and transport, its callers choose.

// What else is said, by whomever, is a warning.
const tell = (step, facts = {}) => console.log(JSON.stringify({ step, ...facts }));
const text = (result) => result.content.map((part) => part.text ?? part.type).join("\n");

/** The user: fills in forms, except when told not to, and opens pages. */
export const user = ({ params }) => {
    if (params.mode === "url") {
        tell("shown", { url: params.url });
        return { action: "accept" };
    }
    if (params.message === "decline") return { action: "decline" };
    return { action: "accept", content: { username: "ann", email: "ann@example.com" } };
};

/** Visits the fixture, or the chat if `plan` says so. `call` is the SDK's way to call a tool. */
export async function visit(plan, { version, list, call, close }) {
    tell("connected", { version });
    tell("listed", { tools: (await list()).tools.map((tool) => tool.name) });
    if (plan === "chat") {
        tell("called", { text: text(await call("list_conversations", {})) });
    } else {
        tell("called", { text: text(await call("test_simple_text", {})) });
        const failed = await call("test_error_handling", {});
        tell("failed", { text: text(failed), error: failed.isError });
        await progress(call);
        for (const message of ["accept", "decline"]) {
            tell(message, { text: text(await call("test_elicitation", { message })) });
        }
        tell("opened", { text: text(await call("test_url_elicitation", { url: "https://example.com/page" })) });
        await cancel(call);
    }
    await close();
    tell("closed");
}

async function progress(call) {
    const reports = [];
    await call("test_tool_with_progress", {}, { onprogress: ({ progress }) => reports.push(progress) });
    tell("progressed", { reports: [...reports] });
}

async function cancel(call) {
    const mark = crypto.randomUUID();
    const controller = new AbortController();
    const options = { signal: controller.signal, onprogress: () => controller.abort("no longer wanted") };
    const outcome = await call("test_wait", { mark }, options).then(text, () => "given up");
    tell("cancelled", { outcome, text: text(await call("test_cancelled", { mark })) });
}
