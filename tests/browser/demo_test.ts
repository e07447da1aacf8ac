/** The demo's page in a browser: cars move, a killed consumer's partitions go to another, one is followed. */

import { assert, assertEquals } from "@std/assert";
import { Demo } from "../support/demo.ts";
import { eventually } from "../support/eventually.ts";
import { browserTest, screens } from "./browser.ts";

for (const [name, screen] of Object.entries(screens)) {
  browserTest(
    `cars move on the demo's map, and what is killed goes on elsewhere, ${name}`,
    async (browser) => {
      await using demo = await Demo.start("--drivers", "200");
      const page = await browser.open(`${demo.origin}/demo`);
      await page.getByText("cars here").locator("xpath=..").getByText("200").waitFor();
      const drawn = () =>
        page.locator("#map").evaluate((map) => (map as unknown as Canvas).toDataURL());
      const before = await drawn();
      await eventually("the map changes", async () => await drawn() !== before);

      await page.getByLabel("Follow a driver").fill("d7");
      await page.getByRole("button", { name: "Follow" }).click();
      await page.getByText(/^d7 is (free|taken) at .* of this driver only/).waitFor();

      await page.getByRole("button", { name: "Kill archive-1" }).click();
      const rows = page.locator('[data-group="archive"] .members li:not(.dead) .has');
      await eventually("two have all partitions", async () => {
        const owned = (await rows.allTextContents()).join(" ").split(" ");
        return await rows.count() === 2 && new Set(owned).size === 8;
      });
      await page.getByText("archive-1 was killed").waitFor();
      await page.getByRole("button", { name: "Pause the database" }).click();
      await page.getByRole("button", { name: "Let the database go on" }).click();
      const width = await page.evaluate("document.documentElement.scrollWidth");
      assertEquals(width, screen.viewport.width, "It scrolls sideways");
      await browser.screenshot(page, `demo-${name}`);
      await page.close();
    },
    screen,
  );
}

browserTest("devices are shown what is for them, and what is for everybody", async (browser) => {
  await using demo = await Demo.start("--use", "notifications");
  const page = await browser.open(`${demo.origin}/demo`);
  await page.getByRole("heading", { name: "finn" }).waitFor();
  await page.getByText("gateway up").waitFor();
  await page.getByLabel("Text").fill("Free soup");
  await page.getByRole("button", { name: "Notify" }).click();
  await eventually(
    "six devices show it",
    async () => await page.getByText("Free soup").count() === 6,
  );
  await page.getByLabel("Text").fill("For Ada alone");
  await page.getByLabel("To").selectOption("ada");
  await page.getByRole("button", { name: "Notify" }).click();
  await page.getByText("For Ada alone").waitFor();
  assertEquals(await page.getByText("For Ada alone").count(), 1);
  await browser.screenshot(page, "demo-notifications");
  await page.close();
});

browserTest("orders are shown with their cooks", async (browser) => {
  await using demo = await Demo.start("--use", "queue");
  const page = await browser.open(`${demo.origin}/demo`);
  await page.locator("#orders li").first().waitFor();
  assert((await page.locator("#orders small").first().textContent())?.startsWith("kitchen-"));
  await browser.screenshot(page, "demo-queue");
  await page.close();
});

interface Canvas {
  toDataURL(): string;
}
