// Counts the seconds down until another mail may be asked for. Without scripts the button is there at once, and the answer says how long.
const form = document.querySelector("[data-countdown]");
const button = form.querySelector("button");
const words = button.textContent;
const until = Date.now() + Number(form.dataset.countdown) * 1000;

function show() {
  const seconds = Math.ceil((until - Date.now()) / 1000);
  button.disabled = seconds > 0;
  button.textContent = seconds > 0 ? `${words} in ${seconds} s` : words;
  if (seconds > 0) setTimeout(show, 250);
}

show();
