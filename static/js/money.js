// The money of a filing: only what goes with the chosen way of paying and currency is shown, a price in foreign
// currency is turned into 元, and the deduction sheet says what it leaves. The server works everything out again.
import { amountIn, fen, shown } from "./amount.js";

const models = document.querySelectorAll("[data-models]");
if (models.length) {
  const show = () => {
    const chosen = document.querySelector("input[name=payment_model_code]:checked")?.value;
    for (const part of models) {
      part.hidden = chosen ? !part.dataset.models.split(" ").includes(chosen) : !("first" in part.dataset);
    }
  };
  document.querySelectorAll("input[name=payment_model_code]").forEach((one) => one.addEventListener("change", show));
  window.addEventListener("pageshow", show); // the browser may have put an earlier answer back
  show();
}

const foreign = document.querySelector("[data-foreign]");
if (foreign) {
  const currency = document.getElementById("currency_code");
  const domestic = document.querySelector("[data-domestic]");
  const total = document.getElementById("total_amount");
  const settle = () => {
    foreign.hidden = !currency.value;
    domestic.hidden = !!currency.value;
    if (!currency.value) return;
    const cny = inCny(fen(document.getElementById("foreign_amount").value), document.getElementById("exchange_rate").value);
    foreign.querySelector("[data-foreign-said]").textContent = cny === null ? "" : `折合人民币 ${shown(cny)} 元`;
    domestic.querySelector("input[value=yuan]").checked = true;
    total.value = cny === null ? "" : shown(cny);
    total.dispatchEvent(new Event("input", { bubbles: true }));
  };
  currency.addEventListener("change", settle);
  foreign.addEventListener("input", settle);
  window.addEventListener("pageshow", settle);
  settle();
}

/** 分 of CNY for 分 of a foreign amount at a rate as typed, rounded half up; null when either is missing. */
export function inCny(amount, rate) {
  const match = /^(\d{1,9})(?:\.(\d{0,8}))?$/.exec(rate.normalize("NFKC").replace(/[\s,]/g, ""));
  if (amount === null || !match) return null;
  const one = 10n ** 8n;
  const scaled = BigInt(match[1]) * one + BigInt((match[2] ?? "").padEnd(8, "0"));
  return (2n * amount * scaled + one) / (2n * one);
}

for (const sheet of document.querySelectorAll("[data-sheet]")) improve(sheet);

function improve(sheet) {
  const box = sheet.querySelector("[data-sheet-lines]");
  const blank = sheet.querySelector("template");
  const row = document.getElementById(sheet.dataset.total)?.closest("[data-amount]");
  const lines = () => [...box.children];
  const part = (line, name) => line.querySelector(`[name$="-${name}"]`);

  function say() {
    const total = row ? amountIn(row) : BigInt(sheet.dataset.totalFen);
    let left = total ?? 0n;
    let words = `成交额 ${shown(left)} 元`;
    let kept = "";
    for (const line of lines()) {
      const amount = fen(part(line, "amount").value, "wan");
      if (!amount) continue;
      const kind = part(line, "kind");
      const label = kind.value ? kind.selectedOptions[0].text : "未选种类";
      const name = part(line, "name").value.trim();
      const note = part(line, "note").value.trim();
      if (part(line, "is_subject").checked) kept += `；${name || label} ${shown(amount)} 元属合理数量，不扣除${aside(note)}`;
      else {
        words += ` − ${label} ${shown(amount)} 元${aside(name)}`;
        left -= amount;
      }
    }
    const nothing = total === null && !kept && left === 0n;
    sheet.querySelector("[data-sheet-said]").textContent = nothing ? "" : `${words} = 技术交易额 ${shown(left > 0n ? left : 0n)} 元${kept}`;
  }

  // Lines keep the numbers they were sent with; only what people read counts from one again.
  function name() {
    lines().forEach((line, index) => {
      line.querySelector("legend").textContent = `扣除明细第 ${index + 1} 行`;
      line.querySelector("[data-sheet-remove]").setAttribute("aria-label", `删除第 ${index + 1} 行`);
    });
  }

  sheet.querySelector("[data-sheet-add]").addEventListener("click", () => {
    const used = [...box.querySelectorAll("[name]")].map((input) => Number(/-(\d+)-/.exec(input.name)?.[1] ?? -1));
    const holder = document.createElement("template");
    holder.innerHTML = blank.innerHTML.replaceAll("__n__", String(Math.max(-1, ...used) + 1));
    box.append(holder.content);
    name();
    lines().at(-1).querySelector("select").focus();
  });
  box.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sheet-remove]");
    if (!button) return;
    button.closest(".sheet-line").remove();
    name();
    say();
    sheet.dispatchEvent(new Event("change", { bubbles: true }));
    sheet.querySelector("[data-sheet-add]").focus();
  });
  sheet.addEventListener("input", say);
  row?.addEventListener("input", say);
  row?.addEventListener("change", say);
  say();
}

function aside(words) {
  return words ? `（${words}）` : "";
}
