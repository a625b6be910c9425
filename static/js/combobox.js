// Finds an enterprise while its name is typed (ARIA 1.2 combobox) and writes its id into the hidden input.
const WAIT = 200;

for (const row of document.querySelectorAll("[data-picker]")) improve(row);

function improve(row) {
  const part = (name) => row.querySelector(name);
  const [box, input, list] = [part(".picker"), part(".picker input"), part(".picker-list")];
  const [id, said, change] = [part("[data-picker-id]"), part("[data-picker-said]"), part("[data-picker-change]")];
  let found = [];
  let active = -1;
  let timer;
  let turn = 0;

  tell(input, { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id });
  tell(list, { role: "listbox", "aria-label": part("label").textContent });

  function close() {
    turn += 1;
    list.hidden = true;
    active = -1;
    tell(input, { "aria-expanded": "false" });
    input.removeAttribute("aria-activedescendant");
  }

  function open(lines, words) {
    list.replaceChildren(...lines);
    list.hidden = false;
    active = -1;
    tell(input, { "aria-expanded": "true" });
    part("[data-picker-count]").textContent = words;
  }

  function show(items) {
    found = items;
    const words = items.length ? `找到 ${items.length} 个` : "没有找到。换一个字试试，或在下面新增。";
    const lines = items.map((item, place) => {
      const line = entry(item.name, item.note, { role: "option", id: `${list.id}-${place}`, "aria-selected": "false" });
      line.addEventListener("mousedown", (event) => event.preventDefault());
      line.addEventListener("click", () => choose(place));
      return line;
    });
    open(lines.length ? lines : [entry(words, "", { role: "presentation", class: "picker-none" })], words);
  }

  function mark(place) {
    if (!found.length) return;
    active = (place + found.length) % found.length;
    [...list.children].forEach((line, index) => tell(line, { "aria-selected": String(index === active) }));
    list.children[active].scrollIntoView({ block: "nearest" });
    tell(input, { "aria-activedescendant": `${list.id}-${active}` });
  }

  async function search() {
    const words = input.value.trim();
    if (!words) return close();
    const mine = ++turn;
    const url = new URL(row.dataset.url, location.href);
    url.searchParams.set("q", words);
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const items = await answer.json();
      if (mine === turn && document.activeElement === input) show(items.items ?? items);
    } catch {
      found = [];
      const sorry = "暂时不能查找，填写完整名称或代码后直接保存。";
      if (mine === turn) open([entry(sorry, "", { role: "presentation", class: "picker-none" })], sorry);
    }
  }

  function choose(place) {
    const { name, note = "" } = found[place];
    id.value = found[place].id;
    input.value = name;
    said.querySelector("b").textContent = name;
    said.querySelector(".sub").textContent = note;
    settle(true);
    close();
    id.dispatchEvent(new Event("change", { bubbles: true }));
    change.focus();
  }

  // Chosen: the name stands as text with 更换 beside it; the input comes back when that is pressed.
  function settle(chosen) {
    box.hidden = chosen;
    said.hidden = !chosen;
    const more = part("[data-picker-new]")?.parentElement;
    if (more) more.hidden = chosen;
  }

  input.addEventListener("input", () => {
    id.value = "";
    clearTimeout(timer);
    timer = setTimeout(search, WAIT);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.isComposing || (!step && list.hidden)) return;
    if (step && list.hidden) search();
    else if (step) mark(active < 0 && step < 0 ? -1 : active + step);
    else if (event.key === "Enter" && (active >= 0 || found.length === 1)) choose(Math.max(active, 0));
    else if (event.key === "Escape") close();
    else if (event.key !== "Enter") return;
    event.preventDefault();
  });
  input.addEventListener("blur", (event) => {
    // "Nothing found, add it below": the button below must not move away from under the mouse.
    if (found.length || !row.contains(event.relatedTarget)) setTimeout(close, 150);
  });
  change.addEventListener("click", () => {
    id.value = "";
    settle(false);
    input.focus();
    input.select();
  });
  settle(Boolean(id.value) && !row.classList.contains("has-error"));
}

function tell(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

function entry(words, note, attributes) {
  const line = document.createElement("li");
  tell(line, attributes);
  const small = document.createElement("span");
  small.className = "sub";
  small.textContent = note ?? "";
  line.append(words, small);
  return line;
}
