// Keeps a draft: the form is posted to data-autosave-url half a minute after a change, and when the page is left.
// It never stands in the way: a failure is said in small words and tried again.
const EVERY = 30_000;

for (const form of document.querySelectorAll("form[data-autosave-url]")) keep(form);

function keep(form) {
  const place = form.querySelector("[data-saved]");
  let changed = false;
  let sending = false;

  function body() {
    const data = new FormData(form);
    for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
    return data;
  }

  function say(icon, words) {
    if (!place) return;
    place.innerHTML = `<i class="bi bi-${icon}" aria-hidden="true"></i> `;
    place.append(words);
  }

  async function save() {
    if (!changed || sending || form.hasAttribute("data-resting")) return;
    changed = false;
    sending = true;
    try {
      const answer = await fetch(form.dataset.autosaveUrl, { method: "POST", body: body(), headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const { version } = await answer.json().catch(() => ({}));
      if (version !== undefined && form.elements.version) form.elements.version.value = version;
      say("cloud-check", `${new Date().toTimeString().slice(0, 5)} 已自动保存`);
    } catch {
      changed = true;
      say("cloud-slash", "没有自动保存，稍后再试；离开前点“保存”");
    } finally {
      sending = false;
    }
  }

  function leave() {
    if (!changed || form.hasAttribute("data-resting")) return;
    changed = !navigator.sendBeacon(form.dataset.autosaveUrl, body());
  }

  form.addEventListener("input", () => (changed = true));
  form.addEventListener("change", () => (changed = true));
  setInterval(save, EVERY);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave());
  window.addEventListener("pagehide", leave);
}
