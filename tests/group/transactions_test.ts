/** Commits that are stored with the records of their transactions. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { committedOf } from "../../src/group/offsets.ts";
import { GROUP } from "../../src/limits.ts";
import type { Append, AppendResult } from "../../src/log/append.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Write, WriteResult } from "../../src/store/store.ts";
import type { Topic } from "../../src/types.ts";
import { record, refused, valuesIn, valuesOf } from "../log/log_fixture.ts";
import { CONFLICT, UNKNOWN } from "../store/fated_store.ts";
import { testHost } from "../support/test_host.ts";
import {
  append,
  commit,
  fixture,
  type Gateway,
  gateway,
  join,
  passing,
  type Port,
} from "./group_gateway.ts";

const END = 1_000;

/** A partition of the topic that all groups read, and the next one to read there. */
interface Consumed {
  readonly partition: number;
  readonly offset: number;
  readonly metadata?: string;
}

/** Publishes the value, and commits what was read for it. */
function transact(
  { log }: Gateway,
  topic: Topic,
  port: Port,
  value: unknown,
  read: Consumed,
): Promise<AppendResult> {
  const offsets = [{ topic: "t", ...read }];
  const held = port.membership?.holdings(offsets) ?? [];
  const parts: Append["parts"] = [{ topic, records: [record(value, { partition: 0 })] }];
  const board = () => {
    assert(port.membership);
    return port.membership.board(offsets, held);
  };
  return new Promise((done) => log.append({ parts, board, done }));
}

/** The topic that transactions publish to, and the one that they read, with `END` records a partition. */
async function topics(at: Gateway): Promise<Topic> {
  for (const partition of [0, 1, 2, 3]) await append(at, partition, END);
  const out = await at.log.topics.ensure("out");
  await at.log.open(out);
  return out;
}

/** So many members, each alone in its group. */
async function loners(at: Gateway, count: number): Promise<Port[]> {
  const ports: Port[] = [];
  for (let i = 0; i < count; i++) ports.push(await join(at, { group: `g${i}` }));
  return ports;
}

async function committedIn({ log, store }: Gateway, group: string, partition: number) {
  const { id } = await log.topics.ensure("t");
  return (await committedOf(store, group, id)).get(partition)?.offset;
}

/** How many records each write has appended. */
async function appended({ log }: Gateway, topic: Topic): Promise<number[]> {
  const { sections } = await log.read(topic, 0, { from: 0, bytesMax: 1 << 20 });
  return sections.map((section) => valuesIn([section], 0).length);
}

Deno.test("transactions share a write, as many as it has checks for", async () => {
  const at = fixture();
  const out = await topics(at);
  const ports = await loners(at, 20);
  const results = await Promise.all(
    ports.map((port, i) => transact(at, out, port, i, { partition: i % 4, offset: i })),
  );
  assertEquals(results.map(refused), ports.map(() => "stored"));
  // Of the ten checks, one is the head's, and one is left to commits that come alone.
  assertEquals(await appended(at, out), [8, 8, 4]);
  assertEquals(
    (await valuesOf(at.log, out, 0, 0)).map(([, value]) => value),
    [...ports.keys()],
  );
  await at.log.journal.idle();
  for (const i of ports.keys()) assertEquals(await committedIn(at, `g${i}`, i % 4), i);
});

Deno.test("a commit that comes alone does not wait for the transactions that wait", async () => {
  const at = fixture();
  const out = await topics(at);
  const [loner, ...ports] = await loners(at, 30);
  assert(loner);
  const done: unknown[] = [];
  await Promise.all([
    ...ports.map((port, i) =>
      transact(at, out, port, i, { partition: 0, offset: 1 }).then(() => done.push(i))
    ),
    commit(loner, [{ topic: "t", partition: 0, offset: 7 }]).then(() => done.push("alone")),
  ]);
  assertEquals(done.indexOf("alone"), 8);
});

Deno.test("the commits in a write take no more bytes than one may", async () => {
  const at = fixture();
  const out = await topics(at);
  const metadata = "m".repeat(0.4 * GROUP.riderBytes);
  const results = await Promise.all(
    (await loners(at, 4)).map((port, i) =>
      transact(at, out, port, i, { partition: 0, offset: 1, metadata })
    ),
  );
  assertEquals(results.map(refused), ["stored", "stored", "stored", "stored"]);
  assertEquals(await appended(at, out), [2, 2]);
});

