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
  // A form that is answered by a file leaves its page where it is: it can be sent again after a moment.
  if (form.hasAttribute("data-download")) setTimeout(() => wake(form), 2000);
});

function wake(form) {
  form.removeAttribute(RESTING);
  form.querySelectorAll("[type=submit], button:not([type])").forEach((button) => (button.disabled = false));
}

// The browser's back button may bring the page back as it was left: wake the buttons up again.
window.addEventListener("pageshow", () => {
  document.querySelectorAll(`form[${RESTING}]`).forEach(wake);
});
