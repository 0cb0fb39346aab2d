// What SimCord's page lacks: files in messages (button, paste, drop), message menus ("Apps"), and a
// channel that stays at its newest message.  It finds the page's parts by their ids and says nothing
// when one is missing.

const capability = location.hash.slice(1);
const $ = (selector) => document.querySelector(selector);

/** Do `kind` in the simulated Discord.  Throws an Error that says what Discord refused. */
async function act(kind, payload, files = []) {
  const body = new FormData();
  body.append("payload", JSON.stringify(payload));
  for (const file of files) body.append("file", file, file.name || "pasted.png");
  const headers = {
    "X-Simcord-Capability": capability,
    "X-Simcord-Context": window.simcordPreview.contextId,
    "X-Sandbox": kind,
  };
  const response = await fetch("/api/action", { method: "POST", headers, body });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || "The sandbox did not answer.");
  return answer;
}

function make(tag, className, properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}

function complain(error) {
  const note = make("div", "sandbox-note", { textContent: error.message });
  document.body.append(note);
  setTimeout(() => note.remove(), 6000);
}

// ---- files in messages

const form = $("#channel-composer");
const row = form.querySelector(".composer-row");
const tray = make("div", "sandbox-tray");
const picker = make("input", "", { type: "file", id: "sandbox-files", multiple: true, hidden: true });
const plus = make("button", "sandbox-plus", { type: "button", textContent: "+", title: "Upload a file" });
let waiting = [];
let replyTo = null;

form.insertBefore(tray, row);
row.prepend(plus, picker);
plus.addEventListener("click", () => picker.click());
picker.addEventListener("change", () => { attach(picker.files); picker.value = ""; });
form.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) { event.preventDefault(); attach(event.clipboardData.files); }
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => { event.preventDefault(); attach(event.dataTransfer?.files || []); });

function attach(files) {
  waiting = [...waiting, ...files].slice(0, 10);
  showTray();
}

function showTray() {
  for (const old of tray.querySelectorAll("img")) URL.revokeObjectURL(old.src);
  tray.replaceChildren(...waiting.map((file, index) => {
    const card = make("figure", "sandbox-card");
    if (file.type.startsWith("image/")) card.append(make("img", "", { src: URL.createObjectURL(file), alt: "" }));
    card.append(make("figcaption", "", { textContent: file.name }));
    const remove = make("button", "", { type: "button", textContent: "×", title: `Remove ${file.name}` });
    remove.addEventListener("click", () => { waiting.splice(index, 1); showTray(); });
    card.append(remove);
    return card;
  }));
}

document.addEventListener("click", (event) => {
  const key = event.target.closest?.("[data-control-key]")?.dataset.controlKey || "";
  const reply = /^message:(\d+):action:reply$/.exec(key);
  if (reply) replyTo = reply[1];
}, true);

// A slash with a word that is no command would be posted as a message, to nobody's use.
form.addEventListener("submit", (event) => {
  const word = /^\/([a-z][\w-]*)/i.exec($("#channel-composer-input")?.value || "");
  if (!word || $(".command-row")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  complain(new Error(`There is no command /${word[1]}. Type / to see what there is.`));
}, true);

form.addEventListener("submit", async (event) => {
  if (!waiting.length) return; // SimCord's page sends plain messages itself
  event.preventDefault();
  event.stopImmediatePropagation();
  const input = $("#channel-composer-input");
  const files = waiting;
  const replying = !$("#reply-context").hidden;
  waiting = [];
  showTray();
  try {
    await act("send", { content: input.value, message_id: replying ? replyTo : null }, files);
    input.value = "";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    if (replying) $("#reply-cancel").click();
  } catch (error) {
    waiting = files;
    showTray();
    complain(error);
  }
}, true);

// ---- message menus

let menu = null;

function closeMenu() {
  menu?.remove();
  menu = null;
}

async function openMenu(message, x, y) {
  closeMenu();
  const { commands } = await act("apps", {});
  menu = make("div", "sandbox-menu", { role: "menu" });
  menu.append(make("small", "", { textContent: commands.length ? "Apps" : "No apps for messages" }));
  for (const command of commands) {
    const item = make("button", "", { type: "button", textContent: command, role: "menuitem" });
    item.addEventListener("click", () => {
      closeMenu();
      act("app", { message_id: message, command }).catch(complain);
    });
    menu.append(item);
  }
  menu.style.left = `${Math.max(8, Math.min(x, innerWidth - 220))}px`;
  menu.style.top = `${Math.max(8, Math.min(y, innerHeight - 60 - 40 * commands.length))}px`;
  document.body.append(menu);
}

addEventListener("click", (event) => { if (menu && !menu.contains(event.target)) closeMenu(); });
addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenu(); });
document.addEventListener("contextmenu", (event) => {
  if (event.target.closest("img, a")) return; // the browser's own menu: save the picture
  const message = messageOf(event.target.closest(".channel-message"));
  if (message) { event.preventDefault(); openMenu(message, event.clientX, event.clientY).catch(complain); }
});

