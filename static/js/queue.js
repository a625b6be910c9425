// J and K move through the rows of a list marked data-queue, Enter opens the row; on a single record they follow
// the links marked rel=next and rel=prev.
const list = document.querySelector("[data-queue]");
const rows = list ? [...list.querySelectorAll("tbody tr")].filter((row) => row.querySelector("a[href]")) : [];
let place = -1;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const step = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (!step) return;
  if (rows.length) move(step);
  else document.querySelector(step > 0 ? "a[rel=next][data-queue-link]" : "a[rel=prev][data-queue-link]")?.click();
});

function move(step) {
  rows[place]?.removeAttribute("aria-selected");
  place = Math.min(Math.max(place + step, 0), rows.length - 1);
  rows[place].setAttribute("aria-selected", "true");
  // The link has the focus, so Enter opens it without anything of ours.
  const link = rows[place].querySelector(".title[href], a[href]");
  link.focus({ preventScroll: true });
  rows[place].scrollIntoView({ block: "nearest" });
}

function isTyping(target) {
  return Boolean(target.closest("input, textarea, select, [contenteditable]"));
}
