/** The client pinned by its hash, as the README shows it, in a page of another origin than its gateway's. */

import { assertEquals } from "@std/assert";
import { Gateway } from "../support/gateway.ts";
import { browserTest } from "./browser.ts";

const root = new URL("../../", import.meta.url);
const readme = await Deno.readTextFile(new URL("README.md", root));
const bytes = await Deno.readFile(new URL("src/server/pages/client.js", root));
const hash = new Uint8Array(await crypto.subtle.digest("SHA-384", bytes)).toBase64();
const importMap = /<script type="importmap">[\s\S]*?<\/script>/.exec(readme)?.[0]
  // Whether the README has the hash of the file as it is now is the business of `docs_test.ts`.
  .replace(/sha384-[^"]+/, `sha384-${hash}`) ?? "";

/** The page of the README, which loads the client from `gateway`, and says whether that worked. */
function page(gateway: Gateway, change: (map: string) => string): string {
  return `${change(importMap.replaceAll("https://weir.example", gateway.origin))}
    <output></output>
    <script type="module">
      const said = await import("weir").then(({ connect }) => typeof connect, (error) => error.name);
      document.querySelector("output").textContent = said;
    </script>`;
}

browserTest(
  "a page takes the client whose hash it names, from a gateway of another origin, and no other",
  async (browser) => {
    browser.allow(/Failed to find a valid digest in the 'integrity' attribute/);
    await using mine = await Gateway.start();
    await using other = await Gateway.start({ WEIR_ORIGINS: mine.origin });
    const wrong = (map: string) => map.replace(/sha384-.{8}/, "sha384-AAAAAAAA");
    const said: string[] = [];
    for (const [path, change] of [["/right", (map: string) => map], ["/wrong", wrong]] as const) {
      const tab = await browser.open(mine.origin + path, page(other, change));
      said.push(await tab.locator("output:not(:empty)").textContent() ?? "");
    }
    assertEquals(said, ["function", "TypeError"]);
  },
);