function messageOf(element) {
  const key = element?.querySelector('[data-control-key^="message:"]')?.dataset.controlKey || "";
  return /^message:(\d+)/.exec(key)?.[1];
}

function addMenuButtons() {
  for (const bar of document.querySelectorAll(".message-context-actions:not([data-sandbox])")) {
    const message = messageOf(bar);
    if (!message) continue;
    bar.dataset.sandbox = message;
    const button = make("button", "message-action-button", { type: "button", textContent: "⋯", title: "Apps" });
    button.setAttribute("aria-label", "Apps");
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      openMenu(message, event.clientX, event.clientY).catch(complain);
    });
    bar.append(button);
  }
}

const list = $("#channel-message-list");
new MutationObserver(addMenuButtons).observe(list, { childList: true, subtree: true });

// ---- a link to a message leads to it, not out of the sandbox

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href*='discord.com/channels/']");
  const wanted = /\/channels\/[^/]+\/\d+\/(\d+)$/.exec(link?.href || "")?.[1];
  if (!wanted) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const found = [...document.querySelectorAll(".channel-message")].find((one) => messageOf(one) === wanted);
  if (!found) { complain(new Error("That message is not among those shown: load earlier ones, or it is gone.")); return; }
  following = false;
  found.scrollIntoView({ block: "center" });
  found.classList.add("sandbox-found");
  setTimeout(() => found.classList.remove("sandbox-found"), 1600);
}, true);

// ---- stay at the newest message until the reader scrolls up (SimCord's page returns to the message
// that was clicked last, after every change)

const timeline = $("#channel-timeline");
let following = true;
const below = () => timeline.scrollHeight - timeline.scrollTop - timeline.clientHeight;
const follow = () => { if (following && below() > 1) timeline.scrollTop = timeline.scrollHeight; };
const look = () => setTimeout(() => { following = below() < 80; }, 80);
const leave = () => { following = false; look(); };

timeline.addEventListener("wheel", (event) => (event.deltaY < 0 ? leave() : look()), { passive: true });
timeline.addEventListener("touchmove", leave, { passive: true });
timeline.addEventListener("pointerdown", (event) => { if (event.target === timeline) following = false; });
addEventListener("pointerup", (event) => { if (event.target === timeline) look(); });
addEventListener("keydown", (event) => {
  const reading = event.target === document.body || event.target === timeline;
  if (reading && ["PageUp", "Home", "ArrowUp"].includes(event.key)) leave();
});
// Whoever says something sees it, and what comes after it: also when the page shows a window of older
// messages.  The page does one thing at a time, so it goes there when the words have gone out.
const later = $("#history-newer");
const said = () => !$("#channel-composer-input")?.value && !$(".command-row");
let going = null;
function toTheNewest() {
  following = true;
  follow();
  going ??= setInterval(() => {
    if (!following || later.hidden) { clearInterval(going); going = null; follow(); }
    else if (said()) $("#new-messages").click();
  }, 200);
}
for (const sending of ["submit", "keydown"]) {
  form.addEventListener(sending, (event) => {
    if (sending === "submit" || event.key === "Enter") toTheNewest();
  }, true);
}
timeline.addEventListener("scroll", () => { if (following) requestAnimationFrame(follow); }, { passive: true });
new ResizeObserver(() => requestAnimationFrame(() => requestAnimationFrame(follow))).observe(list);

// ---- a choice made with the mouse leaves the focus nowhere; Enter sends the command all the same

addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || document.activeElement !== document.body || !$(".command-row")) return;
  event.preventDefault();
  form.requestSubmit();
});

// ---- its small talk ("Action completed") is left unsaid; what went wrong stays

const status = $("#action-status");
const quiet = () => status.classList.toggle(
  "sandbox-quiet", !/not completed|uncertain|interrupted|unavailable|ended/i.test(status.textContent),
);
new MutationObserver(quiet).observe(status, { childList: true, characterData: true, subtree: true });
quiet();
