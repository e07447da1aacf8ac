// The demo's page: what all uses share. Each use has a module of its own that fills the scene.

import { showGroups } from "./groups.js";
import * as notifications from "./notifications.js";
import * as queue from "./queue.js";
import * as tracking from "./tracking.js";

const EVERY_MS = 500;
const COMPLAINT_MS = 6_000;
const uses = { tracking, queue, notifications };
const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const find = (id) => document.getElementById(id);

async function ask(path) {
  const response = await fetch(`/demo/${path}`);
  if (!response.ok) throw new Error(`/demo/${path} answers ${response.status}`);
  return await response.json();
}

/** Asks for something to be done; what is refused is shown. */
export async function act(path, body = {}) {
  try {
    const response = await fetch(`/demo/${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) complain((await response.json()).message);
  } catch (error) {
    complain(`The demo cannot be asked: ${error.message}`);
  }
}

let forget = 0;

function complain(text) {
  const complaint = find("complaint");
  complaint.textContent = text;
  complaint.hidden = false;
  clearTimeout(forget);
  forget = setTimeout(() => complaint.hidden = true, COMPLAINT_MS);
}

function showCounters(counters) {
  find("counters").replaceChildren(
    ...Object.entries(counters).map(([name, value]) => {
      const [div, dt, dd] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
      dt.textContent = name;
      dd.textContent = typeof value === "number" ? number.format(value) : value;
      div.append(dt, dd);
      return div;
    }),
  );
}

function showGateway({ up, restarts }) {
  const lamp = find("gateway");
  lamp.className = `lamp ${up ? "up" : "down"}`;
  const again = restarts > 0 ? `, started again ${restarts}×` : "";
  lamp.textContent = up ? `gateway up${again}` : "gateway down";
  find("restart").disabled = !up;
}

function showLog(entries) {
  find("log").replaceChildren(
    ...entries.map(({ atS, text }) => {
      const [li, time, span] = ["li", "time", "span"].map((tag) => document.createElement(tag));
      const [minutes, seconds] = [Math.floor(atS / 60), Math.floor(atS % 60)];
      time.textContent = `${minutes}:${String(seconds).padStart(2, "0")}`;
      span.textContent = text;
      li.append(time, span);
      return li;
    }),
  );
}

/** The client as the gateway serves it. */
async function connectTo(gateway) {
  const { connect } = await import(`${gateway}/v1/client.js`);
  return connect(gateway, { client: { name: "demo-page", version: "0.1.0" } });
}

async function begin() {
  const about = await ask("about");
  const use = uses[about.use];
  find("title").textContent = use.title;
  find(about.use).hidden = false;
  find("restart").hidden = !about.canRestartGateway;
  find("restart").onclick = () => act("gateway/restart");
  const scene = use.begin(about, await connectTo(about.gateway));
  for (;;) {
    try {
      const state = await ask("state");
      showCounters(scene.show(state));
      showGroups(find("groups"), state, scene.tools?.(state) ?? {});
      showGateway(state.gateway);
      showLog(state.log);
    } catch (error) {
      find("gateway").className = "lamp down";
      find("gateway").textContent = `the demo has ended (${error.message})`;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

begin().catch((error) => complain(error.message));
