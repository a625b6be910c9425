// Questions that only some answers call for: hidden, and not sent, while another question has an answer they do not go with.
for (const part of document.querySelectorAll("fieldset[data-asked-of]")) {
  const question = document.getElementById(part.dataset.askedOf);
  const answers = part.dataset.askedAt.split(",");
  const ask = () => (part.hidden = part.disabled = !answers.includes(question.value));
  question.addEventListener("change", ask);
  window.addEventListener("pageshow", ask); // the browser may have put an earlier answer back
  ask();
}
