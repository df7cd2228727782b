// Masthead's paywall for pages without a server side: asks whether this reader may read, shows what the page itself
// holds for each answer, and fetches the text from the publisher's own address, which asks for itself.
// The markup is explained in a sample: billing/edges/page.html.
(() => {
  const home = new URL(document.currentScript.src).origin;
  // ms after which what is good for five minutes is renewed: a recording's address before it plays, a reader token
  const OLD = 240000;
  const now = () => performance.now();
  const ask = (path) =>
    fetch(home + path, { credentials: "include", cache: "no-store", signal: AbortSignal.timeout(8000) });

  // A page drawn ahead, or in a tab nobody looks at, is no reading: nothing is asked, so nothing counts.
  const seen = () =>
    new Promise((go) => {
      const look = () => document.prerendering || document.hidden || go();
      document.addEventListener("prerenderingchange", look);
      document.addEventListener("visibilitychange", look);
      look();
    });

  // On two hosts (data-masthead-token) a reader is known on the page's own by a reader token, good for five minutes, in a cookie
  // there. It opens articles and nothing else.
  const known = async () => {
    const given = await ask("/v1/access-token").catch(() => null);
    const [host, secure] = location.protocol === "https:" ? ["__Host-", "; Secure"] : ["", ""];
    const keep = (token, seconds) =>
      (document.cookie = `${host}masthead-token=${token}; Path=/; Max-Age=${seconds}; SameSite=Lax${secure}`);
    if (given?.ok) keep((await given.json()).token, 3900);
    else if (given?.status < 500 && given.status !== 429) keep("", 0);
    // else Masthead is away, and a stale token still says who it was
    return /(?:^|; )(?:__Host-)?masthead-token=([^;]+)/.exec(document.cookie)?.[1];
  };

  // There the text's own address counts the reading, for that reader or for a visitor of its own. So what is asked here counts
  // nothing, and what the meter says here isn't shown.
  const text = async (place, apart) => {
    const from = new URL(place.dataset.mastheadText, location.href);
    const headers = {};
    if (apart && from.origin === location.origin) {
      const token = await known();
      if (token) headers.Authorization = "Bearer " + token;
    }
    const found = await fetch(from, { headers, cache: "no-store" });
    if (found.ok) place.innerHTML = await found.text();
    return found.ok;
  };

  // A server of the publisher's showed the beginning, not knowing its reader: now it can. At most once a minute, should it not.
  const again = async (root) => {
    const key = "masthead " + root.dataset.mastheadArticle;
    if (!(await known()) || Date.now() - sessionStorage[key] < 60000) return false;
    sessionStorage[key] = Date.now();
    location.reload();
    return new Promise(() => {});
  };

  const read = async (root) => {
    const all = (name) => root.querySelectorAll(`[data-masthead-${name}]`);
    const [place] = all("text");
    const [apart] = all("token");
    const reload = apart?.dataset.mastheadToken === "reload";
    if (apart && !place && !reload) known();
    const path = "/v1/access/" + encodeURIComponent(root.dataset.mastheadArticle) + (apart ? "?prefetch=true" : "");
    root.dataset.mastheadState = "asking";
    root.setAttribute("aria-busy", "true");
    await seen();
    // Without an answer Masthead is away, but the text's address may know this reader from before.
    let answer;
    try {
      const got = await ask(path);
      if (got.ok) answer = await got.json();
      else if (got.status < 500 && got.status !== 429) answer = { allowed: false, reason: "unknown", features: [] };
    } catch {}
    // whose session has ended is known no longer
    if (apart && answer?.allowed === false) known();
    let words = [answer?.reason, "refused"];
    if (!answer || answer.allowed) {
      const shown = async () => (place ? text(place, apart) : !reload || (answer && again(root)));
      const open = await shown().catch(() => null);
      const counted = apart && answer?.meter;
      if (counted) answer.meter = null;
      if (open) words = [counted || answer?.reason, "allowed"];
      else if (!answer) words = ["refused", "away"];
      else words = counted && open === false ? ["meter_used", "refused"] : ["away"];
    }
    for (const one of all("when")) one.hidden = !one.dataset.mastheadWhen.split(" ").some((w) => words.includes(w));
    for (const name of ["used", "limit"]) for (const one of all(name)) one.textContent = answer?.meter?.[name] ?? "";
    // the newsletter whose link led here is taken along
    const from = /issue=\w+/.exec(location) ?? "";
    for (const one of all("offer")) if (answer?.subscribe_url) one.href = answer.subscribe_url + (from && "&" + from);
    if (answer?.features.includes("listen"))
      for (const one of all("audio")) {
        one.hidden = false;
        one.src || play(one);
      }
    root.dataset.mastheadState = words.at(-1);
    root.removeAttribute("aria-busy");
    root.dispatchEvent(new CustomEvent("masthead", { bubbles: true, detail: answer }));
  };

  const play = (audio) => {
    const says = audio.parentNode.querySelector("[data-masthead-says]") ?? {};
    let since = audio.src ? now() : -OLD;
    let tries = 0;
    let busy = false;
    let wanted = false;
    const renew = async () => {
      if (busy || tries++ > 2) return;
      busy = true;
      const { currentTime } = audio;
      try {
        const got = await ask("/v1/audio/" + encodeURIComponent(audio.dataset.mastheadAudio));
        const { address, detail } = await got.json();
        says.textContent = detail ?? "";
        if (got.ok) {
          audio.src = address;
          audio.currentTime = currentTime;
          since = now();
          if (wanted) audio.play().catch(() => {});
        }
      } catch {
        says.textContent = "We can't reach the recording. Press play to try again.";
      }
      busy = false;
    };
    audio.addEventListener("error", renew);
    // A player that fails is paused, too; it was the reader who pressed play.
    audio.addEventListener("pause", () => (wanted = !!audio.error));
    audio.addEventListener("playing", () => (tries = 0));
    audio.addEventListener("play", () => {
      tries = 0;
      wanted = true;
      if (audio.error || now() - since > OLD) renew();
    });
    if (!audio.src) renew();
  };

  const start = () => {
    if (document.querySelector("[data-masthead-token]")) setInterval(() => document.hidden || known(), OLD);
    document.querySelectorAll("[data-masthead-article]").forEach(read);
    document.querySelectorAll("audio[data-masthead-audio][src]").forEach(play);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
