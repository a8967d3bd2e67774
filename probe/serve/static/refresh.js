// Asks for the page again and shows what has changed. Without this a browser reloads the page.
"use strict";
(() => {
  const script = document.currentScript;
  let seconds = Number(script.dataset.seconds) || 60;
  let tag = null;

  const busy = () =>
    document.hidden ||
    document.querySelector("main details[open] :focus") !== null ||
    String(getSelection()) !== "";

  // Where the keyboard was, by what it was on: the same thing may have moved.
  const focused = () => {
    const at = document.activeElement;
    return at && at.closest("main") && at.getAttribute("href");
  };

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const main = fresh.querySelector("main");
    if (!main) return;
    const href = focused();
    const open = [...document.querySelectorAll("main details")].map((one) => one.open);
    document.querySelector("main").replaceWith(main);
    document.title = fresh.title;
    [...main.querySelectorAll("details")].forEach((one, at) => {
      one.open = open[at] || false;
    });
    if (href) {
      const again = [...main.querySelectorAll("a")].find((one) => one.getAttribute("href") === href);
      if (again) again.focus({ preventScroll: true });
    }
    const next = fresh.querySelector("script[data-seconds]");
    seconds = next ? Number(next.dataset.seconds) : 60;
  };

  const ask = async () => {
    if (!busy()) {
      try {
        const headers = { Accept: "text/html" };
        if (tag) headers["If-None-Match"] = tag;
        const answer = await fetch(location.href, { headers, cache: "no-store" });
        if (answer.redirected) return location.reload();
        if (answer.ok) {
          tag = answer.headers.get("ETag");
          show(await answer.text());
          note("This page keeps itself up to date. ");
        }
      } catch {
        note("The probe's page does not answer; what stands here is old. ");
      }
    }
    setTimeout(ask, seconds * 1000);
  };

  const note = (text) => {
    const place = document.getElementById("fresh");
    if (place) place.textContent = text;
  };

  setTimeout(ask, seconds * 1000);
})();
