// A worker at a CDN, in front of a publisher's articles: Cloudflare, Fastly, Deno, or whatever takes a module with `fetch`.
//
// A reader token is checked here, offline, so most pages of subscribers ask nobody. Where there is none, or a stale one, or
// one that opens nothing by itself (a free account, the meter, a gift), Masthead is asked: a stale token refuses nobody.
// When Masthead is away, or slower than 300 ms, a genuine token is good to its `paid_until`; everybody else gets the beginning.
//
//   MASTHEAD   where Masthead is, as in its tokens: https://accounts.paper.example (else give ISSUER as well)
//   PAPER      where your own pages are, reached through this worker alone
//   KEY        a secret that PAPER knows: only with it does X-Masthead-Access mean anything
//   TIMEOUT    milliseconds to wait for Masthead, 300 unless given
//
// PAPER is asked for the beginning at the article's own address, without cookies, so any cache may keep that; for the whole at
// `?masthead=whole`, with X-Masthead-Access (why it is open) and X-Masthead-Key, and must answer that to nobody else.

const ARTICLE = /^\/articles\/([A-Za-z0-9][A-Za-z0-9._-]{0,199})$/;
const COUNTED = ["meter", "gift"];
const TOKEN = "masthead-token";
const PRIVATE = "private, no-store";
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
    // What is here for one reader is elsewhere for another: behind this worker nobody keeps it.
    answer.headers.set("Cache-Control", PRIVATE);
    answer.headers.delete("Set-Cookie");
    for (const cookie of cookies) answer.headers.append("Set-Cookie", cookie);
    return answer;
  },
};

// `reason`: why the whole is open; null: the beginning, the same for everybody; left out: any other page, as it was asked for.
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
  const cookies = request.headers.get("Cookie") ?? "";
  const token = bearer(request) ?? cookie(cookies, TOKEN);
  const claims = token && (await verify(token, env));
  const live = claims && seconds() < claims.exp;
  if (live && claims.features.includes("read")) return { allowed: true, reason: "token" };
  const signedIn = cookie(cookies, "masthead-session") ?? cookie(cookies, "__Host-masthead-session");
  try {
    const [answer, fresh] = await Promise.all([
      ask(request, env, article, cookies, live ? token : null),
      signedIn && !live ? renew(env, cookies) : [],
    ]);
    return { ...answer, cookies: [...answer.cookies, ...fresh] };
  } catch {
    if (claims?.features.includes("read") && seconds() < claims.paid_until) return { allowed: true, reason: "away" };
    return { allowed: false, reason: "away" };
  }
}

async function ask(request, env, article, cookies, token) {
  const purpose = request.headers.get("Sec-Purpose") ?? request.headers.get("Purpose") ?? "";
  const ahead = request.method === "HEAD" || /prefetch|prerender/.test(purpose);
  const headers = { Cookie: ours(cookies), "User-Agent": request.headers.get("User-Agent") ?? "" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const got = await call(env, `/v1/access/${article}${ahead ? "?prefetch=true" : ""}`, headers);
  if (got.status === 401 && token) return ask(request, env, article, cookies, null);
  if (got.status === 429 || got.status >= 500) throw got.status;
  const { allowed, reason, code } = await got.json();
  if (!got.ok) return { allowed: false, reason: code, cookies: [] };
  const given = got.headers.getSetCookie();
  return { allowed: allowed && !(ahead && COUNTED.includes(reason)), reason, cookies: given };
}

// The reader's next pages need not ask. A token can't be had without a session; that is no reason to refuse anything.
async function renew(env, cookies) {
  const got = await call(env, "/v1/access-token", { Cookie: ours(cookies) }).catch(() => null);
  if (!got?.ok) return [];
  const { token } = await got.json();
  await verify(token, env); // while Masthead answers, so that its keys are known when it doesn't
  const secure = env.MASTHEAD.startsWith("https:") ? "; Secure" : "";
  return [`${TOKEN}=${token}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax${secure}`];
}

const call = (env, path, headers) =>
  fetch(env.MASTHEAD + path, { headers, redirect: "manual", signal: AbortSignal.timeout(env.TIMEOUT ?? 300) });
const ours = (cookies) => cookies.split(";").filter((one) => /^\s*(__Host-)?masthead-(session|visitor|gift)=/.test(one)).join(";").trim();
const bearer = (request) => /^Bearer (\S+\.\S+\.\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
const cookie = (cookies, name) => cookies.split(";").map((one) => one.trim()).find((one) => one.startsWith(name + "="))?.slice(name.length + 1);

// Keys are kept, and asked for again when a token names an unknown one: at most once in ten seconds, whoever asks.
const keys = new Map();
let asked = 0;

async function keyNamed(kid, env) {
  if (!keys.has(kid) && seconds() - asked > 10) {
    asked = seconds();
    const got = await call(env, "/.well-known/jwks.json", {}).catch(() => null);
    for (const jwk of got?.ok ? (await got.json()).keys : []) {
      if (jwk.kty === "OKP" && jwk.crv === "Ed25519") {
        const { kty, crv, x } = jwk;
        keys.set(jwk.kid, await crypto.subtle.importKey("jwk", { kty, crv, x }, { name: "Ed25519" }, false, ["verify"]));
      }
    }
  }
  return keys.get(kid);
}

// A token's claims, if it is genuine, however old; checked once, then remembered.
const seen = new Map();

async function verify(token, env) {
  if (seen.has(token)) return seen.get(token);
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
    return null; // no token of anybody's
  }
}

const bytes = (part) => Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (part) => new TextDecoder().decode(bytes(part));
