// The preview follows what is typed, and articles go in where the cursor is. Without this script two buttons do it.
const form = document.getElementById("compose");
const source = document.getElementById("source");
const refresh = document.getElementById("refresh");
let waiting;

function look() {
  clearTimeout(waiting);
  waiting = setTimeout(() => form.requestSubmit(refresh), 500);
}

function putIn(line) {
  const before = source.value.slice(0, source.selectionStart).replace(/\s*$/, "");
  const after = source.value.slice(source.selectionEnd).replace(/^\s*/, "");
  source.value = `${before}${before && "\n\n"}${line}\n\n${after}`;
  const place = source.value.length - after.length;
  source.setSelectionRange(place, place);
  source.focus();
  look();
}

form.addEventListener("input", look);
for (const button of form.querySelectorAll("[data-insert]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    putIn(button.dataset.insert);
  });
}
look();
