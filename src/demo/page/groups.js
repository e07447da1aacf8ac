// Groups, each with its partitions and who has them, its members and what can be done to them.

import { act } from "./demo.js";

const COLOURS = 7;
/** A partition with this many records waiting, or more, is drawn full. */
const FULL = 2_000;
const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const cards = new Map();

/** The class of a member's colour. */
export function colourOf(name) {
  return `c${Number(name.slice(name.lastIndexOf("-") + 1)) % COLOURS}`;
}

/** `tools`: by group, its own buttons: `{label, pressed, run}`, and a `note`. */
export function showGroups(container, { groups }, tools) {
  for (const group of groups) {
    let card = cards.get(group.group);
    if (!card) {
      card = newCard(group);
      cards.set(group.group, card);
      container.append(card.root);
    }
    showCard(card, group, tools[group.group] ?? {});
  }
}

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function button(label, run) {
  const made = element("button", "", label);
  made.onclick = run;
  return made;
}

function newCard({ group, title }) {
  const rate = element("span", "rate");
  const lag = element("span", "lag");
  const partitions = element("ul", "partitions");
  const members = element("ul", "members");
  const own = element("span", "tools");
  const start = button("Start one more", () => act("start", { group }));
  const head = element("header", "", element("h2", "", title), rate, lag);
  const root = element("section", "group", head, partitions, members);
  root.append(element("div", "tools", start, own));
  root.dataset.group = group;
  return { root, rate, lag, partitions, members, own, byMember: new Map(), buttons: [] };
}

function showCard(card, { group, partitions, members, lag, perSecond }, { buttons = [], note }) {
  card.rate.textContent = `${number.format(perSecond)}/s`;
  card.lag.replaceChildren("lag ", element("b", "", number.format(lag)));
  card.lag.classList.toggle("behind", lag > perSecond + 100);
  showPartitions(card.partitions, partitions);
  showMembers(card, group, members);
  showTools(card, buttons, note);
}

function showPartitions(list, partitions) {
  while (list.children.length < partitions.length) {
    list.append(element("li", "", element("i", ""), element("b", "")));
  }
  for (const [i, { partition, owner, lag }] of partitions.entries()) {
    const item = list.children[i];
    item.className = owner ? colourOf(owner) : "nobody";
    item.title = `partition ${partition}: ${owner ?? "nobody's"}, lag ${number.format(lag)}`;
    item.firstChild.style.height = `${Math.min(1, lag / FULL) * 100}%`;
    item.lastChild.textContent = partition;
  }
}

/** Members keep their elements, so that a click is not lost to an update. */
function showMembers(card, group, members) {
  for (const [name, item] of card.byMember) {
    if (members.some((member) => member.name === name)) continue;
    item.remove();
    card.byMember.delete(name);
  }
  for (const { name, alive, partitions, processed } of members) {
    let item = card.byMember.get(name);
    if (!item) {
      const kill = button("Kill", () => act("kill", { group, member: name }));
      kill.setAttribute("aria-label", `Kill ${name}`);
      const dot = element("span", `dot ${colourOf(name)}`);
      item = element("li", "", dot, element("span", "", name), element("span", "has"), kill);
      item.dataset.member = name;
      card.byMember.set(name, item);
      card.members.append(item);
    }
    const has = partitions.length > 0 ? partitions.join(" ") : alive ? "idle" : "dead";
    item.classList.toggle("dead", !alive);
    item.children[2].textContent = has;
    item.children[2].title = `${number.format(processed)} records so far`;
    item.lastChild.hidden = !alive;
  }
}

function showTools(card, buttons, note) {
  if (card.buttons.length !== buttons.length) {
    card.buttons = buttons.map(() => element("button", ""));
    card.note = element("span", "note");
    card.own.replaceChildren(...card.buttons, card.note);
  }
  for (const [i, { label, pressed, run }] of buttons.entries()) {
    card.buttons[i].textContent = label;
    card.buttons[i].setAttribute("aria-pressed", String(pressed));
    card.buttons[i].onclick = run;
  }
  if (card.note) card.note.textContent = note ?? "";
}
