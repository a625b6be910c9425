// Finds an enterprise while its name is typed (ARIA 1.2 combobox) and writes its id into the hidden input.
const WAIT = 200;

for (const row of document.querySelectorAll("[data-picker]")) improve(row);

function improve(row) {
  const input = row.querySelector(".picker input");
  const box = row.querySelector(".picker");
  const list = row.querySelector(".picker-list");
  const id = row.querySelector("[data-picker-id]");
  const said = row.querySelector("[data-picker-said]");
  const count = row.querySelector("[data-picker-count]");
  let found = [];
  let active = -1;
  let timer;
  let asked = 0;

  const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id };
  for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", row.querySelector("label").textContent);

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(place) {
    active = found.length ? (place + found.length) % found.length : -1;
    [...list.querySelectorAll("[role=option]")].forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === active));
      if (index === active) option.scrollIntoView({ block: "nearest" });
    });
    if (active >= 0) input.setAttribute("aria-activedescendant", `${list.id}-${active}`);
  }

  function option(item, index) {
    const line = document.createElement("li");
    line.id = `${list.id}-${index}`;
    line.setAttribute("role", "option");
    const note = document.createElement("span");
    note.className = "sub";
    note.textContent = item.note ?? "";
    line.append(item.name, note);
    line.addEventListener("mousedown", (event) => event.preventDefault());
    line.addEventListener("click", () => choose(index));
    return line;
  }

  function nothing(words) {
    const line = document.createElement("li");
    line.className = "picker-none";
    line.setAttribute("role", "presentation");
    line.textContent = words;
    return line;
  }

  function show(items) {
    found = items;
    active = -1;
    const words = items.length ? `找到 ${items.length} 个` : "没有找到。换一个字试试，或在下面新增。";
    list.replaceChildren(...(items.length ? items.map(option) : [nothing(words)]));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    count.textContent = words;
  }

  async function search() {
    const words = input.value.trim();
    if (!words) return close();
    const turn = ++asked;
    try {
      const url = new URL(row.dataset.url, location.href);
      url.searchParams.set("q", words);
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      const items = answer.ok && !answer.redirected ? await answer.json() : null;
      if (turn !== asked || document.activeElement !== input) return;
      if (items) show(items.items ?? items);
      else list.replaceChildren(nothing("暂时不能查找，填写完整名称或代码后直接保存。"));
    } catch {
      close();
    }
  }

  function choose(index) {
    const item = found[index];
    id.value = item.id;
    input.value = item.name;
    said.querySelector("b").textContent = item.name;
    said.querySelector(".sub").textContent = item.note ?? "";
    settle(true);
    close();
    id.dispatchEvent(new Event("change", { bubbles: true }));
    row.querySelector("[data-picker-change]").focus();
  }

  // Chosen: the name stands as text with 更换 beside it; the input comes back when it is pressed.
  function settle(chosen) {
    box.hidden = chosen;
    said.hidden = !chosen;
    const extra = row.querySelector("[data-picker-new]")?.parentElement;
    if (extra) extra.hidden = chosen;
  }

  input.addEventListener("input", () => {
    id.value = "";
    clearTimeout(timer);
    timer = setTimeout(search, WAIT);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) search();
      else mark(active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1));
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      if (active >= 0) choose(active);
      else if (found.length === 1) choose(0);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
  row.querySelector("[data-picker-change]").addEventListener("click", () => {
    id.value = "";
    settle(false);
    input.focus();
    input.select();
  });
  settle(Boolean(id.value) && !row.classList.contains("has-error"));
}
