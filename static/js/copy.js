// 复制这句话: puts the sentence beside the button on the clipboard and says so on the button.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const sentence = button.closest("[data-copy-from]").querySelector("[data-copy-text]");
  const words = button.querySelector("span") ?? button;
  const before = words.textContent;
  words.textContent = (await copied(sentence)) ? "已复制" : "按 Ctrl+C 复制";
  setTimeout(() => (words.textContent = before), 2000);
});

async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.innerText.trim());
    return true;
  } catch {
    // Plain HTTP has no clipboard: leave the sentence selected, one key away.
    getSelection().selectAllChildren(element);
    return false;
  }
}
