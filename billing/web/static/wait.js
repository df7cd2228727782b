// Asks quietly whether the card page has been confirmed, and moves on when the answer is another page.
const waiting = document.querySelector("[data-waiting]");
const pause = Number(waiting.dataset.seconds) * 1000;

async function ask() {
  try {
    const answer = await fetch(waiting.dataset.waiting, { headers: { Accept: "text/html" }, cache: "no-store" });
    const page = await answer.text();
    if (answer.ok && !page.includes("data-waiting=")) {
      location.replace(answer.redirected ? answer.url : waiting.dataset.waiting);
      return;
    }
  } catch {
    // The network is away for a moment: ask again.
  }
  setTimeout(ask, pause);
}

setTimeout(ask, pause);
