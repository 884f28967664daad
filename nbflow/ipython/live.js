// The live view of a run: recolours the picture's boxes, nothing else of the picture changes.
import { clock } from "../render/times.mjs";

const SVG = "http://www.w3.org/2000/svg";

function importSvg(text, host) {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
  const root = parsed.documentElement;
  if (root.nodeName !== "svg") return;
  host.replaceChildren(document.importNode(root, true));
}

function element(name, className, parent) {
  const made = document.createElement(name);
  made.className = className;
  parent.append(made);
  return made;
}

function render({ model, el }) {
  const icons = model.get("icons");
  const root = element("div", "nbflow-live", el);
  const head = element("div", "nbflow-live-head", root);
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("viewBox", "0 0 16 16");
  icon.setAttribute("class", "nbflow-live-icon");
  icon.setAttribute("aria-hidden", "true");
  const stroke = icon.appendChild(document.createElementNS(SVG, "path"));
  stroke.setAttribute("class", "icon");
  const badge = element("span", "nbflow-live-badge nbflow-dag", head);
  badge.append(icon);
  const word = element("strong", "nbflow-live-word", head);
  word.setAttribute("role", "status");
  const count = element("span", "nbflow-live-count", head);
  const time = element("span", "nbflow-live-time", head);
  const links = element("span", "nbflow-live-links", head);
  const cancel = element("button", "nbflow-live-cancel", head);
  cancel.type = "button";
  const bar = element("progress", "nbflow-live-bar", root);
  const picture = element("div", "nbflow-live-picture", root);
  const message = element("pre", "nbflow-live-message", root);

  cancel.addEventListener("click", () => {
    cancel.disabled = true;
    model.send({ kind: "cancel" });
  });

  function paintTasks() {
    const now = Date.now() / 1000;
    for (const task of model.get("tasks")) {
      const box = picture.querySelector(`#${CSS.escape(task.id)}`);
      if (!box) continue;
      if (box.dataset.state !== task.look) {
        box.dataset.state = task.look;
        box.querySelector(".icon")?.setAttribute("d", icons[task.look]);
      }
      const note = box.querySelector(".note");
      const text = task.started ? `${task.note} · ${clock(now - task.started)}` : task.note;
      if (note && note.textContent !== text) note.textContent = text;
    }
  }

  function paintHead() {
    const status = model.get("status");
    icon.dataset.state = status.look;
    stroke.setAttribute("d", icons[status.look]);
    word.textContent = status.word;
    count.textContent = status.count;
    bar.max = Math.max(1, status.total);
    bar.value = status.done;
    bar.setAttribute("aria-label", status.count);
    cancel.textContent = status.cancel;
    cancel.hidden = status.final;
    cancel.disabled = status.cancelling;
    message.textContent = status.message;
    message.hidden = !status.message;
    links.replaceChildren();
    for (const link of model.get("links")) {
      const anchor = element("a", "", links);
      anchor.textContent = link.label;
      anchor.href = link.href;
      anchor.target = "_blank";
      anchor.rel = "noopener";
    }
    tick();
  }

  function tick() {
    const status = model.get("status");
    if (!status.begun) return;
    const end = status.ended ?? Date.now() / 1000;
    time.textContent = status.ended ? status.took : clock(end - status.begun);
    if (!status.final) paintTasks();
  }

  function onSvg() {
    importSvg(model.get("svg"), picture);
    paintTasks();
  }
  onSvg();
  paintHead();
  model.on("change:svg", onSvg);
  model.on("change:tasks", paintTasks);
  model.on("change:status", paintHead);
  model.on("change:links", paintHead);
  const timer = setInterval(tick, 500);
  return () => clearInterval(timer);
}

export default { render };
