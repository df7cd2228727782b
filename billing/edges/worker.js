// A worker at a CDN, in front of a publisher's articles: Cloudflare, Fastly, Deno, or any other that takes a module with `fetch`.
//
// The worker checks a reader token offline, so most pages of subscribers need no request to Masthead. It asks Masthead where
// there is no token, a stale one, or one that opens nothing by itself (a free account, the meter, a gift). On one host the worker
// gets the token itself, by the session; on two `paywall.js` puts it into a cookie of this host.
//
// A connection that fails, more than 300 ms, a 5xx and a 429 mean that Masthead is away. Then a genuine token opens articles for
// an hour after its end, but not beyond its `paid_until`. Everybody else gets the beginning. Any other answer that isn't
// Masthead's own (a proxy's 400) closes the article.
//
//   MASTHEAD   where Masthead is, as in its tokens: https://accounts.paper.example (else give ISSUER as well)
//   PAPER      where your own pages are, reached through this worker alone
//   KEY        a secret that PAPER knows: only with it does X-Masthead-Access mean anything
//   TIMEOUT    milliseconds to wait for Masthead, 300 unless given
//
// PAPER gives the beginning at the article's own address, without cookies, so any cache may keep it. It gives the whole at
// `?masthead=whole`, only with X-Masthead-Key; X-Masthead-Access says why the article is open.

const ARTICLE = /^\/articles\/([A-Za-z0-9][A-Za-z0-9._-]{0,199})$/;
const COUNTED = ["meter", "gift"];
const PRIVATE = "private, no-store";
const GIFT = /^[\w.~-]{1,1200}$/;
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
// Masthead's cookies, with values of RFC 6265, and their longest values.
const OURS = /(?:^|;)\s*((?:__Host-)?masthead-(session|visitor|gift|token))=([!#-+\--:<-\[\]-~]+)\s*(?=;|$)/g;
const MOST_LETTERS = { session: 1200, visitor: 1200, gift: 1200, token: 4096 };
const MOST_AGENT_LETTERS = 512;
const MOST_ANSWER_BYTES = 65536;
const OFFLINE_SECONDS = 3600; // for which a token opens after its end, while Masthead is away
const KEPT_SECONDS = 300 + OFFLINE_SECONDS;
const seconds = () => Date.now() / 1000;

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    const [, article] = ARTICLE.exec(url.pathname) ?? [];
    if (!article || !["GET", "HEAD"].includes(request.method)) return fetch(forPaper(request, env, url.pathname + url.search));
    const { allowed, reason, cookies = [] } = await decide(request, env, article);
    const found = allowed
      ? await fetch(forPaper(request, env, `/articles/${article}?masthead=whole`, reason), { cache: "no-store" })
      : await fetch(forPaper(request, env, `/articles/${article}`, null));
    const answer = new Response(found.body, found);
    // One address serves both forms, so no cache behind this worker may keep either.
    answer.headers.set("Cache-Control", PRIVATE);
    answer.headers.delete("Set-Cookie");
    for (const cookie of cookies) answer.headers.append("Set-Cookie", cookie);
    return answer;
  },
};

// `reason`: why the whole is open. null: the beginning, the same for everybody. Left out: any other page, as requested.
function forPaper(request, env, path, reason) {
  const headers = new Headers(request.headers);
  for (const name of [...headers.keys()]) if (/^x-(masthead|access)/.test(name)) headers.delete(name);
  const theirs = (headers.get("Cookie") ?? "").split(";").filter((one) => !/^\s*(__Host-)?masthead-/.test(one));
  headers.delete("Authorization");
  headers.delete("Cookie");
  if (reason !== null && theirs.join("").trim()) headers.set("Cookie", theirs.join(";").trim());
  if (reason) {
    headers.set("X-Masthead-Access", reason);
    headers.set("X-Masthead-Key", env.KEY);
  }
  const { method, body } = request;
  return new Request(env.PAPER + path, { method, headers, body, redirect: "manual", ...(body && { duplex: "half" }) });
}

async function decide(request, env, article) {
  const proofs = ours(request.headers.get("Cookie") ?? "");
  const gift = new URL(request.url).searchParams.get("gift") ?? "";
  // gift links lead here with the gift in the query; Masthead may use either name
  if (GIFT.test(gift)) proofs.gift = { name: `__Host-masthead-gift=${gift}; masthead-gift`, value: gift };
  const token = bearer(request) ?? proofs.token?.value;
  const claims = token && (await verify(token, env));
  const live = claims && seconds() < claims.exp;
  if (live && claims.features.includes("read")) return { allowed: true, reason: "token" };
  try {
    const [answer, fresh] = await Promise.all([
      ask(request, env, article, proofs, live ? token : null),
      proofs.session && !live ? renew(env, proofs) : [],
    ]);
    return { ...answer, cookies: [...answer.cookies, ...fresh] };
  } catch {
    const reads = claims?.features.includes("read") && seconds() < Math.min(claims.paid_until, claims.exp + OFFLINE_SECONDS);
    return { allowed: !!reads, reason: "away" };
  }
}

