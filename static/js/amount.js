// Says below an amount what it comes to, in 元 and in capitals, while it is typed. Same results as core/money.py.
const SCALES = { 千: 1e3, 万: 1e4, 百万: 1e6, 千万: 1e7, 亿: 1e8, 万亿: 1e12 };
const SIGNS = { 萬: "万", 億: "亿", 圆: "元", 圓: "元", 负: "-", "−": "-", "–": "-", "—": "-", "\u200b": "", "\ufeff": "" };
const AMOUNT = /^(?:人民币|RMB|CNY)?(¥)?(-)?([0-9,]*(?:\.[0-9]*)?)(百万|千万|万亿|千|万|亿)?(元|¥)?[整正]?$/i;
const WHOLE = /^(?:[0-9]*|[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,4}(?:,[0-9]{4})+)$/;
const LARGEST = 999999999999999n;

/** Whole 分 (BigInt) of an amount as typed, or null when it cannot be taken; `unit` is "yuan" or "wan". */
export function fen(text, unit = "yuan") {
  const written = text
    .normalize("NFKC")
    .replace(/[萬億圆圓负−–—\u200b\ufeff]/g, (sign) => SIGNS[sign])
    .trim()
    .replace(/(?<=[0-9])\s+(?=[0-9])/g, ",")
    .replace(/\s+/g, "");
  const match = written.length <= 40 && AMOUNT.exec(written);
  if (!match || !/[0-9]/.test(written) || match[2]) return null;
  const [whole, part = ""] = match[3].split(".");
  if (!WHOLE.test(whole)) return null;
  const named = SCALES[match[4]] ?? (match[5] || match[1] || unit === "yuan" ? 1 : 1e4);
  const digits = BigInt((whole.replaceAll(",", "") || "0") + part);
  const times = digits * BigInt(named) * 100n;
  const below = 10n ** BigInt(part.length);
  return times % below === 0n && times / below <= LARGEST ? times / below : null;
}

/** 分 as 1,200,000.00, or in 万元 with unit "wan": exact, so that nothing is lost when it is typed back. */
export function shown(amount, unit = "yuan") {
  const minus = amount < 0n ? "-" : "";
  const places = unit === "wan" ? 6 : 2;
  const digits = String(amount < 0n ? -amount : amount).padStart(places + 1, "0");
  const whole = digits.slice(0, -places).replace(/\B(?=(\d{3})+$)/g, ",");
  const part = digits.slice(-places);
  return `${minus}${whole}.${part.slice(0, 2)}${part.slice(2).replace(/0+$/, "")}`;
}

/** 分 in Chinese capitals, as 支付结算办法 writes them. */
export function capitals(amount) {
  const whole = amount / 100n;
  const jiao = Number((amount / 10n) % 10n);
  const cents = Number(amount % 10n);
  if (!jiao && !cents) return `${wholeWords(whole) || "零"}元整`;
  let words = whole ? `${wholeWords(whole)}元` : "";
  if (whole && (!jiao || whole % 10n === 0n)) words += "零";
  if (jiao) words += `${DIGITS[jiao]}角`;
  return words + (cents ? `${DIGITS[cents]}分` : "");
}

const DIGITS = "零壹贰叁肆伍陆柒捌玖";
const STEPS = [[100000000n, "亿"], [10000n, "万"], [1000n, "仟"], [100n, "佰"], [10n, "拾"]];

function wholeWords(number) {
  for (const [size, sign] of STEPS) {
    if (number < size) continue;
    const low = number % size;
    return wholeWords(number / size) + sign + (low && low < size / 10n ? "零" : "") + wholeWords(low);
  }
  return number ? DIGITS[Number(number)] : "";
}

/** The 分 in the amount control `row`, or null. */
export function amountIn(row) {
  const unit = row.querySelector(".unit-switch input:checked")?.value ?? "yuan";
  return fen(row.querySelector(".form-control").value, unit);
}

function say(row) {
  const amount = amountIn(row);
  const place = row.querySelector("[data-amount-said]");
  place.replaceChildren();
  if (amount === null) return;
  const yuan = document.createElement("span");
  yuan.textContent = `${shown(amount)} 元`;
  const words = document.createElement("b");
  words.textContent = capitals(amount);
  place.append(yuan, words);
}

if (globalThis.document) {
  document.addEventListener("input", (event) => {
    const row = event.target.closest("[data-amount]");
    if (row) say(row);
  });
  document.querySelectorAll("[data-amount]").forEach(say);
}
