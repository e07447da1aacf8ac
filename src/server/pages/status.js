// The gateway's status page: polls the HTTP API every two seconds while the page is visible.

const EVERY_MS = 2_000;
const SHOWN = 50;
const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const find = (id) => document.getElementById(id);

/** The last count and its time, by "topic" or "group" and name. */
const counted = new Map();

/** The token, if one is required. Kept in memory only: a reload forgets it. */
let token = "";

async function ask(path) {
  const response = await fetch(path, {
    headers: token === "" ? {} : { authorization: `Bearer ${token}` },
  });
  if (response.ok) return await response.json();
  if (response.status === 401 || response.status === 403) find("access").hidden = false;
  throw new Error((await response.json()).message);
}

/** How fast a count grows, per second; undefined the first time. */
function rate(name, count) {
  const now = performance.now();
  const before = counted.get(name);
  counted.set(name, { count, now });
  return before && Math.max(0, (count - before.count) / (now - before.now) * 1_000);
}

function row(cells) {
  const tr = document.createElement("tr");
  for (const cell of cells) {
    const td = document.createElement("td");
    td.textContent = typeof cell === "number" ? number.format(cell) : cell ?? "–";
    tr.append(td);
  }
  return tr;
}

function show(table, none, rows) {
  find(table).hidden = rows.length === 0;
  find(none).hidden = rows.length > 0;
  find(table).tBodies[0].replaceChildren(...rows.map(row));
}

async function topicRow({ topic }) {
  const { partitions } = await ask(`/v1/topics/${encodeURIComponent(topic)}`);
  const ends = partitions.reduce((sum, { next }) => sum + next, 0);
  const records = partitions.reduce((sum, { start, next }) => sum + next - start, 0);
  return [topic, partitions.length, records, rate(`topic ${topic}`, ends)];
}

async function groupRow({ group }) {
  const { members, offsets } = await ask(`/v1/groups/${encodeURIComponent(group)}`);
  const committed = offsets.reduce((sum, { offset }) => sum + offset, 0);
  const lag = offsets.reduce((sum, { lag }) => sum + lag, 0);
  return [group, members.length, lag, rate(`group ${group}`, committed)];
}

async function look() {
  try {
    const [{ topics }, { groups }] = await Promise.all([ask("/v1/topics"), ask("/v1/groups")]);
    const some = (all, toRow) => Promise.all(all.slice(0, SHOWN).map(toRow));
    show("topics", "empty", await some(topics, topicRow));
    show("groups", "nogroups", await some(groups, groupRow));
    const hidden = Math.max(0, topics.length - SHOWN) + Math.max(0, groups.length - SHOWN);
    find("more").textContent = hidden > 0 ? `${hidden} more are not shown.` : "";
    find("state").textContent = (await fetch("/readyz")).ok ? "ready" : "not ready";
  } catch (error) {
    find("state").textContent = `cannot be asked: ${error.message}`;
  }
}

async function keepLooking() {
  for (;;) {
    if (document.visibilityState === "visible" && find("access").hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

find("access").onsubmit = (event) => {
  event.preventDefault();
  token = find("token").value.trim();
  find("access").hidden = true;
  look();
};

find("example").textContent =
  `curl ${location.origin}/v1/topics/gps/records -d '{"records":[{"key":"cab-7","value":1}]}'`;
keepLooking();
