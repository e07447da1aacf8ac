/** The status page in a browser: topics and groups appear, with their lag, and nothing is complained of. */

import { assertEquals, assertMatch } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway } from "../support/gateway.ts";
import { call, fresh, makeTopic } from "../support/http.ts";
import { SECRET, tokenFor } from "../support/token.ts";
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

for (const [name, screen] of Object.entries(screens)) {
  browserTest(
    `where a token is needed, the status page asks for it and keeps it to itself, ${name}`,
    async (browser) => {
      browser.allow(/the server responded with a status of 40[13]/);
      await using gateway = await Gateway.start({ WEIR_JWT_SECRET: SECRET });
      const token = await tokenFor("ada", { admin: true });
      const made = await call(gateway, "PUT", "/v1/topics/gps", { partitions: 4 }, {
        authorization: `Bearer ${token}`,
      });
      assertEquals(made.status, 201);
      const page = await browser.open(gateway.origin + "/");
      await page.getByText("A token is needed").waitFor();
      await browser.screenshot(page, `status-token-${name}`);
      const show = async (given: string) => {
        await page.getByLabel("Token").fill(given);
        await page.getByRole("button", { name: "Show" }).click();
      };
      await show(await tokenFor("eve"));
      await page.getByText("The token has no admin grant").waitFor();
      await show(token);
      await page.getByRole("row", { name: /^gps 4 0/ }).waitFor();
      await page.getByText("ready", { exact: true }).waitFor();
      assertEquals(await page.getByLabel("Token").isVisible(), false);
      const kept = await page.evaluate("[document.cookie, {...localStorage}, {...sessionStorage}]");
      assertEquals(kept, ["", {}, {}]);
      assertEquals(page.url(), `${gateway.origin}/`, "and it is in no address");
      await page.close(); // before its gateway is
    },
    screen,
  );
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
