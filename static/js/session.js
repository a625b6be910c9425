// Two minutes before nobody has clicked for so long that the session ends, says so, with a button that puts it off.
// Before it speaks it asks the server: another window may have been used meanwhile. Asking puts nothing off.
const box = document.querySelector("[data-session]");
if (box) watch(box);

function watch(box) {
  const words = box.querySelector("[data-session-words]");
  const stay = box.querySelector("[data-session-stay]");
  const warnedBefore = Number(box.dataset.warnedBefore);
  let ends = moment(Number(box.dataset.endsIn));

  function moment(secondsFromNow) {
    return Date.now() + secondsFromNow * 1000;
  }
  const left = () => Math.round((ends - Date.now()) / 1000);

  async function ask(method) {
    const headers = { Accept: "application/json", "X-CSRFToken": document.querySelector("input[name=csrf_token]")?.value };
    const answer = await fetch(box.dataset.session, { method, headers });
    if (answer.status === 401 || answer.redirected) return null;
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()).ends_in;
  }

  function over() {
    words.textContent = "已自动退出。点任何按钮或链接会先请你登录，填的内容会保留。";
    stay.hidden = true;
    box.hidden = false;
  }

  async function look() {
    let wait = left() - warnedBefore;
    if (wait <= 0) {
      const said = await ask("GET").catch(() => left());
      if (said === null || said <= 0) return over();
      ends = moment(said);
      wait = said - warnedBefore;
      box.hidden = wait > 0;
      if (!box.hidden) {
        words.textContent = `${said > 60 ? "两分钟" : "一分钟"}内没有操作将自动退出；正在填的内容先保存，或者点“保持登录”。`;
      }
    }
    setTimeout(look, Math.max(wait > 0 ? wait * 1000 : Math.min(left() + 1, 15) * 1000, 1000));
  }

  stay.addEventListener("click", async () => {
    const said = await ask("POST").catch(() => undefined);
    if (said === undefined) {
      words.textContent = "连不上服务器，没有保持成功，再点一次。";
    } else if (said === null) {
      over();
    } else {
      ends = moment(said);
      box.hidden = true;
    }
  });
  look();
}
