// "/" goes to the search box, and Escape or a click elsewhere closes an open menu. Everything works without it.
const search = document.querySelector('form[role="search"] input:not([type="hidden"])');

function close(besides) {
  for (const menu of document.querySelectorAll("details.staff-menu[open]")) {
    if (!menu.contains(besides)) menu.open = false;
  }
}

document.addEventListener("click", (event) => close(event.target));
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key === "/" && search && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  if (event.key === "Escape") {
    const menu = document.querySelector("details.staff-menu[open]");
    close(null);
    if (menu && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
});
