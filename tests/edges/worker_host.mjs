// Hosts the worker as a CDN would: each request becomes a Fetch API Request, and its Response goes back. `/_clock?ms=` moves
// its clock, which in a CDN is the world's.
import http from "node:http";
import { pathToFileURL } from "node:url";

const [file, masthead, paper, issuer] = process.argv.slice(2);
const { default: worker } = await import(pathToFileURL(file));
const env = { MASTHEAD: masthead, PAPER: paper, KEY: "the edge's key", ISSUER: issuer, TIMEOUT: 5000 };
const real = Date.now;
let moved = 0;
Date.now = () => real() + moved;

const server = http.createServer({ maxHeaderSize: 65536 }, async (asked, answer) => {
  if (asked.url.startsWith("/_clock")) {
    const at = new URL(asked.url, "http://x").searchParams;
    moved = Number(at.get("ms")) - real();
    env.TIMEOUT = Number(at.get("timeout") ?? env.TIMEOUT);
    return answer.end("ok");
  }
  try {
    const headers = new Headers();
    for (let n = 0; n < asked.rawHeaders.length; n += 2) headers.append(asked.rawHeaders[n], asked.rawHeaders[n + 1]);
    const request = new Request(new URL(asked.url, "http://www.paper.example"), { method: asked.method, headers });
    const given = await worker.fetch(request, env, { waitUntil() {} });
    const shown = [...given.headers].filter(([name]) => !["content-encoding", "content-length", "transfer-encoding"].includes(name));
    answer.writeHead(given.status, shown.flat());
    answer.end(Buffer.from(await given.arrayBuffer()));
  } catch (error) {
    answer.writeHead(500).end(String(error.stack));
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
