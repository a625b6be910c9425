// Buttons marked data-print print the page; folded tables are unfolded for paper.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

const folded = () => document.querySelectorAll("main details.as-table:not([open])");

window.addEventListener("beforeprint", () => {
  for (const details of folded()) {
    details.open = true;
    details.dataset.openedForPrint = "";
  }
});

window.addEventListener("afterprint", () => {
  for (const details of document.querySelectorAll("[data-opened-for-print]")) {
    details.open = false;
    delete details.dataset.openedForPrint;
  }
});
