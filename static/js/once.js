// A form is sent once: after the first click its buttons rest, without losing the name and value of the one pressed.
const RESTING = "data-resting";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
  if (form.hasAttribute(RESTING)) {
    event.preventDefault();
    return;
  }
  form.setAttribute(RESTING, "");
  // Buttons disabled at once would not be sent along; the request has been built when this runs.
  setTimeout(() => form.querySelectorAll("[type=submit], button:not([type])").forEach((button) => (button.disabled = true)));
});

// The browser's back button may bring the page back as it was left: wake the buttons up again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll(`form[${RESTING}]`)) {
    form.removeAttribute(RESTING);
    form.querySelectorAll("[type=submit], button:not([type])").forEach((button) => (button.disabled = false));
  }
});