Deno.test("a transaction whose commit may not be made costs the others nothing", async () => {
  const at = fixture();
  const out = await topics(at);
  const results = await Promise.all(
    (await loners(at, 3)).map((port, i) =>
      transact(at, out, port, i, { partition: 0, offset: i === 1 ? END + 1 : 1 })
    ),
  );
  assertEquals(results.map(refused), ["stored", "offset_out_of_range", "stored"]);
  assertEquals(await appended(at, out), [2]);
});

const FATES = [
  "well",
  "lost",
  "stored, and the answer lost",
  "stored, and called a conflict",
] as const;

/** A store whose writes meet fates, and which tells of every write that it has stored. */
class HarshStore extends MemoryStore {
  fates: (typeof FATES)[number][] = [];
  changed: () => Promise<void> = async () => {};

  override async write(write: Write): Promise<WriteResult> {
    const fate = this.fates.shift() ?? "well";
    if (fate === "lost") return UNKNOWN;
    const result = await super.write(write);
    await this.changed();
    if (fate === "well") return result;
    return fate === "stored, and the answer lost" ? UNKNOWN : CONFLICT;
  }
}

interface Step {
  readonly member: number;
  readonly kind: "transact" | "commit";
  /** From what it committed last. */
  readonly by: number;
}

const GROUPS = 3;
const MEMBERS = 4;

const steps = fc.array(
  fc.record<Step>({
    member: fc.nat(GROUPS * MEMBERS - 1),
    kind: fc.constantFrom("transact", "transact", "commit"),
    by: fc.integer({ min: -2, max: 5 }),
  }),
  { minLength: 1, maxLength: 60 },
);

Deno.test("whatever becomes of writes, a transaction is stored once with its commit, and no offset goes back", async () => {
  const fates = fc.array(fc.constantFrom(...FATES), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(steps, fates, async (given, fates) => {
      const store = new HarshStore();
      const at = gateway(store, testHost(), "one");
      const out = await topics(at);
      const ports: { readonly port: Port; readonly group: string }[] = [];
      for (let i = 0; i < GROUPS * MEMBERS; i++) {
        const group = `g${i % GROUPS}`;
        ports.push({ group, port: await passing(at, join(at, { group })) });
      }
      await passing(at, at.groups.idle());
      const highest = new Map<string, number>();
      store.changed = async () => {
        for (const { group, port } of ports) {
          for (const partition of partitionsOf(port)) {
            const name = `${group} ${partition}`;
            const now = await committedIn(at, group, partition) ?? 0;
            assert(now >= (highest.get(name) ?? 0), `${name} went back to ${now}`);
            highest.set(name, now);
          }
        }
      };
      store.fates = [...fates];
      const stored: number[] = [];
      // A member's steps follow each other, and those of different members do not wait.
      const lines = ports.map(async ({ port, group }, member) => {
        const [partition] = partitionsOf(port);
        assert(partition !== undefined);
        let last = 0;
        for (const [number, { member: whose, kind, by }] of given.entries()) {
          if (whose !== member) continue;
          const offset = Math.max(0, last + by);
          const result = kind === "transact"
            ? await transact(at, out, port, number, { partition, offset })
            : await commit(port, [{ topic: "t", partition, offset }]);
          assert(result.ok);
          if (kind === "transact") stored.push(number);
          last = Math.max(last, offset);
        }
        return { group, partition, last };
      });
      const ends = await passing(at, Promise.all(lines));
      await passing(at, at.log.journal.idle());
      for (const { group, partition, last } of ends) {
        assertEquals(await committedIn(at, group, partition) ?? 0, last);
      }
      const values = (await valuesOf(at.log, out, 0, 0)).map(([, value]) => value);
      assertEquals(values.toSorted(), stored.toSorted());
    }),
    { numRuns: 60 },
  );
});

function partitionsOf({ owned }: Port): number[] {
  return [...owned.keys()].map((name) => Number(name.slice(name.indexOf("/") + 1)));
}
