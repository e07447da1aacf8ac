/** The status page in a browser: topics and groups appear, with their lag, and nothing is complained of. */

import { assertEquals, assertMatch } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway } from "../support/gateway.ts";
import { call, fresh, makeTopic } from "../support/http.ts";
import { browserTest, screens } from "./browser.ts";

const shared = Gateway.shared();

for (const [name, screen] of Object.entries(screens)) {
  browserTest(`the status page shows topics and groups, ${name}`, async (browser) => {
    const [topic, group] = [await makeTopic(shared.gateway, 4), fresh("group")];
    await using client = await Client.open(shared.gateway);
    await client.publish(topic, Array.from({ length: 40 }, (_, value) => ({ value })));
    await client.join(group, [topic], { credit: { records: 0 } });
    await client.until("assign");
    const page = await browser.open(shared.gateway.origin + "/");
    await page.getByRole("row", { name: new RegExp(`^${topic} 4 40`) }).waitFor();
    await page.getByRole("row", { name: new RegExp(`^${group} 1 40`) }).waitFor();
    await page.getByText("ready", { exact: true }).waitFor();
    await browser.screenshot(page, `status-${name}`);
  }, screen);
}

Deno.test("the status page says which version it is, and lets no other script in", async () => {
  const answer = await call(shared.gateway, "GET", "/");
  assertMatch(answer.text, new RegExp(`weir ${shared.gateway.version}`));
  assertMatch(
    answer.headers.get("content-security-policy")!,
    /^default-src 'none'; script-src 'self'/,
  );
  const again = await call(shared.gateway, "GET", "/", undefined, {
    "if-none-match": answer.headers.get("etag")!,
  });
  assertEquals(again.status, 304);
});
