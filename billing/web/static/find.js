// Shows what fits while words are typed, and leads to the box with "/". Without it the button searches all the same.
const box = document.getElementById("query");
const found = document.getElementById("found");
const PAUSE = 350;
const SHORTEST = 3;
let timer;
let asking;

async function look() {
  asking?.abort();
  asking = new AbortController();
  const words = box.value.trim();
  if (words.length < SHORTEST) return;
  try {
    const answer = await fetch(`/staff/find/rows?${new URLSearchParams({ q: words })}`, {
      signal: asking.signal,
      redirect: "error",
      cache: "no-store",
    });
    // After too many in ten minutes only the button searches.
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    found.replaceChildren(...page.getElementById("found").childNodes);
  } catch {
    // Something else was typed meanwhile, or the network is away: the button still searches.
  }
}

if (found) {
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
}

document.addEventListener("keydown", (press) => {
  if (press.key !== "/" || press.ctrlKey || press.metaKey || press.altKey) return;
  if (press.target.closest("input, textarea, select")) return;
  press.preventDefault();
  box.focus();
  box.select();
});
