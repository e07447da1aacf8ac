/** The store behind a server: the same contract, and a start that says in a line what is wrong. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { StoreRefused } from "../../src/store/deno_kv.ts";
import { openKvConnect } from "../../src/store/kv_connect.ts";
import { keys } from "../../src/store/keys.ts";
import type { Entry } from "../../src/store/store.ts";
import { storeContract } from "../contracts/store_contract.ts";
import { Denokv, denokvTest, hasDenokv } from "../support/denokv.ts";

if (hasDenokv) {
  storeContract("denokv", async () => {
    const denokv = await Denokv.start();
    const store = await openKvConnect(denokv.url, denokv.token);
    const close = async () => {
      store.close();
      await denokv[Symbol.asyncDispose]();
    };
    return { store, close };
  });
}

async function refusal(url: string, token: string | undefined): Promise<string> {
  const { message } = await assertRejects(() => openKvConnect(url, token), StoreRefused);
  assertEquals(message.includes("\n"), false, "a refusal is one line");
  return message;
}

denokvTest("a wrong token and a wrong address are one clear line each", async () => {
  await using denokv = await Denokv.start();
  assertMatch(await refusal(denokv.url, "not-the-token-at-all"), /refuses the token in DENO_KV_/);
  assertMatch(await refusal(denokv.url, undefined), /asks for a token: set DENO_KV_ACCESS_TOKEN/);
  assertMatch(await refusal("http://127.0.0.1:1/", denokv.token), /cannot be reached/);
  assertMatch(await refusal(`${denokv.url}/nothing`, denokv.token), /no KV Connect server at/);
});

denokvTest(
  "what one store writes another's watch tells, and it says that it is shared",
  async () => {
    await using denokv = await Denokv.start();
    const [one, other] = await Promise.all([
      openKvConnect(denokv.url, denokv.token),
      openKvConnect(denokv.url, denokv.token),
    ]);
    assertEquals(one.shared, true);
    const key = keys.news("g");
    const told = Promise.withResolvers<Entry>();
    const stop = other.watch([key], ([entry]) => entry?.value && told.resolve(entry));
    const value = Uint8Array.of(1, 2, 3);
    await one.write({ checks: [{ key, version: null }], mutations: [{ type: "set", key, value }] });
    assertEquals((await told.promise).value, value);
    stop();
    one.close();
    other.close();
    // Its client needs a moment to let go of a watch, and cannot be asked when it has.
    await new Promise((resolve) => setTimeout(resolve, 100));
  },
);
