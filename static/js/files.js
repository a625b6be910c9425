// Looks at a chosen file before it is uploaded and says at once, in the server's words, what is wrong with it.
const MEGABYTE = 1024 * 1024;

document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.type !== "file" || !input.dataset.limitMb) return;
  const problem = [...input.files].map((file) => wrong(file, input.dataset)).find(Boolean);
  say(input, problem);
});

function wrong(file, { kinds, limitMb, original = "把原件另存为 PDF 后重新选择", smaller = "压缩或分开" }) {
  const allowed = kinds.split(" ");
  const ending = file.name.split(".").at(-1).toLowerCase();
  const names = allowed.filter((kind) => kind !== "jpeg").map((kind) => kind.toUpperCase());
  if (!allowed.includes(ending)) return `只收 ${names.join("、")} 文件，${original}。`;
  if (file.size === 0) return "文件是空的，打开原件确认有内容后重新选择。";
  if (file.size > Number(limitMb) * MEGABYTE) {
    const size = (Math.ceil((file.size * 10) / MEGABYTE) / 10).toFixed(1);
    return `文件 ${size} MB，超过 ${limitMb} MB 上限，${smaller}后重新选择。`;
  }
  return "";
}

function say(input, problem) {
  const row = input.closest(".form-row");
  row.querySelectorAll(".error-text").forEach((old) => old.remove());
  row.classList.toggle("has-error", Boolean(problem));
  input.toggleAttribute("aria-invalid", Boolean(problem));
  if (!problem) return;
  input.value = "";
  const text = document.createElement("p");
  text.className = "error-text";
  text.setAttribute("role", "alert");
  text.innerHTML = '<i class="bi bi-exclamation-circle-fill" aria-hidden="true"></i>';
  const words = document.createElement("span");
  words.textContent = problem;
  text.append(words);
  input.before(text);
}
