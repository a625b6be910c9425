// The error summary takes focus when the page opens, and its links put the cursor into the control they name.
const summary = document.querySelector("[data-error-summary]");

if (summary) {
  summary.focus();
  summary.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const control = link && document.getElementById(link.hash.slice(1));
    if (!control) return;
    event.preventDefault();
    (control.closest(".form-row, td") ?? control).scrollIntoView({ block: "center" });
    control.focus({ preventScroll: true });
  });
}
