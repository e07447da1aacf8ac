import { assert, assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Write, WriteResult } from "../../src/store/store.ts";
import { countLooks } from "../log/count_looks.ts";
import { settled, testHost } from "../support/test_host.ts";
import { gateway, join, LateStore, passing } from "./group_gateway.ts";

/** Something happens when the first of several pages of offsets is stored. */
class PagedStore extends MemoryStore {
  afterPage: (() => Promise<unknown>) | undefined;

  override async write(write: Write): Promise<WriteResult> {
    const result = await super.write(write);
    const { afterPage } = this;
    if (!afterPage || write.mutations.filter(({ key }) => key[0] === "o").length < 200) {
      return result;
    }
    this.afterPage = undefined;
    await afterPage();
    return result;
  }
}

Deno.test("what takes several writes, and is refused between them, does not say that nothing happened", async () => {
  const group = "g".repeat(200);
  const store = new PagedStore();
  const at = gateway(store, testHost(), "one");
  await at.log.topics.create("t", { partitions: 300 });
  const verbs = [
    () => at.groups.reset(group, { topics: ["t"], to: "latest" }),
    () => at.groups.remove(group),
  ];
  for (const verb of verbs) {
    const refusal = async () => {
      const error = await verb().then(() => undefined, (error: unknown) => error);
      return error instanceof GatewayError ? [error.code, error.fields()["effect"]] : error;
    };
    const joined = Promise.withResolvers<Awaited<ReturnType<typeof join>>>();
    store.afterPage = () => join(at, { group }).then(joined.resolve);
    assertEquals(await passing(at, refusal()), ["group_active", "unknown"]);
    assertEquals(await passing(at, refusal()), ["group_active", "none"]);
    const port = await joined.promise;
    await passing(at, port.membership?.leave() ?? Promise.resolve());
    await passing(at, at.groups.reset(group, { topics: ["t"], to: "latest" }));
  }
});

Deno.test("what is refused after an answer was lost does not say that nothing happened", async () => {
  const store = new LateStore();
  const at = gateway(store, testHost(), "one");
  const verbs = [
    () => at.groups.reset("g", { topics: ["t"], to: "latest" }),
    () => at.groups.remove("g"),
  ];
  await at.log.topics.ensure("t");
  for (const verb of verbs) {
    const { promise: late, resolve: lose } = Promise.withResolvers<"lost">();
    store.late = late;
    const refused = assertRejects(verb, GatewayError);
    await settled();
    const port = await passing(at, join(at));
    lose("lost");
    const { code, effect } = await passing(at, refused);
    assertEquals([code, effect], ["group_active", "unknown"]);
    await passing(at, port.membership?.leave() ?? Promise.resolve());
  }
});

Deno.test("a group is shown and reset with one look at each topic, however many partitions it has", async () => {
  const at = gateway(new MemoryStore({ shared: true }), testHost(), "one");
  await at.log.topics.create("t", { partitions: 64 });
  await passing(at, join(at));
  const looks = countLooks(at.log);
  const { offsets } = await passing(at, at.groups.describe("g"));
  for (const to of ["earliest", "latest", { timestamp: 0 }] as const) {
    await passing(at, at.groups.reset("other", { topics: ["t"], to }));
  }
  assertEquals(offsets.length, 64);
  assert(looks.count <= 4, `${looks.count} looks`);
});

Deno.test("a group is shown though one of its topics is deleted meanwhile", async () => {
  const at = gateway(new MemoryStore({ shared: true }), testHost(), "one");
  await at.log.topics.ensure("t");
  await at.log.topics.ensure("u");
  await passing(at, join(at, { topics: ["t", "u"] }));
  const list = at.log.topics.list.bind(at.log.topics);
  at.log.topics.list = async () => {
    const found = await list();
    await at.log.topics.remove("t");
    return found;
  };
  const { offsets } = await passing(at, at.groups.describe("g"));
  assertEquals(new Set(offsets.map(({ topic }) => topic)), new Set(["u"]));
});
