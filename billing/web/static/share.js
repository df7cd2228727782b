"use strict";
// Copies and shares the link of a field. Each button shows only where the browser can do it; without scripts the field is enough.
for (const box of document.querySelectorAll("[data-share]")) {
  const field = box.querySelector("input");
  const [copy, send] = box.querySelectorAll("button");
  const says = box.querySelector("[role=status]");
  field.addEventListener("focus", () => field.select());
  if (navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(field.value);
        says.textContent = says.dataset.copied;
      } catch {
        field.focus();
        says.textContent = says.dataset.marked;
      }
    });
  }
  if (navigator.share) {
    send.hidden = false;
    // A reader who closes the dialog has shared nothing, which is no fault.
    send.addEventListener("click", () => navigator.share({ title: box.dataset.share, url: field.value }).catch(() => {}));
  }
}
