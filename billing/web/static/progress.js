// Looks again every two seconds while the issue is being sent, and loads the page anew when it no longer is.
const shown = document.getElementById("progress");

async function look() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.getElementById("progress");
    if (!now || now.dataset.state !== shown.dataset.state) {
      location.reload();
      return;
    }
    shown.replaceChildren(...now.childNodes);
  } catch {
    // The network is away for a moment: look again.
  }
  setTimeout(look, 2000);
}

setTimeout(look, 2000);
