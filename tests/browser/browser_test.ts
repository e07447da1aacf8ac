/** That the browser tests see what a page does, and how Chromium treats a socket that is open. */

import { assertEquals, assertMatch } from "@std/assert";
import { Gateway } from "../support/gateway.ts";
import { browserTest, screens } from "./browser.ts";

const shared = Gateway.shared();

/** A page that connects, says hello, and keeps what comes in `frames`. */
const page = `<meta name="viewport" content="width=device-width"><p>Waiting</p><script>
  const frames = [];
  const socket = new WebSocket("/v1/connect", "weir.v1");
  socket.onopen = () => socket.send(JSON.stringify({ type: "hello", id: 1 }));
  socket.onmessage = ({ data }) => {
    frames.push(JSON.parse(data));
    document.querySelector("p").textContent = "Connected";
  };
</script>`;

const url = (): string => `${shared.gateway.origin}/test-page`;

browserTest("two tabs of the gateway's origin get the reply to hello", async (browser) => {
  const tabs = [await browser.open(url(), page), await browser.open(url())];
  for (const tab of tabs) {
    await tab.getByText("Connected").waitFor();
    assertEquals(await tab.evaluate("[frames[0].type, frames[0].id, socket.protocol]"), [
      "ok",
      1,
      "weir.v1",
    ]);
  }
  await tabs[0]!.close();
  assertEquals(browser.context.pages().length, 1);
});

browserTest(
  "errors that a page logs or throws are problems, but for those allowed",
  async (browser) => {
    browser.allow(/harmless/);
    await browser.open(
      url(),
      `<script>
      console.warn("a warning");
      console.error("harmless");
      console.error("logged");
      Promise.reject(new Error("thrown"));
    </script>`,
    );
    const [logged, thrown, ...more] = await browser.takeProblems();
    assertEquals(logged, `logged (at ${url()})`);
    assertMatch(thrown!, /^Error: thrown\n/);
    assertEquals(more, []);
  },
);

browserTest(
  "an open socket waits while the network is away, and a new one fails",
  async (browser) => {
    const tab = await browser.open(url(), page);
    await tab.getByText("Connected").waitFor();
    await browser.setOffline(true);
    await tab.evaluate(`socket.send('{"type":"heartbeat"}')`);
    const refused = `new Promise((resolve) => {
    new WebSocket("/v1/connect", "weir.v1").onclose = ({ code }) => resolve(code);
  })`;
    assertEquals(await tab.evaluate(refused), 1006);
    assertEquals(await tab.evaluate("[navigator.onLine, socket.readyState, frames.length]"), [
      false,
      WebSocket.OPEN,
      1,
    ]);
    await browser.setOffline(false);
    await tab.waitForFunction("frames.some((frame) => frame.type === 'heartbeat')");
  },
);

browserTest("a phone's screen is drawn in its size", async (browser) => {
  const tab = await browser.open(url(), page);
  await tab.getByText("Connected").waitFor();
  assertEquals(await tab.evaluate("innerWidth"), screens.phone.viewport.width);
  const png = new DataView((await Deno.readFile(await browser.screenshot(tab, "phone"))).buffer);
  assertEquals([png.getUint32(16), png.getUint32(20)], [390, 844]);
}, screens.phone);
