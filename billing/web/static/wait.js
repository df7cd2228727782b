// Asks quietly whether what the page waits for has come, and goes there when the answer is anything but "wait".
const waiting = document.querySelector("[data-waiting]");
const pause = Number(waiting.dataset.seconds) * 1000;

async function ask() {
  try {
    // A redirect isn't followed here: its page may say something once only, and that is for the reader to see.
    const answer = await fetch(waiting.dataset.waiting, {
      headers: { Accept: "text/html" },
      cache: "no-store",
      redirect: "manual",
    });
    const away = answer.status === 429 || answer.status >= 500;
    if (!away && !(await answer.text()).includes("data-waiting=")) {
      location.replace(waiting.dataset.waiting);
      return;
    }
  } catch {
    // The network is away for a moment: ask again.
  }
  setTimeout(ask, pause);
}

setTimeout(ask, pause);
