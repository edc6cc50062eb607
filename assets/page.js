// Keys, copying, suggestions. Every page is whole without this.
"use strict";
// Before the page is drawn, so that nothing moves when buttons for the script appear.
document.documentElement.classList.add("js");

document.addEventListener("DOMContentLoaded", () => {
  const status = document.getElementById("status");
  const search = document.querySelector("input[type=search]");
  const dialog = document.getElementById("keys");
  const keyed = (key) => document.querySelector(`[aria-keyshortcuts="${CSS.escape(key)}"]`);

  // Copying.
  const copy = async (text) => {
    // The clipboard interface is only there over HTTPS and on this machine; an internal page may have neither.
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("copy");
  };
  let fading;
  const say = (text) => {
    status.textContent = text;
    clearTimeout(fading);
    fading = setTimeout(() => { status.textContent = ""; }, 4000);
  };
  for (const button of document.querySelectorAll("button[data-text], button[data-link]")) {
    button.addEventListener("click", async () => {
      try {
        await copy(button.dataset.text ?? button.previousElementSibling.href);
        say("已复制");
      } catch {
        say("复制不了，请用鼠标选中再复制");
      }
    });
  }

  // The list of keys, and whether single keys work at all.
  for (const button of document.querySelectorAll("[data-opens]")) {
    button.addEventListener("click", () => document.getElementById(button.dataset.opens).showModal());
  }
  const single = document.getElementById("single");
  try {
    single.checked = localStorage.getItem("keys") !== "off";
    single.addEventListener("change", () => localStorage.setItem("keys", single.checked ? "on" : "off"));
  } catch {
    // Where nothing may be stored, the choice holds for this page.
  }

  // Keys, never while somebody types or an input method composes.
  const typing = (element) =>
    element.matches("input:not([type=radio]):not([type=checkbox]), textarea, select");
  const walk = (step) => {
    const items = [...document.querySelectorAll("a.item, .options .option")];
    const at = items.indexOf(document.activeElement);
    const next = items[at < 0 ? (step > 0 ? 0 : items.length - 1) : at + step];
    next?.focus();
    return Boolean(next);
  };
  const press = (element) => {
    element.focus();
    element.click();
  };
  const keys = {
    "/": () => { search.focus(); search.select(); return true; },
    b: () => { const back = keyed("b"); back ? press(back) : history.back(); return true; },
    ArrowDown: () => walk(1),
    ArrowUp: () => walk(-1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || dialog.open) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      keys["/"]();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    // The arrows of boxes and of what scrolls are the browser's own.
    if (!single.checked || (event.key.startsWith("Arrow") && event.target.matches("input, [tabindex='0']"))) return;
    const own = Object.hasOwn(keys, event.key) && keys[event.key];
    const element = !own && keyed(event.key);
    // Enter on a link or button is the browser's own.
    if (element && event.key === "Enter" && event.target.matches("a, button, summary")) return;
    if (own ? own() : element) event.preventDefault();
    if (element) press(element);
  });

  // Suggestions: an ARIA combobox that leaves input methods alone.
  const from = search?.dataset.url;
  if (!from) return;
  const base = from.slice(0, -"/api/v1/suggest".length);
  const count = document.getElementById("count");
  const list = document.createElement("ul");
  list.id = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "建议");
  list.hidden = true;
  search.after(list);
  const attributes = { role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list" };
  for (const [name, value] of Object.entries(attributes)) search.setAttribute(name, value);
  let composing = false;
  let waiting;
  let request;
  let chosen = -1;

  const stop = () => {
    clearTimeout(waiting);
    request?.abort();
  };
  const choose = (at) => {
    list.children[chosen]?.setAttribute("aria-selected", "false");
    chosen = at;
    const option = list.children[at];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) search.setAttribute("aria-activedescendant", option.id);
    else search.removeAttribute("aria-activedescendant");
  };
  const show = (suggestions) => {
    list.replaceChildren(...suggestions.map(({ text, kind, url }, at) => {
      const option = document.createElement("li");
      option.id = `suggestion-${at}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.to = base + url;
      option.textContent = text;
      option.className = kind;
      return option;
    }));
    list.hidden = suggestions.length === 0;
    search.setAttribute("aria-expanded", String(!list.hidden));
    chosen = -1;
    choose(-1);
  };
  const close = () => {
    stop();
    show([]);
    count.textContent = "";
  };
  const ask = async () => {
    const prefix = search.value.trim();
    if (!prefix) return close();
    request?.abort();
    request = new AbortController();
    try {
      const answer = await fetch(`${from}?q=${encodeURIComponent(prefix)}`, { signal: request.signal });
      if (!answer.ok) return;
      const { suggestions } = await answer.json();
      if (composing || document.activeElement !== search) return;
      show(suggestions);
      count.textContent = suggestions.length ? `${suggestions.length} 个建议，用上下键选` : "没有建议";
    } catch {
      // Aborted, or the server is away: the search still works.
    }
  };
  const later = () => {
    stop();
    waiting = setTimeout(ask, 120);
  };

  search.addEventListener("compositionstart", () => { composing = true; stop(); });
  search.addEventListener("compositionend", () => { composing = false; later(); });
  search.addEventListener("input", (event) => { if (!composing && !event.isComposing) later(); });
  search.addEventListener("blur", close);
  search.addEventListener("keydown", (event) => {
    const composed = composing || event.isComposing || event.keyCode === 229;
    // Some browsers submit with the Enter that ends a composition.
    if (composed && event.key === "Enter") event.preventDefault();
    if (composed || list.hidden) return;
    const last = list.children.length - 1;
    if (event.key === "ArrowDown") choose(chosen < last ? chosen + 1 : -1);
    else if (event.key === "ArrowUp") choose(chosen < 0 ? last : chosen - 1);
    else if (event.key === "Escape") close();
    else if (event.key === "Enter" && chosen >= 0) location.assign(list.children[chosen].dataset.to);
    else return;
    event.preventDefault();
  });
  // Before the box loses the focus, and with it the list.
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest("li");
    event.preventDefault();
    if (option) location.assign(option.dataset.to);
  });
});
