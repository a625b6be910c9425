// The big screen reads its own page again and puts the new figures in place of the old ones. It says so when it cannot.
const wall = document.querySelector("[data-screen]");
const seconds = Number(wall.dataset.every);
const state = () => wall.querySelector("[data-screen-state]");

function say(words) {
  wall.classList.toggle("is-off", Boolean(words));
  state().textContent = words;
}

async function readAgain() {
  try {
    // Whoever is signed out gets 401 for this Accept instead of being led to the sign-in page.
    const answer = await fetch(location.href, { headers: { Accept: "text/html, application/json;q=0.1" } });
    if (answer.status === 401 || answer.redirected) {
      say("已断开：登录已结束，重新登录后继续");
    } else if (!answer.ok) {
      say(`没有更新（${answer.status}），正在重试`);
    } else {
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
  } catch {
    say("已断开：连不上服务器，正在重试");
  }
  setTimeout(readAgain, seconds * 1000);
}

function show(page) {
  const fresh = page.querySelector("[data-screen]");
  if (!fresh) return;
  for (const part of ["time", "[data-screen-body]"]) {
    wall.querySelector(part).replaceWith(document.adoptNode(fresh.querySelector(part)));
  }
  document.title = page.title;
  say("");
}

wall.querySelector("[data-full-screen]").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});

setTimeout(readAgain, seconds * 1000);
