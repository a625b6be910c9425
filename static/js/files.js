// Looks at a chosen file before it is uploaded and says at once, in the server's words, what is wrong with it.
document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.type !== "file" || !input.dataset.limitMb) return;
  const problem = [...input.files].map((file) => wrong(file, input.dataset)).find(Boolean);
  say(input, problem);
});

function wrong(file, { kinds, limitMb }) {
  const allowed = kinds.split(" ");
  const ending = file.name.split(".").at(-1).toLowerCase();
  if (!allowed.includes(ending)) return `“${file.name}”不能上传，选择 ${allowed.join("、")} 文件`;
  if (file.size === 0) return `“${file.name}”是空文件，重新选择`;
  if (file.size > Number(limitMb) * 1024 * 1024) return `“${file.name}”超过 ${limitMb} MB，压缩后重新选择`;
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
