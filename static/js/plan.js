// The payment plan: rows can be added and removed, and their sum stands beside the amount it must come to.
import { amountIn, fen, shown } from "./amount.js";

for (const plan of document.querySelectorAll("[data-plan]")) improve(plan);

function improve(plan) {
  const { unit } = plan.dataset;
  const body = plan.querySelector("tbody");
  const blank = plan.querySelector("template");
  const total = document.getElementById(plan.dataset.total)?.closest("[data-amount]");
  const rows = () => [...body.rows];
  const amountOf = (row) => fen(row.querySelector(".num").value, unit) ?? 0n;
  const difference = () => {
    const aim = total && amountIn(total);
    return aim === null || aim === undefined ? null : aim - rows().reduce((sum, row) => sum + amountOf(row), 0n);
  };

  function count() {
    const sum = rows().reduce((so_far, row) => so_far + amountOf(row), 0n);
    const missing = difference();
    plan.querySelector("[data-plan-sum]").textContent = shown(sum, unit);
    plan.querySelector("[data-plan-difference]").textContent = !missing
      ? ""
      : missing > 0n ? `差 ${shown(missing, unit)}` : `多 ${shown(-missing, unit)}`;
    plan.querySelector("[data-plan-fill]").hidden = !missing || !rows().length;
  }

  // Rows keep the numbers they were sent with; only what people read counts from one again.
  function name() {
    rows().forEach((row, index) => {
      row.querySelector(".c-no").textContent = index + 1;
      for (const part of row.querySelectorAll("[aria-label]")) {
        part.setAttribute("aria-label", part.getAttribute("aria-label").replace(/第 \S+ 期/, `第 ${index + 1} 期`));
      }
    });
  }

  function add() {
    const used = [...body.querySelectorAll("[name]")].map((input) => Number(/-(\d+)-/.exec(input.name)?.[1] ?? -1));
    const holder = document.createElement("template");
    holder.innerHTML = blank.innerHTML.replaceAll("__n__", String(Math.max(-1, ...used) + 1));
    body.append(holder.content);
    name();
    rows().at(-1).querySelector("input").focus();
    count();
  }

  plan.querySelector("[data-plan-add]").addEventListener("click", add);
  plan.querySelector("[data-plan-fill]").addEventListener("click", () => {
    const last = rows().at(-1);
    const sum = amountOf(last) + (difference() ?? 0n);
    if (sum >= 0n) last.querySelector(".num").value = shown(sum, unit).replaceAll(",", "");
    plan.dispatchEvent(new Event("change", { bubbles: true }));
    count();
  });
  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-plan-remove]");
    if (!button) return;
    button.closest("tr").remove();
    name();
    count();
    plan.dispatchEvent(new Event("change", { bubbles: true }));
    plan.querySelector("[data-plan-add]").focus();
  });
  plan.addEventListener("input", count);
  total?.addEventListener("input", count);
  count();
}
