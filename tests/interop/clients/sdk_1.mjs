// The TypeScript SDK 1.x. Arguments: --url URL.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const url = process.argv.at(-1);
const client = new Client({ name: "interop", version: "1" });
const transport = new StreamableHTTPClientTransport(new URL(url));
await client.connect(transport);
const { tools } = await client.listTools();
const result = await client.callTool({ name: "get_customer_profile", arguments: { customer_id: "CUST001" } });
const version = transport.protocolVersion;
await client.close();
console.log(JSON.stringify({ version, tools: tools.map((tool) => tool.name), result }));
