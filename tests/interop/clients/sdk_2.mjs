// The TypeScript client 2.x. Arguments: MODE (legacy, or a version to pin), --url, URL.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const [mode, , url] = process.argv.slice(-3);
const versionNegotiation = { mode: mode === "legacy" ? mode : { pin: mode } };
const client = new Client({ name: "interop", version: "1" }, { versionNegotiation });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
const { tools } = await client.listTools();
const result = await client.callTool({ name: "get_customer_profile", arguments: { customer_id: "CUST001" } });
const version = client.getNegotiatedProtocolVersion();
await client.close();
console.log(JSON.stringify({ version, tools: tools.map((tool) => tool.name), result }));
