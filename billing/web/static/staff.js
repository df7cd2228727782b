// "/" goes to the search box, which shows what fits while words are typed, or from a page without one to the page of the search.
// Escape or a click elsewhere closes an open menu. Everything works without it.
const search = document.querySelector('form[role="search"] input:not([type="hidden"])');
const searchPage = document.querySelector("[data-search-page]")?.dataset.searchPage;

function close(besides) {
  for (const menu of document.querySelectorAll("details.staff-menu[open]")) {
    if (!menu.contains(besides)) menu.open = false;
  }
}

document.addEventListener("click", (event) => close(event.target));
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  const pressed = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (pressed && search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (pressed && searchPage) {
    event.preventDefault();
    location.assign(searchPage);
  }
  if (event.key === "Escape") {
    const menu = document.querySelector("details.staff-menu[open]");
    close(null);
    if (menu && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
});

const found = document.getElementById("found");
const PAUSE = 350;
const SHORTEST = 3;
let timer;
let asking;

async function look() {
  asking?.abort();
  asking = new AbortController();
  const words = search.value.trim();
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
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
}