async function ask(request, env, article, proofs, token) {
  const purpose = request.headers.get("Sec-Purpose") ?? request.headers.get("Purpose") ?? "";
  const ahead = request.method === "HEAD" || /prefetch|prerender/.test(purpose);
  const headers = { Cookie: header(proofs), "User-Agent": (request.headers.get("User-Agent") ?? "").slice(0, MOST_AGENT_LETTERS) };
  if (token) headers.Authorization = `Bearer ${token}`;
  const { status, said, cookies } = await call(env, `/v1/access/${article}${ahead ? "?prefetch=true" : ""}`, headers);
  if (status === 401 && token) return ask(request, env, article, proofs, null);
  if (status !== 200 || !said) return { allowed: false, reason: said?.code ?? `${status}`, cookies: [] };
  const { allowed, reason } = said;
  return { allowed: allowed === true && !(ahead && COUNTED.includes(reason)), reason, cookies };
}

// Fetch a token, so that the reader's next pages need no request. Without one nothing is refused.
async function renew(env, proofs) {
  const { status, said } = await call(env, "/v1/access-token", { Cookie: header(proofs) }).catch(() => ({}));
  const token = status === 200 ? String(said?.token) : "";
  // verified now, so that Masthead's keys are known when it is away
  if (!TOKEN.test(token) || !(await verify(token, env))) return [];
  const [name, secure] = env.MASTHEAD.startsWith("https:") ? ["__Host-masthead-token", "; Secure"] : ["masthead-token", ""];
  return [`${name}=${token}; Path=/; Max-Age=${KEPT_SECONDS}; HttpOnly; SameSite=Lax${secure}`];
}

// Masthead's answer and its cookies. Throws where it is away. `said` is null where it isn't JSON. A redirect isn't followed.
async function call(env, path, headers) {
  const signal = AbortSignal.timeout(env.TIMEOUT ?? 300);
  const got = await fetch(env.MASTHEAD + path, { headers, redirect: "manual", signal });
  if (got.status === 429 || got.status >= 500) throw new Error(`Masthead answers ${got.status}`);
  const cookies = got.headers.getSetCookie().filter((line) => /^(__Host-)?masthead-/.test(line));
  return { status: got.status, said: parsed(await read(got)), cookies };
}

async function read(got) {
  const reader = got.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MOST_ANSWER_BYTES) {
      await reader.cancel();
      return "";
    }
    text += decoder.decode(value, { stream: true });
  }
  return text;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Masthead's cookies by kind: the first of each kind that isn't too long. A `__Host-` name, which sibling hosts can't set, goes
// before the plain one.
function ours(cookies) {
  const found = {};
  for (const [, name, kind, value] of cookies.matchAll(OURS)) {
    const better = !found[kind] || (name.startsWith("__Host-") && !found[kind].name.startsWith("__Host-"));
    if (better && value.length <= MOST_LETTERS[kind]) found[kind] = { name, value };
  }
  return found;
}

const header = ({ session, visitor, gift }) =>
  [session, visitor, gift].filter(Boolean).map(({ name, value }) => `${name}=${value}`).join("; ");
const bearer = (request) => /^Bearer (\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];

// Keys are kept, and fetched again when a token names an unknown one: at most once in ten seconds in all.
const keys = new Map();
let asked = 0;

async function keyNamed(kid, env) {
  if (!keys.has(kid) && seconds() - asked > 10) {
    asked = seconds();
    const { said } = await call(env, "/.well-known/jwks.json", {}).catch(() => ({}));
    for (const jwk of said?.keys ?? []) {
      if (jwk.kty === "OKP" && jwk.crv === "Ed25519") {
        const { kty, crv, x } = jwk;
        keys.set(jwk.kid, await crypto.subtle.importKey("jwk", { kty, crv, x }, { name: "Ed25519" }, false, ["verify"]));
      }
    }
  }
  return keys.get(kid);
}

// A genuine token's claims, however old it is; verified once, then remembered.
const seen = new Map();

async function verify(token, env) {
  if (seen.has(token)) return seen.get(token);
  if (token.length > MOST_LETTERS.token || !TOKEN.test(token)) return null;
  try {
    const [head, body, seal] = token.split(".");
    const { alg, kid } = JSON.parse(text(head));
    const key = alg === "EdDSA" && (await keyNamed(kid, env));
    const signed = new TextEncoder().encode(`${head}.${body}`);
    if (!key || !(await crypto.subtle.verify({ name: "Ed25519" }, key, bytes(seal), signed))) return null;
    const claims = JSON.parse(text(body));
    if (claims.iss !== (env.ISSUER ?? env.MASTHEAD) || claims.aud !== "reading") return null;
    if (seen.size >= 10000) seen.clear();
    seen.set(token, claims);
    return claims;
  } catch {
    return null; // not a token
  }
}

const bytes = (part) => Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (part) => new TextDecoder().decode(bytes(part));
