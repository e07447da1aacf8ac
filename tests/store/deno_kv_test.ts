import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { DenoKvStore, openDenoKv, StoreRefused } from "../../src/store/deno_kv.ts";
import { keys } from "../../src/store/keys.ts";
import type { Write } from "../../src/store/store.ts";
import { storeContract } from "../contracts/store_contract.ts";
import { immutableTest, setImmutable } from "../support/failing_disk.ts";

storeContract("Deno KV in memory", async () => {
  const store = await openDenoKv(":memory:");
  return { store, close: async () => store.close() };
});

storeContract("Deno KV in a file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "weir_store_" });
  const store = await openDenoKv(`${folder}/data/weir.kv`);
  const close = async () => {
    store.close();
    await Deno.remove(folder, { recursive: true });
  };
  return { store, close };
});

const WRITE: Write = {
  checks: [{ key: ["a"], version: null }],
  mutations: [{ type: "set", key: ["a"], value: Uint8Array.of(1) }],
};

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "weir_store_" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refusal(path: string): Promise<string> {
  const { message } = await assertRejects(() => openDenoKv(path), StoreRefused);
  assert(!message.includes("\n"), "a refusal is one line");
  return message;
}

Deno.test("what is stored is there when the file is opened again", () =>
  inFolder(async (folder) => {
    const path = `${folder}/weir.kv`;
    const first = await openDenoKv(path);
    const result = await first.write(WRITE);
    first.close();
    const second = await openDenoKv(path);
    const [entry] = await second.read([["a"]]);
    second.close();
    assertEquals(result, { outcome: "stored", version: entry?.version ?? "" });
    assertEquals(entry?.value, Uint8Array.of(1));
  }));

Deno.test("a file that is open is refused in one line, and free once it is closed", () =>
  inFolder(async (folder) => {
    const path = `${folder}/weir.kv`;
    const store = await openDenoKv(path);
    assertEquals(
      await refusal(path),
      `The store ${path} is open in another gateway: ` +
        "stop that one, or set WEIR_STORE to another file",
    );
    store.close();
    (await openDenoKv(path)).close();
  }));

Deno.test("a file that is open is refused under another name, too", () =>
  inFolder(async (folder) => {
    const store = await openDenoKv(`${folder}/weir.kv`);
    await Deno.symlink(`${folder}/weir.kv`, `${folder}/link.kv`);
    assertMatch(await refusal(`${folder}/link.kv`), /link\.kv is open in another gateway/);
    store.close();
    (await openDenoKv(`${folder}/link.kv`)).close();
  }));

immutableTest(
  "a file that may not be written is refused in one line, before it is used",
  () =>
    inFolder(async (folder) => {
      const path = `${folder}/weir.kv`;
      (await openDenoKv(path)).close();
      await setImmutable([path], true);
      const message = await refusal(path).finally(() => setImmutable([path], false));
      assert(message.startsWith(`Cannot open the store ${path}: `), message);
      assertMatch(message, /; set WEIR_STORE to .* that can be written and has room$/);
      (await openDenoKv(path)).close();
    }),
);

Deno.test("a newer format is refused in one line, and the lock is let go", () =>
  inFolder(async (folder) => {
    const path = `${folder}/weir.kv`;
    const kv = await Deno.openKv(path);
    const newer = new TextEncoder().encode(JSON.stringify({ format: 2 }));
    await kv.set([...keys.store()], newer);
    const message = `The store ${path} has format 2, this gateway writes 1: use a newer gateway`;
    assertEquals(await refusal(path), message);
    assertEquals(await refusal(path), message);
    kv.close();
  }));

/** What another program may have stored: only bytes are a gateway's. */
const noBytes: readonly unknown[] = ["text", 7, 7n, new Deno.KvU64(7n), [1], { length: 1 }, true];

for (const value of noBytes) {
  Deno.test(`${Deno.inspect(value)} at a key is read as no bytes, which no decoder takes`, async () => {
    const kv = await Deno.openKv(":memory:");
    const store = new DenoKvStore(kv, { shared: false });
    const { versionstamp: version } = await kv.set(["a"], value);
    const entry = { key: ["a"], value: new Uint8Array(), version };
    assertEquals(await store.read([["a"]]), [entry]);
    assertEquals(await store.scan({ prefix: [], limit: 1 }), [entry]);
    store.close();
  });
}

Deno.test("a file whose format is no bytes is refused in one line", () =>
  inFolder(async (folder) => {
    const kv = await Deno.openKv(`${folder}/weir.kv`);
    await kv.set([...keys.store()], "format 1");
    kv.close();
    const message = await refusal(`${folder}/weir.kv`);
    assert(message.startsWith(`Cannot open the store ${folder}/weir.kv: `), message);
  }));

Deno.test("a new store says its format", async () => {
  const store = await openDenoKv(":memory:");
  const [entry] = await store.read([keys.store()]);
  store.close();
  assertEquals(new TextDecoder().decode(entry?.value), '{"format":1}');
});

Deno.test("what is not a store, or cannot be one, is refused in one line", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/text`, "no database ".repeat(100));
    await Deno.mkdir(`${folder}/folder`);
    for (const path of [`${folder}/text`, `${folder}/text/weir.kv`, `${folder}/folder`]) {
      const message = await refusal(path);
      assert(message.startsWith(`Cannot open the store ${path}: `), message);
    }
  }));

/** Deno KV as it is when it does not do what it should. */
function kvThat(answers: () => Promise<never>): Deno.Kv {
  const operation = {
    check: () => operation,
    set: () => operation,
    delete: () => operation,
    commit: answers,
  };
  const kv = {
    getMany: answers,
    list: () => ({ [Symbol.asyncIterator]: () => ({ next: answers }) }),
    atomic: () => operation,
    close: () => {},
  };
  return kv as unknown as Deno.Kv;
}

const troubles: Record<string, () => Promise<never>> = {
  "throws": () => Promise.reject(new TypeError("database is locked")),
  "throws at once": () => {
    throw new TypeError("database is closed");
  },
  "does not answer in time": () => new Promise<never>(() => {}),
};

for (const [trouble, answers] of Object.entries(troubles)) {
  Deno.test(`a write is unknown, and a read unavailable, when Deno KV ${trouble}`, async () => {
    const store = new DenoKvStore(kvThat(answers), { shared: false, callMs: 1 });
    assertEquals((await store.write(WRITE)).outcome, "unknown");
    const read = await assertRejects(() => store.read([["a"]]), GatewayError);
    const scan = await assertRejects(() => store.scan({ prefix: ["a"], limit: 1 }), GatewayError);
    assertEquals([read.code, scan.code], ["unavailable", "unavailable"]);
    store.close();
  });
}
