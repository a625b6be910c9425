// Keeps a draft: the form is posted to data-autosave-url half a minute after a change, and when the page is left.
// It never stands in the way: a failure is said in small words and tried again. The answer may be {"base": text}: what is
// shown from now on, sent along with the next one.
// 409 with {"message": ...}: another window was quicker. What it saved stays; that is said, and nothing more is sent.
const EVERY = 30_000;
const PATIENCE = 10_000;

for (const form of document.querySelectorAll("form[data-autosave-url]")) keep(form);

function keep(form) {
  const place = form.querySelector("[data-saved]");
  let changed = false;
  let saving = null;
  let left = false;
  let outrun = false;

  const isSent = () => form.hasAttribute("data-resting");

  function answers() {
    const data = new FormData(form);
    for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
    return data;
  }

  function say(icon, words) {
    if (!place) return;
    place.innerHTML = `<i class="bi bi-${icon}" aria-hidden="true"></i> `;
    place.append(words);
  }

  async function post(keepalive) {
    changed = false;
    try {
      const answer = await fetch(form.dataset.autosaveUrl, {
        method: "POST",
        body: answers(),
        headers: { Accept: "application/json" },
        keepalive,
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (answer.status === 409) {
        outrun = true;
        const { message } = await answer.json().catch(() => ({}));
        say("exclamation-triangle-fill", message ?? "别的窗口保存过，这里没有自动保存");
        return;
      }
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const { base } = await answer.json().catch(() => ({}));
      if (base !== undefined && form.elements.base) form.elements.base.value = base;
      say("cloud-check", `${new Date().toTimeString().slice(0, 5)} 已自动保存`);
    } catch {
      changed = true;
      say("cloud-slash", "没有自动保存，稍后再试；离开前点“保存”");
    }
  }

  function save(leaving = false) {
    if (!changed || saving || outrun || isSent()) return;
    saving = post(leaving).finally(() => (saving = null));
  }

  // A form sent while its draft is on the way would meet that draft on the server: let the draft arrive first.
  form.addEventListener("submit", (event) => {
    if (!saving) return;
    event.preventDefault();
    saving.then(() => form.requestSubmit(event.submitter));
  });
  form.addEventListener("input", () => (changed = true));
  form.addEventListener("change", () => (changed = true));
  setInterval(() => save(), EVERY);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && save(true));
  window.addEventListener("pagehide", () => {
    if (!changed || saving || outrun || isSent()) return;
    left = navigator.sendBeacon(form.dataset.autosaveUrl, answers());
    changed = !left;
  });
  // Brought back by the back button after that: the server knows more than this copy of the page.
  window.addEventListener("pageshow", (event) => event.persisted && left && location.reload());
}
